use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use super::early_stopping::Best;
use super::history::Epoch;
use super::trainer::Trainer;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::metrics::Metrics;
use crate::model::Sequential;
use crate::optim::Plateau;
use crate::persistence::rows::{self, Measured, Row, Rows};
use crate::persistence::{Checkpoint, Progress, Run, Waiting};
use crate::scalar::Scalar;
use crate::unfinished::becomes;

/// Where a training run is kept so that it can go on (feature `persistence`), for [`Trainer::checkpoints`].
///
/// After every epoch a file `epoch-00001.safetensors`, … is written: the model, what the optimizer remembers, the steps (and
/// with them the schedule's and dropout's place), the state of the random stream, and what early stopping would restore. It is
/// complete or not there at all, whenever the process is killed or the power is lost; the steps since the last one are then taken
/// again. A run that goes on ends with the same bits as one that was never interrupted.
///
/// The history is in a file beside the checkpoints, `history.jsonl`, to which every epoch adds a line; without it no checkpoint
/// can be resumed. So what an epoch writes does not grow with the epochs before it.
///
/// A checkpoint is a model's file as well: [`Sequential::load`] takes it. So is `best.safetensors`, which holds the model
/// alone.
///
/// What is not kept: the data sets, whose sizes alone are compared; the schedule, of which the next rate alone is compared;
/// what observers remember; the position of a stream
/// that has no [`Random::state`](crate::Random::state), such as [`FromRng`](crate::FromRng), with which a run does not start;
/// what an [`order`](Trainer::order) of your own remembers, which should be a function of the epoch.
///
/// | setting | default | range |
/// |---|---|---|
/// | folder | none | made if it is not there; one for each run |
/// | [`keep_last`](Checkpoints::keep_last) | 2 | 1 or more |
/// | [`keep_best`](Checkpoints::keep_best) | off | |
/// | [`resume`](Checkpoints::resume) | off | |
///
/// Errors: when training starts, for a folder that has checkpoints unless they are to be resumed; when it goes on, with
/// nothing changed, for a checkpoint of another architecture, precision, optimizer, learning rate, kind of order, batch size, noise seed
/// or size of the data sets. The number of epochs may be another. While it runs, for a file that cannot be written.
///
/// ```
/// use manabi::{Adam, Affine, Checkpoints, Identity, MeanSquaredError, Samples, Sequential, Trainer};
/// use ndarray::array;
///
/// let data = Samples::new(array![[0.0], [1.0], [2.0]], array![[1.0], [3.0], [5.0]])?;
/// let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(1));
/// let untrained = builder.set_output(Identity).set_error(MeanSquaredError).build()?;
/// let folder = std::env::temp_dir().join(format!("manabi-checkpoints-{}", std::process::id()));
/// let trainer = |epochs| Trainer::new().batch_size(1).epochs(epochs).optimizer(Adam::new(0.1));
///
/// // 10 epochs; and later, perhaps in another process, as far as 20.
/// trainer(10).checkpoints(Checkpoints::new(&folder)).fit(&mut untrained.clone(), &data)?;
/// let mut resumed = untrained.clone();
/// let history = trainer(20).checkpoints(Checkpoints::new(&folder).resume()).fit(&mut resumed, &data)?;
/// assert_eq!(history.epochs.len(), 21);
///
/// let mut straight = untrained.clone();
/// trainer(20).fit(&mut straight, &data)?;
/// assert_eq!(resumed.params(), straight.params());
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
pub struct Checkpoints {
    folder: PathBuf,
    keep_last: usize,
    keep_best: bool,
    resume: bool,
}

