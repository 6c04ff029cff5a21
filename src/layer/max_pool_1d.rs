use super::signal::signal_layer;
use super::window::{Padding, window_setters};
use super::{Backward, Forward, Layer, MaxPool2d, TensorSpec};
use crate::error::Result;
use crate::scalar::Scalar;
use crate::settings::Settings;
use crate::shape::Shape;

/// Max pooling, which replaces each window of a signal by its largest value, channel by channel.
///
/// Formula: yᵢ = max xₘ over the values m of window i: m = i·s − p + k·d for k from 0 to K − 1, with the kernel K, the stride s,
/// the padding p and the dilation d.
///
/// Derivative: dxₘ = Σ dyᵢ over the windows whose largest value is m. If several values are equal, the first one counts as the
/// largest.
///
/// Shapes: (C, L) to (C, L′), with L′ = ⌊(L + 2p − (K − 1)·d − 1) / s⌋ + 1.
///
/// Numerics: as in [`MaxPool2d`].
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `kernel` | the length of a window | none | at least 1 |
/// | `stride` | the distance between windows | `kernel` | at least 1 |
/// | `padding` | the values that are added on each side | 0 | at most half of the window |
/// | `dilation` | the distance between the values of a window | 1 | at least 1 |
///
/// # Errors
/// Building a model returns [`Error::Layer`](crate::Error::Layer) if a setting is out of range, if the input does not have two
/// dimensions, or if the signal is shorter than a window.
///
/// Source: `torch.nn.MaxPool1d`.
///
/// # Examples
/// ```
/// use manabi::layer::{Forward, LayerWorkspace, MaxPool1d};
/// use manabi::Layer;
/// use ndarray::array;
///
/// let pool = MaxPool1d::new(2);
/// let (x, mut y) = (array![[1.0, 2.0, 5.0, 0.0]], array![[0.0, 0.0]]);
/// let mut ws = LayerWorkspace::new(&pool, [1, 4], 1)?;
/// pool.forward(Forward::new(&mut ws, &[], &[], x.view(), y.view_mut())?);
/// assert_eq!(y, array![[2.0, 5.0]]);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias = "max_pooling")]
pub struct MaxPool1d {
    image: MaxPool2d,
}

impl MaxPool1d {
    /// Creates a max pooling layer with windows of this length, side by side.
    pub fn new(kernel: usize) -> Self {
        let mut image = MaxPool2d::new(kernel);
        image.window.rank = 1;
        Self { image }
    }

    /// Creates the layer from its settings.
    pub(super) fn of(settings: &Settings) -> Result<Self> {
        MaxPool2d::of(settings, 1).map(|image| Self { image })
    }
}

window_setters!(MaxPool1d [image.window], usize: stride, padding, dilation);
signal_layer!(MaxPool1d, "max_pool_1d");
