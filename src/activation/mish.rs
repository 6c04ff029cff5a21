use super::ActFn;
use crate::scalar::Real;
use crate::settings::Settings;

/// Mish: u, gated by the tanh of its softplus.
///
/// Formula: z = u·tanh(softplus(u)).
///
/// Derivative: tanh(softplus(u)) + u / (cosh²(softplus(u))·(1 + e⁻ᵘ)).
///
/// Shapes: elementwise.
///
/// Numerics: one exponential each, forward and backward; taken literally the derivative overflows on both sides (see
/// `docs/derivations.md`), this one nowhere. −0 or 0 at −∞ with derivative 0.
///
/// Source: Misra, *Mish: a self regularized non-monotonic activation function*, 2019.
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
