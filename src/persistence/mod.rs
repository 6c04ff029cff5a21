//! Saved models (feature `persistence`): safetensors files with PyTorch's names and layout.
//!
//! [`Sequential::save`](crate::Sequential::save) and [`Sequential::load`](crate::Sequential::load) are sufficient for models with
//! only built-in parts. A [`Registry`] recreates custom layers, activations, outputs and losses. [`LoadOptions`] loads weights
//! that have other names, another precision or several files, and [`Precision`] is the precision of the numbers in a file.

pub(crate) mod container;
pub(crate) mod description;
pub(crate) mod file;
mod load_options;
mod normalizer;
pub(crate) mod progress;
pub(crate) mod registry;
pub(crate) mod rows;
pub(crate) mod sharded;
pub(crate) mod weights;

pub use load_options::LoadOptions;
pub use registry::Registry;

pub use crate::scalar::precision::Precision;
