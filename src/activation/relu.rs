use super::ActFn;
use crate::scalar::Real;
use crate::settings::Settings;

/// The rectified linear unit.
///
/// Formula: z = max(u, 0).
///
/// Derivative: 1 for u > 0, else 0.
///
/// Shapes: elementwise.
///
/// Numerics: exact. The derivative at the kink 0 is 0. NaN stays NaN.
///
/// # Source
///
/// Nair and Hinton, *Rectified linear units improve restricted Boltzmann machines*, 2010.
///
/// # Examples
///
/// ```
/// use manabi::{ActFn, Relu};
///
/// assert_eq!([-2.0, 3.0].map(|u| Relu.f(u)), [0.0, 3.0]);
/// ```
#[doc = ""]
#[doc = include_str!("plot/relu.svg")]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[doc(alias("ReLU", "rectifier"))]
pub struct Relu;

impl ActFn for Relu {
    const KIND: &'static str = "relu";

    #[inline(always)]
    fn f<A: Real>(&self, u: A) -> A {
        if u < A::zero() { A::zero() } else { u }
    }

    #[inline(always)]
    fn df<A: Real>(&self, u: A, _z: A) -> A {
        if u > A::zero() { A::one() } else { A::zero() }
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new())
    }
}
