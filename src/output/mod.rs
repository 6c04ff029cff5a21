//! y = o(u): what turns the last layer's numbers (logits) into predictions.

mod elementwise;
mod softmax;

use std::fmt::Debug;

use ndarray::{ArrayView2, ArrayViewMut2};

pub use softmax::Softmax;

use crate::error::Result;
use crate::scalar::Scalar;
use crate::settings::{Settings, of_no_fields};

/// An output function: [`Softmax`], [`Sigmoid`](crate::Sigmoid), [`Identity`](crate::Identity), or your own.
///
/// Arrays are (batch, outputs) in standard layout.
pub trait Output<A: Scalar>: Debug + Send + Sync {
    /// The name that a model's table shows.
    fn name(&self) -> &str;

    /// What the outputs mean, from which follow the losses that fit and how accuracy is counted.
    fn link(&self) -> Link;

    /// An error if the function makes no sense for this many outputs.
    fn check(&self, _outputs: usize) -> Result<()> {
        Ok(())
    }

    /// What a saved model says of the function, for a registry to make it again; `None` if it does not tell.
    ///
    /// A function without fields has nothing to say, and one with fields says nothing unless it implements this.
    fn settings(&self) -> Option<Settings> {
        of_no_fields(self)
    }

    /// Writes all of `y` from the logits `u`.
    fn forward(&self, u: ArrayView2<'_, A>, y: ArrayViewMut2<'_, A>);

    /// Turns the gradient by `y` into the gradient by the logits, in place.
    fn backward(&self, y: ArrayView2<'_, A>, d: ArrayViewMut2<'_, A>);
}

/// What the outputs of a model mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Link {
    /// The softmax of the logits: a row is a distribution over exclusive classes.
    Softmax,
    /// The sigmoid of each logit: an output is the probability of a yes.
    Sigmoid,
    /// The logits themselves: any number.
    Identity,
    /// Anything else.
    Other,
}
