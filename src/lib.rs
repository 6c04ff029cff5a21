//! A small, fast, exact neural-network library on [`ndarray`].
//!
//! The [`guide`] explains the library in short chapters.
//!
//! # Examples
//!
//! ```
//! use manabi::prelude::*;
//!
//! // `Mnist::load(folder)` loads real digits.
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
//! Add these lines to your `Cargo.toml`, so that a debug build trains nearly as fast as a release build:
//!
//! ```toml
//! [profile.dev.package."*"]
//! opt-level = 3
//! ```
//!
//! Without these lines, an epoch of MNIST takes minutes instead of half a second. They optimise all built-in layers, losses and
//! optimizers, which are compiled in the library for `f32` and `f64`. Custom activations and layers are compiled in your crate.
//! To optimise them as well, set `opt-level = 3` under `[profile.dev]`, or build with `--release`.
//!
//! # Notation
//!
//! | symbol | shape | meaning |
//! |---|---|---|
//! | X, Y | (batch, width) | input and output of a layer, with one row per sample |
//! | u, z | (batch, width) | input and output of an activation, z = f(u) |
//! | W, b | (fan_in, fan_out), (fan_out) | weight and bias of an affine layer |
//! | y, t | (batch, outputs) | predictions and targets |
//! | L | | loss: the mean over a batch |
//! | dX, dY, … | same as X, Y, … | ∂L/∂X, ∂L/∂Y, … |
//! | θ, g | (parameters) | all parameters and ∂L/∂θ |
//! | η | | learning rate |
//! | σ | | the logistic sigmoid 1/(1 + e⁻ˣ) |
//!
//! # Modules
//!
//! A first program needs only the names at the root, or [`prelude`], which exports everything needed to build and train models.
//!
//! | module | contents |
//! |---|---|
//! | [`data`] | data sets from images, tables and files; validation splits, folds, normalisation and augmentation |
//! | [`layer`], [`activation`] | layers and activation functions, and the traits for custom ones |
//! | [`output`], [`loss`] | output functions, which turn logits into predictions, and loss functions |
//! | [`model`] | models: building, predicting, and reading or changing parameters |
//! | [`optim`] | optimizers, learning rate schedules and gradient clipping, also for custom training loops |
//! | [`train`] | the training loop: validation, early stopping, observers, checkpoints, shards and processes; cross-validation |
//! | [`metrics`] | accuracy, the confusion matrix, R², ROC and precision-recall curves, calibration |
#![cfg_attr(
    feature = "persistence",
    doc = "| [`persistence`] | saved models, and the registry for models with custom parts |"
)]
#![cfg_attr(
    feature = "onnx",
    doc = "| [`onnx`] | files for ONNX Runtime and other programs, and models from them |"
)]
//! | [`init`], [`random`] | initial weights and random numbers |
//! | [`gradcheck`], [`conformance`] | checks of derivatives and tests of custom layers |
//! | [`scalar`], [`simd`], [`linalg`] | scalar types, vector instructions and matrix products |
//! | [`settings`] | the settings of layers, activations, outputs and losses in saved models |
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `csv` | `data::table`: tables from CSV files, with missing values and categories |
//! | `download` | `data::Download`, which downloads MNIST |
//! | `image` | `data::ImageFolder`, which reads images from a folder with a subfolder for each class |
//! | `mpi` | `train::Mpi`: several processes that train one model; needs an installed MPI library |
//! | `onnx` | `Sequential::save_onnx` and `load_onnx`: ONNX files, from and for other programs; includes `persistence` |
//! | `persistence` | `Sequential::save` and `load`, checkpoints, and safetensors files that PyTorch can read |
//! | `plot` | `History::to_svg`, `ThresholdCurve::roc_svg` and other pictures |
//! | `progress` | `train::ProgressBar`, which draws a progress bar |
//!
//! No feature is enabled by default.

#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod activation;
mod buffer;
#[doc(hidden)]
pub mod compiled;
pub mod conformance;
mod copy_report;
pub mod data;
mod delegate;
mod error;
pub mod gradcheck;
#[cfg(any(doc, doctest))]
pub mod guide;
mod heads;
pub mod init;
mod lanes;
pub mod layer;
pub mod linalg;
pub mod loss;
pub mod metrics;
pub mod model;
#[cfg(feature = "onnx")]
pub mod onnx;
pub mod optim;
pub mod output;
mod parallel;
#[cfg(feature = "persistence")]
pub mod persistence;
#[cfg(feature = "plot")]
mod plot;
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

/// Tests that the compiler warns if the result of a setter is dropped, with one setter of each family.
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

/// Compiles the examples in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
