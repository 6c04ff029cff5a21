use std::sync::Arc;

use ndarray::ArrayView2;

use super::Sequential;
use super::batch::Batch;
use crate::buffer::{matrix, zeros};
use crate::data::{Dataset, Place};
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::layer::{Memory, Plan};
use crate::linalg::Engine;
use crate::random::Noise;
use crate::scalar::Scalar;

/// The memory for passes through a model: a batch, the outputs of all layers, and the gradients.
///
/// [`Sequential::workspace`] creates a workspace for a maximum batch size. Reuse it: after the first pass, a pass over the same
/// number of rows or fewer allocates nothing, except for the second prediction with the same parameters, which packs the weights
/// (see [`Sequential::predict_into`]). Threads that use a model at the same time need one workspace each.
///
/// # Examples
///
/// A custom training loop:
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
    /// The layers of the model.
    pub(super) plan: Arc<Plan<A>>,
    /// The samples and targets of the current batch.
    pub(super) batch: Batch<A>,
    /// The predictions.
    pub(super) y: Vec<A>,
    /// The outputs of the layers, the gradients with respect to them, and the other arrays of the layers.
    pub(super) memory: Memory<A>,
    /// The gradient with respect to all parameters.
    pub(super) gradient: Vec<A>,
    /// The new values of the buffers, computed with the last gradient.
    pub(super) buffers: Vec<A>,
    /// The gradient with respect to the samples, if it was requested.
    pub(super) dx: Vec<A>,
    /// Whether a pass over the current batch has kept the outputs of the layers, and whether it was a pass in training.
    pub(super) is_passed: bool,
    pub(super) is_trained: bool,
    /// Whether a step has been taken with the current gradient.
    taken: bool,
    /// Whether a step has been taken since the batch was loaded or its noise was renewed.
    stepped: bool,
    /// The seed of the random numbers that layers draw in training.
    seed: u32,
    /// The number of the current batch.
    number: u64,
    /// The position in the whole batch of the first loaded row. It is above 0 if the batch is loaded in parts.
    start: usize,
    /// Multiplies matrices.
    pub(super) engine: Engine<A>,
}

impl<A: Scalar> Sequential<A> {
    /// Creates a workspace for passes of at most `batch` rows through the model. A `batch` of 0 counts as 1.
    ///
    /// # Errors
    ///
    /// Returns [`Error::OutOfMemory`] if the workspace does not fit in memory.
    #[inline(never)]
    pub fn workspace(&self, batch: usize) -> Result<Workspace<A>> {
        let capacity = batch.max(1);
        Ok(Workspace {
            plan: self.plan.clone(),
            batch: self.batch(capacity)?,
            y: zeros("the outputs of a batch", capacity.saturating_mul(self.output_dim()))?,
            memory: Memory::new(&self.plan.scratch, capacity, 1)?,
            gradient: Vec::new(),
            buffers: Vec::new(),
            dx: Vec::new(),
            is_passed: false,
            is_trained: false,
            taken: false,
            stepped: false,
            seed: 0,
            number: 0,
            start: 0,
            engine: Engine::new(1),
        })
    }

    /// Creates room for a batch of at most `capacity` rows.
    pub(crate) fn batch(&self, capacity: usize) -> Result<Batch<A>> {
        Batch::new(self.input_shape(), self.output_dim(), capacity)
    }
}

impl<A: Scalar> Workspace<A> {
    /// Sets the maximum number of threads among which the work of a pass is divided if this is worthwhile. The default is 1, and
    /// 0 counts as 1. The results have the same bits for any number of threads.
    ///
    /// After `fork`, the threads of `rayon`'s pool exist only in the parent process, and a child process that waits for them
    /// hangs. In the child process, use one thread, or start a new process with `std::process::Command` instead of forking.
    #[inline(never)]
    pub fn threads(self, threads: usize) -> Self {
        let engine = Engine::new(threads);
        let memory = self.memory.for_threads(&self.plan.scratch, engine.thread_count());
        Self { engine, memory, ..self }
    }

    /// Limits the number of threads of the next passes, up to the number that the workspace was created for.
    pub(crate) fn use_threads(&mut self, threads: usize) {
        self.engine.use_threads(threads);
    }

