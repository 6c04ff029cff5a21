use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::container::Tensor;
use crate::error::{Error, Result};

/// How weights are loaded from the file of another program: under other names, rounded, in part, or from several files.
///
/// | setting | purpose | default |
/// |---|---|---|
/// | [`strip_prefix`](LoadOptions::strip_prefix) | removes the start of names | none |
/// | [`rename`](LoadOptions::rename) | renames a tensor, layer or block | none |
/// | [`map`](LoadOptions::map) | changes names by a function | none |
/// | [`convert`](LoadOptions::convert) | rounds `f64` values for an `f32` model | false |
/// | [`partial`](LoadOptions::partial) | loads what has the same name and shape | false |
///
/// The changes of names apply to every name in the file, one after another, in the order in which they were set. The file is a
/// safetensors file or the index of several (`model.safetensors.index.json`). Values of a lower precision than the model's, such
/// as `f16`, `bf16`, and `f32` in an `f64` model, are always read, because that is exact.
///
/// # Examples
///
/// ```
/// use manabi::persistence::LoadOptions;
/// use manabi::prelude::*;
///
/// # let path = std::env::temp_dir().join(format!("manabi-names-{}.safetensors", std::process::id()));
/// # let other = Sequential::<f64>::builder(2).add_layer("net", manabi::layer::Chain::new().add_layer("fc", Affine::new(3)));
/// # other.set_output(Softmax).set_error(CrossEntropy).build()?.save(&path)?;
/// let builder = Sequential::<f32>::builder(2)
///     .add_layer("affine1", Affine::new(3)) // net.fc in an f64 file
///     .add_layer("head", Affine::new(5)); // not in the file
/// let mut model = builder.set_output(Softmax).set_error(CrossEntropy).build()?;
/// let options = LoadOptions::new().strip_prefix("net.").rename("fc", "affine1").convert(true).partial(true);
/// let report = options.load_into(&mut model, &path)?;
/// assert_eq!(report.copied, ["affine1.weight", "affine1.bias"]);
/// assert_eq!(report.missing, ["head.weight", "head.bias"]);
/// assert!(report.unexpected.is_empty() && report.mismatched.is_empty());
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Default)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("load_state_dict", "strict", "state_dict", "pretrained", "sharded"))]
pub struct LoadOptions {
    names: Vec<Arc<Change>>,
    pub(crate) convert: bool,
    pub(crate) partial: bool,
}

/// A change of a name.
type Change = dyn Fn(&str) -> String + Send + Sync;

impl LoadOptions {
    /// Creates options that change no name and load only files with the names, shapes and precision of the model.
    pub fn new() -> Self {
        Self::default()
    }

    /// Removes this prefix, such as `model.`, from the names that begin with it.
    pub fn strip_prefix(self, prefix: impl Into<String>) -> Self {
        let prefix = prefix.into();
        self.map(move |name| name.strip_prefix(&prefix[..]).unwrap_or(name).to_owned())
    }

    /// Renames the tensor, layer or block with the name `from`. From `fc` to `affine1`, the name `fc.weight` becomes
    /// `affine1.weight`.
    pub fn rename(self, from: impl Into<String>, to: impl Into<String>) -> Self {
        let (from, to) = (from.into(), to.into());
        self.map(move |name| match name.strip_prefix(&from[..]) {
            Some(rest) if rest.is_empty() || rest.starts_with('.') => format!("{to}{rest}"),
            _ => name.to_owned(),
        })
    }

    /// Replaces every name by the result of this function.
    pub fn map(mut self, name: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        self.names.push(Arc::new(name));
        self
    }

    /// Sets whether `f64` values are rounded for an `f32` model. Values out of its range are an error.
    pub fn convert(self, convert: bool) -> Self {
        Self { convert, ..self }
    }

    /// Sets whether the names and shapes in the model and in the file may differ. The tensors with the same name and shape are
    /// loaded, and the report lists the others. Read it: with a wrong prefix, nothing is loaded.
    pub fn partial(self, partial: bool) -> Self {
        Self { partial, ..self }
    }

    /// Changes the names of the tensors in a file.
    pub(crate) fn rename_all(&self, file: &Path, tensors: &mut [Tensor<'_>]) -> Result<()> {
        if self.names.is_empty() {
            return Ok(());
        }
        let mut origins = BTreeMap::new();
        let mut problems = Vec::new();
        for tensor in tensors {
            let name = self.names.iter().fold(tensor.name.clone(), |name, change| change(&name));
            let old = std::mem::replace(&mut tensor.name, name.clone());
            if let Some(first) = origins.insert(name.clone(), old.clone()) {
                problems.push(format!("{first} and {old} are both renamed to {name}"));
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(Error::Mismatch { file: file.into(), problems }) }
    }
}

impl fmt::Debug for LoadOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { names, convert, partial } = self;
        let mut fields = f.debug_struct("LoadOptions");
        fields
            .field("names", &format_args!("{} changes", names.len()))
            .field("convert", convert)
            .field("partial", partial)
            .finish()
    }
}
