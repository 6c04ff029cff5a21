use super::ActFn;
use crate::scalar::Real;
use crate::settings::Settings;

/// The logarithm of the sigmoid.
///
/// Formula: z = ln σ(u) = −ln(1 + e⁻ᵘ).
///
/// Derivative: σ(−u).
///
/// Shapes: elementwise.
///
/// Numerics: z tends to u at −∞ and to −0 at +∞. It keeps its relative accuracy in both tails.
///
/// # Source
///
/// Goodfellow, Bengio and Courville, *Deep learning*, 2016, 3.10.
///
/// # Examples
///
/// ```
/// use manabi::activation::LogSigmoid;
/// use manabi::ActFn;
///
/// assert_eq!(LogSigmoid.f(-1e9), -1e9);
/// ```
#[doc = ""]
#[doc = include_str!("plot/log_sigmoid.svg")]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[doc(alias = "logsigmoid")]
pub struct LogSigmoid;

impl ActFn for LogSigmoid {
    const KIND: &'static str = "log_sigmoid";

    #[inline(always)]
    fn f<A: Real>(&self, u: A) -> A {
        -(-u).softplus()
    }

    #[inline(always)]
    fn df<A: Real>(&self, u: A, _z: A) -> A {
        (-u).sigmoid()
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new())
    }
}
