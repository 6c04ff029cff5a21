mod decode;
mod resize;
mod scan;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use ndarray::ArrayViewMut2;

pub use decode::decode_image;
use decode::{LIMIT, PixelFormat};
use scan::Class;

use super::pixels::PixelNormalization;
use super::{Dataset, Normalizer};
use crate::error::{Error, Result};
use crate::scalar::Scalar;
use crate::shape::Shape;

/// The images in a folder that has a subfolder for each class. They are decoded while a batch is gathered.
///
/// ```text
/// flowers/train/daisy/1.jpg
/// flowers/train/daisy/2.jpg
/// flowers/train/rose/1.png
/// ```
///
/// The names of the subfolders are the classes. Classes and files are in ascending order of their names, on every file system.
/// Names that begin with a dot, and files beside the subfolders, are ignored.
///
/// Every image is converted to the same shape: [1, height, width] for grey, [3, height, width] for RGB. An image of another size
/// is stretched or reduced, without regard to its proportions. Transparency is ignored, and so is the orientation in the EXIF
/// data of a photo.
///
/// Formula: x = (pixel − shift) / scale, with shift 0 and scale 1 unless [`normalize`](ImageFolder::normalize) sets a normaliser.
/// A pixel is from 0 to 255. Grey = 0.299·R + 0.587·G + 0.114·B, rounded.
///
/// Shapes: as a data set, x (samples, channels·height·width) with one channel after another, row by row, and t one-hot (samples,
/// classes).
///
/// Numerics: pixels are integers, with the same values for any number of threads. Images with 8 bits per channel are converted to
/// grey and resized as in Pillow 12, with the filter `BILINEAR`, bit for bit. Pillow 13 sometimes resizes the height first, which
/// changes pixels by at most 1. Two decoders of JPEG may round differently: in 224 test files, the pixels here and in Pillow
/// differed by at most 1 in grey images and by at most 4 in colour images, or 13 near the borders of images whose colours are
/// stored at half the resolution. Pixels are normalised as in [`Images`](super::Images).
///
/// Formats: PNG, JPEG, WebP, GIF, BMP and PNM. A format is recognised by the content of a file. An animation is read up to its
/// first image. If your program enables other formats of the crate `image`, they are read as well.
///
/// Limits: an image may be up to 65,535 pixels high and wide, and have up to 256 MiB when decoded and converted to grey or RGB. A
/// file that promises more is refused before the memory is allocated.
///
/// # Speed
///
/// A file is read and decoded every time that its sample is drawn. [`Trainer::prefetch`](crate::Trainer::prefetch) does so
/// beside the training. If all samples fit in memory, copy them once, with
/// [`to_samples`](super::Subset::to_samples) of a [`Subset`](super::Subset) or of a part of a [`Split`](super::Split).
///
/// # Source
///
/// torchvision's `ImageFolder`, which also reads the subfolders of a class.
///
/// # Examples
///
/// ```
/// use image::{GrayImage, Luma};
/// use manabi::data::{Dataset, ImageFolder};
/// use manabi::ndarray::{Array2, array};
///
/// # let folder = std::env::temp_dir().join(format!("manabi-images-{}", std::process::id()));
/// for (class, pixel) in [("dark", 20), ("light", 220)] {
///     std::fs::create_dir_all(folder.join(class))?;
///     GrayImage::from_pixel(9, 9, Luma([pixel])).save(folder.join(class).join("1.png"))?;
/// }
/// let train = ImageFolder::open(&folder, [1, 1, 2])?;
/// assert_eq!((train.class_names(), train.labels()), (&["dark".into(), "light".into()][..], &[0, 1][..]));
/// let (mut x, mut t) = (Array2::<f32>::zeros((1, 2)), Array2::zeros((1, 2)));
/// train.gather(&[1], x.view_mut(), t.view_mut())?;
/// assert_eq!((x, t), (array![[220.0, 220.0]], array![[0.0, 1.0]]));
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("image_dataset_from_directory", "flow_from_directory"))]
pub struct ImageFolder {
    class_names: Vec<String>,
    files: Vec<PathBuf>,
    labels: Vec<usize>,
    format: PixelFormat,
    normalization: PixelNormalization,
}

