use super::cosine::half_wave;
use super::{Schedule, between};
use crate::error::Result;
use crate::settings::{check_at_least_0, check_count};

/// Cosine decay with warm restarts (SGDR): the rate falls from η to e along half a cosine wave, returns to η at once, and falls
/// again.
///
/// Formula: in a cycle of T steps, the rate after t steps is e + (η − e)·(1 + cos(πt/T))/2. Each cycle is `growth` times as
/// long as the one before it.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `steps` T | length of the first cycle | none | 1 or more |
/// | `growth` | ratio of the lengths of two cycles | 1 | 1 or more |
/// | `end` e | the rate at the end of a cycle | 0 | at least 0, finite |
///
/// # Errors
///
/// Training fails with [`Error::Setting`](crate::Error::Setting) before the first step if a setting is out of range.
///
/// # Source
///
/// Loshchilov and Hutter, *SGDR: stochastic gradient descent with warm restarts*, 2017. PyTorch: `CosineAnnealingWarmRestarts`.
///
/// # Examples
///
/// ```
/// use manabi::optim::{CosineRestarts, Schedule};
///
/// let schedule = CosineRestarts::new(10).growth(2);
/// // Restarts after 10 steps, and after 20 more.
/// assert_eq!([0, 10, 30].map(|steps| schedule.rate(1.0, steps)), [1.0, 1.0, 1.0]);
/// assert!((schedule.rate(1.0, 20) - 0.5).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("CosineAnnealingWarmRestarts", "SGDR", "learning rate scheduler"))]
pub struct CosineRestarts {
    steps: u64,
    growth: u64,
    end: f64,
}

impl CosineRestarts {
    /// Creates a schedule whose first cycle has `steps` steps.
    pub fn new(steps: u64) -> Self {
        Self { steps, growth: 1, end: 0.0 }
    }

    /// Sets the ratio of the lengths of two cycles.
    pub fn growth(self, growth: u64) -> Self {
        Self { growth, ..self }
    }

    /// Sets the rate at the end of a cycle.
    pub fn end(self, end: f64) -> Self {
        Self { end, ..self }
    }
}

impl Schedule for CosineRestarts {
    fn rate(&self, base: f64, steps: u64) -> f64 {
        let (mut length, mut done) = (self.steps.max(1), steps);
        if self.growth <= 1 {
            done %= length;
        }
        while done >= length {
            done -= length;
            length = length.saturating_mul(self.growth);
        }
        between(base, self.end, half_wave(done as f64 / length as f64))
    }

    fn check(&self) -> Result<()> {
        check_count("steps", self.steps)?;
        check_count("growth", self.growth)?;
        check_at_least_0::<f64>("end", self.end)
    }
}
