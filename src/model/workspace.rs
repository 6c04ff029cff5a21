use std::sync::Arc;

use ndarray::{ArrayView2, ArrayViewMut2, Axis};

use super::Sequential;
use crate::buffer::{lengthen, zeros};
use crate::buffer::{matrix, matrix_mut};
use crate::data::{Dataset, Place};
use crate::error::{Error, Result};
use crate::layer::{Memory, Plan};
use crate::linalg::Engine;
use crate::parallel::{Divide, divide, enter, least, shares};
use crate::random::Noise;
use crate::scalar::Scalar;
use crate::shape::Shape;

/// The scratch of one thread's passes through a model: a batch, every layer's output, the gradients.
///
/// Made once by [`Sequential::workspace`] for a greatest batch size and reused: after a first pass nothing is
/// allocated for one of as many rows or fewer.
///
/// A training loop of your own:
///
/// ```
/// use manabi::activation::Identity;
/// use manabi::loss::MeanSquaredError;
/// use manabi::optim::Stepper;
/// use manabi::{Affine, Samples, Sequential, Sgd};
/// use ndarray::array;
///
/// let data = Samples::new(array![[0.0], [1.0], [2.0]], array![[1.0], [3.0], [5.0]])?; // t = 2x + 1
/// let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(1));
/// let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build()?;
/// let mut ws = model.workspace(3)?;
/// let mut sgd = Stepper::new(Sgd::new(0.2));
/// for _ in 0..200 {
///     ws.load(&data, &[0, 1, 2])?;
///     model.gradient(&mut ws)?;
///     sgd.step(&mut model, &mut ws)?;
/// }
/// assert!((model.parameter_values()[0] - 2.0).abs() < 1e-6 && (model.parameter_values()[1] - 1.0).abs() < 1e-6);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("scratch", "buffers"))]
pub struct Workspace<A> {
    /// The greatest number of rows.
    pub(super) capacity: usize,
    /// The number of rows of the batch at hand.
    pub(super) rows: usize,
    /// Whether the batch came with targets.
    pub(super) loaded: bool,
    /// The layers that it serves.
    pub(super) plan: Arc<Plan<A>>,
    /// The batch.
    pub(super) x: Vec<A>,
    /// The predictions.
    pub(super) y: Vec<A>,
    /// The targets.
    pub(super) t: Vec<A>,
    /// The data set's rows that the batch holds, as errors name them.
    origins: Vec<usize>,
    /// The layers' outputs, the gradients with respect to them, and all else that layers keep.
    pub(super) memory: Memory<A>,
    /// The gradient by all parameters.
    pub(super) gradient: Vec<A>,
    /// What the last gradient made of the buffers.
    pub(super) buffers: Vec<A>,
    /// Whether a step has been taken by this gradient.
    taken: bool,
    /// Whether a step has been taken since the batch was loaded or its noise was renewed.
    stepped: bool,
    /// The seed of what layers draw in training.
    seed: u32,
    /// The number of the batch at hand.
    batch: u64,
    /// Multiplies matrices.
    pub(super) engine: Engine<A>,
}

impl<A: Scalar> Sequential<A> {
    /// Scratch for passes of at most `batch` rows (at least 1) through this model.
    ///
    /// Errors: more than fits in memory.
    #[inline(never)]
    pub fn workspace(&self, batch: usize) -> Result<Workspace<A>> {
        let capacity = batch.max(1);
        let buffer = |what, width: usize| zeros(what, capacity.saturating_mul(width));
        Ok(Workspace {
            capacity,
            rows: 0,
            loaded: false,
            plan: self.plan.clone(),
            x: buffer("the inputs of a batch", self.input_dim())?,
            y: buffer("the outputs of a batch", self.output_dim())?,
            t: Vec::new(),
            origins: Vec::new(),
            memory: Memory::new(&self.plan.scratch, capacity, 1)?,
            gradient: Vec::new(),
            buffers: Vec::new(),
            taken: false,
            stepped: false,
            seed: 0,
            batch: 0,
            engine: Engine::new(1),
        })
    }
}

