//! The normalisation of pixels that are stored as bytes.

use super::Normalizer;
use crate::error::{Error, Result};
use crate::scalar::Scalar;
use crate::simd::dispatch;

/// The normalisation of the pixels of an image: x = (pixel − shift) / scale, computed in `f32`. The default changes no value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PixelNormalization {
    /// One normalisation for every pixel, or a single one for all pixels.
    pixels: Vec<Normalization>,
    /// Whether multiplication by the inverse scale has the same bits as division, for every byte.
    inverts: bool,
}

impl Default for PixelNormalization {
    fn default() -> Self {
        Self { pixels: vec![Normalization::new((0.0, 1.0))], inverts: true }
    }
}

impl PixelNormalization {
    /// Creates the normalisation of images with `count` pixels.
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::Shape`] if the normaliser was fitted per feature on a different number of pixels,
    /// - [`Error::Setting`] if a statistic is outside the range of `f32`, or if a pixel would become infinite.
    pub fn new(normalizer: &Normalizer, count: usize) -> Result<Self> {
        let mut pixels: Vec<_> = normalizer.columns(count)?.into_iter().map(Normalization::new).collect();
        if pixels.iter().all(|&pixel| pixel == pixels[0]) {
            pixels.truncate(1);
        }
        if let Some(pixel) = pixels.iter().position(|pixel| !pixel.is_finite()) {
            return Err(Error::setting(format!("normalised pixel {pixel}"), "a finite value", "infinity"));
        }
        let inverts = pixels.iter().all(|pixel| pixel.inverts());
        Ok(Self { pixels, inverts })
    }

    /// Writes the normalised pixels of one image to `x`.
    pub fn apply<A: Scalar>(&self, pixels: &[u8], x: &mut [A]) {
        dispatch(
            #[inline(always)]
            || match self.inverts {
                true => self.write(pixels, x, Normalization::multiply),
                false => self.write(pixels, x, Normalization::divide),
            },
        );
    }

    #[inline(always)]
    fn write<A: Scalar>(&self, pixels: &[u8], x: &mut [A], normal: impl Fn(Normalization, u8) -> f32) {
        if let [all] = self.pixels[..] {
            for (x, &pixel) in x.iter_mut().zip(pixels) {
                *x = A::of(normal(all, pixel).into());
            }
            return;
        }
        for ((x, &pixel), &own) in x.iter_mut().zip(pixels).zip(&self.pixels) {
            *x = A::of(normal(own, pixel).into());
        }
    }
}

/// The normalisation of a pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Normalization {
    shift: f32,
    scale: f32,
    /// 1/scale as the sum of two values.
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

    /// Returns the value of `divide` in less time. In rare cases, its two roundings change the last bit.
    #[inline(always)]
    fn multiply(self, pixel: u8) -> f32 {
        let (high, low) = self.inverse;
        let x = f32::from(pixel) - self.shift;
        x.mul_add(high, x * low)
    }

    /// Returns whether the results for the smallest and the largest byte are finite, and therefore the results for all bytes.
    fn is_finite(self) -> bool {
        [0, u8::MAX].iter().all(|&pixel| self.divide(pixel).is_finite())
    }

    /// Returns whether `multiply` and `divide` return the same bits for every byte.
    fn inverts(self) -> bool {
        (0..=u8::MAX).all(|pixel| self.multiply(pixel).to_bits() == self.divide(pixel).to_bits())
    }
}
