use super::{Schedule, between, share};
use crate::error::Result;
use crate::settings::{check_count, check_share};

/// A rate that increases linearly to the initial rate of another schedule and then follows that schedule.
///
/// Formula: η(0)·(s + (1 − s)·steps/T) for the first T steps, then η(steps − T). η(n) is the rate of `schedule` after n steps.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `steps` T | length of the warm-up | none | 1 or more |
/// | `schedule` | schedule after the warm-up | none | any [`Schedule`], such as [`ConstantRate`](crate::optim::ConstantRate) |
/// | `start` s | initial share of the rate | ⅓ | 0 to 1 |
///
/// # Errors
///
/// Training fails with [`Error::Setting`](crate::Error::Setting) before the first step if a setting is out of range.
///
/// # Source
///
/// Goyal et al., *Accurate, large minibatch SGD*, 2017. PyTorch: `LinearLR`, followed by another schedule in `SequentialLR`.
///
/// # Examples
///
/// ```
/// use manabi::optim::{CosineDecay, Schedule, WarmUp};
///
/// let schedule = WarmUp::new(10, CosineDecay::new(90)).start(0.0);
/// assert_eq!([0, 5, 10, 100].map(|steps| schedule.rate(1.0, steps)), [0.0, 0.5, 1.0, 0.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("warmup", "LinearLR", "learning rate scheduler"))]
pub struct WarmUp<S> {
    steps: u64,
    schedule: S,
    start: f64,
}

impl<S: Schedule> WarmUp<S> {
    /// Creates a warm-up of `steps` steps before `schedule`.
    pub fn new(steps: u64, schedule: S) -> Self {
        Self { steps, schedule, start: 1.0 / 3.0 }
    }

    /// Sets s, the initial share of the rate.
    pub fn start(self, start: f64) -> Self {
        Self { start, ..self }
    }
}

impl<S: Schedule> Schedule for WarmUp<S> {
    fn rate(&self, base: f64, steps: u64) -> f64 {
        match steps.checked_sub(self.steps) {
            Some(after) => self.schedule.rate(base, after),
            None => self.schedule.rate(base, 0) * between(self.start, 1.0, 1.0 - share(steps, self.steps)),
        }
    }

    fn check(&self) -> Result<()> {
        check_count("steps", self.steps)?;
        check_share("start", self.start)?;
        self.schedule.check()
    }
}
