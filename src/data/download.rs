use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use ureq::Agent;

use super::{Mnist, idx};
use crate::error::{Error, Result};
use crate::unfinished::Unfinished;

/// The SHA-256 hashes of the decompressed files in the order of [`Mnist::FILES`].
const SHA256: [&str; 4] = [
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
];

const MIRRORS: [&str; 2] =
    ["https://ossci-datasets.s3.amazonaws.com/mnist", "https://storage.googleapis.com/cvdf-datasets/mnist"];

/// The maximum time for the download of a file from one mirror, even if data keeps arriving.
const PATIENCE: Duration = Duration::from_secs(600);

impl Mnist {
    /// Downloads the MNIST digits to the user's cache folder, unless they are already there, and loads them.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Download::fetch`] and [`Mnist::load`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// let mnist = manabi::Mnist::download()?;
    /// assert_eq!(mnist.train.labels()[..3], [5, 0, 4]);
    /// # Ok::<(), manabi::Error>(())
    /// ```
    pub fn download() -> Result<Self> {
        Self::load(Download::new().fetch()?)
    }

    /// Returns the folder in which [`Mnist::download`] stores the files: `manabi/mnist` in the user's cache folder. Returns
    /// `None` if the system has no cache folder.
    ///
    /// # Examples
    ///
    /// ```
    /// if let Some(folder) = manabi::Mnist::cache_folder() {
    ///     assert!(folder.ends_with("manabi/mnist"));
    /// }
    /// ```
    pub fn cache_folder() -> Option<PathBuf> {
        Some(dirs::cache_dir()?.join("manabi").join("mnist"))
    }
}

/// A download of data files to a folder, with a check of their content.
///
/// A file that already has the right content is not downloaded again. A file with any other content is replaced. The mirrors are
/// tried in order, at `<mirror>/<name>.gz`. A file is decompressed and checked before it gets its name, so the folder never
/// contains an incomplete file under this name, even if several processes download at the same time.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `mirrors` | folder URLs, tried in order | two public mirrors of MNIST | any; without mirrors, `fetch` only checks the folder |
/// | `files` | the name of each file and the SHA-256 hash of its decompressed content | the four files of MNIST | names without a path |
/// | `folder` | the folder for the files, created if it is missing | [`Mnist::cache_folder`] | any |
/// | `connect_timeout` | the maximum time to resolve a host name, and then to connect | 10 s | up to 10 min; higher values have no effect |
/// | `read_timeout` | the maximum time without new data | 30 s | up to 10 min; higher values have no effect |
/// | `limit` | the maximum size of a file in bytes, both compressed and decompressed | 64 MiB | any |
///
/// # Examples
///
/// ```
/// use manabi::data::{Download, idx};
/// use manabi::ndarray::array;
///
/// let folder = std::env::temp_dir().join(format!("manabi-download-{}", std::process::id()));
/// std::fs::create_dir_all(&folder).unwrap();
/// idx::write(folder.join("digits"), &array![3_u8, 1, 4])?;
///
/// let sha256 = "6bd877acd0ad03242cbf953ed5746fa6e84907570c38d09e7c80b58320ded437";
/// let download = Download::new().mirrors([""; 0]).files([("digits", sha256)]).folder(&folder);
/// assert_eq!(download.fetch()?, folder);
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
pub struct Download {
    mirrors: Vec<String>,
    files: Vec<(String, String)>,
    folder: Option<PathBuf>,
    connect_timeout: Duration,
    read_timeout: Duration,
    limit: u64,
}

impl Default for Download {
    fn default() -> Self {
        Self::new()
    }
}

impl Download {
    /// Creates a download of MNIST from its public mirrors to the user's cache folder.
    pub fn new() -> Self {
        Self {
            mirrors: MIRRORS.map(String::from).to_vec(),
            files: Mnist::FILES
                .into_iter()
                .zip(SHA256)
                .map(|(name, hash)| (name.into(), hash.into()))
                .collect(),
            folder: Mnist::cache_folder(),
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            limit: 64 << 20,
        }
    }

    /// Sets the URLs of the mirrors, in the order in which they are tried.
    pub fn mirrors(self, mirrors: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { mirrors: mirrors.into_iter().map(Into::into).collect(), ..self }
    }

    /// Sets the files to download: for each file, the name without `.gz` and the hexadecimal SHA-256 hash of the decompressed
    /// content.
    pub fn files<N: Into<String>, H: Into<String>>(self, files: impl IntoIterator<Item = (N, H)>) -> Self {
        Self { files: files.into_iter().map(|(name, hash)| (name.into(), hash.into())).collect(), ..self }
    }

    /// Sets the folder for the files.
    pub fn folder(self, folder: impl Into<PathBuf>) -> Self {
        Self { folder: Some(folder.into()), ..self }
    }

    /// Sets the maximum time to resolve the host name of a mirror, and then to connect.
    pub fn connect_timeout(self, connect_timeout: Duration) -> Self {
        Self { connect_timeout, ..self }
    }

