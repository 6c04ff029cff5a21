use super::Schedule;
use crate::error::Result;
use crate::optim::power;
use crate::settings::{check_count, check_positive};

/// A rate that is multiplied by the same factor at regular intervals.
///
/// Formula: η·γ^⌊steps/`every`⌋.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `every` | number of steps between changes | none | 1 or more |
/// | `gamma` γ | factor of every change | none | above 0, finite |
///
/// # Errors
///
/// Training fails with [`Error::Setting`](crate::Error::Setting) before the first step if a setting is out of range.
///
/// # Source
///
/// PyTorch's `StepLR`.
///
/// # Examples
///
/// ```
/// use manabi::optim::{Schedule, StepDecay};
///
/// let schedule = StepDecay::new(10, 0.5);
/// assert_eq!([0, 9, 10, 25].map(|steps| schedule.rate(1.0, steps)), [1.0, 1.0, 0.5, 0.25]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("StepLR", "learning rate scheduler"))]
pub struct StepDecay {
    every: u64,
    gamma: f64,
}

impl StepDecay {
    /// Creates a schedule that multiplies the rate by `gamma` every `every` steps.
    pub fn new(every: u64, gamma: f64) -> Self {
        Self { every, gamma }
    }
}

impl Schedule for StepDecay {
    fn rate(&self, base: f64, steps: u64) -> f64 {
        base * power(self.gamma, steps / self.every.max(1))
    }

    fn check(&self) -> Result<()> {
        check_count("every", self.every)?;
        check_positive::<f64>("gamma", self.gamma)
    }
}
