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
    /// Errors: no sample, a data set that does not fit the model, a loss that is not finite.
    pub fn evaluate(&self, data: &dyn Dataset<A>) -> Result<Metrics> {
        self.evaluate_in(&mut self.workspace(ROWS), data)
    }

    pub(super) fn evaluate_in(&self, ws: &mut Workspace<A>, data: &dyn Dataset<A>) -> Result<Metrics> {
        if data.is_empty() {
            return Err(Error::setting("data set", "at least 1 sample", 0));
        }
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
            false => Err(Error::Diverged { place: "in an evaluation".into(), loss: metrics.loss }),
        }
    }
}
