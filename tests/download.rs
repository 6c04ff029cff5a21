//! Downloads from local mirrors that serve files correctly, incorrectly or not at all.
#![cfg(feature = "download")]

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use manabi::data::Download;
use manabi::{Error, Mnist};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/mnist");
const NAME: &str = "digits-idx1-ubyte";
const CONTENT: &[u8] = b"\0\0\x08\x01\0\0\0\x03\x03\x01\x04";

/// The behaviour of a mirror.
#[derive(Clone, Copy)]
enum Mirror {
    /// Serves this content, compressed.
    Good(&'static [u8]),
    /// Serves this content uncompressed.
    Raw(&'static [u8]),
    /// Announces the full length and closes the connection halfway.
    Truncated,
    /// Serves half of the compressed content as if it were complete.
    Half,
    /// Answers with this status.
    Status(u16),
    /// Accepts the connection and sends nothing.
    Silent,
    /// Sends nothing after half of the content.
    Stalled,
    /// Serves the files of this folder.
    Folder(&'static str),
}

/// A running mirror.
struct Server {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(mirror: Mirror) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/mnist", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = requests.clone();
        // The thread ends with the test process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, log) = (stream.unwrap(), log.clone());
                thread::spawn(move || {
                    let path = request(&mut stream);
                    log.lock().unwrap().push(path.clone());
                    // The client may close the connection early.
                    let _ = mirror.answer(&path, &mut stream);
                });
            }
        });
        Self { url, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// Returns the requested path.
fn request(stream: &mut TcpStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap().split(' ').nth(1).unwrap_or_default().into()
}

impl Mirror {
    fn answer(self, path: &str, stream: &mut TcpStream) -> std::io::Result<()> {
        let whole = gzip(CONTENT);
        let half = &whole[..whole.len() / 2];
        match self {
            Mirror::Good(content) => respond(stream, 200, &gzip(content)),
            Mirror::Raw(content) => respond(stream, 200, content),
            Mirror::Half => respond(stream, 200, half),
            Mirror::Status(status) => respond(stream, status, b"no"),
            Mirror::Silent => wait(stream),
            Mirror::Truncated => head(stream, 200, whole.len()).and_then(|()| stream.write_all(half)),
            Mirror::Stalled => {
                head(stream, 200, whole.len())?;
                stream.write_all(half)?;
                wait(stream)
            }
            Mirror::Folder(folder) => {
                let name = path.rsplit('/').next().unwrap_or_default();
                respond(stream, 200, &fs::read(Path::new(folder).join(name))?)
            }
        }
    }
}

fn head(stream: &mut TcpStream, status: u16, length: usize) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 {status} -\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")
}

fn respond(stream: &mut TcpStream, status: u16, body: &[u8]) -> std::io::Result<()> {
    head(stream, status, body.len())?;
    stream.write_all(body)
}

/// Waits until the client closes the connection.
fn wait(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.read(&mut [0]).map(drop)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn download(folder: &TempDir, mirrors: &[&Server]) -> Download {
    Download::new()
        .mirrors(mirrors.iter().map(|server| &server.url))
        .files([(NAME, sha256(CONTENT))])
        .folder(folder.path())
        .read_timeout(Duration::from_millis(300))
}

/// Returns the names in the folder.
fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn assert_fetched(folder: &TempDir) {
    assert_eq!(names(folder), [NAME]);
    assert_eq!(fs::read(folder.path().join(NAME)).unwrap(), CONTENT);
}

/// Asserts that the download fails and leaves no file with this mirror alone, and succeeds with a good mirror after it.
fn assert_passed_over(mirror: Mirror, reason: &str) {
    let (bad, good) = (Server::start(mirror), Server::start(Mirror::Good(CONTENT)));
    let folder = tempfile::tempdir().unwrap();
    let error = download(&folder, &[&bad]).fetch().unwrap_err();
    let start = format!("{NAME}: download failed: {}/{NAME}.gz: ", bad.url);
    assert!(error.to_string().starts_with(&start) && error.to_string().contains(reason), "{error}");
    assert!(matches!(error, Error::Download { .. }));
    assert!(names(&folder).is_empty(), "{:?}", names(&folder));

    download(&folder, &[&bad, &good]).fetch().unwrap();
    assert_fetched(&folder);
    assert_eq!((bad.requests().len(), good.requests().len()), (2, 1));
}

#[test]
fn a_good_mirror() {
    let server = Server::start(Mirror::Good(CONTENT));
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("a").join("b");
    let slash = format!("{}/", server.url);
    let download = Download::new().mirrors([slash]).files([(NAME, sha256(CONTENT).to_uppercase())]);
    assert_eq!(download.folder(&folder).fetch().unwrap(), folder);
    assert_eq!(fs::read(folder.join(NAME)).unwrap(), CONTENT);
    assert_eq!(server.requests(), [format!("/mnist/{NAME}.gz")]);
}

#[test]
fn a_mirror_that_decompresses() {
    let (server, folder) = (Server::start(Mirror::Raw(CONTENT)), tempfile::tempdir().unwrap());
    download(&folder, &[&server]).fetch().unwrap();
    assert_fetched(&folder);
}

#[test]
fn truncated() {
    assert_passed_over(Mirror::Truncated, "Peer disconnected");
    assert_passed_over(Mirror::Half, "incomplete deflate stream");
}

#[test]
fn corrupted() {
    assert_passed_over(Mirror::Good(b"something else"), &format!("got {}", sha256(b"something else")));
    assert_passed_over(Mirror::Raw(b"<html></html>"), "expected content with SHA-256");
    assert_passed_over(Mirror::Raw(b"\x1F\x8Bno gzip"), "unexpected end of file");
    assert_passed_over(Mirror::Raw(b""), "expected content with SHA-256");
}

#[test]
fn not_found() {
    assert_passed_over(Mirror::Status(404), "404");
    assert_passed_over(Mirror::Status(503), "503");
}

#[test]
fn stalled() {
    let start = Instant::now();
    assert_passed_over(Mirror::Silent, "timeout");
    assert_passed_over(Mirror::Stalled, "timeout");
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn too_large() {
    let (server, folder) = (Server::start(Mirror::Good(&[0; 10_000])), tempfile::tempdir().unwrap());
    for limit in [9_999, 20] {
        let error = download(&folder, &[&server]).limit(limit).fetch().unwrap_err();
        assert!(error.to_string().contains("limit"), "{error}");
        assert!(names(&folder).is_empty());
    }
    let exact = download(&folder, &[&server]).files([(NAME, sha256(&[0; 10_000]))]).limit(10_000);
    exact.fetch().unwrap();
}

#[test]
fn nobody_listens() {
    // The port was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let urls = [format!("http://127.0.0.1:{port}"), format!("http://localhost:{port}/"), "no url".into()];
    let start = Instant::now();
    let error = download(&folder, &[]).mirrors(&urls).fetch().unwrap_err();
    assert!(urls.iter().all(|url| error.to_string().contains(url.trim_end_matches('/'))), "{error}");
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn what_is_there_is_not_fetched_again() {
    let (server, folder) = (Server::start(Mirror::Good(CONTENT)), tempfile::tempdir().unwrap());
    for _ in 0..3 {
        download(&folder, &[&server]).fetch().unwrap();
    }
    assert_eq!(server.requests().len(), 1);
    // An existing file needs no mirror.
    download(&folder, &[]).fetch().unwrap();
}

#[test]
fn what_is_corrupt_is_fetched_again() {
    let (server, folder) = (Server::start(Mirror::Good(CONTENT)), tempfile::tempdir().unwrap());
    let corrupt: [&[u8]; 4] = [b"", &CONTENT[..5], b"something else", b"\x1F\x8B"];
    for content in corrupt {
        fs::write(folder.path().join(NAME), content).unwrap();
        download(&folder, &[&server]).fetch().unwrap();
        assert_fetched(&folder);
    }
    assert_eq!(server.requests().len(), corrupt.len());
}

#[test]
fn what_cannot_be_replaced_stays() {
    let (bad, folder) = (Server::start(Mirror::Half), tempfile::tempdir().unwrap());
    fs::write(folder.path().join(NAME), "something else").unwrap();
    download(&folder, &[&bad]).fetch().unwrap_err();
    assert_eq!(names(&folder), [NAME]);
    assert_eq!(fs::read(folder.path().join(NAME)).unwrap(), b"something else");
}

#[test]
fn no_mirror() {
    let folder = tempfile::tempdir().unwrap();
    let error = download(&folder, &[]).fetch().unwrap_err();
    assert_eq!(error.to_string(), format!("{NAME}: download failed: no mirrors are set"));
}

#[test]
fn a_folder_that_cannot_be_made() {
    let (server, folder) = (Server::start(Mirror::Good(CONTENT)), tempfile::tempdir().unwrap());
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = download(&folder, &[&server]).folder(&file).fetch().unwrap_err();
    assert!(matches!(error, Error::Io { path, .. } if path == file));
    assert!(server.requests().is_empty());
}

#[test]
fn a_folder_where_the_file_should_be() {
    let (server, folder) = (Server::start(Mirror::Good(CONTENT)), tempfile::tempdir().unwrap());
    fs::create_dir(folder.path().join(NAME)).unwrap();
    let error = download(&folder, &[&server]).mirrors([&server.url, &server.url]).fetch().unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
    assert_eq!((names(&folder), server.requests().len()), (vec![NAME.into()], 1));
}

/// A downloaded file is replaced under the same rules as any other file.
#[cfg(unix)]
#[test]
fn only_a_regular_file_is_replaced() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    let (server, folder) = (Server::start(Mirror::Good(CONTENT)), tempfile::tempdir().unwrap());
    let (path, far) = (folder.path().join(NAME), tempfile::tempdir().unwrap());
    let target = far.path().join("target");
    let refused = |reason: &str| {
        let error = download(&folder, &[&server]).fetch().unwrap_err();
        assert_eq!(error.to_string(), format!("{}: {reason}", path.display()));
        assert_eq!(names(&folder), [NAME]);
    };
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    refused("expected a regular file or a new name, got a pipe");
    fs::remove_file(&path).unwrap();
    fs::write(&target, "old").unwrap();
    fs::set_permissions(&target, fs::Permissions::from_mode(0o400)).unwrap();
    symlink(&target, &path).unwrap();
    refused("the file is read-only: make it writable or choose another name");
    fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).unwrap();
    download(&folder, &[&server]).fetch().unwrap();
    assert_fetched(&folder);
    assert!(path.is_symlink());
    assert_eq!(
        (fs::read(&target).unwrap(), target.metadata().unwrap().mode() & 0o777),
        (CONTENT.into(), 0o600)
    );
}

#[test]
fn names_are_not_paths() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["../digits", "/digits", "a/b", "..", "", "digits/"] {
        let error = download(&folder, &[]).files([(name, sha256(CONTENT))]).fetch().unwrap_err();
        assert!(matches!(error, Error::Setting { .. }), "{name}: {error}");
    }
}

#[test]
fn at_the_same_time() {
    let (server, folder) = (Server::start(Mirror::Good(CONTENT)), tempfile::tempdir().unwrap());
    let download = download(&folder, &[&server]);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| download.fetch().unwrap());
        }
    });
    assert_fetched(&folder);
}

#[test]
fn the_real_data() {
    if !Path::new(DATA).exists() {
        println!("skipped: no folder {DATA} with the four MNIST files");
        return;
    }
    let (server, folder) = (Server::start(Mirror::Folder(DATA)), tempfile::tempdir().unwrap());
    let download = Download::new().mirrors([&server.url]).folder(folder.path());
    let mnist = Mnist::load(download.fetch().unwrap()).unwrap();
    assert!(mnist == Mnist::load(DATA).unwrap());
    assert_eq!(server.requests(), Mnist::FILES.map(|name| format!("/mnist/{name}.gz")));
}

#[test]
fn the_cache_folder_is_inside_the_users() {
    let has_home = ["HOME", "USERPROFILE"].iter().any(|name| std::env::var_os(name).is_some());
    if !has_home {
        println!("skipped: there is no home folder");
        return;
    }
    assert!(Mnist::cache_folder().is_some_and(|folder| folder.ends_with("manabi/mnist")));
}
