//! From the bytes of an image file to the pixels of a sample.

use std::io::{self, Cursor, ErrorKind};
use std::path::Path;

use image::{DynamicImage, ImageError, ImageFormat, ImageReader};
use ndarray::Array2;

use super::resize::resize;
use crate::buffer::zero_matrix;
use crate::error::{Error, Result};
use crate::scalar::Scalar;
use crate::shape::Shape;

/// The largest number of bytes of a file, of the image in it, and of an intermediate image.
pub(super) const LIMIT: u64 = 256 << 20;

/// The largest height and width.
const MAX_SIDE: u32 = 65_535;

/// Decodes an image and returns it as a matrix with one row, whose values are pixels from 0 to 255. `name` replaces the path in
/// errors.
///
/// The row contains the same pixels as [`ImageFolder`](super::ImageFolder) with this shape, but without a normaliser. A model
/// that has its normaliser ([`set_input_normalizer`](crate::Sequential::set_input_normalizer)) predicts the class with
/// [`predict_raw`](crate::Sequential::predict_raw).
///
/// Shapes: bytes of an image with any height and width → (1, channels·height·width).
///
/// # Errors
///
/// Returns:
///
/// - [`Error::Setting`] if the shape is not supported,
/// - [`Error::Io`] if the bytes are not an image of a supported format, or if the image is too large,
/// - [`Error::OutOfMemory`] if the result does not fit in memory.
///
/// # Examples
///
/// ```
/// use manabi::data::decode_image;
///
/// let pgm = b"P5 3 2 255\n\x00\x10\x20\x30\x40\x50"; // grey, 3 pixels wide and 2 pixels high
/// let x = decode_image::<f32>("upload", pgm, [1, 2, 3])?;
/// assert_eq!(x, manabi::ndarray::array![[0.0, 16.0, 32.0, 48.0, 64.0, 80.0]]);
/// # Ok::<(), manabi::Error>(())
/// ```
pub fn decode_image<A: Scalar>(
    name: impl AsRef<Path>,
    bytes: &[u8],
    shape: impl Into<Shape>,
) -> Result<Array2<A>> {
    let format = PixelFormat::new(shape.into())?;
    let mut x = zero_matrix("the image", (1, format.len()))?;
    let mut pixels = vec![0; format.len()];
    format.decode(name.as_ref(), bytes, &mut pixels)?;
    x.iter_mut().zip(pixels).for_each(|(x, pixel)| *x = A::of(pixel.into()));
    Ok(x)
}

/// The colour and the size to which images are converted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PixelFormat {
    channels: usize,
    size: [usize; 2],
}

impl PixelFormat {
    /// Creates the format of images with the shape (channels, height, width).
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`] if the shape is not supported.
    pub fn new(shape: Shape) -> Result<Self> {
        let is_side = |side| (1..=MAX_SIDE as usize).contains(&side);
        match *shape.dims() {
            [channels @ (1 | 3), height, width]
                if is_side(height) && is_side(width) && shape.size() as u64 <= LIMIT =>
            {
                Ok(Self { channels, size: [height, width] })
            }
            _ => {
                let expected = format!(
                    "[1, height, width] for grey or [3, height, width] for RGB, from 1 to {MAX_SIDE} pixels high and \
                     wide, with at most {LIMIT} values"
                );
                Err(Error::setting("shape of the images", expected, shape))
            }
        }
    }

    pub fn shape(self) -> Shape {
        [self.channels, self.size[0], self.size[1]].into()
    }

    /// Returns the number of pixels, counted in each channel.
    pub fn len(self) -> usize {
        self.channels * self.size[0] * self.size[1]
    }

    /// Decodes an image, converts it, and writes the pixels of one channel after another to `out`.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Io`] with `name` as the path if the bytes are not a supported image.
    #[inline(never)]
    pub fn decode(self, name: &Path, bytes: &[u8], out: &mut [u8]) -> Result<()> {
        let pixels = self.pixels(bytes).map_err(|reason| {
            let error =
                io::Error::new(ErrorKind::InvalidData, format!("{reason}: replace or delete the file"));
            Error::Io { path: name.into(), error }
        })?;
        for (at, pixel) in pixels.chunks_exact(self.channels).enumerate() {
            for (channel, &value) in out.chunks_exact_mut(self.size[0] * self.size[1]).zip(pixel) {
                channel[at] = value;
            }
        }
        Ok(())
    }

    /// Returns the converted image with the shape (height, width, channels), or the reason why that is impossible.
    fn pixels(self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let image = decode(bytes)?;
        let from = [image.height() as usize, image.width() as usize];
        // The sizes of the image with all channels, and of the image between the two passes of the resizing.
        let converted = from[0] as u64 * from[1] as u64 * self.channels as u64;
        let between = from[0] as u64 * self.len() as u64 / self.size[0] as u64;
        if from.contains(&0) || converted.max(between) > LIMIT {
            return Err(format!(
                "expected an image that can be resized to {}, got {}x{}, height x width",
                self.shape(),
                from[0],
                from[1]
            ));
        }
        let pixels = if self.channels == 1 { grey(image) } else { image.into_rgb8().into_raw() };
        Ok(resize(pixels, from, self.size, self.channels))
    }
}

/// Decodes the first image of a file in the format that its first bytes announce.
fn decode(bytes: &[u8]) -> Result<DynamicImage, String> {
    let mut reader =
        ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| error.to_string())?;
    let Some(format) = reader.format() else {
        return Err("expected an image, got a file of an unknown format".into());
    };
    let mut limits = image::Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(MAX_SIDE), Some(MAX_SIDE));
    limits.max_alloc = Some(LIMIT);
    reader.limits(limits);
    let image = reader.decode().map_err(|error| match error {
        ImageError::Limits(_) => {
            format!(
                "expected an image of at most {MAX_SIDE} pixels per side and {LIMIT} bytes, got a larger one"
            )
        }
        other => format!("cannot decode the image: {other}"),
    })?;
    match format {
        ImageFormat::Jpeg if !has_end(bytes) => Err("cannot decode the image: the end is missing".into()),
        _ => Ok(image),
    }
}

/// Returns whether a JPEG file has an end marker. The decoder completes an image without one, of which a part is missing.
fn has_end(jpeg: &[u8]) -> bool {
    // Skips the segments before the image data, which may contain a small image with its own end marker.
    let mut data = jpeg.get(2..).unwrap_or_default();
    while let [0xFF, kind, high, low, ..] = *data
        && kind != 0xDA
    {
        // Any number of 0xFF may precede a marker.
        let length = if kind == 0xFF { 1 } else { 2 + usize::from(u16::from_be_bytes([high, low])) };
        data = data.get(length..).unwrap_or_default();
    }
    data.windows(2).any(|marker| marker == [0xFF, 0xD9])
}

/// Returns the luma of every pixel by ITU-R BT.601, rounded as in Pillow.
fn grey(image: DynamicImage) -> Vec<u8> {
    use DynamicImage::{ImageLuma8, ImageLuma16, ImageLumaA8, ImageLumaA16};
    if let ImageLuma8(_) | ImageLuma16(_) | ImageLumaA8(_) | ImageLumaA16(_) = image {
        return image.into_luma8().into_raw();
    }
    let luma = |[red, green, blue]: &[u8; 3]| {
        let [red, green, blue] = [*red, *green, *blue].map(u32::from);
        ((19_595 * red + 38_470 * green + 7_471 * blue + 0x8000) >> 16) as u8
    };
    image.into_rgb8().into_raw().as_chunks().0.iter().map(luma).collect()
}
