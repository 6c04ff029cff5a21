use super::ActFn;
use crate::scalar::Real;
use crate::settings::Settings;

/// The identity function, for a layer or an output without an activation.
///
/// Formula: z = u.
///
/// Derivative: 1.
///
/// Shapes: elementwise.
///
/// Numerics: exact.
///
/// # Examples
///
/// ```
/// use manabi::activation::Identity;
/// use manabi::ActFn;
///
/// assert_eq!(Identity.f(-2.5), -2.5);
/// ```
#[doc = ""]
#[doc = include_str!("plot/identity.svg")]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[doc(alias("linear", "no activation"))]
pub struct Identity;

impl ActFn for Identity {
    const KIND: &'static str = "identity";

    #[inline(always)]
    fn f<A: Real>(&self, u: A) -> A {
        u
    }

    #[inline(always)]
    fn df<A: Real>(&self, _u: A, _z: A) -> A {
        A::one()
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new())
    }
}
