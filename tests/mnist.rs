//! Loading MNIST: small folders of every kind, and the real data if available.

use std::fs;
use std::path::Path;

use manabi::data::idx;
use manabi::ndarray::{Array1, Array3};
use manabi::{Error, Mnist, Result};
use tempfile::TempDir;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/mnist");

fn images(count: usize, height: usize, width: usize) -> Array3<u8> {
    Array3::from_shape_fn((count, height, width), |(n, y, x)| (n * 100 + y * 10 + x) as u8)
}

/// Creates a folder of 3 training and 2 test images of 2 × 3 pixels, with `ending` appended to the file names.
fn folder(ending: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(format!("{name}{ending}"));
    idx::write(path("train-images-idx3-ubyte"), &images(3, 2, 3)).unwrap();
    idx::write(path("train-labels-idx1-ubyte"), &Array1::from(vec![0_u8, 9, 1])).unwrap();
    idx::write(path("t10k-images-idx3-ubyte"), &images(2, 2, 3)).unwrap();
    idx::write(path("t10k-labels-idx1-ubyte"), &Array1::from(vec![4_u8, 4])).unwrap();
    folder
}

fn assert_small(mnist: &Mnist) {
    assert_eq!((mnist.train.size(), mnist.test.size()), ((2, 3), (2, 3)));
    assert_eq!(mnist.train.pixels().row(2).to_vec(), [200, 201, 202, 210, 211, 212]);
    assert_eq!((mnist.train.labels(), mnist.test.labels()), (&[0, 9, 1][..], &[4, 4][..]));
}

/// Returns the error of `load` after `change` was applied to a valid folder.
fn error_after(change: impl FnOnce(&Path)) -> (TempDir, Error) {
    let folder = folder("");
    change(folder.path());
    let error = Mnist::load(folder.path()).unwrap_err();
    (folder, error)
}

#[test]
fn raw_compressed_and_dotted() -> Result<()> {
    assert_small(&Mnist::load(folder("").path())?);
    assert_small(&Mnist::load(folder(".gz").path())?);
    for ending in ["", ".gz"] {
        let folder = folder(ending);
        for name in Mnist::FILES {
            let (from, to) = (format!("{name}{ending}"), format!("{}{ending}", name.replace("-idx", ".idx")));
            fs::rename(folder.path().join(from), folder.path().join(to)).unwrap();
        }
        assert_small(&Mnist::load(folder.path())?);
    }
    Ok(())
}

#[test]
fn a_folder_with_the_name_of_a_file_is_passed_over() -> Result<()> {
    let folder = folder(".gz");
    fs::create_dir(folder.path().join(Mnist::FILES[0])).unwrap();
    Mnist::load(folder.path()).map(|mnist| assert_small(&mnist))
}

/// Checks the file names of some archives and unpacking programs.
#[test]
fn files_in_folders_of_their_names() -> Result<()> {
    for ending in ["", ".gz"] {
        for (outer, inner) in [("-idx", "-idx"), ("-idx", ".idx"), (".idx", ".idx"), (".idx", "-idx")] {
            let folder = folder(ending);
            for name in Mnist::FILES {
                let at = |name: &str| folder.path().join(name);
                fs::rename(at(&format!("{name}{ending}")), at("file")).unwrap();
                let (outer, inner) = (at(&name.replace("-idx", outer)), name.replace("-idx", inner));
                fs::create_dir(&outer).unwrap();
                fs::rename(at("file"), outer.join(format!("{inner}{ending}"))).unwrap();
            }
            assert_small(&Mnist::load(folder.path())?);
        }
    }
    // A file takes precedence over a folder of the same name.
    let folder = folder(".gz");
    fs::create_dir(folder.path().join(Mnist::FILES[0])).unwrap();
    fs::write(folder.path().join(Mnist::FILES[0]).join(Mnist::FILES[0]), "other").unwrap();
    Mnist::load(folder.path()).map(|mnist| assert_small(&mnist))
}

#[test]
fn a_missing_file() {
    for name in Mnist::FILES {
        let (folder, error) = error_after(|folder| fs::remove_file(folder.join(name)).unwrap());
        assert!(matches!(&error, Error::Io { path, .. } if path == folder.path()));
        let dotted = name.replace("-idx", ".idx");
        let names = format!("expected a file {name} or {name}.gz or {dotted}.gz or {dotted}, got none");
        assert!(error.to_string().ends_with(&names), "{error}");
    }
}

