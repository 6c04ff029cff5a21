//! A small, fast, exact neural-network library on [`ndarray`].
//!
//! ```
//! use manabi::prelude::*;
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
//! All built-in layers, losses and optimizers are compiled in the library, for `f32` and `f64`. An activation or a layer of
//! your own is compiled in your crate: to optimise it too, set `opt-level = 3` under `[profile.dev]`, or build with
//! `--release`. Without these lines an epoch of MNIST takes minutes instead of half a second.
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
//! # Where to find what
//!
//! A first program needs the names at the root, or [`prelude`], which has all that models are built and trained of.
//!
//! | module | answers |
//! |---|---|
//! | [`data`] | Where do samples come from? Images, tables, files, a validation split, augmentation. |
//! | [`layer`], [`activation`] | What is a model made of? How do I write a layer or an activation of my own? |
//! | [`output`], [`loss`] | What are predictions, and how wrong are they? |
//! | [`model`] | How do I build a model, predict, and read or change its parameters? |
//! | [`optim`] | How does a gradient become a step? Optimizers, learning-rate schedules, clipping, a loop of my own. |
//! | [`train`] | How do I train, validate, stop early, watch a run and resume it? |
//! | [`metrics`] | How good is a model? Accuracy, confusion matrix, R². |
#![cfg_attr(
    feature = "persistence",
    doc = "| [`persistence`] | How do I save a model with parts of my own? |"
)]
//! | [`init`], [`random`] | Which first weights? Where do random numbers come from? |
//! | [`gradcheck`], [`conformance`] | Is my derivative right? Does my layer keep its promises? |
//! | [`scalar`], [`simd`], [`linalg`] | What are activations and layers computed with? |
//! | [`settings`] | What does a saved model say of its parts? |
//!
//! # Features
//!
//! | feature | brings |
//! |---|---|
//! | `download` | `data::Download`: fetches MNIST |
//! | `persistence` | `Sequential::save` and `load`, checkpoints, safetensors files that PyTorch reads |
//!
//! None is on by default.

#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod activation;
mod buffer;
#[doc(hidden)]
pub mod compiled;
pub mod conformance;
pub mod data;
mod delegate;
mod error;
pub mod gradcheck;
pub mod init;
mod lanes;
pub mod layer;
pub mod linalg;
pub mod loss;
pub mod metrics;
pub mod model;
pub mod optim;
pub mod output;
mod parallel;
#[cfg(feature = "persistence")]
pub mod persistence;
pub mod prelude;
pub mod random;
pub mod scalar;
pub mod settings;
mod shape;
pub mod simd;
pub mod train;
mod unfinished;

pub use ndarray;

pub use activation::{ActFn, Mish, Relu, Swish};
pub use data::{Mnist, Normalizer, Samples};
pub use error::{Error, Result};
pub use layer::{Activation, Affine, Layer};
pub use loss::CrossEntropy;
pub use model::Sequential;
pub use optim::Sgd;
pub use output::Softmax;
pub use scalar::{Real, Scalar};
pub use shape::Shape;
pub use train::Trainer;

/// A setter whose result is dropped does nothing, and the compiler says so: one of each family.
///
/// ```
/// #![deny(unused_must_use)]
/// let adam = manabi::optim::Adam::new(0.1);
/// let adam = adam.amsgrad(true);
/// ```
/// ```compile_fail
/// #![deny(unused_must_use)]
/// let adam = manabi::optim::Adam::new(0.1);
/// adam.amsgrad(true);
/// ```
/// ```compile_fail
/// #![deny(unused_must_use)]
/// manabi::optim::CosineDecay::new(10);
/// ```
/// ```compile_fail
/// #![deny(unused_must_use)]
/// let norm = manabi::layer::BatchNorm::new();
/// norm.momentum(0.5);
/// ```
/// ```compile_fail
/// #![deny(unused_must_use)]
/// let trainer = manabi::Trainer::<f32>::new();
/// trainer.epochs(3);
/// ```
/// ```compile_fail
/// #![deny(unused_must_use)]
/// let split = manabi::data::Split::fraction(0.5);
/// split.stratified(true);
/// ```
/// ```compile_fail
/// #![deny(unused_must_use)]
/// let settings = manabi::settings::Settings::new();
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
