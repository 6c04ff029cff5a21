use super::ActFn;
use crate::scalar::Real;
use crate::settings::Settings;

/// ReLU capped at 6.
///
/// Formula: z = min(max(u, 0), 6).
///
/// Derivative: 1 for 0 < u < 6, else 0.
///
/// Shapes: elementwise.
///
/// Numerics: exact. At −∞, z is 0; at +∞, z is 6. The derivative at the kinks 0 and 6 is 0.
///
/// # Source
///
/// Krizhevsky, *Convolutional deep belief networks on CIFAR-10*, 2010.
///
/// # Examples
///
/// ```
/// use manabi::activation::Relu6;
/// use manabi::ActFn;
///
/// assert_eq!([-1.0, 2.5, 9.0].map(|u| Relu6.f(u)), [0.0, 2.5, 6.0]);
/// ```
#[doc = ""]
#[doc = include_str!("plot/relu6.svg")]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[doc(alias = "ReLU6")]
pub struct Relu6;

impl ActFn for Relu6 {
    const KIND: &'static str = "relu6";

    #[inline(always)]
    fn f<A: Real>(&self, u: A) -> A {
        u.clamp(A::zero(), A::of(6.0))
    }

    #[inline(always)]
    fn df<A: Real>(&self, u: A, _z: A) -> A {
        if u > A::zero() && u < A::of(6.0) { A::one() } else { A::zero() }
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new())
    }
}
