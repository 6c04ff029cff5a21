use std::fmt;

use ndarray::ArrayView2;

#[cfg(feature = "persistence")]
use super::checkpoints::Checkpoints;
use super::early_stopping::EarlyStopping;
use super::group::Group;
use super::history::{Epoch, History};
use super::metric::Metric;
use super::observer::{EpochFn, EpochOutcome, Observer};
use super::order::{Drawn, Given, Order};
use super::processes::Processes;
use super::shards::fewest;
use crate::data::Dataset;
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::model::Sequential;
use crate::model::evaluate::check_fit;
use crate::optim::{Clip, Optimizer, OptimizerState, ReduceOnPlateau, Schedule, Sgd, Stepper};
use crate::parallel::{cores, enter};
use crate::random::{Random, RandomState};
use crate::scalar::Scalar;
use crate::settings::{check, check_count};

/// The training loop: the article's `learn`.
///
/// In each epoch, the trainer draws an order of the samples and divides it into batches. The last batch may be smaller. For each
/// batch, the trainer measures loss and accuracy, computes the gradient and takes one step of the optimizer.
///
/// | setting | purpose | default | range |
/// |---|---|---|---|
/// | [`batch_size`](Trainer::batch_size) | samples per step | 100 | 1 or more; a smaller set forms one batch |
/// | [`drop_last`](Trainer::drop_last) | leaves out a smaller last batch | false | |
/// | [`epochs`](Trainer::epochs) | passes over the training set | 50 | 0 or more |
/// | [`optimizer`](Trainer::optimizer) | updates the parameters | [`Sgd`] with learning rate 0.1 | any [`Optimizer`] |
/// | [`schedule`](Trainer::schedule) | changes the learning rate | the optimizer's own rate | any [`Schedule`], or a closure |
/// | [`reduce_on_plateau`](Trainer::reduce_on_plateau) | reduces the learning rate | none | any [`ReduceOnPlateau`] |
/// | [`clip`](Trainer::clip) | limits gradients | none | any [`Clip`] |
/// | [`freeze`](Trainer::freeze) | keeps parameters unchanged | none | prefixes of names |
/// | [`stepper`](Trainer::stepper) | replaces these settings | built from these | any [`Stepper`], such as one with rates by layer |
/// | [`seed`](Trainer::seed) | determines the orders | 1, unlike a model's | any; or [`random`](Trainer::random), or [`order`](Trainer::order) |
/// | [`noise_seed`](Trainer::noise_seed) | determines dropout and augmentation | the [`seed`](Trainer::seed), 1 | any |
/// | [`validation`](Trainer::validation) | measured after every epoch | none | a data set that fits the model |
/// | [`test`](Trainer::test) | measured after every epoch | none | a data set that fits the model |
/// | [`metric`](Trainer::metric) | measured on both of them | none | any function of predictions and targets |
/// | [`measure_before`](Trainer::measure_before) | adds row 0, the untrained model, to the history | true | |
/// | [`early_stopping`](Trainer::early_stopping) | ends a run that stops improving | none | any [`EarlyStopping`] |
/// | [`shards`](Trainer::shards) | parts of a batch whose gradients are added | 1 | 1 or more; at least the number of processes |
/// | [`processes`](Trainer::processes) | divides the shards among processes | this process only | any [`Processes`] |
/// | [`prefetch`](Trainer::prefetch) | batches that are gathered ahead of time | 0 | any |
/// | [`threads`](Trainer::threads) | greatest number of threads | the machine's cores | any; 0 counts as 1, as does any value on platforms without threads |
/// | [`continue_run`](Trainer::continue_run) | continues the previous run | false | |
/// | `checkpoints` (feature `persistence`) | saves the run after every epoch | none | any `Checkpoints` |
/// | [`on_epoch`](Trainer::on_epoch), [`observe`](Trainer::observe) | observe the run | none | any number of observers |
///
/// # Examples
///
/// ```
/// use std::ops::ControlFlow;
///
/// use manabi::{Activation, Affine, CrossEntropy, Samples, Sequential, Sgd, Softmax, Swish, Trainer};
/// use ndarray::array;
///
/// let xor = array![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
/// let data = Samples::labeled(xor, &[0_u8, 1, 1, 0], 2)?;
/// let mut model = Sequential::<f64>::builder(2)
///     .add_layer("affine1", Affine::new(8))
///     .add_layer("swish1", Activation::new(Swish::default()))
///     .add_layer("affine2", Affine::new(2))
///     .set_output(Softmax)
///     .set_error(CrossEntropy)
///     .build()?;
/// let history = Trainer::new()
///     .batch_size(2)
///     .epochs(1000)
///     .optimizer(Sgd::new(0.5))
///     .on_epoch(|epoch| match epoch.train.loss {
///         loss if loss < 0.01 => ControlFlow::Break(()),
///         _ => ControlFlow::Continue(()),
///     })
///     .fit(&mut model, &data)?;
/// assert!(history.epochs.len() < 1000);
/// assert_eq!(model.evaluate(&data)?.accuracy, Some(1.0));
/// # Ok::<(), manabi::Error>(())
/// ```
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("fit", "learn", "training loop"))]
pub struct Trainer<'a, A> {
    pub(super) batch_size: usize,
    pub(super) epochs: usize,
    pub(super) drop_last: bool,
    pub(super) stepper: Stepper<A>,
    /// The state of a given stepper, with which every run begins.
    first: Option<(OptimizerState<A>, Option<u64>)>,
    continue_run: bool,
    /// Whether a step of the run has had a learning rate above 0.
    pub(super) moved: bool,
    pub(super) shards: usize,
    processes: Option<&'a dyn Processes>,
    /// The number of batches, or shards, that are loaded before they are needed.
    pub(super) prefetch: usize,
    /// Whether the history begins with row 0.
    pub(super) measure_before: bool,
    pub(super) order: Box<dyn Order + 'a>,
    /// The seed of the orders, if they come from a seed.
    pub(super) seed: Option<u32>,
    /// The seed of the random values in layers.
    pub(super) noise: u32,
    pub(super) validation: Option<&'a dyn Dataset<A>>,
    pub(super) test: Option<&'a dyn Dataset<A>>,
    pub(super) metrics: Vec<Metric<'a, A>>,
    pub(super) early_stopping: Option<EarlyStopping>,
    #[cfg(feature = "persistence")]
    pub(super) checkpoints: Option<Checkpoints>,
    pub(super) threads: usize,
    pub(super) observers: Vec<Box<dyn Observer<A> + Send + 'a>>,
}

