//! A model with what its training has to know to go on, as one file.

use std::path::Path;

use safetensors::Dtype;
use serde::{Deserialize, Serialize};

use super::container::{Container, Outgoing, Tensor, write};
use super::description::{VERSION, parse};
use super::file;
use super::model::to_json;
use super::rows::{self, Row, Rows};
use super::weights::{bytes_of, dtype, fill, fit, numbers, outgoing};
use crate::error::{Error, Result};
use crate::model::Sequential;
use crate::scalar::Scalar;

/// What the names of tensors begin with that are no model's; those have a point before the parameter's name.
const PREFIX: &str = "checkpoint/";

/// Whether a tensor of this name belongs to a checkpoint, not to its model.
pub(super) fn is_own(name: &str) -> bool {
    name.strip_prefix(PREFIX).is_some_and(|rest| !rest.contains('.'))
}

/// A training that can go on.
pub(crate) struct Checkpoint<A> {
    pub progress: Progress,
    /// The optimizer's slots.
    pub slots: Vec<Vec<A>>,
    /// The state of the stream that orders come from.
    pub random: Vec<u32>,
    /// What early stopping would restore.
    pub best: Option<Kept<A>>,
}

/// The parameters and buffers of an epoch.
pub(crate) struct Kept<A> {
    pub epoch: usize,
    pub params: Vec<A>,
    pub buffers: Vec<A>,
}

/// How far it is.
#[derive(Deserialize, Serialize)]
pub(crate) struct Progress {
    pub run: Run,
    /// The history of a file of version 1, which has all of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub epochs: Vec<Row>,
    /// Later versions have it in a file beside.
    pub rows: Option<Rows>,
    /// The optimizer's steps.
    pub steps: u64,
    /// The optimizer's scalars.
    pub scalars: Vec<f64>,
    pub plateau: Waiting,
    /// The rate of the next step: what a schedule makes of all this; none where the schedule ends.
    pub learning_rate: Option<f64>,
    /// The epoch that early stopping would restore.
    pub best: Option<usize>,
}

/// What has to be the same when it goes on.
#[derive(Deserialize, PartialEq, Serialize)]
pub(crate) struct Run {
    pub precision: String,
    pub optimizer: String,
    pub batch_size: usize,
    #[serde(default)]
    pub drop_last: bool,
    pub noise_seed: u32,
    pub samples: usize,
    pub validation_samples: Option<usize>,
    pub test_samples: Option<usize>,
}

/// What a reduction on a plateau remembers.
#[derive(Deserialize, Serialize)]
pub(crate) struct Waiting {
    pub scale: f64,
    pub best: Option<f64>,
    pub waited: u64,
    pub cooling: u64,
}

