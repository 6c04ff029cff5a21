//! Layers, y = l(x), and the trait for custom layers.
//!
//! | layer | computes |
//! |---|---|
//! | [`Affine`] | X·W + b; also called dense, linear or fully connected |
//! | [`Conv2d`], [`ConvTranspose2d`] | weighted sums of the pixels under a kernel that moves over an image; the transpose |
//! | [`Conv1d`], [`MaxPool1d`], [`AvgPool1d`] | the convolution and the pooling of signals, such as time series |
//! | [`Gru`], [`Lstm`] | the states of a recurrent network that reads a sequence step by step |
//! | [`Activation`], [`TrainableActivation`] | an [activation function](crate::activation), applied to every value |
//! | [`BatchNorm`], [`LayerNorm`] | values with mean 0 and variance 1 over the batch, or over the sample |
//! | [`Dropout`] | the input; in training, random values are set to 0 and the others scaled |
//! | [`Dropout2d`] | the same for whole channels of an image |
//! | [`MaxPool2d`], [`AvgPool2d`] | the largest pixel, or the mean, of each window of an image |
//! | [`GlobalAvgPool2d`] | the mean of each channel of an image |
//! | [`Embedding`] | a trainable vector for every category; the inputs are category numbers |
//! | [`Columns`] | some columns of the input |
//! | [`Flatten`], [`Reshape`] | the same values in another shape |
//! | [`Chain`] | a sequence of layers, as one layer |
//! | [`Residual`] | x plus the output of a chain of layers for x |
//! | [`Concat`] | the concatenated outputs of several chains with the same input |
//!
//! A custom layer implements [`Layer`]. [`conformance::layer`](crate::conformance::layer) checks that it meets the requirements
//! of models, and [`LayerWorkspace`] runs it without a model.

mod activation;
mod affine;
mod avg_pool_1d;
mod avg_pool_2d;
mod batch_norm;
mod branches;
mod built_in;
mod chain;
mod columns;
mod concat;
mod conv_1d;
mod conv_2d;
mod conv_transpose_2d;
mod dropout;
mod dropout_2d;
mod embedding;
mod filters;
mod global_avg_pool_2d;
mod layer_norm;
mod max_pool_1d;
mod max_pool_2d;
#[cfg(feature = "csv")]
mod of_table;
mod pass;
mod plan;
mod pool;
mod recurrent;
mod reshape;
mod residual;
mod run;
mod scratch;
mod signal;
mod tensor_spec;
mod trainable;
mod window;

use std::any::Any;
use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use ndarray::{ArrayView2, ArrayViewMut2};

pub use activation::Activation;
pub use affine::Affine;
pub use avg_pool_1d::AvgPool1d;
pub use avg_pool_2d::AvgPool2d;
pub use batch_norm::BatchNorm;
#[doc(hidden)]
pub use built_in::{BuiltInLayer, MakeChain, built_in_layers};
pub use chain::Chain;
pub(crate) use chain::Named;
pub use columns::Columns;
pub use concat::Concat;
pub use conv_1d::Conv1d;
pub use conv_2d::Conv2d;
pub use conv_transpose_2d::ConvTranspose2d;
pub use dropout::Dropout;
pub use dropout_2d::Dropout2d;
pub use embedding::Embedding;
pub use global_avg_pool_2d::GlobalAvgPool2d;
pub use layer_norm::LayerNorm;
pub use max_pool_1d::MaxPool1d;
pub use max_pool_2d::MaxPool2d;
pub use pass::{Backward, Forward, LayerWorkspace, Training};
pub(crate) use plan::{Declared, Plan, Slot};
pub use recurrent::{Gru, Lstm};
pub use reshape::{Flatten, Reshape};
pub use residual::Residual;
pub(crate) use run::{backward, forward, predict, shared};
pub(crate) use scratch::Memory;
pub use scratch::{Kept, KeptMut, Scratch};
pub use tensor_spec::TensorSpec;
pub use trainable::TrainableActivation;
pub use window::{Extent, Padding};

use crate::delegate::delegate;
use crate::error::Result;
use crate::parallel::parts;
use crate::scalar::Scalar;
use crate::settings::Settings;
use crate::shape::Shape;
use crate::simd::dispatch;

