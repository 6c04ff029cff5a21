use super::filters::{Filters, setters, too_large};
use super::window::{Extent, Padding, window_setters};
use super::{Backward, Forward, Layer, TensorSpec, flat, flat_mut};
use crate::error::{Error, Result};
use crate::init::Initializer;
use crate::lanes::Lanes;
use crate::linalg::{Axis, Convolution, Kernel};
use crate::scalar::Scalar;
use crate::settings::Settings;
use crate::shape::Shape;
use crate::simd::dispatch;

/// A transposed convolution of images: every input value adds the weights of a kernel, scaled by the value, to the output.
///
/// The layer computes what the backward pass of [`Conv2d`](super::Conv2d) computes for dX. It makes images larger: with stride S,
/// by about the factor S.
///
/// Formula: y\[o, u, v\] = b\[o\] + Σ w\[c, o, i, j\]·x\[c, r, s\], summed over all input channels c of the group of o, and over
/// r, s, i and j with u = r·S + i·D − P and v = s·S + j·D − P, for stride S, dilation D and padding P.
///
/// Derivative: ∂L/∂x\[c, r, s\] = Σ w\[c, o, i, j\]·dy\[o, r·S + i·D − P, s·S + j·D − P\], which is a convolution of dY;
/// ∂L/∂w\[c, o, i, j\] = Σ x\[c, r, s\]·dy\[o, r·S + i·D − P, s·S + j·D − P\], summed over the batch and over r and s; ∂L/∂b\[o\]
/// = Σ dy\[o, u, v\].
///
/// Shapes: X (batch, channels_in, height, width), w = `weight` (channels_in, channels/groups, kernel height, kernel width), b =
/// `bias` (channels), Y (batch, channels, height', width') with height' = (height − 1)·S − 2P + D·(kernel height − 1) +
/// output padding + 1, and width' likewise.
///
/// Numerics: an output value is one chain of fused multiply-adds, which starts from the bias and runs through c, i and j in
/// order. A chain is divided into equal blocks of at most 512. The other sums have the order of [`Conv2d`](super::Conv2d). The
/// bits depend neither on the number of threads nor on the instruction set.
///
/// In files: names and shapes are those of `torch.nn.ConvTranspose2d`.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `channels` | the number of output channels | none | 1 or more |
/// | `kernel` | the height and the width of the kernel | none | 1 or more |
/// | `stride` | the distance of the kernels of neighbouring input values | 1 | 1 or more |
/// | `padding` | the number of pixels that are removed on each side of the output | 0 | leaves at least 1 pixel |
/// | `output_padding` | the number of additional pixels at the bottom and on the right | 0 | below the stride or the dilation |
/// | `dilation` | the distance of the pixels that neighbouring weights meet | 1 | 1 or more |
/// | `groups` | the number of groups of channels | 1 | divides both numbers of channels |
/// | `bias` | whether the layer has biases | true | true or false |
/// | `weight_initializer` | sets the initial weights | [`Initializer::HE_NORMAL`] | any |
/// | `bias_initializer` | sets the initial biases | [`Initializer::ZEROS`] | any |
///
/// # Errors
/// Building a model returns [`Error::Layer`](crate::Error::Layer) if a setting is out of its range, or if the input does not have
/// three dimensions.
///
/// Source: Zeiler et al., *Deconvolutional networks*, 2010; settings as in `torch.nn.ConvTranspose2d`.
///
/// # Examples
/// ```
/// use manabi::layer::{ConvTranspose2d, Forward, LayerWorkspace};
/// use manabi::Layer;
/// use ndarray::array;
///
/// // Every pixel twice, in both directions.
/// let double = ConvTranspose2d::new(1, 2).stride(2).bias(false);
/// let (x, mut y) = (array![[1.0, 5.0]], array![[0.0; 8]]);
/// let mut ws = LayerWorkspace::new(&double, [1, 1, 2], 1)?;
/// double.forward(Forward::new(&mut ws, &[1.0; 4], &[], x.view(), y.view_mut())?);
/// assert_eq!(y, array![[1.0, 1.0, 5.0, 5.0, 1.0, 1.0, 5.0, 5.0]]);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("deconvolution", "Conv2DTranspose", "fractionally strided convolution"))]
pub struct ConvTranspose2d {
    filters: Filters,
    output_padding: Extent,
}

impl ConvTranspose2d {
    /// Creates a transposed convolution with `channels` output channels and a kernel of this size.
    pub fn new(channels: usize, kernel: impl Into<Extent>) -> Self {
        Self { filters: Filters::new(channels, kernel.into()), output_padding: 0.into() }
    }

    /// Sets the number of pixels that are removed on each side of the output.
    pub fn padding(mut self, padding: impl Into<Extent>) -> Self {
        self.filters.window.padding = Padding::Pixels(padding.into());
        self
    }

    /// Sets the number of additional pixels at the bottom and on the right of the output.
    pub fn output_padding(self, output_padding: impl Into<Extent>) -> Self {
        Self { output_padding: output_padding.into(), ..self }
    }

