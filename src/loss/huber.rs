use ndarray::{ArrayView2, ArrayViewMut2, Zip};

use super::Loss;
use crate::error::Result;
use crate::output::{Output, OutputFunction};
use crate::scalar::Scalar;
use crate::settings::{Settings, check_positive};

/// The Huber loss, for regression: quadratic for small errors and linear for large ones. It fits every output.
///
/// Formula: mean over rows and outputs of d²/2 for |d| ≤ δ, else δ·(|d| − δ/2), with d = y − t.
///
/// Derivative: max(min(d, δ), −δ)/(n·outputs) with respect to y. The output function turns it into the gradient with respect to
/// the logits.
///
/// Shapes: y and t (batch, outputs).
///
/// Numerics: computed in `f64`. The loss is once differentiable at |d| = δ. It equals PyTorch's `HuberLoss`; PyTorch's
/// `SmoothL1Loss` is this loss divided by δ.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `delta` δ | the absolute error above which the loss is linear | 1 | above 0, finite |
///
/// # Errors
///
/// Building a model returns [`Error::Setting`](crate::Error::Setting) if `delta` is out of range.
///
/// # Source
///
/// Huber, *Robust estimation of a location parameter*, 1964.
///
/// # Examples
///
/// ```
/// use manabi::loss::{Huber, Loss};
/// use ndarray::array;
///
/// let loss = Huber::new(2.0).sum(array![[1.0, 5.0]].view(), array![[0.0, 0.0]].view());
/// assert_eq!(loss, (0.5 + 8.0) / 2.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[doc(alias("SmoothL1Loss", "smooth L1", "HuberLoss"))]
pub struct Huber {
    delta: f64,
}

impl Huber {
    /// Creates a Huber loss with this δ.
    pub fn new(delta: f64) -> Self {
        Self { delta }
    }
}

impl Default for Huber {
    fn default() -> Self {
        Self::new(1.0)
    }
}

impl<A: Scalar> Loss<A> for Huber {
    fn kind(&self) -> &str {
        "huber_error"
    }

    fn accepts(&self, _: OutputFunction) -> bool {
        true
    }

    fn check_outputs(&self, _: usize) -> Result<()> {
        // In `f64`, because the loss is computed in `f64` for every model.
        check_positive::<f64>("delta", self.delta)
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new().with("delta", self.delta))
    }

    #[inline(never)]
    fn sum(&self, y: ArrayView2<'_, A>, t: ArrayView2<'_, A>) -> f64 {
        let term = |(&y, &t): (&A, &A)| match (y.widen() - t.widen()).abs() {
            d if d <= self.delta => 0.5 * d * d,
            d => self.delta * (d - 0.5 * self.delta),
        };
        y.iter().zip(t).map(term).sum::<f64>() / y.ncols() as f64
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
        let (n, delta) = (y.len() as f64, self.delta);
        let within = |d: f64| match d {
            d if d > delta => delta,
            d if d < -delta => -delta,
            d => d,
        };
        Zip::from(&mut du).and(y).and(t).for_each(|du, y, t| *du = A::of(within(y.widen() - t.widen()) / n));
        output.backward(u, y, du);
    }
}
