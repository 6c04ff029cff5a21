use ndarray::{ArrayView2, ArrayViewMut2, Axis};

use super::Sequential;
use crate::data::{Dataset, Place};
use crate::error::{Error, Result, lengthen, zeros};
use crate::linalg::Engine;
use crate::parallel::enter;
use crate::random::Noise;
use crate::scalar::Scalar;

/// The scratch of one thread's passes through a model: a batch, every layer's output, the gradients.
///
/// Made once by [`Sequential::workspace`] for a greatest batch size and reused: after a first pass nothing is
/// allocated for one of as many rows or fewer.
///
/// A training loop of your own:
///
/// ```
/// use manabi::{Affine, Identity, MeanSquaredError, Samples, Sequential, Sgd, Stepper};
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
/// assert!((model.params()[0] - 2.0).abs() < 1e-6 && (model.params()[1] - 1.0).abs() < 1e-6);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Workspace<A> {
    /// The greatest number of rows.
    pub(super) capacity: usize,
    /// The number of rows of the batch at hand.
    pub(super) rows: usize,
    /// Whether the batch came with targets.
    pub(super) loaded: bool,
    /// The widths at all boundaries between layers.
    pub(super) widths: Vec<usize>,
    /// The batch, then every layer's output.
    pub(super) values: Vec<Vec<A>>,
    /// The predictions.
    pub(super) y: Vec<A>,
    /// The targets.
    pub(super) t: Vec<A>,
    /// The data set's rows that the batch holds, as errors name them.
    origins: Vec<usize>,
    /// The gradients by the values at all boundaries but the first.
    pub(super) deltas: Vec<Vec<A>>,
    /// The gradient by all parameters.
    pub(super) gradient: Vec<A>,
    /// What the last gradient made of the buffers.
    pub(super) buffers: Vec<A>,
    /// The seed of what layers draw in training.
    seed: u32,
    /// The number of the batch at hand.
    batch: u64,
    /// What multiplies matrices of a whole batch.
    pub(super) engine: Engine<A>,
    /// What multiplies those of a part, one for each thread.
    pub(super) engines: Vec<Engine<A>>,
}

/// The numbers to gather that make a thread worth its while.
const PART: usize = 1 << 14;

impl<A: Scalar> Sequential<A> {
    /// Scratch for passes of at most `batch` rows (at least 1) through this model.
    ///
    /// Errors: more than fits in memory.
    pub fn workspace(&self, batch: usize) -> Result<Workspace<A>> {
        let capacity = batch.max(1);
        let widths: Vec<usize> = self.widths().collect();
        let buffer = |width| zeros((capacity, width)).map(|array| array.into_raw_vec_and_offset().0);
        let values = widths.iter().map(|&width| buffer(width)).collect::<Result<_>>()?;
        let y = buffer(self.output_dim())?;
        Ok(Workspace {
            capacity,
            rows: 0,
            loaded: false,
            widths,
            values,
            y,
            t: Vec::new(),
            origins: Vec::new(),
            deltas: Vec::new(),
            gradient: Vec::new(),
            buffers: Vec::new(),
            seed: 0,
            batch: 0,
            engine: Engine::new(1),
            engines: vec![Engine::new(1)],
        })
    }
}

impl<A: Scalar> Workspace<A> {
    /// Divides the work of a pass among up to this many threads (at least 1; 1 to begin with) wherever that pays. The results
    /// are the same bits.
    pub fn threads(self, threads: usize) -> Self {
        let engine = Engine::new(threads);
        Self { engines: vec![Engine::new(1); engine.threads()], engine, ..self }
    }

    /// How many threads the work of a pass is divided among.
    pub(crate) fn thread_count(&self) -> usize {
        self.engine.threads()
    }

    /// Sets the seed of what layers such as dropout draw in training (0 to begin with), and begins again with the first batch.
    pub fn seed(self, seed: u32) -> Self {
        Self { seed, batch: 0, ..self }
    }

    /// The random numbers of the batch at hand. Every [`load`](Workspace::load) is another batch.
    pub fn noise(&self) -> Noise {
        Noise::new(self.seed, self.batch)
    }

    /// Makes the batch that is loaded next one behind so many others, as when a training goes on.
    pub(crate) fn skip_to(&mut self, batch: u64) {
        self.batch = batch;
    }

    /// The gradient by all parameters that the last [`Sequential::gradient`] left, in the order of
    /// [`Sequential::params`].
    pub fn gradient(&self) -> &[A] {
        &self.gradient
    }

