use super::cosine::half_wave;
use super::{Schedule, between};
use crate::error::Result;
use crate::settings::{check, check_count, check_share};

/// One cycle: a rate that rises from η/`divisor` to η, the optimizer's own, and falls to η/(`divisor`·`final_divisor`).
///
/// Formula: in `rise`·T steps up, along half a wave or `linear`, and in the rest down; with `three_phase`, down to where it
/// began as fast as it rose, then to the end. The momentum is left as it is.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `steps` T | none | 1 or more |
/// | `rise` | 0.3 | 0 to 1; at most ½ with `three_phase` |
/// | `divisor` | 25 | at least 1, finite |
/// | `final_divisor` | 10⁴ | at least 1, finite |
/// | `linear` | off | |
/// | `three_phase` | off | |
///
/// Errors: when training starts, for a setting out of range.
///
/// Source: Smith and Topin, *Super-convergence*, 2018. PyTorch: `OneCycleLR(cycle_momentum=False)`.
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
    /// One cycle of so many steps.
    pub fn new(steps: u64) -> Self {
        Self { steps, rise: 0.3, divisor: 25.0, final_divisor: 1e4, linear: false, three_phase: false }
    }

    /// Sets the share of the steps in which the rate rises.
    pub fn rise(self, rise: f64) -> Self {
        Self { rise, ..self }
    }

    /// Sets the part of the peak that it begins with.
    pub fn divisor(self, divisor: f64) -> Self {
        Self { divisor, ..self }
    }

    /// Sets the part of the beginning that it ends with.
    pub fn final_divisor(self, final_divisor: f64) -> Self {
        Self { final_divisor, ..self }
    }

    /// Rises and falls in straight lines.
    pub fn linear(self, linear: bool) -> Self {
        Self { linear, ..self }
    }

    /// Falls as fast as it rose, to where it began, before it goes on to the end.
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
