//! What a function of numbers may use: arithmetic, comparisons and the elementary functions.

use std::fmt::Debug;
use std::ops::{AddAssign, Div, DivAssign, MulAssign, Neg, Sub, SubAssign};

use num_traits::{One, Zero};

/// A real number that functions are written for: `f32`, `f64`, or a [`Dual`](super::Dual) number, which carries a derivative.
///
/// A function that is generic over it, such as an activation, gets arithmetic, comparisons and elementary functions by their
/// plain names, and its derivative comes from the function itself. The functions are arithmetic without branches, mostly fused
/// multiply-adds, and give the same bits on every instruction set; sin, cos and tan read a table as well. The compiler vectorises a
/// loop over them where it is compiled for a set that has the operation: the loops over an [`ActFn`](crate::ActFn) are, and your
/// own are inside [`simd::dispatch`](crate::simd::dispatch). Elsewhere each multiply-add is a call into the system's library on
/// `x86_64`: right, but slow.
///
/// Errors are given in units of the last place (ulp), for `f32` and `f64` and all arguments, subnormal results included. NaN
/// gives NaN.
///
/// Comparisons of dual numbers compare values, so `if u < R::zero() { … } else { … }` follows the branch that the value takes,
/// with that branch's derivative. At a kink, where the two branches meet, the derivative is the one of the branch that is
/// taken for equality.
///
/// ```
/// use manabi::scalar::{Dual, Real};
///
/// /// The logistic function with its turning point at m.
/// fn logistic<R: Real>(x: R, m: f64) -> R {
///     (x - R::of(m)).sigmoid()
/// }
///
/// assert_eq!(logistic(2.5_f32, 2.5), 0.5);
/// assert_eq!(logistic(Dual::variable(2.5_f64), 2.5).derivative(), 0.25);
/// ```
pub trait Real:
    Copy
    + Debug
    + PartialOrd
    + Zero
    + One
    + Neg<Output = Self>
    + Sub<Output = Self>
    + Div<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + Send
    + Sync
    + 'static
{
    /// The nearest value to `x`; a constant, whose derivative is 0.
    fn of(x: f64) -> Self;

    /// The value as `f64`, without a derivative.
    fn widen(self) -> f64;

    /// x·factor + addend, rounded once.
    fn mul_add(self, factor: Self, addend: Self) -> Self;

    /// |x|. The derivative at 0 is 1 for 0 and −1 for −0.
    fn abs(self) -> Self;

    /// 1 for x > 0 and for 0, −1 for x < 0 and for −0.
    fn signum(self) -> Self;

    /// |x| with the sign of another value.
    fn copysign(self, sign: Self) -> Self;

    /// The greatest whole number that is not above x. Its derivative is 0.
    fn floor(self) -> Self;

    /// The distance from 1 to the next greater number.
    fn epsilon() -> Self;

    /// The greatest finite number.
    fn max_value() -> Self;

    /// The least positive number that has all its digits.
    fn min_positive_value() -> Self;

    /// Returns whether this is NaN.
    fn is_nan(self) -> bool;

    /// Returns whether this is neither infinite nor NaN.
    fn is_finite(self) -> bool;

    /// √x, correctly rounded.
    fn sqrt(self) -> Self;

    /// ∛x, to 1 ulp.
    fn cbrt(self) -> Self;

    /// √(x² + y²), to 1 ulp, without overflow on the way.
    fn hypot(self, y: Self) -> Self;

    /// xⁿ, to 1.5 ulp.
    fn powi(self, n: i32) -> Self;

    /// xʸ, to 1 ulp. A negative x has whole powers only: others are NaN.
    fn powf(self, y: Self) -> Self;

    /// eˣ, to 1.1 ulp.
    fn exp(self) -> Self;

    /// 2ˣ, to 1 ulp.
    fn exp2(self) -> Self;

    /// eˣ − 1, to 1.5 ulp.
    fn exp_m1(self) -> Self;

    /// ln x, to 1 ulp: −∞ at 0, NaN below.
    fn ln(self) -> Self;

    /// ln(1 + x), to 1 ulp: −∞ at −1, NaN below.
    fn ln_1p(self) -> Self;

    /// log₂ x, to 1 ulp: −∞ at 0, NaN below.
    fn log2(self) -> Self;

    /// log₁₀ x, to 1 ulp: −∞ at 0, NaN below.
    fn log10(self) -> Self;

    /// sin x, to 1 ulp, for every x: NaN at ±∞.
    fn sin(self) -> Self;

    /// cos x, to 1 ulp, for every x: NaN at ±∞.
    fn cos(self) -> Self;

    /// tan x, to 1 ulp, for every x: NaN at ±∞.
    fn tan(self) -> Self;

    /// The angle from −π/2 to π/2 whose sine is x, to 1 ulp: NaN beyond ±1.
    fn asin(self) -> Self;

    /// The angle from 0 to π whose cosine is x, to 1 ulp: NaN beyond ±1.
    fn acos(self) -> Self;

    /// The angle from −π/2 to π/2 whose tangent is x, to 1 ulp.
    fn atan(self) -> Self;

    /// The angle of the point (`x`, self), from −π to π, to 1 ulp.
    fn atan2(self, x: Self) -> Self;

    /// sinh x, to 1 ulp.
    fn sinh(self) -> Self;

    /// cosh x, to 1 ulp.
    fn cosh(self) -> Self;

    /// tanh x, to 2 ulp.
    fn tanh(self) -> Self;

    /// The x of which sinh is the argument, to 1 ulp.
    fn asinh(self) -> Self;

    /// The x ≥ 0 of which cosh is the argument, to 1 ulp: NaN below 1.
    fn acosh(self) -> Self;

    /// The x of which tanh is the argument, to 1 ulp: ±∞ at ±1, NaN beyond.
    fn atanh(self) -> Self;

    /// erf x = 2/√π·∫ e^(−t²) dt from 0 to x, to 1.2 ulp.
    fn erf(self) -> Self;

    /// erfc x = 1 − erf x, to 4 ulp, also where erf x is near 1.
    fn erfc(self) -> Self;

    /// Φ(x), the probability that a standard normal variable is below x, to 3 ulp.
    fn normal_cdf(self) -> Self;

    /// ln |Γ(x)|, to 1.1 ulp on x > 0: ∞ at the poles 0, −1, −2, …
    fn ln_gamma(self) -> Self;

    /// ψ(x), the derivative of ln Γ(x), to 1.1 ulp on x > 0: ∓∞ at ±0, NaN at the poles −1, −2, …
    fn digamma(self) -> Self;

    /// x·Φ(x), to 4 ulp.
    fn gelu(self) -> Self;

    /// The derivative of x·Φ(x), to 5 ulp but near its zero.
    fn gelu_derivative(self) -> Self;

    /// σ(x) = 1/(1 + e⁻ˣ), to 2 ulp.
    fn sigmoid(self) -> Self;

    /// Returns σ(x), to 3 ulp, and σ′(x), to 5 ulp, at the price of one of them. Both may differ in the last digit from what
    /// [`sigmoid`](Real::sigmoid) and [`sigmoid_derivative`](Real::sigmoid_derivative) return.
    #[inline(always)]
    fn sigmoid_with_derivative(self) -> (Self, Self) {
        (self.sigmoid(), self.sigmoid_derivative())
    }

    /// x·σ(v), to 2 ulp: neither σ(v) nor the product loses digits where σ(v) is subnormal. Where it has vanished even so, 0,
    /// whatever x is.
    fn times_sigmoid(self, v: Self) -> Self;

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

    /// ∞.
    #[inline(always)]
    fn infinity() -> Self {
        Self::of(f64::INFINITY)
    }

    /// −∞.
    #[inline(always)]
    fn neg_infinity() -> Self {
        Self::of(f64::NEG_INFINITY)
    }

    /// NaN.
    #[inline(always)]
    fn nan() -> Self {
        Self::of(f64::NAN)
    }

    /// Returns whether this is ∞ or −∞.
    #[inline(always)]
    fn is_infinite(self) -> bool {
        !self.is_finite() && !self.is_nan()
    }

    /// 1/x.
    #[inline(always)]
    fn recip(self) -> Self {
        Self::one() / self
    }

    /// The lesser of the two; x if they are equal or one is NaN.
    #[inline(always)]
    fn min(self, high: Self) -> Self {
        if self > high { high } else { self }
    }

    /// The greater of the two; x if they are equal or one is NaN.
    #[inline(always)]
    fn max(self, low: Self) -> Self {
        if self < low { low } else { self }
    }

    /// The nearest value between the two; NaN stays NaN.
    #[inline(always)]
    fn clamp(self, low: Self, high: Self) -> Self {
        self.max(low).min(high)
    }
}

