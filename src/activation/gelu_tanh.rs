use super::ActFn;
use crate::scalar::Real;
use crate::settings::Settings;

/// √(2/π).
const SLOPE: f64 = 0.797_884_560_802_865_4;
const CUBE: f64 = 0.044_715;
/// The greatest |u| that is evaluated. Beyond it, the sigmoid is 0 or 1 and its derivative is 0 in every precision.
const LIMIT: f64 = 30.0;

/// The tanh approximation of GELU, for models that were trained with it.
///
/// Formula: z = u/2·(1 + tanh(√(2/π)·(u + 0.044715·u³))) = u·σ(2·√(2/π)·(u + 0.044715·u³)).
///
/// Derivative: s + u·s·(1 − s)·2·√(2/π)·(1 + 3·0.044715·u²), where s is the sigmoid above.
///
/// Shapes: elementwise.
///
/// Numerics: computed with the sigmoid, which is accurate in the left tail, where 1 + tanh would cancel. At −∞, z is 0. The cubic
/// is evaluated only for |u| ≤ 30, so nothing overflows.
///
/// # Source
///
/// Hendrycks and Gimpel, *Gaussian error linear units*, 2016.
///
/// # Examples
///
/// ```
/// use manabi::activation::GeluTanh;
/// use manabi::ActFn;
///
/// assert!((GeluTanh.f(1.0_f64) - 0.841_191_990_608_276_6).abs() < 1e-15);
/// ```
#[doc = ""]
#[doc = include_str!("plot/gelu_tanh.svg")]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[doc(alias("gelu_new", "GELU"))]
pub struct GeluTanh;

impl ActFn for GeluTanh {
    const KIND: &'static str = "gelu_tanh";

    #[inline(always)]
    fn f<A: Real>(&self, u: A) -> A {
        u.times_sigmoid(inner(u))
    }

    #[inline(always)]
    fn df<A: Real>(&self, u: A, _z: A) -> A {
        let v = u.clamp(A::of(-LIMIT), A::of(LIMIT));
        let (s, c) = (inner(v).sigmoid(), (-inner(v)).sigmoid());
        s + v * s * c * A::of(2.0 * SLOPE) * (A::one() + A::of(3.0 * CUBE) * v * v)
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new())
    }
}

/// Returns the argument of the sigmoid.
#[inline(always)]
fn inner<A: Real>(u: A) -> A {
    let v = u.clamp(A::of(-LIMIT), A::of(LIMIT));
    A::of(2.0 * SLOPE) * v * (A::one() + A::of(CUBE) * v * v)
}
