use ndarray::{ArrayView2, ArrayViewMut2};

use super::plan::Declared;
use super::scratch::{Kept, KeptMut, Memory};
use super::{Layer, Scratch};
use crate::error::{Error, Result};
use crate::linalg::Engine;
use crate::random::Noise;
use crate::scalar::Scalar;
use crate::shape::Shape;

/// The operands of a forward pass. All arrays are in standard layout, with a row per sample.
#[derive(Debug)]
#[non_exhaustive]
pub struct Forward<'a, A> {
    /// The layer's parameters, in the order of their declarations.
    pub params: &'a [A],
    /// The layer's buffers, in the order of their declarations.
    pub buffers: &'a [A],
    /// The shape of a sample in `x`.
    pub input: Shape,
    /// The shape of a sample in `y`.
    pub output: Shape,
    /// The input, (batch, size of `input`).
    pub x: ArrayView2<'a, A>,
    /// The output to write, (batch, size of `output`).
    pub y: ArrayViewMut2<'a, A>,
    /// The arrays to keep for the backward pass, as requested by [`Scratch::kept`].
    pub kept: KeptMut<'a, A>,
    /// Memory for the duration of this pass: [`Scratch::temporary`] values for each thread of the engine.
    pub temporary: &'a mut [A],
    /// The additional operands in training, or `None` in prediction.
    pub training: Option<Training<'a, A>>,
    /// The engine for matrix products.
    pub engine: &'a mut Engine<A>,
}

/// The additional operands of a forward pass in training.
#[derive(Debug)]
#[non_exhaustive]
pub struct Training<'a, A> {
    /// The random numbers for this layer and batch, the same as in the backward pass.
    pub noise: Noise,
    /// On entry, the current buffers. The layer overwrites them with the values to adopt when the step is taken.
    pub buffers: &'a mut [A],
}

impl<'a, A> Training<'a, A> {
    /// Creates the operands for training a layer outside a model: random numbers, and a copy of the buffers to overwrite.
    pub fn new(noise: Noise, buffers: &'a mut [A]) -> Self {
        Self { noise, buffers }
    }
}

impl<'a, A: Scalar> Forward<'a, A> {
    /// Creates a forward pass of a layer outside a model. The pass is for prediction, unless
    /// [`training`](Forward::training) is called.
    ///
    /// # Errors
    /// Returns [`Error::Shape`] if an array is not in standard layout or does not have the shape that the layer needs. Returns
    /// [`Error::Setting`] if there are more rows than the workspace has room for.
    pub fn new(
        ws: &'a mut LayerWorkspace<A>,
        params: &'a [A],
        buffers: &'a [A],
        x: ArrayView2<'a, A>,
        y: ArrayViewMut2<'a, A>,
    ) -> Result<Self> {
        ws.check(params, buffers, &x, &y.view())?;
        let LayerWorkspace { input, output, memory, engine, .. } = ws;
        let (kept, temporary) = memory.forward(x.nrows());
        let (input, output) = (*input, *output);
        Ok(Self { params, buffers, input, output, x, y, kept, temporary, training: None, engine })
    }

    /// Turns the pass into a training pass.
    ///
    /// # Errors
    /// Returns [`Error::Shape`] if `training` and the pass differ in the number of buffer values.
    pub fn training(self, training: Training<'a, A>) -> Result<Self> {
        check_length("training buffers", training.buffers.len(), self.buffers.len())?;
        Ok(Self { training: Some(training), ..self })
    }
}

