//! The one number bound of the crate, and the elementary functions that the layers are made of.

mod bytes;
mod derivative;
mod double;
mod double_mish;
mod element;
mod erf;
mod exp;
mod kernel;
mod ln;
mod logistic;
mod single;
mod single_mish;

use std::fmt::{Debug, Display, LowerExp};
use std::iter::Sum;

use ndarray::{LinalgScalar, ScalarOperand};
use num_traits::float::FloatCore;
use num_traits::{FromPrimitive, NumAssign};

use bytes::Bytes;
#[cfg(feature = "persistence")]
pub(crate) use bytes::are_finite;
pub(crate) use element::Element;

/// A number that arrays are made of: `f32` or `f64`. The trait is sealed: no other type can implement it.
///
/// It brings its own elementary functions, so that generic code such as an activation gets them by their plain
/// names. They are scalar arithmetic without branches or tables, mostly fused multiply-adds, and every instruction set gives
/// the same bits. A loop over them is vectorised by the compiler where it is compiled for a set that has the operation:
/// the loops over an [`ActFn`](crate::ActFn) are, and your own are inside [`simd::dispatch`](crate::simd::dispatch).
/// Elsewhere each multiply-add is a call into the system's library on `x86_64`, right but slow.
///
/// Errors are given in units of the last place (ulp), for both precisions and all arguments, subnormal results
/// included. NaN gives NaN.
///
/// `num_traits::Float` is no part of it on purpose: its methods of the same names would call the system's library.
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
    Sealed
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

    /// eˣ, to 1.1 ulp.
    fn exp(self) -> Self;

    /// eˣ − 1, to 1.5 ulp.
    fn exp_m1(self) -> Self;

    /// ln x, to 1 ulp: −∞ at 0, NaN below.
    fn ln(self) -> Self;

    /// ln(1 + x), to 1 ulp: −∞ at −1, NaN below.
    fn ln_1p(self) -> Self;

    /// erf x = 2/√π·∫ e^(−t²) dt from 0 to x, to 1.2 ulp.
    fn erf(self) -> Self;

    /// erfc x = 1 − erf x, to 4 ulp, also where erf x is near 1.
    fn erfc(self) -> Self;

    /// Φ(x), the probability that a standard normal variable is below x, to 3 ulp.
    fn normal_cdf(self) -> Self;

    /// x·Φ(x), to 4 ulp.
    fn gelu(self) -> Self;

    /// The derivative of x·Φ(x), to 5 ulp but near its zero.
    fn gelu_derivative(self) -> Self;

    /// σ(x) = 1/(1 + e⁻ˣ), to 2 ulp.
    fn sigmoid(self) -> Self;

    /// x·σ(v), to 2 ulp: neither σ(v) nor the product loses digits where σ(v) is subnormal. Where it has vanished even so, 0,
    /// whatever x is.
    fn times_sigmoid(self, v: Self) -> Self;

    /// tanh x, to 2 ulp.
    fn tanh(self) -> Self;

    /// ln(1 + eˣ), to 2 ulp.
    fn softplus(self) -> Self;

    /// x·tanh(softplus(x)), to 2 ulp.
    fn mish(self) -> Self;

    /// σ′(x) = σ(x)·σ(−x), to 3 ulp.
    fn sigmoid_derivative(self) -> Self;

    /// tanh′(x) = 1 − tanh² x, to 3 ulp.
    fn tanh_derivative(self) -> Self;

    /// The derivative of x·σ(x), to 3 ulp but near its zero.
    fn swish_derivative(self) -> Self;

    /// The derivative of x·tanh(softplus(x)), to 3 ulp but near its zero.
    fn mish_derivative(self) -> Self;
}

mod sealed {
    /// What the crate itself needs of a number.
    pub trait Sealed: super::Element + super::Bytes {}
}
use sealed::Sealed;

macro_rules! scalar {
    ($t:ty, $mish:ident, $precision:ident) => {
        impl Sealed for $t {}

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
            fn erf(self) -> Self {
                erf::erf::<erf::$precision>(self.into()) as $t
            }
            #[inline(always)]
            fn erfc(self) -> Self {
                erf::erfc::<erf::$precision>(self.into()) as $t
            }
            #[inline(always)]
            fn normal_cdf(self) -> Self {
                erf::normal_cdf::<erf::$precision>(self.into()) as $t
            }
            #[inline(always)]
            fn gelu(self) -> Self {
                erf::gelu::<erf::$precision>(self.into()) as $t
            }
            #[inline(always)]
            fn gelu_derivative(self) -> Self {
                erf::gelu_derivative::<erf::$precision>(self.into()) as $t
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
                derivative::swish_derivative(self)
            }
            #[inline(always)]
            fn mish_derivative(self) -> Self {
                $mish::mish_derivative(self)
            }
        }
    };
}
scalar!(f32, single_mish, Single);
scalar!(f64, double_mish, Double);

/// Returns the greatest power of two that is not above a magnitude, kept within the range of normal numbers: in this unit the
/// magnitude is from 1 to 2, and its square stays in the range. To divide by it loses no digit.
pub(crate) fn unit_of(magnitude: f64) -> f64 {
    let magnitude = magnitude.clamp(f64::MIN_POSITIVE, f64::MAX);
    f64::from_bits(magnitude.to_bits() & f64::INFINITY.to_bits())
}
