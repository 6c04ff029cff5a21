//! A file while it is written: beside the one that it will replace, under a name that nobody else uses.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// The end of the names of unfinished files.
const END: &str = ".unfinished";

/// How much of the final name begins an unfinished file's name, in bytes. With the rest it stays below what file systems allow,
/// however long the final name is.
const BEGINNING: usize = 60;

/// The most symbolic links that are followed, as on Linux.
const LINKS: usize = 40;

/// Writes a file as a whole or not at all.
///
/// # Errors
/// Those of [`Unfinished::create`] and [`Unfinished::finish`], and those of `fill`.
pub(crate) fn write(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> Result<()> {
    let mut unfinished = Unfinished::create(path)?;
    fill(&mut unfinished.file).map_err(|error| Error::Io { path: path.into(), error })?;
    unfinished.finish()
}

/// Returns the final name of an unfinished file, or `None` if `name` is not that of an unfinished file. Of a long name it is
/// the beginning alone.
#[cfg(feature = "persistence")]
pub(crate) fn becomes(name: &str) -> Option<&str> {
    let (file, id) = name.strip_suffix(END)?.rsplit_once('.')?;
    id.bytes().all(|c| c == b'-' || c.is_ascii_digit()).then_some(file)
}

/// A file that has its content, but not yet its name. It is removed with the value unless it is finished.
///
/// At any moment, a loss of power included, the old file or the new one is there.
pub(crate) struct Unfinished {
    /// The name that the user gave.
    path: PathBuf,
    /// The file that will be replaced: where `path` leads if it is a symbolic link.
    target: PathBuf,
    /// The file that is there now.
    old: Option<Metadata>,
    temporary: Temporary,
    file: File,
}

/// A name that is removed with the value.
struct Temporary(PathBuf);

impl Unfinished {
    /// Begins a file that will replace the one at `path`, or the target of the symbolic link there.
    ///
    /// # Errors
    /// [`Error::Io`] with `path` if something other than a regular file is there, if the file there is read-only, or if the
    /// folder cannot be written.
    pub fn create(path: &Path) -> Result<Self> {
        let create = || {
            let target = followed(path)?;
            let old = replaceable(path, &target)?;
            let (temporary, file) = create_beside(&target, old.is_some())?;
            Ok(Self { path: path.into(), target, old, temporary, file })
        };
        create().map_err(|error| Error::Io { path: path.into(), error })
    }

    /// Gives the file its name. It keeps the permissions and, where the system allows it, the owner of the file that it
    /// replaces.
    ///
    /// # Errors
    /// [`Error::Io`] with the path if the content cannot be brought to the disk, or the name cannot be given.
    pub fn finish(self) -> Result<()> {
        let Self { path, target, old, mut temporary, file } = self;
        let finish = || {
            old.map_or(Ok(()), |old| keep_access(&old, &file))?;
            file.sync_all()?;
            drop(file);
            let folder = open_folder(&target)?;
            fs::rename(&temporary.0, &target)?;
            // Another process may take the name from now on.
            temporary.0.clear();
            // The file is there; that the system cannot put its name on the disk at once makes it no failure.
            let _ = folder.map(|folder| folder.sync_all());
            Ok(())
        };
        finish().map_err(|error| Error::Io { path, error })
    }
}

impl Write for Unfinished {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            // If that fails, there is nobody to tell.
            let _ = fs::remove_file(&self.0);
        }
    }
}

/// Returns where a path leads through symbolic links, the last of which may lead to a file that is not there yet.
fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_path_buf();
    for _ in 0..LINKS {
        match fs::read_link(&target) {
            Ok(link) => target = target.parent().unwrap_or(Path::new("")).join(link),
            // No link, or nothing there.
            Err(_) => return Ok(target),
        }
    }
    Err(io::Error::new(ErrorKind::InvalidInput, "expected a file, got symbolic links without an end"))
}

/// Returns what is known of the file that is there, or `None` if there is none; an error unless it may be replaced.
fn replaceable(path: &Path, target: &Path) -> io::Result<Option<Metadata>> {
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        metadata => metadata?,
    };
    if !metadata.is_file() {
        let reason = format!("expected a regular file or a new name, got {}", kind(&metadata));
        return Err(io::Error::new(ErrorKind::InvalidInput, reason));
    }
    // The folder's permissions would allow a new file of this name. The old one's do not, which binds root too.
    if metadata.permissions().readonly() {
        let reason = "is read-only; make it writable, or give another name";
        return Err(io::Error::new(ErrorKind::PermissionDenied, reason));
    }
    OpenOptions::new().write(true).open(target)?;
    Ok(Some(metadata))
}

/// Creates a file beside `target`, so that it can take its name within one file system. One that replaces another is for the
/// user alone until it has the other's permissions.
fn create_beside(target: &Path, is_private: bool) -> io::Result<(Temporary, File)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let nameless = || io::Error::new(ErrorKind::InvalidInput, "expected the name of a file");
    let name = target.file_name().ok_or_else(nameless)?.to_string_lossy();
    let ends = name.char_indices().map(|(start, character)| start + character.len_utf8());
    let beginning = &name[..ends.take_while(|&end| end <= BEGINNING).last().unwrap_or(0)];
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if is_private { 0o600 } else { 0o666 });
    #[cfg(not(unix))]
    let _ = is_private;
    // `process::id` panics where there are no processes; there are no files either, which is then the error.
    let process = if cfg!(all(target_family = "wasm", target_os = "unknown")) { 0 } else { process::id() };
    loop {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = target.with_file_name(format!("{beginning}.{process}-{count}{END}"));
        match options.open(&path) {
            Ok(file) => return Ok((Temporary(path), file)),
            // Of a process with the same number, in another container or before this one.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Gives a file the permissions and, where the system allows it, the owner of another one.
#[cfg(unix)]
fn keep_access(old: &Metadata, file: &File) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    let own = file.metadata()?;
    let mut mode = old.mode() & 0o777;
    if old.uid() != own.uid() {
        // Root alone may give files away.
        let _ = fchown(file, Some(old.uid()), None);
    }
    if old.gid() != own.gid() && fchown(file, None, Some(old.gid())).is_err() {
        // Another group may not do more than everybody.
        mode &= 0o707 | (mode & 0o007) << 3;
    }
    file.set_permissions(fs::Permissions::from_mode(mode))
}

/// Elsewhere there are neither, and a read-only file is not replaced.
#[cfg(not(unix))]
fn keep_access(_old: &Metadata, _file: &File) -> io::Result<()> {
    Ok(())
}

/// Names what is no regular file.
fn kind(metadata: &Metadata) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let kind = metadata.file_type();
        if kind.is_fifo() {
            return "a pipe";
        }
        if kind.is_socket() {
            return "a socket";
        }
        if kind.is_char_device() || kind.is_block_device() {
            return "a device";
        }
    }
    if metadata.is_dir() { "a folder" } else { "something else" }
}

/// Opens the folder of a file, to bring a new name in it to the disk.
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