impl<'a, A: Scalar> Trainer<'a, A> {
    /// Creates a trainer with the article's settings.
    #[inline(never)]
    pub fn new() -> Self {
        Self {
            batch_size: 100,
            epochs: 50,
            drop_last: false,
            stepper: Stepper::new(Sgd::default()),
            first: None,
            continue_run: false,
            moved: false,
            shards: 1,
            processes: None,
            prefetch: 0,
            measure_before: true,
            order: Box::new(Drawn(RandomState::new(1))),
            seed: Some(1),
            noise: 1,
            validation: None,
            test: None,
            metrics: Vec::new(),
            early_stopping: None,
            #[cfg(feature = "persistence")]
            checkpoints: None,
            threads: cores(),
            observers: Vec::new(),
        }
    }

    /// Sets the number of samples per step. A data set with fewer samples forms one batch.
    pub fn batch_size(self, batch_size: usize) -> Self {
        Self { batch_size, ..self }
    }

    /// Sets whether an epoch leaves out its last batch if it is smaller than the others. An epoch with a single batch keeps it.
    pub fn drop_last(self, drop_last: bool) -> Self {
        Self { drop_last, ..self }
    }

    /// Sets whether [`fit`](Trainer::fit) continues with the steps, the optimizer state and the orders of the previous run.
    /// Otherwise every run starts over.
    pub fn continue_run(self, continue_run: bool) -> Self {
        Self { continue_run, ..self }
    }

