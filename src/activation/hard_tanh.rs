use super::ActFn;
use crate::scalar::Real;
use crate::settings::Settings;

/// The hard tanh: a piecewise linear approximation of tanh.
///
/// Formula: z = min(max(u, −1), 1).
///
/// Derivative: 1 for −1 < u < 1, else 0.
///
/// Shapes: elementwise.
///
/// Numerics: exact. The derivative at the kinks −1 and 1 is 0.
///
/// # Source
///
/// Collobert, *Large scale machine learning*, 2004.
///
/// # Examples
///
/// ```
/// use manabi::activation::HardTanh;
/// use manabi::ActFn;
///
/// assert_eq!([-7.0, 0.5, 7.0].map(|u| HardTanh.f(u)), [-1.0, 0.5, 1.0]);
/// ```
#[doc = ""]
#[doc = include_str!("plot/hard_tanh.svg")]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[doc(alias("hardtanh", "Hardtanh"))]
pub struct HardTanh;

impl ActFn for HardTanh {
    const KIND: &'static str = "hard_tanh";

    #[inline(always)]
    fn f<A: Real>(&self, u: A) -> A {
        u.clamp(-A::one(), A::one())
    }

    #[inline(always)]
    fn df<A: Real>(&self, u: A, _z: A) -> A {
        if u.abs() < A::one() { A::one() } else { A::zero() }
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new())
    }
}
