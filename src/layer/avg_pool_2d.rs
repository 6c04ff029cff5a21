use super::pool::{Pool, Pooling};
use super::window::{Window, window_setters};
use super::{Backward, Extent, Forward, Layer, Padding};
use crate::error::Result;
use crate::scalar::Scalar;
use crate::settings::Settings;
use crate::shape::Shape;

/// Average pooling, which replaces each window of an image by the mean of its pixels, channel by channel.
///
/// Formula: yᵢⱼ = Σ xₘₙ / c over the pixels (m, n) of window (i, j). In the direction of the height, m = i·s − p + k for k from 0
/// to K − 1, with the kernel K, the stride s and the padding p. The same holds for n and j. Padding counts as 0. c is the number
/// of pixels of the window, with or without the padding.
///
/// Derivative: dxₘₙ = Σ dyᵢⱼ / c over the windows that contain the pixel (m, n).
///
/// Shapes: (C, H, W) to (C, H′, W′), with H′ = ⌊(H + 2p − K) / s⌋ + 1 and W′ accordingly.
///
/// Numerics: the pixels are added one after another, in row-major order.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `kernel` | the height and width of a window, in pixels | none | at least 1 |
/// | `stride` | the distance between windows | `kernel` | at least 1 |
/// | `padding` | the pixels that are added around the image | 0 | at most half of the window |
/// | `count_include_pad` | whether c includes the padding | true | true or false |
///
/// # Errors
/// Building a model returns [`Error::Layer`](crate::Error::Layer) if a setting is out of range, if the input does not have three
/// dimensions, or if the image is smaller than a window.
///
/// Source: `torch.nn.AvgPool2d`.
///
/// # Examples
/// ```
/// use manabi::layer::{AvgPool2d, Forward, LayerWorkspace};
/// use manabi::Layer;
/// use ndarray::array;
///
/// let pool = AvgPool2d::new(2);
/// let x = array![[
///     1.0, 2.0, 5.0, 0.0,
///     3.0, 4.0, 1.0, 1.0,
/// ]];
/// let mut y = array![[0.0, 0.0]];
/// let mut ws = LayerWorkspace::new(&pool, [1, 2, 4], 1)?;
/// pool.forward(Forward::new(&mut ws, &[], &[], x.view(), y.view_mut())?);
/// assert_eq!(y, array![[2.5, 1.75]]);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias = "average_pooling")]
pub struct AvgPool2d {
    pub(super) window: Window,
    pub(super) count_include_pad: bool,
}

impl AvgPool2d {
    /// Creates an average pooling layer with windows of this size, side by side.
    pub fn new(kernel: impl Into<Extent>) -> Self {
        let kernel = kernel.into();
        Self { window: Window { stride: kernel, ..Window::new(kernel) }, count_include_pad: true }
    }

    /// Sets whether the number of pixels by which a sum is divided includes the padding.
    pub fn count_include_pad(mut self, count_include_pad: bool) -> Self {
        self.count_include_pad = count_include_pad;
        self
    }

    /// Creates the layer from its settings, for images or for signals.
    pub(super) fn of(settings: &Settings, rank: usize) -> Result<Self> {
        let (window, count_include_pad) = (Window::of(settings, rank)?, settings.flag("count_include_pad")?);
        Ok(Self { window, count_include_pad })
    }
}

window_setters!(AvgPool2d [window], impl Into<Extent>: stride, padding);

/// The mean of the pixels.
#[derive(Clone, Copy)]
struct Mean {
    count_include_pad: bool,
}

impl<A: Scalar> Pooling<A> for Mean {
    #[inline(always)]
    fn start(self) -> A {
        A::zero()
    }

    #[inline(always)]
    fn join(self, value: A, pixel: A) -> A {
        value + pixel
    }

    #[inline(always)]
    fn scale(self, pool: Pool, row: usize, column: usize, values: &mut [A]) {
        let Pool { high, wide } = pool;
        if self.count_include_pad {
            let count = A::of((high.kernel * wide.kernel) as f64);
            for value in values {
                *value /= count;
            }
        } else {
            let high = high.inside(row).len();
            for (column, value) in (column..).zip(values) {
                let wide = wide.inside(column).len();
                *value /= A::of((high * wide) as f64);
            }
        }
    }

    const SINGLE: bool = false;

    #[inline(always)]
    fn takes(self, _x: A, _y: A) -> bool {
        true
    }
}

impl<A: Scalar> Layer<A> for AvgPool2d {
    fn kind(&self) -> &str {
        "avg_pool_2d"
    }

    fn output_shape(&self, input: Shape) -> Result<Shape> {
        Pool::output(&self.window, input)
    }

    fn row_wise(&self, _training: bool) -> bool {
        true
    }

    fn settings(&self) -> Option<Settings> {
        Some(self.window.settings(Settings::new()).with("count_include_pad", self.count_include_pad))
    }

    #[inline(never)]
    fn forward(&self, pass: Forward<'_, A>) {
        Pool::forward(&self.window, Mean { count_include_pad: self.count_include_pad }, pass);
    }

    #[inline(never)]
    fn backward(&self, pass: Backward<'_, A>) {
        Pool::backward(&self.window, Mean { count_include_pad: self.count_include_pad }, pass);
    }
}
