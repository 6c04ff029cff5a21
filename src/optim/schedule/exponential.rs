use super::Schedule;
use crate::error::Result;
use crate::optim::power;
use crate::settings::check_positive;

/// A rate that is multiplied by the same factor at every step.
///
/// Formula: η·γ^steps.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `gamma` γ | factor of every step | none | above 0, finite |
///
/// # Errors
///
/// Training fails with [`Error::Setting`](crate::Error::Setting) before the first step if a setting is out of range.
///
/// # Source
///
/// PyTorch's `ExponentialLR`.
///
/// # Examples
///
/// ```
/// use manabi::optim::{ExponentialDecay, Schedule};
///
/// assert_eq!(ExponentialDecay::new(0.5).rate(1.0, 3), 0.125);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("ExponentialLR", "learning rate scheduler"))]
pub struct ExponentialDecay {
    gamma: f64,
}

impl ExponentialDecay {
    /// Creates a schedule that multiplies the rate by `gamma` at every step.
    pub fn new(gamma: f64) -> Self {
        Self { gamma }
    }
}

impl Schedule for ExponentialDecay {
    fn rate(&self, base: f64, steps: u64) -> f64 {
        base * power(self.gamma, steps)
    }

    fn check(&self) -> Result<()> {
        check_positive::<f64>("gamma", self.gamma)
    }
}
