use super::cosine::half_wave;
use super::{Schedule, between};
use crate::error::Result;
use crate::settings::{check, check_count, check_share};

/// One cycle: a rate that increases from η/`divisor` to η, the optimizer's own rate, and then decreases to
/// η/(`divisor`·`final_divisor`).
///
/// Formula: the rate increases for `rise`·T steps and decreases for the rest, each along half a cosine wave or, with `linear`,
/// along a straight line. With `three_phase`, it decreases to its initial value as fast as it increased, and then to its final
/// value. The momentum does not change.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `steps` T | length of the cycle | none | 1 or more |
/// | `rise` | share of the steps in which the rate increases | 0.3 | 0 to 1; at most ½ with `three_phase` |
/// | `divisor` | ratio of the peak rate to the initial rate | 25 | at least 1, finite |
/// | `final_divisor` | ratio of the initial rate to the final rate | 10⁴ | at least 1, finite |
/// | `linear` | replaces half waves by straight lines | off | |
/// | `three_phase` | returns to the initial rate before the final decrease | off | |
///
/// # Errors
///
/// Training fails with [`Error::Setting`](crate::Error::Setting) before the first step if a setting is out of range.
///
/// # Source
///
/// Smith and Topin, *Super-convergence*, 2018. PyTorch: `OneCycleLR(cycle_momentum=False)`.
///
/// # Examples
///
/// ```
/// use manabi::optim::{OneCycle, Schedule};
///
/// let schedule = OneCycle::new(100);
/// assert_eq!([0, 29].map(|steps| schedule.rate(1.0, steps)), [0.04, 1.0]);
/// assert!((schedule.rate(1.0, 99) - 4e-6).abs() < 1e-18);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("OneCycleLR", "learning rate scheduler"))]
pub struct OneCycle {
    steps: u64,
    rise: f64,
    divisor: f64,
    final_divisor: f64,
    linear: bool,
    three_phase: bool,
}

impl OneCycle {
    /// Creates one cycle of `steps` steps.
    pub fn new(steps: u64) -> Self {
        Self { steps, rise: 0.3, divisor: 25.0, final_divisor: 1e4, linear: false, three_phase: false }
    }

    /// Sets the share of the steps in which the rate increases.
    pub fn rise(self, rise: f64) -> Self {
        Self { rise, ..self }
    }

    /// Sets the ratio of the peak rate to the initial rate.
    pub fn divisor(self, divisor: f64) -> Self {
        Self { divisor, ..self }
    }

    /// Sets the ratio of the initial rate to the final rate.
    pub fn final_divisor(self, final_divisor: f64) -> Self {
        Self { final_divisor, ..self }
    }

    /// Sets whether the rate changes along straight lines instead of half cosine waves.
    pub fn linear(self, linear: bool) -> Self {
        Self { linear, ..self }
    }

    /// Sets whether the rate returns to its initial value, as fast as it increased, before the final decrease.
    pub fn three_phase(self, three_phase: bool) -> Self {
        Self { three_phase, ..self }
    }
}

impl Schedule for OneCycle {
    fn rate(&self, base: f64, steps: u64) -> f64 {
        let (first, all) = (base / self.divisor, self.steps as f64);
        let (last, peak) = (first / self.final_divisor, self.rise * all - 1.0);
        let middle = if self.three_phase { (2.0 * peak, first) } else { (peak, base) };
        let at = (steps as f64).min(all - 1.0);
        let ((from, start), (to, end)) = match at {
            _ if at <= peak => ((0.0, first), (peak, base)),
            _ if at <= middle.0 => ((peak, base), middle),
            _ => (middle, (all - 1.0, last)),
        };
        let way = if to > from { ((at - from) / (to - from)).min(1.0) } else { 1.0 };
        between(start, end, if self.linear { 1.0 - way } else { half_wave(way) })
    }

    fn check(&self) -> Result<()> {
        check_count("steps", self.steps)?;
        check_share("rise", self.rise)?;
        check(!self.three_phase || self.rise <= 0.5, "rise", "at most 0.5 with three_phase", self.rise)?;
        [("divisor", self.divisor), ("final_divisor", self.final_divisor)].into_iter().try_for_each(
            |(what, divisor)| {
                check(divisor >= 1.0 && divisor.is_finite(), what, "a finite number of at least 1", divisor)
            },
        )
    }
}
