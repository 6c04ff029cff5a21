//! Layers, y = l(x), and the trait for one of your own.
//!
//! | layer | computes |
//! |---|---|
//! | [`Affine`] | X·W + b; also called dense, linear or fully connected |
//! | [`Activation`], [`TrainableActivation`] | an [activation function](crate::activation) of every value |
//! | [`BatchNorm`], [`LayerNorm`] | values with mean 0 and variance 1 over the batch, or over the sample |
//! | [`Dropout`] | values of which some are 0 in training |
//! | [`Flatten`], [`Reshape`] | the same values in another shape |
//! | [`Chain`] | layers one after another, as one layer |
//! | [`Residual`] | x plus a chain of layers of x |
//! | [`Concat`] | several chains of the same input, side by side |
//!
//! A layer of your own implements [`Layer`]. [`conformance::layer`](crate::conformance::layer) tests that it keeps what
//! models rely on, and [`LayerWorkspace`] runs it without a model.

mod activation;
mod affine;
mod batch_norm;
mod branches;
mod built_in;
mod chain;
mod concat;
mod dropout;
mod layer_norm;
mod pass;
mod plan;
mod reshape;
mod residual;
mod run;
mod scratch;
mod tensor_spec;
mod trainable;

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use ndarray::{ArrayView2, ArrayViewMut2};

pub use activation::Activation;
pub use affine::Affine;
pub use batch_norm::BatchNorm;
#[doc(hidden)]
pub use built_in::{BuiltInLayer, MakeChain, built_in_layers};
pub use chain::Chain;
pub(crate) use chain::Named;
pub use concat::Concat;
pub use dropout::Dropout;
pub use layer_norm::LayerNorm;
pub use pass::{Backward, Forward, LayerWorkspace, Training};
pub(crate) use plan::{Declared, Plan, Slot};
pub use reshape::{Flatten, Reshape};
pub use residual::Residual;
pub(crate) use run::{backward, forward, predict, shared};
pub(crate) use scratch::Memory;
pub use scratch::{Kept, KeptMut, Scratch};
pub use tensor_spec::TensorSpec;
pub use trainable::TrainableActivation;

use crate::delegate::delegate;
use crate::error::Result;
use crate::parallel::parts;
use crate::scalar::Scalar;
use crate::settings::Settings;
use crate::shape::Shape;
use crate::simd::dispatch;

/// A layer: a function of its input and its parameters, and the gradients of that function.
///
/// A layer is a description and holds no numbers that change: a model keeps the parameters of all its layers in one
/// flat vector and lends each layer its part; a workspace keeps every layer's output. So nothing is cached here, the
/// same model predicts from many threads, and training and prediction share [`forward`](Layer::forward).
///
/// All arrays that a layer is given are in standard (row-major, contiguous) layout, a row per sample.
///
/// Loops that call the functions of [`Scalar`] belong inside [`simd::dispatch`](crate::simd::dispatch), as those of
/// [`Activation`] are.
///
/// A layer of your own plugs in like the built-in ones:
///
/// ```
/// use manabi::init::Initializer;
/// use manabi::layer::{Backward, Forward, TensorSpec};
/// use manabi::{Layer, Result, Scalar, Shape};
///
/// /// y = s·x, one trainable s per feature.
/// #[derive(Debug)]
/// struct Scale;
///
/// impl<A: Scalar> Layer<A> for Scale {
///     fn kind(&self) -> &str {
///         "scale"
///     }
///     fn output_shape(&self, input: Shape) -> Result<Shape> {
///         Ok(input)
///     }
///     fn parameters(&self, input: Shape) -> Vec<TensorSpec> {
///         vec![TensorSpec::new("scale", input.dims(), Initializer::Constant(1.0))]
///     }
///     fn row_wise(&self, _training: bool) -> bool {
///         true
///     }
///     fn forward(&self, pass: Forward<'_, A>) {
///         let Forward { params, x, mut y, .. } = pass;
///         for (mut y, x) in y.rows_mut().into_iter().zip(x.rows()) {
///             for ((y, &x), &s) in y.iter_mut().zip(x).zip(params) {
///                 *y = s * x;
///             }
///         }
///     }
///     fn backward(&self, pass: Backward<'_, A>) {
///         let Backward { params, x, dy, dx, grad, .. } = pass;
///         if let Some(grad) = grad {
///             grad.fill(A::zero());
///             for (x, dy) in x.rows().into_iter().zip(dy.rows()) {
///                 for ((g, &x), &dy) in grad.iter_mut().zip(x).zip(dy) {
///                     *g += x * dy;
///                 }
///             }
///         }
///         if let Some(mut dx) = dx {
///             for (mut dx, dy) in dx.rows_mut().into_iter().zip(dy.rows()) {
///                 for ((dx, &dy), &s) in dx.iter_mut().zip(dy).zip(params) {
///                     *dx = s * dy;
///                 }
///             }
///         }
///     }
/// }
/// ```
pub trait Layer<A: Scalar>: Any + Debug + Send + Sync {
    /// Returns what the layer is, as a model's table shows it and a file knows it: `affine`, `swish`, …. No other kind may
    /// have the same name: a model with a layer of your own under the name of a built-in one cannot be saved.
    fn kind(&self) -> &str;

