use ndarray::{ArrayView2, ArrayViewMut2};

use super::Layer;
use super::parameter::Plan;
use crate::error::{Error, Result};
use crate::linalg::Engine;
use crate::random::Noise;
use crate::scalar::Scalar;

/// What a forward pass reads and writes. All arrays are in standard layout.
#[derive(Debug)]
#[non_exhaustive]
pub struct Forward<'a, A> {
    /// The layer's parameters, one after another.
    pub params: &'a [A],
    /// The layer's buffers, one after another.
    pub buffers: &'a [A],
    /// The input, (batch, input_dim).
    pub x: ArrayView2<'a, A>,
    /// The output to write, (batch, output_dim).
    pub y: ArrayViewMut2<'a, A>,
    /// What a pass has in training, and only then.
    pub training: Option<Training<'a, A>>,
    /// For matrix products.
    pub engine: &'a mut Engine<A>,
}

/// What a forward pass has in training.
#[derive(Debug)]
#[non_exhaustive]
pub struct Training<'a, A> {
    /// The random numbers of this layer and batch, the same in the backward pass.
    pub noise: Noise,
    /// What the buffers become when the step is taken, to write; before, what they are.
    pub buffers: &'a mut [A],
}

impl<'a, A> Training<'a, A> {
    /// Training outside a model: these random numbers, and room for the buffers to come.
    pub fn new(noise: Noise, buffers: &'a mut [A]) -> Self {
        Self { noise, buffers }
    }
}

impl<'a, A: Scalar> Forward<'a, A> {
    /// A forward pass of a layer outside a model; for prediction, until [`training`](Forward::training) is given.
    ///
    /// Errors: an array that is not in standard layout, or not of the shape that the layer needs.
    pub fn new(
        layer: &dyn Layer<A>,
        params: &'a [A],
        buffers: &'a [A],
        x: ArrayView2<'a, A>,
        y: ArrayViewMut2<'a, A>,
        engine: &'a mut Engine<A>,
    ) -> Result<Self> {
        let plan = Plan::of(layer, x.ncols())?;
        check("x", &x, x.dim())?;
        check("y", &y.view(), (x.nrows(), plan.output_dim))?;
        check_length("params", params.len(), plan.size)?;
        check_length("buffers", buffers.len(), plan.buffer_size)?;
        Ok(Self { params, buffers, x, y, training: None, engine })
    }

    /// The same pass in training.
    ///
    /// Errors: room for another number of buffers than the layer has.
    pub fn training(self, training: Training<'a, A>) -> Result<Self> {
        check_length("buffers of training", training.buffers.len(), self.buffers.len())?;
        Ok(Self { training: Some(training), ..self })
    }
}

/// What a backward pass reads and writes. All arrays are in standard layout.
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
    /// The gradient of the loss by the input, to write, (batch, input_dim), where it is wanted: never for a model's first
    /// layer.
    pub dx: Option<ArrayViewMut2<'a, A>>,
    /// The gradient of the loss by the parameters, to write, in the order of `params`, where it is wanted: not while a batch
    /// is divided by rows.
    pub grad: Option<&'a mut [A]>,
    /// The random numbers of the forward pass.
    pub noise: Noise,
    /// For matrix products.
    pub engine: &'a mut Engine<A>,
}

impl<'a, A: Scalar> Backward<'a, A> {
    /// A backward pass of a layer outside a model, after this forward pass, whose `y` holds the output. Backward passes belong
    /// to training: that of a layer which behaves otherwise in prediction needs a forward pass with
    /// [`training`](Forward::training).
    ///
    /// Errors: an array that is not in standard layout, or not of the shape that the layer needs.
    pub fn new(
        forward: Forward<'a, A>,
        dy: ArrayView2<'a, A>,
        dx: Option<ArrayViewMut2<'a, A>>,
        grad: Option<&'a mut [A]>,
    ) -> Result<Self> {
        let Forward { params, x, y, engine, training, .. } = forward;
        let noise = training.map_or_else(Noise::default, |training| training.noise);
        check("dy", &dy, y.dim())?;
        if let Some(dx) = &dx {
            check("dx", &dx.view(), x.dim())?;
        }
        if let Some(grad) = &grad {
            check_length("grad", grad.len(), params.len())?;
        }
        let shape = y.dim();
        let y = y.into_slice().expect("the forward pass holds arrays in standard layout");
        let y = ArrayView2::from_shape(shape, &*y).expect("as long as it was");
        Ok(Self { params, x, y, dy, dx, grad, noise, engine })
    }
}

fn check<A>(what: &str, array: &ArrayView2<'_, A>, shape: (usize, usize)) -> Result<()> {
    match array.is_standard_layout() && array.dim() == shape {
        true => Ok(()),
        false => Err(Error::shape(what, format!("{shape:?} in standard layout"), array.shape())),
    }
}

fn check_length(what: &str, length: usize, expected: usize) -> Result<()> {
    if length == expected { Ok(()) } else { Err(Error::shape(what, format!("[{expected}]"), &[length])) }
}
