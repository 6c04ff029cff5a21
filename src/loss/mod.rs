//! Loss functions, which measure how wrong predictions are, and their gradients.
//!
//! The series of articles from which the crate grew calls a loss an *error*, as in `set_error`.
//!
//! | to predict | output | loss |
//! |---|---|---|
//! | one of several classes | [`Softmax`](crate::Softmax) | [`CrossEntropy`]; [`WeightedCrossEntropy`] with label smoothing or class weights |
//! | yes or no, for one output or several | [`Sigmoid`](crate::activation::Sigmoid) | [`BinaryCrossEntropy`]; [`WeightedBinaryCrossEntropy`] with weights for positive targets |
//! | values | [`Identity`](crate::activation::Identity) | [`MeanSquaredError`] |
//! | values, with a custom formula | any | [`ElementwiseLoss`] |
//! | values with outliers | [`Identity`](crate::activation::Identity) | [`Huber`], [`MeanAbsoluteError`] |
//! | several of these at once | [`Heads`] | [`Heads`] |

mod binary_cross_entropy;
mod cross_entropy;
mod elementwise;
mod huber;
mod mean_absolute_error;
mod mean_squared_error;
mod samples;
mod weighted_binary_cross_entropy;
mod weighted_cross_entropy;

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use ndarray::{ArrayView1, ArrayView2, ArrayViewMut2, Zip};

pub use binary_cross_entropy::BinaryCrossEntropy;
pub use cross_entropy::CrossEntropy;
pub use elementwise::{ElementwiseLoss, LossFn};
pub use huber::Huber;
pub use mean_absolute_error::MeanAbsoluteError;
pub use mean_squared_error::MeanSquaredError;
pub(crate) use samples::{weigh_gradient, weighted_sums};
pub use weighted_binary_cross_entropy::WeightedBinaryCrossEntropy;
pub use weighted_cross_entropy::WeightedCrossEntropy;

use crate::delegate::delegate;
use crate::error::{Error, Result};
pub use crate::heads::Heads;
use crate::output::{Output, OutputFunction};
use crate::scalar::Scalar;
use crate::settings::Settings;
use crate::simd::dispatch;

/// A loss function, also called *error*. For a custom loss of one prediction and one target, implement [`LossFn`] instead, which
/// requires a single method.
///
/// The predictions `y`, the targets `t` and all other arrays have the shape (batch, outputs) and are in standard layout. The
/// caller ensures that all arrays of a call have the same shape.
///
/// The mean loss is a sum over rows, divided by a sum over rows: [`sum`](Loss::sum) and [`weight`](Loss::weight) of a batch are
/// the totals of their values for each row. Weights of samples ([`Dataset::weight`](crate::data::Dataset::weight)), shards and
/// means over several batches rely on this. A loss that compares rows with each other needs another place, such as
/// [`Sequential::backward`](crate::Sequential::backward).
///
/// # Examples
///
/// ```
/// use manabi::activation::Identity;
/// use manabi::loss::Loss;
/// use manabi::output::{Output, OutputFunction};
/// use manabi::{Affine, Samples, Scalar, Sequential, gradcheck};
/// use ndarray::{ArrayView2, ArrayViewMut2, array};
///
/// /// The distance between predicted and true direction: 1 − cos of the angle between the two rows.
/// #[derive(Debug)]
/// struct CosineDistance;
///
/// impl<A: Scalar> Loss<A> for CosineDistance {
///     fn kind(&self) -> &str {
///         "cosine_distance"
///     }
///     fn accepts(&self, _: OutputFunction) -> bool {
///         true
///     }
///     fn sum(&self, y: ArrayView2<'_, A>, t: ArrayView2<'_, A>) -> f64 {
///         let rows = y.rows().into_iter().zip(t.rows());
///         rows.map(|(y, t)| 1.0 - (y.dot(&t) / (y.dot(&y) * t.dot(&t)).sqrt()).widen()).sum()
///     }
///     fn gradient(
///         &self,
///         output: &dyn Output<A>,
///         u: ArrayView2<'_, A>,
///         y: ArrayView2<'_, A>,
///         t: ArrayView2<'_, A>,
///         mut du: ArrayViewMut2<'_, A>,
///     ) {
///         let count = A::of(y.nrows() as f64);
///         for ((mut du, y), t) in du.rows_mut().into_iter().zip(y.rows()).zip(t.rows()) {
///             let (square, norms) = (y.dot(&y), (y.dot(&y) * t.dot(&t)).sqrt());
///             let cos = y.dot(&t) / norms;
///             for ((du, &y), &t) in du.iter_mut().zip(y).zip(t) {
///                 *du = (cos * y / square - t / norms) / count;
///             }
///         }
///         output.backward(u, y, du);
///     }
/// }
///
/// let data = Samples::new(array![[1.0, 2.0], [0.5, -1.0]], array![[3.0, 4.0], [1.0, 0.5]])?;
/// let builder = Sequential::builder(2).add_layer("affine1", Affine::new(2));
/// let model = builder.set_output(Identity).set_error(CosineDistance).build()?;
/// gradcheck::model(&model, &data)?.assert();
/// # Ok::<(), manabi::Error>(())
/// ```
#[doc(alias("error", "criterion", "objective"))]
pub trait Loss<A: Scalar>: Any + Debug + Send + Sync {
    /// Returns the kind: the unique name of the loss in a model's table and in files.
    fn kind(&self) -> &str;

