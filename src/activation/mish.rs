use super::ActFn;
use crate::scalar::Real;
use crate::settings::Settings;

/// Mish: u multiplied by the tanh of its softplus.
///
/// Formula: z = u·tanh(softplus(u)).
///
/// Derivative: tanh(softplus(u)) + u / (cosh²(softplus(u))·(1 + e⁻ᵘ)).
///
/// Shapes: elementwise.
///
/// Numerics: the function and the derivative each compute one exponential. Evaluated literally, the derivative above overflows on
/// both sides (see `docs/derivations.md`). The crate evaluates a form that never overflows. At −∞, z is −0 or 0 and the
/// derivative is 0.
///
/// # Source
///
/// Misra, *Mish: a self regularized non-monotonic activation function*, 2019.
///
/// # Examples
///
/// ```
/// use manabi::{ActFn, Mish};
///
/// assert_eq!(Mish.f(1000.0), 1000.0);
/// assert!((Mish.df(0.0_f64, 0.0) - 0.6).abs() < 1e-15);
/// ```
#[doc = ""]
#[doc = include_str!("plot/mish.svg")]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mish;

impl ActFn for Mish {
    const KIND: &'static str = "mish";

    #[inline(always)]
    fn f<A: Real>(&self, u: A) -> A {
        u.mish()
    }

    #[inline(always)]
    fn df<A: Real>(&self, u: A, _z: A) -> A {
        u.mish_derivative()
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new())
    }
}
