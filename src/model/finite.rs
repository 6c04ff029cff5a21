use super::Sequential;
use super::workspace::Workspace;
use crate::error::{Result, check_finite};
use crate::scalar::Scalar;

/// Searches for the origin of a NaN or an infinity, run only after one has been detected.
impl<A: Scalar> Sequential<A> {
    /// Checks that all values of the last forward pass are finite: the batch, the outputs of the layers from first to last, and
    /// the predictions. The error names the first value that is not finite and the row of its sample in the data set.
    pub(crate) fn check_forward(&self, ws: &Workspace<A>) -> Result<()> {
        let check = |what: &str, array| {
            check_finite(what, array)
                .map_err(|error| error.of_rows(&format!("{what} of the data set"), ws.origins()))
        };
        check("samples", ws.batch.x())?;
        check("targets", ws.t())?;
        let kept = ws.memory.kept(ws.batch.rows());
        for (index, slot) in self.slots().iter().enumerate() {
            let output = check("output for samples", kept.array(self.plan.output_at(index)));
            output.map_err(|error| error.in_layer(&slot.name))?;
        }
        check("predictions for samples", ws.y())
    }

    /// Checks that all gradients of the last backward pass, over this number of rows, are finite: the gradient of the loss, then
    /// the gradients of the layers from last to first. The error names the first value that is not finite.
    pub(crate) fn check_backward(&self, ws: &Workspace<A>, rows: usize) -> Result<()> {
        let gradients = ws.memory.gradients(rows);
        let by_output =
            |what: &str, index: usize| check_finite(what, gradients.array(self.plan.gradient_at(index)));
        by_output("gradient of the loss", self.slots().len() - 1)?;
        for (index, slot) in self.slots().iter().enumerate().rev() {
            let in_layer = |result: Result<()>| result.map_err(|error| error.in_layer(&slot.name));
            for place in self.places().filter(|place| place.layer == slot.name) {
                let what = format!("gradient with respect to {}", place.spec.name);
                in_layer(place.check_finite(&what, &ws.gradient))?;
            }
            // The gradient with respect to the input of the model is never computed.
            if index > 0 {
                in_layer(by_output("gradient with respect to the input", index - 1))?;
            }
        }
        Ok(())
    }
}
