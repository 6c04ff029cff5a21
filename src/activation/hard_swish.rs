use super::ActFn;
use crate::scalar::Real;
use crate::settings::Settings;

/// Hard Swish: Swish with a piecewise linear sigmoid.
///
/// Formula: z = u·min(max(u + 3, 0), 6) / 6.
///
/// Derivative: 0 for u ≤ −3, 1 for u ≥ 3, else (2u + 3)/6.
///
/// Shapes: elementwise.
///
/// Numerics: at −∞, z is −0. The derivative is 0 at the kink −3 and 1 at the kink 3.
///
/// # Source
///
/// Howard et al., *Searching for MobileNetV3*, 2019.
///
/// # Examples
///
/// ```
/// use manabi::activation::HardSwish;
/// use manabi::ActFn;
///
/// assert_eq!([-9.0, 1.0, 9.0].map(|u| HardSwish.f(u)), [0.0, 4.0 / 6.0, 9.0]);
/// ```
#[doc = ""]
#[doc = include_str!("plot/hard_swish.svg")]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[doc(alias = "Hardswish")]
pub struct HardSwish;

impl ActFn for HardSwish {
    const KIND: &'static str = "hard_swish";

    #[inline(always)]
    fn f<A: Real>(&self, u: A) -> A {
        let gate = (u + A::of(3.0)).clamp(A::zero(), A::of(6.0)) / A::of(6.0);
        u.max(A::of(-3.0)) * gate
    }

    #[inline(always)]
    fn df<A: Real>(&self, u: A, _z: A) -> A {
        let line = (u + u + A::of(3.0)) / A::of(6.0);
        let right = if u >= A::of(3.0) { A::one() } else { line };
        if u <= A::of(-3.0) { A::zero() } else { right }
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new())
    }
}
