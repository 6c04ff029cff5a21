//! θ ← θ′: what turns a gradient into a step.

mod sgd;

use std::fmt::Debug;

pub use sgd::Sgd;

use crate::error::Result;
use crate::scalar::Scalar;

/// An optimizer: one loop over the flat parameters and their gradient.
pub trait Optimizer<A: Scalar>: Debug + Send {
    /// An error if a setting is out of range; asked before training.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Changes the parameters by one step. Both slices are equally long, from the first layer to the last.
    fn step(&mut self, params: &mut [A], gradient: &[A]);
}
