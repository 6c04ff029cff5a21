use std::time::Duration;

use crate::metrics::Metrics;

/// One row of the history.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Epoch {
    /// 0 is before training; from 1 on, after that many epochs.
    pub number: usize,
    /// On the training set: in row 0 on the whole set, from then on over the epoch's samples, each measured in its
    /// batch before that batch's update.
    pub train: Metrics,
    /// On the test set, if there is one, after the epoch.
    pub test: Option<Metrics>,
    /// The time since training began.
    pub elapsed: Duration,
}

/// What a training run was: the article's learn_info.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct History {
    /// Row 0, then one row an epoch.
    pub epochs: Vec<Epoch>,
    /// Why the run ended.
    pub termination: Termination,
    /// How long it took.
    pub elapsed: Duration,
}

/// Why a training run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Termination {
    /// All epochs were run.
    Completed,
    /// An observer asked to stop.
    Stopped,
}
