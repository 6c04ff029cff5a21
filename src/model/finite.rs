use super::Sequential;
use super::workspace::Workspace;
use crate::buffer::matrix;
use crate::error::{Result, check_finite};
use crate::scalar::Scalar;

/// Where a number arose that is not finite: for the moment when one has been seen.
impl<A: Scalar> Sequential<A> {
    /// An error that names the first number of the last forward pass that is not finite, and its sample's row in the data
    /// set: of the batch, of the layers' outputs from first to last, or of the predictions.
    pub(crate) fn check_forward(&self, ws: &Workspace<A>) -> Result<()> {
        let check = |what: &str, array| {
            check_finite(what, array)
                .map_err(|error| error.of_rows(&format!("{what} of the data set"), ws.origins()))
        };
        check("samples", matrix(&ws.x, ws.rows, self.input_dim()))?;
        check("targets", ws.t())?;
        let kept = ws.memory.kept(ws.rows);
        for (index, slot) in self.slots().iter().enumerate() {
            let output = check("output for samples", kept.array(self.plan.output_at(index)));
            output.map_err(|error| error.in_layer(&slot.name))?;
        }
        check("predictions for samples", ws.y())
    }

    /// An error that names the first value of the last backward pass, over this many rows, that is not finite: of the loss, or
    /// of the layers from last to first.
    pub(crate) fn check_backward(&self, ws: &Workspace<A>, rows: usize) -> Result<()> {
        let gradients = ws.memory.gradients(rows);
        let by_output =
            |what: &str, index: usize| check_finite(what, gradients.array(self.plan.gradient_at(index)));
        by_output("gradient of the loss", self.slots().len() - 1)?;
        for (index, slot) in self.slots().iter().enumerate().rev() {
            let in_layer = |result: Result<()>| result.map_err(|error| error.in_layer(&slot.name));
            for place in self.places().filter(|place| place.layer == slot.name) {
                let what = format!("gradient by {}", place.spec.name);
                in_layer(place.check_finite(&what, &ws.gradient))?;
            }
            // The gradient by the model's own input is never computed.
            if index > 0 {
                in_layer(by_output("gradient by the input", index - 1))?;
            }
        }
        Ok(())
    }
}
