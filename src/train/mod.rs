//! The loop: epochs of mini-batches, watched and recorded.

mod evaluate;
mod history;
mod observer;
mod trainer;

pub use history::{Epoch, History, Termination};
pub use observer::{BatchProgress, Observer};
pub use trainer::Trainer;
