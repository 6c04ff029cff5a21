use super::ActFn;
use crate::scalar::Real;
use crate::settings::Settings;

/// The hard sigmoid: a piecewise linear approximation of the sigmoid.
///
/// Formula: z = min(max(u/6 + 1/2, 0), 1).
///
/// Derivative: 1/6 for −3 < u < 3, else 0.
///
/// Shapes: elementwise.
///
/// Numerics: rounded twice. The derivative at the kinks −3 and 3 is 0.
///
/// # Source
///
/// Courbariaux, Bengio and David, *BinaryConnect*, 2015, with the slope of Howard et al., *Searching for
/// MobileNetV3*, 2019.
///
/// # Examples
///
/// ```
/// use manabi::activation::HardSigmoid;
/// use manabi::ActFn;
///
/// assert_eq!([-3.0, 0.0, 9.0].map(|u| HardSigmoid.f(u)), [0.0, 0.5, 1.0]);
/// ```
#[doc = ""]
#[doc = include_str!("plot/hard_sigmoid.svg")]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[doc(alias = "Hardsigmoid")]
pub struct HardSigmoid;

impl ActFn for HardSigmoid {
    const KIND: &'static str = "hard_sigmoid";

    #[inline(always)]
    fn f<A: Real>(&self, u: A) -> A {
        (u + A::of(3.0)).clamp(A::zero(), A::of(6.0)) / A::of(6.0)
    }

    #[inline(always)]
    fn df<A: Real>(&self, u: A, _z: A) -> A {
        if u.abs() < A::of(3.0) { A::one() / A::of(6.0) } else { A::zero() }
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new())
    }
}
