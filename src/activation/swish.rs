use super::{ActFn, TrainableActFn, scaled};
use crate::error::Result;
use crate::scalar::Real;
use crate::settings::{Settings, check_finite};

/// Swish: u multiplied by the sigmoid of βu. With β = 1, it is also called [SiLU](Silu).
///
/// Formula: z = u·σ(βu).
///
/// Derivative: β·z + σ(βu)·(1 − β·z); with respect to β, if it is learned: u²·σ(βu)·σ(−βu).
///
/// Shapes: elementwise. An [`Activation`](crate::Activation) layer keeps β constant. A
/// [`TrainableActivation`](crate::layer::TrainableActivation) layer learns β, one per layer or one per unit.
///
/// Numerics: in the form above, the derivative cancels for large u and is 0 instead of 1 from u = 10¹⁶ on. The crate therefore
/// evaluates a function of βu alone that does not cancel (see `docs/derivations.md`). At −∞, z is −0 or 0 and the derivative is
/// 0. Nothing overflows.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `beta` β | factor of u in the sigmoid; if it is learned, its initial value | 1 | finite |
///
/// # Errors
///
/// Building a model returns [`Error::Layer`](crate::Error::Layer) if `beta` is out of range.
///
/// # Source
///
/// Ramachandran, Zoph and Le, *Searching for activation functions*, 2017; Elfwing, Uchibe and Doya, 2018.
///
/// # Examples
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
    /// Creates a Swish function with this β.
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
        // Avoids ∞·0 for infinite u.
        if slope == A::zero() { slope } else { u * (u * slope) }
    }
}

/// The sigmoid linear unit: [`Swish`] with its default β = 1.
///
/// # Examples
///
/// ```
/// use manabi::activation::Silu;
/// use manabi::ActFn;
///
/// assert_eq!(Silu::default().f(1.0_f64), 0.731_058_578_630_004_9);
/// ```
#[doc(alias("SiLU", "swish"))]
pub type Silu = Swish;
