use super::Optimizer;
use crate::error::{Error, Result};
use crate::scalar::Scalar;
use crate::simd::dispatch;

/// Stochastic gradient descent.
///
/// Formula: θ ← θ − η·g.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `learning_rate` η | 0.1 | above 0, finite |
///
/// Errors: when training starts, for a learning rate out of range.
///
/// Source: Robbins and Monro, *A stochastic approximation method*, 1951.
///
/// ```
/// use manabi::{Optimizer, Sgd};
///
/// let mut params = [1.0];
/// Sgd::new(0.5).step(&mut params, &[0.5]);
/// assert_eq!(params, [0.75]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    learning_rate: f64,
}

impl Sgd {
    /// Gradient descent with this learning rate.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate }
    }
}

impl Default for Sgd {
    fn default() -> Self {
        Self::new(0.1)
    }
}

impl<A: Scalar> Optimizer<A> for Sgd {
    fn check(&self) -> Result<()> {
        match A::of(self.learning_rate) {
            rate if rate > A::zero() && rate.is_finite() => Ok(()),
            rate => Err(Error::setting("learning_rate", "a finite number above 0", rate)),
        }
    }

    fn step(&mut self, params: &mut [A], gradient: &[A]) {
        let rate = A::of(self.learning_rate);
        dispatch(
            #[inline(always)]
            || params.iter_mut().zip(gradient).for_each(|(p, &g)| *p -= rate * g),
        );
    }
}
