use ndarray::{ArrayView2, ArrayViewMut2};

use super::{Loss, difference};
use crate::output::{Output, OutputFunction};
use crate::scalar::Scalar;
use crate::settings::Settings;

/// The mean squared error, for regression. It fits every output.
///
/// Formula: mean over rows and outputs of (y − t)².
///
/// Derivative: 2·(y − t)/(n·outputs) with respect to y. The output function turns it into the gradient with respect to the
/// logits.
///
/// Shapes: y and t (batch, outputs).
///
/// Numerics: the squares and their sum are computed in `f64`.
///
/// # Source
///
/// Legendre, *Nouvelles méthodes pour la détermination des orbites des comètes*, 1805.
///
/// # Examples
///
/// ```
/// use manabi::loss::{Loss, MeanSquaredError};
/// use ndarray::array;
///
/// let loss = MeanSquaredError.sum(array![[1.0, 5.0]].view(), array![[0.0, 2.0]].view());
/// assert_eq!(loss, 5.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[doc(alias("MSE", "MSELoss", "L2", "squared error"))]
pub struct MeanSquaredError;

impl<A: Scalar> Loss<A> for MeanSquaredError {
    fn kind(&self) -> &str {
        "mean_squared_error"
    }

    fn accepts(&self, _: OutputFunction) -> bool {
        true
    }

    #[inline(never)]
    fn sum(&self, y: ArrayView2<'_, A>, t: ArrayView2<'_, A>) -> f64 {
        let square = |(&y, &t): (&A, &A)| (y.widen() - t.widen()).powi(2);
        y.iter().zip(t).map(square).sum::<f64>() / y.ncols() as f64
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
        difference(y, t, y.len(), du.view_mut());
        du.mapv_inplace(|d| d + d);
        output.backward(u, y, du);
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new())
    }
}
