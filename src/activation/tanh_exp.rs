use super::ActFn;
use crate::scalar::Real;
use crate::settings::Settings;

/// TanhExp: similar to Mish, with the exponential instead of the softplus.
///
/// Formula: z = u·tanh(eᵘ).
///
/// Derivative: tanh(eᵘ) + u·eᵘ·(1 − tanh²(eᵘ)).
///
/// Shapes: elementwise.
///
/// Numerics: at −∞, z is −0. The argument of the exponential is limited to 4, because beyond it the tanh is 1 in every precision.
/// Nothing overflows.
///
/// # Source
///
/// Liu and Di, *TanhExp: a smooth activation function with high convergence speed for lightweight neural
/// networks*, 2020.
///
/// # Examples
///
/// ```
/// use manabi::activation::TanhExp;
/// use manabi::ActFn;
///
/// assert_eq!(TanhExp.f(50.0), 50.0);
/// ```
#[doc = ""]
#[doc = include_str!("plot/tanh_exp.svg")]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[doc(alias = "tanhexp")]
pub struct TanhExp;

impl ActFn for TanhExp {
    const KIND: &'static str = "tanh_exp";

    #[inline(always)]
    fn f<A: Real>(&self, u: A) -> A {
        let v = u.clamp(A::of(-800.0), A::of(4.0));
        // The root twice instead of eᵘ, which is subnormal for some u whose u·eᵘ is not.
        let root = (v / A::of(2.0)).exp();
        if u < A::of(-40.0) { v * root * root } else { u * (root * root).tanh() }
    }

    #[inline(always)]
    fn df<A: Real>(&self, u: A, _z: A) -> A {
        let v = u.clamp(A::of(-800.0), A::of(4.0));
        let e = v.exp();
        e.tanh() + v * e * e.tanh_derivative()
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new())
    }
}
