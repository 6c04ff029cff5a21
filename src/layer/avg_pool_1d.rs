use super::signal::signal_layer;
use super::window::{Padding, window_setters};
use super::{AvgPool2d, Backward, Forward, Layer, TensorSpec};
use crate::error::Result;
use crate::scalar::Scalar;
use crate::settings::Settings;
use crate::shape::Shape;

/// Average pooling, which replaces each window of a signal by the mean of its values, channel by channel.
///
/// Formula: yᵢ = Σ xₘ / c over the values m of window i: m = i·s − p + k for k from 0 to K − 1, with the kernel K, the stride s
/// and the padding p. Padding counts as 0. c is the number of values of the window, with or without the padding.
///
/// Derivative: dxₘ = Σ dyᵢ / c over the windows that contain the value m.
///
/// Shapes: (C, L) to (C, L′), with L′ = ⌊(L + 2p − K) / s⌋ + 1.
///
/// Numerics: the values are added one after another.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `kernel` | the length of a window | none | at least 1 |
/// | `stride` | the distance between windows | `kernel` | at least 1 |
/// | `padding` | the values that are added on each side | 0 | at most half of the window |
/// | `count_include_pad` | whether c includes the padding | true | true or false |
///
/// # Errors
/// Building a model returns [`Error::Layer`](crate::Error::Layer) if a setting is out of range, if the input does not have two
/// dimensions, or if the signal is shorter than a window.
///
/// Source: `torch.nn.AvgPool1d`.
///
/// # Examples
/// ```
/// use manabi::layer::{AvgPool1d, Forward, LayerWorkspace};
/// use manabi::Layer;
/// use ndarray::array;
///
/// let pool = AvgPool1d::new(2);
/// let (x, mut y) = (array![[1.0, 2.0, 5.0, 0.0]], array![[0.0, 0.0]]);
/// let mut ws = LayerWorkspace::new(&pool, [1, 4], 1)?;
/// pool.forward(Forward::new(&mut ws, &[], &[], x.view(), y.view_mut())?);
/// assert_eq!(y, array![[1.5, 2.5]]);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias = "average_pooling")]
pub struct AvgPool1d {
    image: AvgPool2d,
}

impl AvgPool1d {
    /// Creates an average pooling layer with windows of this length, side by side.
    pub fn new(kernel: usize) -> Self {
        let mut image = AvgPool2d::new(kernel);
        image.window.rank = 1;
        Self { image }
    }

    /// Sets whether the number of values by which a sum is divided includes the padding.
    pub fn count_include_pad(mut self, count_include_pad: bool) -> Self {
        self.image.count_include_pad = count_include_pad;
        self
    }

    /// Creates the layer from its settings.
    pub(super) fn of(settings: &Settings) -> Result<Self> {
        AvgPool2d::of(settings, 1).map(|image| Self { image })
    }
}

window_setters!(AvgPool1d [image.window], usize: stride, padding);
signal_layer!(AvgPool1d, "avg_pool_1d");
