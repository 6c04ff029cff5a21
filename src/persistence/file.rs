//! Files that are read as a whole, and written as a whole or not at all.

use std::fs::{self, File, OpenOptions};
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
    let unfinished = unfinished(path);
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).open(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&unfinished, path)?;
        sync_folder(path)
    };
    write().map_err(|error| {
        // It may not be there.
        let _ = fs::remove_file(&unfinished);
        Error::Io { path: path.into(), error }
    })
}

/// A name that no other thread or process uses.
fn unfinished(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}-{}{UNFINISHED}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    path.with_file_name(name)
}

/// Puts the new name on the disk.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Elsewhere folders cannot be opened as files; the system sees to the name.
#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}