    /// Sets the maximum time without new data from a mirror. After that time, the next mirror is tried.
    pub fn read_timeout(self, read_timeout: Duration) -> Self {
        Self { read_timeout, ..self }
    }

    /// Sets the maximum size of a file in bytes, both compressed and decompressed.
    pub fn limit(self, limit: u64) -> Self {
        Self { limit, ..self }
    }

    /// Downloads every file that is missing or has the wrong content, and returns the folder.
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::Download`] if a file cannot be downloaded from any mirror; the message gives the reason for each mirror,
    /// - [`Error::Io`] if the folder or a file cannot be written,
    /// - [`Error::Setting`] if the name of a file is a path, or if no folder is set and the system has no cache folder.
    pub fn fetch(&self) -> Result<PathBuf> {
        let no_folder = || Error::setting("folder", "a folder (the system has no cache folder)", "none");
        let folder = self.folder.as_deref().ok_or_else(no_folder)?;
        if let Some((name, _)) = self.files.iter().find(|(name, _)| !is_plain(name)) {
            return Err(Error::setting("files", "file names without a path", name));
        }
        let agent = self.agent();
        for (name, sha256) in &self.files {
            if !self.has(&folder.join(name), sha256) {
                self.fetch_file(&agent, folder, name, sha256)?;
            }
        }
        Ok(folder.into())
    }

    fn agent(&self) -> Agent {
        // A timeout above the total limit has no effect. The cap avoids durations that overflow a clock.
        let [connect, read] = [self.connect_timeout, self.read_timeout].map(|timeout| timeout.min(PATIENCE));
        let config = Agent::config_builder()
            .timeout_resolve(Some(connect))
            .timeout_connect(Some(connect))
            .timeout_per_read(Some(read))
            .timeout_global(Some(PATIENCE));
        config.build().into()
    }

    /// Returns whether the file exists with the right content.
    fn has(&self, path: &Path, sha256: &str) -> bool {
        // Reading from a pipe could block.
        if !path.is_file() {
            return false;
        }
        let Ok(file) = File::open(path) else { return false };
        copy(file, self.limit, |_| Ok(())).is_ok_and(|got| got.eq_ignore_ascii_case(sha256))
    }

    fn fetch_file(&self, agent: &Agent, folder: &Path, name: &str, sha256: &str) -> Result<()> {
        fs::create_dir_all(folder).map_err(|error| Error::Io { path: folder.into(), error })?;
        let mut failures = Vec::new();
        for mirror in &self.mirrors {
            let url = format!("{}/{name}.gz", mirror.trim_end_matches('/'));
            match self.fetch_from(agent, &url, &folder.join(name), sha256) {
                Ok(()) => return Ok(()),
                Err(Failure::Mirror(reason)) => failures.push(format!("{url}: {reason}")),
                // Another mirror does not help if the file cannot be written.
                Err(Failure::Disk(error)) => return Err(error),
            }
        }
        let reason = if failures.is_empty() { "no mirrors are set".into() } else { failures.join("; ") };
        Err(Error::Download { file: name.into(), reason })
    }

    fn fetch_from(&self, agent: &Agent, url: &str, path: &Path, sha256: &str) -> Result<(), Failure> {
        let body = agent.get(url).call().map_err(Failure::mirror)?.into_body();
        let body = body.into_with_config().limit(self.limit).reader();
        let mut partial = Unfinished::create(path)?;
        let io_error = |error| Error::Io { path: path.into(), error };
        let got = copy(body, self.limit, |bytes| partial.write_all(bytes).map_err(io_error))?;
        if !got.eq_ignore_ascii_case(sha256) {
            return Err(Failure::mirror(format!("expected content with SHA-256 {sha256}, got {got}")));
        }
        Ok(partial.finish()?)
    }
}

/// Returns whether this is a file name without a path.
fn is_plain(name: &str) -> bool {
    Path::new(name).file_name().is_some_and(|file_name| file_name == name)
}

/// Decompresses `bytes`, passes the content to `out` piece by piece, and returns its SHA-256 hash.
fn copy(bytes: impl Read, limit: u64, mut out: impl FnMut(&[u8]) -> Result<()>) -> Result<String, Failure> {
    let (content, _) = idx::decompressed(bytes).map_err(Failure::mirror)?;
    // One byte above the limit shows that the content is too large.
    let mut content = content.take(limit.saturating_add(1));
    let (mut hash, mut size) = (Sha256::new(), 0);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let n = content.read(&mut buffer).map_err(Failure::mirror)?;
        if n == 0 {
            return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        size += n as u64;
        if size > limit {
            return Err(Failure::mirror(format!("expected at most {limit} bytes (the limit), got more")));
        }
        hash.update(&buffer[..n]);
        out(&buffer[..n])?;
    }
}

/// The failure of a mirror, after which the next one is tried, or a local failure, which ends the download.
enum Failure {
    Mirror(String),
    Disk(Error),
}

impl Failure {
    fn mirror(reason: impl ToString) -> Self {
        Self::Mirror(reason.to_string())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Disk(error)
    }
}
