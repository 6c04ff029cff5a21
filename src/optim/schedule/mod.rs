//! Schedules: the learning rate η as a function of the number of steps.

mod by_epoch;
mod constant;
mod cosine;
mod cosine_restarts;
mod exponential;
mod one_cycle;
mod polynomial;
mod step;
mod warm_up;

pub use by_epoch::ByEpoch;
pub use constant::ConstantRate;
pub use cosine::CosineDecay;
pub use cosine_restarts::CosineRestarts;
pub use exponential::ExponentialDecay;
pub use one_cycle::OneCycle;
pub use polynomial::PolynomialDecay;
pub use step::StepDecay;
pub use warm_up::WarmUp;

use std::sync::Arc;

use crate::delegate::delegate;
use crate::error::Result;

/// A learning rate schedule: a pure function of the number of steps taken.
///
/// Closures implement this trait.
///
/// # Examples
///
/// ```
/// use manabi::optim::{Schedule, Stepper};
/// use manabi::Sgd;
///
/// let stepper = Stepper::<f32>::new(Sgd::new(0.1)).schedule(|base, steps| base / (1.0 + steps as f64).sqrt());
/// assert_eq!(stepper.learning_rate()?, 0.1);
/// # Ok::<(), manabi::Error>(())
/// ```
#[doc(alias("learning rate scheduler", "lr_scheduler", "LearningRateSchedule"))]
pub trait Schedule: Send + Sync {
    /// Returns the rate of the next step after `steps` steps. `base` is the optimizer's own rate.
    ///
    /// The rate must be finite and at least 0.
    fn rate(&self, base: f64, steps: u64) -> f64;

    /// Checks the settings. [`Stepper`](crate::optim::Stepper) calls this before every step.
    ///
    /// # Errors
    ///
    /// Returns an error, such as [`Error::Setting`](crate::Error::Setting), if a setting is out of range. The default
    /// implementation returns none.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

impl<F: Fn(f64, u64) -> f64 + Send + Sync> Schedule for F {
    fn rate(&self, base: f64, steps: u64) -> f64 {
        self(base, steps)
    }
}

delegate!([] Schedule, for [Box<dyn Schedule>, Arc<dyn Schedule>], {
    fn rate(&self, base: f64, steps: u64) -> f64;
    fn check(&self) -> Result<()>;
});

/// Returns `steps`/`all`, at most 1.
fn share(steps: u64, all: u64) -> f64 {
    steps.min(all) as f64 / all.max(1) as f64
}

/// Interpolates between two rates when the share `left` of the way remains. The result is exact at both ends.
fn between(start: f64, end: f64, left: f64) -> f64 {
    start * left + end * (1.0 - left)
}
