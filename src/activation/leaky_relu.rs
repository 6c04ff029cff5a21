use super::{ActFn, scaled};
use crate::error::Result;
use crate::scalar::Real;
use crate::settings::{Settings, check_finite};

/// The leaky ReLU, which has a small slope for negative u.
///
/// Formula: z = u for u > 0, else α·u.
///
/// Derivative: 1 for u > 0, else α.
///
/// Shapes: elementwise.
///
/// Numerics: exact up to one rounding. The derivative at the kink 0 is α.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `alpha` α | slope for u ≤ 0 | 0.01 | finite |
///
/// # Errors
///
/// Building a model returns [`Error::Layer`](crate::Error::Layer) if `alpha` is out of range.
///
/// # Source
///
/// Maas, Hannun and Ng, *Rectifier nonlinearities improve neural network acoustic models*, 2013.
///
/// # Examples
///
/// ```
/// use manabi::activation::LeakyRelu;
/// use manabi::ActFn;
///
/// assert_eq!([-2.0, 3.0].map(|u| LeakyRelu::new(0.5).f(u)), [-1.0, 3.0]);
/// ```
#[doc = ""]
#[doc = include_str!("plot/leaky_relu.svg")]
#[derive(Clone, Copy, Debug, PartialEq)]
#[doc(alias = "LeakyReLU")]
pub struct LeakyRelu {
    alpha: f64,
}

impl LeakyRelu {
    /// Creates a leaky ReLU function with this α.
    pub fn new(alpha: f64) -> Self {
        Self { alpha }
    }
}

impl Default for LeakyRelu {
    fn default() -> Self {
        Self::new(0.01)
    }
}

impl ActFn for LeakyRelu {
    const KIND: &'static str = "leaky_relu";

    #[inline(always)]
    fn f<A: Real>(&self, u: A) -> A {
        if u > A::zero() { u } else { scaled(A::of(self.alpha), u) }
    }

    #[inline(always)]
    fn df<A: Real>(&self, u: A, _z: A) -> A {
        if u > A::zero() { A::one() } else { A::of(self.alpha) }
    }

    fn check(&self) -> Result<()> {
        check_finite("alpha", self.alpha)
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new().with("alpha", self.alpha))
    }
}
