//! Saving a run in its checkpoints, and resuming it.

use std::time::Duration;

use super::checkpoint_file::Checkpoint;
use super::checkpoints::file_name;
use super::early_stopping::Best;
use super::group::Group;
use super::history::{Epoch, EpochMetric};
use super::trainer::Trainer;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::metrics::Metrics;
use crate::model::Sequential;
use crate::optim::Plateau;
use crate::persistence::progress::{Progress, Run, Waiting};
use crate::persistence::rows::{self, Measured, Own, Row, Rows};
use crate::scalar::Scalar;

impl<A: Scalar> Trainer<'_, A> {
    /// Prepares the folder and restores the run from its last checkpoint, if any. Returns the history so far.
    pub(super) fn resume(
        &mut self,
        model: &mut Sequential<A>,
        train: &dyn Dataset<A>,
        stopping: Option<&mut Best<A>>,
        group: &mut Group<'_>,
    ) -> Result<Vec<Epoch>> {
        let Some(checkpoints) = &self.checkpoints else { return Ok(Vec::new()) };
        if self.order.state().is_none() {
            let expected = "a stream whose state can be saved, such as RandomState";
            return Err(Error::setting("random with checkpoints", expected, "another stream"));
        }
        // Check that the model can be saved before training begins.
        model.to_bytes()?;
        // Only process 0 changes the folder.
        let begun = if group.rank == 0 { checkpoints.begin() } else { Ok(()) };
        group.agree(begun)?;
        let last = checkpoints.last()?;
        let name = last.as_ref().and_then(|path| path.file_name()).map(|name| name.to_string_lossy());
        group.compare("", &[("last checkpoint".into(), name.unwrap_or("none".into()).into())])?;
        let Some(path) = last else { return Ok(Vec::new()) };
        let (Checkpoint { progress, slots, random, best: kept }, then) =
            Checkpoint::read(&path, &checkpoints.history(), model, &self.run_of(train))?;
        let mismatch = |problem: String| Error::Mismatch { file: path.clone(), problems: vec![problem] };
        let first = self.first_row();
        let epoch_of = file_name((first + progress.epochs.len()).saturating_sub(1));
        if path.file_name() != Some(epoch_of.as_ref()) {
            return Err(mismatch(format!("file name: expected {epoch_of}, according to its content")));
        }
        let mut stepper = self.stepper.clone();
        let mut state = stepper.state().clone();
        (state.steps, state.slots, state.scalars) = (progress.steps, slots, progress.scalars);
        let Waiting { scale, best, waited, cooling } = progress.plateau;
        state.plateau = Plateau { scale, best, waited, cooling };
        stepper.set_state(state).map_err(|error| mismatch(error.to_string()))?;
        stepper.check_model(model).map_err(|error| mismatch(error.to_string()))?;
        let rate = stepper.learning_rate().ok();
        if rate != progress.learning_rate {
            let [expected, got] = [rate, progress.learning_rate]
                .map(|rate| rate.map_or("none".into(), |rate| rate.to_string()));
            let steps = progress.steps;
            return Err(mismatch(format!(
                "learning rate after {steps} steps: expected {expected}, got {got}"
            )));
        }
        let epochs: Vec<Epoch> =
            progress.epochs.iter().enumerate().map(|(i, row)| epoch(first + i, row)).collect();
        if let Some(stopping) = stopping {
            stopping.resume(&epochs, kept).map_err(mismatch)?;
            stopping.restore(&mut then.clone()).map_err(|error| mismatch(error.to_string()))?;
        }
        // Remove the rows of later epochs, which will run again, once all processes have read the file.
        group.agree(Ok(()))?;
        if group.rank == 0 {
            rows::write(&checkpoints.history(), &progress.epochs)?;
        }
        // This step changes nothing if it fails, and no later step can fail.
        self.order.set_state(&random).map_err(|error| mismatch(error.to_string()))?;
        (self.stepper, *model) = (stepper, then);
        Ok(epochs)
    }

    /// Writes the checkpoint after the last row of the history.
    pub(super) fn keep(
        &self,
        model: &Sequential<A>,
        train: &dyn Dataset<A>,
        epochs: &[Epoch],
        stopping: Option<&Best<A>>,
    ) -> Result<()> {
        let trained = &epochs[usize::from(epochs.first().is_some_and(|epoch| epoch.number == 0))..];
        let (Some(checkpoints), [before @ .., last]) = (&self.checkpoints, trained) else { return Ok(()) };
        // Write the best model first: if the process ends before the checkpoint is written, the epoch runs again.
        let cost = |epoch: &Epoch| epoch.cost(&checkpoints.watch);
        if checkpoints.keep_best && before.iter().all(|epoch| cost(last) < cost(epoch)) {
            model.save(checkpoints.best())?;
        }
        let best = stopping.and_then(Best::kept);
        let state = self.stepper.state();
        let Plateau { scale, best: lowest, waited, cooling } = state.plateau;
        // Write the rows before the checkpoint: rows that no checkpoint counts are harmless.
        let history = checkpoints.history();
        match !before.is_empty() && history.exists() {
            true => rows::append(&history, &row(last))?,
            false => rows::write(&history, &epochs.iter().map(row).collect::<Vec<_>>())?,
        }
        let progress = Progress {
            run: self.run_of(train),
            epochs: Vec::new(),
            rows: Some(Rows { count: epochs.len(), last: row(last) }),
            steps: state.steps,
            scalars: state.scalars.clone(),
            plateau: Waiting { scale, best: lowest, waited, cooling },
            // The schedule may have no valid rate after the last step.
            learning_rate: self.stepper.learning_rate().ok(),
            best: best.as_ref().map(|kept| kept.epoch),
        };
        let random = self.order.state().unwrap_or_default();
        let checkpoint = Checkpoint { progress, slots: state.slots.clone(), random, best };
        checkpoint.write(&checkpoints.path(last.number), model)?;
        checkpoints.prune()
    }

    /// Returns the settings that must not change when the run resumes.
    fn run_of(&self, train: &dyn Dataset<A>) -> Run {
        Run {
            precision: if size_of::<A>() == 4 { "f32" } else { "f64" }.into(),
            optimizer: self.stepper.settings(),
            batch_size: self.rows(train.len()),
            drop_last: self.drop_last,
            noise_seed: self.noise,
            samples: train.len(),
            validation_samples: self.validation.map(|validation| validation.len()),
            test_samples: self.test.map(|test| test.len()),
            metrics: self.metrics.iter().map(|metric| metric.name.clone()).collect(),
        }
    }
}

