use std::path::Path;

use super::{Sequential, SequentialBuilder};
use crate::error::{Error, Result};
use crate::persistence::container::{Container, Tensor, write};
use crate::persistence::description::{BYTES, Description, Part, Statistics, VERSION, parse};
use crate::persistence::file;
use crate::persistence::progress::is_own;
use crate::persistence::registry::{Registry, check_kinds};
use crate::persistence::weights::{decode, fit, outgoing};
use crate::scalar::Scalar;
use crate::settings::LayerSettings;

/// Models in files (feature `persistence`).
///
/// A file is in the safetensors format. It holds every parameter and buffer under its name and in PyTorch's layout
/// (`affine1.weight` as (fan_out, fan_in), `affine1.bias`), so that `load_state_dict(load_file(path))` works on an
/// `nn.Sequential` with the same names, and [`load_weights`](Sequential::load_weights) on what PyTorch saved. Its metadata say
/// under `manabi`, in JSON, how the model is made: a model of built-in layers loads by one call, one with layers of your own
/// with a [`Registry`]. How parameters were initialised is not kept.
///
/// Numerics: a model is saved in its own precision and comes back with the same bits. An `f64` model takes an `f32` file, which
/// is exact; an `f32` model does not take an `f64` file: load that in `f64`, and round its
/// [`params`](Sequential::parameter_values) yourself.
///
/// Errors: nothing is changed or written unless all is right: every name, shape and type, every number finite. Whatever a
/// file says, no more is allocated than about twice its length, and for a file that is nearly all header ten times its
/// header's.
///
/// ```
/// use manabi::{Activation, Affine, CrossEntropy, Normalizer, Sequential, Softmax, Swish};
/// use ndarray::array;
///
/// let mut model = Sequential::<f32>::builder(2)
///     .add_layer("affine1", Affine::new(3))
///     .add_layer("swish1", Activation::new(Swish::default()))
///     .add_layer("affine2", Affine::new(2))
///     .set_output(Softmax)
///     .set_error(CrossEntropy)
///     .build()?;
/// model.set_input_normalizer(Normalizer::min_max(array![[0.0, 255.0]].view())?)?;
/// let path = std::env::temp_dir().join(format!("manabi-{}.safetensors", std::process::id()));
/// model.save(&path)?;
///
/// let loaded = Sequential::<f32>::load(&path)?;
/// assert_eq!((loaded.to_string(), loaded.parameter_values()), (model.to_string(), model.parameter_values()));
/// let x = array![[0.0, 127.5]];
/// assert_eq!(loaded.predict_raw(x.view())?, model.predict(array![[0.0, 0.5]].view())?);
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), manabi::Error>(())
/// ```
impl<A: Scalar> Sequential<A> {
    /// Saves the model, with the normalisers that it has. A file of that name is replaced, in one step: at no moment is
    /// there half a file. The new file keeps the permissions of the old one and, where the system allows it, its owner.
    /// Where the path is a symbolic link, the file that it leads to is replaced.
    ///
    /// Errors: a number that is not finite; a layer, output or loss of your own that has the name of a built-in one; the file
    /// cannot be written; what is there is read-only or not a regular file.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        file::write(path.as_ref(), &self.to_bytes()?)
    }

    /// What [`save`](Sequential::save) writes.
    #[inline(never)]
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.check_params()?;
        write(outgoing(self.values()), self.description()?.to_json()?)
    }

    /// The model in a file, if all its layers are built in.
    ///
    /// Errors: the file cannot be read, is no safetensors file, does not describe a model or not with its numbers; a layer is
    /// not built in.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::load_with_registry(path, &Registry::new())
    }

    /// The model in a file, if its layers are in the registry.
    ///
    /// Errors: those of [`load`](Sequential::load).
    pub fn load_with_registry(path: impl AsRef<Path>, registry: &Registry<A>) -> Result<Self> {
        Self::parse(path.as_ref(), &file::read(path.as_ref())?, registry)
    }

    /// [`load`](Sequential::load) from bytes that need not be a file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Self::from_bytes_with_registry(bytes, &Registry::new())
    }

    /// [`load_with_registry`](Sequential::load_with_registry) from bytes that need not be a file.
    pub fn from_bytes_with_registry(bytes: &[u8], registry: &Registry<A>) -> Result<Self> {
        Self::parse(BYTES.as_ref(), bytes, registry)
    }

    /// Replaces all parameters and buffers by those in a file, whoever wrote it.
    ///
    /// The model's normalisers stay as they are. Tensors named `….num_batches_tracked`, which PyTorch's batch normalisations
    /// have, are passed over.
    ///
    /// Errors, with the model unchanged: the file cannot be read or is no safetensors file; a missing or unexpected name, a
    /// wrong shape or type, a number that is not finite.
    pub fn load_weights(&mut self, path: impl AsRef<Path>) -> Result<()> {
        self.replace_weights(path.as_ref(), &file::read(path.as_ref())?)
    }

    /// [`load_weights`](Sequential::load_weights) from bytes that need not be a file.
    pub fn weights_from_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.replace_weights(BYTES.as_ref(), bytes)
    }

    #[inline(never)]
    pub(crate) fn description(&self) -> Result<Description> {
        check_kinds(self.layers(), self.output(), self.loss_function())?;
        let layers = self.layers().map(|(name, layer)| {
            let (name, kind) = (name.into(), layer.kind().into());
            LayerSettings { name, kind, settings: layer.settings() }
        });
        let (output, loss) = (self.output(), self.loss_function());
        Ok(Description {
            version: VERSION,
            input: self.input_shape(),
            layers: layers.collect(),
            output: Part { kind: output.kind().into(), settings: output.settings() },
            loss: Part { kind: loss.kind().into(), settings: loss.settings() },
            normalizer: self.input_normalizer().map(Statistics::of),
            target_normalizer: self.target_normalizer().map(Statistics::of),
            checkpoint: None,
        })
    }

    #[inline(never)]
    fn parse(file: &Path, bytes: &[u8], registry: &Registry<A>) -> Result<Self> {
        let Container { description, mut tensors } = Container::parse(file, bytes)?;
        let mut description = parse(file, description.as_deref())?;
        if description.checkpoint.is_some() {
            tensors.retain(|tensor| !is_own(&tensor.name));
        }
        let mut planned = make(file, &description, registry)?;
        set_units(&mut planned, &mut description)
            .map_err(|error| Error::Mismatch { file: file.into(), problems: vec![error.to_string()] })?;
        // Until here the model's size is only a claim.
        let tensors = fit::<A>(file, planned.declared(), &tensors)?;
        let mut model = planned.with_zeros()?;
        model.fill(file, &tensors)?;
        Ok(model)
    }

    #[inline(never)]
    fn replace_weights(&mut self, file: &Path, bytes: &[u8]) -> Result<()> {
        let Container { tensors, .. } = Container::parse(file, bytes)?;
        let tensors = fit::<A>(file, self.declared(), &tensors)?;
        self.fill(file, &tensors)
    }

    /// Copies tensors that fit into the model; an error, and nothing changed, if a layer cannot use one of the buffers.
    pub(crate) fn fill(&mut self, file: &Path, tensors: &[&Tensor<'_>]) -> Result<()> {
        let mut buffers = vec![A::zero(); self.buffer_values().len()];
        let mut rest = &mut buffers[..];
        for (tensor, (_, spec)) in tensors.iter().zip(self.declared()).skip(self.parameters().count()) {
            let size = spec.shape.iter().product();
            decode(spec, tensor, rest.split_off_mut(..size).expect("as many values as are declared"));
        }
        let checked = self.check_buffers(&buffers);
        checked.map_err(|error| Error::Mismatch { file: file.into(), problems: vec![error.to_string()] })?;
        for ((spec, values), tensor) in self.values_mut().zip(tensors) {
            decode(spec, tensor, values);
        }
        Ok(())
    }
}

