use std::path::Path;

use super::container::Container;
use super::description::{BYTES, parse};
use super::file;
use crate::data::Normalizer;
use crate::error::{Error, Result};

impl Normalizer {
    /// The normaliser of the inputs that was saved with a model (feature `persistence`), without the model.
    ///
    /// Errors: the file cannot be read, is no safetensors file, or has no normaliser.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::parse(path.as_ref(), &file::read(path.as_ref())?)
    }

    /// [`load`](Normalizer::load) from bytes that need not be a file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Self::parse(BYTES.as_ref(), bytes)
    }

    fn parse(file: &Path, bytes: &[u8]) -> Result<Self> {
        let Container { description, .. } = Container::parse(file, bytes)?;
        let Some(saved) = parse(file, description.as_deref())?.normalizer else {
            return Err(Error::Mismatch { file: file.into(), problems: vec!["missing a normaliser".into()] });
        };
        saved
            .normalizer()
            .map_err(|error| Error::Mismatch { file: file.into(), problems: vec![error.to_string()] })
    }
}