    /// Sets the number of passes over the training set.
    pub fn epochs(self, epochs: usize) -> Self {
        Self { epochs, ..self }
    }

    /// Sets the optimizer.
    pub fn optimizer(self, optimizer: impl Optimizer<A> + 'static) -> Self {
        Self { first: None, ..self.with_stepper(|stepper| stepper.optimizer(optimizer)) }
    }

    fn with_stepper(self, change: impl FnOnce(Stepper<A>) -> Stepper<A>) -> Self {
        Self { stepper: change(self.stepper), ..self }
    }

    /// Sets the learning rate schedule.
    pub fn schedule(self, schedule: impl Schedule + 'static) -> Self {
        self.with_stepper(|stepper| stepper.schedule(schedule))
    }

    /// Sets the rule that reduces the learning rate when the loss, or the metric that the rule watches, stops improving.
    /// [`Epoch::watched`] selects the data set.
    pub fn reduce_on_plateau(self, reduce: ReduceOnPlateau) -> Self {
        self.with_stepper(|stepper| stepper.reduce_on_plateau(reduce))
    }

    /// Sets how every gradient is clipped.
    pub fn clip(self, clip: Clip) -> Self {
        self.with_stepper(|stepper| stepper.clip(clip))
    }

    /// Freezes all parameters whose names begin with this prefix, as [`Stepper::freeze`] does.
    pub fn freeze(self, prefix: impl Into<String>) -> Self {
        self.with_stepper(|stepper| stepper.freeze(prefix))
    }

    /// Sets the optimizer, the schedule and all other settings of a step. A run begins with the state of this stepper. If the
    /// stepper has taken steps, the state must belong to the model that is trained.
    pub fn stepper(self, stepper: Stepper<A>) -> Self {
        Self { first: Some(stepper.memory()), stepper, ..self }
    }

    /// Sets the seed of the [`RandomState`] from which a run draws its orders. Also sets the
    /// [`noise_seed`](Trainer::noise_seed).
    pub fn seed(self, seed: u32) -> Self {
        Self { seed: Some(seed), ..self.random(RandomState::new(seed)).noise_seed(seed) }
    }

    /// Sets only the seed of the random values in layers such as dropout and in data sets such as
    /// [`Augment`](crate::data::Augment).
    pub fn noise_seed(self, noise: u32) -> Self {
        Self { noise, ..self }
    }

    /// Draws the orders one after another from this stream, for example the stream that initialised the weights. A second run
    /// continues the stream.
    pub fn random(self, random: impl Random + 'a) -> Self {
        Self { order: Box::new(Drawn(random)), seed: None, ..self }
    }

    /// Sets a function that returns the order of an epoch, given the number of the epoch (from 1) and the number of samples. An
    /// order may repeat samples or leave some out.
    pub fn order(self, order: impl FnMut(usize, usize) -> Vec<usize> + Send + 'a) -> Self {
        Self { order: Box::new(Given(order)), seed: None, ..self }
    }

    /// Measures loss, accuracy and every [`metric`](Trainer::metric) on this data set after every epoch. Early stopping and
    /// plateau reduction use them. A [`Split`](crate::data::Split) provides a validation set.
    pub fn validation(self, validation: &'a dyn Dataset<A>) -> Self {
        Self { validation: Some(validation), ..self }
    }

    /// Measures loss, accuracy and every [`metric`](Trainer::metric) on this data set after every epoch. Without a validation
    /// set, early stopping and plateau reduction use them.
    pub fn test(self, test: &'a dyn Dataset<A>) -> Self {
        Self { test: Some(test), ..self }
    }