impl<A: Scalar> Workspace<A> {
    /// Divides the work of a pass among up to this many threads (at least 1; 1 to begin with) wherever that pays. The results
    /// are the same bits.
    ///
    /// After `fork`, the threads of `rayon`'s pool exist in the parent alone, and a child that waits for them hangs. There, use
    /// one thread, or start a new process instead (`std::process::Command`).
    #[inline(never)]
    pub fn threads(self, threads: usize) -> Self {
        let engine = Engine::new(threads);
        let memory = self.memory.for_threads(&self.plan.scratch, engine.thread_count());
        Self { engine, memory, ..self }
    }

    /// How many threads the work of a pass is divided among.
    pub(crate) fn thread_count(&self) -> usize {
        self.engine.thread_count()
    }

    /// Sets the seed of what layers such as dropout draw in training (0 to begin with), and begins again with the first batch.
    pub fn seed(self, seed: u32) -> Self {
        Self { seed, batch: 0, ..self }
    }

    /// Returns the random numbers of the batch at hand. They are new after every [`load`](Workspace::load), and for the first
    /// gradient after a step, so that a batch that is loaded once has other dropout masks in every step. A gradient that is
    /// computed again before the step has the same.
    pub fn batch_noise(&self) -> Noise {
        Noise::new(self.seed, self.batch)
    }

    /// Makes the batch that is loaded next one behind so many others, as when a training goes on.
    pub(crate) fn skip_to(&mut self, batch: u64) {
        self.batch = batch;
    }

    /// The gradient by all parameters that the last [`Sequential::gradient`] left, in the order of
    /// [`Sequential::parameter_values`].
    pub fn gradient(&self) -> &[A] {
        &self.gradient
    }

    /// The gradient, to be clipped or summed in place. A step may be taken by it, also if one has been before.
    pub fn gradient_mut(&mut self) -> &mut [A] {
        self.taken = false;
        &mut self.gradient
    }

    /// Returns whether a step has been taken by this gradient.
    pub(crate) fn is_taken(&self) -> bool {
        self.taken
    }

    /// Lends the gradient to a step.
    pub(crate) fn take_gradient(&mut self) -> &mut [A] {
        (self.taken, self.stepped) = (true, true);
        &mut self.gradient
    }

    /// Renews the noise if a step has been taken since it was used, and expects a new gradient.
    pub(super) fn begin_gradient(&mut self) {
        if std::mem::take(&mut self.stepped) {
            self.batch = self.batch.wrapping_add(1);
        }
        self.taken = false;
    }

