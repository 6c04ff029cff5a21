use super::Schedule;

/// The optimizer's own rate at every step, as without a schedule. [`WarmUp`](crate::optim::WarmUp) can lead up to it.
///
/// Formula: η.
///
/// # Examples
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
