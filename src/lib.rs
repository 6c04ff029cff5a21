//! manabi

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod activation;
mod data;
mod error;
pub mod gradcheck;
mod init;
mod layer;
mod linalg;
mod loss;
mod metrics;
mod model;
mod optim;
mod output;
mod random;
mod scalar;
mod simd;
mod train;

pub use ndarray;

pub use activation::{ActFn, Identity, Mish, Relu, Sigmoid, Softplus, Swish, Tanh};
pub use data::{Dataset, Images, Normalizer, Samples};
pub use error::{Error, Result};
pub use init::{Distribution, Fan, Initializer};
pub use layer::{Activation, Affine, Backward, Forward, Layer, Parameter};
pub use loss::{BinaryCrossEntropy, CrossEntropy, Loss, MeanSquaredError};
pub use metrics::Metrics;
pub use model::{Builder, Sequential, Workspace};
pub use optim::{Optimizer, Sgd};
pub use output::{Link, Output, Softmax};
pub use random::{FromRng, Random, RandomState};
pub use scalar::Scalar;
pub use train::{BatchProgress, Epoch, History, Observer, Termination, Trainer};
