//! The guide: short chapters, each of which can be read on its own. Every example in them is compiled and run by the tests.
//!
//! This module exists in the documentation only. It adds nothing to a build.
//!
//! | chapter | question |
//! |---|---|
//! | [`first_model`] | How do I build, train and use a model? |
//! | [`data`] | How do I bring my data to the library? |
//! | [`tables`] | How do I learn from a table with categories and missing values? |
//! | [`images`] | How do I train a convolutional network? |
//! | [`sequences`] | How do I train on time series and other sequences? |
//! | [`custom_activations`] | How do I write an activation function? |
//! | [`custom_layers`] | How do I write a layer? |
//! | [`custom_losses_and_optimizers`] | How do I write a loss or an optimizer? |
//! | [`training`] | How do I control a training run, and when does it stop? |
//! | [`reproducibility`] | Which seeds exist, and which results repeat bit for bit? |
//! | [`saving`] | How do I save a model, resume a run, and exchange weights with PyTorch? |
//! | [`onnx`] | How do I use a model in other programs, and their models here? |
//! | [`several_processes`] | How do I train on several machines, or with batches larger than memory? |
//! | [`serving`] | How do I predict from many threads? |
//! | [`debugging`] | Why does my model not learn? |
//! | [`performance`] | How do I make it fast? |
//! | [`from_keras`], [`from_pytorch`], [`from_numpy`] | What is the name here for what I know? |
//! | [`glossary`] | What does this word mean? |

#[doc = include_str!("guide/first_model.md")]
pub mod first_model {}

#[doc = include_str!("guide/data.md")]
pub mod data {}

#[doc = include_str!("guide/tables.md")]
pub mod tables {}

#[doc = include_str!("guide/images.md")]
pub mod images {}

#[doc = include_str!("guide/sequences.md")]
pub mod sequences {}

#[doc = include_str!("guide/custom_activations.md")]
pub mod custom_activations {}

#[doc = include_str!("guide/custom_layers.md")]
pub mod custom_layers {}

#[doc = include_str!("guide/custom_losses_and_optimizers.md")]
pub mod custom_losses_and_optimizers {}

#[doc = include_str!("guide/training.md")]
pub mod training {}

#[doc = include_str!("guide/reproducibility.md")]
pub mod reproducibility {}

#[doc = include_str!("guide/saving.md")]
pub mod saving {}

#[doc = include_str!("guide/onnx.md")]
pub mod onnx {}

#[doc = include_str!("guide/several_processes.md")]
pub mod several_processes {}

#[doc = include_str!("guide/serving.md")]
pub mod serving {}

#[doc = include_str!("guide/debugging.md")]
pub mod debugging {}

#[doc = include_str!("guide/performance.md")]
pub mod performance {}

#[doc = include_str!("guide/from_keras.md")]
pub mod from_keras {}

#[doc = include_str!("guide/from_pytorch.md")]
pub mod from_pytorch {}

#[doc = include_str!("guide/from_numpy.md")]
pub mod from_numpy {}

#[doc = include_str!("guide/glossary.md")]
pub mod glossary {}