    /// Returns whether the loss is defined for outputs with this meaning.
    fn accepts(&self, function: OutputFunction) -> bool;

    /// Checks the settings of the loss for this number of outputs. This method is called when a model is built.
    ///
    /// # Errors
    ///
    /// Returns an error, usually [`Error::Setting`], if a setting is out of range or does not fit the number of outputs. The
    /// default implementation returns `Ok`.
    fn check_outputs(&self, _outputs: usize) -> Result<()> {
        Ok(())
    }

    /// Checks the targets of a batch. This method is called for every batch.
    ///
    /// # Errors
    ///
    /// Returns an error, usually [`Error::Row`] with the index of a row in `t`, if the loss is not defined for these targets. The
    /// model replaces that index with the index of the row in the data set. The default implementation returns `Ok`.
    fn check_targets(&self, _t: ArrayView2<'_, A>) -> Result<()> {
        Ok(())
    }

    /// Returns the settings that a saved model stores, from which a registry recreates the loss. Returns [`Settings::new`] if the
    /// loss has no settings. Returns `None`, the default, if the loss cannot be saved.
    fn settings(&self) -> Option<Settings> {
        None
    }

    /// Returns the heads if the loss consists of [`Heads`]. The default is `None`.
    fn heads(&self) -> Option<&Heads<A>> {
        None
    }

    /// Returns the sum of the losses of all rows.
    fn sum(&self, y: ArrayView2<'_, A>, t: ArrayView2<'_, A>) -> f64;

    /// Returns the same sum, given the logits `u` as well. A model always calls this method.
    ///
    /// Implement it for a loss that is exact only if it is computed from the logits. The default implementation calls
    /// [`sum`](Loss::sum).
    fn sum_from_logits(&self, _u: ArrayView2<'_, A>, y: ArrayView2<'_, A>, t: ArrayView2<'_, A>) -> f64 {
        self.sum(y, t)
    }

    /// Returns the divisor that turns the sum into a mean: the number of rows, or their total weight.
    ///
    /// The mean over several batches divides the total of the sums by the total of the divisors. If the divisor of a batch is 0,
    /// its own loss is 0 and its gradient must be 0.
    fn weight(&self, t: ArrayView2<'_, A>) -> f64 {
        t.nrows() as f64
    }

    /// Writes the gradient of the mean loss with respect to the logits to `du`.
    ///
    /// If the loss has a direct formula for this output, it writes that gradient. Otherwise it writes the gradient with respect
    /// to `y` and calls [`Output::backward`], which turns it into the gradient with respect to the logits.
    fn gradient(
        &self,
        output: &dyn Output<A>,
        u: ArrayView2<'_, A>,
        y: ArrayView2<'_, A>,
        t: ArrayView2<'_, A>,
        du: ArrayViewMut2<'_, A>,
    );
}

