use super::Schedule;

/// Always the optimizer's own rate: what there is to begin with, and to be warmed up to.
///
/// Formula: η.
///
/// ```
/// use manabi::optim::{ConstantRate, Schedule, WarmUp};
///
/// assert_eq!(ConstantRate.rate(0.1, 1000), 0.1);
/// assert_eq!(WarmUp::new(100, ConstantRate).start(0.0).rate(0.1, 50), 0.05);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
pub struct ConstantRate;

impl Schedule for ConstantRate {
    fn rate(&self, base: f64, _steps: u64) -> f64 {
        base
    }
}
