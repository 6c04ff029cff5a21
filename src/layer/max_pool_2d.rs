use super::pool::{Pool, Pooling};
use super::window::{Window, window_setters};
use super::{Backward, Extent, Forward, Layer, Padding};
use crate::error::Result;
use crate::scalar::Scalar;
use crate::settings::Settings;
use crate::shape::Shape;

/// Max pooling, which replaces each window of an image by its largest pixel, channel by channel.
///
/// Formula: yᵢⱼ = max xₘₙ over the pixels (m, n) of window (i, j). In the direction of the height, m = i·s − p + k·d for k from 0
/// to K − 1, with the kernel K, the stride s, the padding p and the dilation d. The same holds for n and j.
///
/// Derivative: dxₘₙ = Σ dyᵢⱼ over the windows whose largest pixel is (m, n). If several pixels are equal, the first one in
/// row-major order counts as the largest.
///
/// Shapes: (C, H, W) to (C, H′, W′), with H′ = ⌊(H + 2p − (K − 1)·d − 1) / s⌋ + 1 and W′ accordingly.
///
/// Numerics: exact, except for the sums of dx. NaN counts as larger than every number. Padding counts as −∞. A window without a
/// pixel of the image, which is possible only with a dilation, gives −∞.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `kernel` | the height and width of a window, in pixels | none | at least 1 |
/// | `stride` | the distance between windows | `kernel` | at least 1 |
/// | `padding` | the pixels that are added around the image | 0 | at most half of the window |
/// | `dilation` | the distance between the pixels of a window | 1 | at least 1 |
///
/// # Errors
/// Building a model returns [`Error::Layer`](crate::Error::Layer) if a setting is out of range, if the input does not have three
/// dimensions, or if the image is smaller than a window.
///
/// Source: `torch.nn.MaxPool2d`.
///
/// # Examples
/// ```
/// use manabi::layer::{Forward, LayerWorkspace, MaxPool2d};
/// use manabi::Layer;
/// use ndarray::array;
///
/// let pool = MaxPool2d::new(2);
/// let x = array![[
///     1.0, 2.0, 5.0, 0.0,
///     3.0, 4.0, 1.0, 1.0,
/// ]];
/// let mut y = array![[0.0, 0.0]];
/// let mut ws = LayerWorkspace::new(&pool, [1, 2, 4], 1)?;
/// pool.forward(Forward::new(&mut ws, &[], &[], x.view(), y.view_mut())?);
/// assert_eq!(y, array![[4.0, 5.0]]);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias = "max_pooling")]
pub struct MaxPool2d {
    pub(super) window: Window,
}

impl MaxPool2d {
    /// Creates a max pooling layer with windows of this size, side by side.
    pub fn new(kernel: impl Into<Extent>) -> Self {
        let kernel = kernel.into();
        Self { window: Window { stride: kernel, ..Window::new(kernel) } }
    }

    /// Creates the layer from its settings, for images or for signals.
    pub(super) fn of(settings: &Settings, rank: usize) -> Result<Self> {
        Window::of(settings, rank).map(|window| Self { window })
    }
}

window_setters!(MaxPool2d [window], impl Into<Extent>: stride, padding, dilation);

/// The largest pixel, or the first NaN.
#[derive(Clone, Copy)]
struct Largest;

impl<A: Scalar> Pooling<A> for Largest {
    #[inline(always)]
    fn start(self) -> A {
        A::neg_infinity()
    }

    #[inline(always)]
    fn join(self, value: A, pixel: A) -> A {
        if pixel > value || pixel.is_nan() { pixel } else { value }
    }

    #[inline(always)]
    fn scale(self, _pool: Pool, _row: usize, _column: usize, _values: &mut [A]) {}

    const SINGLE: bool = true;

    #[inline(always)]
    fn takes(self, x: A, y: A) -> bool {
        (x == y) | x.is_nan()
    }
}

impl<A: Scalar> Layer<A> for MaxPool2d {
    fn kind(&self) -> &str {
        "max_pool_2d"
    }

    fn output_shape(&self, input: Shape) -> Result<Shape> {
        Pool::output(&self.window, input)
    }

    fn row_wise(&self, _training: bool) -> bool {
        true
    }

    fn settings(&self) -> Option<Settings> {
        Some(self.window.settings(Settings::new()))
    }

    #[inline(never)]
    fn forward(&self, pass: Forward<'_, A>) {
        Pool::forward(&self.window, Largest, pass);
    }

    #[inline(never)]
    fn backward(&self, pass: Backward<'_, A>) {
        Pool::backward(&self.window, Largest, pass);
    }
}
