use super::ActFn;
use crate::scalar::Real;
use crate::settings::Settings;

/// The logistic sigmoid.
///
/// Formula: z = σ(u) = 1 / (1 + e⁻ᵘ).
///
/// Derivative: z·(1 − z), computed as e/(1 + e)² with e = e^−|u|, which does not cancel if z is near 1.
///
/// Shapes: elementwise.
///
/// Numerics: z is 0 at −∞ and 1 at +∞. It keeps its relative accuracy down to the smallest values.
///
/// # Source
///
/// Cox, *The regression analysis of binary sequences*, 1958.
///
/// # Examples
///
/// ```
/// use manabi::activation::Sigmoid;
/// use manabi::ActFn;
///
/// assert_eq!([f64::NEG_INFINITY, 0.0, f64::INFINITY].map(|u| Sigmoid.f(u)), [0.0, 0.5, 1.0]);
/// ```
#[doc = ""]
#[doc = include_str!("plot/sigmoid.svg")]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[doc(alias("logistic", "expit"))]
pub struct Sigmoid;

impl ActFn for Sigmoid {
    const KIND: &'static str = "sigmoid";

    #[inline(always)]
    fn f<A: Real>(&self, u: A) -> A {
        u.sigmoid()
    }

    #[inline(always)]
    fn df<A: Real>(&self, u: A, _z: A) -> A {
        u.sigmoid_derivative()
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new())
    }
}
