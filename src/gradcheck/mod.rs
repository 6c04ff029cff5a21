//! Are the derivatives right? Analytic ones against central differences, for functions, layers and whole models.
//!
//! Formula: D(h) = (g(x + h) − g(x − h)) / 2h, once for h and once for h/2, and from both by Richardson's extrapolation
//! (4·D(h/2) − D(h)) / 3. Of seven steps from 10⁻³ to 10⁻⁹ (times |x| where that is above 1) the one is taken that leaves
//! the least doubt: |D(h/2) − D(h)| and what rounding can do.
//!
//! A derivative passes if, beyond that doubt, it differs by at most 10⁻⁶ of the greater of both. At a kink (where the slopes
//! to both sides stay apart as h shrinks) it passes if it lies between the slopes.
//!
//! Source: Ridders, *Accurate computation of F′(x) and F′(x)F″(x)*, 1982.
//!
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

/// How far an analytic derivative may be from the numeric one, relative to the greater of both.
pub const TOLERANCE: f64 = 1e-6;

/// What a check found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// How many derivatives were compared.
    pub points: usize,
    /// How many of them are at a kink.
    pub kinks: usize,
    /// How many are wrong.
    pub failures: usize,
    /// The one that is furthest off, a wrong one if there is any.
    pub worst: Option<Deviation>,
}

/// One derivative, computed in two ways.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Deviation {
    /// What it is the derivative by: `u`, `x[0, 3]`, `affine1.weight[2, 1]`.
    pub place: String,
    /// The value there.
    pub at: f64,
    /// The derivative that is checked.
    pub analytic: f64,
    /// The derivative by differences.
    pub numeric: f64,
    /// The difference of both beyond rounding, relative to the greater.
    pub relative_error: f64,
}

impl Report {
    fn new() -> Self {
        Self { points: 0, kinks: 0, failures: 0, worst: None }
    }

    /// Whether there was a derivative to check, and every one is right.
    pub fn passed(&self) -> bool {
        self.points > 0 && self.failures == 0
    }

    /// For tests.
    ///
    /// # Panics
    /// If a derivative is wrong, with the report as the message.
    #[track_caller]
    pub fn assert(&self) {
        assert!(self.passed(), "{self}");
    }

    /// Compares one derivative.
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

    /// Counts a derivative as right if it is finite.
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
        write!(f, "; worst by {place} = {at:e}: analytic {analytic:e}, numeric {numeric:e}, ")?;
        write!(f, "relative error {relative_error:.1e}")
    }
}
