mod draws;
mod erase;
mod warp;

use std::ops::RangeInclusive;

use draws::{Draw, Draws};
use erase::Rectangle;
use warp::{Movement, warp};

use super::{Augment, Dataset};
use crate::error::{Error, Result};
use crate::random::Noise;
use crate::scalar::Scalar;
use crate::settings::{check, check_share};
use crate::shape::Shape;

/// Random changes of images in training: flips, scaling, rotation, shifts and erasing.
///
/// [`augment`](ImageTransform::augment) wraps a data set in an [`Augment`], which changes every image in every epoch of training.
/// Every change is off by default. The order of the changes is fixed: an image is mirrored, scaled, rotated, shifted and erased,
/// regardless of the order of the setters.
///
/// Formula: the value of a pixel p = (y, x) is the value of the original image at F·R⁻¹·(p − c − d)/s + c. Here c is the centre
/// of the image, d is the shift, s is the scale, R is the rotation, and F is diagonal with −1 for a flip and 1 otherwise. Outside
/// the original image, the value is `fill`. Then, the pixels of a random rectangle are set to `erasing_fill`.
///
/// Shapes: samples (channels, height, width). All channels of an image change in the same way.
///
/// Numerics: flips and shifts only move pixels. If an image is scaled or rotated, its values are interpolated bilinearly, once
/// for all changes, in `f64`. Next to the edge, the interpolation includes `fill`. Each random decision has its own bits in the
/// [`Noise`] of the image, so turning on one change does not alter the draws of another. Probabilities and draws are exact to
/// within 2⁻³². The results have the same bits for any number of threads, in a run that resumes from a checkpoint, and for every
/// instruction set.
///
/// Memory: each thread keeps one buffer of `f64` for one channel. After the first image, no image causes an allocation.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | [`horizontal_flip`](ImageTransform::horizontal_flip) | the probability of exchanging left and right | 0 | 0 to 1 |
/// | [`vertical_flip`](ImageTransform::vertical_flip) | the probability of exchanging top and bottom | 0 | 0 to 1 |
/// | [`scale`](ImageTransform::scale) | the factors of the size | 1 to 1 | within 0.01 to 100 |
/// | [`rotation`](ImageTransform::rotation) | the largest angle in degrees, in both directions | 0 | 0 to 180 |
/// | [`shift`](ImageTransform::shift) | the largest shift in pixels, in each direction | 0 | below height and width |
/// | [`erasing`](ImageTransform::erasing) | the probability of erasing a rectangle | 0 | 0 to 1 |
/// | [`erasing_area`](ImageTransform::erasing_area) | the erased fractions of an image | 0.02 to 0.4 | within 0 to 1, 0 excluded |
/// | [`erasing_aspect`](ImageTransform::erasing_aspect) | the ratios of height to width | 0.3 to 1/0.3 | within 0.01 to 100 |
/// | [`fill`](ImageTransform::fill) | the value outside the image | 0 | any finite number |
/// | [`erasing_fill`](ImageTransform::erasing_fill) | the value of erased pixels | `fill` | any finite number |
///
/// # Source
///
/// Simard, Steinkraus and Platt, *Best practices for convolutional neural networks applied to visual document analysis*, 2003,
/// for affine changes; Zhong et al., *Random erasing data augmentation*, 2020.
///
/// # Examples
///
/// ```
/// use manabi::data::ImageTransform;
/// use manabi::{Affine, CrossEntropy, Mnist, Normalizer, Sequential, Softmax, Trainer};
///
/// let Mnist { train, test } = Mnist::synthetic(200, 100, 0)?;
/// let normalizer = Normalizer::z_score(train.pixels())?;
/// let (train, test) = (train.normalize(&normalizer)?, test.normalize(&normalizer)?);
///
/// // The background of the images is 0 before and below 0 after the normalisation.
/// let (shift, scale) = normalizer.statistics()[0];
/// let transform = ImageTransform::new().shift(2).rotation(10.0).fill((0.0 - shift) / scale);
/// let train = transform.augment(&train)?;
///
/// let builder = Sequential::<f32>::builder(784).add_layer("affine1", Affine::new(10));
/// let mut model = builder.set_output(Softmax).set_error(CrossEntropy).build()?;
/// let history = Trainer::new().epochs(2).test(&test).fit(&mut model, &train)?;
/// assert_eq!(history.epochs.len(), 3);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias(
    "torchvision",
    "RandomAffine",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RandomRotation",
    "RandomErasing"
))]
pub struct ImageTransform {
    horizontal_flip: f64,
    vertical_flip: f64,
    scale: [f64; 2],
    rotation: f64,
    shift: usize,
    erasing: f64,
    erasing_area: [f64; 2],
    erasing_aspect: [f64; 2],
    fill: f64,
    /// The value of erased pixels, or `None` for `fill`.
    erasing_fill: Option<f64>,
}

