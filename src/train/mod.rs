//! Training: the loop, its history, observers, early stopping and checkpoints.
//!
//! | type | purpose |
//! |---|---|
//! | [`Trainer`] | runs epochs of batches: the article's `learn` |
//! | [`History`], [`Epoch`] | record the loss and accuracy of every epoch |
//! | [`EarlyStopping`] | ends a run that stops improving, and restores its best epoch |
//! | [`Observer`], [`BatchProgress`] | observe a run batch by batch, and can stop it |
//! | `Checkpoints` (feature `persistence`) | save a run in files, so that it can be resumed with the same bits |
//!
//! A custom loop calls [`Workspace::load`](crate::model::Workspace::load),
//! [`Sequential::gradient`](crate::Sequential::gradient) and [`Stepper::step`](crate::optim::Stepper::step).

#[cfg(feature = "persistence")]
mod checkpoint_file;
#[cfg(feature = "persistence")]
mod checkpoints;
mod clock;
mod early_stopping;
mod history;
mod observer;
mod order;
mod pace;
#[cfg(feature = "persistence")]
mod resume;
mod trainer;

#[cfg(feature = "persistence")]
pub use checkpoints::Checkpoints;
pub use early_stopping::EarlyStopping;
pub use history::{Epoch, History, Termination};
pub use observer::{BatchProgress, Observer};
pub use trainer::Trainer;