fn row(epoch: &Epoch) -> Row {
    let measured = |Metrics { loss, accuracy }: Metrics| Measured { loss, accuracy };
    let own = |metric: &EpochMetric| {
        let &EpochMetric { ref name, validation, test } = metric;
        Own { name: name.clone(), validation, test }
    };
    Row {
        train: measured(epoch.train),
        validation: epoch.validation.map(measured),
        test: epoch.test.map(measured),
        metrics: epoch.metrics.iter().map(own).collect(),
        nanoseconds: u64::try_from(epoch.elapsed.as_nanos()).unwrap_or(u64::MAX),
        learning_rate: epoch.learning_rate,
    }
}

fn epoch(number: usize, row: &Row) -> Epoch {
    let metrics = |&Measured { loss, accuracy }: &Measured| Metrics { loss, accuracy };
    let own = |metric: &Own| {
        let &Own { ref name, validation, test } = metric;
        EpochMetric { name: name.clone(), validation, test }
    };
    Epoch {
        number,
        train: metrics(&row.train),
        validation: row.validation.as_ref().map(metrics),
        test: row.test.as_ref().map(metrics),
        metrics: row.metrics.iter().map(own).collect(),
        elapsed: Duration::from_nanos(row.nanoseconds),
        learning_rate: row.learning_rate,
    }
}
