use std::io;
use std::path::{Path, PathBuf};

use ndarray::{ArrayD, Dimension, Ix1, Ix3};

use super::{Images, idx};
use crate::error::{Error, Result};

/// The MNIST digits, or another data set with ten classes in the same four files, such as Fashion-MNIST.
///
/// Shapes: MNIST has 60,000 images in `train` and 10,000 images in `test`, each with 28 × 28 pixels. Other numbers of images and
/// pixels are supported as well.
///
/// # Source
///
/// Y. LeCun, C. Cortes, C. Burges, *The MNIST database of handwritten digits*, 1998.
#[derive(Clone, Debug, PartialEq)]
#[doc(alias = "MNIST")]
pub struct Mnist {
    /// The training set.
    pub train: Images,
    /// The test set.
    pub test: Images,
}

impl Mnist {
    /// The number of classes.
    pub const CLASSES: usize = 10;

    /// The standard names of the four files.
    pub const FILES: [&str; 4] = [
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    ];

    /// Loads the data set from four idx files in a folder.
    ///
    /// Format: the files in [`FILES`](Mnist::FILES), raw, or gzip-compressed with the suffix `.gz`. A file can also be inside a
    /// folder with the name of the file. The spelling `train-images.idx3-ubyte` is accepted as well. See [`idx`].
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::Io`] if a file is missing or cannot be read,
    /// - [`Error::Format`] if a file is not a valid idx file of bytes with the right number of dimensions, if a file contains no
    ///   images, if images and labels differ in number, if the image sizes of `train` and `test` differ, or if a label is not
    ///   below 10.
    ///
    /// # Examples
    ///
    /// ```
    /// use manabi::data::idx;
    /// use manabi::ndarray::{Array1, Array3};
    /// use manabi::Mnist;
    ///
    /// let folder = std::env::temp_dir().join(format!("manabi-mnist-{}", std::process::id()));
    /// std::fs::create_dir_all(&folder).unwrap();
    /// idx::write(folder.join("train-images-idx3-ubyte"), &Array3::<u8>::zeros((3, 28, 28)))?;
    /// idx::write(folder.join("train-labels-idx1-ubyte"), &Array1::from(vec![5_u8, 0, 4]))?;
    /// idx::write(folder.join("t10k-images-idx3-ubyte.gz"), &Array3::<u8>::zeros((1, 28, 28)))?;
    /// idx::write(folder.join("t10k-labels-idx1-ubyte.gz"), &Array1::from(vec![7_u8]))?;
    ///
    /// let mnist = Mnist::load(&folder)?;
    /// assert_eq!(mnist.train.labels(), [5, 0, 4]);
    /// assert_eq!(mnist.test.size(), (28, 28));
    /// # std::fs::remove_dir_all(&folder).unwrap();
    /// # Ok::<(), manabi::Error>(())
    /// ```
    pub fn load(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        folder.metadata().map_err(|error| Error::Io { path: folder.into(), error })?;
        let find = |name| find(folder, name);
        let [train_images, train_labels, test_images, test_labels] = Self::FILES.map(find);
        // All four files are located before the first one is read.
        let (train_files, test_files) = ((train_images?, train_labels?), (test_images?, test_labels?));
        let train = images(&train_files.0, &train_files.1)?;
        let test = images(&test_files.0, &test_files.1)?;
        if test.size() != train.size() {
            let reason = format!(
                "expected images of size {:?}, as in the training set, got {:?}",
                train.size(),
                test.size()
            );
            return Err(Error::Format { file: test_files.0, offset: 8, reason });
        }
        Ok(Self { train, test })
    }
}

/// Returns the path of a file, in any of its spellings, directly in `folder` or inside a folder with the name of the file.
fn find(folder: &Path, name: &str) -> Result<PathBuf> {
    let dotted = name.replace("-idx", ".idx");
    let folders = [folder.to_path_buf(), folder.join(name), folder.join(&dotted)];
    let spellings = [name.to_owned(), format!("{name}.gz"), format!("{dotted}.gz"), dotted];
    let mut paths = folders.iter().flat_map(|folder| spellings.iter().map(|spelling| folder.join(spelling)));
    let found = paths.find(|path| path.is_file());
    found.ok_or_else(|| {
        let error = io::Error::new(
            io::ErrorKind::NotFound,
            format!("expected a file {}, got none", spellings.join(" or ")),
        );
        Error::Io { path: folder.into(), error }
    })
}

fn images(images: &Path, labels: &Path) -> Result<Images> {
    let pixels = with_rank::<Ix3>(images, idx::read(images)?, "(images, height, width)")?;
    let classes = with_rank::<Ix1>(labels, idx::read(labels)?, "(labels)")?;
    let (count, ..) = pixels.dim();
    if classes.len() != count {
        let reason = format!("expected {count} labels for {}, got {}", images.display(), classes.len());
        return Err(Error::Format { file: labels.into(), offset: 4, reason });
    }
    Images::new(pixels, classes.to_vec(), Mnist::CLASSES).map_err(|error| match error {
        Error::Label { row, label, classes } => {
            let reason = format!("expected a class below {classes}, got {label}");
            // The header of a label file has 8 bytes.
            Error::Format { file: labels.into(), offset: 8 + row as u64, reason }
        }
        Error::Shape { expected, got, .. } => Error::Format {
            file: images.into(),
            offset: 4,
            reason: format!("expected dimensions {expected}, got {got:?}"),
        },
        other => other,
    })
}

/// Converts the array to a fixed number of dimensions. The error points to byte 3 of the file, which contains the number.
fn with_rank<D: Dimension>(file: &Path, array: ArrayD<u8>, expected: &str) -> Result<ndarray::Array<u8, D>> {
    let got = array.ndim();
    array.into_dimensionality().map_err(|_| {
        let reason = format!("expected the dimensions {expected}, got an array of rank {got}");
        Error::Format { file: file.into(), offset: 3, reason }
    })
}
