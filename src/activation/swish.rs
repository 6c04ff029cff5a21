use super::{ActFn, TrainableActFn, scaled};
use crate::error::Result;
use crate::scalar::Real;
use crate::settings::{Settings, check_finite};

/// Swish, for β = 1 also called [SiLU](Silu): u, gated by its own sigmoid.
///
/// Formula: z = u·σ(βu).
///
/// Derivative: β·z + σ(βu)·(1 − β·z); by β, where it is learned, u²·σ(βu)·σ(−βu).
///
/// Shapes: elementwise. As [`Activation`](crate::Activation) the layer keeps β, as
/// [`TrainableActivation`](crate::layer::TrainableActivation) it learns β, one per layer or one per unit.
///
/// Numerics: evaluated so, the derivative cancels for large u, and from u = 10¹⁶ on gives 0 instead of 1; a function of βu
/// alone that does not cancel is evaluated instead (see `docs/derivations.md`). −0 or 0 at −∞ with derivative 0; nothing
/// overflows.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `beta` β (where it is learned, before training) | 1 | finite |
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
#[doc = ""]
#[doc = include_str!("plot/swish.svg")]
#[derive(Clone, Copy, Debug, PartialEq)]
#[doc(alias = "SiLU")]
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
    const KIND: &'static str = "swish";

    #[inline(always)]
    fn f<A: Real>(&self, u: A) -> A {
        u.times_sigmoid(scaled(A::of(self.beta), u))
    }

    #[inline(always)]
    fn df<A: Real>(&self, u: A, _z: A) -> A {
        scaled(A::of(self.beta), u).swish_derivative()
    }

    fn check(&self) -> Result<()> {
        check_finite("beta", self.beta)
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new().with("beta", self.beta))
    }
}

impl TrainableActFn for Swish {
    const KIND: &'static str = "trainable_swish";
    const PARAMETER: &'static str = "beta";

    fn start(&self) -> f64 {
        self.beta
    }

    #[inline(always)]
    fn z<A: Real>(u: A, beta: A) -> A {
        u.times_sigmoid(scaled(beta, u))
    }

    #[inline(always)]
    fn dz_du<A: Real>(u: A, beta: A, _z: A) -> A {
        scaled(beta, u).swish_derivative()
    }

    #[inline(always)]
    fn dz_dp<A: Real>(u: A, beta: A, _z: A) -> A {
        let slope = scaled(beta, u).sigmoid_derivative();
        // Not ∞·0 for infinite u.
        if slope == A::zero() { slope } else { u * (u * slope) }
    }
}

/// The sigmoid linear unit: [`Swish`] with β = 1, which is its default.
///
/// ```
/// use manabi::activation::Silu;
/// use manabi::ActFn;
///
/// assert_eq!(Silu::default().f(1.0_f64), 0.731_058_578_630_004_9);
/// ```
#[doc(alias("SiLU", "swish"))]
pub type Silu = Swish;