/// A function of an input and of parameters, with its gradients.
///
/// A layer holds settings, but no values that change: a model keeps the parameters of all its layers in one flat vector and
/// lends each layer its part, and a workspace keeps the output of every layer. A layer therefore caches nothing, many threads
/// can predict with the same model, and training and prediction share [`forward`](Layer::forward).
///
/// All arrays that are passed to a layer are in standard (row-major, contiguous) layout, with a row per sample.
///
/// Run loops that call functions of [`Scalar`] inside [`simd::dispatch`](crate::simd::dispatch), as [`Activation`] does.
///
/// # Examples
/// A custom layer, which models use in the same way as the built-in ones:
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
    /// Returns the kind of the layer, such as `affine` or `swish`. A model's table shows the kind, and a file stores it.
    ///
    /// Every kind must be unique: a model with a custom layer that has the kind of a built-in layer cannot be saved.
    fn kind(&self) -> &str;

    /// Returns the output shape for this input shape.
    ///
    /// # Errors
    /// Returns an error, usually [`Error::Setting`](crate::Error::Setting), if the layer does not support the input shape or if
    /// one of its settings is out of range.
    fn output_shape(&self, input: Shape) -> Result<Shape>;

    /// Returns the declarations of the parameters for this input shape, in their order in [`Forward::params`].
    fn parameters(&self, _input: Shape) -> Vec<TensorSpec> {
        Vec::new()
    }

    /// Returns the declarations of the buffers for this input shape, in their order in [`Forward::buffers`]. Buffers are values
    /// that training changes without a gradient, such as a running mean.
    fn buffers(&self, _input: Shape) -> Vec<TensorSpec> {
        Vec::new()
    }

    /// Checks values for the buffers before a model adopts them. The caller has checked that the values are finite and that their
    /// number is correct.
    ///
    /// # Errors
    /// Returns an error, usually [`Error::Setting`](crate::Error::Setting), if a value is invalid, such as a negative variance.
    fn check_buffers(&self, _input: Shape, _buffers: &[A]) -> Result<()> {
        Ok(())
    }

    /// Returns the memory that the passes need in addition to their operands. A workspace owns this memory and lends it to every
    /// pass, so that a training step allocates nothing.
    fn scratch(&self, _input: Shape) -> Scratch {
        Scratch::NONE
    }

    /// Returns whether the rows of a batch are independent: a row of `y` depends only on the same row of `x`, and a row of `dx`
    /// only on the same rows of `x`, `y` and `dy`.
    ///
    /// If they are, a batch may be divided by rows among threads, for several layers at a time. Otherwise, the layer receives
    /// whole batches and an engine with threads for its own use. The choice affects the speed, but never the results.
    fn row_wise(&self, _training: bool) -> bool {
        false
    }

    /// Returns the minimum number of rows of a batch in training. A model rejects a smaller batch before the pass begins.
    fn min_rows(&self) -> usize {
        1
    }

    /// Checks the values that the layer receives, if they are columns of a model's input `x`: the `columns`, in order. A model
    /// calls this method before a pass, for its first layer and for every layer that receives the output of a layer which returns
    /// columns. `input` is the shape of a sample as the layer receives it, with as many values as there are `columns`.
    ///
    /// A layer that wraps others calls this method of the inner layers that receive its input. With the default, their values are
    /// not checked.
    ///
    /// Returns the columns of `x` that the output consists of, or `None`, the default, if the output has other values. The
    /// default accepts all values.
    ///
    /// # Errors
    /// Returns an error, usually [`Error::Row`](crate::Error::Row), for the first row with a value that the layer does not
    /// accept.
    fn check_input(
        &self,
        _input: Shape,
        _x: ArrayView2<'_, A>,
        _columns: Range<usize>,
    ) -> Result<Option<Range<usize>>> {
        Ok(None)
    }

    /// Returns the settings that a saved model stores, from which a registry recreates the layer. Returns [`Settings::new`] if
    /// the layer has no settings, and `None` (the default) if the layer cannot be saved.
    ///
    /// Initializers are not part of the settings, because a saved model contains the values of its parameters.
    fn settings(&self) -> Option<Settings> {
        None
    }

    /// Returns the layers inside a block with their names, or an empty vector for any other layer.
    fn inner_layers(&self) -> Vec<(String, &dyn Layer<A>)> {
        Vec::new()
    }

    /// Returns the layer prepared for inputs of this shape, or `None` if it needs no preparation. Blocks use this method to plan
    /// their inner layers once, when a model is built.
    ///
    /// # Errors
    /// Returns the errors of [`output_shape`](Layer::output_shape).
    fn placed(&self, _input: Shape) -> Result<Option<Arc<dyn Layer<A>>>> {
        Ok(None)
    }

    /// Writes all of `y`, computed from `x`, `params` and `buffers`.
    ///
    /// # Panics
    /// May panic if the pass was created for another layer.
    fn forward(&self, pass: Forward<'_, A>);

    /// Writes all of `grad` and all of `dx`, if present, computed from `dy` and from `x` and `y` of the forward pass.
    ///
    /// # Panics
    /// May panic if the pass was created for another layer.
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
    fn check_input(
        &self,
        input: Shape,
        x: ArrayView2<'_, A>,
        columns: Range<usize>,
    ) -> Result<Option<Range<usize>>>;
    fn settings(&self) -> Option<Settings>;
    fn inner_layers(&self) -> Vec<(String, &dyn Layer<A>)>;
    fn placed(&self, input: Shape) -> Result<Option<Arc<dyn Layer<A>>>>;
    fn forward(&self, pass: Forward<'_, A>);
    fn backward(&self, pass: Backward<'_, A>);
});

/// Adds `from` to `to` on up to `threads` threads.
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

/// Returns all values of an array in a pass as a flat slice.
fn flat<'a, A>(array: &'a ArrayView2<'_, A>) -> &'a [A] {
    array.as_slice().expect("passes hold arrays in standard layout")
}

/// Returns all values of an array in a pass as a mutable flat slice.
fn flat_mut<'a, A>(array: &'a mut ArrayViewMut2<'_, A>) -> &'a mut [A] {
    array.as_slice_mut().expect("passes hold arrays in standard layout")
}