impl Checkpoints {
    /// Checkpoints in this folder, which is for one run alone.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), keep_last: 2, keep_best: false, resume: false }
    }

    /// Sets how many of the last checkpoints are kept.
    pub fn keep_last(self, keep_last: usize) -> Self {
        Self { keep_last, ..self }
    }

    /// Keeps the model of the epoch with the lowest loss on the validation set (without one on the test set, without one on
    /// the training set) in `best.safetensors`. Asked for only where a run goes on, it begins with the next epoch that is
    /// better than all before.
    pub fn keep_best(self) -> Self {
        Self { keep_best: true, ..self }
    }

    /// Goes on from the last checkpoint in the folder, if there is one: a program that is started again continues by itself.
    pub fn resume(self) -> Self {
        Self { resume: true, ..self }
    }

    /// The last checkpoint in the folder.
    ///
    /// Errors: the folder cannot be read.
    pub fn last(&self) -> Result<Option<PathBuf>> {
        Ok(self.numbers()?.last().map(|&number| self.path(number)))
    }

    /// The file of the history.
    fn history(&self) -> PathBuf {
        self.folder.join(HISTORY)
    }

    fn path(&self, number: usize) -> PathBuf {
        self.folder.join(file_name(number))
    }

    /// The epochs of which there are checkpoints, in order.
    fn numbers(&self) -> Result<Vec<usize>> {
        let mut numbers: Vec<usize> = self.names()?.iter().filter_map(|name| number(name)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The names of the files in the folder.
    fn names(&self) -> Result<Vec<String>> {
        let names = || {
            let entries = fs::read_dir(&self.folder)?;
            entries
                .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
                .collect::<Result<_, _>>()
        };
        names().map_err(|error: io::Error| Error::Io { path: self.folder.clone(), error })
    }

    /// Makes the folder ready.
    fn begin(&self) -> Result<()> {
        if self.keep_last == 0 {
            return Err(Error::setting("keep_last", "at least 1", 0));
        }
        fs::create_dir_all(&self.folder).map_err(|error| Error::Io { path: self.folder.clone(), error })?;
        if let (false, Some(last)) = (self.resume, self.last()?) {
            let expected = "none in the folder, or resume() to go on from them";
            return Err(Error::setting("checkpoints", expected, last.display()));
        }
        // What a killed process left.
        self.names()?
            .iter()
            .filter(|name| is_unfinished(name))
            .try_for_each(|name| remove(&self.folder.join(name)))
    }

    /// Removes all but the last checkpoints.
    fn prune(&self) -> Result<()> {
        let numbers = self.numbers()?;
        let old = numbers.len().saturating_sub(self.keep_last);
        numbers[..old].iter().try_for_each(|&number| remove(&self.path(number)))
    }
}

const START: &str = "epoch-";
const END: &str = ".safetensors";
const BEST: &str = "best.safetensors";
const HISTORY: &str = "history.jsonl";

fn file_name(number: usize) -> String {
    format!("{START}{number:05}{END}")
}

/// The epoch in the name of a checkpoint.
fn number(name: &str) -> Option<usize> {
    let number = name.strip_prefix(START)?.strip_suffix(END)?.parse().ok()?;
    (file_name(number) == name).then_some(number)
}

/// Whether a file was on its way to be one of ours.
fn is_unfinished(name: &str) -> bool {
    becomes(name).is_some_and(|file| file == BEST || file == HISTORY || number(file).is_some())
}

fn remove(path: &Path) -> Result<()> {
    fs::remove_file(path).map_err(|error| Error::Io { path: path.into(), error })
}

impl<A: Scalar> Trainer<'_, A> {
    /// Makes the folder ready and, where there is a checkpoint to go on from, everything as it was then; gives the history so
    /// far.
    pub(super) fn resume(
        &mut self,
        model: &mut Sequential<A>,
        train: &dyn Dataset<A>,
        stopping: Option<&mut Best<A>>,
    ) -> Result<Vec<Epoch>> {
        let Some(checkpoints) = &self.checkpoints else { return Ok(Vec::new()) };
        if self.order.state().is_none() {
            let expected = "a stream whose state can be told, such as RandomState";
            return Err(Error::setting("random with checkpoints", expected, "another"));
        }
        // What cannot be saved is told before there is something to lose.
        model.to_bytes()?;
        checkpoints.begin()?;
        let Some(path) = checkpoints.last()? else { return Ok(Vec::new()) };
        let (Checkpoint { progress, slots, random, best: kept }, then) =
            Checkpoint::read(&path, &checkpoints.history(), model, &self.run_of(train))?;
        let mismatch = |problem: String| Error::Mismatch { file: path.clone(), problems: vec![problem] };
        let epoch_of = file_name(progress.epochs.len().saturating_sub(1));
        if path.file_name() != Some(epoch_of.as_ref()) {
            return Err(mismatch(format!("its name: expected {epoch_of}, after the epochs in it")));
        }
        let mut stepper = self.stepper.clone();
        let mut state = stepper.state().clone();
        (state.steps, state.slots, state.scalars) = (progress.steps, slots, progress.scalars);
        let Waiting { scale, best, waited, cooling } = progress.plateau;
        state.plateau = Plateau { scale, best, waited, cooling };
        stepper.set_state(state).map_err(|error| mismatch(error.to_string()))?;
        stepper.check(model).map_err(|error| mismatch(error.to_string()))?;
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
            progress.epochs.iter().enumerate().map(|(number, row)| epoch(number, row)).collect();
        if let Some(stopping) = stopping {
            stopping.resume(&epochs, kept).map_err(mismatch)?;
            stopping.restore(&mut then.clone()).map_err(|error| mismatch(error.to_string()))?;
        }
        // Without the rows of later epochs, which are to come again.
        rows::write(&checkpoints.history(), &progress.epochs)?;
        // It changes nothing if it fails, and nothing fails after it.
        self.order.set_state(&random).map_err(|error| mismatch(error.to_string()))?;
        (self.stepper, *model) = (stepper, then);
        Ok(epochs)
    }

    /// Writes the checkpoint behind the last row of the history.
    pub(super) fn keep(
        &self,
        model: &Sequential<A>,
        train: &dyn Dataset<A>,
        epochs: &[Epoch],
        stopping: Option<&Best<A>>,
    ) -> Result<()> {
        let (Some(checkpoints), [_, .., last]) = (&self.checkpoints, epochs) else { return Ok(()) };
        // The best first: if the process ends between the two, the epoch comes again.
        if checkpoints.keep_best && epochs[1..].iter().rev().skip(1).all(|epoch| loss(last) < loss(epoch)) {
            model.save(checkpoints.folder.join(BEST))?;
        }
        let best = stopping.and_then(Best::kept);
        let state = self.stepper.state();
        let Plateau { scale, best: lowest, waited, cooling } = state.plateau;
        // Rows that no checkpoint counts do no harm, so that they come first.
        let history = checkpoints.history();
        match epochs.len() > 2 && history.exists() {
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
            // A schedule may end with the run.
            learning_rate: self.stepper.learning_rate().ok(),
            best: best.as_ref().map(|kept| kept.epoch),
        };
        let random = self.order.state().unwrap_or_default();
        let checkpoint = Checkpoint { progress, slots: state.slots.clone(), random, best };
        checkpoint.write(&checkpoints.path(last.number), model)?;
        checkpoints.prune()
    }

    /// What has to be the same when the run goes on.
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
        }
    }
}

/// What the best epoch has least of.
fn loss(epoch: &Epoch) -> f64 {
    epoch.watched().loss
}

fn row(epoch: &Epoch) -> Row {
    let measured = |Metrics { loss, accuracy }: Metrics| Measured { loss, accuracy };
    Row {
        train: measured(epoch.train),
        validation: epoch.validation.map(measured),
        test: epoch.test.map(measured),
        nanoseconds: u64::try_from(epoch.elapsed.as_nanos()).unwrap_or(u64::MAX),
    }
}

fn epoch(number: usize, row: &Row) -> Epoch {
    let metrics = |&Measured { loss, accuracy }: &Measured| Metrics { loss, accuracy };
    Epoch {
        number,
        train: metrics(&row.train),
        validation: row.validation.as_ref().map(metrics),
        test: row.test.as_ref().map(metrics),
        elapsed: Duration::from_nanos(row.nanoseconds),
    }
}
