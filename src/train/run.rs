//! The loop over epochs and batches.

use std::ops::ControlFlow::{self, Break, Continue};
use std::thread;
use std::time::Duration;

use super::clock::Clock;
use super::description::of_order;
use super::early_stopping::Best;
use super::feed::Feed;
use super::group::Group;
use super::history::{Epoch, EpochMetric, History, Termination};
use super::metric::{Metric, Predictions};
use super::observer::{BatchProgress, Observer, TrainingStep};
use super::pace::Pace;
use super::shards::{Division, fewest};
use super::sum::Sum;
use super::trainer::Trainer;
use crate::data::{Dataset, Place};
use crate::error::{Error, Result};
use crate::metrics::{Metrics, Tally, TallyNumbers};
use crate::model::evaluate::{ROWS, batches};
use crate::model::guard::{bad_loss, bad_pass, check_step};
use crate::model::{Sequential, Workspace};
use crate::parallel::{least, shares};
use crate::scalar::Scalar;

/// The memory and the state of a run, apart from the model and the trainer.
struct Run<'g, 'p, A> {
    evaluation: Workspace<A>,
    predictions: Predictions<A>,
    training: Workspace<A>,
    sum: Sum<A>,
    division: Division,
    pace: Pace,
    group: &'g mut Group<'p>,
    /// Whether an observer on any process watches batches.
    is_watched: bool,
    /// The learning rate of the last step.
    learning_rate: Option<f64>,
}

/// A batch of an epoch.
#[derive(Clone, Copy)]
struct Batch<'a> {
    place: Place,
    rows: &'a [usize],
    /// The number of rows of the last pass before this batch.
    rows_before: usize,
}