    /// Returns the maximum number of threads among which the work of a pass is divided.
    pub(crate) fn thread_count(&self) -> usize {
        self.engine.thread_count()
    }

    /// Sets the seed of the random numbers that layers such as dropout draw in training, and restarts the count of batches. The
    /// default seed is 0.
    pub fn seed(self, seed: u32) -> Self {
        Self { seed, number: 0, ..self }
    }

    /// Returns the random numbers for the current batch. Every [`load`](Workspace::load) and the first gradient after a step
    /// renew them, so that a batch that is loaded once has different dropout masks in every step. A gradient that is computed
    /// again before the step uses the same random numbers.
    pub fn batch_noise(&self) -> Noise {
        Noise::new(self.seed, self.number).rows_from(self.start)
    }

    /// Sets the number of the last batch, for a run that is resumed.
    pub(crate) fn skip_to(&mut self, number: u64) {
        self.number = number;
    }

    /// Returns the gradient with respect to all parameters from the last call of [`Sequential::gradient`], in the order of
    /// [`Sequential::parameter_values`].
    pub fn gradient(&self) -> &[A] {
        &self.gradient
    }

    /// Returns the gradient for changes in place, such as clipping or summing. A step may then use the gradient, even if an
    /// earlier step has already used it.
    pub fn gradient_mut(&mut self) -> &mut [A] {
        self.taken = false;
        &mut self.gradient
    }

    /// Returns whether a step has been taken with the current gradient.
    pub(crate) fn is_taken(&self) -> bool {
        self.taken
    }

    /// Returns the gradient for a step, and records that the step is taken.
    pub(crate) fn take_gradient(&mut self) -> &mut [A] {
        (self.taken, self.stepped) = (true, true);
        &mut self.gradient
    }

    /// Renews the noise if a step has been taken since the last renewal, and records that no step has used the next gradient.
    pub(super) fn begin_gradient(&mut self) {
        if std::mem::take(&mut self.stepped) {
            self.number = self.number.wrapping_add(1);
        }
        self.taken = false;
    }

