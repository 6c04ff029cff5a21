//! Outputs, y = o(u): the function that turns the last layer's values (logits) into predictions.
//!
//! | output | a row of predictions is |
//! |---|---|
//! | [`Softmax`] | a distribution over classes |
//! | [`Sigmoid`] | the probability of a yes, in each column |
//! | [`Identity`] | the logits themselves: any values |
//! | [`ElementwiseOutput`] | an activation function of the logits, such as softplus for values above 0 |

mod elementwise;
mod softmax;

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use ndarray::{ArrayView2, ArrayViewMut2};

pub use elementwise::ElementwiseOutput;
pub use softmax::Softmax;

use crate::activation::{ActFn, ActivationVisitor, Identity, Sigmoid, TrainableActFn, built_in_activations};
use crate::delegate::delegate;
use crate::error::Result;
use crate::scalar::Scalar;
use crate::settings::Settings;

/// An output function: [`Softmax`], [`Sigmoid`], [`Identity`], or your own.
///
/// Arrays are (batch, outputs) in standard layout. A row depends on that row alone: a batch may be divided among threads.
///
/// ```
/// use manabi::output::{Output, OutputFunction};
/// use manabi::{Scalar, simd};
/// use ndarray::{ArrayView2, ArrayViewMut2, Zip};
///
/// /// y = eᵘ, for numbers above 0; dy/du = y.
/// #[derive(Debug)]
/// struct Exponential;
///
/// impl<A: Scalar> Output<A> for Exponential {
///     fn kind(&self) -> &str {
///         "exponential"
///     }
///     fn function(&self) -> OutputFunction {
///         OutputFunction::Other
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
///     fn backward(&self, _u: ArrayView2<'_, A>, y: ArrayView2<'_, A>, d: ArrayViewMut2<'_, A>) {
///         Zip::from(d).and(y).for_each(|d, &y| *d *= y);
///     }
/// }
/// ```
#[doc(alias("output activation", "head"))]
pub trait Output<A: Scalar>: Any + Debug + Send + Sync {
    /// The name that a model's table shows, and by which a file knows the function: one that no other has.
    fn kind(&self) -> &str;

    /// What the outputs mean, from which follow the losses that fit and how accuracy is counted.
    fn function(&self) -> OutputFunction;

    /// An error if the function makes no sense for this many outputs.
    fn check_outputs(&self, _outputs: usize) -> Result<()> {
        Ok(())
    }

    /// Returns what a saved model says of the function, for a registry to make it again: [`Settings::new`] if there is
    /// nothing to tell. `None`, the default, if the function cannot be saved.
    fn settings(&self) -> Option<Settings> {
        None
    }

    /// Writes all of `y` from the logits `u`.
    fn forward(&self, u: ArrayView2<'_, A>, y: ArrayViewMut2<'_, A>);

    /// Turns the gradient with respect to `y` into the gradient with respect to the logits `u`, in place.
    fn backward(&self, u: ArrayView2<'_, A>, y: ArrayView2<'_, A>, d: ArrayViewMut2<'_, A>);
}

delegate!([A: Scalar] Output<A>, for [Box<dyn Output<A>>, Arc<dyn Output<A>>], {
    fn kind(&self) -> &str;
    fn function(&self) -> OutputFunction;
    fn check_outputs(&self, outputs: usize) -> Result<()>;
    fn settings(&self) -> Option<Settings>;
    fn forward(&self, u: ArrayView2<'_, A>, y: ArrayViewMut2<'_, A>);
    fn backward(&self, u: ArrayView2<'_, A>, y: ArrayView2<'_, A>, d: ArrayViewMut2<'_, A>);
});

/// Returns every built-in output, with what makes it from its settings: the list to which who adds one adds it, and every
/// activation function.
#[doc(hidden)]
pub fn built_in_outputs<A: Scalar>() -> Vec<BuiltInOutput<A>> {
    let mut all = Outputs::<A>(vec![
        (Arc::new(Softmax), Box::new(|_| Ok(Arc::new(Softmax)))),
        (Arc::new(Sigmoid), Box::new(|_| Ok(Arc::new(Sigmoid)))),
        (Arc::new(Identity), Box::new(|_| Ok(Arc::new(Identity)))),
    ]);
    built_in_activations(&mut all);
    all.0
}

/// The list in the making.
struct Outputs<A>(Vec<BuiltInOutput<A>>);

impl<A: Scalar> ActivationVisitor for Outputs<A> {
    fn function<F: ActFn + Default + PartialEq>(&mut self, make: fn(&Settings) -> Result<F>) {
        // Sigmoid and identity are outputs themselves.
        if self.0.iter().all(|(output, _)| output.kind() != F::KIND) {
            let make = move |settings: &Settings| -> Result<Arc<dyn Output<A>>> {
                Ok(Arc::new(ElementwiseOutput::new(make(settings)?)))
            };
            self.0.push((Arc::new(ElementwiseOutput::new(F::default())), Box::new(make)));
        }
    }

    fn trainable<F: TrainableActFn + Default>(&mut self, _: fn(f64) -> F) {}
}

/// An output, and what makes it from its settings.
#[doc(hidden)]
pub type BuiltInOutput<A> = (Arc<dyn Output<A>>, MakeOutput<A>);

/// Makes an output from its settings.
#[doc(hidden)]
pub type MakeOutput<A> = Box<dyn Fn(&Settings) -> Result<Arc<dyn Output<A>>> + Send + Sync>;

/// What the outputs of a model mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(alias = "link function")]
pub enum OutputFunction {
    /// The softmax of the logits: a row is a distribution over exclusive classes.
    Softmax,
    /// The sigmoid of each logit: an output is the probability of a yes.
    Sigmoid,
    /// The logits themselves: any number.
    Identity,
    /// Anything else.
    Other,
}
