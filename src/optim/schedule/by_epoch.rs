use super::Schedule;
use crate::error::Result;
use crate::settings::check_count;

/// Another schedule, counted in epochs instead of steps. The rate is constant within an epoch.
///
/// Formula: η(⌊steps/`steps_per_epoch`⌋).
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `steps_per_epoch` | number of steps in an epoch: samples divided by batch size, rounded up (down with `Trainer::drop_last`) | none | 1 or more |
/// | `schedule` | schedule to count in epochs | none | any [`Schedule`] |
///
/// # Errors
///
/// Training fails with [`Error::Setting`](crate::Error::Setting) before the first step if a setting is out of range.
///
/// # Examples
///
/// ```
/// use manabi::optim::{ByEpoch, Schedule, StepDecay};
///
/// let schedule = ByEpoch::new(600, StepDecay::new(30, 0.1)); // a tenth every 30 epochs
/// assert_eq!(schedule.rate(0.5, 600 * 30 - 1), 0.5);
/// assert_eq!(schedule.rate(0.5, 600 * 30), 0.05);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias = "learning rate scheduler")]
pub struct ByEpoch<S> {
    steps_per_epoch: u64,
    schedule: S,
}

impl<S: Schedule> ByEpoch<S> {
    /// Creates a schedule that counts `schedule` in epochs of `steps_per_epoch` steps.
    pub fn new(steps_per_epoch: u64, schedule: S) -> Self {
        Self { steps_per_epoch, schedule }
    }
}

impl<S: Schedule> Schedule for ByEpoch<S> {
    fn rate(&self, base: f64, steps: u64) -> f64 {
        self.schedule.rate(base, steps / self.steps_per_epoch.max(1))
    }

    fn check(&self) -> Result<()> {
        check_count("steps_per_epoch", self.steps_per_epoch)?;
        self.schedule.check()
    }
}
