use super::{Schedule, between, share};
use crate::error::Result;
use crate::optim::power;
use crate::scalar::Real;
use crate::settings::{check_at_least_0, check_count, check_positive};

/// A rate that decreases as a power of the remaining share of the steps. With a power of 1, it decreases linearly.
///
/// Formula: e + (η − e)·(1 − min(steps, T)/T)^p.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `steps` T | length of the decay | none | 1 or more |
/// | `power` p | exponent | 1 | above 0, finite |
/// | `end` e | final rate | 0 | at least 0, finite |
///
/// # Errors
///
/// Training fails with [`Error::Setting`](crate::Error::Setting) before the first step if a setting is out of range.
///
/// # Source
///
/// PyTorch's `PolynomialLR`, in which e is 0.
///
/// # Examples
///
/// ```
/// use manabi::optim::{PolynomialDecay, Schedule};
///
/// let schedule = PolynomialDecay::new(4).power(2.0);
/// assert_eq!([0, 2, 4, 9].map(|steps| schedule.rate(1.0, steps)), [1.0, 0.25, 0.0, 0.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("PolynomialLR", "learning rate scheduler"))]
pub struct PolynomialDecay {
    steps: u64,
    power: f64,
    end: f64,
}

impl PolynomialDecay {
    /// Creates a linear decay to 0 over `steps` steps.
    pub fn new(steps: u64) -> Self {
        Self { steps, power: 1.0, end: 0.0 }
    }

    /// Sets p, the exponent.
    pub fn power(self, power: f64) -> Self {
        Self { power, ..self }
    }

    /// Sets e, the final rate.
    pub fn end(self, end: f64) -> Self {
        Self { end, ..self }
    }
}

impl Schedule for PolynomialDecay {
    fn rate(&self, base: f64, steps: u64) -> f64 {
        let left = 1.0 - share(steps, self.steps);
        let left = match self.power.fract() == 0.0 {
            true => power(left, self.power as u64),
            false => Real::exp(self.power * Real::ln(left)),
        };
        between(base, self.end, left)
    }

    fn check(&self) -> Result<()> {
        check_count("steps", self.steps)?;
        check_positive::<f64>("power", self.power)?;
        check_at_least_0::<f64>("end", self.end)
    }
}
