use ndarray::ArrayView2;

use super::guard::bad_pass;
use super::{Sequential, Workspace};
use crate::data::Dataset;
use crate::error::{Error, Result, check_finite};
use crate::metrics::{ConfusionMatrix, Metrics, Tally, classes};
use crate::output::OutputFunction;
use crate::scalar::Scalar;

/// How many rows an evaluation takes at a time; one number everywhere, so that sums come out the same.
pub(crate) const ROWS: usize = 500;

impl<A: Scalar> Sequential<A> {
    /// Loss and accuracy on a whole data set.
    ///
    /// Errors: no sample, a data set that does not fit the model or fails, a loss that is not finite, with the
    /// parameter or the layer's output that is to blame.
    #[inline(never)]
    pub fn evaluate(&self, data: &dyn Dataset<A>) -> Result<Metrics> {
        check_fit("data set", self, data)?;
        self.evaluate_in(&mut self.workspace(ROWS)?, data, || "in an evaluation".into())
    }

    /// How often the model takes samples of each class of a data set for each class: of a softmax output the class of the
    /// greatest prediction, of a single sigmoid output 1 for a prediction of ½ or more and 0 for less, as in its accuracy.
    ///
    /// Errors: another output; no sample, a data set that does not fit the model or fails, a prediction that is not finite.
    ///
    /// ```
    /// use manabi::{Affine, CrossEntropy, Samples, Sequential, Softmax};
    /// use ndarray::array;
    ///
    /// let data = Samples::labeled(array![[1.0], [2.0], [-1.0]], &[0, 0, 1], 2)?;
    /// let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(2));
    /// let mut model = builder.set_output(Softmax).set_error(CrossEntropy).build()?;
    /// model.set_parameter("affine1.weight", &array![[1.0, -1.0]])?;
    /// assert_eq!(model.confusion_matrix(&data)?.counts(), array![[2, 0], [0, 1]]);
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
                let got = format!("{} of {outputs}", self.output().kind());
                return Err(Error::setting(
                    "output",
                    "softmax, or sigmoid of 1, for a confusion matrix",
                    got,
                ));
            }
        };
        let (mut labels, mut predicted) = (Vec::new(), Vec::new());
        let mut ws = self.workspace(ROWS)?;
        each_batch(data, |rows| {
            let mut batch = || {
                ws.load(data, rows)?;
                self.tally(&mut ws)?;
                let named = |what, result: Result<_>| {
                    result.map_err(|error| error.of_rows(&format!("{what} of the data set"), ws.origins()))
                };
                labels.extend(named("targets", answers(function, ws.t()))?);
                predicted.extend(named("predictions for samples", answers(function, ws.y()))?);
                Ok(())
            };
            batch().map_err(|error: Error| error.in_place(&format!("rows from {} on", rows[0])))
        })?;
        ConfusionMatrix::new(&labels, &predicted, number)
    }

    /// The same in a workspace at hand; `place` is told where the loss is not finite.
    pub(crate) fn evaluate_in(
        &self,
        ws: &mut Workspace<A>,
        data: &dyn Dataset<A>,
        place: impl Fn() -> String,
    ) -> Result<Metrics> {
        let mut tally = Tally::default();
        each_batch(data, |rows| {
            let loaded = ws.load(data, rows).and_then(|()| self.tally(ws));
            let here = || format!("{}, rows from {} on", place(), rows[0]);
            tally.add(loaded.map_err(|error| error.in_place(&here()))?);
            match tally.mean().loss {
                loss if loss.is_finite() => Ok(()),
                loss => Err(bad_pass(self, ws, &place(), loss)),
            }
        })?;
        Ok(tally.mean())
    }
}

/// Calls `visit` with the rows of the data set, some at a time.
fn each_batch<A: Scalar>(data: &dyn Dataset<A>, mut visit: impl FnMut(&[usize]) -> Result<()>) -> Result<()> {
    let mut rows = Vec::with_capacity(ROWS);
    (0..data.len()).step_by(ROWS).try_for_each(|start| {
        rows.clear();
        rows.extend(start..data.len().min(start + ROWS));
        visit(&rows)
    })
}

/// The class that each row of predictions or targets stands for.
fn answers<A: Scalar>(function: OutputFunction, y: ArrayView2<'_, A>) -> Result<Vec<usize>> {
    check_finite("answers", y)?;
    match function {
        OutputFunction::Softmax => classes(y),
        _ => Ok(y.iter().map(|&y| usize::from(y >= A::of(0.5))).collect()),
    }
}

/// An error unless the data set has samples, and of the model's widths.
pub(crate) fn check_fit<A: Scalar>(name: &str, model: &Sequential<A>, data: &dyn Dataset<A>) -> Result<()> {
    if data.len() == 0 {
        return Err(Error::setting(name, "at least 1 sample", 0));
    }
    model.check_data(name, data)
}