/// The operands of a backward pass. All arrays are in standard layout, with a row per sample.
#[derive(Debug)]
#[non_exhaustive]
pub struct Backward<'a, A> {
    /// The layer's parameters, in the order of their declarations.
    pub params: &'a [A],
    /// The buffers that the forward pass read, in the order of their declarations.
    pub buffers: &'a [A],
    /// The shape of a sample in `x`.
    pub input: Shape,
    /// The shape of a sample in `y`.
    pub output: Shape,
    /// The input of the forward pass, (batch, size of `input`).
    pub x: ArrayView2<'a, A>,
    /// The output of the forward pass, (batch, size of `output`).
    pub y: ArrayView2<'a, A>,
    /// The gradient of the loss with respect to the output, (batch, size of `output`).
    pub dy: ArrayView2<'a, A>,
    /// The gradient of the loss with respect to the input, to write, (batch, size of `input`). `None` if it is not needed: a
    /// model never needs it from its first layer.
    pub dx: Option<ArrayViewMut2<'a, A>>,
    /// The gradient of the loss with respect to the parameters, to write, in the order of `params`. `None` if it is not needed,
    /// as in a pass for some rows of a divided batch.
    pub grad: Option<&'a mut [A]>,
    /// The arrays that the forward pass kept, as requested by [`Scratch::kept`].
    pub kept: Kept<'a, A>,
    /// The arrays requested by [`Scratch::gradients`]. If `after_dx`, they contain what the pass that computed dx wrote.
    pub gradients: KeptMut<'a, A>,
    /// Whether an earlier backward pass of this batch, perhaps in parts, has computed dx. If so, `dx` is `None`.
    pub after_dx: bool,
    /// Memory for the duration of this pass: [`Scratch::temporary`] values for each thread of the engine.
    pub temporary: &'a mut [A],
    /// The random numbers of the forward pass.
    pub noise: Noise,
    /// The engine for matrix products.
    pub engine: &'a mut Engine<A>,
}

impl<'a, A: Scalar> Backward<'a, A> {
    /// Creates a backward pass of a layer outside a model, after a forward pass in the same workspace with the same operands.
    ///
    /// The pass computes only the gradients that are requested by [`dx`](Backward::dx) and [`grad`](Backward::grad). If the layer
    /// behaves differently in training, the forward pass must be a training pass, and [`noise`](Backward::noise) must be called
    /// with its random numbers.
    ///
    /// # Errors
    /// Returns [`Error::Shape`] if an array is not in standard layout or does not have the shape that the layer needs. Returns
    /// [`Error::Setting`] if there are more rows than the workspace has room for, and [`Error::OutOfMemory`] if the arrays for
    /// gradients do not fit in memory.
    pub fn new(
        ws: &'a mut LayerWorkspace<A>,
        params: &'a [A],
        buffers: &'a [A],
        [x, y, dy]: [ArrayView2<'a, A>; 3],
    ) -> Result<Self> {
        ws.check(params, buffers, &x, &y)?;
        check("dy", &dy, y.dim())?;
        let LayerWorkspace { input, output, memory, scratch, engine, .. } = ws;
        memory.grow_for_training(scratch)?;
        let (kept, gradients, temporary) = memory.backward(x.nrows());
        Ok(Self {
            params,
            buffers,
            input: *input,
            output: *output,
            x,
            y,
            dy,
            dx: None,
            grad: None,
            kept,
            gradients,
            after_dx: false,
            temporary,
            noise: Noise::default(),
            engine,
        })
    }

    /// Requests the gradient with respect to the input.
    ///
    /// # Errors
    /// Returns [`Error::Shape`] if the array is not in standard layout or does not have the shape of `x`.
    pub fn dx(self, dx: ArrayViewMut2<'a, A>) -> Result<Self> {
        check("dx", &dx.view(), self.x.dim())?;
        Ok(Self { dx: Some(dx), ..self })
    }

    /// Requests the gradient with respect to the parameters.
    ///
    /// # Errors
    /// Returns [`Error::Shape`] if `grad` and `params` differ in length.
    pub fn grad(self, grad: &'a mut [A]) -> Result<Self> {
        check_length("grad", grad.len(), self.params.len())?;
        Ok(Self { grad: Some(grad), ..self })
    }

    /// Sets the random numbers of the forward pass.
    pub fn noise(self, noise: Noise) -> Self {
        Self { noise, ..self }
    }

    /// Sets whether the pass is for the parameters only, after a pass that computed dx in the same workspace.
    pub fn after_dx(self, after_dx: bool) -> Self {
        match after_dx {
            true => Self { dx: None, after_dx, ..self },
            false => Self { after_dx, ..self },
        }
    }
}

/// The scratch memory for one layer outside a model.
///
/// # Examples
/// ```
/// use manabi::layer::{Forward, LayerWorkspace};
/// use manabi::{Affine, Layer};
/// use ndarray::array;
///
/// let affine = Affine::new(1);
/// let mut ws = LayerWorkspace::new(&affine, 2, 1)?; // inputs of 2 values, batches of 1 row
/// let (params, x, mut y) = ([3.0, 4.0, 0.5], array![[1.0, 10.0]], array![[0.0]]); // weight and bias
/// affine.forward(Forward::new(&mut ws, &params, &[], x.view(), y.view_mut())?);
/// assert_eq!(y, array![[43.5]]);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "the setters return the changed workspace"]
pub struct LayerWorkspace<A> {
    input: Shape,
    output: Shape,
    /// The number of values of all parameters, and of all buffers.
    sizes: (usize, usize),
    scratch: Scratch,
    memory: Memory<A>,
    engine: Engine<A>,
}

impl<A: Scalar> LayerWorkspace<A> {
    /// Allocates scratch memory for passes of at most `rows` rows through this layer.
    ///
    /// # Errors
    /// Returns the errors of [`Layer::output_shape`] if the layer does not support inputs of this shape. Returns
    /// [`Error::Setting`] or [`Error::DuplicateName`] if the layer's declarations are invalid, and [`Error::OutOfMemory`] if the
    /// scratch does not fit in memory.
    pub fn new(layer: &dyn Layer<A>, input: impl Into<Shape>, rows: usize) -> Result<Self> {
        let declared = Declared::of(layer, input.into())?;
        let Declared { input, output, size, buffer_size, scratch, .. } = declared;
        let memory = Memory::new(&scratch, rows, 1)?;
        Ok(Self { input, output, sizes: (size, buffer_size), scratch, memory, engine: Engine::new(1) })
    }

