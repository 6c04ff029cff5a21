//! y = l(x): what a model is made of.

mod activation;
mod affine;
mod batch_norm;
mod columns;
mod dropout;
mod layer_norm;
mod parameter;
mod pass;
mod trainable;

use std::any::Any;
use std::fmt::Debug;

use ndarray::{ArrayView2, ArrayViewMut2};

pub use activation::Activation;
pub use affine::Affine;
pub use batch_norm::BatchNorm;
pub use dropout::Dropout;
pub use layer_norm::LayerNorm;
pub use parameter::Parameter;
pub(crate) use parameter::{Plan, check_name};
pub use pass::{Backward, Forward, Training};
pub use trainable::Trainable;

use crate::error::Result;
use crate::scalar::Scalar;
use crate::settings::{Settings, of_no_fields};

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
/// use manabi::{Backward, Forward, Initializer, Layer, Parameter, Result, Scalar};
///
/// /// y = s·x, one trainable s per feature.
/// #[derive(Debug)]
/// struct Scale;
///
/// impl<A: Scalar> Layer<A> for Scale {
///     fn kind(&self) -> &str {
///         "scale"
///     }
///     fn output_dim(&self, input_dim: usize) -> Result<usize> {
///         Ok(input_dim)
///     }
///     fn parameters(&self, input_dim: usize) -> Vec<Parameter> {
///         vec![Parameter::new("scale", &[input_dim], Initializer::Constant(1.0))]
///     }
///     fn by_row(&self, _training: bool) -> bool {
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
    /// What the layer is, as a model's table shows it and a file knows it: `affine`, `swish`, …; a name that no other kind has.
    /// A model with a layer of your own under the name of a built-in one cannot be saved.
    fn kind(&self) -> &str;

    /// The width of the output for this width of the input, or why there is none.
    fn output_dim(&self, input_dim: usize) -> Result<usize>;

    /// The parameters for this width of the input, in the order in which the layer finds them in `params`.
    fn parameters(&self, _input_dim: usize) -> Vec<Parameter> {
        Vec::new()
    }

    /// The numbers that training changes without a gradient, such as a running mean, in the order in which the layer finds
    /// them in `buffers`.
    fn buffers(&self, _input_dim: usize) -> Vec<Parameter> {
        Vec::new()
    }

    /// Whether a row of `y` depends on that row of `x` alone, and a row of `dx` on that row of `x`, `y` and `dy`.
    ///
    /// If so, a batch may be divided by rows among threads, several layers at a time; if not, the layer gets whole batches, and
    /// an engine with threads for its own use. The answer changes the speed, never the results.
    fn by_row(&self, _training: bool) -> bool {
        false
    }

    /// The fewest rows that a batch may have in training; fewer are an error before the pass begins.
    fn least_rows(&self) -> usize {
        1
    }

    /// What a saved model says of the layer, for a registry to make it again; `None` if it does not tell.
    ///
    /// A layer without fields has nothing to say, and one with fields says nothing unless it implements this. How parameters
    /// start is none of it: a saved model has their values.
    fn settings(&self) -> Option<Settings> {
        of_no_fields(self)
    }

    /// Writes all of `y` from `x`, `params` and `buffers`.
    ///
    /// # Panics
    /// May panic for a pass that was made for another layer.
    fn forward(&self, pass: Forward<'_, A>);

    /// Writes all of `grad` and of `dx`, each where it is wanted, from the forward pass's `x` and `y` and from `dy`.
    fn backward(&self, pass: Backward<'_, A>);
}

/// A layer chosen at run time.
impl<A: Scalar> Layer<A> for Box<dyn Layer<A>> {
    fn kind(&self) -> &str {
        (**self).kind()
    }
    fn output_dim(&self, input_dim: usize) -> Result<usize> {
        (**self).output_dim(input_dim)
    }
    fn parameters(&self, input_dim: usize) -> Vec<Parameter> {
        (**self).parameters(input_dim)
    }
    fn buffers(&self, input_dim: usize) -> Vec<Parameter> {
        (**self).buffers(input_dim)
    }
    fn by_row(&self, training: bool) -> bool {
        (**self).by_row(training)
    }
    fn least_rows(&self) -> usize {
        (**self).least_rows()
    }
    fn settings(&self) -> Option<Settings> {
        (**self).settings()
    }
    fn forward(&self, pass: Forward<'_, A>) {
        (**self).forward(pass)
    }
    fn backward(&self, pass: Backward<'_, A>) {
        (**self).backward(pass)
    }
}

/// All numbers of an array that a pass holds.
fn flat<'a, A>(array: &'a ArrayView2<'_, A>) -> &'a [A] {
    array.as_slice().expect("passes hold arrays in standard layout")
}

fn flat_mut<'a, A>(array: &'a mut ArrayViewMut2<'_, A>) -> &'a mut [A] {
    array.as_slice_mut().expect("passes hold arrays in standard layout")
}
