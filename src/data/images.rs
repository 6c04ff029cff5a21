use ndarray::{Array2, Array3, ArrayView2, ArrayViewMut2};

use super::pixels::PixelNormalization;
use super::weights::check_weights;
use super::{Dataset, Normalizer, check_labels};
use crate::error::{Error, Result};
use crate::scalar::Scalar;
use crate::shape::Shape;

/// The number of bytes that are fetched from memory together.
const CACHE_LINE: usize = 64;

/// Labelled grey images, whose pixels are stored as bytes and normalised while a batch is gathered.
///
/// Formula: x = (pixel − shift) / scale, with shift 0 and scale 1 unless [`normalize`](Images::normalize) sets a normaliser.
///
/// Shapes: pixels (samples, height, width); as a data set, x (samples, height·width) row by row and t one-hot (samples,
/// classes).
///
/// Numerics: the normalisation is computed in `f32` for every floating-point type of the model. The results have the same bits as
/// in programs that store images as `float32`.
///
/// # Examples
///
/// ```
/// use manabi::data::{Dataset, Images};
/// use manabi::Normalizer;
/// use ndarray::{Array2, Array3};
///
/// let train = Images::new(Array3::from_elem((2, 1, 1), 51), vec![0, 2], 3)?;
/// let train = train.normalize(&Normalizer::min_max(ndarray::array![[0_u8, 255]].view())?)?;
/// let (mut x, mut t) = (Array2::zeros((1, 1)), Array2::zeros((1, 3)));
/// train.gather(&[1], x.view_mut(), t.view_mut())?;
/// assert_eq!((x[[0, 0]], t.row(0).to_vec()), (0.2_f32, vec![0.0, 0.0, 1.0]));
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
pub struct Images {
    pixels: Array2<u8>,
    labels: Vec<u8>,
    classes: usize,
    size: (usize, usize),
    normalization: PixelNormalization,
    /// The weights, or an empty vector if all of them are 1.
    weights: Vec<f64>,
}

impl Images {
    /// Creates a data set from images and their classes. Pixels in standard layout are moved. Pixels in any other layout are
    /// copied.
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::Shape`] if `pixels` is empty, or if the number of labels is not the number of images,
    /// - [`Error::Label`] if a label is not below `classes`.
    pub fn new(pixels: Array3<u8>, labels: Vec<u8>, classes: usize) -> Result<Self> {
        let (count, height, width) = pixels.dim();
        if pixels.is_empty() {
            return Err(Error::shape("pixels", "(1 or more, 1 or more, 1 or more)", pixels.shape()));
        }
        if labels.len() != count {
            return Err(Error::shape("labels", format!("[{count}]"), &[labels.len()]));
        }
        check_labels(&labels, classes)?;
        let too_large = Error::out_of_memory::<u8>("the pixels", pixels.shape());
        let is_in_order = pixels.is_standard_layout();
        let pixels = if is_in_order { pixels } else { pixels.as_standard_layout().into_owned() };
        let pixels = pixels.into_shape_with_order((count, height * width)).map_err(|_| too_large)?;
        let (normalization, weights) = (PixelNormalization::default(), Vec::new());
        Ok(Self { pixels, labels, classes, size: (height, width), normalization, weights })
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
        let normalization = PixelNormalization::new(normalizer, self.pixels.ncols())?;
        Ok(Self { normalization, ..self })
    }

    /// Sets the weight of each image in losses and accuracies (see [`Dataset::weight`]). The default is 1 each.
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::Shape`] if the number of weights is not the number of images,
    /// - [`Error::Row`] if a weight is negative or not finite,
    /// - [`Error::Setting`] if all weights are 0.
    #[doc(alias = "sample_weight")]
    pub fn with_weights(self, weights: impl Into<Vec<f64>>) -> Result<Self> {
        let weights = weights.into();
        check_weights(&weights, self.len())?;
        Ok(Self { weights, ..self })
    }

    /// Returns the number of images, which is at least 1.
    #[expect(clippy::len_without_is_empty, reason = "there is at least one image")]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Returns the number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Returns the original pixels, with the shape (samples, height·width).
    pub fn pixels(&self) -> ArrayView2<'_, u8> {
        self.pixels.view()
    }

    /// Returns the class of every image.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// Returns the height and width of an image.
    pub fn size(&self) -> (usize, usize) {
        self.size
    }
}

impl<A: Scalar> Dataset<A> for Images {
    fn len(&self) -> usize {
        self.labels.len()
    }

    fn input_dim(&self) -> usize {
        self.pixels.ncols()
    }

    /// Returns (1, height, width): a single channel.
    fn input_shape(&self) -> Shape {
        [1, self.size.0, self.size.1].into()
    }

    fn target_dim(&self) -> usize {
        self.classes
    }

    #[inline(never)]
    fn gather(&self, rows: &[usize], mut x: ArrayViewMut2<'_, A>, mut t: ArrayViewMut2<'_, A>) -> Result<()> {
        let pixels = |row| self.pixels.row(row).to_slice().expect("pixels are in standard layout");
        // Reads one byte of every cache line, so that the rows are fetched from memory in parallel and not one after another.
        let mut touched = 0;
        for &row in rows {
            touched = pixels(row).iter().step_by(CACHE_LINE).fold(touched, |touched, pixel| touched ^ pixel);
        }
        std::hint::black_box(touched);

        t.fill(A::zero());
        for (i, &row) in rows.iter().enumerate() {
            t[[i, self.labels[row].into()]] = A::one();
            let x = x.row_mut(i).into_slice().expect("x is in standard layout");
            self.normalization.apply(pixels(row), x);
        }
        Ok(())
    }

    fn class(&self, row: usize) -> Option<usize> {
        Some(self.labels[row].into())
    }

    fn weight(&self, row: usize) -> f64 {
        self.weights.get(row).copied().unwrap_or(1.0)
    }
}
