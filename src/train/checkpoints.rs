use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::error::{Error, Result};
use crate::settings::check_count;
use crate::unfinished::becomes;

/// Where a training run is kept so that it can go on (feature `persistence`), for
/// [`Trainer::checkpoints`](crate::Trainer::checkpoints).
///
/// After every epoch a file `epoch-00001.safetensors`, … is written: the model, what the optimizer remembers, the steps (and
/// with them the schedule's and dropout's place), the state of the random stream, and what early stopping would restore. It
/// is complete or not there at all, whenever the process is killed or the power is lost; the steps since the last one are
/// then taken again. A run that goes on ends with the same bits as one that was never interrupted.
///
/// The history is in a file beside the checkpoints, `history.jsonl`, to which every epoch adds a line; without it no checkpoint
/// can be resumed. So what an epoch writes does not grow with the epochs before it.
///
/// A checkpoint is a model's file as well: [`Sequential::load`](crate::Sequential::load) takes it. So is `best.safetensors`,
/// which holds the model alone.
///
/// What is not kept: the data sets, whose sizes alone are compared; the schedule, of which the next rate alone is compared;
/// what observers remember; the position of a stream that has no [`Random::state`](crate::random::Random::state), such as
/// [`FromRng`](crate::random::FromRng), with which a run does not start; what an [`order`](crate::Trainer::order) of your
/// own remembers, which should be a function of the epoch.
///
/// | setting | default | range |
/// |---|---|---|
/// | folder | none | made if it is not there; one for each run |
/// | [`keep_last`](Checkpoints::keep_last) | 2 | 1 or more |
/// | [`keep_best`](Checkpoints::keep_best) | off | |
/// | [`resume`](Checkpoints::resume) | off | |
///
/// Errors: when training starts, for a folder that has checkpoints unless they are to be resumed; when it goes on, with
/// nothing changed, for a checkpoint of another architecture, precision, optimizer, learning rate, kind of order, batch
/// size, noise seed or size of the data sets. The number of epochs may be another. While it runs, for a file that cannot be
/// written.
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
/// // 10 epochs; and later, perhaps in another process, as far as 20.
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
    pub fn keep_best(self, keep_best: bool) -> Self {
        Self { keep_best, ..self }
    }

    /// Goes on from the last checkpoint in the folder, if there is one: a program that is started again continues by itself.
    pub fn resume(self, resume: bool) -> Self {
        Self { resume, ..self }
    }

    /// The last checkpoint in the folder.
    ///
    /// Errors: the folder cannot be read.
    pub fn last(&self) -> Result<Option<PathBuf>> {
        Ok(self.numbers()?.last().map(|&number| self.path(number)))
    }

    /// The file of the best epoch's model.
    pub(super) fn best(&self) -> PathBuf {
        self.folder.join(BEST)
    }

    /// The file of the history.
    pub(super) fn history(&self) -> PathBuf {
        self.folder.join(HISTORY)
    }

    pub(super) fn path(&self, number: usize) -> PathBuf {
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
    pub(super) fn begin(&self) -> Result<()> {
        check_count("keep_last", self.keep_last)?;
        fs::create_dir_all(&self.folder).map_err(|error| Error::Io { path: self.folder.clone(), error })?;
        if let (false, Some(last)) = (self.resume, self.last()?) {
            let expected = "none in the folder, or resume(true) to go on from them";
            return Err(Error::setting("checkpoints", expected, last.display()));
        }
        // What a killed process left.
        self.names()?
            .iter()
            .filter(|name| is_unfinished(name))
            .try_for_each(|name| remove(&self.folder.join(name)))
    }

    /// Removes all but the last checkpoints.
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
