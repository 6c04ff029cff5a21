//! y = o(u): what turns the last layer's numbers (logits) into predictions.

mod elementwise;
mod softmax;

use std::any::Any;
use std::fmt::Debug;

use ndarray::{ArrayView2, ArrayViewMut2};

pub use softmax::Softmax;

use crate::error::Result;
use crate::scalar::Scalar;
use crate::settings::{Settings, of_no_fields};

/// An output function: [`Softmax`], [`Sigmoid`](crate::Sigmoid), [`Identity`](crate::Identity), or your own.
///
/// Arrays are (batch, outputs) in standard layout. A row depends on that row alone: a batch may be divided among threads.
///
/// ```
/// use manabi::{Link, Output, Scalar, simd};
/// use ndarray::{ArrayView2, ArrayViewMut2, Zip};
///
/// /// y = eᵘ, for numbers above 0; dy/du = y.
/// #[derive(Debug)]
/// struct Exponential;
///
/// impl<A: Scalar> Output<A> for Exponential {
///     fn name(&self) -> &str {
///         "exponential"
///     }
///     fn link(&self) -> Link {
///         Link::Other
///     }
///     fn forward(&self, u: ArrayView2<'_, A>, mut y: ArrayViewMut2<'_, A>) {
///         y.assign(&u);
///         // A plain loop over a slice: what iterators of arrays do is not vectorised.
///         let all = y.as_slice_mut().expect("a workspace is in standard layout");
///         simd::dispatch(
///             #[inline(always)]
///             || {
///                 for y in &mut *all {
///                     *y = y.exp();
///                 }
///             },
///         );
///     }
///     fn backward(&self, y: ArrayView2<'_, A>, d: ArrayViewMut2<'_, A>) {
///         Zip::from(d).and(y).for_each(|d, &y| *d *= y);
///     }
/// }
/// ```
pub trait Output<A: Scalar>: Any + Debug + Send + Sync {
    /// The name that a model's table shows, and by which a file knows the function: one that no other has.
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

/// An output chosen at run time.
impl<A: Scalar> Output<A> for Box<dyn Output<A>> {
    fn name(&self) -> &str {
        (**self).name()
    }
    fn link(&self) -> Link {
        (**self).link()
    }
    fn check(&self, outputs: usize) -> Result<()> {
        (**self).check(outputs)
    }
    fn settings(&self) -> Option<Settings> {
        (**self).settings()
    }
    fn forward(&self, u: ArrayView2<'_, A>, y: ArrayViewMut2<'_, A>) {
        (**self).forward(u, y);
    }
    fn backward(&self, y: ArrayView2<'_, A>, d: ArrayViewMut2<'_, A>) {
        (**self).backward(y, d);
    }
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
