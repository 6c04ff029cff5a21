use ndarray::{Array2, Array3, ArrayView2, ArrayViewMut2};

use super::{Dataset, Normalizer, check_labels};
use crate::error::{Error, Result};
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::simd::dispatch;

/// The bytes that come from memory together.
const CACHE_LINE: usize = 64;

/// Labelled grey images: pixels stay bytes in memory and are normalised while a batch is gathered.
///
/// Formula: x = (pixel − shift) / scale, with shift 0 and scale 1 until a normalizer is set.
///
/// Shapes: pixels (samples, height, width); as a data set, x (samples, height·width) row by row and t one-hot (samples,
/// classes).
///
/// Numerics: the normalisation is computed in `f32` whatever the model's type, as by programs that keep images as
/// `float32`, to the same bits.
///
/// Errors: no image, unequal numbers of images and labels, a label that is not a class.
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
    /// That of every pixel, or the one that all share.
    normalization: Vec<Normalization>,
    /// Whether multiplying by the inverse scale is as good as dividing, for every byte.
    inverts: bool,
}

/// How a pixel is normalised.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Normalization {
    shift: f32,
    scale: f32,
    /// 1/scale, in two parts.
    inverse: (f32, f32),
}

impl Normalization {
    fn new((shift, scale): (f32, f32)) -> Self {
        let inverse = 1.0 / f64::from(scale);
        let high = inverse as f32;
        Self { shift, scale, inverse: (high, (inverse - f64::from(high)) as f32) }
    }

    #[inline(always)]
    fn divide(self, pixel: u8) -> f32 {
        (f32::from(pixel) - self.shift) / self.scale
    }

    /// The same number in less time, almost always: both roundings together may fall on the other side.
    #[inline(always)]
    fn multiply(self, pixel: u8) -> f32 {
        let (high, low) = self.inverse;
        let x = f32::from(pixel) - self.shift;
        x.mul_add(high, x * low)
    }

    /// Whether the least and the greatest byte become finite numbers, and so all between.
    fn is_finite(self) -> bool {
        [0, u8::MAX].iter().all(|&pixel| self.divide(pixel).is_finite())
    }

    fn inverts(self) -> bool {
        (0..=u8::MAX).all(|pixel| self.multiply(pixel).to_bits() == self.divide(pixel).to_bits())
    }
}

impl Images {
    /// Makes a data set of images and the class of each. The pixels are taken over where they are in standard layout, and
    /// copied into it where they are not.
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
        let normalization = vec![Normalization::new((0.0, 1.0))];
        Ok(Self { pixels, labels, classes, size: (height, width), normalization, inverts: true })
    }

    /// The same images, from now on normalised like this; an error if the normalizer is for another number of pixels or makes
    /// one of them infinite.
    pub fn normalize(self, normalizer: &Normalizer) -> Result<Self> {
        let columns = normalizer.columns(self.pixels.ncols())?;
        let mut normalization: Vec<_> = columns.into_iter().map(Normalization::new).collect();
        if normalization.iter().all(|&pair| pair == normalization[0]) {
            normalization.truncate(1);
        }
        if let Some(pixel) = normalization.iter().position(|pixel| !pixel.is_finite()) {
            return Err(Error::setting(format!("pixel {pixel} normalised"), "finite numbers", "infinity"));
        }
        let inverts = normalization.iter().all(|pixel| pixel.inverts());
        Ok(Self { normalization, inverts, ..self })
    }

    /// The number of images, at least 1.
    #[expect(clippy::len_without_is_empty, reason = "there is at least one image")]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The pixels as they came, (samples, height·width).
    pub fn pixels(&self) -> ArrayView2<'_, u8> {
        self.pixels.view()
    }

    /// The class of every image.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// Height and width of an image.
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

    /// One channel: (1, height, width).
    fn input_shape(&self) -> Shape {
        [1, self.size.0, self.size.1].into()
    }

    fn target_dim(&self) -> usize {
        self.classes
    }

    #[inline(never)]
    fn gather(&self, rows: &[usize], mut x: ArrayViewMut2<'_, A>, mut t: ArrayViewMut2<'_, A>) -> Result<()> {
        let pixels = |row| self.pixels.row(row).to_slice().expect("pixels are in standard layout");
        // One byte of every cache line: so the rows come from memory side by side instead of one after another.
        let mut touched = 0;
        for &row in rows {
            touched = pixels(row).iter().step_by(CACHE_LINE).fold(touched, |touched, pixel| touched ^ pixel);
        }
        std::hint::black_box(touched);

        t.fill(A::zero());
        for (i, &row) in rows.iter().enumerate() {
            t[[i, self.labels[row].into()]] = A::one();
            let x = x.row_mut(i).into_slice().expect("x is in standard layout");
            let pixels = pixels(row);
            dispatch(
                #[inline(always)]
                || match self.inverts {
                    true => normalize(pixels, &self.normalization, x, Normalization::multiply),
                    false => normalize(pixels, &self.normalization, x, Normalization::divide),
                },
            );
        }
        Ok(())
    }

    fn class(&self, row: usize) -> Option<usize> {
        Some(self.labels[row].into())
    }
}

#[inline(always)]
fn normalize<A: Scalar>(
    pixels: &[u8],
    normalization: &[Normalization],
    x: &mut [A],
    normal: impl Fn(Normalization, u8) -> f32,
) {
    if let &[all] = normalization {
        for (x, &pixel) in x.iter_mut().zip(pixels) {
            *x = A::of(normal(all, pixel).into());
        }
        return;
    }
    for ((x, &pixel), &own) in x.iter_mut().zip(pixels).zip(normalization) {
        *x = A::of(normal(own, pixel).into());
    }
}
