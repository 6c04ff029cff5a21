use std::ops::ControlFlow;

use super::history::Epoch;
use crate::model::Sequential;
use crate::scalar::Scalar;

/// Something that watches a training run and may stop it, by answering `ControlFlow::Break(())`.
///
/// A closure over [`Epoch`] is an observer of epochs.
pub trait Observer<A: Scalar> {
    /// After every batch.
    fn on_batch(&mut self, _progress: BatchProgress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// After every row of the history: before training, then after every epoch.
    fn on_epoch(&mut self, _epoch: &Epoch, _model: &Sequential<A>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// How far a training run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchProgress {
    /// The epoch, from 1.
    pub epoch: usize,
    /// The batches of this epoch that are done.
    pub batch: usize,
    /// The batches of this epoch.
    pub batches: usize,
}

impl<A: Scalar, F: FnMut(&Epoch) -> ControlFlow<()>> Observer<A> for F {
    fn on_epoch(&mut self, epoch: &Epoch, _model: &Sequential<A>) -> ControlFlow<()> {
        self(epoch)
    }
}
