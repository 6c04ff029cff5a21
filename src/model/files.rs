use std::path::Path;

use super::{Sequential, SequentialBuilder};
use crate::error::{Error, Result};
use crate::persistence::container::{Container, Tensor, write};
use crate::persistence::description::{BYTES, Description, Part, Statistics, VERSION, parse};
use crate::persistence::progress::is_own;
use crate::persistence::registry::{Registry, check_kinds};
use crate::persistence::weights::{decode, fit, outgoing};
use crate::persistence::{LoadOptions, Precision, file};
use crate::scalar::Scalar;
use crate::settings::LayerSettings;

/// Saving and loading (feature `persistence`).
///
/// Files are in the safetensors format. A file stores every parameter and buffer under its name and in PyTorch's layout
/// (`affine1.weight` as (fan_out, fan_in), `affine1.bias`). In PyTorch, `load_state_dict(load_file(path))` therefore loads the
/// file into an `nn.Sequential` with the same names, and [`load_weights`](Sequential::load_weights) loads files that PyTorch
/// saved. The metadata entry `manabi` describes the architecture in JSON. A model with only built-in parts loads with one call. A
/// model with custom parts needs a [`Registry`]. The file does not store how the parameters were initialised.
///
/// Numerics: [`save`](Sequential::save) stores a model in its own precision, and loading restores the same bits. A model also
/// loads a file of a lower precision, such as an `f64` model the `f32` values of a file, or an `f32` model its `f16` or `bf16`
/// values, which is exact. An `f32` model does not load an `f64` file unless [`LoadOptions::convert`] asks for it. To convert a
/// whole model, [`cast`](Sequential::cast) it.
///
/// [`LoadOptions`] loads weights under other names, in part, or from several files.
///
/// # Errors
///
/// The methods check every name, shape, type and value before they change the model or write the file. For any file content,
/// loading allocates at most about twice the length of the file, or four times for numbers of 16 bits in an `f64` model. If the
/// file is nearly all header, the limit is ten times the length of the header.
///
/// # Examples
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
    /// Saves the model, its normalisers and its notes to a file.
    ///
    /// The method replaces an existing file in one step, so that the path never leads to an incomplete file. The new file keeps
    /// the permissions of the old one and, if the system allows it, its owner. If the path is a symbolic link, the method
    /// replaces the target of the link.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`to_bytes`](Sequential::to_bytes), and [`Error::Io`] if the file cannot be written or if the path
    /// leads to something that is read-only or not a regular file.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        file::write(path.as_ref(), &self.to_bytes()?)
    }

    /// Returns the content of the file that [`save`](Sequential::save) writes.
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::NotFinite`] if a parameter or buffer is not finite,
    /// - [`Error::Setting`] (inside [`Error::Layer`] for a layer) if a setting is not finite, or if a custom part has the kind of
    ///   a built-in part,
    /// - [`Error::Shape`] if a parameter or buffer has more than 8 dimensions.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.to_bytes_in(Precision::of::<A>())
    }

    /// Saves the model and its normalisers to a file whose numbers have this precision, for example with half the size.
    ///
    /// Numerics: every parameter and buffer is rounded once, as [`Precision`] describes. The statistics of the normalisers are
    /// not rounded. [`load`](Sequential::load) reads the file into a model of the precision `A` or a higher one.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`save`](Sequential::save), and [`Error::Setting`] if a value is out of the range of the precision.
    ///
    /// # Examples
    ///
    /// ```
    /// use manabi::persistence::Precision;
    /// use manabi::prelude::*;
    ///
    /// let builder = Sequential::<f32>::builder(784).add_layer("affine1", Affine::new(100));
    /// let model = builder.set_output(Identity).set_error(MeanSquaredError).build()?;
    /// let path = std::env::temp_dir().join(format!("manabi-half-{}.safetensors", std::process::id()));
    /// model.save_in(&path, Precision::BF16)?;
    /// assert!(std::fs::metadata(&path).unwrap().len() < 160_000); // about 2 bytes per parameter
    /// let loaded = Sequential::<f32>::load(&path)?;
    /// let errors = (&loaded.parameter("affine1.weight")? - &model.parameter("affine1.weight")?).abs();
    /// assert!(errors.iter().all(|&error| error < 0.001));
    /// # std::fs::remove_file(&path).unwrap();
    /// # Ok::<(), manabi::Error>(())
    /// ```
    #[doc(alias("half", "bfloat16", "quantize"))]
    pub fn save_in(&self, path: impl AsRef<Path>, precision: Precision) -> Result<()> {
        file::write(path.as_ref(), &self.to_bytes_in(precision)?)
    }

    /// Returns the content of the file that [`save_in`](Sequential::save_in) writes.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`to_bytes`](Sequential::to_bytes), and [`Error::Setting`] if a value is out of the range of the
    /// precision.
    #[inline(never)]
    pub fn to_bytes_in(&self, precision: Precision) -> Result<Vec<u8>> {
        self.check_params()?;
        if precision.size() < size_of::<A>() {
            for (name, _, values) in self.values() {
                if let Some(value) = values.iter().find(|value| !precision.round(value.widen()).is_finite()) {
                    return Err(Error::setting(name, format!("values in the range of {precision}"), value));
                }
            }
        }
        write(outgoing(self.values(), precision), self.description()?.to_json()?)
    }

    /// Loads a model with only built-in parts from a file.
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::Io`] if the file cannot be read,
    /// - [`Error::Format`] if the file is not a valid safetensors file,
    /// - [`Error::Mismatch`] if the file does not describe a model, if a layer, output or loss is not built in, or if the tensors
    ///   do not fit the description,
    /// - [`Error::OutOfMemory`] if the model does not fit in memory.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::load_with_registry(path, &Registry::new())
    }

    /// Loads a model from a file. The registry creates the layers, the output and the loss.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`load`](Sequential::load), but parts need only be in the registry.
    pub fn load_with_registry(path: impl AsRef<Path>, registry: &Registry<A>) -> Result<Self> {
        Self::parse(path.as_ref(), &file::read(path.as_ref())?, registry)
    }

    /// Loads a model with only built-in parts from the content of a file.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`load`](Sequential::load), except for [`Error::Io`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Self::from_bytes_with_registry(bytes, &Registry::new())
    }

    /// Loads a model from the content of a file. The registry creates the layers, the output and the loss.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`load_with_registry`](Sequential::load_with_registry), except for [`Error::Io`].
    pub fn from_bytes_with_registry(bytes: &[u8], registry: &Registry<A>) -> Result<Self> {
        Self::parse(BYTES.as_ref(), bytes, registry)
    }

    /// Replaces all parameters and buffers with the tensors in a safetensors file, such as a file saved by PyTorch.
    ///
    /// The normalisers of the model do not change. The method ignores tensors named `….num_batches_tracked`, which PyTorch's
    /// batch normalisation saves. A file with the extension `.json` is the index of weights in several files. [`LoadOptions`]
    /// maps names, rounds values and loads parts.
    ///
    /// # Errors
    ///
    /// Returns the following errors and leaves the model unchanged:
    ///
    /// - [`Error::Io`] if the file cannot be read,
    /// - [`Error::Format`] if the file is not a valid safetensors file,
    /// - [`Error::Mismatch`] if a tensor is missing or unexpected, has the wrong shape or type, or contains a value that is not
    ///   finite, or if a value is invalid for a buffer, such as a negative variance.
    pub fn load_weights(&mut self, path: impl AsRef<Path>) -> Result<()> {
        LoadOptions::new().load_into(self, path).map(drop)
    }

    /// Replaces all parameters and buffers with the tensors in the content of a safetensors file.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`load_weights`](Sequential::load_weights), except for [`Error::Io`].
    pub fn weights_from_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        LoadOptions::new().bytes_into(self, bytes).map(drop)
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
            notes: self.notes.clone(),
            checkpoint: None,
        })
    }

    #[inline(never)]
    fn parse(file: &Path, bytes: &[u8], registry: &Registry<A>) -> Result<Self> {
        let Container { description, mut tensors } = Container::parse(file, bytes)?;
        let description = parse(file, description.as_deref())?;
        if description.checkpoint.is_some() {
            tensors.retain(|tensor| !is_own(&tensor.name));
        }
        Self::planned(file, description, registry)?.filled(file, &tensors)
    }

    /// Creates the model that a file describes, with its normalisers, but without values for its parameters and buffers.
    pub(crate) fn planned(file: &Path, mut description: Description, registry: &Registry<A>) -> Result<Self> {
        let mut planned = make(file, &description, registry)?;
        set_units(&mut planned, &mut description)
            .map_err(|error| Error::Mismatch { file: file.into(), problems: vec![error.to_string()] })?;
        planned.notes = description.notes;
        Ok(planned)
    }

    /// Gives a planned model the values in these tensors.
    pub(crate) fn filled(self, file: &Path, tensors: &[Tensor<'_>]) -> Result<Self> {
        // Allocate only after the tensors have confirmed the size of the model.
        let tensors = fit::<A>(file, self.declared(), tensors)?;
        let mut model = self.with_zeros()?;
        model.fill(file, &tensors)?;
        Ok(model)
    }

    /// Copies the tensors that fit into the model. The model does not change if a layer rejects a buffer.
    pub(crate) fn fill(&mut self, file: &Path, tensors: &[Option<&Tensor<'_>>]) -> Result<()> {
        let mut buffers = self.buffer_values().to_vec();
        let mut rest = &mut buffers[..];
        for (tensor, (_, spec)) in tensors.iter().zip(self.declared()).skip(self.parameters().count()) {
            let size = spec.shape.iter().product();
            let values = rest.split_off_mut(..size).expect("the vector has the declared length");
            if let Some(tensor) = tensor {
                decode(spec, tensor, values);
            }
        }
        let checked = self.check_buffers(&buffers);
        checked.map_err(|error| Error::Mismatch { file: file.into(), problems: vec![error.to_string()] })?;
        for ((spec, values), tensor) in self.values_mut().zip(tensors) {
            if let Some(tensor) = tensor {
                decode(spec, tensor, values);
            }
        }
        Ok(())
    }
}

/// Sets the normalisers of a model to the saved ones.
///
/// In a file of version 1, the normaliser is meant to be applied by the user, possibly to features other than the inputs. If it
/// does not fit the inputs, only [`Normalizer::load`](crate::Normalizer::load) returns it.
fn set_units<A: Scalar>(model: &mut Sequential<A>, saved: &mut Description) -> Result<()> {
    let named = |what: &str, error: Error| Error::setting(what, "a normaliser that fits the model", error);
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

/// Creates the model that a file describes, without values for its parameters and buffers. The error lists all parts that the
/// registry cannot create.
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