delegate!([A: Scalar] Loss<A>, for [Box<dyn Loss<A>>, Arc<dyn Loss<A>>], {
    fn kind(&self) -> &str;
    fn accepts(&self, function: OutputFunction) -> bool;
    fn check_outputs(&self, outputs: usize) -> Result<()>;
    fn check_targets(&self, t: ArrayView2<'_, A>) -> Result<()>;
    fn settings(&self) -> Option<Settings>;
    fn heads(&self) -> Option<&Heads<A>>;
    fn sum(&self, y: ArrayView2<'_, A>, t: ArrayView2<'_, A>) -> f64;
    fn sum_from_logits(&self, u: ArrayView2<'_, A>, y: ArrayView2<'_, A>, t: ArrayView2<'_, A>) -> f64;
    fn weight(&self, t: ArrayView2<'_, A>) -> f64;
    fn gradient(&self, output: &dyn Output<A>, u: ArrayView2<'_, A>, y: ArrayView2<'_, A>, t: ArrayView2<'_, A>, du: ArrayViewMut2<'_, A>);
});

/// Examples of a loss with different settings, and the function that creates the loss from its settings.
#[doc(hidden)]
pub type BuiltInLoss<A> = (Vec<Arc<dyn Loss<A>>>, fn(&Settings) -> Result<Arc<dyn Loss<A>>>);

/// Returns every built-in loss, with examples for this number of outputs. A new loss needs an entry here.
#[doc(hidden)]
pub fn built_in_losses<A: Scalar>(outputs: usize) -> Vec<BuiltInLoss<A>> {
    let weights: Vec<f64> = (0..outputs).map(|output| 0.5 + output as f64).collect();
    let weighted = CrossEntropy.class_weights(weights.clone());
    vec![
        (vec![Arc::new(CrossEntropy)], |_| Ok(Arc::new(CrossEntropy))),
        (vec![Arc::new(BinaryCrossEntropy)], |_| Ok(Arc::new(BinaryCrossEntropy))),
        (vec![Arc::new(MeanSquaredError)], |_| Ok(Arc::new(MeanSquaredError))),
        (vec![Arc::new(MeanAbsoluteError)], |_| Ok(Arc::new(MeanAbsoluteError))),
        (vec![Arc::new(Huber::new(0.7))], |settings| Ok(Arc::new(Huber::new(settings.number("delta")?)))),
        (vec![Arc::new(BinaryCrossEntropy.pos_weight(weights))], |settings| {
            Ok(Arc::new(BinaryCrossEntropy.pos_weight(settings.numbers("pos_weight")?)))
        }),
        (
            vec![
                Arc::new(CrossEntropy.label_smoothing(0.1)),
                Arc::new(weighted.clone()),
                Arc::new(weighted.mean_over_samples(true)),
            ],
            |settings| {
                let loss = CrossEntropy.label_smoothing(settings.number("label_smoothing")?);
                let loss = loss.mean_over_samples(settings.flag("mean_over_samples")?);
                Ok(match settings.get("class_weights") {
                    Some(_) => Arc::new(loss.class_weights(settings.numbers("class_weights")?)),
                    None => Arc::new(loss),
                })
            },
        ),
    ]
}

/// Writes (y − t)/n to `du`. If the output and the loss match, this is the gradient with respect to the logits.
fn difference<A: Scalar>(y: ArrayView2<'_, A>, t: ArrayView2<'_, A>, n: usize, du: ArrayViewMut2<'_, A>) {
    let n = A::of(n as f64);
    Zip::from(du).and(y).and(t).for_each(|du, &y, &t| *du = (y - t) / n);
}

/// Returns the sum of `term(column, value, target)` over all elements, row by row.
#[inline(always)]
fn sum_terms<A: Scalar>(
    values: ArrayView2<'_, A>,
    t: ArrayView2<'_, A>,
    term: impl Fn(usize, f64, f64) -> f64,
) -> f64 {
    let (values, t) = (values.as_standard_layout(), t.as_standard_layout());
    dispatch(
        #[inline(always)]
        || {
            let (mut sum, mut terms) = (0.0, [0.0; CHUNK]);
            for (values, t) in values.rows().into_iter().zip(t.rows()) {
                let slice = "the row is in standard layout";
                let (values, t) = (values.to_slice().expect(slice), t.to_slice().expect(slice));
                for (k, (values, t)) in values.chunks(CHUNK).zip(t.chunks(CHUNK)).enumerate() {
                    // The terms are computed before the sum, whose order is fixed, so that this loop is vectorised.
                    let (terms, t) = (&mut terms[..values.len()], &t[..values.len()]);
                    for i in 0..values.len() {
                        terms[i] = term(CHUNK * k + i, values[i].widen(), t[i].widen());
                    }
                    for term in terms {
                        sum += *term;
                    }
                }
            }
            sum
        },
    )
}

/// The number of terms that are computed together.
const CHUNK: usize = 64;

/// Returns ln(max(y, 10⁻⁷)). NaN stays NaN.
fn floored_ln(y: f64) -> f64 {
    (if y < 1e-7 { 1e-7 } else { y }).ln()
}

/// Returns an error that names the first row of targets that `is_right` rejects.
fn check_rows<A: Scalar>(
    t: ArrayView2<'_, A>,
    expected: &str,
    is_right: impl Fn(ArrayView1<'_, A>) -> bool,
) -> Result<()> {
    match t.rows().into_iter().position(|row| !is_right(row)) {
        Some(row) => Err(Error::row("targets", row, expected, t.row(row))),
        None => Ok(()),
    }
}

/// Returns an error unless every row of targets is a distribution over classes.
fn check_distributions<A: Scalar>(t: ArrayView2<'_, A>) -> Result<()> {
    check_rows(t, "a distribution (values of at least 0 with sum 1)", |row| {
        row.iter().all(|&t| t >= A::zero()) && (row.sum().widen() - 1.0).abs() < 1e-3
    })
}

/// Returns an error unless every target is a probability.
fn check_probabilities<A: Scalar>(t: ArrayView2<'_, A>) -> Result<()> {
    check_rows(t, "values from 0 to 1", |row| row.iter().all(|&t| t >= A::zero() && t <= A::one()))
}

/// Returns an error unless there is one weight for each output and every weight is finite and at least 0.
fn check_weights(setting: &str, weights: &[f64], outputs: usize) -> Result<()> {
    if weights.len() != outputs {
        let expected = format!("{outputs} weights, one for each output");
        return Err(Error::setting(setting, expected, weights.len()));
    }
    match weights.iter().find(|&&weight| !(weight >= 0.0 && weight.is_finite())) {
        Some(weight) => Err(Error::setting(setting, "finite weights of at least 0", weight)),
        None => Ok(()),
    }
}
