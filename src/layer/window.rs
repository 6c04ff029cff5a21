//! The window of an image that an output value of a convolution or of a pooling layer depends on.

use crate::error::{Error, Result};
pub(super) use crate::linalg::Axis;
use crate::settings::{Setting, Settings, check};
use crate::shape::Shape;

/// A height and a width: of a kernel, a stride, a dilation or a padding. A single number stands for both.
///
/// # Examples
/// ```
/// use manabi::layer::Extent;
///
/// assert_eq!(Extent::from(3), Extent { height: 3, width: 3 });
/// assert_eq!(Extent::from([1, 5]), Extent { height: 1, width: 5 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The height, in pixels.
    pub height: usize,
    /// The width, in pixels.
    pub width: usize,
}

impl From<usize> for Extent {
    fn from(size: usize) -> Self {
        Self { height: size, width: size }
    }
}

impl From<[usize; 2]> for Extent {
    fn from([height, width]: [usize; 2]) -> Self {
        Self { height, width }
    }
}

/// The number of pixels that a layer adds around an image. They have the value 0, except in [`MaxPool2d`](super::MaxPool2d),
/// where they are never the maximum.
///
/// # Examples
/// ```
/// use manabi::Layer;
/// use manabi::layer::{Conv2d, Padding};
///
/// let image = [1, 28, 28].into();
/// let [valid, one, same] = [Padding::from(0), 1.into(), Padding::Same].map(|padding| Conv2d::new(8, 3).padding(padding));
/// assert_eq!(Layer::<f32>::output_shape(&valid, image)?, [8, 26, 26].into());
/// assert_eq!(Layer::<f32>::output_shape(&one, image)?, [8, 28, 28].into());
/// assert_eq!(Layer::<f32>::output_shape(&same, image)?, [8, 28, 28].into());
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Padding {
    /// This number of pixels on each side: the height at the top and at the bottom, the width on the left and on the right.
    Pixels(Extent),
    /// The number of pixels with which the output has the size of the input. The stride must be 1. If the number is odd, the
    /// additional pixel is at the bottom, or on the right.
    Same,
}

impl<T: Into<Extent>> From<T> for Padding {
    fn from(pixels: T) -> Self {
        Self::Pixels(pixels.into())
    }
}

/// The geometry of a layer that moves a window over an image, or over a signal, which is an image with one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// The number of dimensions of a channel: 2 for images, or 1 for signals. The extents of a signal are single numbers, whose
    /// heights have no effect.
    pub rank: usize,
    pub kernel: Extent,
    pub stride: Extent,
    pub dilation: Extent,
    pub padding: Padding,
}

impl Window {
    /// Creates a window of this size, with stride 1 and without padding.
    pub fn new(kernel: Extent) -> Self {
        Self { rank: 2, kernel, stride: 1.into(), dilation: 1.into(), padding: 0.into() }
    }

    /// Returns the shape of an image, or of a signal, with these channels and pixels.
    pub fn shape(&self, channels: usize, [height, width]: [usize; 2]) -> Shape {
        if self.rank == 1 { [channels, width].into() } else { [channels, height, width].into() }
    }

    /// Returns the height, except for signals, and the width.
    pub fn dims(&self, Extent { height, width }: Extent) -> Vec<usize> {
        [height, width][2 - self.rank..].to_vec()
    }

    /// Returns the geometry in the direction of the height and of the width.
    ///
    /// # Errors
    /// Returns [`Error::Setting`] if the input is not an image, if a setting is out of range, or if the image is smaller than the
    /// window.
    pub fn axes(&self, input: Shape) -> Result<[Axis; 2]> {
        let Self { rank, kernel, stride, dilation, padding } = *self;
        let [height, width] = self.check(input)?;
        let [high, wide] = match padding {
            Padding::Pixels(Extent { height, width }) => {
                let single = rank == 2 || height == width;
                check(single, "padding", "a single number", format_args!("[{height}, {width}]"))?;
                [Some(height), Some(width)]
            }
            Padding::Same => [None, None],
        };
        let high = match rank {
            1 => axis(1, 1, 1, 1, Some(0))?,
            _ => axis(height, kernel.height, stride.height, dilation.height, high)?,
        };
        Ok([high, axis(width, kernel.width, stride.width, dilation.width, wide)?])
    }

