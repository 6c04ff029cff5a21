use std::path::Path;

use super::container::Container;
use super::description::{BYTES, parse};
use super::file;
use crate::data::Normalizer;
use crate::error::{Error, Result};

impl Normalizer {
    /// Loads the normaliser of the inputs from the file of a model (feature `persistence`), without loading the model.
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::Io`] if the file cannot be read,
    /// - [`Error::Format`] if the file is not a valid safetensors file,
    /// - [`Error::Mismatch`] if the file does not describe a model with a valid normaliser of the inputs.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::parse(path.as_ref(), &file::read(path.as_ref())?)
    }

    /// Loads the normaliser of the inputs from the content of a model's file.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`load`](Normalizer::load), except for [`Error::Io`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Self::parse(BYTES.as_ref(), bytes)
    }

    fn parse(file: &Path, bytes: &[u8]) -> Result<Self> {
        let Container { description, .. } = Container::parse(file, bytes)?;
        let Some(saved) = parse(file, description.as_deref())?.normalizer else {
            return Err(Error::Mismatch {
                file: file.into(),
                problems: vec!["missing normaliser of the inputs".into()],
            });
        };
        saved
            .normalizer()
            .map_err(|error| Error::Mismatch { file: file.into(), problems: vec![error.to_string()] })
    }
}
