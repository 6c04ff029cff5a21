//! θ ← θ′: what turns a gradient into a step.

mod sgd;

use std::fmt::Debug;

pub use sgd::Sgd;

use crate::error::Result;
use crate::scalar::Scalar;

/// An optimizer: one loop over the flat parameters and their gradient.
///
/// ```
/// use manabi::{Optimizer, Scalar};
///
/// /// Steps of one size, in the direction of the gradient's signs.
/// #[derive(Debug)]
/// struct SignDescent(f64);
///
/// impl<A: Scalar> Optimizer<A> for SignDescent {
///     fn step(&mut self, params: &mut [A], gradient: &[A]) {
///         params.iter_mut().zip(gradient).for_each(|(p, g)| *p -= A::of(self.0) * g.signum());
///     }
/// }
/// ```
pub trait Optimizer<A: Scalar>: Debug + Send {
    /// An error if a setting is out of range; asked before training.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Changes the parameters by one step. Both slices are equally long, from the first layer to the last.
    fn step(&mut self, params: &mut [A], gradient: &[A]);
}

impl<A: Scalar, O: Optimizer<A> + ?Sized> Optimizer<A> for &mut O {
    fn check(&self) -> Result<()> {
        (**self).check()
    }

    fn step(&mut self, params: &mut [A], gradient: &[A]) {
        (**self).step(params, gradient);
    }
}