    /// Checks the settings, and returns the height and the width of the image.
    ///
    /// # Errors
    /// Returns [`Error::Setting`] if the input is not an image or if a setting is out of range.
    pub fn check(&self, input: Shape) -> Result<[usize; 2]> {
        let Self { rank, kernel, stride, dilation, .. } = *self;
        for (name, Extent { height, width }) in
            [("kernel", kernel), ("stride", stride), ("dilation", dilation)]
        {
            check(height > 0 && width > 0, name, "at least 1", format_args!("[{height}, {width}]"))?;
        }
        let pixels = match (rank, input.dims()) {
            (1, &[_, length]) => [1, length],
            (2, &[_, height, width]) => [height, width],
            _ => {
                let dims =
                    ["two dimensions: channels and length", "three dimensions: channels, height and width"];
                let expected = format!("{} (put a Reshape layer before it)", dims[rank - 1]);
                return Err(Error::setting("input shape", expected, input));
            }
        };
        if input.size() == 0 {
            return Err(Error::setting("input shape", "at least 1 in each dimension", input));
        }
        Ok(pixels)
    }

    /// Adds the settings of the window, as a saved model stores them.
    pub fn settings(&self, settings: Settings) -> Settings {
        let numbers = |extent| self.dims(extent).into_iter().map(|n| n as f64).collect::<Vec<_>>();
        let settings = settings.with("kernel", numbers(self.kernel)).with("stride", numbers(self.stride));
        let settings = settings.with("dilation", numbers(self.dilation));
        match self.padding {
            Padding::Pixels(pixels) => settings.with("padding", numbers(pixels)),
            Padding::Same => settings.with("padding", "same"),
        }
    }

    /// Reads the settings of the window, for images or for signals.
    pub fn of(settings: &Settings, rank: usize) -> Result<Self> {
        let padding = match settings.get("padding") {
            Some(Setting::Text(text)) if text == "same" => Padding::Same,
            _ => extent(settings, "padding", rank)?.into(),
        };
        let [kernel, stride, dilation] =
            ["kernel", "stride", "dilation"].map(|name| extent(settings, name, rank));
        Ok(Self { rank, kernel: kernel?, stride: stride?, dilation: dilation?, padding })
    }
}

/// Reads a height and a width, or a single number for signals.
pub(super) fn extent(settings: &Settings, name: &str, rank: usize) -> Result<Extent> {
    let numbers = settings.numbers(name)?;
    if numbers.len() == rank && numbers.iter().all(|&n| n >= 0.0 && n.fract() == 0.0 && n < 1e9) {
        return Ok([numbers[0] as usize, numbers[rank - 1] as usize].into());
    }
    Err(Error::setting(name, format!("{rank} whole number(s) below 10⁹"), format!("{numbers:?}")))
}

/// Defines setters of a layer whose window is at a path. A size has the type `$size`.
macro_rules! window_setters {
    ($layer:ident $path:tt, $size:ty: $($setter:ident),+) => {
        impl $layer {
            $(window_setters!(@$setter $path $size);)+
        }
    };
    (@stride [$($path:tt)+] $size:ty) => {
        /// Sets the number of pixels by which the window moves.
        pub fn stride(mut self, stride: $size) -> Self {
            self.$($path)+.stride = stride.into();
            self
        }
    };
    (@dilation [$($path:tt)+] $size:ty) => {
        /// Sets the distance between neighbouring pixels of the window.
        pub fn dilation(mut self, dilation: $size) -> Self {
            self.$($path)+.dilation = dilation.into();
            self
        }
    };
    (@padding [$($path:tt)+] $size:ty) => {
        /// Sets the number of pixels that are added on each side.
        pub fn padding(mut self, padding: impl Into<Padding>) -> Self {
            self.$($path)+.padding = padding.into();
            self
        }
    };
}
pub(super) use window_setters;

/// Divides the input into windows, with `pixels` zeros on each side, or with as many as the output needs to have the size of the
/// input.
fn axis(input: usize, kernel: usize, stride: usize, dilation: usize, pixels: Option<usize>) -> Result<Axis> {
    let reach = (kernel - 1).checked_mul(dilation).filter(|&reach| reach < usize::MAX / 4);
    let Some(reach) = reach else {
        return Err(Error::setting("kernel", "one whose window fits in the image", kernel));
    };
    let all = match pixels {
        Some(pixels) => {
            check(pixels < usize::MAX / 4, "padding", "one that fits in memory", pixels)?;
            2 * pixels
        }
        None => {
            check(stride == 1, "stride", "1 with Padding::Same", stride)?;
            reach
        }
    };
    let Some(room) = input.saturating_add(all).checked_sub(reach + 1) else {
        let expected = format!("at least {} pixels for a window of {}", (reach + 1) - all, reach + 1);
        return Err(Error::setting("input shape", expected, input));
    };
    Ok(Axis { input, output: room / stride + 1, kernel, stride, dilation, before: all / 2 })
}
