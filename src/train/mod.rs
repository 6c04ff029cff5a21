//! Training: the loop, its history, observers, early stopping and checkpoints.
//!
//! | type | purpose |
//! |---|---|
//! | [`Trainer`] | runs epochs of batches: the article's `learn` |
//! | [`History`], [`Epoch`], [`EpochMetric`] | record the loss, the accuracy and your own metrics of every epoch |
//! | [`EarlyStopping`] | ends a run that stops improving, and restores its best epoch |
//! | [`Observer`], [`BatchProgress`], [`TrainingStep`] | observe a run step by step, and can stop it |
//! | [`RateSearch`] | the losses at growing learning rates, from which to choose one |
//! | [`CsvLog`] | writes every row to a file as it comes |
//! | `ProgressBar` (feature `progress`) | draws a progress bar |
//! | [`WeightAverage`] | averages the weights of a run (EMA, SWA) |
//! | [`cross_validate`] | trains a model on every fold of a data set, side by side |
//! | [`Processes`] | the processes that train a model together |
//! | `Mpi` (feature `mpi`) | the processes that `mpirun` or a cluster started |
//! | `Checkpoints` (feature `persistence`) | save a run in files, so that it can be resumed with the same bits |
//!
//! A custom loop calls [`Workspace::load`](crate::model::Workspace::load),
//! [`Sequential::gradient`](crate::Sequential::gradient) and [`Stepper::step`](crate::optim::Stepper::step).

#[cfg(feature = "persistence")]
mod checkpoint_file;
#[cfg(feature = "persistence")]
mod checkpoints;
mod clock;
mod cross_validate;
mod csv_log;
mod description;
mod early_stopping;
mod feed;
mod group;
mod history;
mod metric;
#[cfg(feature = "mpi")]
mod mpi;
mod observer;
mod order;
mod pace;
#[cfg(feature = "plot")]
mod plots;
mod processes;
#[cfg(feature = "progress")]
mod progress_bar;
mod rate_search;
#[cfg(feature = "persistence")]
mod resume;
mod run;
mod shards;
mod sum;
mod trainer;
mod weight_average;

#[cfg(feature = "persistence")]
pub use checkpoints::Checkpoints;
pub use cross_validate::cross_validate;
pub use csv_log::CsvLog;
pub use early_stopping::EarlyStopping;
pub use history::{Epoch, EpochMetric, History, Termination};
#[cfg(feature = "mpi")]
pub use mpi::Mpi;
pub use observer::{BatchProgress, EpochOutcome, Observer, TrainingStep};
pub use processes::Processes;
#[cfg(feature = "progress")]
pub use progress_bar::ProgressBar;
pub use rate_search::RateSearch;
pub use trainer::Trainer;
pub use weight_average::WeightAverage;
