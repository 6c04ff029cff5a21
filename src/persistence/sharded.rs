//! Weights in several files, with an index in JSON that names the file of each tensor.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use super::container::{Container, Tensor};
use super::file;
use crate::error::{Error, Result};

/// The content of the files with the weights of a model.
pub(crate) struct Files {
    contents: Vec<(PathBuf, Vec<u8>)>,
    /// The file of each tensor, or `None` if the only file has no index.
    index: Option<(PathBuf, Index)>,
}

/// The index of several files.
#[derive(Deserialize)]
struct Index {
    /// The name of the file that contains a tensor, relative to the folder of the index.
    weight_map: BTreeMap<String, String>,
}

impl Files {
    /// Reads a file, or the files of an index if the extension of the path is `json`.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = file::read(path)?;
        if path.extension().is_none_or(|extension| extension != "json") {
            return Ok(Self { contents: vec![(path.into(), bytes)], index: None });
        }
        let mismatch = |problems| Error::Mismatch { file: path.into(), problems };
        let index: Index = serde_json::from_slice(&bytes)
            .map_err(|error| mismatch(vec![format!("index of safetensors files: {error}")]))?;
        let mut names: Vec<&String> = index.weight_map.values().collect();
        names.sort_unstable();
        names.dedup();
        let outside = names.iter().filter(|name| !is_file_name(name));
        let outside: Vec<_> =
            outside.map(|name| format!("expected a file in the same folder, got {name:?}")).collect();
        if !outside.is_empty() {
            return Err(mismatch(outside));
        }
        let paths = names.into_iter().map(|name| path.with_file_name(name));
        let contents =
            paths.map(|path| file::read(&path).map(|bytes| (path, bytes))).collect::<Result<_>>()?;
        Ok(Self { contents, index: Some((path.into(), index)) })
    }

    /// Returns the tensors in the files, without those that are missing in the index.
    pub fn tensors(&self) -> Result<Vec<Tensor<'_>>> {
        let mut all = Vec::new();
        for (path, bytes) in &self.contents {
            let mut tensors = Container::parse(path, bytes)?.tensors;
            if let Some((_, index)) = &self.index {
                tensors.retain(|tensor| {
                    index.weight_map.get(&tensor.name).is_some_and(|file| path.ends_with(file))
                });
            }
            all.extend(tensors);
        }
        match &self.index {
            Some((path, index)) if all.len() < index.weight_map.len() => {
                let missing = index
                    .weight_map
                    .iter()
                    .filter(|(name, _)| !all.iter().any(|tensor| tensor.name == **name));
                let problems = missing.map(|(name, file)| format!("missing {name} in {file}")).collect();
                Err(Error::Mismatch { file: path.clone(), problems })
            }
            _ => Ok(all),
        }
    }
}

/// Returns whether a path is the name of a file, without a folder.
fn is_file_name(name: &str) -> bool {
    let mut components = Path::new(name).components();
    matches!((components.next(), components.next()), (Some(Component::Normal(only)), None) if only == name)
}
