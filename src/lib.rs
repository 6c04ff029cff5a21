//! A small, fast, exact neural-network library on [`ndarray`].
//!
//! ```
//! use manabi::{Activation, Affine, CrossEntropy, Mnist, Normalizer, Sequential, Sgd, Softmax, Swish, Trainer};
//!
//! // Real digits come from `Mnist::load(folder)`.
//! let Mnist { train, test } = Mnist::synthetic(1000, 200, 0)?;
//! let normalizer = Normalizer::min_max(train.pixels())?;
//! let (train, test) = (train.normalize(&normalizer)?, test.normalize(&normalizer)?);
//!
//! let mut model = Sequential::<f32>::builder(784)
//!     .add_layer("affine1", Affine::new(50))
//!     .add_layer("swish1", Activation::new(Swish::new(1.0)))
//!     .add_layer("affine2", Affine::new(10))
//!     .set_output(Softmax)
//!     .set_error(CrossEntropy)
//!     .seed(10)
//!     .build()?;
//! let history = Trainer::new().epochs(5).optimizer(Sgd::new(0.1)).test(&test).fit(&mut model, &train)?;
//!
//! let (first, last) = (history.epochs[0].test.unwrap(), history.epochs[5].test.unwrap());
//! assert!(last.loss < 0.7 * first.loss);
//! let probabilities = model.predict(ndarray::Array2::zeros((1, 784)).view())?;
//! assert_eq!(probabilities.dim(), (1, 10));
//! # Ok::<(), manabi::Error>(())
//! ```
//!
//! # Build profile
//!
//! So that a debug build trains nearly as fast as a release build, add to your `Cargo.toml`:
//!
//! ```toml
//! [profile.dev.package."*"]
//! opt-level = 3
//! ```
//!
//! All built-in layers, losses and optimizers are compiled in the library, for `f32` and `f64`. An activation or a layer of your
//! own is compiled in your crate: to optimise it too, set `opt-level = 3` under `[profile.dev]`, or build with `--release`.
//! Without these lines an epoch of MNIST takes minutes instead of half a second.
//!
//! # Notation
//!
//! | symbol | shape | meaning |
//! |---|---|---|
//! | X, Y | (batch, width) | input and output of a layer, a row per sample |
//! | u, z | (batch, width) | input and output of an activation, z = f(u) |
//! | W, b | (fan_in, fan_out), (fan_out) | weight and bias of an affine layer |
//! | y, t | (batch, outputs) | predictions and targets |
//! | L | | loss: the mean over a batch |
//! | dX, dY, … | as X, Y, … | ∂L/∂X, ∂L/∂Y, … |
//! | θ, g | (parameters) | all parameters, and ∂L/∂θ |
//! | η | | learning rate |
//! | σ | | the logistic sigmoid 1/(1 + e⁻ˣ) |
//!
//! # Where to begin
//!
//! [`Sequential`] is a model and [`Trainer`] its training; [`Stepper`] is the one line of a training loop of your own.
//! [`Split`] holds out samples to validate with, and [`EarlyStopping`] ends a run by them.
//! [`ActFn`] and [`Layer`] are what you implement for an activation or a layer of your own; [`gradcheck`] tells whether its
//! derivative is right, [`conformance`] whether a layer keeps all its promises.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod activation;
mod buffer;
#[doc(hidden)]
pub mod compiled;
pub mod conformance;
mod data;
mod error;
pub mod gradcheck;
mod init;
mod layer;
mod linalg;
mod loss;
pub mod metrics;
mod model;
mod optim;
mod output;
mod parallel;
#[cfg(feature = "persistence")]
mod persistence;
mod random;
mod scalar;
mod settings;
mod shape;
pub mod simd;
mod train;
mod unfinished;

pub use ndarray;

pub use activation::{
    ActFn, Celu, Elu, Gelu, GeluTanh, HardSigmoid, HardSwish, HardTanh, Identity, LeakyRelu, LogSigmoid,
    Mish, PRelu, Relu, Relu6, Selu, Sigmoid, Silu, Softplus, Softsign, Swish, Tanh, TanhExp, TrainableActFn,
};
#[cfg(feature = "download")]
pub use data::Download;
pub use data::{
    Augment, Dataset, Images, Mnist, Normalizer, Place, Samples, Split, Subset, idx, synthetic_digits,
};
pub use error::{Error, Result};
pub use init::{Distribution, Fan, Initializer};
pub use layer::{
    Activation, Affine, Backward, BatchNorm, Chain, Concat, Dropout, Flatten, Forward, Kept, KeptMut, Layer,
    LayerNorm, LayerWorkspace, Reshape, Residual, Scratch, TensorSpec, Trainable, Training,
};
pub use linalg::Engine;
pub use loss::{
    BinaryCrossEntropy, CrossEntropy, Huber, Loss, MeanAbsoluteError, MeanSquaredError,
    WeightedBinaryCrossEntropy, WeightedCrossEntropy,
};
pub use metrics::Metrics;
pub use model::{Builder, Sequential, Workspace};
pub use optim::{
    AdaDelta, AdaGrad, Adam, AdamW, ByEpoch, Clip, Constant, CosineDecay, ExponentialDecay, Lion, Momentum,
    NAdam, Nesterov, OneCycle, Optimizer, OptimizerState, Plateau, PolynomialDecay, RAdam, ReduceOnPlateau,
    RmsProp, Schedule, Sgd, Step, StepDecay, Stepper, WarmUp,
};
pub use output::{Link, Output, Softmax};
#[cfg(feature = "persistence")]
pub use persistence::Registry;
pub use random::{FromRng, Noise, Random, RandomState};
pub use scalar::Scalar;
pub use settings::{LayerSettings, Setting, Settings};
pub use shape::Shape;
#[cfg(feature = "persistence")]
pub use train::Checkpoints;
pub use train::{BatchProgress, EarlyStopping, Epoch, History, Observer, Termination, Trainer};

/// A setter whose result is dropped does nothing, and the compiler says so: one of each family.
///
/// ```
/// #![deny(unused_must_use)]
/// let adam = manabi::Adam::new(0.1);
/// let adam = adam.amsgrad();
/// ```
/// ```compile_fail
/// #![deny(unused_must_use)]
/// let adam = manabi::Adam::new(0.1);
/// adam.amsgrad();
/// ```
/// ```compile_fail
/// #![deny(unused_must_use)]
/// manabi::CosineDecay::new(10);
/// ```
/// ```compile_fail
/// #![deny(unused_must_use)]
/// let norm = manabi::BatchNorm::new();
/// norm.momentum(0.5);
/// ```
/// ```compile_fail
/// #![deny(unused_must_use)]
/// let trainer = manabi::Trainer::<f32>::new();
/// trainer.epochs(3);
/// ```
/// ```compile_fail
/// #![deny(unused_must_use)]
/// let split = manabi::Split::fraction(0.5);
/// split.stratified();
/// ```
/// ```compile_fail
/// #![deny(unused_must_use)]
/// let settings = manabi::Settings::new();
/// settings.with("units", 3);
/// ```
/// ```compile_fail
/// #![deny(unused_must_use)]
/// manabi::CrossEntropy.label_smoothing(0.1);
/// ```
#[cfg(doctest)]
struct MustUse;

/// The README's examples, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