    /// The gradient, to be clipped or summed in place.
    pub fn gradient_mut(&mut self) -> &mut [A] {
        &mut self.gradient
    }

    /// The predictions of the last pass over the batch that is loaded: before one has been made, what the batch before left. None
    /// behind a prediction, which has written them elsewhere.
    pub fn y(&self) -> ArrayView2<'_, A> {
        matrix(&self.y, self.rows, self.outputs())
    }

    /// The targets of the batch that is loaded; none behind a prediction.
    pub fn t(&self) -> ArrayView2<'_, A> {
        matrix(&self.t, if self.loaded { self.rows } else { 0 }, self.outputs())
    }

    /// Loads the samples at `rows` of a data set as the batch, as for an evaluation: an [`Augment`](crate::Augment) gives them
    /// unchanged. See [`load_at`](Workspace::load_at) for training on samples that change.
    ///
    /// # Errors
    ///
    /// The data set does not fit the model, a row is not in it, there are no rows or more than the workspace has room for, or
    /// the data set fails.
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
    /// use manabi::{Affine, Augment, Identity, MeanSquaredError, Noise, Place, Samples, Sequential, Sgd, Stepper};
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
    /// assert!((model.params()[0] - 2.0).abs() < 0.05);
    /// # Ok::<(), manabi::Error>(())
    /// ```
    pub fn load_at(&mut self, place: Place, data: &dyn Dataset<A>, rows: &[usize]) -> Result<()> {
        let (inputs, outputs) = (self.widths[0], self.outputs());
        if (data.input_dim(), data.target_dim()) != (inputs, outputs) {
            let expected = format!("samples and targets of {:?} numbers", [inputs, outputs]);
            return Err(Error::shape("data set", expected, &[data.input_dim(), data.target_dim()]));
        }
        if rows.is_empty() || rows.len() > self.capacity {
            return Err(Error::setting("rows", format!("1 to {}", self.capacity), rows.len()));
        }
        if let Some(row) = rows.iter().find(|&&row| row >= data.len()) {
            return Err(Error::setting("row", format!("below {}", data.len()), row));
        }
        lengthen(&mut self.t, self.capacity * outputs)?;
        lengthen(&mut self.origins, self.capacity)?;
        self.loaded = false;
        let x = matrix_mut(&mut self.values[0], rows.len(), inputs);
        let (threads, t) = (self.engine.threads(), matrix_mut(&mut self.t, rows.len(), outputs));
        let place = place.seed(self.seed);
        enter(threads, || gather(threads, data, place, rows, x, t))?;
        self.origins.iter_mut().zip(rows).for_each(|(origin, &row)| *origin = data.origin(row));
        (self.rows, self.loaded, self.batch) = (rows.len(), true, self.batch.wrapping_add(1));
        Ok(())
    }

    /// The rows of the data set that are loaded, as errors name them.
    pub(crate) fn origins(&self) -> &[usize] {
        &self.origins[..if self.loaded { self.rows } else { 0 }]
    }

    fn outputs(&self) -> usize {
        self.widths[self.widths.len() - 1]
    }
}

/// Gathers rows on up to `threads` threads.
fn gather<A: Scalar>(
    threads: usize,
    data: &dyn Dataset<A>,
    place: Place,
    rows: &[usize],
    x: ArrayViewMut2<'_, A>,
    t: ArrayViewMut2<'_, A>,
) -> Result<()> {
    if threads < 2 || rows.len() < 2 || x.len() < PART {
        return data.gather_at(place, rows, x, t);
    }
    let middle = rows.len() * (threads / 2) / threads;
    let (left, right) = rows.split_at(middle);
    let ((x, other_x), (t, other_t)) = (x.split_at(Axis(0), middle), t.split_at(Axis(0), middle));
    let (first, second) = rayon_core::join(
        || gather(threads / 2, data, place, left, x, t),
        || gather(threads - threads / 2, data, place.rows_from(middle), right, other_x, other_t),
    );
    first.and(second)
}

/// The first rows of a buffer.
pub(super) fn matrix<A>(buffer: &[A], rows: usize, columns: usize) -> ArrayView2<'_, A> {
    ArrayView2::from_shape((rows, columns), &buffer[..rows * columns]).expect("as long as the shape says")
}

/// The first rows of a buffer, for writing.
pub(super) fn matrix_mut<A>(buffer: &mut [A], rows: usize, columns: usize) -> ArrayViewMut2<'_, A> {
    ArrayViewMut2::from_shape((rows, columns), &mut buffer[..rows * columns])
        .expect("as long as the shape says")
}
