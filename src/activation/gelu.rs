use super::ActFn;
use crate::scalar::Real;
use crate::settings::Settings;

/// The Gaussian error linear unit: u multiplied by the probability that a standard normal variable is below u.
///
/// Formula: z = u·Φ(u), Φ(u) = (1 + erf(u/√2))/2.
///
/// Derivative: Φ(u) + u·φ(u), φ(u) = exp(−u²/2)/√(2π).
///
/// Shapes: elementwise.
///
/// Numerics: computed from the left tail of Φ, which keeps its digits where 1 + erf would cancel. The error is at most 4 units in
/// the last place. The error of the derivative is at most 5, except near its zero at −0.7518. At −∞, z and the derivative are 0.
/// Nothing overflows.
///
/// # Source
///
/// Hendrycks and Gimpel, *Gaussian error linear units*, 2016.
///
/// # Examples
///
/// ```
/// use manabi::activation::Gelu;
/// use manabi::ActFn;
///
/// assert!((Gelu.f(1.0_f64) - 0.841_344_746_068_542_9).abs() < 1e-15);
/// assert_eq!(Gelu.f(-12.0_f32), -2.131_778_5e-32);
/// ```
#[doc = ""]
#[doc = include_str!("plot/gelu.svg")]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[doc(alias = "GELU")]
pub struct Gelu;

impl ActFn for Gelu {
    const KIND: &'static str = "gelu";

    #[inline(always)]
    fn f<A: Real>(&self, u: A) -> A {
        u.gelu()
    }

    #[inline(always)]
    fn df<A: Real>(&self, u: A, _z: A) -> A {
        u.gelu_derivative()
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new())
    }
}
