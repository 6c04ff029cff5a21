use super::filters::setters;
use super::signal::signal_layer;
use super::window::{Padding, window_setters};
use super::{Backward, Conv2d, Forward, Layer, TensorSpec};
use crate::error::Result;
use crate::init::Initializer;
use crate::scalar::Scalar;
use crate::settings::Settings;
use crate::shape::Shape;

/// A convolution of signals, such as time series or sounds: every output value is a weighted sum of the values under a kernel
/// that moves along the signal.
///
/// Formula: y\[o, s\] = b\[o\] + Σ w\[o, c, j\]·x\[c, s·S + j·D − P\], summed over the input channels c of the group of o and
/// over the places j of the kernel, with stride S, dilation D and padding P. Values outside the signal are 0.
///
/// Derivative: ∂L/∂w\[o, c, j\] = Σ dy\[o, s\]·x\[c, s·S + j·D − P\], summed over the batch and over s; ∂L/∂b\[o\] = Σ dy\[o,
/// s\]; ∂L/∂x\[c, v\] = Σ w\[o, c, j\]·dy\[o, s\], summed over all terms of the formula that contain x\[c, v\].
///
/// Shapes: X (batch, channels_in, length), w = `weight` (channels, channels_in/groups, kernel), b = `bias` (channels), Y (batch,
/// channels, length') with length' = ⌊(length + 2P − D·(kernel − 1) − 1)/S⌋ + 1.
///
/// Numerics: as in [`Conv2d`], with a kernel and images of one row.
///
/// In files: names and shapes are those of `torch.nn.Conv1d`.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `channels` | the number of output channels | none | 1 or more |
/// | `kernel` | the length of the kernel | none | 1 or more |
/// | `stride` | the number of values by which the kernel moves | 1 | 1 or more |
/// | `padding` | the number of zeros on each side, or [`Padding::Same`] | 0 | one number; [`Padding::Same`] requires stride 1 |
/// | `dilation` | the distance of the values that neighbouring weights meet | 1 | 1 or more |
/// | `groups` | the number of groups of channels | 1 | divides both numbers of channels |
/// | `bias` | whether the layer has biases | true | true or false |
/// | `weight_initializer` | sets the initial weights | [`Initializer::HE_NORMAL`] | any |
/// | `bias_initializer` | sets the initial biases | [`Initializer::ZEROS`] | any |
///
/// # Errors
/// Building a model returns [`Error::Layer`](crate::Error::Layer) if a setting is out of its range, if the input does not have
/// two dimensions, or if the signal with its padding is shorter than the kernel with its dilation.
///
/// Source: Waibel et al., *Phoneme recognition using time-delay neural networks*, 1989; settings as in `torch.nn.Conv1d`.
///
/// # Examples
/// ```
/// use manabi::layer::{Conv1d, Forward, LayerWorkspace};
/// use manabi::Layer;
/// use ndarray::array;
///
/// // The differences of neighbouring values.
/// let conv = Conv1d::new(1, 2).bias(false);
/// let (x, mut y) = (array![[1.0, 2.0, 5.0, 7.0]], array![[0.0, 0.0, 0.0]]);
/// let mut ws = LayerWorkspace::new(&conv, [1, 4], 1)?;
/// conv.forward(Forward::new(&mut ws, &[-1.0, 1.0], &[], x.view(), y.view_mut())?);
/// assert_eq!(y, array![[1.0, 3.0, 2.0]]);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("convolution", "Convolution1D", "time series"))]
pub struct Conv1d {
    image: Conv2d,
}

impl Conv1d {
    /// Creates a convolution with `channels` output channels and a kernel of this length.
    pub fn new(channels: usize, kernel: usize) -> Self {
        let mut image = Conv2d::new(channels, kernel);
        image.filters.window.rank = 1;
        Self { image }
    }

    /// Creates the layer from its settings.
    pub(super) fn of(settings: &Settings) -> Result<Self> {
        Conv2d::of(settings, 1).map(|image| Self { image })
    }
}

window_setters!(Conv1d [image.filters.window], usize: stride, padding, dilation);
setters!(Conv1d[image.filters]);
signal_layer!(Conv1d, "conv_1d");