impl ImageFolder {
    /// Finds the images in a folder. `shape` is the shape to which they are converted: [1, height, width] or [3, height, width].
    ///
    /// The files are not opened. An error in a file is found when its sample is gathered.
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::Setting`] if the shape is not supported,
    /// - [`Error::Io`] if the folder or a subfolder cannot be read,
    /// - [`Error::Mismatch`] if there is no subfolder, if a subfolder is empty or contains a folder or a file without
    ///   the extension of an image, or if the name of a subfolder is not UTF-8.
    pub fn open(folder: impl AsRef<Path>, shape: impl Into<Shape>) -> Result<Self> {
        let format = PixelFormat::new(shape.into())?;
        let classes = scan::scan(folder.as_ref())?;
        let class_names = classes.iter().map(|(name, _)| name.clone()).collect();
        let (files, labels) = files(classes);
        Ok(Self { class_names, files, labels, format, normalization: PixelNormalization::default() })
    }

    /// Returns the images of another folder, with the same classes, shape and normaliser. Use it for the validation set and the
    /// test set.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Mismatch`] if the other folder does not have the same classes, and the errors of
    /// [`open`](ImageFolder::open).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use manabi::data::ImageFolder;
    ///
    /// let train = ImageFolder::open("flowers/train", [3, 64, 64])?;
    /// let validation = train.with_folder("flowers/validation")?;
    /// # Ok::<(), manabi::Error>(())
    /// ```
    pub fn with_folder(&self, folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let classes = scan::scan(folder)?;
        scan::check(folder, &classes, &self.class_names)?;
        let (files, labels) = files(classes);
        let (class_names, normalization) = (self.class_names.clone(), self.normalization.clone());
        Ok(Self { class_names, files, labels, format: self.format, normalization })
    }

    /// Sets the normaliser of the pixels.
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::Shape`] if the normaliser was fitted per feature on a different number of pixels,
    /// - [`Error::Setting`] if a statistic is outside the range of `f32`, or if a pixel would become infinite.
    pub fn normalize(self, normalizer: &Normalizer) -> Result<Self> {
        let normalization = PixelNormalization::new(normalizer, self.format.len())?;
        Ok(Self { normalization, ..self })
    }

    /// Returns the number of images, which is at least 1.
    #[expect(clippy::len_without_is_empty, reason = "there is at least one image")]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Returns the names of the classes, in the order of the columns of a target.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// Returns the file of every image.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Returns the class of every image.
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }
}

impl<A: Scalar> Dataset<A> for ImageFolder {
    fn len(&self) -> usize {
        self.files.len()
    }

    fn input_dim(&self) -> usize {
        self.format.len()
    }

    /// Returns (channels, height, width).
    fn input_shape(&self) -> Shape {
        self.format.shape()
    }

    fn target_dim(&self) -> usize {
        self.class_names.len()
    }

    /// Reads and decodes the images at `rows`.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Io`] with the path of the first file that cannot be read or decoded, or whose image is too large.
    #[inline(never)]
    fn gather(&self, rows: &[usize], mut x: ArrayViewMut2<'_, A>, mut t: ArrayViewMut2<'_, A>) -> Result<()> {
        let mut pixels = vec![0; self.format.len()];
        t.fill(A::zero());
        for (i, &row) in rows.iter().enumerate() {
            let file = &self.files[row];
            self.format.decode(file, &read(file)?, &mut pixels)?;
            let x = x.row_mut(i).into_slice().expect("x is in standard layout");
            self.normalization.apply(&pixels, x);
            t[[i, self.labels[row]]] = A::one();
        }
        Ok(())
    }

    fn class(&self, row: usize) -> Option<usize> {
        Some(self.labels[row])
    }
}

/// Returns the files of all classes, each with the index of its class.
fn files(classes: Vec<Class>) -> (Vec<PathBuf>, Vec<usize>) {
    let labelled = |(label, (_, files)): (usize, Class)| files.into_iter().map(move |file| (file, label));
    classes.into_iter().enumerate().flat_map(labelled).unzip()
}

/// Reads a file up to the limit. An image in a longer file may be cut off, which is an error of the decoder.
fn read(file: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let opened = File::open(file).and_then(|opened| opened.take(LIMIT).read_to_end(&mut bytes));
    opened.map_err(|error| Error::Io { path: file.into(), error })?;
    Ok(bytes)
}
