//! Losses: how wrong predictions are, and the gradient of that. The article calls a loss an *error*.
//!
//! | to predict | output | loss |
//! |---|---|---|
//! | one of several classes | [`Softmax`](crate::Softmax) | [`CrossEntropy`]; [`WeightedCrossEntropy`] with label smoothing or class weights |
//! | yes or no, once or several times | [`Sigmoid`](crate::activation::Sigmoid) | [`BinaryCrossEntropy`]; [`WeightedBinaryCrossEntropy`] with weights of yes |
//! | values | [`Identity`](crate::activation::Identity) | [`MeanSquaredError`] |
//! | values, by a formula of your own | any | [`ElementwiseLoss`] |
//! | values, some of them far off | [`Identity`](crate::activation::Identity) | [`Huber`], [`MeanAbsoluteError`] |

mod binary_cross_entropy;
mod cross_entropy;
mod elementwise;
mod huber;
mod mean_absolute_error;
mod mean_squared_error;
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
pub use weighted_binary_cross_entropy::WeightedBinaryCrossEntropy;
pub use weighted_cross_entropy::WeightedCrossEntropy;

use crate::delegate::delegate;
use crate::error::{Error, Result};
use crate::output::{Output, OutputFunction};
use crate::scalar::Scalar;
use crate::settings::Settings;
use crate::simd::dispatch;

/// A loss (the article's *error*), or your own. For a loss of one prediction and one target, write a [`LossFn`] instead: one
/// method.
///
/// Arrays are (batch, outputs) in standard layout: the predictions `y`, the targets `t`. All arrays of one call have the
/// same shape; whoever calls a loss sees to that.
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
    /// The name that a model's table shows, and by which a file knows the loss: one that no other has.
    fn kind(&self) -> &str;

    /// Whether the loss makes sense for outputs of this meaning.
    fn accepts(&self, function: OutputFunction) -> bool;

    /// An error if a setting of the loss is out of its range, or makes no sense for this many outputs; asked when a model
    /// is built.
    fn check_outputs(&self, _outputs: usize) -> Result<()> {
        Ok(())
    }

    /// An error if the loss makes no sense for these targets; asked for every batch. A model names the data set's row in an
    /// [`Error::Row`], whose row is one of `t`.
    fn check_targets(&self, _t: ArrayView2<'_, A>) -> Result<()> {
        Ok(())
    }

    /// Returns what a saved model says of the loss, for a registry to make it again: [`Settings::new`] if there is nothing to
    /// tell. `None`, the default, if the loss cannot be saved.
    fn settings(&self) -> Option<Settings> {
        None
    }

    /// The sum over the rows of each row's loss.
    fn sum(&self, y: ArrayView2<'_, A>, t: ArrayView2<'_, A>) -> f64;

    /// The same sum with the logits `u` at hand, for a loss that is exact only from them; this is the one that a model
    /// asks for.
    fn sum_from_logits(&self, _u: ArrayView2<'_, A>, y: ArrayView2<'_, A>, t: ArrayView2<'_, A>) -> f64 {
        self.sum(y, t)
    }

    /// What the sum is divided by for the mean: the number of rows, or what they weigh. Over several batches the sums and
    /// these add up. Where it is 0, the batch
    /// by itself has loss 0, and its gradient must be 0.
    fn weight(&self, t: ArrayView2<'_, A>) -> f64 {
        t.nrows() as f64
    }

    /// Writes the gradient of the mean loss by the logits to `du`.
    ///
    /// A loss that knows its gradient by the logits of this output writes it directly; any other writes the gradient by
    /// `y` and lets [`Output::backward`] turn it.
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
    fn sum(&self, y: ArrayView2<'_, A>, t: ArrayView2<'_, A>) -> f64;
    fn sum_from_logits(&self, u: ArrayView2<'_, A>, y: ArrayView2<'_, A>, t: ArrayView2<'_, A>) -> f64;
    fn weight(&self, t: ArrayView2<'_, A>) -> f64;
    fn gradient(&self, output: &dyn Output<A>, u: ArrayView2<'_, A>, y: ArrayView2<'_, A>, t: ArrayView2<'_, A>, du: ArrayViewMut2<'_, A>);
});

/// A loss with different settings, and what makes it from its settings.
#[doc(hidden)]
pub type BuiltInLoss<A> = (Vec<Arc<dyn Loss<A>>>, fn(&Settings) -> Result<Arc<dyn Loss<A>>>);

/// Returns every built-in loss, with examples for this many outputs: the list to which who adds one adds it.
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

/// (y − t)/n: the gradient by the logits wherever output and loss are made for each other.
fn difference<A: Scalar>(y: ArrayView2<'_, A>, t: ArrayView2<'_, A>, n: usize, du: ArrayViewMut2<'_, A>) {
    let n = A::of(n as f64);
    Zip::from(du).and(y).and(t).for_each(|du, &y, &t| *du = (y - t) / n);
}

/// The sum of a term over all numbers, row by row, from the column, the value and the target.
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
                let slice = "a row in standard layout";
                let (values, t) = (values.to_slice().expect(slice), t.to_slice().expect(slice));
                for (k, (values, t)) in values.chunks(CHUNK).zip(t.chunks(CHUNK)).enumerate() {
                    // Apart from the sum, which has an order, the terms are computed side by side.
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

/// The terms that are computed side by side.
const CHUNK: usize = 64;

/// ln(max(y, 10⁻⁷)), but NaN for NaN.
fn floored_ln(y: f64) -> f64 {
    (if y < 1e-7 { 1e-7 } else { y }).ln()
}

/// An error that names the first row of targets which `is_right` does not accept.
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

/// An error unless every row of targets is a distribution over classes.
fn check_distributions<A: Scalar>(t: ArrayView2<'_, A>) -> Result<()> {
    check_rows(t, "a distribution (at least 0 each, 1 in all)", |row| {
        row.iter().all(|&t| t >= A::zero()) && (row.sum().widen() - 1.0).abs() < 1e-3
    })
}

/// An error unless every target is a probability.
fn check_probabilities<A: Scalar>(t: ArrayView2<'_, A>) -> Result<()> {
    check_rows(t, "numbers from 0 to 1", |row| row.iter().all(|&t| t >= A::zero() && t <= A::one()))
}

/// An error unless there is one weight for each output, none negative or infinite.
fn check_weights(setting: &str, weights: &[f64], outputs: usize) -> Result<()> {
    if weights.len() != outputs {
        let expected = format!("{outputs} weights, one for each output");
        return Err(Error::setting(setting, expected, weights.len()));
    }
    match weights.iter().find(|&&weight| !(weight >= 0.0 && weight.is_finite())) {
        Some(weight) => Err(Error::setting(setting, "finite numbers of at least 0", weight)),
        None => Ok(()),
    }
}
