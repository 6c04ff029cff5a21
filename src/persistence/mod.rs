//! Models as files: safetensors with PyTorch's names and layout, and a description from which a model is made again.

mod container;
mod description;
mod file;
mod model;
mod registry;
mod weights;

pub use registry::Registry;
