use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::error::{Error, Result};
use crate::metrics::Watch;
use crate::settings::check_count;
use crate::unfinished::becomes;

/// Checkpoints of a training run, from which it can resume (feature `persistence`). Pass them to
/// [`Trainer::checkpoints`](crate::Trainer::checkpoints).
///
/// After every epoch, the trainer writes a file, `epoch-00001.safetensors` and so on. It contains the model, the optimizer
/// state, the number of steps (which sets the position of the schedule and of dropout), the state of the random stream, and the
/// best epoch for early stopping. Each file is either complete or absent, even if the process is killed or the power fails. A
/// resumed run repeats the steps since the last checkpoint. It ends with the same bits as a run without interruption.
///
/// The history is in the file `history.jsonl` beside the checkpoints. A checkpoint cannot be resumed without it. Every epoch
/// appends one line, so the amount of data that an epoch writes does not grow with the number of epochs.
///
/// A checkpoint is also a model file that [`Sequential::load`](crate::Sequential::load) can read. `best.safetensors` is a file
/// of the model only.
///
/// Checkpoints do not contain:
/// - the data sets; only their sizes are compared;
/// - the schedule; only its next rate is compared;
/// - the state of observers;
/// - the state of a stream without [`Random::state`](crate::random::Random::state), such as
///   [`FromRng`](crate::random::FromRng); a run with such a stream does not start;
/// - the state of a custom [`order`](crate::Trainer::order), which should be a function of the epoch.
///
/// | setting | purpose | default | range |
/// |---|---|---|---|
/// | folder | contains the files of one run | none | created if it does not exist |
/// | [`keep_last`](Checkpoints::keep_last) | number of latest checkpoints to keep | 2 | 1 or more |
/// | [`keep_best`](Checkpoints::keep_best) | keeps the best model | off | |
/// | [`watch`](Checkpoints::watch) | the metric that decides which model is the best | the least loss | a metric of the run |
/// | [`resume`](Checkpoints::resume) | continues from the last checkpoint | off | |
///
/// # Errors
///
/// Training fails before the first step, with the model unchanged, with:
/// - [`Error::Setting`] if a setting is out of range, if the run does not measure the watched metric, if the folder contains
///   checkpoints and `resume` is off, or if the state of the random stream cannot be saved;
/// - [`Error::Mismatch`] if the checkpoint has another architecture, precision, optimizer, learning rate, kind of order, batch
///   size, `drop_last`, noise seed, names of metrics or size of the data sets; the number of epochs may differ;
/// - [`Error::Format`] if a file is damaged;
/// - [`Error::Io`] if the folder or a file cannot be read or written.
///
/// Training fails later with [`Error::Io`] if a file cannot be written.
///
/// # Examples
///
/// ```
/// use manabi::activation::Identity;
/// use manabi::loss::MeanSquaredError;
/// use manabi::optim::Adam;
/// use manabi::train::Checkpoints;
/// use manabi::{Affine, Samples, Sequential, Trainer};
/// use ndarray::array;
///
/// let data = Samples::new(array![[0.0], [1.0], [2.0]], array![[1.0], [3.0], [5.0]])?;
/// let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(1));
/// let untrained = builder.set_output(Identity).set_error(MeanSquaredError).build()?;
/// let folder = std::env::temp_dir().join(format!("manabi-checkpoints-{}", std::process::id()));
/// let trainer = |epochs| Trainer::new().batch_size(1).epochs(epochs).optimizer(Adam::new(0.1));
///
/// // Train for 10 epochs. Later, perhaps in another process, continue to 20.
/// trainer(10).checkpoints(Checkpoints::new(&folder)).fit(&mut untrained.clone(), &data)?;
/// let mut resumed = untrained.clone();
/// let history = trainer(20).checkpoints(Checkpoints::new(&folder).resume(true)).fit(&mut resumed, &data)?;
/// assert_eq!(history.epochs.len(), 21);
///
/// let mut straight = untrained.clone();
/// trainer(20).fit(&mut straight, &data)?;
/// assert_eq!(resumed.parameter_values(), straight.parameter_values());
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("ModelCheckpoint", "resume"))]
pub struct Checkpoints {
    folder: PathBuf,
    keep_last: usize,
    pub(super) keep_best: bool,
    pub(super) watch: Watch,
    resume: bool,
}

