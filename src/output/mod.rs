//! Output functions, y = o(u), which turn the values of the last layer (logits) into predictions.
//!
//! | output | a row of predictions |
//! |---|---|
//! | [`Softmax`] | a distribution over classes |
//! | [`Sigmoid`] | in each column, the probability that the answer is yes |
//! | [`Identity`] | the logits: any values |
//! | [`ElementwiseOutput`] | an activation function of the logits, such as softplus for values above 0 |
//! | [`Heads`] | groups of columns with their own output functions and losses |

mod elementwise;
mod softmax;

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use ndarray::{ArrayView2, ArrayViewMut2};

pub use elementwise::ElementwiseOutput;
pub use softmax::Softmax;

pub use crate::heads::Heads;

use crate::activation::{ActFn, ActivationVisitor, Identity, Sigmoid, TrainableActFn, built_in_activations};
use crate::delegate::delegate;
use crate::error::Result;
use crate::scalar::Scalar;
use crate::settings::Settings;

/// An output function: [`Softmax`], [`Sigmoid`], [`Identity`], or a custom one.
///
/// Arrays have the shape (batch, outputs) and are in standard layout. Each row of the result must depend only on the same row of
/// the arguments, because a batch may be divided among threads.
///
/// # Examples
///
/// ```
/// use manabi::output::{Output, OutputFunction};
/// use manabi::{Scalar, simd};
/// use ndarray::{ArrayView2, ArrayViewMut2, Zip};
///
/// /// y = eᵘ, for values above 0; dy/du = y.
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
///         // A plain loop over a slice, because iterators of arrays are not vectorised.
///         let all = y.as_slice_mut().expect("the array is in standard layout");
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
    /// Returns the kind: the unique name of the function in a model's table and in files.
    fn kind(&self) -> &str;

    /// Returns the meaning of the outputs, which determines the losses that fit and how accuracy is counted.
    fn function(&self) -> OutputFunction;

    /// Checks that the function is defined for this number of outputs. This method is called when a model is built.
    ///
    /// # Errors
    ///
    /// Returns an error, usually [`Error::Setting`](crate::Error::Setting), if the function is not defined for this number of
    /// outputs or if one of its settings is out of range. The default implementation returns `Ok`.
    fn check_outputs(&self, _outputs: usize) -> Result<()> {
        Ok(())
    }

    /// Returns the settings that a saved model stores, from which a registry recreates the function. Returns [`Settings::new`]
    /// if the function has no settings. Returns `None`, the default, if the function cannot be saved.
    fn settings(&self) -> Option<Settings> {
        None
    }

    /// Returns the heads if the output consists of [`Heads`]. The default is `None`.
    fn heads(&self) -> Option<&Heads<A>> {
        None
    }

    /// Writes the outputs for the logits `u` to all of `y`.
    fn forward(&self, u: ArrayView2<'_, A>, y: ArrayViewMut2<'_, A>);

    /// Replaces the gradient with respect to `y`, in `d`, with the gradient with respect to the logits `u`.
    fn backward(&self, u: ArrayView2<'_, A>, y: ArrayView2<'_, A>, d: ArrayViewMut2<'_, A>);
}

delegate!([A: Scalar] Output<A>, for [Box<dyn Output<A>>, Arc<dyn Output<A>>], {
    fn kind(&self) -> &str;
    fn function(&self) -> OutputFunction;
    fn check_outputs(&self, outputs: usize) -> Result<()>;
    fn settings(&self) -> Option<Settings>;
    fn heads(&self) -> Option<&Heads<A>>;
    fn forward(&self, u: ArrayView2<'_, A>, y: ArrayViewMut2<'_, A>);
    fn backward(&self, u: ArrayView2<'_, A>, y: ArrayView2<'_, A>, d: ArrayViewMut2<'_, A>);
});

/// Returns every built-in output with the function that creates it from its settings. A new output needs an entry here.
/// Activation functions are included automatically.
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

/// The list of outputs while it is built.
struct Outputs<A>(Vec<BuiltInOutput<A>>);

impl<A: Scalar> ActivationVisitor for Outputs<A> {
    fn function<F: ActFn + Default + PartialEq>(&mut self, make: fn(&Settings) -> Result<F>) {
        // Sigmoid and identity are already in the list.
        if self.0.iter().all(|(output, _)| output.kind() != F::KIND) {
            let make = move |settings: &Settings| -> Result<Arc<dyn Output<A>>> {
                Ok(Arc::new(ElementwiseOutput::new(make(settings)?)))
            };
            self.0.push((Arc::new(ElementwiseOutput::new(F::default())), Box::new(make)));
        }
    }

    fn trainable<F: TrainableActFn + Default>(&mut self, _: fn(f64) -> F) {}
}

/// An output and the function that creates it from its settings.
#[doc(hidden)]
pub type BuiltInOutput<A> = (Arc<dyn Output<A>>, MakeOutput<A>);

/// A function that creates an output from its settings.
#[doc(hidden)]
pub type MakeOutput<A> = Box<dyn Fn(&Settings) -> Result<Arc<dyn Output<A>>> + Send + Sync>;

/// The meaning of a model's outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(alias = "link function")]
pub enum OutputFunction {
    /// The softmax of the logits: a row is a distribution over mutually exclusive classes.
    Softmax,
    /// The sigmoid of each logit: each output is the probability that the answer is yes.
    Sigmoid,
    /// The logits: any values.
    Identity,
    /// Any other function.
    Other,
}