    /// Returns the shape of an output for this shape of an input.
    ///
    /// # Errors
    /// The layer does not take such inputs, or one of its settings is out of range.
    fn output_shape(&self, input: Shape) -> Result<Shape>;

    /// Returns the parameters for this shape of an input, in the order in which the layer finds them in `params`.
    fn parameters(&self, _input: Shape) -> Vec<TensorSpec> {
        Vec::new()
    }

    /// Returns the values that training changes without a gradient, such as a running mean, in the order in which the layer
    /// finds them in `buffers`.
    fn buffers(&self, _input: Shape) -> Vec<TensorSpec> {
        Vec::new()
    }

    /// Checks values for the buffers before a model adopts them. They are finite, and as many as the layer declares.
    ///
    /// # Errors
    /// A value makes no sense, such as a negative variance.
    fn check_buffers(&self, _input: Shape, _buffers: &[A]) -> Result<()> {
        Ok(())
    }

    /// Returns the memory that the passes need besides their operands. A workspace lends it, and nothing is allocated in a
    /// step.
    fn scratch(&self, _input: Shape) -> Scratch {
        Scratch::NONE
    }

    /// Returns whether a row of `y` depends on the same row of `x` alone, and a row of `dx` on the same rows of `x`, `y`
    /// and `dy`.
    ///
    /// If so, a batch may be divided by rows among threads, for several layers at a time. If not, the layer gets whole
    /// batches and an engine with threads for its own use. The answer changes the speed, never the results.
    fn row_wise(&self, _training: bool) -> bool {
        false
    }

    /// Returns the fewest rows that a batch may have in training. Fewer are an error before the pass begins.
    fn min_rows(&self) -> usize {
        1
    }

    /// Returns what a saved model says of the layer, for a registry to make it again: [`Settings::new`] if there is nothing to
    /// tell. `None`, the default, if the layer cannot be saved.
    ///
    /// The initializers are not among the settings: a saved model has the values of its parameters.
    fn settings(&self) -> Option<Settings> {
        None
    }

    /// Returns the layers inside a block, with their names; none for any other layer.
    fn inner_layers(&self) -> Vec<(String, &dyn Layer<A>)> {
        Vec::new()
    }

    /// Returns the layer prepared for inputs of this shape, if there is something to prepare: blocks plan their inner
    /// layers once, when a model is built.
    ///
    /// # Errors
    /// Those of [`output_shape`](Layer::output_shape).
    fn placed(&self, _input: Shape) -> Result<Option<Arc<dyn Layer<A>>>> {
        Ok(None)
    }

    /// Writes all of `y` from `x`, `params` and `buffers`.
    ///
    /// # Panics
    /// May panic for a pass that was made for another layer.
    fn forward(&self, pass: Forward<'_, A>);

    /// Writes all of `grad` and of `dx`, each where it is wanted, from the forward pass's `x` and `y` and from `dy`.
    ///
    /// # Panics
    /// May panic for a pass that was made for another layer.
    fn backward(&self, pass: Backward<'_, A>);
}

delegate!([A: Scalar] Layer<A>, for [Box<dyn Layer<A>>, Arc<dyn Layer<A>>], {
    fn kind(&self) -> &str;
    fn output_shape(&self, input: Shape) -> Result<Shape>;
    fn parameters(&self, input: Shape) -> Vec<TensorSpec>;
    fn buffers(&self, input: Shape) -> Vec<TensorSpec>;
    fn check_buffers(&self, input: Shape, buffers: &[A]) -> Result<()>;
    fn scratch(&self, input: Shape) -> Scratch;
    fn row_wise(&self, training: bool) -> bool;
    fn min_rows(&self) -> usize;
    fn settings(&self) -> Option<Settings>;
    fn inner_layers(&self) -> Vec<(String, &dyn Layer<A>)>;
    fn placed(&self, input: Shape) -> Result<Option<Arc<dyn Layer<A>>>>;
    fn forward(&self, pass: Forward<'_, A>);
    fn backward(&self, pass: Backward<'_, A>);
});

/// Adds `from` to `to`, on up to `threads` threads.
fn add<A: Scalar>(threads: usize, from: &[A], to: &mut [A]) {
    parts(threads, to, 1, &|start, to| {
        let from = &from[start..][..to.len()];
        dispatch(
            #[inline(always)]
            || {
                for (to, &from) in to.iter_mut().zip(from) {
                    *to += from;
                }
            },
        );
    });
}

/// All numbers of an array that a pass holds.
fn flat<'a, A>(array: &'a ArrayView2<'_, A>) -> &'a [A] {
    array.as_slice().expect("passes hold arrays in standard layout")
}

fn flat_mut<'a, A>(array: &'a mut ArrayViewMut2<'_, A>) -> &'a mut [A] {
    array.as_slice_mut().expect("passes hold arrays in standard layout")
}
