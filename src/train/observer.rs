use std::ops::ControlFlow;

use super::history::Epoch;
use crate::delegate::delegate;
use crate::metrics::Metrics;
use crate::model::Sequential;
use crate::scalar::Scalar;

/// An observer of a training run. It can stop the run by returning `ControlFlow::Break(())`.
///
/// Two observers are ready-made: [`CsvLog`](crate::train::CsvLog) writes the rows of the history to a file, and `ProgressBar`,
/// with the feature `progress`, draws a progress bar.
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
    /// Receives the model and the gradient after every step. By default, it calls [`on_batch`](Observer::on_batch).
    fn on_step(&mut self, step: &TrainingStep<'_, A>) -> ControlFlow<()> {
        self.on_batch(step.progress)
    }

    /// Receives the progress after every batch, unless [`on_step`](Observer::on_step) is implemented.
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
    /// The loss of this batch, measured before its update.
    pub loss: f64,
    /// The learning rate of the step.
    pub learning_rate: f64,
}

/// A step of a training run, after it was taken.
///
/// # Examples
///
/// An observer that prints the norm of every gradient:
///
/// ```
/// use std::ops::ControlFlow;
///
/// use manabi::train::{Observer, TrainingStep};
/// use manabi::Scalar;
///
/// struct Norms;
///
/// impl<A: Scalar> Observer<A> for Norms {
///     fn on_step(&mut self, step: &TrainingStep<'_, A>) -> ControlFlow<()> {
///         println!("{} {:.3e}", step.progress.batch, step.gradient_norm());
///         ControlFlow::Continue(())
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TrainingStep<'a, A: Scalar> {
    /// The progress of the run, with the learning rate.
    pub progress: BatchProgress,
    /// The model after the step.
    pub model: &'a Sequential<A>,
    /// The gradient with respect to all parameters with which the step was taken, after clipping.
    pub gradient: &'a [A],
}

impl<A: Scalar> TrainingStep<'_, A> {
    /// Returns the Euclidean norm of the gradient, √Σ gᵢ².
    pub fn gradient_norm(&self) -> f64 {
        self.gradient.iter().map(|g| g.widen() * g.widen()).sum::<f64>().sqrt()
    }
}

/// What a closure of [`Trainer::on_epoch`](crate::Trainer::on_epoch) can return: `ControlFlow<()>` to continue or to stop the
/// run, or nothing to continue it.
pub trait EpochOutcome {
    /// Returns whether the run continues.
    fn control_flow(self) -> ControlFlow<()>;
}

impl EpochOutcome for () {
    fn control_flow(self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

impl EpochOutcome for ControlFlow<()> {
    fn control_flow(self) -> ControlFlow<()> {
        self
    }
}

delegate!([A: Scalar, O: Observer<A> + ?Sized] Observer<A>, for [&mut O, Box<O>], {
    mut:
    fn on_step(&mut self, step: &TrainingStep<'_, A>) -> ControlFlow<()>;
    fn on_batch(&mut self, progress: BatchProgress) -> ControlFlow<()>;
    fn on_epoch(&mut self, epoch: &Epoch, model: &Sequential<A>) -> ControlFlow<()>;
});

/// A closure that observes epochs.
pub(super) struct EpochFn<F>(pub F);

impl<A: Scalar, R: EpochOutcome, F: FnMut(&Epoch) -> R> Observer<A> for EpochFn<F> {
    fn on_epoch(&mut self, epoch: &Epoch, _model: &Sequential<A>) -> ControlFlow<()> {
        (self.0)(epoch).control_flow()
    }
}