/// Gives a model the normalisers that were saved with it.
///
/// In version 1 a file's normaliser was for the user to apply, perhaps to other features than the model's inputs. Such a one is
/// for [`Normalizer::load`] alone.
fn set_units<A: Scalar>(model: &mut Sequential<A>, saved: &mut Description) -> Result<()> {
    let named = |what: &str, error: Error| Error::setting(what, "one that fits the model", error);
    if let Some(statistics) = saved.normalizer.take() {
        let set = model.set_input_normalizer(statistics.normalizer()?);
        if saved.version > 1 {
            set.map_err(|error| named("normaliser of the inputs", error))?;
        }
    }
    if let Some(statistics) = saved.target_normalizer.take() {
        let set = model.set_target_normalizer(statistics.normalizer()?);
        set.map_err(|error| named("normaliser of the targets", error))?;
    }
    Ok(())
}

/// The model that a file describes, without its numbers; an error that lists all that the registry has not.
fn make<A: Scalar>(file: &Path, saved: &Description, registry: &Registry<A>) -> Result<Sequential<A>> {
    let (layers, mut problems) = registry.make_layers(&saved.layers);
    let output = registry.make_output(&saved.output.kind, saved.output.settings.as_ref());
    let loss = registry.make_loss(&saved.loss.kind, saved.loss.settings.as_ref());
    problems.extend(output.as_ref().err().map(|problem| format!("output: {problem}")));
    problems.extend(loss.as_ref().err().map(|problem| format!("loss: {problem}")));
    match (output, loss) {
        (Ok(output), Ok(loss)) if problems.is_empty() => {
            let plan = SequentialBuilder::of(saved.input, layers, output, loss).plan();
            plan.map_err(|error| Error::Mismatch { file: file.into(), problems: vec![error.to_string()] })
        }
        _ => Err(Error::Mismatch { file: file.into(), problems }),
    }
}
