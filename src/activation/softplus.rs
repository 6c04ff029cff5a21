use super::ActFn;
use crate::error::Result;
use crate::scalar::Real;
use crate::settings::{Settings, check_positive};

/// Softplus: a smooth approximation of ReLU.
///
/// Formula: z = ln(1 + e^βu)/β = max(u, 0) + ln(1 + e^−|βu|)/β.
///
/// Derivative: σ(βu).
///
/// Shapes: elementwise.
///
/// Numerics: z is 0 at −∞ and u for large u. Nothing overflows unless 1/β does.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `beta` β | sharpness of the bend at 0 | 1 | above 0, finite |
///
/// # Errors
///
/// Building a model returns [`Error::Layer`](crate::Error::Layer) if `beta` is out of range.
///
/// # Source
///
/// Dugas et al., *Incorporating second-order functional knowledge for better option pricing*, 2000.
///
/// # Examples
///
/// ```
/// use manabi::activation::Softplus;
/// use manabi::ActFn;
///
/// assert_eq!(Softplus::default().f(1000.0), 1000.0);
/// assert_eq!(Softplus::new(2.0).f(0.0_f64), 2_f64.ln() / 2.0);
/// ```
#[doc = ""]
#[doc = include_str!("plot/softplus.svg")]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Softplus {
    beta: f64,
}

impl Softplus {
    /// Creates a softplus function with this β.
    pub fn new(beta: f64) -> Self {
        Self { beta }
    }
}

impl Default for Softplus {
    fn default() -> Self {
        Self::new(1.0)
    }
}

impl ActFn for Softplus {
    const KIND: &'static str = "softplus";

    #[inline(always)]
    fn f<A: Real>(&self, u: A) -> A {
        let beta = A::of(self.beta);
        let v = beta * u;
        // In this range z rounds to u, and v may overflow.
        if v > A::of(100.0) { u } else { v.softplus() / beta }
    }

    #[inline(always)]
    fn df<A: Real>(&self, u: A, _z: A) -> A {
        (A::of(self.beta) * u).sigmoid()
    }

    fn check(&self) -> Result<()> {
        check_positive::<f64>("beta", self.beta)
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new().with("beta", self.beta))
    }
}
