use std::path::Path;

use super::{CopyReport, Sequential};
use crate::error::Result;
use crate::persistence::LoadOptions;
use crate::persistence::container::{Container, Tensor};
use crate::persistence::description::BYTES;
use crate::persistence::sharded::Files;
use crate::persistence::weights::Matching;
use crate::scalar::Scalar;

impl LoadOptions {
    /// Replaces parameters and buffers of a model with the tensors in a safetensors file, or in the files of an index if the
    /// extension of the path is `json`. Returns what was copied.
    ///
    /// The files are in memory until the model is changed.
    ///
    /// # Errors
    ///
    /// Returns the following errors and leaves the model unchanged:
    ///
    /// - [`Error::Io`](crate::Error::Io) if a file cannot be read,
    /// - [`Error::Format`](crate::Error::Format) if a file is not a valid safetensors file,
    /// - [`Error::Mismatch`](crate::Error::Mismatch) with all problems: if a tensor has a wrong type or a value that is not
    ///   finite or out of range; if a value is invalid for a buffer, such as a negative variance; if two names become the same;
    ///   if an index names a file in another folder, or a tensor that its file does not contain; and without
    ///   [`partial`](LoadOptions::partial), if a tensor is missing, unexpected or of another shape.
    pub fn load_into<A: Scalar>(
        &self,
        model: &mut Sequential<A>,
        path: impl AsRef<Path>,
    ) -> Result<CopyReport> {
        let files = Files::read(path.as_ref())?;
        self.copy(model, path.as_ref(), files.tensors()?)
    }

    /// Replaces parameters and buffers of a model with the tensors in the content of a safetensors file. Returns what was copied.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`load_into`](LoadOptions::load_into), except for [`Error::Io`](crate::Error::Io).
    pub fn bytes_into<A: Scalar>(&self, model: &mut Sequential<A>, bytes: &[u8]) -> Result<CopyReport> {
        let file = BYTES.as_ref();
        self.copy(model, file, Container::parse(file, bytes)?.tensors)
    }

    #[inline(never)]
    fn copy<A: Scalar>(
        &self,
        model: &mut Sequential<A>,
        file: &Path,
        mut tensors: Vec<Tensor<'_>>,
    ) -> Result<CopyReport> {
        self.rename_all(file, &mut tensors)?;
        let matching = Matching::of::<A>(model.declared(), &tensors, self.convert);
        let (tensors, report) = matching.checked(file, self.partial)?;
        model.fill(file, &tensors)?;
        Ok(report)
    }
}
