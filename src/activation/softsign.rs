use super::ActFn;
use crate::scalar::Real;
use crate::settings::Settings;

/// Softsign: an S-shaped curve without exponentials.
///
/// Formula: z = u / (1 + |u|).
///
/// Derivative: 1 / (1 + |u|)².
///
/// Shapes: elementwise.
///
/// Numerics: at ±∞, z is ±1 and the derivative is 0.
///
/// # Source
///
/// Turian, Bergstra and Bengio, *Quadratic features and deep architectures for chunking*, 2009.
///
/// # Examples
///
/// ```
/// use manabi::activation::Softsign;
/// use manabi::ActFn;
///
/// assert_eq!(Softsign.f(-3.0), -0.75);
/// ```
#[doc = ""]
#[doc = include_str!("plot/softsign.svg")]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Softsign;

impl ActFn for Softsign {
    const KIND: &'static str = "softsign";

    #[inline(always)]
    fn f<A: Real>(&self, u: A) -> A {
        let z = u / (A::one() + u.abs());
        if u.is_infinite() { u.signum() } else { z }
    }

    #[inline(always)]
    fn df<A: Real>(&self, u: A, _z: A) -> A {
        let s = A::one() / (A::one() + u.abs());
        s * s
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new())
    }
}
