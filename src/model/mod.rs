//! The model, [`Sequential`], with its builder and its workspaces.
//!
//! The values of a model are accessible by name and as flat slices. By name, [`parameters`](Sequential::parameters),
//! [`parameter`](Sequential::parameter), [`set_parameter`](Sequential::set_parameter) and [`buffers`](Sequential::buffers)
//! work with arrays. The slices [`parameter_values`](Sequential::parameter_values) and
//! [`buffer_values`](Sequential::buffer_values) contain all values in the order of the layers.
//!
//! # Examples
//!
//! ```
//! use manabi::prelude::*;
//!
//! let model = Sequential::<f32>::builder(2)
//!     .add_layer("affine1", Affine::new(3))
//!     .add_layer("mish1", Activation::new(Mish))
//!     .add_layer("affine2", Affine::new(1))
//!     .set_output(Identity)
//!     .set_error(MeanSquaredError)
//!     .build()?;
//! assert_eq!(model.parameter("affine1.weight")?.shape(), [2, 3]);
//! assert_eq!(model.predict(ndarray::array![[0.5, -0.5]].view())?.dim(), (1, 1));
//! # Ok::<(), manabi::Error>(())
//! ```

mod batch;
mod builder;
#[cfg(feature = "persistence")]
mod cast;
mod display;
mod end;
pub(crate) mod evaluate;
#[cfg(feature = "persistence")]
mod files;
mod finite;
pub(crate) mod guard;
mod inside;
#[cfg(feature = "persistence")]
mod load;
mod notes;
#[cfg(feature = "persistence")]
mod numbers;
mod parameters;
mod pass;
mod surgery;
mod units;
mod weights;
mod workspace;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use crate::copy_report::CopyReport;
pub(crate) use batch::Batch;
use batch::check_data;
pub use builder::SequentialBuilder;
pub(crate) use parameters::Place;
use units::Units;
use weights::Weights;
pub use workspace::Workspace;

use crate::data::Dataset;
use crate::error::Result;
use crate::layer::{Plan, Slot};
use crate::loss::Loss;
use crate::output::Output;
use crate::scalar::Scalar;
use crate::shape::Shape;

/// A feed-forward network: a sequence of layers, an output and a loss.
///
/// All parameters are stored in one flat vector. A second vector stores the buffers: values that training updates without a
/// gradient, such as running means. Prediction takes the model by shared reference, so several threads can use one model at the
/// same time. Cloning copies the parameters and buffers and shares the layers.
///
/// `Display` prints the table from the article.
///
/// # Examples
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
#[derive(Clone)]
#[doc(alias("model", "network", "create_model", "nn.Sequential"))]
pub struct Sequential<A> {
    /// Unique for every model that is built or loaded. Clones share it.
    id: u64,
    /// The layers, followed by the output.
    plan: Arc<Plan<A>>,
    output: Arc<dyn Output<A>>,
    loss: Arc<dyn Loss<A>>,
    params: Weights<A>,
    buffers: Vec<A>,
    units: Units,
    notes: BTreeMap<String, String>,
}

impl<A: Scalar> Sequential<A> {
    /// Creates a builder for a model whose samples have this shape, such as `784` or `[1, 28, 28]`.
    pub fn builder(input: impl Into<Shape>) -> SequentialBuilder<A> {
        SequentialBuilder::new(input.into())
    }

    /// Returns an identifier that is unique for every model that is built or loaded. Clones share it.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Returns the shape of a sample.
    pub fn input_shape(&self) -> Shape {
        self.plan.input()
    }

    /// Returns the number of values in a sample.
    pub fn input_dim(&self) -> usize {
        self.input_shape().size()
    }

    /// Returns the number of values in a prediction.
    pub fn output_dim(&self) -> usize {
        self.plan.output().size()
    }

    /// Checks that the samples and targets of a data set fit the model.
    pub(crate) fn check_data(&self, name: &str, data: &dyn Dataset<A>) -> Result<()> {
        check_data(name, data, self.input_shape(), self.output_dim())
    }

    /// Returns the output, which turns logits into predictions.
    pub(crate) fn output(&self) -> &(dyn Output<A> + 'static) {
        self.output.as_ref()
    }

    /// Returns the layers, without the output.
    fn slots(&self) -> &[Slot<A>] {
        &self.plan.slots[..self.plan.slots.len() - 1]
    }
}
