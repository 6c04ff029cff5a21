//! Everything needed to build and train models, in one import: `use manabi::prelude::*;`.
//!
//! The prelude exports the layers, activations, outputs, losses, optimizers, schedules, data sets and the training loop, and the
//! traits for custom parts. It exports no name that is also in the standard prelude, such as `Result`.
//!
//! # Examples
//!
//! ```
//! use manabi::prelude::*;
//!
//! let xor = Samples::labeled(ndarray::array![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0_u8, 1, 1, 0], 2)?;
//! let mut model = Sequential::<f64>::builder(2)
//!     .add_layer("affine1", Affine::new(8))
//!     .add_layer("tanh1", Activation::new(Tanh))
//!     .add_layer("affine2", Affine::new(2))
//!     .set_output(Softmax)
//!     .set_error(CrossEntropy)
//!     .build()?;
//! Trainer::new().batch_size(4).epochs(300).optimizer(Adam::new(0.05)).fit(&mut model, &xor)?;
//! assert_eq!(model.evaluate(&xor)?.accuracy, Some(1.0));
//! # Ok::<(), manabi::Error>(())
//! ```

pub use crate::activation::*;
pub use crate::data::*;
pub use crate::init::Initializer;
pub use crate::layer::*;
pub use crate::loss::*;
pub use crate::metrics::{ConfusionMatrix, Metrics};
pub use crate::model::*;
pub use crate::optim::*;
pub use crate::output::*;
#[cfg(feature = "persistence")]
pub use crate::persistence::Registry;
pub use crate::random::{Random, RandomState};
pub use crate::scalar::{Dual, Real, Scalar};
pub use crate::settings::Settings;
pub use crate::shape::Shape;
pub use crate::train::*;
