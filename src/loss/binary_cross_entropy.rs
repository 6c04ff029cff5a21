use ndarray::{ArrayView2, ArrayViewMut2};

use super::{Loss, check_rows, difference, floored_ln};
use crate::error::Result;
use crate::output::{Link, Output};
use crate::scalar::Scalar;

/// The binary cross entropy of the sigmoid output, for classes that may come together, or for a single yes or no.
///
/// Formula: mean over rows and outputs of −t·ln(max(y, 10⁻⁷)) − (1 − t)·ln(max(1 − y, 10⁻⁷)).
///
/// Derivative: by the logits, fused with the sigmoid, (y − t)/(n·outputs).
///
/// Shapes: y and t (batch, outputs), t in [0, 1].
///
/// Numerics: the floor keeps the loss finite; the gradient ignores it. Logarithms and their sum are taken in `f64`.
///
/// Errors: when the model is built, for an output other than sigmoid; when a batch is used, for targets outside [0, 1].
///
/// Source: Cox, *The regression analysis of binary sequences*, 1958.
///
/// ```
/// use manabi::{BinaryCrossEntropy, Loss};
/// use ndarray::array;
///
/// let loss = BinaryCrossEntropy.sum(array![[0.5]].view(), array![[1.0]].view());
/// assert_eq!(loss, 2.0_f64.ln());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BinaryCrossEntropy;

impl<A: Scalar> Loss<A> for BinaryCrossEntropy {
    fn name(&self) -> &str {
        "binary_cross_entropy_error"
    }

    fn accepts(&self, link: Link) -> bool {
        link == Link::Sigmoid
    }

    fn check(&self, t: ArrayView2<'_, A>) -> Result<()> {
        check_rows(t, "numbers from 0 to 1", |row| row.iter().all(|&t| t >= A::zero() && t <= A::one()))
    }

    fn sum(&self, y: ArrayView2<'_, A>, t: ArrayView2<'_, A>) -> f64 {
        let term = |(&y, &t): (&A, &A)| {
            let (y, t) = (y.widen(), t.widen());
            -t * floored_ln(y) - (1.0 - t) * floored_ln(1.0 - y)
        };
        y.iter().zip(t).map(term).sum::<f64>() / y.ncols() as f64
    }

    fn gradient(
        &self,
        _: &dyn Output<A>,
        y: ArrayView2<'_, A>,
        t: ArrayView2<'_, A>,
        du: ArrayViewMut2<'_, A>,
    ) {
        difference(y, t, y.len(), du);
    }
}
