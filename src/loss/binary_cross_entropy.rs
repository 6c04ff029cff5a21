use ndarray::{ArrayView2, ArrayViewMut2};

use super::{Loss, WeightedBinaryCrossEntropy, check_probabilities, difference, floored_ln, sum_terms};
use crate::error::Result;
use crate::output::{Output, OutputFunction};
use crate::scalar::Real;
use crate::scalar::Scalar;
use crate::settings::Settings;

/// The binary cross entropy of the sigmoid output, for classes that are not mutually exclusive or for a single yes-or-no answer.
///
/// Formula: mean over rows and outputs of −t·ln y − (1 − t)·ln(1 − y), with y = σ(u).
///
/// Derivative: (y − t)/(n·outputs) with respect to the logits, fused with the sigmoid.
///
/// Shapes: y and t (batch, outputs), t in [0, 1].
///
/// Numerics: a model computes the loss from the logits as t·softplus(−u) + (1 − t)·softplus(u). Neither term cancels, so the loss
/// is exact and finite for every finite logit. It equals PyTorch's `BCEWithLogitsLoss`, but the output is the sigmoid and the
/// predictions are probabilities. [`sum`](Loss::sum) receives only y and limits both logarithms to at least ln 10⁻⁷. The loss is
/// computed in `f64`.
///
/// # Errors
///
/// Building a model returns [`Error::Setting`](crate::Error::Setting) if the output is not sigmoid. Using a batch returns
/// [`Error::Row`](crate::Error::Row) if a target is outside [0, 1].
///
/// # Source
///
/// Cox, *The regression analysis of binary sequences*, 1958.
///
/// # Examples
///
/// ```
/// use manabi::loss::{BinaryCrossEntropy, Loss};
/// use ndarray::array;
///
/// let loss = BinaryCrossEntropy.sum(array![[0.5]].view(), array![[1.0]].view());
/// assert_eq!(loss, 2.0_f64.ln());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("BCE", "BCEWithLogitsLoss", "log loss", "binary_crossentropy"))]
pub struct BinaryCrossEntropy;

impl BinaryCrossEntropy {
    /// Returns the binary cross entropy with these weights for positive targets, one for each output.
    pub fn pos_weight(self, weights: impl Into<Vec<f64>>) -> WeightedBinaryCrossEntropy {
        WeightedBinaryCrossEntropy::new(weights)
    }
}

impl<A: Scalar> Loss<A> for BinaryCrossEntropy {
    fn kind(&self) -> &str {
        "binary_cross_entropy_error"
    }

    fn accepts(&self, function: OutputFunction) -> bool {
        function == OutputFunction::Sigmoid
    }

    #[inline(never)]
    fn check_targets(&self, t: ArrayView2<'_, A>) -> Result<()> {
        check_probabilities(t)
    }

    #[inline(never)]
    fn sum(&self, y: ArrayView2<'_, A>, t: ArrayView2<'_, A>) -> f64 {
        let term = |_, y: f64, t: f64| -t * floored_ln(y) - (1.0 - t) * floored_ln(1.0 - y);
        sum_terms(y, t, term) / y.ncols() as f64
    }

    #[inline(never)]
    fn sum_from_logits(&self, u: ArrayView2<'_, A>, _: ArrayView2<'_, A>, t: ArrayView2<'_, A>) -> f64 {
        sum_terms(
            u,
            t,
            #[inline(always)]
            // t·softplus(−u) + (1 − t)·softplus(u), with a single softplus.
            |_, u, t| (-u.abs()).softplus() + if u > 0.0 { (1.0 - t) * u } else { -t * u },
        ) / u.ncols() as f64
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
        difference(y, t, y.len(), du);
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new())
    }
}
