use ndarray::{ArrayView1, ArrayView2, ArrayViewMut2};

use super::{Loss, check_distributions, check_weights, floored_ln};
use crate::error::Result;
use crate::output::{Output, OutputFunction};
use crate::scalar::Real;
use crate::scalar::Scalar;
use crate::settings::{Settings, check, check_share};
use crate::simd::dispatch;

/// The cross entropy with label smoothing and class weights: [`CrossEntropy`](crate::CrossEntropy) with settings, and
/// without its floor.
///
/// Label smoothing keeps a model from becoming overconfident. Class weights let rare classes count as much as frequent ones.
///
/// Formula: Σ −qᵢ·ln yᵢ / W, summed over rows and classes, with qᵢ = wᵢ·((1 − ε)·tᵢ + ε/classes). W = Σ wᵢ·tᵢ is the total weight
/// of the targets, or with [`mean_over_samples`](WeightedCrossEntropy::mean_over_samples) the number of rows.
///
/// Derivative: (y·Σⱼ qⱼ − q)/W with respect to the logits, fused with the softmax.
///
/// Shapes: y and t (batch, classes), each row of t a distribution.
///
/// Numerics: a model computes ln yᵢ from the logits, as uᵢ minus the logarithm of the sum of exponentials, so the loss is exact
/// and finite for every finite logit. [`sum`](Loss::sum) receives only y and limits each logarithm to at least ln 10⁻⁷. If the
/// targets of a batch have a total weight of 0, its loss and gradient are 0. In the mean over several batches, however, the
/// shares that smoothing gives to the other classes of such a batch count. Everything is computed in `f64`.
///
/// For class targets, and for distributions without weights, this loss equals PyTorch's `cross_entropy` with `weight` and
/// `label_smoothing`. For distributions with weights, PyTorch divides by the number of rows, as `mean_over_samples` does.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `label_smoothing` ε | share of each target that is spread equally over all classes | 0 | 0 to 1 |
/// | `class_weights` w | weight of each class | 1 each | one for each class, at least 0, finite, not all 0 |
/// | `mean_over_samples` | divides by the number of rows instead of the total weight | false | |
///
/// # Errors
///
/// Building a model returns [`Error::Setting`](crate::Error::Setting) if the output is not softmax or a setting is out of
/// range. Using a batch returns [`Error::Row`](crate::Error::Row) if a row of targets is not a distribution.
///
/// # Source
///
/// Szegedy et al., *Rethinking the Inception architecture for computer vision*, 2016.
///
/// # Examples
///
/// ```
/// use manabi::{Affine, CrossEntropy, Sequential, Softmax};
///
/// let builder = Sequential::<f64>::builder(4).add_layer("affine1", Affine::new(3)).set_output(Softmax);
/// let loss = CrossEntropy.label_smoothing(0.1).class_weights([1.0, 1.0, 5.0]);
/// assert!(builder.clone().set_error(loss).build().is_ok());
///
/// let error = builder.set_error(CrossEntropy.class_weights([1.0, 5.0])).build().unwrap_err();
/// assert_eq!(error.to_string(), "class_weights: expected 3 weights, one for each output, got 2");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("label smoothing", "class weights"))]
pub struct WeightedCrossEntropy {
    label_smoothing: f64,
    class_weights: Option<Vec<f64>>,
    mean_over_samples: bool,
}

impl WeightedCrossEntropy {
    /// Sets the share of each target that is spread equally over all classes.
    pub fn label_smoothing(self, smoothing: f64) -> Self {
        Self { label_smoothing: smoothing, ..self }
    }

    /// Sets the weight of each class. [`balanced_class_weights`](crate::data::balanced_class_weights) makes all classes count
    /// equally.
    pub fn class_weights(self, weights: impl Into<Vec<f64>>) -> Self {
        Self { class_weights: Some(weights.into()), ..self }
    }

    /// Sets whether the mean divides by the number of samples instead of their total weight.
    pub fn mean_over_samples(self, mean_over_samples: bool) -> Self {
        Self { mean_over_samples, ..self }
    }

    /// Returns the weight of class `i`, or NaN if it is missing. Building a model rejects missing weights.
    fn class_weight(&self, i: usize) -> f64 {
        self.class_weights.as_ref().map_or(1.0, |weights| weights.get(i).copied().unwrap_or(f64::NAN))
    }

    /// Returns qᵢ, the smoothed and weighted target, for each class of a row.
    fn asked<A: Scalar>(&self, t: ArrayView1<'_, A>) -> impl Iterator<Item = f64> {
        let (keep, share) = (1.0 - self.label_smoothing, self.label_smoothing / t.len() as f64);
        t.into_iter().enumerate().map(move |(i, t)| self.class_weight(i) * (keep * t.widen() + share))
    }

