use std::fmt;
use std::ops::ControlFlow::{self, Break, Continue};
use std::time::Duration;

#[cfg(feature = "persistence")]
use super::checkpoints::Checkpoints;
use super::clock::Clock;
use super::early_stopping::{Best, EarlyStopping};
use super::history::{Epoch, History, Termination};
use super::observer::{BatchProgress, EpochFn, Observer};
use super::order::{Drawn, Given, Order};
use super::pace::Pace;
use crate::data::{Dataset, Place};
use crate::error::{Error, Result};
use crate::metrics::{Metrics, Tally};
use crate::model::evaluate::{ROWS, check_fit};
use crate::model::guard::{bad_loss, check_step};
use crate::model::{Sequential, Workspace};
use crate::optim::{Clip, Optimizer, OptimizerState, ReduceOnPlateau, Schedule, Sgd, Stepper};
use crate::parallel::{cores, enter, least, shares};
use crate::random::{Random, RandomState};
use crate::scalar::Scalar;
use crate::settings::check_count;

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
/// | [`stepper`](Trainer::stepper) | replaces these four settings | built from these four | any [`Stepper`], such as one with rates by layer |
/// | [`seed`](Trainer::seed) | determines the orders | 1, unlike a model's | any; or [`random`](Trainer::random), or [`order`](Trainer::order) |
/// | [`noise_seed`](Trainer::noise_seed) | determines dropout and augmentation | the [`seed`](Trainer::seed), 1 | any |
/// | [`validation`](Trainer::validation) | measured after every epoch | none | a data set that fits the model |
/// | [`test`](Trainer::test) | measured after every epoch | none | a data set that fits the model |
/// | [`early_stopping`](Trainer::early_stopping) | ends a run that stops improving | none | any [`EarlyStopping`] |
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
    epochs: usize,
    pub(super) drop_last: bool,
    pub(super) stepper: Stepper<A>,
    /// The state of a given stepper, with which every run begins.
    first: Option<(OptimizerState<A>, Option<u64>)>,
    continue_run: bool,
    /// Whether a step of the run has had a learning rate above 0.
    moved: bool,
    pub(super) order: Box<dyn Order + 'a>,
    /// The seed of the orders, if they come from a seed.
    seed: Option<u32>,
    /// The seed of the random values in layers.
    pub(super) noise: u32,
    pub(super) validation: Option<&'a dyn Dataset<A>>,
    pub(super) test: Option<&'a dyn Dataset<A>>,
    pub(super) early_stopping: Option<EarlyStopping>,
    #[cfg(feature = "persistence")]
    pub(super) checkpoints: Option<Checkpoints>,
    threads: usize,
    observers: Vec<Box<dyn Observer<A> + Send + 'a>>,
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
            order: Box::new(Drawn(RandomState::new(1))),
            seed: Some(1),
            noise: 1,
            validation: None,
            test: None,
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

    /// Sets the rule that reduces the learning rate when the loss stops falling. [`Epoch::watched`] selects the data set.
    pub fn reduce_on_plateau(self, reduce: ReduceOnPlateau) -> Self {
        self.with_stepper(|stepper| stepper.reduce_on_plateau(reduce))
    }

    /// Sets how every gradient is clipped.
    pub fn clip(self, clip: Clip) -> Self {
        self.with_stepper(|stepper| stepper.clip(clip))
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

    /// Measures loss and accuracy on this data set after every epoch. Early stopping and plateau reduction use these metrics. A
    /// [`Split`](crate::data::Split) provides a validation set.
    pub fn validation(self, validation: &'a dyn Dataset<A>) -> Self {
        Self { validation: Some(validation), ..self }
    }

    /// Measures loss and accuracy on this data set after every epoch. Without a validation set, early stopping and plateau
    /// reduction use these metrics.
    pub fn test(self, test: &'a dyn Dataset<A>) -> Self {
        Self { test: Some(test), ..self }
    }

    /// Sets the rule that ends the run when it stops improving, and restores the parameters of the best epoch.
    pub fn early_stopping(self, early_stopping: EarlyStopping) -> Self {
        Self { early_stopping: Some(early_stopping), ..self }
    }

    /// Sets the greatest number of threads. The trainer divides work among them only if this saves time: it times its steps, and uses
    /// one thread while other processes keep the cores busy. The number of threads does not change the bits of the results. With more than one thread, the whole run, including its observers, is executed on
    /// threads of `rayon`'s pool.
    ///
    /// After `fork`, the threads of `rayon`'s pool exist only in the parent process, and a child process that waits for them
    /// hangs. In the child, use one thread, or start a new process instead (`std::process::Command`).
    pub fn threads(self, threads: usize) -> Self {
        Self { threads, ..self }
    }

    /// Saves the run in a folder after every epoch, so that it can be resumed.
    #[cfg(feature = "persistence")]
    pub fn checkpoints(self, checkpoints: Checkpoints) -> Self {
        Self { checkpoints: Some(checkpoints), ..self }
    }

    /// Calls `watch` with every new row of the history. The closure can stop the run by returning `ControlFlow::Break(())`.
    pub fn on_epoch(self, watch: impl FnMut(&Epoch) -> ControlFlow<()> + Send + 'a) -> Self {
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
    /// - [`Error::Layer`] if a batch has too few rows for a layer to train on;
    /// - [`Error::NotFinite`] if a parameter or a buffer of the model is not finite;
    /// - [`Error::OutOfMemory`] if a batch does not fit in memory;
    /// - [`Error::Training`] or [`Error::Diverged`] if a data set fails or contains values that are not finite (a resumed run does
    ///   not measure the data sets first, and finds such values later);
    /// - the errors of `Checkpoints` (feature `persistence`).
    ///
    /// Later, this returns:
    /// - [`Error::Training`] if a value in the output, gradient or parameter of a layer is not finite, with the epoch, the batch and
    ///   the first such layer; if a value in the optimizer state is not finite; if a data set fails; or if an order is empty,
    ///   contains a row outside the training set, or leaves too few rows in its last batch for a layer to train on;
    /// - [`Error::Diverged`] if the loss is not finite although all values from which it is computed are;
    /// - [`Error::Setting`] if the learning rate is 0 in every step;
    /// - [`Error::Io`] if a checkpoint cannot be written.
    #[inline(never)]
    pub fn fit(&mut self, model: &mut Sequential<A>, train: &dyn Dataset<A>) -> Result<History> {
        let before = (self.stepper.memory(), self.restart());
        if let Err(error) = self.check(model, train) {
            // Keep the state of the previous run: a later run may continue from it.
            self.stepper.recall(before.0);
            if let Some(order) = before.1 {
                self.order = order;
            }
            return Err(error);
        }
        // Enter once for the whole run: entering for every step would cost two thread switches each.
        enter(self.threads, || self.run(model, train))
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

    fn run(&mut self, model: &mut Sequential<A>, train: &dyn Dataset<A>) -> Result<History> {
        let start = Clock::start();
        let mut best = self.early_stopping.map(Best::new);
        let epochs = self.resume(model, train, best.as_mut())?;
        let before = epochs.last().map_or(Duration::ZERO, |epoch| epoch.elapsed);
        let mut history =
            History { epochs, termination: Termination::Completed, best: None, elapsed: before };
        let steps = self.stepper.state().steps;
        // In a resumed run, the steps before the interruption count.
        self.moved = !history.epochs.is_empty();
        let trained = self.run_epochs(model, train, &mut history, &mut best, &start);
        // Restore after a failure too, so that the best epoch is not lost.
        let restored = best.as_ref().map_or(Ok(()), |best| best.restore(model));
        trained.map_err(|error| self.after_failure(error))?;
        restored?;
        self.check_moved(&history, steps)?;
        history.best = best.and_then(|best| best.number());
        history.elapsed = before + start.elapsed();
        Ok(history)
    }

    /// Runs the remaining epochs and records them in the history.
    fn run_epochs(
        &mut self,
        model: &mut Sequential<A>,
        train: &dyn Dataset<A>,
        history: &mut History,
        best: &mut Option<Best<A>>,
        start: &Clock,
    ) -> Result<()> {
        let before = history.elapsed;
        let mut evaluation = model.workspace(ROWS)?.threads(self.threads);
        let rows = self.rows(train.len());
        // With fewer rows per thread, moving the weights between cores costs more than a thread saves.
        let threads = shares(self.threads, rows, least::ROWS);
        let mut batch = model.workspace(rows)?.threads(threads).seed(self.noise);
        batch.skip_to(self.stepper.state().steps);
        let mut pace = Pace::new(threads);
        let is_stale = |best: &Option<Best<A>>| best.as_ref().is_some_and(Best::is_stale);
        if is_stale(best) {
            history.termination = Termination::NoImprovement;
            return Ok(());
        }
        for number in history.epochs.len()..=self.epochs {
            let trained = match number {
                0 => Continue(model.evaluate_in(&mut evaluation, train, || "before training".into())?),
                _ => self.epoch(number, model, train, &mut batch, &mut pace)?,
            };
            let Continue(metrics) = trained else {
                history.termination = Termination::Stopped;
                return Ok(());
            };
            let mut measure = |set: Option<&dyn Dataset<A>>, name| {
                let place = || format!("after epoch {number}, on the {name} set");
                set.map(|set| model.evaluate_in(&mut evaluation, set, place)).transpose()
            };
            let (validation, test) = (measure(self.validation, "validation")?, measure(self.test, "test")?);
            let elapsed = before + start.elapsed();
            let epoch = Epoch { number, train: metrics, validation, test, elapsed };
            if number > 0 {
                self.stepper.end_epoch(epoch.watched().loss);
            }
            history.epochs.push(epoch);
            // Record the epoch before an observer can stop the run, because it may be the best one.
            if let Some(best) = best {
                best.observe(&epoch, model);
            }
            self.keep(model, train, &history.epochs, best.as_ref())?;
            if self.notify(|observer| observer.on_epoch(&epoch, model)).is_break() {
                history.termination = Termination::Stopped;
                return Ok(());
            }
            if is_stale(best) {
                history.termination = Termination::NoImprovement;
                return Ok(());
            }
        }
        Ok(())
    }

    /// Checks that at least one step of a complete run could change the model.
    fn check_moved(&self, history: &History, steps: u64) -> Result<()> {
        let is_whole = history.termination != Termination::Stopped && self.stepper.state().steps > steps;
        match is_whole && !self.moved {
            true => {
                let expected = "a learning rate above 0 in at least one step of the run";
                Err(Error::setting("schedule", expected, "0 in every step, so nothing was learned"))
            }
            false => Ok(()),
        }
    }

    /// Adds the checkpoint from which the run can be resumed to an error.
    #[cfg(feature = "persistence")]
    fn after_failure(&self, error: Error) -> Error {
        let last = self.checkpoints.as_ref().and_then(|checkpoints| checkpoints.last().ok().flatten());
        match last {
            Some(path) if error.is_not_finite() => {
                error.in_place(&format!("the run can resume from the last good epoch in {}", path.display()))
            }
            _ => error,
        }
    }

    #[cfg(not(feature = "persistence"))]
    fn after_failure(&self, error: Error) -> Error {
        error
    }

    /// Returns an empty history, because no run can be resumed without the feature `persistence`.
    #[cfg(not(feature = "persistence"))]
    fn resume(
        &mut self,
        _: &mut Sequential<A>,
        _: &dyn Dataset<A>,
        _: Option<&mut Best<A>>,
    ) -> Result<Vec<Epoch>> {
        Ok(Vec::new())
    }

    #[cfg(not(feature = "persistence"))]
    fn keep(&self, _: &Sequential<A>, _: &dyn Dataset<A>, _: &[Epoch], _: Option<&Best<A>>) -> Result<()> {
        Ok(())
    }

    /// Runs one epoch and returns its metrics, or `Break` if an observer stops the run.
    fn epoch(
        &mut self,
        number: usize,
        model: &mut Sequential<A>,
        train: &dyn Dataset<A>,
        ws: &mut Workspace<A>,
        pace: &mut Pace,
    ) -> Result<ControlFlow<(), Metrics>> {
        let order = self.order.draw(number, train.len());
        check_order(&order, train.len()).map_err(|error| error.in_place(&format!("epoch {number}")))?;
        let size = self.rows(train.len());
        // Even with `drop_last`, an epoch with a single batch keeps it.
        let whole = order.len() - order.len() % size;
        let order = if self.drop_last && whole > 0 { &order[..whole] } else { &order[..] };
        let last = order.chunks(size).last().map_or(0, <[usize]>::len);
        model.check_rows(last).map_err(|error| {
            error.in_place(&format!(
                "last batch of epoch {number} (drop_last leaves out a smaller last batch)"
            ))
        })?;
        let batches = order.len().div_ceil(size);
        let mut tally = Tally::default();
        for (i, rows) in order.chunks(size).enumerate() {
            let (epoch, batch) = (number, i + 1);
            let place = || format!("epoch {epoch}, batch {batch}");
            ws.use_threads(pace.threads());
            let loaded = ws
                .load_at(Place::training(epoch, batch), train, rows)
                .and_then(|()| model.training_tally(ws));
            tally.add(loaded.map_err(|error| error.in_place(&place()))?);
            let metrics = tally.mean();
            if !metrics.loss.is_finite() {
                return Err(bad_loss(model, ws, Place::training(epoch, batch), size, metrics.loss));
            }
            model.backward(ws);
            self.moved |= self.stepper.learning_rate().is_ok_and(|rate| rate > 0.0);
            self.stepper.step(model, ws).map_err(|error| error.in_place(&place()))?;
            pace.step();
            let progress = BatchProgress { epoch, epochs: self.epochs, batch, batches, train: metrics };
            if self.notify(|observer| observer.on_batch(progress)).is_break() {
                return Ok(Break(()));
            }
        }
        // No later batch measures the loss after the last step.
        check_step(model, ws, Place::training(number, batches), last)?;
        // With an infinite sum of squares, a parameter would never change again, and the loss would not show it.
        self.stepper.check_finite(model).map_err(|error| error.in_place(&format!("after epoch {number}")))?;
        Ok(Continue(tally.mean()))
    }

    /// Notifies every observer. Returns `Break` if at least one observer does.
    fn notify(&mut self, mut tell: impl FnMut(&mut dyn Observer<A>) -> ControlFlow<()>) -> ControlFlow<()> {
        let mut all = Continue(());
        for observer in &mut self.observers {
            if tell(observer.as_mut()).is_break() {
                all = Break(());
            }
        }
        all
    }

    fn check(&self, model: &Sequential<A>, train: &dyn Dataset<A>) -> Result<()> {
        self.stepper.check_model(model)?;
        self.stepper.check_takes_loss()?;
        model.check_params()?;
        check_fit("training set", model, train)?;
        self.validation.map_or(Ok(()), |data| check_fit("validation set", model, data))?;
        self.test.map_or(Ok(()), |test| check_fit("test set", model, test))?;
        self.early_stopping.map_or(Ok(()), |rule| rule.check(model))?;
        check_count("batch_size", self.batch_size)?;
        model.check_rows(self.rows(train.len()))
    }
}

fn check_order(order: &[usize], samples: usize) -> Result<()> {
    if order.is_empty() {
        return Err(Error::setting("order", "at least 1 row", 0));
    }
    match order.iter().find(|&&row| row >= samples) {
        Some(row) => Err(Error::setting("order", format!("rows below {samples}"), row)),
        None => Ok(()),
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
