use super::ActFn;
use crate::scalar::Real;
use crate::settings::Settings;

/// λ and α at the fixed point that the paper derives.
const LAMBDA: f64 = 1.050_700_987_355_480_5;
const ALPHA: f64 = 1.673_263_242_354_377_2;

/// The scaled exponential linear unit, which keeps mean 0 and variance 1 from layer to layer.
///
/// Initialise the weights with [`Initializer::LECUN_NORMAL`](crate::init::Initializer::LECUN_NORMAL).
///
/// Formula: z = λ·u for u > 0, else λ·α·(eᵘ − 1), with λ = 1.0507… and α = 1.6732….
///
/// Derivative: λ for u > 0, else λ·α·eᵘ.
///
/// Shapes: elementwise.
///
/// Numerics: z tends to −λ·α = −1.7581… and the derivative to 0 at −∞. Nothing overflows.
///
/// # Source
///
/// Klambauer et al., *Self-normalizing neural networks*, 2017.
///
/// # Examples
///
/// ```
/// use manabi::activation::Selu;
/// use manabi::ActFn;
///
/// assert_eq!(Selu.f(1.0), 1.0507009873554805);
/// ```
#[doc = ""]
#[doc = include_str!("plot/selu.svg")]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[doc(alias = "SELU")]
pub struct Selu;

impl ActFn for Selu {
    const KIND: &'static str = "selu";

    #[inline(always)]
    fn f<A: Real>(&self, u: A) -> A {
        let negative = A::of(LAMBDA * ALPHA) * u.min(A::zero()).exp_m1();
        if u > A::zero() { A::of(LAMBDA) * u } else { negative }
    }

    #[inline(always)]
    fn df<A: Real>(&self, u: A, _z: A) -> A {
        let negative = A::of(LAMBDA * ALPHA) * u.min(A::zero()).exp();
        if u > A::zero() { A::of(LAMBDA) } else { negative }
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new())
    }
}