impl<A: Scalar> Checkpoint<A> {
    /// Writes the checkpoint of a model.
    pub fn write(self, path: &Path, model: &Sequential<A>) -> Result<()> {
        model.check_params()?;
        let mut description = model.description()?;
        description.checkpoint = Some(self.progress);
        let mut tensors: Vec<(String, Outgoing<'_>)> = outgoing(model);
        tensors.extend(self.slots.iter().enumerate().map(|(i, slot)| row(&format!("slot{i}"), slot)));
        if let Some(best) = &self.best {
            tensors.extend([row(BEST_PARAMS, &best.params), row(BEST_BUFFERS, &best.buffers)]);
        }
        let (random, shape, length) = (&self.random, vec![self.random.len()], size_of_val(&self.random[..]));
        let bytes = Box::new(|| random.iter().flat_map(|bits| bits.to_le_bytes()).collect());
        tensors.push((format!("{PREFIX}random"), Outgoing { dtype: Dtype::U32, shape, length, bytes }));
        file::write(path, &write(tensors, to_json(&description)?)?)
    }

    /// Reads a checkpoint of this model, with the history from the file beside it, and gives the model as it then was.
    pub fn read(
        path: &Path,
        history: &Path,
        model: &Sequential<A>,
        run: &Run,
    ) -> Result<(Self, Sequential<A>)> {
        let bytes = file::read(path)?;
        let Container { description, tensors } = Container::parse(path, &bytes)?;
        let mut saved = parse(path, description.as_deref())?;
        let mismatch = |problems| Error::Mismatch { file: path.into(), problems };
        let mut progress =
            saved.checkpoint.take().ok_or_else(|| mismatch(vec!["not a checkpoint".into()]))?;
        let description = model.description()?;
        if saved.version == 1 {
            // It knew of no normalisers.
            saved.version = VERSION;
            saved.normalizer = description.normalizer.clone();
            saved.target_normalizer = description.target_normalizer.clone();
        }
        let (expected, got) = (to_json(&description)?, to_json(&saved)?);
        if got != expected {
            return Err(mismatch(vec![format!("architecture: expected {expected}, got {got}")]));
        }
        if progress.run != *run {
            return Err(mismatch(run.differences(&progress.run)));
        }
        if let Some(rows) = &progress.rows {
            progress.epochs = rows::read(history, rows)?;
        }
        let (own, of_model): (Vec<_>, Vec<_>) = tensors.into_iter().partition(|tensor| is_own(&tensor.name));
        let mut then = model.clone();
        fill(path, &mut then, &fit(path, model, &of_model)?)?;
        let slots = (0..).map_while(|i| own.iter().find(|tensor| tensor.name == format!("{PREFIX}slot{i}")));
        let slots: Vec<Vec<A>> =
            slots.map(|tensor| own_numbers(tensor)).collect::<Result<_, _>>().map_err(&mismatch)?;
        let named = |name: &str| {
            let tensor = own.iter().find(|tensor| tensor.name.strip_prefix(PREFIX) == Some(name));
            tensor.ok_or_else(|| mismatch(vec![format!("missing {PREFIX}{name}")]))
        };
        let kept = |epoch| {
            let [params, buffers] = [BEST_PARAMS, BEST_BUFFERS];
            let (params, buffers) = (own_numbers(named(params)?), own_numbers(named(buffers)?));
            Ok(Kept { epoch, params: params.map_err(&mismatch)?, buffers: buffers.map_err(&mismatch)? })
        };
        let best = progress.best.map(kept).transpose()?;
        let random =
            named("random")?.data.as_chunks().0.iter().map(|&bits| u32::from_le_bytes(bits)).collect();
        Ok((Self { progress, slots, random, best }, then))
    }
}

const BEST_PARAMS: &str = "best_params";
const BEST_BUFFERS: &str = "best_buffers";

/// Numbers as a tensor of one dimension.
fn row<'a, A: Scalar>(name: &str, values: &'a [A]) -> (String, Outgoing<'a>) {
    let (shape, length) = (vec![values.len()], size_of_val(values));
    let bytes = Box::new(move || bytes_of(values, 1));
    (format!("{PREFIX}{name}"), Outgoing { dtype: dtype::<A>(), shape, length, bytes })
}

/// A tensor's numbers; whoever takes them looks whether they make sense.
fn own_numbers<A: Scalar>(tensor: &Tensor<'_>) -> Result<Vec<A>, Vec<String>> {
    match tensor.dtype == dtype::<A>() {
        true => Ok(numbers(tensor)),
        false => Err(vec![format!("{}: expected type {}, got {}", tensor.name, dtype::<A>(), tensor.dtype)]),
    }
}

impl Run {
    /// What is not as it was.
    fn differences(&self, saved: &Self) -> Vec<String> {
        let mut all = Vec::new();
        let mut compare = |what: &str, now: &dyn ToString, then: &dyn ToString| {
            let (now, then) = (now.to_string(), then.to_string());
            if now != then {
                all.push(format!("{what}: expected {now}, got {then}"));
            }
        };
        compare("precision", &self.precision, &saved.precision);
        compare("optimizer", &self.optimizer, &saved.optimizer);
        compare("batch_size", &self.batch_size, &saved.batch_size);
        compare("drop_last", &self.drop_last, &saved.drop_last);
        compare("noise_seed", &self.noise_seed, &saved.noise_seed);
        compare("samples of the training set", &self.samples, &saved.samples);
        let count = |samples: Option<usize>| samples.map_or("none".into(), |samples| samples.to_string());
        let (own, then) = (count(self.validation_samples), count(saved.validation_samples));
        compare("samples of the validation set", &own, &then);
        compare("samples of the test set", &count(self.test_samples), &count(saved.test_samples));
        all
    }
}
