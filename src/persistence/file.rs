//! Files that are read as a whole, and written as a whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use crate::error::{Error, Result};
use crate::unfinished::create;

/// The content of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let read = || match fs::metadata(path)?.is_file() {
        true => fs::read(path),
        // A device may go on for ever.
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "expected a file")),
    };
    read().map_err(|error| Error::Io { path: path.into(), error })
}

/// Writes a file so that at any moment, a loss of power included, there is the old content or the new one: into another file
/// beside it, which takes its name when it is on the disk.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let (unfinished, mut file) = create(path).map_err(|error| Error::Io { path: path.into(), error })?;
    let write = || {
        file.write_all(bytes)?;
        file.sync_all()?;
        drop(file);
        let folder = open_folder(path)?;
        fs::rename(&unfinished, path)?;
        // The file is there; that the system cannot put its name on the disk at once makes it no failure.
        let _ = folder.map(|folder| folder.sync_all());
        Ok(())
    };
    write().map_err(|error| {
        // If that fails too, there is nobody to tell.
        let _ = fs::remove_file(&unfinished);
        Error::Io { path: path.into(), error }
    })
}

/// The folder, to put a new name in it on the disk.
#[cfg(unix)]
fn open_folder(path: &Path) -> io::Result<Option<File>> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new("."))).map(Some)
}

/// Elsewhere folders cannot be opened as files; the system sees to the name.
#[cfg(not(unix))]
fn open_folder(_path: &Path) -> io::Result<Option<File>> {
    Ok(None)
}