    /// Returns Σ −qᵢ·ln yᵢ for a row, given the values −ln yᵢ.
    fn row<A: Scalar>(&self, surprises: impl Iterator<Item = f64>, t: ArrayView1<'_, A>) -> f64 {
        let term = |(q, surprise): (f64, f64)| match surprise {
            // The prediction and qᵢ are both 0, and 0·∞ would be NaN.
            f64::INFINITY if q == 0.0 => 0.0,
            _ => q * surprise,
        };
        self.asked(t).zip(surprises).map(term).sum()
    }
}

impl<A: Scalar> Loss<A> for WeightedCrossEntropy {
    fn kind(&self) -> &str {
        "weighted_cross_entropy_error"
    }

    fn accepts(&self, function: OutputFunction) -> bool {
        function == OutputFunction::Softmax
    }

    fn check_outputs(&self, outputs: usize) -> Result<()> {
        check_share("label_smoothing", self.label_smoothing)?;
        let Some(weights) = &self.class_weights else { return Ok(()) };
        check_weights("class_weights", weights, outputs)?;
        let some = weights.iter().any(|&weight| weight != 0.0);
        check(some, "class_weights", "at least one weight above 0", "none")
    }

    #[inline(never)]
    fn check_targets(&self, t: ArrayView2<'_, A>) -> Result<()> {
        check_distributions(t)
    }

    fn settings(&self) -> Option<Settings> {
        let settings = Settings::new().with("label_smoothing", self.label_smoothing);
        let settings = settings.with("mean_over_samples", self.mean_over_samples);
        Some(match &self.class_weights {
            Some(weights) => settings.with("class_weights", weights.clone()),
            None => settings,
        })
    }

    #[inline(never)]
    fn sum(&self, y: ArrayView2<'_, A>, t: ArrayView2<'_, A>) -> f64 {
        let row = |(y, t): (ArrayView1<'_, A>, _)| self.row(y.iter().map(|y| -floored_ln(y.widen())), t);
        y.rows().into_iter().zip(t.rows()).map(row).sum()
    }

    #[inline(never)]
    fn sum_from_logits(&self, u: ArrayView2<'_, A>, _: ArrayView2<'_, A>, t: ArrayView2<'_, A>) -> f64 {
        dispatch(
            #[inline(always)]
            || {
                let mut sum = 0.0;
                for (u, t) in u.rows().into_iter().zip(t.rows()) {
                    sum += self.row(surprises(u), t);
                }
                sum
            },
        )
    }

    #[inline(never)]
    fn weight(&self, t: ArrayView2<'_, A>) -> f64 {
        match self.class_weights {
            Some(_) if !self.mean_over_samples => {
                t.indexed_iter().map(|((_, i), t)| self.class_weight(i) * t.widen()).sum()
            }
            _ => t.nrows() as f64,
        }
    }

    #[inline(never)]
    fn gradient(
        &self,
        _: &dyn Output<A>,
        _u: ArrayView2<'_, A>,
        y: ArrayView2<'_, A>,
        t: ArrayView2<'_, A>,
        mut du: ArrayViewMut2<'_, A>,
    ) {
        let weight = self.weight(t);
        if weight == 0.0 {
            return du.fill(A::zero());
        }
        for ((mut du, y), t) in du.rows_mut().into_iter().zip(y.rows()).zip(t.rows()) {
            let all: f64 = self.asked(t).sum();
            for ((du, y), q) in du.iter_mut().zip(y).zip(self.asked(t)) {
                *du = A::of((y.widen() * all - q) / weight);
            }
        }
    }
}

/// Returns −ln yᵢ for each logit of a row: ln Σⱼ exp(uⱼ − m) − (uᵢ − m), where m is the greatest logit.
#[inline(always)]
fn surprises<A: Scalar>(u: ArrayView1<'_, A>) -> impl Iterator<Item = f64> {
    let top = (1..u.len()).fold(0, |top, i| if u[i] > u[top] { i } else { top });
    let greatest = u[top].widen();
    // The exponential of the greatest logit is 1. `ln_1p` adds it, so that small exponentials are not lost to rounding.
    // A loop, because closures of iterators are compiled outside `dispatch`.
    let mut sum = 0.0;
    for (i, u) in u.iter().enumerate() {
        if i != top {
            sum += Real::exp(u.widen() - greatest);
        }
    }
    let ln_sum = Real::ln_1p(sum);
    u.into_iter().map(move |u| ln_sum - (u.widen() - greatest))
}
