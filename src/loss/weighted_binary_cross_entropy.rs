use ndarray::{ArrayView2, ArrayViewMut2};

use super::{Loss, check_probabilities, check_weights, floored_ln, sum_terms};
use crate::error::Result;
use crate::output::{Output, OutputFunction};
use crate::scalar::Real;
use crate::scalar::Scalar;
use crate::settings::Settings;

/// The binary cross entropy with a weight for positive targets:
/// [`BinaryCrossEntropy`](crate::loss::BinaryCrossEntropy) for rare classes.
///
/// With p = (number of negative targets)/(number of positive targets), both have the same total weight. A larger p trades
/// precision for recall.
///
/// Formula: mean over rows and outputs of −p·t·ln y − (1 − t)·ln(1 − y), with y = σ(u).
///
/// Derivative: ((1 − t)·y − p·t·(1 − y))/(n·outputs) with respect to the logits, fused with the sigmoid.
///
/// Shapes: y and t (batch, outputs), t in [0, 1].
///
/// Numerics: the same as for `BinaryCrossEntropy`. A model computes the exact loss from the logits. It equals PyTorch's
/// `BCEWithLogitsLoss` with `pos_weight`.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `pos_weight` p | weight of positive targets | none | one for each output, at least 0, finite |
///
/// # Errors
///
/// Building a model returns [`Error::Setting`](crate::Error::Setting) if the output is not sigmoid or `pos_weight` is out
/// of range. Using a batch returns [`Error::Row`](crate::Error::Row) if a target is outside [0, 1].
///
/// # Source
///
/// King and Zeng, *Logistic regression in rare events data*, 2001.
///
/// # Examples
///
/// ```
/// use manabi::loss::{BinaryCrossEntropy, Loss};
/// use ndarray::array;
///
/// let loss = BinaryCrossEntropy.pos_weight([3.0]).sum(array![[0.5]].view(), array![[1.0]].view());
/// assert_eq!(loss, 3.0 * 2.0_f64.ln());
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("BCE", "pos_weight"))]
pub struct WeightedBinaryCrossEntropy {
    pos_weight: Vec<f64>,
}

impl WeightedBinaryCrossEntropy {
    /// Creates a binary cross entropy with these weights for positive targets, one for each output.
    pub fn new(pos_weight: impl Into<Vec<f64>>) -> Self {
        Self { pos_weight: pos_weight.into() }
    }

    /// Returns the weight of positive targets of this output.
    #[inline(always)]
    fn weight_of(&self, output: usize) -> f64 {
        self.pos_weight.get(output).copied().unwrap_or(1.0)
    }
}

impl<A: Scalar> Loss<A> for WeightedBinaryCrossEntropy {
    fn kind(&self) -> &str {
        "weighted_binary_cross_entropy_error"
    }

    fn accepts(&self, function: OutputFunction) -> bool {
        function == OutputFunction::Sigmoid
    }

    fn check_outputs(&self, outputs: usize) -> Result<()> {
        check_weights("pos_weight", &self.pos_weight, outputs)
    }

    #[inline(never)]
    fn check_targets(&self, t: ArrayView2<'_, A>) -> Result<()> {
        check_probabilities(t)
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new().with("pos_weight", self.pos_weight.clone()))
    }

    #[inline(never)]
    fn sum(&self, y: ArrayView2<'_, A>, t: ArrayView2<'_, A>) -> f64 {
        let term = |i: usize, y: f64, t: f64| {
            -self.weight_of(i) * t * floored_ln(y) - (1.0 - t) * floored_ln(1.0 - y)
        };
        sum_terms(y, t, term) / y.ncols() as f64
    }

    #[inline(never)]
    fn sum_from_logits(&self, u: ArrayView2<'_, A>, _: ArrayView2<'_, A>, t: ArrayView2<'_, A>) -> f64 {
        sum_terms(
            u,
            t,
            #[inline(always)]
            |i, u, t| {
                // w·t·softplus(−u) + (1 − t)·softplus(u), with a single softplus.
                let (one, zero) = (self.weight_of(i) * t, 1.0 - t);
                (one + zero) * (-u.abs()).softplus() + if u > 0.0 { zero * u } else { -one * u }
            },
        ) / u.ncols() as f64
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
        let n = y.len() as f64;
        for ((row, output), du) in du.indexed_iter_mut() {
            let (y, t) = (y[[row, output]].widen(), t[[row, output]].widen());
            *du = A::of(((1.0 - t) * y - self.weight_of(output) * t * (1.0 - y)) / n);
        }
    }
}
