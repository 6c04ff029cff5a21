//! Checkpoints: a model and the state of its training in one file.

use std::path::Path;

use safetensors::Dtype;

use super::early_stopping::Kept;
use crate::error::{Error, Result};
use crate::model::Sequential;
use crate::persistence::container::{Container, Outgoing, Tensor, write};
use crate::persistence::description::{VERSION, parse};
use crate::persistence::file;
use crate::persistence::progress::{PREFIX, Progress, Run, is_own};
use crate::persistence::rows;
use crate::persistence::weights::{bytes_of, dtype, fit, numbers, outgoing};
use crate::scalar::{Precision, Scalar};

/// The state from which a training run can be resumed.
pub(crate) struct Checkpoint<A> {
    pub progress: Progress,
    /// The optimizer's slots.
    pub slots: Vec<Vec<A>>,
    /// The state of the random stream that the orders are drawn from.
    pub random: Vec<u32>,
    /// The best epoch that early stopping would restore.
    pub best: Option<Kept<A>>,
}

impl<A: Scalar> Checkpoint<A> {
    /// Writes the checkpoint and the model to a file.
    pub fn write(self, path: &Path, model: &Sequential<A>) -> Result<()> {
        model.check_params()?;
        let mut description = model.description()?;
        description.checkpoint = Some(self.progress);
        let mut tensors: Vec<(String, Outgoing<'_>)> = outgoing(model.values(), Precision::of::<A>());
        tensors.extend(self.slots.iter().enumerate().map(|(i, slot)| row(&format!("slot{i}"), slot)));
        if let Some(best) = &self.best {
            tensors.extend([row(BEST_PARAMS, &best.params), row(BEST_BUFFERS, &best.buffers)]);
        }
        let (random, shape, length) = (&self.random, vec![self.random.len()], size_of_val(&self.random[..]));
        let bytes = Box::new(|| random.iter().flat_map(|bits| bits.to_le_bytes()).collect());
        tensors.push((format!("{PREFIX}random"), Outgoing { dtype: Dtype::U32, shape, length, bytes }));
        file::write(path, &write(tensors, description.to_json()?)?)
    }

    /// Reads a checkpoint of this model and its history from the file beside it. Returns the checkpoint and the model stored in
    /// it.
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
        let mut progress = saved
            .checkpoint
            .take()
            .ok_or_else(|| mismatch(vec!["expected a checkpoint, got a model".into()]))?;
        let description = model.description()?;
        if saved.version == 1 {
            // Version 1 stores no normalisers.
            saved.version = VERSION;
            saved.normalizer = description.normalizer.clone();
            saved.target_normalizer = description.target_normalizer.clone();
        }
        let another_run = |mut problems: Vec<String>| {
            problems.push("use another folder for another run".into());
            mismatch(problems)
        };
        if let Some(difference) = description.difference(&saved) {
            return Err(another_run(vec![difference]));
        }
        if progress.run != *run {
            return Err(another_run(run.differences(&progress.run)));
        }
        if let Some(rows) = &progress.rows {
            progress.epochs = rows::read(history, rows)?;
        }
        let (own, of_model): (Vec<_>, Vec<_>) = tensors.into_iter().partition(|tensor| is_own(&tensor.name));
        let mut then = model.clone();
        then.fill(path, &fit::<A>(path, model.declared(), &of_model)?)?;
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

/// Returns values as a one-dimensional tensor.
fn row<'a, A: Scalar>(name: &str, values: &'a [A]) -> (String, Outgoing<'a>) {
    let (shape, length) = (vec![values.len()], size_of_val(values));
    let bytes = Box::new(move || bytes_of(values, Precision::of::<A>(), 1));
    (format!("{PREFIX}{name}"), Outgoing { dtype: dtype(Precision::of::<A>()), shape, length, bytes })
}

/// Returns the values of a tensor. The caller must check whether they are valid.
fn own_numbers<A: Scalar>(tensor: &Tensor<'_>) -> Result<Vec<A>, Vec<String>> {
    let own = Precision::of::<A>();
    match tensor.dtype == dtype(own) {
        true => Ok(numbers(tensor)),
        false => Err(vec![format!("{}: expected type {own}, got {}", tensor.name, tensor.dtype)]),
    }
}