    /// The predictions of the last pass over the batch that is loaded: before one has been made, what the batch before left.
    /// None behind a prediction, which has written them elsewhere.
    pub fn y(&self) -> ArrayView2<'_, A> {
        matrix(&self.y, self.rows, self.outputs())
    }

    /// The targets of the batch that is loaded; none behind a prediction.
    pub fn t(&self) -> ArrayView2<'_, A> {
        matrix(&self.t, if self.loaded { self.rows } else { 0 }, self.outputs())
    }

    /// Loads the samples at `rows` of a data set as the batch, as for an evaluation: an [`Augment`](crate::data::Augment)
    /// gives them unchanged. See [`load_at`](Workspace::load_at) for training on samples that change.
    ///
    /// # Errors
    ///
    /// The data set does not fit the model, a row is not in it, there are no rows or more than the workspace has room for, or
    /// the data set fails.
    #[inline(never)]
    pub fn load(&mut self, data: &dyn Dataset<A>, rows: &[usize]) -> Result<()> {
        self.load_at(Place::evaluation(), data, rows)
    }

    /// Loads the samples at `rows` of a data set as the batch at this place in a run, whose noise has the workspace's
    /// [`seed`](Workspace::seed).
    ///
    /// # Errors
    ///
    /// Those of [`load`](Workspace::load).
    ///
    /// ```
    /// use manabi::activation::Identity;
    /// use manabi::data::{Augment, Place};
    /// use manabi::loss::MeanSquaredError;
    /// use manabi::optim::Stepper;
    /// use manabi::random::Noise;
    /// use manabi::{Affine, Samples, Sequential, Sgd};
    /// use ndarray::array;
    ///
    /// let data = Samples::new(array![[0.0], [1.0], [2.0]], array![[1.0], [3.0], [5.0]])?;
    /// // Either 0.01 more or 0.01 less.
    /// let shaky = |x: &mut [f64], noise: Noise| x[0] += if noise.bits(0, 0).is_multiple_of(2) { 0.01 } else { -0.01 };
    /// let data = Augment::new(&data, shaky);
    /// let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(1));
    /// let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build()?;
    /// let mut ws = model.workspace(3)?.seed(10);
    /// let mut sgd = Stepper::new(Sgd::new(0.2));
    /// for epoch in 1..=200 {
    ///     ws.load_at(Place::training(epoch, 1), &data, &[0, 1, 2])?;
    ///     model.gradient(&mut ws)?;
    ///     sgd.step(&mut model, &mut ws)?;
    /// }
    /// assert!((model.parameter_values()[0] - 2.0).abs() < 0.05);
    /// # Ok::<(), manabi::Error>(())
    /// ```
    #[inline(never)]
    pub fn load_at(&mut self, place: Place, data: &dyn Dataset<A>, rows: &[usize]) -> Result<()> {
        let (inputs, outputs) = (self.plan.input().size(), self.outputs());
        check_data("data set", data, self.plan.input(), outputs)?;
        if rows.is_empty() || rows.len() > self.capacity {
            return Err(Error::setting("rows", format!("1 to {}", self.capacity), rows.len()));
        }
        if let Some(row) = rows.iter().find(|&&row| row >= data.len()) {
            return Err(Error::setting("row", format!("below {}", data.len()), row));
        }
        lengthen("the targets of a batch", &mut self.t, self.capacity * outputs)?;
        lengthen("the rows of a batch", &mut self.origins, self.capacity)?;
        self.loaded = false;
        let x = matrix_mut(&mut self.x, rows.len(), inputs);
        let (threads, t) = (self.engine.thread_count(), matrix_mut(&mut self.t, rows.len(), outputs));
        let threads = shares(threads, x.len(), least::GATHERED);
        let place = place.seed(self.seed);
        let gather = |Gather { place, rows, x, t }: Gather<'_, A>| data.gather_at(place, rows, x, t);
        enter(threads, || divide(Gather { place, rows, x, t }, threads, &gather))?;
        self.origins.iter_mut().zip(rows).for_each(|(origin, &row)| *origin = data.origin(row));
        (self.rows, self.loaded, self.batch) = (rows.len(), true, self.batch.wrapping_add(1));
        self.stepped = false;
        Ok(())
    }

    /// The rows of the data set that are loaded, as errors name them.
    pub(crate) fn origins(&self) -> &[usize] {
        &self.origins[..if self.loaded { self.rows } else { 0 }]
    }

    fn outputs(&self) -> usize {
        self.plan.output().size()
    }
}

/// An error unless samples and targets of a data set have these shapes.
pub(super) fn check_data<A: Scalar>(
    name: &str,
    data: &dyn Dataset<A>,
    input: Shape,
    outputs: usize,
) -> Result<()> {
    let (sample, target) = (data.input_shape(), data.target_dim());
    if sample.size() != data.input_dim() {
        let expected = format!("the size of its shape {sample}");
        return Err(Error::setting(
            format!("width of the samples of the {name}"),
            expected,
            data.input_dim(),
        ));
    }
    if !input.takes(sample) {
        let cure =
            if input.size() == sample.size() { " (Samples::with_shape gives them another)" } else { "" };
        return Err(Error::setting(format!("samples of the {name}"), format!("shape {input}{cure}"), sample));
    }
    match target == outputs {
        true => Ok(()),
        false => Err(Error::setting(format!("targets of the {name}"), format!("{outputs} values"), target)),
    }
}

/// Rows of a data set, and where they are gathered.
struct Gather<'a, A> {
    place: Place,
    rows: &'a [usize],
    x: ArrayViewMut2<'a, A>,
    t: ArrayViewMut2<'a, A>,
}

impl<A: Scalar> Divide for Gather<'_, A> {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        let (rows, other_rows) = self.rows.split_at(at);
        let (x, other_x) = self.x.split_at(Axis(0), at);
        let (t, other_t) = self.t.split_at(Axis(0), at);
        let (place, other_place) = (self.place, self.place.rows_from(at));
        (Self { place, rows, x, t }, Self { place: other_place, rows: other_rows, x: other_x, t: other_t })
    }
}
