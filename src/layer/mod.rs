//! y = l(x): what a model is made of.

mod activation;
mod affine;

use std::fmt::Debug;

use ndarray::{Array2, ArrayView2, ArrayViewMut2};

pub use activation::Activation;
pub use affine::Affine;

use crate::error::{Error, Result};
use crate::init::Initializer;
use crate::linalg::Engine;
use crate::random::Random;
use crate::scalar::Scalar;

/// A layer: a function of its input and its parameters, and the gradients of that function.
///
/// A layer is a description and holds no numbers that change: a model keeps the parameters of all its layers in one
/// flat vector and lends each layer its part; a workspace keeps every layer's output. So nothing is cached here, the
/// same model predicts from many threads, and training and prediction share [`forward`](Layer::forward).
///
/// All arrays that a layer is given are in standard (row-major, contiguous) layout, a row per sample.
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
///         grad.fill(A::zero());
///         for (x, dy) in x.rows().into_iter().zip(dy.rows()) {
///             for ((g, &x), &dy) in grad.iter_mut().zip(x).zip(dy) {
///                 *g += x * dy;
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
pub trait Layer<A: Scalar>: Debug + Send + Sync {
    /// What the layer is, as a model's table shows it: `affine`, `swish`, …
    fn kind(&self) -> &str;

    /// The width of the output for this width of the input, or why there is none.
    fn output_dim(&self, input_dim: usize) -> Result<usize>;

    /// The parameters for this width of the input, in the order in which the layer finds them in `params`.
    fn parameters(&self, _input_dim: usize) -> Vec<Parameter> {
        Vec::new()
    }

    /// Writes all of `y` from `x` and `params`.
    fn forward(&self, pass: Forward<'_, A>);

    /// Writes all of `grad`, and of `dx` where it is wanted, from the forward pass's `x` and `y` and from `dy`.
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
    fn forward(&self, pass: Forward<'_, A>) {
        (**self).forward(pass)
    }
    fn backward(&self, pass: Backward<'_, A>) {
        (**self).backward(pass)
    }
}

/// A parameter of a layer: its name, its shape and how it starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// The name within the layer: `weight`, `bias`, …
    pub name: String,
    /// The shape; the numbers lie in row-major order.
    pub shape: Vec<usize>,
    /// How it is filled before training.
    pub initializer: Initializer,
    /// How many inputs and outputs it connects, for the initializer.
    pub fan: (usize, usize),
}

impl Parameter {
    /// A parameter that connects its first dimension (as inputs) with its last (as outputs).
    pub fn new(name: &str, shape: &[usize], initializer: Initializer) -> Self {
        let fan = (shape.first().copied().unwrap_or(1), shape.last().copied().unwrap_or(1));
        Self { name: name.into(), shape: shape.into(), initializer, fan }
    }

    /// Its first values, as `f64`, in row-major order.
    pub(crate) fn draw(&self, random: &mut dyn Random) -> Array2<f64> {
        let (columns, rows) = self.shape.split_last().map_or((1, 1), |(&n, rest)| (n, rest.iter().product()));
        self.initializer.draw((rows, columns), self.fan, random)
    }

    /// How many numbers it is; `None` if there is no such number.
    pub(crate) fn size(&self) -> Option<usize> {
        self.shape.iter().try_fold(1_usize, |size, &n| size.checked_mul(n))
    }
}

/// What a forward pass reads and writes.
#[derive(Debug)]
#[non_exhaustive]
pub struct Forward<'a, A> {
    /// The layer's parameters, one after another.
    pub params: &'a [A],
    /// The input, (batch, input_dim).
    pub x: ArrayView2<'a, A>,
    /// The output to write, (batch, output_dim).
    pub y: ArrayViewMut2<'a, A>,
    /// For matrix products.
    pub engine: &'a mut Engine<A>,
}

impl<'a, A> Forward<'a, A> {
    /// A forward pass outside a model; an error unless `x` and `y` are in standard layout with as many rows.
    pub fn new(
        params: &'a [A],
        x: ArrayView2<'a, A>,
        y: ArrayViewMut2<'a, A>,
        engine: &'a mut Engine<A>,
    ) -> Result<Self> {
        check("x", &x, x.nrows())?;
        check("y", &y.view(), x.nrows())?;
        Ok(Self { params, x, y, engine })
    }
}

/// What a backward pass reads and writes.
#[derive(Debug)]
#[non_exhaustive]
pub struct Backward<'a, A> {
    /// The layer's parameters, one after another.
    pub params: &'a [A],
    /// The input of the forward pass, (batch, input_dim).
    pub x: ArrayView2<'a, A>,
    /// The output of the forward pass, (batch, output_dim).
    pub y: ArrayView2<'a, A>,
    /// The gradient of the loss by the output, (batch, output_dim).
    pub dy: ArrayView2<'a, A>,
    /// The gradient of the loss by the input, to write, (batch, input_dim); `None` for a model's first layer.
    pub dx: Option<ArrayViewMut2<'a, A>>,
    /// The gradient of the loss by the parameters, to write, in the order of `params`.
    pub grad: &'a mut [A],
    /// For matrix products.
    pub engine: &'a mut Engine<A>,
}

impl<'a, A> Backward<'a, A> {
    /// A backward pass outside a model; an error unless all arrays are in standard layout and fit each other.
    pub fn new(
        params: &'a [A],
        x: ArrayView2<'a, A>,
        y: ArrayView2<'a, A>,
        dy: ArrayView2<'a, A>,
        dx: Option<ArrayViewMut2<'a, A>>,
        grad: &'a mut [A],
        engine: &'a mut Engine<A>,
    ) -> Result<Self> {
        check("x", &x, x.nrows())?;
        check("y", &y, x.nrows())?;
        check("dy", &dy, x.nrows())?;
        if dy.dim() != y.dim() {
            return Err(Error::shape("dy", format!("{:?}", y.shape()), dy.shape()));
        }
        if let Some(dx) = &dx {
            check("dx", &dx.view(), x.nrows())?;
            if dx.dim() != x.dim() {
                return Err(Error::shape("dx", format!("{:?}", x.shape()), dx.shape()));
            }
        }
        if grad.len() != params.len() {
            return Err(Error::shape("grad", format!("[{}]", params.len()), &[grad.len()]));
        }
        Ok(Self { params, x, y, dy, dx, grad, engine })
    }
}

fn check<A>(what: &str, array: &ArrayView2<'_, A>, rows: usize) -> Result<()> {
    match array.is_standard_layout() && array.nrows() == rows {
        true => Ok(()),
        false => Err(Error::shape(what, format!("{rows} rows in standard layout"), array.shape())),
    }
}

/// All numbers of an array that a pass holds.
fn flat<'a, A>(array: &'a ArrayView2<'_, A>) -> &'a [A] {
    array.as_slice().expect("passes hold arrays in standard layout")
}

fn flat_mut<'a, A>(array: &'a mut ArrayViewMut2<'_, A>) -> &'a mut [A] {
    array.as_slice_mut().expect("passes hold arrays in standard layout")
}