    /// Returns the geometry of the convolution whose input is the output of this layer.
    fn geometry(&self, input: Shape) -> Result<Convolution> {
        let Filters { channels, groups, window, .. } = self.filters;
        window.check(input)?;
        let inputs = input.dims()[0];
        self.filters.check(inputs)?;
        let Padding::Pixels(padding) = window.padding else {
            return Err(Error::setting("padding", "a number of pixels", "Same"));
        };
        let sizes = |e: Extent| [e.height, e.width];
        let (kernel, stride, dilation) = (sizes(window.kernel), sizes(window.stride), sizes(window.dilation));
        let (padding, more) = (sizes(padding), sizes(self.output_padding));
        let axis =
            |i: usize| axis(input.dims()[1 + i], [kernel[i], stride[i], dilation[i]], padding[i], more[i]);
        let axes = [axis(0)?, axis(1)?];
        Ok(Convolution { groups, channels: channels / groups, filters: inputs / groups, axes })
    }

    /// Returns the geometry for the input shape of a pass.
    fn checked(&self, input: Shape) -> Convolution {
        self.geometry(input).expect("the input shape was checked when the pass was created")
    }

    /// Creates the layer from its settings.
    pub(super) fn of(settings: &Settings) -> Result<Self> {
        let output_padding = super::window::extent(settings, "output_padding", 2)?;
        Filters::of(settings, 2).map(|filters| Self { filters, output_padding })
    }
}

window_setters!(ConvTranspose2d [filters.window], impl Into<Extent>: stride, dilation);
setters!(ConvTranspose2d[filters]);

/// Returns the geometry in one direction of the convolution that maps an image of the output's size to the input's size.
fn axis(input: usize, sizes: [usize; 3], padding: usize, more: usize) -> Result<Axis> {
    let [kernel, stride, dilation] = sizes;
    if more >= stride.max(dilation) {
        let expected = format!("below {}, the stride or the dilation", stride.max(dilation));
        return Err(Error::setting("output_padding", expected, more));
    }
    let reach = (input - 1).checked_mul(stride).zip((kernel - 1).checked_mul(dilation));
    let Some((moved, reach)) = reach.filter(|&(a, b)| a.max(b) < usize::MAX / 8) else {
        return Err(too_large("stride", stride));
    };
    let size = (moved + reach + more + 1).checked_sub(padding.saturating_mul(2)).filter(|&size| size > 0);
    let Some(size) = size else {
        let expected = format!("at most {}, which leaves a pixel", (moved + reach + more) / 2);
        return Err(Error::setting("padding", expected, padding));
    };
    Ok(Axis { input: size, output: input, kernel, stride, dilation, before: padding })
}

impl<A: Scalar> Layer<A> for ConvTranspose2d {
    fn kind(&self) -> &str {
        "conv_transpose_2d"
    }

    fn output_shape(&self, input: Shape) -> Result<Shape> {
        let [high, wide] = self.geometry(input)?.axes;
        Ok([self.filters.channels, high.input, wide.input].into())
    }

    fn parameters(&self, input: Shape) -> Vec<TensorSpec> {
        let Ok(Convolution { channels, filters, groups, .. }) = self.geometry(input) else {
            return Vec::new();
        };
        self.filters.parameters([filters * groups, channels], filters, channels)
    }

    fn row_wise(&self, _training: bool) -> bool {
        true
    }

    fn settings(&self) -> Option<Settings> {
        let Extent { height, width } = self.output_padding;
        Some(self.filters.settings().with("output_padding", vec![height as f64, width as f64]))
    }

    #[inline(never)]
    fn forward(&self, mut pass: Forward<'_, A>) {
        let (shape, kernel) = (self.checked(pass.input), self.filters.split(pass.params));
        pass.engine.convolve_back(shape, kernel, flat(&pass.x), flat_mut(&mut pass.y));
    }

    #[inline(never)]
    fn backward(&self, pass: Backward<'_, A>) {
        let Backward { params, input, output, x, dy, dx, grad, engine, .. } = pass;
        let (shape, kernel) = (self.checked(input), self.filters.split(params));
        if let Some(grad) = grad {
            let (d_weight, d_bias) = self.filters.split_mut(grad);
            engine.convolve_weights(shape, flat(&dy), flat(&x), d_weight, None);
            if let Some(d_bias) = d_bias {
                channel_sums(flat(&dy), output.size() / d_bias.len(), d_bias);
            }
        }
        if let Some(mut dx) = dx {
            engine.convolve(shape, Kernel { bias: None, ..kernel }, flat(&dy), flat_mut(&mut dx));
        }
    }
}

/// Writes the sums of the values of each channel, which has `pixels` values in each sample.
fn channel_sums<A: Scalar>(values: &[A], pixels: usize, sums: &mut [A]) {
    let channels = sums.len();
    dispatch(
        #[inline(always)]
        || {
            sums.fill(A::zero());
            for (i, values) in values.chunks_exact(pixels).enumerate() {
                let mut lanes = Lanes::new();
                lanes.add([values], |[value]| value);
                sums[i % channels] += lanes.total();
            }
        },
    );
}
