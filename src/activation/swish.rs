use super::{ActFn, check_finite};
use crate::error::Result;
use crate::scalar::Scalar;

/// Swish.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Swish {
    beta: f64,
}

impl Swish {
    /// Swish with this β.
    pub fn new(beta: f64) -> Self {
        Self { beta }
    }
}

impl Default for Swish {
    fn default() -> Self {
        Self::new(1.0)
    }
}

impl ActFn for Swish {
    const NAME: &'static str = "swish";
    fn f<A: Scalar>(&self, u: A) -> A {
        u * (A::of(self.beta) * u).sigmoid()
    }
    fn df<A: Scalar>(&self, u: A, z: A) -> A {
        let b = A::of(self.beta);
        (b * u).sigmoid() + b * z * (-b * u).sigmoid()
    }
    fn check(&self) -> Result<()> {
        check_finite("beta", self.beta)
    }
}
