//! Files that are written completely or not at all: the content goes to a file with a unique name in the same folder, which
//! then replaces the target.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// The suffix of the names of unfinished files.
const END: &str = ".unfinished";

/// The maximum number of bytes of the final name at the beginning of an unfinished file's name. The limit keeps the whole name
/// within the limits of file systems.
const BEGINNING: usize = 60;

/// The maximum number of symbolic links to follow, as on Linux.
const LINKS: usize = 40;

/// Writes a file completely or not at all.
///
/// # Errors
///
/// Returns the errors of [`Unfinished::create`] and [`Unfinished::finish`], and [`Error::Io`] if `fill` fails.
pub(crate) fn write(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> Result<()> {
    let mut unfinished = Unfinished::create(path)?;
    fill(&mut unfinished.file).map_err(|error| Error::Io { path: path.into(), error })?;
    unfinished.finish()
}

/// Returns the final name of an unfinished file, or `None` if `name` is not the name of an unfinished file. If the final name is
/// long, only its beginning is returned.
#[cfg(feature = "persistence")]
pub(crate) fn becomes(name: &str) -> Option<&str> {
    let (file, id) = name.strip_suffix(END)?.rsplit_once('.')?;
    id.bytes().all(|c| c == b'-' || c.is_ascii_digit()).then_some(file)
}

/// A file that does not have its final name yet. It is removed when the value is dropped, unless it is finished.
///
/// At every moment, even after a power failure, either the complete old file or the complete new file exists.
pub(crate) struct Unfinished {
    /// The path given by the user.
    path: PathBuf,
    /// The file to replace: `path`, or the target of the symbolic link at `path`.
    target: PathBuf,
    /// The metadata of the existing file, if any.
    old: Option<Metadata>,
    temporary: Temporary,
    file: File,
}

/// A path whose file is removed when the value is dropped.
struct Temporary(PathBuf);

impl Unfinished {
    /// Creates a file that will replace the file at `path`, or the target of the symbolic link at `path`.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Io`] with `path` if `path` exists but is not a regular file, if the existing file is read-only, or if a
    /// file cannot be created in the folder.
    pub fn create(path: &Path) -> Result<Self> {
        let create = || {
            let target = followed(path)?;
            let old = replaceable(path, &target)?;
            let (temporary, file) = create_beside(&target, old.is_some())?;
            Ok(Self { path: path.into(), target, old, temporary, file })
        };
        create().map_err(|error| Error::Io { path: path.into(), error })
    }

    /// Gives the file its final name. The file keeps the permissions of the file that it replaces, and its owner if the system
    /// allows it.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Io`] with the path if the content cannot be written to the disk or the file cannot be renamed.
    pub fn finish(self) -> Result<()> {
        let Self { path, target, old, mut temporary, file } = self;
        let finish = || {
            old.map_or(Ok(()), |old| keep_access(&old, &file))?;
            file.sync_all()?;
            drop(file);
            let folder = open_folder(&target)?;
            fs::rename(&temporary.0, &target)?;
            // From here on, another process may use the temporary name, so it must not be removed.
            temporary.0.clear();
            // The file already has its name, so a failure to write the folder to the disk is not reported.
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
            // `drop` cannot report a failure.
            let _ = fs::remove_file(&self.0);
        }
    }
}

/// Returns the path after following symbolic links. The target of the last link does not have to exist.
fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_path_buf();
    for _ in 0..LINKS {
        match fs::read_link(&target) {
            Ok(link) => target = target.parent().unwrap_or(Path::new("")).join(link),
            // The target is not a link, or it does not exist.
            Err(_) => return Ok(target),
        }
    }
    Err(io::Error::new(ErrorKind::InvalidInput, "expected a file, got too many levels of symbolic links"))
}

/// Returns the metadata of the existing file, or `None` if it does not exist. Returns an error if it must not be replaced.
fn replaceable(path: &Path, target: &Path) -> io::Result<Option<Metadata>> {
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        metadata => metadata?,
    };
    if !metadata.is_file() {
        let reason = format!("expected a regular file or a new name, got {}", kind(&metadata));
        return Err(io::Error::new(ErrorKind::InvalidInput, reason));
    }
    // A rename needs write permission only for the folder. A read-only file must not be replaced either, not even by root.
    if metadata.permissions().readonly() {
        let reason = "the file is read-only: make it writable or choose another name";
        return Err(io::Error::new(ErrorKind::PermissionDenied, reason));
    }
    OpenOptions::new().write(true).open(target)?;
    Ok(Some(metadata))
}

/// Creates a file in the folder of `target`, so that a rename within one file system can replace `target`. If the file is
/// private, only the user can access it until it receives the permissions of the file that it replaces.
fn create_beside(target: &Path, is_private: bool) -> io::Result<(Temporary, File)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let nameless = || io::Error::new(ErrorKind::InvalidInput, "expected a path that ends in a file name");
    let name = target.file_name().ok_or_else(nameless)?.to_string_lossy();
    let ends = name.char_indices().map(|(start, character)| start + character.len_utf8());
    let beginning = &name[..ends.take_while(|&end| end <= BEGINNING).last().unwrap_or(0)];
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if is_private { 0o600 } else { 0o666 });
    #[cfg(not(unix))]
    let _ = is_private;
    // `process::id` panics on systems without processes. These systems have no files either, so opening the file fails below.
    let process = if cfg!(all(target_family = "wasm", target_os = "unknown")) { 0 } else { process::id() };
    loop {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = target.with_file_name(format!("{beginning}.{process}-{count}{END}"));
        match options.open(&path) {
            Ok(file) => return Ok((Temporary(path), file)),
            // The file belongs to a process with the same id: an earlier process, or one in another container.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Gives a file the permissions of another file, and its owner if the system allows it.
#[cfg(unix)]
fn keep_access(old: &Metadata, file: &File) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    let own = file.metadata()?;
    let mut mode = old.mode() & 0o777;
    if old.uid() != own.uid() {
        // Only root may change the owner.
        let _ = fchown(file, Some(old.uid()), None);
    }
    if old.gid() != own.gid() && fchown(file, None, Some(old.gid())).is_err() {
        // The group is not the old one, so it gets no permissions beyond the permissions for everybody.
        mode &= 0o707 | (mode & 0o007) << 3;
    }
    file.set_permissions(fs::Permissions::from_mode(mode))
}

/// Does nothing. Other systems have neither, and a read-only file is not replaced.
#[cfg(not(unix))]
fn keep_access(_old: &Metadata, _file: &File) -> io::Result<()> {
    Ok(())
}

/// Returns a description of something that is not a regular file, for messages.
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

/// Opens the folder of a file, so that a new name in the folder can be written to the disk.
#[cfg(unix)]
fn open_folder(path: &Path) -> io::Result<Option<File>> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new("."))).map(Some)
}

/// Returns `None`. On other systems, folders cannot be opened as files, and the system writes the name.
#[cfg(not(unix))]
fn open_folder(_path: &Path) -> io::Result<Option<File>> {
    Ok(None)
}
