//! Files that are read as a whole, and written as a whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// What the names of files end in that are not yet complete.
pub(crate) const UNFINISHED: &str = ".unfinished";

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

/// A new file beside `path`, of a name that no other thread or process uses.
fn create(path: &Path) -> io::Result<(PathBuf, File)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    loop {
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(format!(".{}-{}{UNFINISHED}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        let unfinished = path.with_file_name(name);
        match File::create_new(&unfinished) {
            Ok(file) => return Ok((unfinished, file)),
            // Of a process with the same number, in another container or before this one.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
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
