use super::ActFn;
use crate::error::Result;
use crate::scalar::Real;
use crate::settings::{Settings, check_positive};

/// The continuously differentiable ELU.
///
/// Formula: z = u for u > 0, else α·(exp(u/α) − 1).
///
/// Derivative: 1 for u > 0, else exp(u/α).
///
/// Shapes: elementwise.
///
/// Numerics: z tends to −α and the derivative to 0 at −∞. The function is smooth at 0. Nothing overflows.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `alpha` α | sets the limit −α at −∞ | 1 | above 0, finite |
///
/// # Errors
///
/// Building a model returns [`Error::Layer`](crate::Error::Layer) if `alpha` is out of range.
///
/// # Source
///
/// Barron, *Continuously differentiable exponential linear units*, 2017.
///
/// # Examples
///
/// ```
/// use manabi::activation::Celu;
/// use manabi::ActFn;
///
/// assert_eq!(Celu::new(2.0).f(f64::NEG_INFINITY), -2.0);
/// ```
#[doc = ""]
#[doc = include_str!("plot/celu.svg")]
#[derive(Clone, Copy, Debug, PartialEq)]
#[doc(alias = "CELU")]
pub struct Celu {
    alpha: f64,
}

impl Celu {
    /// Creates a CELU function with this α.
    pub fn new(alpha: f64) -> Self {
        Self { alpha }
    }

    /// Returns α, but at least the smallest positive normal value of `A`, so that u/α is never 0/0.
    #[inline(always)]
    fn alpha<A: Real>(&self) -> A {
        A::of(self.alpha).max(A::min_positive_value())
    }
}

impl Default for Celu {
    fn default() -> Self {
        Self::new(1.0)
    }
}

impl ActFn for Celu {
    const KIND: &'static str = "celu";

    #[inline(always)]
    fn f<A: Real>(&self, u: A) -> A {
        let alpha = self.alpha();
        let negative = alpha * (u.min(A::zero()) / alpha).exp_m1();
        if u > A::zero() { u } else { negative }
    }

    #[inline(always)]
    fn df<A: Real>(&self, u: A, _z: A) -> A {
        (u.min(A::zero()) / self.alpha()).exp()
    }

    fn check(&self) -> Result<()> {
        check_positive::<f64>("alpha", self.alpha)
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new().with("alpha", self.alpha))
    }
}
