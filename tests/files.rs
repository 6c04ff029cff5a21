//! Files are replaced as a whole, and only if the target is a writable regular file or does not exist.
#![cfg(unix)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use manabi::activation::Identity;
use manabi::data::idx;
use manabi::loss::MeanSquaredError;
use manabi::train::{Checkpoints, History};
use manabi::{Affine, Error, Result, Samples, Sequential, Trainer};
use ndarray::array;

fn model() -> Sequential<f64> {
    let builder = Sequential::builder(1).add_layer("affine1", Affine::new(1));
    builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap()
}

fn samples() -> Samples<f64> {
    Samples::new(array![[1.0], [2.0]], array![[1.0], [3.0]]).unwrap()
}

fn history() -> History {
    Trainer::new().batch_size(1).epochs(1).fit(&mut model(), &samples()).unwrap()
}

/// Returns every function that writes a file under a name chosen by the user.
type Writer = Box<dyn Fn(&Path) -> Result<()>>;

fn writers() -> Vec<Writer> {
    vec![
        Box::new(|path| model().save(path)),
        Box::new(|path| history().write_csv(path)),
        Box::new(|path| history().write_json(path)),
        Box::new(|path| idx::write(path, &array![1_u8, 2, 3])),
    ]
}

/// Returns the error of a writer, and checks that it names the path.
fn refused(write: &Writer, path: &Path) -> String {
    match write(path).expect_err("an error") {
        Error::Io { path: named, error } if named == path => error.to_string(),
        other => panic!("{other:?}"),
    }
}

fn count(folder: &Path) -> usize {
    folder.read_dir().unwrap().count()
}

#[test]
fn what_is_no_regular_file_stays_as_it_is() {
    for write in writers() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        let _socket = UnixListener::bind(at("socket")).unwrap();
        fs::create_dir(at("folder")).unwrap();
        symlink("pipe", at("link")).unwrap();
        // Only root can create a device.
        let has_device = Command::new("mknod").arg(at("device")).args(["c", "1", "3"]).output();
        let has_device = has_device.is_ok_and(|output| output.status.success());
        let before = count(folder.path());

        let expected = |got: &str| format!("expected a regular file or a new name, got {got}");
        assert_eq!(refused(&write, &at("pipe")), expected("a pipe"));
        assert_eq!(refused(&write, &at("link")), expected("a pipe"));
        assert_eq!(refused(&write, &at("socket")), expected("a socket"));
        assert_eq!(refused(&write, &at("folder")), expected("a folder"));
        assert!(at("pipe").metadata().unwrap().file_type().is_fifo());
        assert!(at("link").is_symlink());
        if has_device {
            assert_eq!(refused(&write, &at("device")), expected("a device"));
            assert!(at("device").metadata().unwrap().file_type().is_char_device());
        }
        assert_eq!(count(folder.path()), before);
        for nameless in ["", "/", ".."] {
            assert!(write(nameless.as_ref()).is_err());
        }
    }
}

#[test]
fn the_target_of_a_link_is_replaced() {
    for write in writers() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("far")).unwrap();
        fs::write(at("far/target"), "old").unwrap();
        symlink("far/target", at("inner")).unwrap();
        symlink(at("inner"), at("outer")).unwrap();
        write(&at("outer")).unwrap();
        write(&at("plain")).unwrap();
        assert!(at("outer").is_symlink() && at("inner").is_symlink());
        assert!(!at("far/target").is_symlink());
        assert!(fs::read(at("far/target")).unwrap() != b"old");
        // No temporary files remain next to the file or the link.
        assert_eq!((count(folder.path()), count(&at("far"))), (4, 1));

        // A dangling link is the name of the file to write.
        symlink("far/new", at("dangling")).unwrap();
        write(&at("dangling")).unwrap();
        assert!(at("dangling").is_symlink() && at("far/new").is_file());
        symlink("circle", at("circle")).unwrap();
        assert!(write(&at("circle")).is_err());
        assert!(at("circle").is_symlink());
    }
}

#[test]
fn mode_and_owner_stay() {
    for write in writers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for mode in [0o600, 0o640, 0o664, 0o200] {
            fs::write(&path, "old").unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            write(&path).unwrap();
            let metadata = path.metadata().unwrap();
            assert_eq!(metadata.mode() & 0o7777, mode);
            assert!(metadata.len() > 3);
        }
        // Only root can change the owner of a file.
        if chown(&path, Some(1234), Some(4321)).is_ok() {
            write(&path).unwrap();
            let metadata = path.metadata().unwrap();
            assert_eq!((metadata.uid(), metadata.gid(), metadata.mode() & 0o7777), (1234, 4321, 0o200));
        }
        fs::remove_file(&path).unwrap();
        write(&path).unwrap();
        let plain = folder.path().join("plain");
        fs::write(&plain, "").unwrap();
        assert_eq!(path.metadata().unwrap().mode(), plain.metadata().unwrap().mode());
    }
}

#[test]
fn a_read_only_file_is_refused() {
    for write in writers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
        symlink("file", folder.path().join("link")).unwrap();
        for name in ["file", "link"] {
            let error = refused(&write, &folder.path().join(name));
            assert_eq!(error, "the file is read-only: make it writable or choose another name");
        }
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(count(folder.path()), 2);
    }
}

#[test]
fn the_longest_names_can_be_written() {
    for write in writers() {
        let folder = tempfile::tempdir().unwrap();
        for length in [60, 61, 215, 235, 236, 250, 255] {
            // Characters of two bytes, with one of a single byte at the end if the length is odd.
            let name: String = "é".repeat(length / 2) + &"x".repeat(length % 2);
            write(&folder.path().join(&name)).unwrap();
            write(&folder.path().join(&name)).unwrap();
            assert!(folder.path().join(&name).is_file());
        }
        assert_eq!(count(folder.path()), 7);
        assert!(write(&folder.path().join("x".repeat(256))).is_err());
        assert_eq!(count(folder.path()), 7);
    }
}

#[test]
fn checkpoints_are_files_like_others() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let run = |folder: &Path| {
        let checkpoints = Checkpoints::new(folder).keep_best(true);
        Trainer::new().batch_size(1).epochs(1).checkpoints(checkpoints).fit(&mut model(), &samples())
    };
    fs::create_dir(at("run")).unwrap();
    fs::write(at("best"), "old").unwrap();
    fs::set_permissions(at("best"), Permissions::from_mode(0o600)).unwrap();
    symlink("../best", at("run/best.safetensors")).unwrap();
    run(&at("run")).unwrap();
    assert!(at("run/best.safetensors").is_symlink());
    assert_eq!(at("best").metadata().unwrap().mode() & 0o7777, 0o600);
    Sequential::<f64>::load(at("best")).unwrap();

    fs::create_dir(at("other")).unwrap();
    fs::write(at("other/best.safetensors"), "kept").unwrap();
    fs::set_permissions(at("other/best.safetensors"), Permissions::from_mode(0o444)).unwrap();
    let error = run(&at("other")).unwrap_err().to_string();
    assert!(
        error.ends_with("best.safetensors: the file is read-only: make it writable or choose another name"),
        "{error}"
    );
    assert_eq!(fs::read(at("other/best.safetensors")).unwrap(), b"kept");
}
