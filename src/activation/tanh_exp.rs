use super::ActFn;
use crate::scalar::Real;
use crate::settings::Settings;

/// TanhExp: like Mish, with the exponential where Mish has softplus.
///
/// Formula: z = u·tanh(eᵘ).
///
/// Derivative: tanh(eᵘ) + u·eᵘ·(1 − tanh²(eᵘ)).
///
/// Shapes: elementwise.
///
/// Numerics: −0 at −∞; the exponential is taken of at most 4, from where on tanh is 1 in every precision, so
/// nothing overflows.
///
/// Source: Liu and Di, *TanhExp: a smooth activation function with high convergence speed for lightweight neural
/// networks*, 2020.
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
        // Its square is subnormal long before u times the square is.
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
