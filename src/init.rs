//! Initial weights: the He (Kaiming), Glorot (Xavier) and LeCun initializers, which share one formula.

use std::fmt;

use ndarray::Array2;

use crate::random::Random;

/// A rule for the initial values of a parameter.
///
/// Formula: independent draws with variance `scale / fan`, from the normal distribution (not truncated) or from the uniform
/// distribution on ±√(3·variance).
///
/// | name | scale | fan | source |
/// |---|---|---|---|
/// | He | 2 | fan_in | He et al., *Delving deep into rectifiers*, 2015 |
/// | Glorot (Xavier) | 1 | (fan_in + fan_out)/2 | Glorot and Bengio, *Understanding the difficulty…*, 2010 |
/// | LeCun | 1 | fan_in | LeCun et al., *Efficient BackProp*, 1998 |
/// | PyTorch's default | 1/3 | fan_in | PyTorch: `Linear.reset_parameters` |
/// | PyTorch's default for recurrent layers | 1/3 | fan_out | PyTorch: `RNNBase.reset_parameters` |
///
/// Keras's defaults are [`GLOROT_UNIFORM`](Initializer::GLOROT_UNIFORM) for weights and [`ZEROS`](Initializer::ZEROS) for biases;
/// PyTorch's are [`PYTORCH`](Initializer::PYTORCH) for both. The guide says
/// [which to choose](crate::guide::training#choose-the-first-weights).
///
/// # Examples
///
/// ```
/// use manabi::init::Initializer;
/// use manabi::random::RandomState;
///
/// let w = Initializer::HE_NORMAL.draw((784, 100), (784, 100), &mut RandomState::new(10));
/// assert_eq!(w[[0, 0]], 0.06725527477189078); // NumPy: RandomState(10).normal(0, sqrt(2/784))
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
#[doc(alias("Xavier", "Kaiming", "He", "Glorot", "LeCun", "weight initialization"))]
pub enum Initializer {
    /// The same value for all elements. Draws no random numbers.
    Constant(f64),
    /// Independent draws with variance `scale / fan`.
    VarianceScaling {
        /// The numerator of the variance. With [`Fan::In`], it is the ratio between the variance of a unit's sum and the mean
        /// square of its inputs.
        scale: f64,
        /// The denominator of the variance.
        fan: Fan,
        /// The distribution of the draws.
        distribution: Distribution,
    },
}

/// The denominator of a variance: the number of connections of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fan {
    /// The number of inputs. Preserves the magnitude of activations in the forward pass.
    In,
    /// The number of outputs. Preserves the magnitude of gradients in the backward pass.
    Out,
    /// The mean of the numbers of inputs and outputs.
    Average,
}

/// The distribution of initial weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// The normal distribution with mean 0.
    Normal,
    /// The uniform distribution on an interval with centre 0.
    Uniform,
}

impl Initializer {
    /// All zeros.
    pub const ZEROS: Self = Self::Constant(0.0);
    /// Normal with variance 2 / fan_in, for ReLU, Swish, Mish and similar activations.
    #[doc(alias = "Kaiming normal")]
    pub const HE_NORMAL: Self = Self::scaled(2.0, Fan::In, Distribution::Normal);
    /// Uniform with variance 2 / fan_in.
    #[doc(alias = "Kaiming uniform")]
    pub const HE_UNIFORM: Self = Self::scaled(2.0, Fan::In, Distribution::Uniform);
    /// Normal with variance 2 / (fan_in + fan_out), for tanh and sigmoid.
    #[doc(alias = "Xavier normal")]
    pub const GLOROT_NORMAL: Self = Self::scaled(1.0, Fan::Average, Distribution::Normal);
    /// Uniform with variance 2 / (fan_in + fan_out).
    #[doc(alias = "Xavier uniform")]
    pub const GLOROT_UNIFORM: Self = Self::scaled(1.0, Fan::Average, Distribution::Uniform);
    /// Normal with variance 1 / fan_in, for SELU.
    pub const LECUN_NORMAL: Self = Self::scaled(1.0, Fan::In, Distribution::Normal);
    /// Uniform with variance 1 / fan_in.
    pub const LECUN_UNIFORM: Self = Self::scaled(1.0, Fan::In, Distribution::Uniform);

    /// Uniform with variance 1/(3·fan_in), that is, on ±1/√fan_in: the default of PyTorch's `Linear` and `Conv2d`, for weights
    /// and for biases. A bias has the fan of its weight.
    #[doc(alias = "PyTorch default")]
    pub const PYTORCH: Self = Self::scaled(1.0 / 3.0, Fan::In, Distribution::Uniform);

    /// Uniform with variance 1/(3·fan_out), that is, on ±1/√fan_out: the default of PyTorch's recurrent layers, for weights and
    /// for biases. The number of outputs is the number of units.
    pub const PYTORCH_RECURRENT: Self = Self::scaled(1.0 / 3.0, Fan::Out, Distribution::Uniform);

    const fn scaled(scale: f64, fan: Fan, distribution: Distribution) -> Self {
        Self::VarianceScaling { scale, fan, distribution }
    }

    /// Returns an array with this shape, filled row by row, for a parameter that connects `fan.0` inputs to `fan.1` outputs.
    ///
    /// # Panics
    ///
    /// Panics if the size of the array overflows `isize`.
    pub fn draw(&self, shape: (usize, usize), fan: (usize, usize), random: &mut dyn Random) -> Array2<f64> {
        match *self {
            Self::Constant(value) => Array2::from_elem(shape, value),
            Self::VarianceScaling { scale, fan: mode, distribution } => {
                let variance = scale / mode.of(fan);
                match distribution {
                    Distribution::Normal => random.normal(shape, 0.0, variance.sqrt()),
                    Distribution::Uniform => {
                        let limit = (3.0 * variance).sqrt();
                        random.uniform(shape, -limit, limit)
                    }
                }
            }
        }
    }
}

impl fmt::Display for Initializer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(value) => write!(f, "constant {value}"),
            Self::VarianceScaling { scale, fan, distribution } => {
                write!(f, "{distribution:?} initializer with scale {scale} and fan {fan:?}")
            }
        }
    }
}

impl Fan {
    fn of(self, (fan_in, fan_out): (usize, usize)) -> f64 {
        match self {
            Self::In => fan_in as f64,
            Self::Out => fan_out as f64,
            Self::Average => (fan_in as f64 + fan_out as f64) / 2.0,
        }
    }
}
