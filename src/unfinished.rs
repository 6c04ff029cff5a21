//! A file while it is written: beside the one that it will replace, under a name that nobody else uses.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the names of files end in that are not yet complete.
const UNFINISHED: &str = ".unfinished";

/// The name of the file that one of this name was to become; none if `create` has not given the name.
#[cfg(feature = "persistence")]
pub fn becomes(name: &str) -> Option<&str> {
    let (file, id) = name.strip_suffix(UNFINISHED)?.rsplit_once('.')?;
    id.bytes().all(|c| c == b'-' || c.is_ascii_digit()).then_some(file)
}

/// A new file beside `path`, so that it can take its name within one file system.
pub fn create(path: &Path) -> io::Result<(PathBuf, File)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    // `process::id` panics where there are no processes; there are no files either, which is then the error.
    let process = if cfg!(all(target_family = "wasm", target_os = "unknown")) { 0 } else { process::id() };
    loop {
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(format!(".{process}-{}{UNFINISHED}", COUNT.fetch_add(1, Ordering::Relaxed)));
        let unfinished = path.with_file_name(name);
        match File::create_new(&unfinished) {
            Ok(file) => return Ok((unfinished, file)),
            // Of a process with the same number, in another container or before this one.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}
