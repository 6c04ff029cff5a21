//! The network: layers in order, an output, a loss.

mod builder;
mod display;
mod finite;
#[cfg(feature = "persistence")]
mod numbers;
mod parameters;
mod parts;
mod pass;
mod units;
mod workspace;

use std::ops::Range;
use std::sync::Arc;

pub use builder::Builder;
pub(crate) use parameters::Place;
use units::Units;
pub use workspace::Workspace;

use crate::layer::{Layer, Parameter};
use crate::loss::Loss;
use crate::output::Output;
use crate::scalar::Scalar;

/// A network of layers that follow one another.
///
/// It is its parameters, in one flat vector, and the description of what they mean. (Some layers add buffers, numbers that
/// training changes without a gradient; they lie in a vector of their own.) Prediction takes it by shared
/// reference, so many threads can use one model at once. Cloning copies the parameters and shares the description.
///
/// Its `Display` is the table that the article prints:
///
/// ```
/// use manabi::{Activation, Affine, CrossEntropy, Sequential, Softmax, Swish};
///
/// let model = Sequential::<f64>::builder(784)
///     .add_layer("affine1", Affine::new(100))
///     .add_layer("swish1", Activation::new(Swish::new(1.0)))
///     .add_layer("affine2", Affine::new(10))
///     .set_output(Softmax)
///     .set_error(CrossEntropy)
///     .seed(10)
///     .build()?;
/// let table = "input - 0 784
/// affine1 affine 784 100
/// swish1 swish 100 100
/// affine2 affine 100 10
/// output softmax 10
/// error cross_entropy_error";
/// assert_eq!(model.to_string(), table);
///
/// let y = model.predict(ndarray::Array2::zeros((3, 784)).view())?;
/// assert_eq!(y.dim(), (3, 10));
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sequential<A> {
    input_dim: usize,
    slots: Vec<Slot<A>>,
    output: Arc<dyn Output<A>>,
    loss: Arc<dyn Loss<A>>,
    params: Vec<A>,
    buffers: Vec<A>,
    units: Units,
}

/// A layer in its place.
#[derive(Clone, Debug)]
struct Slot<A> {
    name: String,
    layer: Arc<dyn Layer<A>>,
    input_dim: usize,
    output_dim: usize,
    parameters: Vec<Parameter>,
    /// Where its parameters lie in the flat vector.
    range: Range<usize>,
    buffers: Vec<Parameter>,
    /// Where its buffers lie in theirs.
    buffer_range: Range<usize>,
}

impl<A: Scalar> Sequential<A> {
    /// Begins a model for samples of this width.
    pub fn builder(input_dim: usize) -> Builder<A> {
        Builder::new(input_dim)
    }

    /// The width of a sample.
    pub fn input_dim(&self) -> usize {
        self.input_dim
    }

    /// The width of a prediction.
    pub fn output_dim(&self) -> usize {
        self.slots.last().map_or(self.input_dim, |slot| slot.output_dim)
    }

    /// What makes predictions of the last layer's numbers.
    pub(crate) fn output(&self) -> &(dyn Output<A> + 'static) {
        self.output.as_ref()
    }

    /// The widths at all boundaries: of the input, then of every layer's output.
    fn widths(&self) -> impl Iterator<Item = usize> {
        std::iter::once(self.input_dim).chain(self.slots.iter().map(|slot| slot.output_dim))
    }
}
