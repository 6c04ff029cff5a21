use super::ActFn;
use crate::error::Result;
use crate::scalar::Real;
use crate::settings::{Settings, check_finite};

/// The exponential linear unit.
///
/// Formula: z = u for u > 0, else α·(eᵘ − 1).
///
/// Derivative: 1 for u > 0, else α·eᵘ, which equals z + α but does not cancel.
///
/// Shapes: elementwise.
///
/// Numerics: z tends to −α and the derivative to 0 at −∞. The derivative at 0 is α. Nothing overflows.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `alpha` α | sets the limit −α at −∞ | 1 | finite |
///
/// # Errors
///
/// Building a model returns [`Error::Layer`](crate::Error::Layer) if `alpha` is out of range.
///
/// # Source
///
/// Clevert, Unterthiner and Hochreiter, *Fast and accurate deep network learning by exponential linear
/// units*, 2016.
///
/// # Examples
///
/// ```
/// use manabi::activation::Elu;
/// use manabi::ActFn;
///
/// assert_eq!(Elu::default().f(f64::NEG_INFINITY), -1.0);
/// ```
#[doc = ""]
#[doc = include_str!("plot/elu.svg")]
#[derive(Clone, Copy, Debug, PartialEq)]
#[doc(alias = "ELU")]
pub struct Elu {
    alpha: f64,
}

impl Elu {
    /// Creates an ELU function with this α.
    pub fn new(alpha: f64) -> Self {
        Self { alpha }
    }
}

impl Default for Elu {
    fn default() -> Self {
        Self::new(1.0)
    }
}

impl ActFn for Elu {
    const KIND: &'static str = "elu";

    #[inline(always)]
    fn f<A: Real>(&self, u: A) -> A {
        let negative = A::of(self.alpha) * u.min(A::zero()).exp_m1();
        if u > A::zero() { u } else { negative }
    }

    #[inline(always)]
    fn df<A: Real>(&self, u: A, _z: A) -> A {
        let negative = A::of(self.alpha) * u.min(A::zero()).exp();
        if u > A::zero() { A::one() } else { negative }
    }

    fn check(&self) -> Result<()> {
        check_finite("alpha", self.alpha)
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new().with("alpha", self.alpha))
    }
}