impl Checkpoints {
    /// Creates checkpoints in this folder, which must belong to one run only.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), keep_last: 2, keep_best: false, watch: Watch::default(), resume: false }
    }

    /// Sets the number of latest checkpoints to keep.
    pub fn keep_last(self, keep_last: usize) -> Self {
        Self { keep_last, ..self }
    }

    /// Sets whether `best.safetensors` keeps the model of the best epoch, which is the one with the lowest loss unless
    /// [`watch`](Checkpoints::watch) chooses another metric.
    ///
    /// [`Epoch::watched`](crate::train::Epoch::watched) selects the data set. If this is first turned on for a resumed run, the
    /// file appears after the next epoch that is better than all earlier epochs.
    pub fn keep_best(self, keep_best: bool) -> Self {
        Self { keep_best, ..self }
    }

    /// Sets the metric that decides which epoch is the best. If it changes on a resumed run, `best.safetensors` is replaced after
    /// the next epoch that is better than all earlier epochs by the new metric, and remains that of the old one until then.
    pub fn watch(self, watch: Watch) -> Self {
        Self { watch, ..self }
    }

    /// Sets whether the run continues from the last checkpoint in the folder, if any. A restarted program then continues
    /// automatically.
    pub fn resume(self, resume: bool) -> Self {
        Self { resume, ..self }
    }

    /// Returns the path of the last checkpoint in the folder, or `None` if the folder contains no checkpoint.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Io`] if the folder cannot be read.
    pub fn last(&self) -> Result<Option<PathBuf>> {
        Ok(self.numbers()?.last().map(|&number| self.path(number)))
    }

    /// Returns the path of the best epoch's model.
    pub(super) fn best(&self) -> PathBuf {
        self.folder.join(BEST)
    }

    /// Returns the path of the history.
    pub(super) fn history(&self) -> PathBuf {
        self.folder.join(HISTORY)
    }

    pub(super) fn path(&self, number: usize) -> PathBuf {
        self.folder.join(file_name(number))
    }

    /// Returns the numbers of the epochs that have checkpoints, in order.
    fn numbers(&self) -> Result<Vec<usize>> {
        let mut numbers: Vec<usize> = self.names()?.iter().filter_map(|name| number(name)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Returns the names of the files in the folder.
    fn names(&self) -> Result<Vec<String>> {
        let names = || {
            let entries = fs::read_dir(&self.folder)?;
            entries
                .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
                .collect::<Result<_, _>>()
        };
        names().map_err(|error: io::Error| Error::Io { path: self.folder.clone(), error })
    }

    /// Creates the folder if necessary, checks for old checkpoints and removes unfinished files.
    pub(super) fn begin(&self) -> Result<()> {
        check_count("keep_last", self.keep_last)?;
        fs::create_dir_all(&self.folder).map_err(|error| Error::Io { path: self.folder.clone(), error })?;
        if let (false, Some(last)) = (self.resume, self.last()?) {
            let expected = "none in the folder (call resume(true) to continue from them)";
            return Err(Error::setting("checkpoints", expected, last.display()));
        }
        // A killed process leaves unfinished files.
        self.names()?
            .iter()
            .filter(|name| is_unfinished(name))
            .try_for_each(|name| remove(&self.folder.join(name)))
    }

    /// Removes all checkpoints except for the latest.
    pub(super) fn prune(&self) -> Result<()> {
        let numbers = self.numbers()?;
        let old = numbers.len().saturating_sub(self.keep_last);
        numbers[..old].iter().try_for_each(|&number| remove(&self.path(number)))
    }
}

const START: &str = "epoch-";
const END: &str = ".safetensors";
const BEST: &str = "best.safetensors";
const HISTORY: &str = "history.jsonl";

pub(super) fn file_name(number: usize) -> String {
    format!("{START}{number:05}{END}")
}

/// Returns the epoch in the name of a checkpoint, or `None` for another name.
fn number(name: &str) -> Option<usize> {
    let number = name.strip_prefix(START)?.strip_suffix(END)?.parse().ok()?;
    (file_name(number) == name).then_some(number)
}

/// Returns whether the name belongs to an unfinished file of a run.
fn is_unfinished(name: &str) -> bool {
    becomes(name).is_some_and(|file| file == BEST || file == HISTORY || number(file).is_some())
}

fn remove(path: &Path) -> Result<()> {
    fs::remove_file(path).map_err(|error| Error::Io { path: path.into(), error })
}
