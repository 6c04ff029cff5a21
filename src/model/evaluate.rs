use std::ops::Range;

use ndarray::ArrayView2;

use super::guard::bad_pass;
use super::{Sequential, Workspace};
use crate::data::{Dataset, check_any_weight};
use crate::error::{Error, Result, check_finite};
use crate::metrics::{ConfusionMatrix, Metrics, Tally, classes};
use crate::output::OutputFunction;
use crate::scalar::Scalar;

/// The batch size of an evaluation. It is the same everywhere, so that sums over the same data have the same bits.
pub(crate) const ROWS: usize = 500;

impl<A: Scalar> Sequential<A> {
    /// Returns the loss and the accuracy on a data set. If the data set has [weights](Dataset::weight), both are weighted means.
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::Setting`] if the data set has no samples, does not fit the model, or has only weights of 0,
    /// - [`Error::OutOfMemory`] if a workspace does not fit in memory,
    /// - [`Error::Training`] if the data set fails to provide a batch, or if the loss is not defined for the targets,
    /// - [`Error::Training`] if the loss is not finite because a parameter, buffer, sample, target, layer output or prediction is
    ///   not finite; the error names the value,
    /// - [`Error::Diverged`] if the loss is not finite although all these values are finite.
    #[inline(never)]
    pub fn evaluate(&self, data: &dyn Dataset<A>) -> Result<Metrics> {
        check_fit("data set", self, data)?;
        self.evaluate_in(&mut self.workspace(ROWS)?, data, || "during evaluation".into())
    }

    /// Returns how often the model assigns samples of each class of a data set to each class. If the data set has
    /// [weights](Dataset::weight), the counts are sums of weights, so that the accuracy of the matrix is that of
    /// [`evaluate`](Sequential::evaluate).
    ///
    /// With a softmax output, the predicted class is the class with the greatest prediction. With a single sigmoid output, it is
    /// 1 if the prediction is at least ½, and 0 otherwise. The accuracy uses the same rule.
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::Setting`] if the output is neither a softmax nor a single sigmoid,
    /// - [`Error::Setting`] if the data set has no samples, does not fit the model, or has only weights of 0, or weights whose
    ///   sum is not finite,
    /// - [`Error::OutOfMemory`] if a workspace does not fit in memory,
    /// - [`Error::Training`] if the data set fails to provide a batch, if the loss is not defined for the targets, or if a target
    ///   or a prediction is not finite.
    ///
    /// # Examples
    ///
    /// ```
    /// use manabi::{Affine, CrossEntropy, Samples, Sequential, Softmax};
    /// use ndarray::array;
    ///
    /// let data = Samples::labeled(array![[1.0], [2.0], [-1.0]], &[0, 0, 1], 2)?;
    /// let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(2));
    /// let mut model = builder.set_output(Softmax).set_error(CrossEntropy).build()?;
    /// model.set_parameter("affine1.weight", &array![[1.0, -1.0]])?;
    /// assert_eq!(model.confusion_matrix(&data)?.counts(), array![[2.0, 0.0], [0.0, 1.0]]);
    /// # Ok::<(), manabi::Error>(())
    /// ```
    #[inline(never)]
    pub fn confusion_matrix(&self, data: &dyn Dataset<A>) -> Result<ConfusionMatrix> {
        check_fit("data set", self, data)?;
        let (function, outputs) = (self.output().function(), self.output_dim());
        let number = match (function, outputs) {
            (OutputFunction::Softmax, _) => outputs,
            (OutputFunction::Sigmoid, 1) => 2,
            _ => {
                let got = format!("{} of width {outputs}", self.output().kind());
                return Err(Error::setting(
                    "output",
                    "softmax, or sigmoid of width 1, for a confusion matrix",
                    got,
                ));
            }
        };
        let (mut labels, mut predicted, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        let mut ws = self.workspace(ROWS)?;
        each_batch(data, 0..batches(data), |rows| {
            let mut batch = || {
                ws.load(data, rows)?;
                self.tally(&mut ws)?;
                let named = |what, result: Result<_>| {
                    result.map_err(|error| error.of_rows(&format!("{what} of the data set"), ws.origins()))
                };
                labels.extend(named("targets", answers(function, ws.t()))?);
                predicted.extend(named("predictions for samples", answers(function, ws.y()))?);
                match ws.weights() {
                    Some(of_rows) => weights.extend_from_slice(of_rows),
                    None => weights.resize(labels.len(), 1.0),
                }
                Ok(())
            };
            batch().map_err(|error: Error| error.in_place(&format!("rows starting at {}", rows[0])))
        })?;
        ConfusionMatrix::new(&labels, &predicted, number, Some(&weights))
    }

    /// Returns the loss and the accuracy of each head on a data set, by name. The losses do not contain the weights of the
    /// [`Heads`](crate::loss::Heads). Weights of samples count as in [`evaluate`](Sequential::evaluate).
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`] if the loss is not [`Heads`](crate::loss::Heads), and the errors of
    /// [`evaluate`](Sequential::evaluate).
    #[inline(never)]
    pub fn evaluate_heads(&self, data: &dyn Dataset<A>) -> Result<Vec<(String, Metrics)>> {
        let heads = self.loss.heads().ok_or_else(|| Error::setting("loss", "heads", self.loss.kind()))?;
        check_fit("data set", self, data)?;
        let mut sums: Vec<_> = heads.columns().map(|(name, _)| (name.to_owned(), Tally::default())).collect();
        let mut ws = self.workspace(ROWS)?;
        each_batch(data, 0..batches(data), |rows| {
            let place = || format!("during evaluation, rows starting at {}", rows[0]);
            let tally = ws.load(data, rows).and_then(|()| self.tally(&mut ws));
            match tally.map_err(|error| error.in_place(&place()))?.mean().loss {
                loss if loss.is_finite() => {}
                loss => return Err(bad_pass(self, &ws, &place(), loss)),
            }
            let tallies = heads.tallies([self.logits(&ws), ws.y(), ws.t()], ws.weights());
            sums.iter_mut().zip(tallies).for_each(|((_, sum), tally)| sum.add(tally));
            Ok(())
        })?;
        Ok(sums.into_iter().map(|(name, sum)| (name, sum.mean())).collect())
    }

    /// Returns the loss and the accuracy on a data set, computed in the workspace `ws`. Errors begin with `place`.
    pub(crate) fn evaluate_in(
        &self,
        ws: &mut Workspace<A>,
        data: &dyn Dataset<A>,
        place: impl Fn() -> String,
    ) -> Result<Metrics> {
        let mut sum = Tally::default();
        self.tally_batches(ws, data, 0..batches(data), place, |tally, _| {
            sum.add(tally);
            sum.mean().loss
        })?;
        Ok(sum.mean())
    }

    /// Computes the tallies of some batches of a data set, in order. `add` gets each tally with the workspace that contains its
    /// batch, and returns a loss, which must be finite.
    pub(crate) fn tally_batches(
        &self,
        ws: &mut Workspace<A>,
        data: &dyn Dataset<A>,
        batches: Range<usize>,
        place: impl Fn() -> String,
        mut add: impl FnMut(Tally, &Workspace<A>) -> f64,
    ) -> Result<()> {
        each_batch(data, batches, |rows| {
            let loaded = ws.load(data, rows).and_then(|()| self.tally(ws));
            let here = || format!("{}, rows starting at {}", place(), rows[0]);
            match add(loaded.map_err(|error| error.in_place(&here()))?, ws) {
                loss if loss.is_finite() => Ok(()),
                loss => Err(bad_pass(self, ws, &place(), loss)),
            }
        })
    }
}

/// Returns the number of batches of at most [`ROWS`] rows in a data set.
pub(crate) fn batches<A: Scalar>(data: &dyn Dataset<A>) -> usize {
    data.len().div_ceil(ROWS)
}

/// Calls `visit` with the rows of some batches of a data set, in order.
fn each_batch<A: Scalar>(
    data: &dyn Dataset<A>,
    mut batches: Range<usize>,
    mut visit: impl FnMut(&[usize]) -> Result<()>,
) -> Result<()> {
    let mut rows = Vec::with_capacity(ROWS);
    batches.try_for_each(|batch| {
        rows.clear();
        rows.extend(batch * ROWS..data.len().min((batch + 1) * ROWS));
        visit(&rows)
    })
}

/// Returns the class of each row of predictions or targets.
fn answers<A: Scalar>(function: OutputFunction, y: ArrayView2<'_, A>) -> Result<Vec<usize>> {
    check_finite("answers", y)?;
    match function {
        OutputFunction::Softmax => classes(y),
        _ => Ok(y.iter().map(|&y| usize::from(y >= A::of(0.5))).collect()),
    }
}

/// Checks that the data set has samples and fits the model.
pub(crate) fn check_fit<A: Scalar>(name: &str, model: &Sequential<A>, data: &dyn Dataset<A>) -> Result<()> {
    if data.len() == 0 {
        return Err(Error::setting(name, "at least 1 sample", 0));
    }
    check_any_weight(name, data)?;
    model.check_data(name, data)
}
