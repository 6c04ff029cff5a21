use super::ActFn;
use crate::scalar::Scalar;

/// A smooth ReLU.
///
/// Formula: z = ln(1 + eᵘ) = max(u, 0) + ln(1 + e^−|u|).
///
/// Derivative: σ(u).
///
/// Shapes: elementwise.
///
/// Numerics: 0 at −∞, u for large u; nothing overflows.
///
/// Source: Dugas et al., *Incorporating second-order functional knowledge for better option pricing*, 2000.
///
/// ```
/// use manabi::{ActFn, Softplus};
///
/// assert_eq!(Softplus.f(1000.0), 1000.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Softplus;

impl ActFn for Softplus {
    const NAME: &'static str = "softplus";

    #[inline(always)]
    fn f<A: Scalar>(&self, u: A) -> A {
        u.softplus()
    }

    #[inline(always)]
    fn df<A: Scalar>(&self, u: A, _z: A) -> A {
        u.sigmoid()
    }
}
