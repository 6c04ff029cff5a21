//! What the convolutions and the transposed convolutions have in common: their settings and their parameters.

use super::TensorSpec;
use super::window::{Extent, Window};
use crate::error::{Error, Result};
use crate::init::Initializer;
use crate::linalg::Kernel;
use crate::settings::{Settings, check_count};

/// The settings of a convolution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Filters {
    /// The number of output channels.
    pub channels: usize,
    pub window: Window,
    pub groups: usize,
    pub has_bias: bool,
    pub weight: Initializer,
    pub bias: Initializer,
}

impl Filters {
    pub fn new(channels: usize, kernel: Extent) -> Self {
        let (weight, bias) = (Initializer::HE_NORMAL, Initializer::ZEROS);
        Self { channels, window: Window::new(kernel), groups: 1, has_bias: true, weight, bias }
    }

    /// Checks the number of output channels and the groups, for this number of input channels.
    pub fn check(&self, inputs: usize) -> Result<()> {
        let Self { channels, groups, .. } = *self;
        check_count("channels", channels)?;
        check_count("groups", groups)?;
        if inputs.is_multiple_of(groups) && channels.is_multiple_of(groups) {
            return Ok(());
        }
        let expected = format!("a divisor of {inputs} input and {channels} output channels");
        Err(Error::setting("groups", expected, groups))
    }

    /// Declares weights of this shape, in which an output value depends on `inputs` values and an input value has an effect on
    /// `outputs` values, and the biases.
    pub fn parameters(&self, channels: [usize; 2], inputs: usize, outputs: usize) -> Vec<TensorSpec> {
        let kernel = self.window.dims(self.window.kernel);
        // The product may overflow if a file contains an absurd kernel. Its weights then do not fit in memory either.
        let size = kernel.iter().fold(1_usize, |size, &n| size.saturating_mul(n));
        let fan = |spec: TensorSpec| spec.fan(inputs.saturating_mul(size), outputs.saturating_mul(size));
        let weight = TensorSpec::new("weight", &[&channels[..], &kernel].concat(), self.weight);
        let bias = self.has_bias.then(|| fan(TensorSpec::new("bias", &[self.channels], self.bias)));
        std::iter::once(fan(weight)).chain(bias).collect()
    }

    /// Returns the number of biases.
    fn biases(&self) -> usize {
        if self.has_bias { self.channels } else { 0 }
    }

    /// Splits the parameters, or their gradient, into weights and biases.
    pub fn split<'a, A>(&self, params: &'a [A]) -> Kernel<'a, A> {
        let (weight, bias) = params.split_at(params.len() - self.biases());
        Kernel { weight, bias: self.has_bias.then_some(bias) }
    }

    /// Splits a gradient into the gradients of the weights and of the biases.
    pub fn split_mut<'a, A>(&self, grad: &'a mut [A]) -> (&'a mut [A], Option<&'a mut [A]>) {
        let (weight, bias) = grad.split_at_mut(grad.len() - self.biases());
        (weight, self.has_bias.then_some(bias))
    }

    pub fn settings(&self) -> Settings {
        let settings = self.window.settings(Settings::new().with("channels", self.channels));
        settings.with("groups", self.groups).with("bias", self.has_bias)
    }

    pub fn of(settings: &Settings, rank: usize) -> Result<Self> {
        let window = Window::of(settings, rank)?;
        let (groups, has_bias) = (settings.count("groups")?, settings.flag("bias")?);
        Ok(Self { window, groups, has_bias, ..Self::new(settings.count("channels")?, window.kernel) })
    }
}

/// Returns an error that names a part of the geometry that is too large to be computed.
pub(super) fn too_large(name: &str, value: usize) -> Error {
    Error::setting(name, "one that fits in memory", value)
}

/// Defines setters of a layer whose [`Filters`] are at a path.
macro_rules! setters {
    ($layer:ident [$($path:tt)+]) => {
        impl $layer {
            /// Sets the number of groups. The output channels of a group depend only on the input channels of the group.
            pub fn groups(mut self, groups: usize) -> Self {
                self.$($path)+.groups = groups;
                self
            }

            /// Sets whether the layer adds a bias to every output channel.
            pub fn bias(mut self, has_bias: bool) -> Self {
                self.$($path)+.has_bias = has_bias;
                self
            }

            /// Sets the initializer of the weights.
            pub fn weight_initializer(mut self, weight: Initializer) -> Self {
                self.$($path)+.weight = weight;
                self
            }

            /// Sets the initializer of the biases.
            pub fn bias_initializer(mut self, bias: Initializer) -> Self {
                self.$($path)+.bias = bias;
                self
            }
        }
    };
}
pub(super) use setters;
