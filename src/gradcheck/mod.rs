//! Checks of analytic derivatives against central differences, for functions, layers and whole models.
//!
//! Formula: D(h) = (g(x + h) − g(x − h)) / 2h is computed for h and for h/2, and both are combined by Richardson extrapolation:
//! (4·D(h/2) − D(h)) / 3. Of seven steps h from 10⁻³ to 10⁻⁹ (times |x| if it is above 1), a check uses the step with the
//! smallest uncertainty, which is |D(h/2) − D(h)| plus the possible rounding error.
//!
//! A derivative passes if it differs from the numeric derivative, beyond the uncertainty, by at most 10⁻⁶ of the larger of the
//! two. A kink is a point at which the slopes to the left and to the right stay apart as h shrinks. A derivative at a kink passes
//! if it is between the two slopes.
//!
//! Source: Ridders, *Accurate computation of F′(x) and F′(x)F″(x)*, 1982.
//!
//! # Examples
//! ```
//! use manabi::{ActFn, Real, Swish, gradcheck};
//!
//! gradcheck::activation(&Swish::new(2.0)).assert();
//!
//! #[derive(Clone, Debug)]
//! struct Wrong;
//!
//! impl ActFn for Wrong {
//!     const KIND: &'static str = "square";
//!     #[inline(always)]
//!     fn f<A: Real>(&self, u: A) -> A {
//!         u * u
//!     }
//!     #[inline(always)]
//!     fn df<A: Real>(&self, u: A, _z: A) -> A {
//!         u
//!     }
//! }
//! let report = gradcheck::activation(&Wrong);
//! assert!(!report.passed());
//! ```

mod activation;
mod difference;
mod layer;
mod model;

use std::fmt;

pub use activation::{activation, activation_at};
pub use layer::{layer, layer_with_shape};
pub use model::model;

use difference::Slope;

/// The maximum difference between an analytic and a numeric derivative, relative to the larger of the two.
pub const TOLERANCE: f64 = 1e-6;

/// The result of a gradient check.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// The number of derivatives that were checked.
    pub points: usize,
    /// The number of derivatives at a kink.
    pub kinks: usize,
    /// The number of wrong derivatives.
    pub failures: usize,
    /// The derivative with the largest relative error, if any were checked.
    pub worst: Option<Deviation>,
}

/// A derivative, computed in two ways.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Deviation {
    /// The variable of the derivative, such as `u`, `x[0, 3]` or `affine1.weight[2, 1]`.
    pub place: String,
    /// The value of the variable.
    pub at: f64,
    /// The analytic derivative, which is checked.
    pub analytic: f64,
    /// The numeric derivative, computed from differences.
    pub numeric: f64,
    /// The difference between the two derivatives beyond the uncertainty, relative to the larger of the two.
    pub relative_error: f64,
}

impl Report {
    fn new() -> Self {
        Self { points: 0, kinks: 0, failures: 0, worst: None }
    }

    /// Returns whether at least one derivative was checked and none is wrong.
    pub fn passed(&self) -> bool {
        self.points > 0 && self.failures == 0
    }

    /// Asserts that the check has passed, for use in tests.
    ///
    /// # Panics
    /// Panics with the report as the message if a derivative is wrong or if none was checked.
    #[track_caller]
    pub fn assert(&self) {
        assert!(self.passed(), "{self}");
    }

    /// Compares a derivative with the numeric one.
    fn compare(&mut self, place: impl FnOnce() -> String, at: f64, analytic: f64, slope: &Slope) {
        let mut relative_error = slope.relative_error(analytic);
        if relative_error > TOLERANCE && slope.is_kink_around(analytic) {
            self.kinks += 1;
            relative_error = 0.0;
        }
        self.count(
            place,
            Deviation { place: String::new(), at, analytic, numeric: slope.value, relative_error },
        );
    }

    /// Counts a derivative as correct if it is finite.
    fn require_finite(&mut self, place: &str, at: f64, analytic: f64) {
        let relative_error = if analytic.is_finite() { 0.0 } else { f64::INFINITY };
        let deviation = Deviation { place: String::new(), at, analytic, numeric: f64::NAN, relative_error };
        self.count(|| place.into(), deviation);
    }

    fn count(&mut self, place: impl FnOnce() -> String, deviation: Deviation) {
        self.points += 1;
        self.failures += usize::from(deviation.relative_error > TOLERANCE);
        if self.worst.as_ref().is_none_or(|worst| deviation.relative_error > worst.relative_error) {
            self.worst = Some(Deviation { place: place(), ..deviation });
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.passed() { "passed" } else { "failed" };
        write!(
            f,
            "{verdict}: {} of {} derivatives wrong, {} at kinks",
            self.failures, self.points, self.kinks
        )?;
        let Some(worst) = &self.worst else { return Ok(()) };
        let Deviation { place, at, analytic, numeric, relative_error } = worst;
        write!(f, "; worst at {place} = {at:e}: analytic {analytic:e}, numeric {numeric:e}, ")?;
        write!(f, "relative error {relative_error:.1e}")
    }
}
