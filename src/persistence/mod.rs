//! Models as files: safetensors with PyTorch's names and layout, and a description from which a model is made again.

mod checkpoint;
mod container;
mod description;
mod file;
mod model;
mod registry;
pub(crate) mod rows;
mod weights;

pub(crate) use checkpoint::{Checkpoint, Kept, Progress, Run, Waiting};
pub use registry::Registry;