    /// Adds a metric with a name: a function of the predictions, the targets and the weights of the samples, or `None` if all
    /// weights are 1. It is measured after every epoch, and in row 0, on the validation set and on the test set. The training set
    /// is not measured, because the model changes while its samples pass.
    ///
    /// The values are in [`Epoch::metrics`], in the CSV and JSON of the history, in logs and in checkpoints. A
    /// [`Watch`](crate::metrics::Watch) with the name makes early stopping, the reduction on a plateau or the best checkpoint use
    /// the metric. The arrays have a row for each sample in the order of the data set, and the columns of the targets, so that a
    /// metric of one of several [`Heads`](crate::loss::Heads) uses the columns of this head. A function of
    /// [`metrics`](crate::metrics) with these parameters is a metric as it is. If the targets are normalised
    /// ([`Samples::normalize_targets`](crate::Samples::normalize_targets)), so are the predictions and the targets that it
    /// receives.
    ///
    /// The run keeps the predictions and the targets of the larger of the two data sets in memory, and 8 bytes for each of its
    /// samples. With several [`processes`](Trainer::processes), process 0 keeps them and computes the values for all.
    ///
    /// # Errors
    ///
    /// Training fails before the first step with [`Error::Setting`] if a name is empty, is given twice, is `loss` or `accuracy`,
    /// or contains a comma, a quotation mark, a backslash or a control character, and if there is neither a validation nor a test
    /// set. It fails later with [`Error::Training`], which names the epoch, the data set and the metric, if the function returns
    /// an error or a value that is not finite.
    ///
    /// # Examples
    ///
    /// ```
    /// use manabi::metrics::{Average, ConfusionMatrix, Watch, classes, mean_absolute_error};
    /// use manabi::prelude::*;
    /// use manabi::train::EarlyStopping;
    /// use ndarray::array;
    ///
    /// let data = Samples::labeled(array![[0.0], [1.0], [0.2], [0.9]], &[0, 1, 0, 1], 2)?;
    /// let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(2));
    /// let mut model = builder.set_output(Softmax).set_error(CrossEntropy).build()?;
    /// let history = Trainer::new()
    ///     .epochs(20)
    ///     .validation(&data)
    ///     .metric("f1", |y, t, weights| {
    ///         let matrix = ConfusionMatrix::new(&classes(t)?, &classes(y)?, 2, weights)?;
    ///         Ok(matrix.average_f1(Average::Macro))
    ///     })
    ///     .metric("mean absolute error", mean_absolute_error)
    ///     .early_stopping(EarlyStopping::new(5).watch(Watch::greatest("f1")))
    ///     .fit(&mut model, &data)?;
    /// let best = &history.epochs[history.best.unwrap()];
    /// assert_eq!(best.metric("f1"), best.metrics[0].validation);
    /// assert!(best.metric("f1") >= history.epochs[0].metric("f1"));
    /// # Ok::<(), manabi::Error>(())
    /// ```
    #[doc(alias("metrics", "compile", "F1", "AUC"))]
    pub fn metric(
        mut self,
        name: impl Into<String>,
        function: impl FnMut(ArrayView2<'_, A>, ArrayView2<'_, A>, Option<&[f64]>) -> Result<f64> + Send + 'a,
    ) -> Self {
        self.metrics.push(Metric { name: name.into(), function: Box::new(function) });
        self
    }

    /// Sets the rule that ends the run when it stops improving, and restores the parameters of the best epoch.
    pub fn early_stopping(self, early_stopping: EarlyStopping) -> Self {
        Self { early_stopping: Some(early_stopping), ..self }
    }

    /// Sets the greatest number of threads. The trainer divides work among them only if this saves time: it times its steps, and
    /// uses one thread while other processes keep the cores busy. The number of threads does not change the bits of the results.
    /// With more than one thread, the whole run, including its observers, is executed on threads of `rayon`'s pool.
    ///
    /// After `fork`, the threads of `rayon`'s pool exist only in the parent process, and a child process that waits for them
    /// hangs. In the child, use one thread, or start a new process instead (`std::process::Command`).
    pub fn threads(self, threads: usize) -> Self {
        Self { threads, ..self }
    }