macro_rules! through {
    ($t:ty; $($module:ident: $($name:ident)+;)+) => {
        $($(
            #[inline(always)]
            fn $name(self) -> Self {
                super::$module::$name(self.into()) as $t
            }
        )+)+
    };
}

macro_rules! own {
    ($t:ty; $($module:ident: $($name:ident)+;)+) => {
        $($(
            #[inline(always)]
            fn $name(self) -> Self {
                super::$module::$name(self)
            }
        )+)+
    };
}

macro_rules! standard {
    ($t:ty; $($name:ident($($arg:ident: $arg_type:ty),*) -> $result:ty;)+) => {
        $(
            #[inline(always)]
            fn $name(self $(, $arg: $arg_type)*) -> $result {
                <$t>::$name(self $(, $arg)*)
            }
        )+
    };
}

macro_rules! error_functions {
    ($t:ty, $precision:ident; $($name:ident)+) => {
        $(
            #[inline(always)]
            fn $name(self) -> Self {
                super::erf::$name::<super::erf::$precision>(self.into()) as $t
            }
        )+
    };
}

macro_rules! real {
    ($t:ty, $mish:ident, $precision:ident) => {
        impl Real for $t {
            #[inline(always)]
            fn of(x: f64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn widen(self) -> f64 {
                self.into()
            }
            #[inline(always)]
            fn epsilon() -> Self {
                <$t>::EPSILON
            }
            #[inline(always)]
            fn max_value() -> Self {
                <$t>::MAX
            }
            #[inline(always)]
            fn min_positive_value() -> Self {
                <$t>::MIN_POSITIVE
            }
            #[inline(always)]
            fn sigmoid(self) -> Self {
                super::logistic::times_sigmoid(1.0, self)
            }
            #[inline(always)]
            fn times_sigmoid(self, v: Self) -> Self {
                super::logistic::times_sigmoid(self, v)
            }
            #[inline(always)]
            fn sigmoid_derivative(self) -> Self {
                super::derivative::sigmoid_derivative(self, 1.0)
            }
            #[inline(always)]
            fn sigmoid_with_derivative(self) -> (Self, Self) {
                super::derivative::sigmoid_with_derivative(self)
            }
            #[inline(always)]
            fn tanh_derivative(self) -> Self {
                super::derivative::sigmoid_derivative(self + self, 4.0)
            }
            #[inline(always)]
            fn hypot(self, y: Self) -> Self {
                super::power::hypot(self.into(), y.into()) as $t
            }
            #[inline(always)]
            fn powi(self, n: i32) -> Self {
                super::power::powi(self.into(), n) as $t
            }
            #[inline(always)]
            fn powf(self, y: Self) -> Self {
                super::power::powf(self.into(), y.into()) as $t
            }
            #[inline(always)]
            fn atan2(self, x: Self) -> Self {
                super::trigonometric::atan2(self.into(), x.into()) as $t
            }
            standard! { $t;
                mul_add(factor: Self, addend: Self) -> Self;
                abs() -> Self;
                signum() -> Self;
                copysign(sign: Self) -> Self;
                floor() -> Self;
                sqrt() -> Self;
                is_nan() -> bool;
                is_finite() -> bool;
            }
            // Written once for both precisions.
            own! { $t;
                exp: exp exp_m1;
                ln: ln ln_1p;
                logistic: tanh softplus mish;
                derivative: swish_derivative;
                $mish: mish_derivative;
            }
            // Computed in `f64`, and rounded.
            through! { $t;
                power: exp2 log2 log10 cbrt;
                trigonometric: sin cos tan asin acos atan;
                hyperbolic: sinh cosh asinh acosh atanh;
                gamma: ln_gamma digamma;
            }
            error_functions! { $t, $precision; erf erfc normal_cdf gelu gelu_derivative }
        }
    };
}
real!(f32, single_mish, Single);
real!(f64, double_mish, Double);