    /// Sets the maximum number of threads that share the work of a pass.
    ///
    /// # Errors
    /// Returns [`Error::OutOfMemory`] if the scratch for these threads does not fit in memory.
    pub fn threads(self, threads: usize) -> Result<Self> {
        let engine = Engine::new(threads);
        let memory = Memory::new(&self.scratch, self.memory.capacity(), engine.thread_count())?;
        Ok(Self { memory, engine, ..self })
    }

    /// Fills all scratch memory with this value, so that a test can detect reads of unwritten memory.
    ///
    /// # Errors
    /// Returns [`Error::OutOfMemory`] if the scratch for backward passes does not fit in memory.
    pub fn fill(&mut self, value: A) -> Result<()> {
        self.memory.grow_for_training(&self.scratch)?;
        self.memory.fill(value);
        Ok(())
    }

    /// Returns the arrays that the last passes kept, if these had `rows` rows.
    pub(crate) fn kept(&self, rows: usize) -> impl Iterator<Item = ArrayView2<'_, A>> {
        let [kept, gradients] = [self.memory.kept(rows), self.memory.gradients(rows)];
        let forward = (0..self.scratch.kept.len()).map(move |index| kept.array(index));
        forward.chain((0..self.scratch.gradients.len()).map(move |index| gradients.array(index)))
    }

    /// Returns the output shape.
    pub fn output(&self) -> Shape {
        self.output
    }

    fn check(&self, params: &[A], buffers: &[A], x: &ArrayView2<'_, A>, y: &ArrayView2<'_, A>) -> Result<()> {
        let (rows, capacity) = (x.nrows(), self.memory.capacity());
        if rows > capacity {
            return Err(Error::setting(
                "rows",
                format!("at most {capacity}, the capacity of the workspace"),
                rows,
            ));
        }
        check("x", x, (rows, self.input.size()))?;
        check("y", y, (rows, self.output.size()))?;
        check_length("params", params.len(), self.sizes.0)?;
        check_length("buffers", buffers.len(), self.sizes.1)
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
