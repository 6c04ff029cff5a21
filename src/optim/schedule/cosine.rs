use std::f64::consts::FRAC_PI_2;

use super::{Schedule, between, share};
use crate::error::Result;
use crate::settings::{check_at_least_0, check_count};

/// A rate that decreases along half a cosine wave.
///
/// Formula: e + (η − e)·(1 + cos(π·min(steps, T)/T))/2.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `steps` T | length of the decay | none | 1 or more |
/// | `end` e | final rate | 0 | at least 0, finite |
///
/// # Errors
///
/// Training fails with [`Error::Setting`](crate::Error::Setting) before the first step if a setting is out of range.
///
/// # Source
///
/// Loshchilov and Hutter, *SGDR: stochastic gradient descent with warm restarts*, 2017. PyTorch:
/// `CosineAnnealingLR`, which increases again after T steps. This schedule stays at e.
///
/// # Examples
///
/// ```
/// use manabi::optim::{CosineDecay, Schedule};
///
/// let schedule = CosineDecay::new(10);
/// assert_eq!([0, 10, 11].map(|steps| schedule.rate(0.3, steps)), [0.3, 0.0, 0.0]);
/// assert!((schedule.rate(0.3, 5) - 0.15).abs() < 1e-16);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("CosineAnnealingLR", "learning rate scheduler"))]
pub struct CosineDecay {
    steps: u64,
    end: f64,
}

impl CosineDecay {
    /// Creates a decay to 0 over `steps` steps.
    pub fn new(steps: u64) -> Self {
        Self { steps, end: 0.0 }
    }

    /// Sets e, the final rate.
    pub fn end(self, end: f64) -> Self {
        Self { end, ..self }
    }
}

impl Schedule for CosineDecay {
    fn rate(&self, base: f64, steps: u64) -> f64 {
        between(base, self.end, half_wave(share(steps, self.steps)))
    }

    fn check(&self) -> Result<()> {
        check_count("steps", self.steps)?;
        check_at_least_0::<f64>("end", self.end)
    }
}

/// Returns (1 + cos πx)/2 for x from 0 to 1, with the same bits on every machine.
pub(super) fn half_wave(x: f64) -> f64 {
    // cos²(πx/2) = 1 − sin²(πx/2) = sin²(π(1 − x)/2): the sine of at most π/4, from its power series.
    let half = |x: f64| {
        let u = FRAC_PI_2 * x;
        let square = u * u;
        let (mut term, mut sine) = (u, u);
        for k in 1..10 {
            term *= -square / f64::from(2 * k * (2 * k + 1));
            sine += term;
        }
        sine * sine
    };
    if x < 0.5 { 1.0 - half(x) } else { half(1.0 - x) }
}
