use ndarray::{ArrayView2, ArrayViewMut2, Zip};

use super::Loss;
use crate::output::{Output, OutputFunction};
use crate::scalar::Scalar;
use crate::settings::Settings;

/// The mean absolute error, for regression with outliers among the targets. It fits every output.
///
/// The predictions tend to the median of the targets.
///
/// Formula: mean over rows and outputs of |y − t|.
///
/// Derivative: sign(y − t)/(n·outputs) with respect to y, 0 for y = t. The output function turns it into the gradient with
/// respect to the logits.
///
/// Shapes: y and t (batch, outputs).
///
/// Numerics: the differences and their sum are computed in `f64`.
///
/// # Source
///
/// Boscovich, *De litteraria expeditione per pontificiam ditionem*, 1757.
///
/// # Examples
///
/// ```
/// use manabi::loss::{Loss, MeanAbsoluteError};
/// use ndarray::array;
///
/// let loss = MeanAbsoluteError.sum(array![[1.0, 5.0]].view(), array![[0.0, 7.0]].view());
/// assert_eq!(loss, 1.5);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[doc(alias("MAE", "L1Loss", "L1"))]
pub struct MeanAbsoluteError;

impl<A: Scalar> Loss<A> for MeanAbsoluteError {
    fn kind(&self) -> &str {
        "mean_absolute_error"
    }

    fn accepts(&self, _: OutputFunction) -> bool {
        true
    }

    #[inline(never)]
    fn sum(&self, y: ArrayView2<'_, A>, t: ArrayView2<'_, A>) -> f64 {
        let size = |(&y, &t): (&A, &A)| (y.widen() - t.widen()).abs();
        y.iter().zip(t).map(size).sum::<f64>() / y.ncols() as f64
    }

    #[inline(never)]
    fn gradient(
        &self,
        output: &dyn Output<A>,
        u: ArrayView2<'_, A>,
        y: ArrayView2<'_, A>,
        t: ArrayView2<'_, A>,
        mut du: ArrayViewMut2<'_, A>,
    ) {
        let n = A::of(y.len() as f64);
        // `signum` returns 1 for 0.
        let sign = |d: A| if d == A::zero() { d } else { d.signum() };
        Zip::from(&mut du).and(y).and(t).for_each(|du, &y, &t| *du = sign(y - t) / n);
        output.backward(u, y, du);
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new())
    }
}
