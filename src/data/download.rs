use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use ureq::Agent;

use super::{Mnist, idx};
use crate::error::{Error, Result};
use crate::unfinished::Unfinished;

/// What SHA-256 gives for the raw content of each of [`Mnist::FILES`].
const SHA256: [&str; 4] = [
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
];

const MIRRORS: [&str; 2] =
    ["https://ossci-datasets.s3.amazonaws.com/mnist", "https://storage.googleapis.com/cvdf-datasets/mnist"];

/// However steadily the bytes trickle in, a mirror gets no more time than this for a file.
const PATIENCE: Duration = Duration::from_secs(600);

impl Mnist {
    /// The MNIST digits, fetched on first use and from then on loaded from the user's cache folder.
    ///
    /// Errors: those of [`Download::fetch`] and of [`Mnist::load`].
    ///
    /// ```no_run
    /// let mnist = manabi::Mnist::download()?;
    /// assert_eq!(mnist.train.labels()[..3], [5, 0, 4]);
    /// # Ok::<(), manabi::Error>(())
    /// ```
    pub fn download() -> Result<Self> {
        Self::load(Download::new().fetch()?)
    }

    /// Where [`Mnist::download`] keeps the files: `manabi/mnist` in the system's cache folder, if it has one.
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

/// Fetches data files into a folder, once, and vouches for their content.
///
/// A file that is already there with the right content is not fetched again; one with any other content is. Each
/// mirror is asked in turn for `<mirror>/<name>.gz`. What arrives is decompressed, checked, and only then given its
/// name, so that the folder never holds half a file, even with several processes at work.
///
/// | parameter | default | purpose |
/// |---|---|---|
/// | `mirrors` | two public ones of MNIST | URLs of folders, asked in this order; with none, `folder` is only checked |
/// | `files` | the four of MNIST | name and SHA-256 of the raw content |
/// | `folder` | [`Mnist::cache_folder`] | where the files go; created if need be |
/// | `connect_timeout` | 10 s | how long a mirror's name may take to resolve, and a connection to stand |
/// | `read_timeout` | 30 s | how long a mirror may be silent |
/// | `limit` | 64 MiB | the largest size of a file, compressed or raw |
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
    /// MNIST from its public mirrors into the user's cache folder.
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

    /// Where to ask, in this order.
    pub fn mirrors(self, mirrors: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { mirrors: mirrors.into_iter().map(Into::into).collect(), ..self }
    }

    /// What to fetch: for each file its name, without `.gz`, and the SHA-256 of its raw content in hexadecimal.
    pub fn files<N: Into<String>, H: Into<String>>(self, files: impl IntoIterator<Item = (N, H)>) -> Self {
        Self { files: files.into_iter().map(|(name, hash)| (name.into(), hash.into())).collect(), ..self }
    }

    /// Where the files go.
    pub fn folder(self, folder: impl Into<PathBuf>) -> Self {
        Self { folder: Some(folder.into()), ..self }
    }

    /// How long a mirror's name may take to resolve, and then a connection to stand.
    pub fn connect_timeout(self, connect_timeout: Duration) -> Self {
        Self { connect_timeout, ..self }
    }

    /// How long a mirror may be silent before the next one is asked.
    pub fn read_timeout(self, read_timeout: Duration) -> Self {
        Self { read_timeout, ..self }
    }

    /// The largest size of a file in bytes, compressed or raw.
    pub fn limit(self, limit: u64) -> Self {
        Self { limit, ..self }
    }

    /// Makes sure that every file is in the folder, and returns the folder.
    ///
    /// Errors: [`Error::Download`] says of every mirror why it did not serve; [`Error::Io`] if the folder cannot be
    /// written; [`Error::Setting`] for a name that is a path, or if no folder is set and the system has no cache
    /// folder.
    pub fn fetch(&self) -> Result<PathBuf> {
        let no_folder = || Error::setting("folder", "a folder, as the system has none for caches", "none");
        let folder = self.folder.as_deref().ok_or_else(no_folder)?;
        if let Some((name, _)) = self.files.iter().find(|(name, _)| !is_plain(name)) {
            return Err(Error::setting("files", "names without a path", name));
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
        // Longer than all together may take makes no difference, but for times beyond what a clock can count.
        let [connect, read] = [self.connect_timeout, self.read_timeout].map(|timeout| timeout.min(PATIENCE));
        let config = Agent::config_builder()
            .timeout_resolve(Some(connect))
            .timeout_connect(Some(connect))
            .timeout_per_read(Some(read))
            .timeout_global(Some(PATIENCE));
        config.build().into()
    }

    /// Whether the file is there, and whole.
    fn has(&self, path: &Path, sha256: &str) -> bool {
        // A pipe would keep the reader waiting.
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
                // No other mirror mends a full disk.
                Err(Failure::Disk(error)) => return Err(error),
            }
        }
        let reason = if failures.is_empty() { "none is set".into() } else { failures.join("; ") };
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

/// Whether this is the name of a file and nothing more.
fn is_plain(name: &str) -> bool {
    Path::new(name).file_name().is_some_and(|file_name| file_name == name)
}

/// Passes the raw content of `bytes` on piece by piece, and returns its SHA-256.
fn copy(bytes: impl Read, limit: u64, mut out: impl FnMut(&[u8]) -> Result<()>) -> Result<String, Failure> {
    let (content, _) = idx::decompressed(bytes).map_err(Failure::mirror)?;
    // One byte more than may come tells whether more would come.
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
            return Err(Failure::mirror(format!("larger than the limit of {limit} bytes")));
        }
        hash.update(&buffer[..n]);
        out(&buffer[..n])?;
    }
}

/// Whose fault it is.
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