impl<A: Scalar> Trainer<'_, A> {
    pub(super) fn run(
        &mut self,
        model: &mut Sequential<A>,
        train: &dyn Dataset<A>,
        group: &mut Group<'_>,
    ) -> Result<History> {
        let start = Clock::start();
        let mut best = self.early_stopping.clone().map(Best::new);
        let epochs = self.resume(model, train, best.as_mut(), group)?;
        if group.processes().is_some() {
            group.compare("", &self.describe(model, train, epochs.len()))?;
        }
        let before = epochs.last().map_or(Duration::ZERO, |epoch| epoch.elapsed);
        let mut history =
            History { epochs, termination: Termination::Completed, best: None, elapsed: before };
        let steps = self.stepper.state().steps;
        // In a resumed run, the steps before the interruption count.
        self.moved = !history.epochs.is_empty();
        let trained = self.run_epochs(model, train, &mut history, (&mut best, group), &start);
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
        (best, group): (&mut Option<Best<A>>, &mut Group<'_>),
        start: &Clock,
    ) -> Result<()> {
        let before = history.elapsed;
        let is_stale = |best: &Option<Best<A>>| best.as_ref().is_some_and(Best::is_stale);
        let mut run = self.prepare(model, train, group)?;
        if is_stale(best) {
            history.termination = Termination::NoImprovement;
            return Ok(());
        }
        let first = history.epochs.last().map_or(self.first_row(), |epoch| epoch.number + 1);
        for number in first..=self.epochs {
            let trained = match number {
                0 => Continue(run.measure(model, train, &mut [], "before training")?.0),
                _ => self.epoch(number, model, train, &mut run)?,
            };
            let Continue(metrics) = trained else {
                history.termination = Termination::Stopped;
                return Ok(());
            };
            let mut measure = |set: Option<&dyn Dataset<A>>, name| {
                let place = format!("after epoch {number}, on the {name} set");
                set.map(|set| run.measure(model, set, &mut self.metrics, &place)).transpose()
            };
            let sets = [measure(self.validation, "validation")?, measure(self.test, "test")?];
            let own = self.metrics.iter().enumerate().map(|(i, metric)| {
                let [validation, test] = sets.each_ref().map(|set| set.as_ref().map(|(_, own)| own[i]));
                EpochMetric { name: metric.name.clone(), validation, test }
            });
            let own: Vec<EpochMetric> = own.collect();
            let [validation, test] = sets.map(|set| set.map(|(metrics, _)| metrics));
            let elapsed = before + start.elapsed();
            let learning_rate = run.learning_rate;
            let epoch =
                Epoch { number, train: metrics, validation, test, metrics: own, elapsed, learning_rate };
            if let (1.., Some(watch)) = (number, self.stepper.watch()) {
                let value = epoch.metric(watch.name());
                self.stepper.end_epoch(value.unwrap_or(f64::NAN));
            }
            history.epochs.push(epoch.clone());
            // Record the epoch before an observer can stop the run, because it may be the best one.
            if let Some(best) = best {
                best.observe(&epoch, model);
            }
            if run.group.rank == 0 {
                self.keep(model, train, &history.epochs, best.as_ref())?;
            }
            let stops = self.notify(|observer| observer.on_epoch(&epoch, model)).is_break();
            if run.group.any(stops)? {
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

    /// Returns the number of the first row of the history.
    pub(super) fn first_row(&self) -> usize {
        usize::from(!self.measure_before)
    }

    /// Allocates the memory of a run.
    fn prepare<'g, 'p>(
        &self,
        model: &Sequential<A>,
        train: &dyn Dataset<A>,
        group: &'g mut Group<'p>,
    ) -> Result<Run<'g, 'p, A>> {
        let rows = self.rows(train.len());
        let room = rows.div_ceil(self.shards.min(rows));
        // With fewer rows per thread, moving the weights between cores costs more than a thread saves.
        let threads = shares(self.threads, room, least::ROWS);
        Ok(Run {
            evaluation: model.workspace(ROWS)?.threads(self.threads),
            predictions: Predictions::new(),
            training: model.workspace(room)?.threads(threads).seed(self.noise),
            sum: Sum::new(),
            division: Division { shards: self.shards, rank: group.rank, size: group.size },
            pace: Pace::new(threads),
            is_watched: group.any(!self.observers.is_empty())?,
            learning_rate: None,
            group,
        })
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
        _: &mut Group<'_>,
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
        run: &mut Run<'_, '_, A>,
    ) -> Result<ControlFlow<(), Metrics>> {
        let order = self.draw_order(number, model, train.len(), run.group)?;
        let size = self.rows(train.len());
        let (division, seed) = (run.division, self.noise);
        let parts = order.chunks(size).enumerate().flat_map(move |(i, rows)| {
            let place = Place::training(number, i + 1).seed(seed);
            division.own(rows.len()).map(move |(_, range)| (place.rows_from(range.start), &rows[range]))
        });
        let ahead = (self.prefetch, size.div_ceil(self.shards.min(size)));
        thread::scope(|scope| {
            let feed = Feed::start(scope, ahead, model, train, parts)?;
            self.train_batches(number, (&order, size), model, train, run, &feed)
        })
    }

    /// Draws the order of an epoch and checks it.
    fn draw_order(
        &mut self,
        number: usize,
        model: &Sequential<A>,
        samples: usize,
        group: &mut Group<'_>,
    ) -> Result<Vec<usize>> {
        let mut order = self.order.draw(number, samples);
        check_order(&order, samples).map_err(|error| error.in_place(&format!("epoch {number}")))?;
        if group.processes().is_some() {
            group.compare(&format!("epoch {number}"), &of_order(&order))?;
        }
        let size = self.rows(samples);
        // Even with `drop_last`, an epoch with a single batch keeps it.
        let whole = order.len() - order.len() % size;
        if self.drop_last && whole > 0 {
            order.truncate(whole);
        }
        let last = order.chunks(size).last().map_or(0, <[usize]>::len);
        model.check_rows(fewest(last, self.shards)).map_err(|error| {
            error.in_place(&format!(
                "last batch of epoch {number} (drop_last leaves out a smaller last batch)"
            ))
        })?;
        Ok(order)
    }

    /// Takes a step for every batch of an epoch.
    fn train_batches(
        &mut self,
        epoch: usize,
        (order, size): (&[usize], usize),
        model: &mut Sequential<A>,
        train: &dyn Dataset<A>,
        run: &mut Run<'_, '_, A>,
        feed: &Feed<A>,
    ) -> Result<ControlFlow<(), Metrics>> {
        let batches = order.len().div_ceil(size);
        let (mut tally, mut rows_before) = (Tally::default(), size);
        for (i, rows) in order.chunks(size).enumerate() {
            let (batch, place) = (i + 1, Place::training(epoch, i + 1));
            let steps = self.stepper.state().steps;
            let own = run.compute(model, train, Batch { place, rows, rows_before }, steps, feed);
            let of_batch = run.sum.finish(own, run.group, model, &mut run.training)?;
            tally.add(of_batch);
            let metrics = tally.mean();
            if !metrics.loss.is_finite() {
                return Err(bad_loss(model, &run.training, place, rows_before, metrics.loss));
            }
            rows_before = run.training.row_count();
            let learning_rate = self.stepper.learning_rate().unwrap_or(f64::NAN);
            self.moved |= learning_rate > 0.0;
            run.learning_rate = Some(learning_rate);
            self.stepper
                .step(model, &mut run.training)
                .map_err(|error| error.in_place(&format!("epoch {epoch}, batch {batch}")))?;
            run.pace.step();
            let (epochs, train, loss) = (self.epochs, metrics, of_batch.mean().loss);
            let progress = BatchProgress { epoch, epochs, batch, batches, train, loss, learning_rate };
            let step = TrainingStep { progress, model, gradient: run.training.gradient() };
            let stops = self.notify(|observer| observer.on_step(&step)).is_break();
            if run.is_watched && run.group.any(stops)? {
                return Ok(Break(()));
            }
        }
        // No later batch measures the loss after the last step.
        check_step(model, &run.training, Place::training(epoch, batches), rows_before)?;
        // With an infinite sum of squares, a parameter would never change again, and the loss would not show it.
        self.stepper.check_finite(model).map_err(|error| error.in_place(&format!("after epoch {epoch}")))?;
        if run.group.processes().is_some() {
            run.group.compare(&format!("after epoch {epoch}"), &self.checksums(model))?;
        }
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
}

impl<A: Scalar> Run<'_, '_, A> {
    /// Computes the gradients of the shards of a batch that belong to this process.
    fn compute(
        &mut self,
        model: &Sequential<A>,
        train: &dyn Dataset<A>,
        Batch { place, rows, rows_before }: Batch<'_>,
        steps: u64,
        feed: &Feed<A>,
    ) -> Result<()> {
        let Self { training: ws, sum, division, pace, .. } = self;
        ws.use_threads(pace.threads());
        for (i, (shard, range)) in division.own(rows.len()).enumerate() {
            // All shards of a batch draw from the noise of the same step.
            ws.skip_to(steps);
            let tally = feed
                .load(ws, place.rows_from(range.start), train, &rows[range])
                .and_then(|()| model.training_tally(ws));
            let named = || format!("epoch {}, batch {}", place.epoch, place.batch);
            let tally = tally.map_err(|error| error.in_place(&named()))?;
            match tally.mean().loss {
                loss if loss.is_finite() => {}
                // Only the first shard can show a step that failed.
                loss if i == 0 => return Err(bad_loss(model, ws, place, rows_before, loss)),
                loss => return Err(bad_pass(model, ws, &named(), loss)),
            }
            model.pass_backward(ws, None, false);
            sum.push(shard, tally, ws);
        }
        Ok(())
    }

    /// Returns the loss, the accuracy and the values of metrics on a data set. The processes share the work.
    fn measure(
        &mut self,
        model: &Sequential<A>,
        data: &dyn Dataset<A>,
        metrics: &mut [Metric<'_, A>],
        place: &str,
    ) -> Result<(Metrics, Vec<f64>)> {
        let Self { evaluation: ws, predictions, group, .. } = self;
        let keeps = !metrics.is_empty();
        let begun = if keeps { predictions.begin(data, group) } else { Ok(()) };
        let (mut own, mut tallies) = (Tally::default(), Vec::new());
        let add = |tally: Tally, ws: &Workspace<A>| {
            if keeps {
                predictions.push(ws);
            }
            tallies.push(tally.to_numbers());
            own.add(tally);
            own.mean().loss
        };
        let part = group.part(batches(data));
        let done = begun.and_then(|()| model.tally_batches(ws, data, part, || place.into(), add));
        let mut sum = Tally::default();
        for bytes in group.share(done.map(|()| bytemuck::cast_slice(&tallies)))? {
            let numbers: Vec<TallyNumbers> = bytemuck::allocation::pod_collect_to_vec(&bytes);
            numbers.into_iter().for_each(|numbers| sum.add(Tally::from_numbers(numbers)));
        }
        let mean = sum.mean();
        if !mean.loss.is_finite() {
            return Err(Error::Diverged { place: place.into(), loss: mean.loss });
        }
        let values = if keeps { predictions.measure(metrics, data, group, place)? } else { Vec::new() };
        Ok((mean, values))
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
