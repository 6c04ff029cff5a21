//! The one number bound of the crate, and the elementary functions that the layers are made of.

mod derivative;
mod double;
mod element;
mod erf;
mod exp;
mod kernel;
mod ln;
mod logistic;
mod single;

use std::fmt::{Debug, Display, LowerExp};
use std::iter::Sum;

pub(crate) use element::Element;
use ndarray::{LinalgScalar, ScalarOperand};
use num_traits::float::FloatCore;
use num_traits::{FromPrimitive, NumAssign};

/// `f32` or `f64`.
///
/// Its functions are the crate's own: scalar arithmetic without branches, without calls into a mathematics library and
/// without fused operations. A plain loop over them vectorises, and gives the same bits on every machine and every
/// instruction set. That is why this is not `num_traits::Float`, whose functions are the system's: `u.exp()` means this
/// one.
///
/// Numerics: right to a unit or two in the last place; NaN for NaN; no overflow on the way to a finite result.
///
/// ```
/// use manabi::Scalar;
///
/// /// The logistic function with its turning point at m, in either precision.
/// fn logistic<A: Scalar>(x: A, m: f64) -> A {
///     (x - A::of(m)).sigmoid()
/// }
///
/// assert_eq!(logistic(2.5_f32, 2.5), 0.5);
/// assert_eq!(logistic(2.5_f64, 2.5), 0.5);
/// ```
pub trait Scalar:
    Element
    + FloatCore
    + NumAssign
    + FromPrimitive
    + LinalgScalar
    + ScalarOperand
    + Sum
    + Debug
    + Display
    + LowerExp
    + Default
    + Into<f64>
    + Send
    + Sync
    + 'static
{
    /// The nearest value to `x`.
    fn of(x: f64) -> Self;

    /// The same value as `f64`.
    fn widen(self) -> f64;

    /// √x, correctly rounded.
    fn sqrt(self) -> Self;

    /// eˣ.
    fn exp(self) -> Self;

    /// eˣ − 1, also where eˣ is near 1.
    fn exp_m1(self) -> Self;

    /// ln x; −∞ for 0, NaN below.
    fn ln(self) -> Self;

    /// ln (1 + x), also where x is small.
    fn ln_1p(self) -> Self;

    /// The error function 2/√π · ∫₀ˣ e^(−t²) dt.
    fn erf(self) -> Self;

    /// σ(x) = 1 / (1 + e⁻ˣ).
    fn sigmoid(self) -> Self;

    /// `self`·σ(v) with one division: the product of the two would be rounded twice, and lost where σ(v) alone is 0.
    fn times_sigmoid(self, v: Self) -> Self;

    /// tanh x.
    fn tanh(self) -> Self;

    /// ln (1 + eˣ).
    fn softplus(self) -> Self;

    /// x·tanh(ln (1 + eˣ)), with one exponential.
    fn mish(self) -> Self;

    /// σ′(x) = σ(x)·σ(−x).
    fn sigmoid_derivative(self) -> Self;

    /// tanh′(x) = 1 − tanh²x.
    fn tanh_derivative(self) -> Self;

    /// The derivative of x·σ(x).
    fn swish_derivative(self) -> Self;

    /// The derivative of [`mish`](Scalar::mish).
    fn mish_derivative(self) -> Self;
}

macro_rules! scalar {
    ($t:ty) => {
        impl Scalar for $t {
            #[inline(always)]
            fn of(x: f64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn widen(self) -> f64 {
                self.into()
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                <$t>::sqrt(self)
            }
            #[inline(always)]
            fn exp(self) -> Self {
                exp::exp(self)
            }
            #[inline(always)]
            fn exp_m1(self) -> Self {
                exp::exp_m1(self)
            }
            #[inline(always)]
            fn ln(self) -> Self {
                ln::ln(self)
            }
            #[inline(always)]
            fn ln_1p(self) -> Self {
                ln::ln_1p(self)
            }
            #[inline(always)]
            fn erf(self) -> Self {
                erf::erf(self)
            }
            #[inline(always)]
            fn sigmoid(self) -> Self {
                logistic::times_sigmoid(1.0, self)
            }
            #[inline(always)]
            fn times_sigmoid(self, v: Self) -> Self {
                logistic::times_sigmoid(self, v)
            }
            #[inline(always)]
            fn tanh(self) -> Self {
                logistic::tanh(self)
            }
            #[inline(always)]
            fn softplus(self) -> Self {
                logistic::softplus(self)
            }
            #[inline(always)]
            fn mish(self) -> Self {
                logistic::mish(self)
            }
            #[inline(always)]
            fn sigmoid_derivative(self) -> Self {
                derivative::sigmoid_derivative(self, 1.0)
            }
            #[inline(always)]
            fn tanh_derivative(self) -> Self {
                derivative::sigmoid_derivative(self + self, 4.0)
            }
            #[inline(always)]
            fn swish_derivative(self) -> Self {
                derivative::SwishMish::swish_derivative(self)
            }
            #[inline(always)]
            fn mish_derivative(self) -> Self {
                derivative::SwishMish::mish_derivative(self)
            }
        }
    };
}
scalar!(f32);
scalar!(f64);
