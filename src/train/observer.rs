use std::ops::ControlFlow;

use super::history::Epoch;
use crate::delegate::delegate;
use crate::metrics::Metrics;
use crate::model::Sequential;
use crate::scalar::Scalar;

/// An observer of a training run. It can stop the run by returning `ControlFlow::Break(())`.
///
/// [`BatchProgress`] contains the values for a progress bar. The example `regression` draws one with the crate `indicatif`.
///
/// # Examples
///
/// ```
/// use std::ops::ControlFlow;
///
/// use manabi::train::{BatchProgress, Observer};
/// use manabi::Scalar;
///
/// /// Stops after this number of steps.
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
    /// Receives the progress after every batch.
    fn on_batch(&mut self, _progress: BatchProgress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// Receives every new row of the history: once before training, then after every epoch.
    fn on_epoch(&mut self, _epoch: &Epoch, _model: &Sequential<A>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// The progress of a training run.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct BatchProgress {
    /// The number of the current epoch, from 1.
    pub epoch: usize,
    /// The number of epochs in the run.
    pub epochs: usize,
    /// The number of completed batches in this epoch.
    pub batch: usize,
    /// The number of batches in this epoch.
    pub batches: usize,
    /// The metrics over the samples of this epoch so far, each measured before its batch's update.
    pub train: Metrics,
}

delegate!([A: Scalar, O: Observer<A> + ?Sized] Observer<A>, for [&mut O, Box<O>], {
    mut:
    fn on_batch(&mut self, progress: BatchProgress) -> ControlFlow<()>;
    fn on_epoch(&mut self, epoch: &Epoch, model: &Sequential<A>) -> ControlFlow<()>;
});

/// A closure that observes epochs.
pub(super) struct EpochFn<F>(pub F);

impl<A: Scalar, F: FnMut(&Epoch) -> ControlFlow<()>> Observer<A> for EpochFn<F> {
    fn on_epoch(&mut self, epoch: &Epoch, _model: &Sequential<A>) -> ControlFlow<()> {
        (self.0)(epoch)
    }
}