impl Default for ImageTransform {
    /// Creates a transformation that leaves images unchanged.
    fn default() -> Self {
        Self {
            horizontal_flip: 0.0,
            vertical_flip: 0.0,
            scale: [1.0, 1.0],
            rotation: 0.0,
            shift: 0,
            erasing: 0.0,
            erasing_area: [0.02, 0.4],
            erasing_aspect: [0.3, 1.0 / 0.3],
            fill: 0.0,
            erasing_fill: None,
        }
    }
}

impl ImageTransform {
    /// Creates a transformation that leaves images unchanged.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the probability of exchanging left and right. Flips suit images whose mirror images have the same class, but not
    /// digits.
    pub fn horizontal_flip(self, probability: f64) -> Self {
        Self { horizontal_flip: probability, ..self }
    }

    /// Sets the probability of exchanging top and bottom.
    pub fn vertical_flip(self, probability: f64) -> Self {
        Self { vertical_flip: probability, ..self }
    }

    /// Sets the range of the factor by which an image is enlarged or reduced around its centre. The factor is uniform.
    pub fn scale(self, factors: RangeInclusive<f64>) -> Self {
        Self { scale: limits(&factors), ..self }
    }

    /// Sets the largest angle in degrees by which an image is rotated around its centre. The angle is uniform between −`degrees`
    /// and `degrees`.
    pub fn rotation(self, degrees: f64) -> Self {
        Self { rotation: degrees, ..self }
    }

    /// Sets the largest number of pixels by which an image is shifted. Shifts down and to the right are two independent whole
    /// numbers, uniform from −`pixels` to `pixels`.
    ///
    /// A random crop after padding is the same as a shift: a border of n pixels with the value `fill` and a crop to the original
    /// size at a random place result in a shift by up to n pixels.
    pub fn shift(self, pixels: usize) -> Self {
        Self { shift: pixels, ..self }
    }

    /// Sets the probability of erasing a rectangle.
    ///
    /// The fraction of the image that is erased is uniform in [`erasing_area`](ImageTransform::erasing_area). The logarithm of
    /// the ratio of height to width is uniform in the part of [`erasing_aspect`](ImageTransform::erasing_aspect) for which the
    /// rectangle fits in the image. If there is no such part, the nearest ratio that fits is used. Height and width are rounded
    /// to at least 1 pixel. All places inside the image have the same probability.
    ///
    /// In the paper, the ratio itself is uniform, and all draws are repeated until the rectangle fits. With the logarithm, wide
    /// and high rectangles have the same probability, as in torchvision.
    pub fn erasing(self, probability: f64) -> Self {
        Self { erasing: probability, ..self }
    }

    /// Sets the range of the fraction of an image that is erased.
    pub fn erasing_area(self, fractions: RangeInclusive<f64>) -> Self {
        Self { erasing_area: limits(&fractions), ..self }
    }

    /// Sets the range of the ratio of height to width of an erased rectangle.
    pub fn erasing_aspect(self, ratios: RangeInclusive<f64>) -> Self {
        Self { erasing_aspect: limits(&ratios), ..self }
    }

    /// Sets the value outside the original image, which a shift, a rotation or a reduction makes visible.
    ///
    /// The value is in the units of the gathered samples. If they are normalised, set the normalised value of the background,
    /// such as (0 − shift) / scale for a black background. Otherwise, 0 is the mean grey after a normalisation by z-score.
    pub fn fill(self, value: f64) -> Self {
        Self { fill: value, ..self }
    }

    /// Sets the value of erased pixels. The default is the value of [`fill`](ImageTransform::fill).
    pub fn erasing_fill(self, value: f64) -> Self {
        Self { erasing_fill: Some(value), ..self }
    }

