//! The loop: epochs of mini-batches, watched and recorded.

#[cfg(feature = "persistence")]
mod checkpoint;
mod clock;
mod early_stopping;
mod evaluate;
mod guard;
mod history;
mod observer;
mod order;
mod trainer;

#[cfg(feature = "persistence")]
pub use checkpoint::Checkpoints;
pub use early_stopping::EarlyStopping;
pub use history::{Epoch, History, Termination};
pub use observer::{BatchProgress, Observer};
pub use trainer::Trainer;
