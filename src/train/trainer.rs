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
/// An epoch draws an order of the samples, cuts it into batches (the last one may be smaller) and for each batch
/// measures loss and accuracy, computes the gradient and takes one step of the optimizer.
///
/// | setting | default | range |
/// |---|---|---|
/// | [`batch_size`](Trainer::batch_size) | 100 | 1 or more; a smaller set is one batch |
/// | [`drop_last`](Trainer::drop_last) | false: the last batch of an epoch may be smaller | |
/// | [`epochs`](Trainer::epochs) | 50 | 0 or more |
/// | [`optimizer`](Trainer::optimizer) | [`Sgd`] with learning rate 0.1 | any [`Optimizer`] |
/// | [`schedule`](Trainer::schedule) | the optimizer's own rate | any [`Schedule`] of the steps, or a closure |
/// | [`reduce_on_plateau`](Trainer::reduce_on_plateau) | none | any [`ReduceOnPlateau`] |
/// | [`clip`](Trainer::clip) | none | any [`Clip`] |
/// | [`stepper`](Trainer::stepper) | of these four | any [`Stepper`], such as one with rates by layer |
/// | [`seed`](Trainer::seed) | 1, another than a model's | any; or [`random`](Trainer::random), or [`order`](Trainer::order) |
/// | [`noise_seed`](Trainer::noise_seed) | that of [`seed`](Trainer::seed), 1 | any |
/// | [`validation`](Trainer::validation) | none | a data set that fits the model |
/// | [`test`](Trainer::test) | none | a data set that fits the model |
/// | [`early_stopping`](Trainer::early_stopping) | none | any [`EarlyStopping`] |
/// | [`threads`](Trainer::threads) | the machine's cores | any; 0 counts as 1, and so does any value where no thread can be made |
/// | [`continue_run`](Trainer::continue_run) | false: every run begins anew | |
/// | `checkpoints` (feature `persistence`) | none | a folder |
/// | [`on_epoch`](Trainer::on_epoch), [`observe`](Trainer::observe) | none | any number |
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
    /// What a stepper that was handed in remembered, with which a run begins.
    first: Option<(OptimizerState<A>, Option<u64>)>,
    continue_run: bool,
    /// Whether a step of the run has had a learning rate above 0.
    moved: bool,
    pub(super) order: Box<dyn Order + 'a>,
    /// The seed of the orders, if they are drawn from one.
    seed: Option<u32>,
    /// The seed of what layers draw.
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
    /// A trainer with the article's settings.
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

    /// Sets how many samples make a step. A set with fewer samples is one batch.
    pub fn batch_size(self, batch_size: usize) -> Self {
        Self { batch_size, ..self }
    }

    /// Sets whether an epoch leaves out its last batch if that is smaller than the others. An epoch of one batch keeps it.
    pub fn drop_last(self, drop_last: bool) -> Self {
        Self { drop_last, ..self }
    }

    /// Sets whether [`fit`](Trainer::fit) goes on with the steps, the optimizer's state and the orders of the run before.
    /// Otherwise every run begins anew.
    pub fn continue_run(self, continue_run: bool) -> Self {
        Self { continue_run, ..self }
    }

    /// Sets how often the training set is gone through.
    pub fn epochs(self, epochs: usize) -> Self {
        Self { epochs, ..self }
    }

    /// Sets what turns gradients into steps.
    pub fn optimizer(self, optimizer: impl Optimizer<A> + 'static) -> Self {
        Self { first: None, ..self.with_stepper(|stepper| stepper.optimizer(optimizer)) }
    }

    fn with_stepper(self, change: impl FnOnce(Stepper<A>) -> Stepper<A>) -> Self {
        Self { stepper: change(self.stepper), ..self }
    }

    /// Lets the learning rate change from step to step.
    pub fn schedule(self, schedule: impl Schedule + 'static) -> Self {
        self.with_stepper(|stepper| stepper.schedule(schedule))
    }

    /// Lowers the learning rate when the loss on the validation set, without one on the test set, without one on the training
    /// set, no longer falls.
    pub fn reduce_on_plateau(self, reduce: ReduceOnPlateau) -> Self {
        self.with_stepper(|stepper| stepper.reduce_on_plateau(reduce))
    }

    /// Clips every gradient.
    pub fn clip(self, clip: Clip) -> Self {
        self.with_stepper(|stepper| stepper.clip(clip))
    }

    /// Sets optimizer, schedule and all else that makes a step. A run begins with what this stepper remembers, which must be
    /// steps of the model that is trained.
    pub fn stepper(self, stepper: Stepper<A>) -> Self {
        Self { first: Some(stepper.memory()), stepper, ..self }
    }

    /// Draws the orders of a run, one after another, from a [`RandomState`] of this seed, and what layers draw (dropout)
    /// from it as well.
    pub fn seed(self, seed: u32) -> Self {
        Self { seed: Some(seed), ..self.random(RandomState::new(seed)).noise_seed(seed) }
    }

    /// Sets the seed of what layers such as dropout and data sets such as [`Augment`](crate::data::Augment) draw, and
    /// nothing else.
    pub fn noise_seed(self, noise: u32) -> Self {
        Self { noise, ..self }
    }

    /// Draws the orders, one after another, from this stream, such as the one that the first weights came from. A second run
    /// draws what comes next in it.
    pub fn random(self, random: impl Random + 'a) -> Self {
        Self { order: Box::new(Drawn(random)), seed: None, ..self }
    }

    /// Takes each epoch's order from a function of the epoch's number (from 1) and the number of samples. It may name
    /// samples twice or leave some out.
    pub fn order(self, order: impl FnMut(usize, usize) -> Vec<usize> + Send + 'a) -> Self {
        Self { order: Box::new(Given(order)), seed: None, ..self }
    }

    /// Measures loss and accuracy on this data set after every epoch, and goes by it where the run depends on them: in early
    /// stopping and reduction on a plateau. A [`Split`](crate::data::Split) gives one.
    pub fn validation(self, validation: &'a dyn Dataset<A>) -> Self {
        Self { validation: Some(validation), ..self }
    }

    /// Measures loss and accuracy on this data set after every epoch.
    pub fn test(self, test: &'a dyn Dataset<A>) -> Self {
        Self { test: Some(test), ..self }
    }

    /// Ends the run when it brings nothing better any more, and gives the model its best epoch's parameters.
    pub fn early_stopping(self, early_stopping: EarlyStopping) -> Self {
        Self { early_stopping: Some(early_stopping), ..self }
    }

    /// Divides the work among up to this many threads, wherever that pays. The results are the same bits. With more than one,
    /// a run takes place on threads of `rayon`'s pool, observers and all.
    ///
    /// After `fork`, the threads of `rayon`'s pool exist in the parent alone, and a child that waits for them hangs. There, use
    /// one thread, or start a new process instead (`std::process::Command`).
    pub fn threads(self, threads: usize) -> Self {
        Self { threads, ..self }
    }

    /// Keeps the run in a folder after every epoch, so that it can go on from there.
    #[cfg(feature = "persistence")]
    pub fn checkpoints(self, checkpoints: Checkpoints) -> Self {
        Self { checkpoints: Some(checkpoints), ..self }
    }

    /// Calls `watch` with every row of the history; it may stop the run by answering `ControlFlow::Break(())`.
    pub fn on_epoch(self, watch: impl FnMut(&Epoch) -> ControlFlow<()> + Send + 'a) -> Self {
        self.observe(EpochFn(watch))
    }

    /// Adds an observer.
    pub fn observe(mut self, observer: impl Observer<A> + Send + 'a) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// Trains the model.
    ///
    /// An observer that stops the run between batches leaves the model as it then is, some steps after the last row of the
    /// history, unless early stopping gives it those of the best row.
    ///
    /// A run begins anew, whatever this trainer has trained before, unless it is to [`continue_run`](Trainer::continue_run).
    /// If it fails with [`early_stopping`](Trainer::early_stopping), the model gets its best epoch's parameters; without, it
    /// is left as the last step made it, perhaps with values that are not finite.
    ///
    /// Errors, with the model unchanged: a setting out of range, a data set that does not fit the model or gives numbers
    /// that are not finite (a run that goes on from a checkpoint does not measure the sets first, and finds those later).
    /// Later: a loss or a weight that is no longer finite, with the epoch, the batch and the layer in whose output, gradient
    /// or parameter the first such number stands; a number that the optimizer remembers and that is no longer finite; a data
    /// set that fails, an order with a row that is not in the training set, or whose last batch is smaller than a layer can
    /// train on; a learning rate of 0 in every step.
    #[inline(never)]
    pub fn fit(&mut self, model: &mut Sequential<A>, train: &dyn Dataset<A>) -> Result<History> {
        let before = (self.stepper.memory(), self.restart());
        if let Err(error) = self.check(model, train) {
            // What a run that is refused would have gone on with is still there.
            self.stepper.recall(before.0);
            if let Some(order) = before.1 {
                self.order = order;
            }
            return Err(error);
        }
        // Once for the whole run: to enter for every step would cost two changes of thread each.
        enter(self.threads, || self.run(model, train))
    }

    /// Begins anew, whatever has been run before, unless the run is to go on; returns the orders that were replaced.
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

    /// Returns the rows of a batch, unless it is the last one.
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
        // What was learned before a run was interrupted counts.
        self.moved = !history.epochs.is_empty();
        let trained = self.run_epochs(model, train, &mut history, &mut best, &start);
        // Also if the run fails: what was good before is not lost.
        let restored = best.as_ref().map_or(Ok(()), |best| best.restore(model));
        trained.map_err(|error| self.after_failure(error))?;
        restored?;
        self.check_moved(&history, steps)?;
        history.best = best.and_then(|best| best.number());
        history.elapsed = before + start.elapsed();
        Ok(history)
    }

    /// Runs the epochs that are left, and tells in the history what they were.
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
        // With fewer rows for each, the weights on their way from core to core cost more than a thread saves.
        let threads = shares(self.threads, rows, least::ROWS);
        let mut batch = model.workspace(rows)?.threads(threads).seed(self.noise);
        batch.skip_to(self.stepper.state().steps);
        let is_stale = |best: &Option<Best<A>>| best.as_ref().is_some_and(Best::is_stale);
        if is_stale(best) {
            history.termination = Termination::NoImprovement;
            return Ok(());
        }
        for number in history.epochs.len()..=self.epochs {
            let trained = match number {
                0 => Continue(model.evaluate_in(&mut evaluation, train, || "before training".into())?),
                _ => self.epoch(number, model, train, &mut batch)?,
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
            // Before an observer may stop the run: this epoch may be the best one.
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

    /// An error if no step of a whole run could change the model.
    fn check_moved(&self, history: &History, steps: u64) -> Result<()> {
        let is_whole = history.termination != Termination::Stopped && self.stepper.state().steps > steps;
        match is_whole && !self.moved {
            true => {
                let expected = "a learning rate above 0 in at least one step of the run";
                Err(Error::setting("schedule", expected, "0 in every step, so that nothing was learned"))
            }
            false => Ok(()),
        }
    }

    /// Adds to an error where a run of checkpoints can go on.
    #[cfg(feature = "persistence")]
    fn after_failure(&self, error: Error) -> Error {
        let last = self.checkpoints.as_ref().and_then(|checkpoints| checkpoints.last().ok().flatten());
        match last {
            Some(path) if error.is_not_finite() => {
                error.in_place(&format!("the run can go on from the last good epoch in {}", path.display()))
            }
            _ => error,
        }
    }

    #[cfg(not(feature = "persistence"))]
    fn after_failure(&self, error: Error) -> Error {
        error
    }

    /// Without the feature `persistence` there is nothing to go on from.
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

    /// One epoch's steps and what they measured, unless an observer stops it.
    fn epoch(
        &mut self,
        number: usize,
        model: &mut Sequential<A>,
        train: &dyn Dataset<A>,
        ws: &mut Workspace<A>,
    ) -> Result<ControlFlow<(), Metrics>> {
        let order = self.order.draw(number, train.len());
        check_order(&order, train.len()).map_err(|error| error.in_place(&format!("epoch {number}")))?;
        let size = self.rows(train.len());
        // An epoch of one batch keeps it.
        let whole = order.len() - order.len() % size;
        let order = if self.drop_last && whole > 0 { &order[..whole] } else { &order[..] };
        let last = order.chunks(size).last().map_or(0, <[usize]>::len);
        model.check_rows(last).map_err(|error| {
            error.in_place(&format!(
                "last batch of epoch {number} (drop_last leaves it out where others are larger)"
            ))
        })?;
        let batches = order.len().div_ceil(size);
        let mut tally = Tally::default();
        for (i, rows) in order.chunks(size).enumerate() {
            let (epoch, batch) = (number, i + 1);
            let place = || format!("epoch {epoch}, batch {batch}");
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
            let progress = BatchProgress { epoch, epochs: self.epochs, batch, batches, train: metrics };
            if self.notify(|observer| observer.on_batch(progress)).is_break() {
                return Ok(Break(()));
            }
        }
        // The last step's loss is never measured.
        check_step(model, ws, Place::training(number, batches), last)?;
        // With an infinite sum of squares a parameter would stay as it is for ever, and no loss would tell.
        self.stepper.check_finite(model).map_err(|error| error.in_place(&format!("after epoch {number}")))?;
        Ok(Continue(tally.mean()))
    }

    /// Tells every observer; breaks if one of them does.
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
