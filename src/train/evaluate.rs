use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::metrics::{Metrics, Tally};
use crate::model::{Sequential, Workspace};
use crate::scalar::Scalar;

/// How many rows an evaluation takes at a time; one number everywhere, so that sums come out the same.
pub(super) const ROWS: usize = 500;

impl<A: Scalar> Sequential<A> {
    /// Loss and accuracy on a whole data set.
    ///
    /// Errors: no sample, a data set that does not fit the model or fails, a loss that is not finite.
    pub fn evaluate(&self, data: &dyn Dataset<A>) -> Result<Metrics> {
        check_fit("data set", self, data)?;
        self.evaluate_in(&mut self.workspace(ROWS)?, data, || "in an evaluation".into())
    }

    /// The same in a workspace at hand; `place` is told where the loss is not finite.
    pub(super) fn evaluate_in(
        &self,
        ws: &mut Workspace<A>,
        data: &dyn Dataset<A>,
        place: impl FnOnce() -> String,
    ) -> Result<Metrics> {
        let (mut tally, mut rows) = (Tally::default(), Vec::with_capacity(ROWS));
        for start in (0..data.len()).step_by(ROWS) {
            rows.clear();
            rows.extend(start..data.len().min(start + ROWS));
            ws.load(data, &rows)?;
            tally.add(self.tally(ws)?);
        }
        let metrics = tally.mean();
        match metrics.loss.is_finite() {
            true => Ok(metrics),
            false => Err(Error::Diverged { place: place(), loss: metrics.loss }),
        }
    }
}

/// An error unless the data set has samples, and of the model's widths.
pub(super) fn check_fit<A: Scalar>(name: &str, model: &Sequential<A>, data: &dyn Dataset<A>) -> Result<()> {
    if data.len() == 0 {
        return Err(Error::setting(name, "at least 1 sample", 0));
    }
    let (got, expected) = ([data.input_dim(), data.target_dim()], [model.input_dim(), model.output_dim()]);
    match got == expected {
        true => Ok(()),
        false => Err(Error::shape(name, format!("samples and targets of {expected:?} numbers"), &got)),
    }
}
