use super::Schedule;
use crate::error::Result;
use crate::optim::power;
use crate::settings::check_positive;

/// A rate that falls by the same share every step.
///
/// Formula: η·γ^steps.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `gamma` γ | none | above 0, finite |
///
/// Errors: when training starts, for a setting out of range.
///
/// Source: PyTorch's `ExponentialLR`.
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
    /// The rate times γ every step.
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
