use std::ops::ControlFlow;

use super::history::Epoch;
use crate::delegate::delegate;
use crate::metrics::Metrics;
use crate::model::Sequential;
use crate::scalar::Scalar;

/// Something that watches a training run and may stop it, by answering `ControlFlow::Break(())`.
///
/// [`BatchProgress`] has what a progress bar shows; the example `regression` draws one with the crate `indicatif`.
///
/// ```
/// use std::ops::ControlFlow;
///
/// use manabi::train::{BatchProgress, Observer};
/// use manabi::Scalar;
///
/// /// Stops after so many steps.
/// struct Steps(usize);
///
/// impl<A: Scalar> Observer<A> for Steps {
///     fn on_batch(&mut self, _: BatchProgress) -> ControlFlow<()> {
///         self.0 -= 1;
///         if self.0 == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
///     }
/// }
/// ```
#[doc(alias("callback", "Callback", "hook"))]
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
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct BatchProgress {
    /// The epoch, from 1.
    pub epoch: usize,
    /// The epochs of the run.
    pub epochs: usize,
    /// The batches of this epoch that are done.
    pub batch: usize,
    /// The batches of this epoch.
    pub batches: usize,
    /// Over the samples of this epoch so far, each measured before its batch's update.
    pub train: Metrics,
}

delegate!([A: Scalar, O: Observer<A> + ?Sized] Observer<A>, for [&mut O, Box<O>], {
    mut:
    fn on_batch(&mut self, progress: BatchProgress) -> ControlFlow<()>;
    fn on_epoch(&mut self, epoch: &Epoch, model: &Sequential<A>) -> ControlFlow<()>;
});

/// A closure that watches epochs.
pub(super) struct EpochFn<F>(pub F);

impl<A: Scalar, F: FnMut(&Epoch) -> ControlFlow<()>> Observer<A> for EpochFn<F> {
    fn on_epoch(&mut self, epoch: &Epoch, _model: &Sequential<A>) -> ControlFlow<()> {
        (self.0)(epoch)
    }
}
