use super::filters::{Filters, setters};
use super::window::{Extent, Padding, window_setters};
use super::{Backward, Forward, Layer, TensorSpec, flat, flat_mut};
use crate::error::Result;
use crate::init::Initializer;
use crate::linalg::{Convolution, Kernel};
use crate::scalar::Scalar;
use crate::settings::Settings;
use crate::shape::Shape;

/// A convolution of images: every output value is a weighted sum of the pixels under a kernel that moves over the image.
///
/// Formula: y\[o, r, s\] = b\[o\] + Σ w\[o, c, i, j\]·x\[c, r·S + i·D − P, s·S + j·D − P\], summed over the input channels c of
/// the group of o, and over the rows i and columns j of the kernel, with stride S, dilation D and padding P. Pixels outside the
/// image are 0.
///
/// Derivative: ∂L/∂w\[o, c, i, j\] = Σ dy\[o, r, s\]·x\[c, r·S + i·D − P, s·S + j·D − P\], summed over the batch and over r and
/// s; ∂L/∂b\[o\] = Σ dy\[o, r, s\]; ∂L/∂x\[c, u, v\] = Σ w\[o, c, i, j\]·dy\[o, r, s\], summed over all terms of the formula that
/// contain x\[c, u, v\].
///
/// Shapes: X (batch, channels_in, height, width), w = `weight` (channels, channels_in/groups, kernel height, kernel width), b =
/// `bias` (channels), Y (batch, channels, height', width') with height' = ⌊(height + 2P − D·(kernel height − 1) − 1)/S⌋ + 1, and
/// width' likewise.
///
/// Numerics: an output value is one chain of fused multiply-adds, which starts from the bias and runs through c, i and j in
/// order. A chain is divided into equal blocks of at most 512, as in [`Engine`](crate::linalg::Engine). Pixels of the padding are
/// part of the chain. So it is with ∂L/∂x, whose chain starts from 0 and runs through o, i and j. The batch is divided into at
/// most 8 parts of consecutive samples. In each part, the gradients with respect to w and b of every sample have a chain over the
/// pixels, or 16 chains if a group has few output channels or few weights for each, and the sums are added in the order of the
/// samples. The sums of the parts, and then of the chains, are added in order. The bits depend neither on the number of threads
/// nor on the instruction set.
///
/// In files: names and shapes are those of `torch.nn.Conv2d`.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `channels` | the number of output channels | none | 1 or more |
/// | `kernel` | the height and the width of the kernel | none | 1 or more |
/// | `stride` | the number of pixels by which the kernel moves | 1 | 1 or more |
/// | `padding` | the number of zeros around the image, or [`Padding::Same`] | 0 | any; [`Padding::Same`] requires stride 1 |
/// | `dilation` | the distance of the pixels that neighbouring weights meet | 1 | 1 or more |
/// | `groups` | the number of groups of channels | 1 | divides both numbers of channels |
/// | `bias` | whether the layer has biases | true | true or false |
/// | `weight_initializer` | sets the initial weights | [`Initializer::HE_NORMAL`] | any |
/// | `bias_initializer` | sets the initial biases | [`Initializer::ZEROS`] | any |
///
/// With as many groups as input channels, the convolution is called *depthwise*.
///
/// # Errors
/// Building a model returns [`Error::Layer`](crate::Error::Layer) if a setting is out of its range, if the input does not have
/// three dimensions, or if the image with its padding is smaller than the kernel with its dilation.
///
/// Source: LeCun et al., *Gradient-based learning applied to document recognition*, 1998; settings as in `torch.nn.Conv2d`.
///
/// # Examples
/// ```
/// use manabi::layer::{Conv2d, Forward, LayerWorkspace};
/// use manabi::Layer;
/// use ndarray::array;
///
/// // The sums of neighbouring pixels.
/// let conv = Conv2d::new(1, [1, 2]).bias(false);
/// let (x, mut y) = (array![[1.0, 2.0, 5.0, 7.0, 0.0, 1.0]], array![[0.0, 0.0, 0.0, 0.0]]);
/// let mut ws = LayerWorkspace::new(&conv, [1, 2, 3], 1)?;
/// conv.forward(Forward::new(&mut ws, &[1.0, 1.0], &[], x.view(), y.view_mut())?);
/// assert_eq!(y, array![[3.0, 7.0, 7.0, 1.0]]);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("convolution", "Convolution2D"))]
pub struct Conv2d {
    pub(super) filters: Filters,
}

impl Conv2d {
    /// Creates a convolution with `channels` output channels and a kernel of this size.
    pub fn new(channels: usize, kernel: impl Into<Extent>) -> Self {
        Self { filters: Filters::new(channels, kernel.into()) }
    }

    /// Returns the geometry for an input shape.
    fn geometry(&self, input: Shape) -> Result<Convolution> {
        let Filters { channels, groups, window, .. } = self.filters;
        let axes = window.axes(input)?;
        let inputs = input.dims()[0];
        self.filters.check(inputs)?;
        Ok(Convolution { groups, channels: inputs / groups, filters: channels / groups, axes })
    }

    /// Returns the geometry for the input shape of a pass.
    fn checked(&self, input: Shape) -> Convolution {
        self.geometry(input).expect("the input shape was checked when the pass was created")
    }

    /// Creates the layer from its settings, for images or for signals.
    pub(super) fn of(settings: &Settings, rank: usize) -> Result<Self> {
        Filters::of(settings, rank).map(|filters| Self { filters })
    }
}

window_setters!(Conv2d [filters.window], impl Into<Extent>: stride, padding, dilation);
setters!(Conv2d[filters]);

impl<A: Scalar> Layer<A> for Conv2d {
    fn kind(&self) -> &str {
        "conv_2d"
    }

    fn output_shape(&self, input: Shape) -> Result<Shape> {
        let [high, wide] = self.geometry(input)?.axes;
        Ok(self.filters.window.shape(self.filters.channels, [high.output, wide.output]))
    }

    fn parameters(&self, input: Shape) -> Vec<TensorSpec> {
        let Ok(Convolution { channels, filters, .. }) = self.geometry(input) else { return Vec::new() };
        self.filters.parameters([self.filters.channels, channels], channels, filters)
    }

    fn row_wise(&self, _training: bool) -> bool {
        true
    }

    fn settings(&self) -> Option<Settings> {
        Some(self.filters.settings())
    }

    #[inline(never)]
    fn forward(&self, mut pass: Forward<'_, A>) {
        let (shape, kernel) = (self.checked(pass.input), self.filters.split(pass.params));
        pass.engine.convolve(shape, kernel, flat(&pass.x), flat_mut(&mut pass.y));
    }

    #[inline(never)]
    fn backward(&self, pass: Backward<'_, A>) {
        let Backward { params, input, x, dy, dx, grad, engine, .. } = pass;
        let (shape, kernel) = (self.checked(input), self.filters.split(params));
        if let Some(grad) = grad {
            let (d_weight, d_bias) = self.filters.split_mut(grad);
            engine.convolve_weights(shape, flat(&x), flat(&dy), d_weight, d_bias);
        }
        if let Some(mut dx) = dx {
            engine.convolve_back(shape, Kernel { bias: None, ..kernel }, flat(&dy), flat_mut(&mut dx));
        }
    }
}