    /// Wraps a data set so that its images change in training.
    ///
    /// With a [`Split`](super::Split), wrap only the training part. To add a change of your own, wrap the result in another
    /// [`Augment`].
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::Setting`] if a setting is out of range,
    /// - [`Error::Shape`] if the samples do not have the shape (channels, height, width). [`Images`](super::Images) always have
    ///   it, and [`Samples::with_shape`](super::Samples::with_shape) sets it.
    ///
    /// # Examples
    ///
    /// ```
    /// use manabi::Samples;
    /// use manabi::data::{Dataset, ImageTransform, Place};
    /// use ndarray::{Array2, array};
    ///
    /// let images = Samples::new(array![[1.0, 2.0, 3.0, 4.0]], array![[0.0]])?.with_shape([1, 2, 2])?;
    /// let mirrored = ImageTransform::new().horizontal_flip(1.0).augment(&images)?;
    ///
    /// let (mut x, mut t) = (Array2::zeros((1, 4)), Array2::zeros((1, 1)));
    /// mirrored.gather_at(Place::training(1, 1), &[0], x.view_mut(), t.view_mut())?;
    /// assert_eq!(x, array![[2.0, 1.0, 4.0, 3.0]]);
    /// mirrored.gather_at(Place::evaluation(), &[0], x.view_mut(), t.view_mut())?;
    /// assert_eq!(x, array![[1.0, 2.0, 3.0, 4.0]]);
    /// # Ok::<(), manabi::Error>(())
    /// ```
    #[expect(clippy::type_complexity, reason = "a type alias cannot name a closure")]
    pub fn augment<'a, A: Scalar>(
        &self,
        data: &'a dyn Dataset<A>,
    ) -> Result<Augment<'a, A, impl Fn(&mut [A], Noise) + Clone + Send + Sync + use<A>>> {
        let size = size(data.input_shape())?;
        self.check::<A>(size)?;
        let transform = *self;
        Ok(Augment::new(data, move |image: &mut [A], noise| transform.apply(image, size, noise)))
    }

    /// Returns an error unless all settings suit images of this height and width.
    fn check<A: Scalar>(&self, size: [usize; 2]) -> Result<()> {
        check_share("horizontal_flip", self.horizontal_flip)?;
        check_share("vertical_flip", self.vertical_flip)?;
        check_range("scale", self.scale, |x| (0.01..=100.0).contains(&x), "from 0.01 to 100")?;
        check((0.0..=180.0).contains(&self.rotation), "rotation", "a value from 0 to 180", self.rotation)?;
        let side = size[0].min(size[1]);
        let expected = format!("below {side}, the smaller side of the images");
        check(self.shift < side, "shift", &expected, self.shift)?;
        check_share("erasing", self.erasing)?;
        check_range("erasing_area", self.erasing_area, |x| x > 0.0 && x <= 1.0, "above 0 and up to 1")?;
        check_range(
            "erasing_aspect",
            self.erasing_aspect,
            |x| (0.01..=100.0).contains(&x),
            "from 0.01 to 100",
        )?;
        check_value::<A>("fill", self.fill)?;
        check_value::<A>("erasing_fill", self.erasing_fill.unwrap_or(self.fill))
    }

    /// Changes an image with this height and width.
    #[inline(never)]
    fn apply<A: Scalar>(&self, image: &mut [A], size: [usize; 2], noise: Noise) {
        let draws = Draws(noise);
        warp(image, size, &self.movement(draws).inverse(size), self.fill);
        if draws.happens(Draw::Erasing, self.erasing) {
            let value = A::of(self.erasing_fill.unwrap_or(self.fill));
            Rectangle::draw(draws, size, self.erasing_area, self.erasing_aspect).fill(image, size, value);
        }
    }

    /// Draws the movement of an image.
    fn movement(&self, draws: Draws) -> Movement {
        let shift = |draw| draws.below(draw, 2 * self.shift + 1) as f64 - self.shift as f64;
        Movement {
            mirrored: [
                draws.happens(Draw::VerticalFlip, self.vertical_flip),
                draws.happens(Draw::HorizontalFlip, self.horizontal_flip),
            ],
            scale: draws.between(Draw::Scale, self.scale),
            degrees: draws.between(Draw::Rotation, [-self.rotation, self.rotation]),
            shift: [shift(Draw::ShiftDown), shift(Draw::ShiftRight)],
        }
    }
}

fn limits(range: &RangeInclusive<f64>) -> [f64; 2] {
    [*range.start(), *range.end()]
}

/// Returns the height and the width of images with this shape.
fn size(shape: Shape) -> Result<[usize; 2]> {
    match *shape.dims() {
        [channels, height, width] if channels.min(height).min(width) > 0 => Ok([height, width]),
        _ => Err(Error::shape(
            "samples to transform",
            "(channels, height, width), each at least 1",
            shape.dims(),
        )),
    }
}

/// Returns an error unless both limits are right and in ascending order.
fn check_range(what: &str, [low, high]: [f64; 2], is_right: fn(f64) -> bool, expected: &str) -> Result<()> {
    let expected = format!("an ascending range of values {expected}");
    check(is_right(low) && is_right(high) && low <= high, what, &expected, format!("{low}..={high}"))
}

/// Returns an error unless a value is finite when it is converted to `A`.
fn check_value<A: Scalar>(what: &str, value: f64) -> Result<()> {
    let expected = format!("a finite number within the range of {}", std::any::type_name::<A>());
    check(A::of(value).is_finite(), what, &expected, format!("{value:?}"))
}
