use super::Schedule;
use crate::error::Result;
use crate::optim::power;
use crate::settings::{check_count, check_positive};

/// A rate that falls in stairs.
///
/// Formula: η·γ^⌊steps/`every`⌋.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `every` | none | 1 or more |
/// | `gamma` γ | none | above 0, finite |
///
/// Errors: when training starts, for a setting out of range.
///
/// Source: PyTorch's `StepLR`.
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
    /// The rate times γ every so many steps.
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