    /// Returns the predictions of the last pass over the loaded batch. Before the first pass over the batch, the values are left
    /// over from an earlier batch. After [`Sequential::predict_into`], which writes its predictions to another array, the result
    /// has no rows.
    pub fn y(&self) -> ArrayView2<'_, A> {
        matrix(&self.y, self.batch.rows(), self.plan.output().size())
    }

    /// Returns the targets of the loaded batch. After [`Sequential::predict_into`], the result has no rows.
    pub fn t(&self) -> ArrayView2<'_, A> {
        self.batch.t()
    }

    /// Returns the weights of the samples of the loaded batch, or `None` if all of them are 1.
    pub fn weights(&self) -> Option<&[f64]> {
        self.batch.weights()
    }

    /// Loads the samples at `rows` of a data set as the current batch. As in an evaluation, an
    /// [`Augment`](crate::data::Augment) returns its samples unchanged. To train on augmented samples, use
    /// [`load_at`](Workspace::load_at).
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::Setting`] if the data set does not fit the model,
    /// - [`Error::Setting`] if `rows` is empty, is longer than the maximum batch size, or contains a row outside the data set,
    /// - [`Error::Row`] if a weight is negative or not finite,
    /// - [`Error::OutOfMemory`] if the targets do not fit in memory,
    /// - the error of the data set if it fails to provide the samples.
    #[inline(never)]
    pub fn load(&mut self, data: &dyn Dataset<A>, rows: &[usize]) -> Result<()> {
        self.load_at(Place::evaluation(), data, rows)
    }

    /// Loads the samples at `rows` of a data set as the current batch, at a given place in a training run. The seed of the place
    /// is set to the [`seed`](Workspace::seed) of the workspace. With [`rows_from`](Place::rows_from), the rows are the part of a
    /// larger batch that begins at this position, and layers draw the random numbers of these rows.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`load`](Workspace::load).
    ///
    /// # Examples
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
    /// // Adds or subtracts 0.01 at random.
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
        let threads = self.engine.thread_count();
        self.batch.load(place.seed(self.seed), data, rows, threads)?;
        self.begin_batch(place);
        Ok(())
    }

    /// Loads arrays as the current batch.
    ///
    /// Shapes: x (samples, input_dim), t (samples, output_dim).
    ///
    /// # Errors
    ///
    /// Returns the following errors; after an error, no batch is loaded:
    ///
    /// - [`Error::Shape`] if an array has the wrong shape, or if there are more rows than the workspace has room for,
    /// - [`Error::NotFinite`] if a value is not finite,
    /// - [`Error::OutOfMemory`] if the targets do not fit in memory.
    ///
    /// # Examples
    ///
    /// ```
    /// use manabi::prelude::*;
    /// use ndarray::array;
    ///
    /// let builder = Sequential::<f32>::builder(2).add_layer("affine1", Affine::new(1));
    /// let model = builder.set_output(Identity).set_error(MeanSquaredError).build()?;
    /// let mut ws = model.workspace(2)?;
    /// ws.load_arrays(array![[1.0, 2.0], [3.0, 4.0]].view(), array![[0.0], [1.0]].view())?;
    /// assert!(model.gradient(&mut ws)?.loss > 0.0);
    /// # Ok::<(), manabi::Error>(())
    /// ```
    #[inline(never)]
    pub fn load_arrays(&mut self, x: ArrayView2<'_, A>, t: ArrayView2<'_, A>) -> Result<()> {
        self.batch.set(x, Some(t), None)?;
        self.begin_batch(Place::evaluation());
        Ok(())
    }

    /// Loads arrays as the current batch, like [`load_arrays`](Workspace::load_arrays), with a weight for each sample. The
    /// losses, gradients and accuracies of the batch are then weighted means.
    ///
    /// Shapes: x (samples, input_dim), t (samples, output_dim), weights (samples).
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - the errors of [`load_arrays`](Workspace::load_arrays),
    /// - [`Error::Row`] if a weight is negative or not finite.
    #[inline(never)]
    #[doc(alias = "sample_weight")]
    pub fn load_weighted(
        &mut self,
        x: ArrayView2<'_, A>,
        t: ArrayView2<'_, A>,
        weights: &[f64],
    ) -> Result<()> {
        self.batch.set(x, Some(t), Some(weights))?;
        self.begin_batch(Place::evaluation());
        Ok(())
    }

    /// Loads samples without targets, for a pass that needs none.
    ///
    /// Shapes: x (samples, input_dim).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`load_arrays`](Workspace::load_arrays).
    #[inline(never)]
    pub fn load_samples(&mut self, x: ArrayView2<'_, A>) -> Result<()> {
        self.batch.set(x, None, None)?;
        self.begin_batch(Place::evaluation());
        Ok(())
    }

    /// Returns the gradient with respect to the samples from the last call of [`Sequential::input_gradient`] or
    /// [`Sequential::backward`]. Before the first call, the result has no rows.
    pub fn dx(&self) -> ArrayView2<'_, A> {
        let rows = if self.dx.is_empty() { 0 } else { self.batch.rows() };
        matrix(&self.dx, rows, self.plan.input().size())
    }

    /// Makes `batch`, which was loaded at this place, the current batch, and returns the previous one in its place.
    pub(crate) fn exchange(&mut self, place: Place, batch: &mut Batch<A>) {
        std::mem::swap(&mut self.batch, batch);
        self.begin_batch(place);
    }

    fn begin_batch(&mut self, place: Place) {
        (self.number, self.start, self.stepped) = (self.number.wrapping_add(1), place.start, false);
        (self.is_passed, self.is_trained) = (false, false);
    }

    /// Exchanges the gradient and the new values of the buffers for other vectors, such as empty ones.
    pub(crate) fn exchange_gradient(&mut self, gradient: &mut Vec<A>, buffers: &mut Vec<A>) {
        std::mem::swap(&mut self.gradient, gradient);
        std::mem::swap(&mut self.buffers, buffers);
        self.taken = false;
    }

    /// Returns the number of rows of the current batch.
    pub(crate) fn row_count(&self) -> usize {
        self.batch.rows()
    }

    /// Returns the rows of the loaded batch in the data set, for errors.
    pub(crate) fn origins(&self) -> &[usize] {
        self.batch.origins()
    }
}
