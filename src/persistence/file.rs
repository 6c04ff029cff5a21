//! Reading and writing whole files. A write that fails leaves no incomplete file.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use crate::error::{Error, Result};
use crate::unfinished;

/// Reads a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let read = || match fs::metadata(path)?.is_file() {
        true => fs::read(path),
        // A device may never end.
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "expected a regular file")),
    };
    read().map_err(|error| Error::Io { path: path.into(), error })
}

/// Writes a file as a whole or not at all.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    unfinished::write(path, |file| file.write_all(bytes))
}
