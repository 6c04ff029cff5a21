//! The operations of generic numeric functions: arithmetic, comparisons and the elementary functions.

use std::fmt::Debug;
use std::ops::{AddAssign, Div, DivAssign, MulAssign, Neg, Sub, SubAssign};

use num_traits::{One, Zero};

/// A scalar type that functions are generic over: `f32`, `f64`, or a [`Dual`](super::Dual) number, which carries a
/// derivative.
///
/// A function that is generic over this trait, such as an activation, can use arithmetic, comparisons and elementary
/// functions by their usual names. Its derivative follows from its own code. The elementary functions are arithmetic without
/// branches, mostly fused multiply-adds, and return the same bits on every instruction set; sin, cos and tan also read a
/// table. The compiler vectorises a loop over them if it compiles the loop for an instruction set with fused multiply-adds.
/// This applies to the loops over an [`ActFn`](crate::ActFn), and to your own loops inside
/// [`simd::dispatch`](crate::simd::dispatch). Elsewhere on `x86_64`, each multiply-add is a call into a system library, which
/// is correct but slow.
///
/// In the methods below, x is `self`. Errors are given in units in the last place (ulp). They apply to `f32` and `f64` and to
/// all arguments, including those with subnormal results. Functions of one argument return NaN for NaN.
///
/// Comparisons of dual numbers compare values, so `if u < R::zero() { … } else { … }` follows the branch that the value
/// selects, with the derivative of that branch. At a kink, where the two branches meet, the derivative comes from the branch
/// that is selected on equality.
///
/// # Examples
///
/// ```
/// use manabi::scalar::{Dual, Real};
///
/// /// Returns the logistic function with its inflection point at m.
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
    /// Returns the value nearest to `x`. It is a constant, so its derivative is 0.
    fn of(x: f64) -> Self;

    /// Returns the value as `f64`, without its derivative.
    fn widen(self) -> f64;

    /// Returns x·factor + addend with a single rounding.
    fn mul_add(self, factor: Self, addend: Self) -> Self;

    /// Returns |x|. The derivative is 1 at 0 and −1 at −0.
    fn abs(self) -> Self;

    /// Returns 1 for x > 0 and for 0, and −1 for x < 0 and for −0.
    fn signum(self) -> Self;

    /// Returns |x| with the sign of `sign`.
    fn copysign(self, sign: Self) -> Self;

    /// Returns the largest integer that is not greater than x. Its derivative is 0.
    fn floor(self) -> Self;

    /// Returns the distance from 1 to the next larger value.
    fn epsilon() -> Self;

    /// Returns the largest finite value.
    fn max_value() -> Self;

    /// Returns the smallest positive normal value.
    fn min_positive_value() -> Self;

    /// Returns whether x is NaN.
    fn is_nan(self) -> bool;

    /// Returns whether x is neither infinite nor NaN.
    fn is_finite(self) -> bool;

    /// Returns √x, correctly rounded.
    fn sqrt(self) -> Self;

    /// Returns ∛x to within 1 ulp.
    fn cbrt(self) -> Self;

    /// Returns √(x² + y²) to within 1 ulp, without intermediate overflow.
    fn hypot(self, y: Self) -> Self;

    /// Returns xⁿ to within 1.5 ulp.
    fn powi(self, n: i32) -> Self;

    /// Returns xʸ to within 1 ulp, or NaN if x is negative and finite and y is not an integer.
    fn powf(self, y: Self) -> Self;

    /// Returns eˣ to within 1.1 ulp.
    fn exp(self) -> Self;

    /// Returns 2ˣ to within 1 ulp.
    fn exp2(self) -> Self;

    /// Returns eˣ − 1 to within 1.5 ulp.
    fn exp_m1(self) -> Self;

    /// Returns ln x to within 1 ulp: −∞ at 0, NaN for x < 0.
    fn ln(self) -> Self;

    /// Returns ln(1 + x) to within 1 ulp: −∞ at −1, NaN for x < −1.
    fn ln_1p(self) -> Self;

    /// Returns log₂ x to within 1 ulp: −∞ at 0, NaN for x < 0.
    fn log2(self) -> Self;

    /// Returns log₁₀ x to within 1 ulp: −∞ at 0, NaN for x < 0.
    fn log10(self) -> Self;

    /// Returns sin x to within 1 ulp for every finite x, and NaN at ±∞.
    fn sin(self) -> Self;

    /// Returns cos x to within 1 ulp for every finite x, and NaN at ±∞.
    fn cos(self) -> Self;

    /// Returns tan x to within 1 ulp for every finite x, and NaN at ±∞.
    fn tan(self) -> Self;

    /// Returns the angle from −π/2 to π/2 whose sine is x, to within 1 ulp, or NaN if |x| > 1.
    fn asin(self) -> Self;

    /// Returns the angle from 0 to π whose cosine is x, to within 1 ulp, or NaN if |x| > 1.
    fn acos(self) -> Self;

    /// Returns the angle from −π/2 to π/2 whose tangent is x, to within 1 ulp.
    fn atan(self) -> Self;

    /// Returns the angle of the point (`x`, `self`), from −π to π, to within 1 ulp.
    fn atan2(self, x: Self) -> Self;

    /// Returns sinh x to within 1 ulp.
    fn sinh(self) -> Self;

    /// Returns cosh x to within 1 ulp.
    fn cosh(self) -> Self;

    /// Returns tanh x to within 2 ulp.
    fn tanh(self) -> Self;

    /// Returns the value whose hyperbolic sine is x, to within 1 ulp.
    fn asinh(self) -> Self;

    /// Returns the value ≥ 0 whose hyperbolic cosine is x, to within 1 ulp, or NaN if x < 1.
    fn acosh(self) -> Self;

    /// Returns the value whose hyperbolic tangent is x, to within 1 ulp: ±∞ at ±1, NaN if |x| > 1.
    fn atanh(self) -> Self;

    /// Returns erf x = 2/√π·∫ e^(−t²) dt from 0 to x, to within 1.2 ulp.
    fn erf(self) -> Self;

    /// Returns erfc x = 1 − erf x to within 4 ulp, even if erf x is near 1.
    fn erfc(self) -> Self;

    /// Returns Φ(x), the probability that a standard normal variable is below x, to within 3 ulp.
    fn normal_cdf(self) -> Self;

    /// Returns ln |Γ(x)|, to within 1.1 ulp for x > 0: ∞ at the poles 0, −1, −2, …
    fn ln_gamma(self) -> Self;

    /// Returns ψ(x), the derivative of ln Γ(x), to within 1.1 ulp for x > 0: ∓∞ at ±0, NaN at the poles −1, −2, …
    fn digamma(self) -> Self;

    /// Returns x·Φ(x) to within 4 ulp.
    fn gelu(self) -> Self;

    /// Returns the derivative of x·Φ(x) to within 5 ulp, except near its zero.
    fn gelu_derivative(self) -> Self;

    /// Returns σ(x) = 1/(1 + e⁻ˣ) to within 2 ulp.
    fn sigmoid(self) -> Self;

    /// Returns σ(x) to within 3 ulp and σ′(x) to within 5 ulp, at the cost of one of them. The last digits may differ from
    /// the results of [`sigmoid`](Real::sigmoid) and [`sigmoid_derivative`](Real::sigmoid_derivative).
    #[inline(always)]
    fn sigmoid_with_derivative(self) -> (Self, Self) {
        (self.sigmoid(), self.sigmoid_derivative())
    }

    /// Returns x·σ(v) to within 2 ulp. The product loses no digits if σ(v) is subnormal. If σ(v) underflows completely, the
    /// product is 0, regardless of x.
    fn times_sigmoid(self, v: Self) -> Self;

    /// Returns ln(1 + eˣ) to within 2 ulp.
    fn softplus(self) -> Self;

    /// Returns x·tanh(softplus(x)) to within 2 ulp.
    fn mish(self) -> Self;

    /// Returns σ′(x) = σ(x)·σ(−x) to within 3 ulp.
    fn sigmoid_derivative(self) -> Self;

    /// Returns tanh′(x) = 1 − tanh² x to within 3 ulp.
    fn tanh_derivative(self) -> Self;

    /// Returns the derivative of x·σ(x) to within 3 ulp, except near its zero.
    fn swish_derivative(self) -> Self;

    /// Returns the derivative of x·tanh(softplus(x)) to within 3 ulp, except near its zero.
    fn mish_derivative(self) -> Self;

    /// Returns ∞.
    #[inline(always)]
    fn infinity() -> Self {
        Self::of(f64::INFINITY)
    }

    /// Returns −∞.
    #[inline(always)]
    fn neg_infinity() -> Self {
        Self::of(f64::NEG_INFINITY)
    }

    /// Returns NaN.
    #[inline(always)]
    fn nan() -> Self {
        Self::of(f64::NAN)
    }

    /// Returns whether x is ∞ or −∞.
    #[inline(always)]
    fn is_infinite(self) -> bool {
        !self.is_finite() && !self.is_nan()
    }

    /// Returns 1/x.
    #[inline(always)]
    fn recip(self) -> Self {
        Self::one() / self
    }

    /// Returns the smaller of x and `high`, or x if they are equal or one is NaN.
    #[inline(always)]
    fn min(self, high: Self) -> Self {
        if self > high { high } else { self }
    }

    /// Returns the larger of x and `low`, or x if they are equal or one is NaN.
    #[inline(always)]
    fn max(self, low: Self) -> Self {
        if self < low { low } else { self }
    }

    /// Returns the value between `low` and `high` that is nearest to x. NaN stays NaN.
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
            // Generic over the precision.
            own! { $t;
                exp: exp exp_m1;
                ln: ln ln_1p;
                logistic: tanh softplus mish;
                derivative: swish_derivative;
                $mish: mish_derivative;
            }
            // Computed in `f64` and rounded.
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
