use super::{ActFn, check_finite};
use crate::error::Result;
use crate::scalar::Scalar;

/// Swish, for β = 1 also called SiLU: u, gated by its own sigmoid.
///
/// Formula: z = u·σ(βu).
///
/// Derivative: β·z + σ(βu)·(1 − β·z).
///
/// Shapes: elementwise.
///
/// Numerics: evaluated so, the derivative cancels for large u, and from u = 10¹⁶ on gives 0 instead of 1; a function of βu alone
/// that does not cancel is evaluated instead (see `docs/derivations.md`). −0 or 0 at −∞ with derivative 0; nothing
/// overflows.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `beta` β | 1 | finite |
///
/// Errors: when the model is built, for a β that is not finite.
///
/// Source: Ramachandran, Zoph and Le, *Searching for activation functions*, 2017; Elfwing, Uchibe and Doya, 2018.
///
/// ```
/// use manabi::{ActFn, Swish};
///
/// assert_eq!(Swish::default().f(1000.0), 1000.0);
/// assert_eq!(Swish::new(2.0).df(0.0, 0.0), 0.5);
/// ```
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

    #[inline(always)]
    fn f<A: Scalar>(&self, u: A) -> A {
        u.times_sigmoid(A::of(self.beta) * u)
    }

    #[inline(always)]
    fn df<A: Scalar>(&self, u: A, _z: A) -> A {
        (A::of(self.beta) * u).swish_derivative()
    }

    fn check(&self) -> Result<()> {
        check_finite("beta", self.beta)
    }
}
