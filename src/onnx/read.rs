use std::collections::HashSet;
use std::path::Path;

use prost::Message;
use prost::bytes::Bytes;

use super::import::import;
use super::tensor::Array;
use super::{DESCRIPTION, FINGERPRINT, PRODUCER, fingerprint, proto, wire};
use crate::error::{Error, Result};
use crate::model::Sequential;
use crate::persistence::Registry;
use crate::persistence::description::{self, BYTES};
use crate::persistence::file;
use crate::scalar::Scalar;

/// Importing from ONNX (feature `onnx`). See [`onnx`](crate::onnx).
impl<A: Scalar> Sequential<A> {
    /// Loads a model from an ONNX file.
    ///
    /// If this crate wrote the file and no program has changed its nodes, the method returns the model that was saved, with the
    /// same bits.
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::Io`] if the file cannot be read,
    /// - [`Error::Format`] if the file is not a valid ONNX file,
    /// - [`Error::Mismatch`] if the model has a part that this crate does not have,
    /// - [`Error::OutOfMemory`] if the model does not fit in memory.
    pub fn load_onnx(path: impl AsRef<Path>) -> Result<Self> {
        Self::load_onnx_with_registry(path, &Registry::new())
    }

    /// Loads a model from an ONNX file. If this crate wrote the file, the registry creates the layers, the output and the loss.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`load_onnx`](Sequential::load_onnx), but parts need only be in the registry.
    pub fn load_onnx_with_registry(path: impl AsRef<Path>, registry: &Registry<A>) -> Result<Self> {
        read(path.as_ref(), file::read(path.as_ref())?.into(), registry)
    }

    /// Loads a model from the content of an ONNX file.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`load_onnx`](Sequential::load_onnx), except for [`Error::Io`].
    pub fn from_onnx_bytes(bytes: &[u8]) -> Result<Self> {
        Self::from_onnx_bytes_with_registry(bytes, &Registry::new())
    }

    /// Loads a model from the content of an ONNX file. If this crate wrote the file, the registry creates the layers, the output
    /// and the loss.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`load_onnx_with_registry`](Sequential::load_onnx_with_registry), except for [`Error::Io`].
    pub fn from_onnx_bytes_with_registry(bytes: &[u8], registry: &Registry<A>) -> Result<Self> {
        read(BYTES.as_ref(), Bytes::copy_from_slice(bytes), registry)
    }
}

#[inline(never)]
fn read<A: Scalar>(file: &Path, bytes: Bytes, registry: &Registry<A>) -> Result<Sequential<A>> {
    wire::check(file, &bytes)?;
    let malformed =
        |error| Error::Format { file: file.into(), offset: 0, reason: format!("not an ONNX file: {error}") };
    let length = bytes.len();
    let model = proto::Model::decode(bytes).map_err(malformed)?;
    let mismatch = |problem| Error::Mismatch { file: file.into(), problems: vec![problem] };
    let Some(graph) = &model.graph else { return Err(mismatch("expected a graph, got none".into())) };
    match own(&model, graph) {
        Some(json) => saved(file, json, graph, registry),
        None => import(file, &model, graph, length),
    }
}

/// Returns the description of the model if this crate wrote the file and nobody has changed its nodes.
fn own<'a>(model: &'a proto::Model, graph: &proto::Graph) -> Option<&'a str> {
    let find = |key| model.metadata_props.iter().find(|entry| entry.key == key).map(|entry| &entry.value);
    let is_own = model.producer_name == PRODUCER && *find(FINGERPRINT)? == fingerprint(graph);
    find(DESCRIPTION).filter(|_| is_own).map(String::as_str)
}

/// Returns the model that a description and the tensors of the graph contain.
fn saved<A: Scalar>(
    file: &Path,
    json: &str,
    graph: &proto::Graph,
    registry: &Registry<A>,
) -> Result<Sequential<A>> {
    let planned = Sequential::planned(file, description::parse(file, Some(json))?, registry)?;
    let declared: HashSet<String> = planned.declared().map(|(name, _)| name).collect();
    let mut names = HashSet::new();
    if let Some(twice) = graph.initializer.iter().find(|tensor| !names.insert(&tensor.name)) {
        let problem = format!("initializer '{}': its name occurs twice", twice.name);
        return Err(Error::Mismatch { file: file.into(), problems: vec![problem] });
    }
    let parameters = graph.initializer.iter().filter(|tensor| declared.contains(&tensor.name));
    let arrays = parameters.map(|tensor| match Array::read(tensor) {
        Ok(array) => Ok((&tensor.name, array)),
        Err(problem) => Err(Error::Mismatch {
            file: file.into(),
            problems: vec![format!("initializer '{}': {problem}", tensor.name)],
        }),
    });
    let arrays = arrays.collect::<Result<Vec<_>>>()?;
    let tensors: Vec<_> = arrays.iter().map(|(name, array)| array.named((*name).clone())).collect();
    planned.filled(file, &tensors)
}