#[test]
fn a_missing_folder() {
    let missing = folder("").path().join("missing");
    let error = Mnist::load(&missing).unwrap_err();
    assert!(matches!(error, Error::Io { path, error } if path == missing && error.raw_os_error().is_some()));
}

#[test]
fn unequal_numbers_of_images_and_labels() {
    let labels = Mnist::FILES[3];
    let change = |folder: &Path| idx::write(folder.join(labels), &Array1::from(vec![1_u8; 3])).unwrap();
    let (folder, error) = error_after(change);
    let images = folder.path().join(Mnist::FILES[2]);
    let message = format!("{labels}: at byte 4: expected 2 labels for {}, got 3", images.display());
    assert!(error.to_string().ends_with(&message), "{error}");
}

#[test]
fn images_and_labels_swapped() {
    let [images, labels, ..] = Mnist::FILES;
    let copy = |folder: &Path, from: &str, to: &str| {
        fs::copy(folder.join(from), folder.join(to)).unwrap();
    };
    let (_folder, error) = error_after(|folder| copy(folder, labels, images));
    assert!(matches!(&error, Error::Format { file, offset: 3, .. } if file.ends_with(images)));
    assert!(
        error
            .to_string()
            .ends_with("expected the dimensions (images, height, width), got an array of rank 1")
    );
    let (_folder, error) = error_after(|folder| copy(folder, images, labels));
    assert!(matches!(&error, Error::Format { file, offset: 3, .. } if file.ends_with(labels)));
}

#[test]
fn a_label_that_is_no_digit() {
    let change =
        |folder: &Path| idx::write(folder.join(Mnist::FILES[1]), &Array1::from(vec![9_u8, 10, 11])).unwrap();
    let (_folder, error) = error_after(change);
    assert!(
        matches!(&error, Error::Format { file, offset: 9, .. } if file.ends_with(Mnist::FILES[1])),
        "{error}"
    );
    assert!(error.to_string().ends_with("at byte 9: expected a class below 10, got 10"), "{error}");
}

#[test]
fn images_of_two_sizes() {
    let (_folder, error) =
        error_after(|folder| idx::write(folder.join(Mnist::FILES[2]), &images(2, 3, 2)).unwrap());
    assert!(
        matches!(&error, Error::Format { file, offset: 8, .. } if file.ends_with(Mnist::FILES[2])),
        "{error}"
    );
    assert!(
        error.to_string().ends_with("expected images of size (2, 3), as in the training set, got (3, 2)"),
        "{error}"
    );
}

#[test]
fn no_images() {
    let empty = |folder: &Path| {
        idx::write(folder.join(Mnist::FILES[2]), &images(0, 2, 3)).unwrap();
        idx::write(folder.join(Mnist::FILES[3]), &Array1::<u8>::zeros(0)).unwrap();
    };
    let (_folder, error) = error_after(empty);
    assert!(
        matches!(&error, Error::Format { file, offset: 4, .. } if file.ends_with(Mnist::FILES[2])),
        "{error}"
    );
}

#[test]
fn the_real_data() -> Result<()> {
    if !Path::new(DATA).exists() {
        println!("skipped: no folder {DATA} with the four MNIST files");
        return Ok(());
    }
    let mnist = Mnist::load(DATA)?;
    assert_eq!(mnist.train.pixels().dim(), (60_000, 784));
    assert_eq!(mnist.test.pixels().dim(), (10_000, 784));
    assert_eq!(mnist.train.size(), (28, 28));
    assert_eq!(mnist.train.labels()[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    assert_eq!(mnist.test.labels()[..10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    let digits = |digit| mnist.train.labels().iter().filter(|&&label| label == digit).count();
    let counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949];
    assert_eq!(std::array::from_fn(|digit| digits(digit as u8)), counts);
    // The commonly used mean pixel, 0.1307 on a scale from 0 to 1.
    let sum: u64 = mnist.train.pixels().iter().map(|&pixel| u64::from(pixel)).sum();
    let mean = sum as f64 / (60_000.0 * 784.0 * 255.0);
    assert!((mean - 0.1307).abs() < 5e-5, "{mean}");
    Ok(())
}
