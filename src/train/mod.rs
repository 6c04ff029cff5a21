//! The loop: epochs of mini-batches, watched and recorded.

mod early_stopping;
mod evaluate;
mod guard;
mod history;
mod observer;
mod trainer;

pub use early_stopping::EarlyStopping;
pub use history::{Epoch, History, Termination};
pub use observer::{BatchProgress, Observer};
pub use trainer::Trainer;