    /// Sets the number of shards of a batch: consecutive parts whose sizes differ by at most one row.
    ///
    /// The gradient of each shard is computed by itself, and the gradients are added in a fixed binary tree, weighted by the
    /// divisors of their losses. The result is the gradient of the batch, up to rounding. It has the same bits for any number of
    /// [`processes`](Trainer::processes). On one process, the shards pass one after another through memory for one shard, which
    /// is known as gradient accumulation. The sum needs memory for up to log₂(shards) + 2 gradients.
    ///
    /// [`BatchNorm`](crate::layer::BatchNorm) takes its statistics from each shard by itself, and a buffer becomes the mean of
    /// its new values over all rows. Random values in layers belong to rows of the batch, so dropout does not depend on the
    /// shards. A smaller last batch is divided into the same number of shards, with at least one row each.
    #[doc(alias("gradient accumulation", "micro-batch"))]
    pub fn shards(self, shards: usize) -> Self {
        Self { shards, ..self }
    }

    /// Divides the shards of every batch, and every evaluation, among processes. The result has the same bits for any number of
    /// processes from 1 to the number of [`shards`](Trainer::shards).
    ///
    /// Every process calls [`fit`](Trainer::fit) with the same settings, the same model and data sets of the same sizes. Each one
    /// gathers only the samples of its own shards, and takes the same steps. Process 0 writes checkpoints, and all processes
    /// resume from them, so that the folder must be visible to all. Observers run on every process; if one of them stops the run,
    /// all processes stop. The guide has a chapter on [several processes](crate::guide::several_processes).
    #[doc(alias("MPI", "distributed", "data parallel"))]
    pub fn processes(self, processes: &'a dyn Processes) -> Self {
        Self { processes: Some(processes), ..self }
    }

    /// Sets the number of batches, or of shards, that another thread gathers before they are needed. With 0, each batch is
    /// gathered when it is needed. The results have the same bits.
    ///
    /// This saves time if a data set decodes its samples or reads them from disk. The memory for each of these batches is added
    /// to that of the run.
    #[doc(alias("num_workers", "DataLoader"))]
    pub fn prefetch(self, batches: usize) -> Self {
        Self { prefetch: batches, ..self }
    }

    /// Sets whether the model is measured before the first epoch, which adds row 0 to the history. It takes a pass over all data
    /// sets.
    pub fn measure_before(self, measure_before: bool) -> Self {
        Self { measure_before, ..self }
    }

    /// Saves the run in a folder after every epoch, so that it can be resumed.
    #[cfg(feature = "persistence")]
    pub fn checkpoints(self, checkpoints: Checkpoints) -> Self {
        Self { checkpoints: Some(checkpoints), ..self }
    }

