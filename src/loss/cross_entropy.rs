use ndarray::{ArrayView2, ArrayViewMut2, Zip};

use super::{Loss, WeightedCrossEntropy, check_distributions, difference, floored_ln};
use crate::error::Result;
use crate::output::{Output, OutputFunction};
use crate::scalar::Scalar;
use crate::settings::Settings;

/// The cross entropy between a distribution over classes and the softmax output.
///
/// Formula: mean over the rows of −Σᵢ tᵢ·ln(max(yᵢ, 10⁻⁷)); for one-hot targets, −ln(max(y_t, 10⁻⁷)).
///
/// Derivative: (y − t)/n with respect to the logits, fused with the softmax.
///
/// Shapes: y and t (batch, classes), each row of t a distribution.
///
/// Numerics: the floor of 10⁻⁷ keeps the loss finite, at most 16.12 per row. The gradient ignores the floor, so that a sample
/// with a very wrong prediction still contributes to it. Logarithms and their sum are computed in `f64`. PyTorch's
/// `cross_entropy` and `CrossEntropy.label_smoothing(0.0)` have no floor. If a probability is below 10⁻⁷, their reported loss
/// differs, but not their gradient.
///
/// # Errors
///
/// Building a model returns [`Error::Setting`](crate::Error::Setting) if the output is not softmax. Using a batch returns
/// [`Error::Row`](crate::Error::Row) if a row of targets is not a distribution.
///
/// # Source
///
/// Bridle, *Probabilistic interpretation of feedforward classification network outputs*, 1990. The floor
/// follows the series of articles from which the crate grew.
///
/// # Examples
///
/// ```
/// use manabi::loss::Loss;
/// use manabi::CrossEntropy;
/// use ndarray::array;
///
/// let loss = CrossEntropy.sum(array![[0.5, 0.5]].view(), array![[1.0, 0.0]].view());
/// assert_eq!(loss, 2.0_f64.ln());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("categorical_crossentropy", "NLLLoss", "log loss", "CrossEntropyLoss"))]
pub struct CrossEntropy;

impl CrossEntropy {
    /// Returns the cross entropy without the floor that spreads this share of each target, from 0 to 1, equally over all classes.
    pub fn label_smoothing(self, smoothing: f64) -> WeightedCrossEntropy {
        WeightedCrossEntropy::default().label_smoothing(smoothing)
    }

    /// Returns the cross entropy without the floor, with a weight for each class.
    pub fn class_weights(self, weights: impl Into<Vec<f64>>) -> WeightedCrossEntropy {
        WeightedCrossEntropy::default().class_weights(weights)
    }
}

impl<A: Scalar> Loss<A> for CrossEntropy {
    fn kind(&self) -> &str {
        "cross_entropy_error"
    }

    fn accepts(&self, function: OutputFunction) -> bool {
        function == OutputFunction::Softmax
    }

    #[inline(never)]
    fn check_targets(&self, t: ArrayView2<'_, A>) -> Result<()> {
        check_distributions(t)
    }

    #[inline(never)]
    fn sum(&self, y: ArrayView2<'_, A>, t: ArrayView2<'_, A>) -> f64 {
        // Most targets are 0, and skipping them saves their logarithms. The check below still finds NaN and infinities there.
        let sum = Zip::from(y).and(t).fold(0.0, |sum, &y, &t| match t.widen() {
            0.0 => sum,
            t => sum - t * floored_ln(y.widen()),
        });
        let are_finite = y.iter().fold(true, |all, y| all & y.is_finite());
        if are_finite { sum } else { f64::NAN }
    }

    #[inline(never)]
    fn gradient(
        &self,
        _: &dyn Output<A>,
        _u: ArrayView2<'_, A>,
        y: ArrayView2<'_, A>,
        t: ArrayView2<'_, A>,
        du: ArrayViewMut2<'_, A>,
    ) {
        difference(y, t, y.nrows(), du);
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new())
    }
}
