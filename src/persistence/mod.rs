//! Saved models (feature `persistence`): safetensors files with PyTorch's names and layout.
//!
//! [`Sequential::save`](crate::Sequential::save) and [`Sequential::load`](crate::Sequential::load) are sufficient for models with
//! only built-in parts. A [`Registry`] recreates custom layers, activations, outputs and losses.

pub(crate) mod container;
pub(crate) mod description;
pub(crate) mod file;
mod normalizer;
pub(crate) mod progress;
pub(crate) mod registry;
pub(crate) mod rows;
pub(crate) mod weights;

pub use registry::Registry;