    /// Calls `watch` with every new row of the history. The closure can stop the run by returning `ControlFlow::Break(())`. It
    /// may also return nothing.
    pub fn on_epoch<R: EpochOutcome + 'a>(self, watch: impl FnMut(&Epoch) -> R + Send + 'a) -> Self {
        self.observe(EpochFn(watch))
    }

    /// Adds an observer.
    pub fn observe(mut self, observer: impl Observer<A> + Send + 'a) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// Trains the model and returns the history.
    ///
    /// Every run starts with the initial optimizer state and order, unless [`continue_run`](Trainer::continue_run) is on.
    ///
    /// When the run ends or fails, [`early_stopping`](Trainer::early_stopping) gives the model the parameters of its best epoch.
    /// Without early stopping, the model keeps the parameters of the last step. If an observer stops the run between batches, the
    /// model is some steps ahead of the last row of the history. If the run fails, some parameters may not be finite.
    ///
    /// # Errors
    ///
    /// Before the first step, the model stays unchanged, and this returns:
    /// - [`Error::Setting`] if a setting is out of range, or a data set is empty or does not fit the model;
    /// - [`Error::Shape`] if the state of the stepper belongs to another number of parameters;
    /// - [`Error::Layer`] if a batch, or a shard of it, has too few rows for a layer to train on;
    /// - [`Error::NotFinite`] if a parameter or a buffer of the model is not finite;
    /// - [`Error::OutOfMemory`] if a batch does not fit in memory;
    /// - [`Error::Training`] or [`Error::Diverged`] if a data set fails or contains values that are not finite (a resumed run
    ///   does not measure the data sets first, and finds such values later);
    /// - the errors of `Checkpoints` (feature `persistence`).
    ///
    /// Later, this returns:
    /// - [`Error::Training`] if a value in the output, gradient or parameter of a layer is not finite, with the epoch, the batch
    ///   and the first such layer; if a value in the optimizer state is not finite; if a data set fails; or if an order is empty,
    ///   contains a row outside the training set, or leaves too few rows in its last batch for a layer to train on; or if a
    ///   [`metric`](Trainer::metric) fails or is not finite;
    /// - [`Error::Diverged`] if the loss is not finite although all values from which it is computed are;
    /// - [`Error::Setting`] if the learning rate is 0 in every step;
    /// - [`Error::Io`] if a checkpoint cannot be written.
    ///
    /// With several [`processes`](Trainer::processes), a failure of one process ends the run on all of them. A process without an
    /// error of its own returns [`Error::Process`] with the message of the other. Before the first step, [`Error::Setting`] names
    /// the first setting, size or value that differs between processes. After every epoch, it names the first parameter that
    /// does.
    #[inline(never)]
    pub fn fit(&mut self, model: &mut Sequential<A>, train: &dyn Dataset<A>) -> Result<History> {
        let before = (self.stepper.memory(), self.restart());
        let mut group = Group::new(self.processes);
        let checked = self.check(model, train, &group);
        if let Err(error) = group.agree(checked) {
            // Keep the state of the previous run: a later run may continue from it.
            self.stepper.recall(before.0);
            if let Some(order) = before.1 {
                self.order = order;
            }
            return Err(error);
        }
        // Enter once for the whole run: entering for every step would cost two thread switches each.
        enter(self.threads, || {
            let history = self.run(model, train, &mut group);
            group.end(history)
        })
    }

    /// Restores the initial optimizer state and orders, unless the run continues. Returns the orders that it replaces.
    fn restart(&mut self) -> Option<Box<dyn Order + 'a>> {
        if self.continue_run {
            return None;
        }
        match &self.first {
            Some(first) => self.stepper.recall(first.clone()),
            None => self.stepper.restart(),
        }
        let order = Box::new(Drawn(RandomState::new(self.seed?)));
        Some(std::mem::replace(&mut self.order, order))
    }

    /// Returns the number of rows of every batch except the last.
    pub(super) fn rows(&self, samples: usize) -> usize {
        self.batch_size.min(samples)
    }

    fn check(&self, model: &Sequential<A>, train: &dyn Dataset<A>, group: &Group<'_>) -> Result<()> {
        self.stepper.check_model(model)?;
        model.check_params()?;
        check_fit("training set", model, train)?;
        self.validation.map_or(Ok(()), |data| check_fit("validation set", model, data))?;
        self.test.map_or(Ok(()), |test| check_fit("test set", model, test))?;
        self.early_stopping.as_ref().map_or(Ok(()), EarlyStopping::check)?;
        self.check_metrics(model)?;
        check_count("batch_size", self.batch_size)?;
        check_count("shards", self.shards)?;
        let (rows, shards, size) = (self.rows(train.len()), self.shards, group.size);
        check(shards >= size, "shards", &format!("at least {size}, the number of processes"), shards)?;
        model.check_rows(fewest(rows, shards))
    }
}

impl<A: Scalar> Default for Trainer<'_, A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A> fmt::Debug for Trainer<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Trainer");
        out.field("batch_size", &self.batch_size).field("epochs", &self.epochs);
        out.finish_non_exhaustive()
    }
}
