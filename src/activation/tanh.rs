use super::ActFn;
use crate::scalar::Real;
use crate::settings::Settings;

/// The hyperbolic tangent.
///
/// Formula: z = tanh u.
///
/// Derivative: 1 − z², computed as 4·σ′(2u), which does not cancel if |z| is near 1.
///
/// Shapes: elementwise.
///
/// Numerics: at ±∞, z is ±1 and the derivative is 0.
///
/// # Source
///
/// LeCun et al., *Efficient BackProp*, 1998.
///
/// # Examples
///
/// ```
/// use manabi::activation::Tanh;
/// use manabi::ActFn;
///
/// assert_eq!([f64::NEG_INFINITY, 0.0, f64::INFINITY].map(|u| Tanh.f(u)), [-1.0, 0.0, 1.0]);
/// ```
#[doc = ""]
#[doc = include_str!("plot/tanh.svg")]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tanh;

impl ActFn for Tanh {
    const KIND: &'static str = "tanh";

    #[inline(always)]
    fn f<A: Real>(&self, u: A) -> A {
        u.tanh()
    }

    #[inline(always)]
    fn df<A: Real>(&self, u: A, _z: A) -> A {
        u.tanh_derivative()
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new())
    }
}
