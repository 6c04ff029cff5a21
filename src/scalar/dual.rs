//! Dual numbers: forward-mode differentiation, one value at a time.

use std::cmp::Ordering;
use std::f64::consts::{FRAC_2_SQRT_PI, LN_2, LN_10};
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use num_traits::{One, Zero};

use super::Real;

/// 1/√2π.
const PEAK: f64 = 0.398_942_280_401_432_7;

/// A dual number: a value x and its derivative dx with respect to some variable.
///
/// Formula: f(x, dx) = (f(x), f′(x)·dx) for every elementary function f, and the sum, product and quotient rules for
/// arithmetic. If dx is 0, the derivative of the result is 0, even if f′(x) is infinite.
///
/// Numerics: every f′ is computed in a form that neither cancels nor overflows. The derivative of a composed formula is as
/// accurate as the formula: if its terms cancel, so do the terms of the derivative.
///
/// A dual number whose value and derivative are dual numbers carries a second derivative.
///
/// # Examples
///
/// ```
/// use manabi::scalar::{Dual, Real};
///
/// /// Returns sin(x)·x.
/// fn f<R: Real>(x: R) -> R {
///     x.sin() * x
/// }
///
/// let x = 0.5_f64;
/// assert_eq!(f(Dual::variable(x)).derivative(), x.cos() * x + x.sin());
/// let second = f(Dual::variable(Dual::variable(x))).derivative().derivative();
/// assert!((second - (2.0 * x.cos() - x.sin() * x)).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Dual<R> {
    value: R,
    derivative: R,
}

impl<R: Real> Dual<R> {
    /// Creates the variable itself, with dx = 1.
    #[inline(always)]
    pub fn variable(value: R) -> Self {
        Self { value, derivative: R::one() }
    }

    /// Creates a value that does not depend on the variable, with dx = 0.
    #[inline(always)]
    pub fn constant(value: R) -> Self {
        // Adding −0 changes no value, so the compiler omits the addition.
        Self { value, derivative: -R::zero() }
    }

    /// Returns the value.
    #[inline(always)]
    pub fn value(self) -> R {
        self.value
    }

    /// Returns the derivative.
    #[inline(always)]
    pub fn derivative(self) -> R {
        self.derivative
    }

    /// Returns f(x) from its value and its slope f′(x).
    #[inline(always)]
    fn of_value(self, value: R, slope: R) -> Self {
        Self { value, derivative: times(self.derivative, slope) }
    }
}

/// Returns dx·slope, or dx if it is 0, even if the slope is infinite. The compiler knows the dx of constants and of the
/// variable, and removes both the comparison and the multiplication for them.
#[inline(always)]
fn times<R: Real>(dx: R, slope: R) -> R {
    if dx.is_zero() { dx } else { dx * slope }
}

/// Returns a·b, or 0 if b is 0, regardless of a.
#[inline(always)]
fn tamed<R: Real>(a: R, b: R) -> R {
    if b.is_zero() { b } else { a * b }
}

/// Returns φ(x) = e^(−x²/2)/√2π.
#[inline(always)]
fn normal_density<R: Real>(x: R) -> R {
    R::of(PEAK) * (x * x * R::of(-0.5)).exp()
}

/// Returns ψ′(x), using ψ′(x) = ψ′(x + 1) + 1/x² and the asymptotic series, and reflection for x < ½.
#[inline(always)]
fn trigamma<R: Real>(x: R) -> R {
    const SHIFT: usize = 10;
    /// The Bernoulli numbers B₂, B₄, …
    const SERIES: [f64; 7] =
        [1.0 / 6.0, -1.0 / 30.0, 1.0 / 42.0, -1.0 / 30.0, 5.0 / 66.0, -691.0 / 2730.0, 7.0 / 6.0];
    let is_left = x < R::of(0.5);
    let at = if is_left { R::one() - x } else { x };
    let mut sum = R::zero();
    for k in 0..SHIFT {
        let term = (at + R::of(k as f64)).recip();
        sum += term * term;
    }
    let w = (at + R::of(SHIFT as f64)).recip();
    let z = w * w;
    let tail = SERIES.into_iter().rev().fold(R::zero(), |tail, b| tail * z + R::of(b));
    let right = sum + w + z * R::of(0.5) + w * z * tail;
    let reflected = R::of(std::f64::consts::PI) / (x * R::of(std::f64::consts::PI)).sin();
    if is_left { reflected * reflected - right } else { right }
}

/// Compares the values and ignores the derivatives.
impl<R: Real> PartialEq for Dual<R> {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// Compares the values and ignores the derivatives.
impl<R: Real> PartialOrd for Dual<R> {
    #[inline(always)]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
    #[inline(always)]
    fn lt(&self, other: &Self) -> bool {
        self.value < other.value
    }
    #[inline(always)]
    fn le(&self, other: &Self) -> bool {
        self.value <= other.value
    }
    #[inline(always)]
    fn gt(&self, other: &Self) -> bool {
        self.value > other.value
    }
    #[inline(always)]
    fn ge(&self, other: &Self) -> bool {
        self.value >= other.value
    }
}

impl<R: Real> Zero for Dual<R> {
    #[inline(always)]
    fn zero() -> Self {
        Self::constant(R::zero())
    }
    /// Returns whether both the value and the derivative are 0.
    #[inline(always)]
    fn is_zero(&self) -> bool {
        self.value.is_zero() && self.derivative.is_zero()
    }
}

impl<R: Real> One for Dual<R> {
    #[inline(always)]
    fn one() -> Self {
        Self::constant(R::one())
    }
}

impl<R: Real> Neg for Dual<R> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self { value: -self.value, derivative: -self.derivative }
    }
}

impl<R: Real> Add for Dual<R> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self { value: self.value + other.value, derivative: self.derivative + other.derivative }
    }
}

impl<R: Real> Sub for Dual<R> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self { value: self.value - other.value, derivative: self.derivative - other.derivative }
    }
}

impl<R: Real> Mul for Dual<R> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        let derivative = times(self.derivative, other.value) + times(other.derivative, self.value);
        Self { value: self.value * other.value, derivative }
    }
}

impl<R: Real> Div for Dual<R> {
    type Output = Self;
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        let value = self.value / other.value;
        let change = self.derivative - times(other.derivative, value);
        Self { value, derivative: if change.is_zero() { change } else { change / other.value } }
    }
}

macro_rules! assign {
    ($($trait:ident $method:ident $operator:tt;)+) => {
        $(
            impl<R: Real> $trait for Dual<R> {
                #[inline(always)]
                fn $method(&mut self, other: Self) {
                    *self = *self $operator other;
                }
            }
        )+
    };
}
assign! {
    AddAssign add_assign +;
    SubAssign sub_assign -;
    MulAssign mul_assign *;
    DivAssign div_assign /;
}

/// Implements functions of one argument. The slope is an expression in the argument x and, if needed, the value y.
macro_rules! functions {
    ($($name:ident($x:ident, $y:pat) -> $slope:expr;)+) => {
        $(
            #[inline(always)]
            fn $name(self) -> Self {
                let $x = self.value;
                let value = $x.$name();
                let $y = value;
                self.of_value(value, $slope)
            }
        )+
    };
}

impl<R: Real> Real for Dual<R> {
    #[inline(always)]
    fn of(x: f64) -> Self {
        Self::constant(R::of(x))
    }

    #[inline(always)]
    fn widen(self) -> f64 {
        self.value.widen()
    }

    #[inline(always)]
    fn epsilon() -> Self {
        Self::constant(R::epsilon())
    }

    #[inline(always)]
    fn max_value() -> Self {
        Self::constant(R::max_value())
    }

    #[inline(always)]
    fn min_positive_value() -> Self {
        Self::constant(R::min_positive_value())
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        let product = times(self.derivative, factor.value) + times(factor.derivative, self.value);
        Self {
            value: self.value.mul_add(factor.value, addend.value),
            derivative: product + addend.derivative,
        }
    }

    #[inline(always)]
    fn copysign(self, sign: Self) -> Self {
        let value = self.value.copysign(sign.value);
        self.of_value(value, self.value.signum() * sign.value.signum())
    }

    #[inline(always)]
    fn signum(self) -> Self {
        Self::constant(self.value.signum())
    }

    #[inline(always)]
    fn floor(self) -> Self {
        Self::constant(self.value.floor())
    }

    #[inline(always)]
    fn is_nan(self) -> bool {
        self.value.is_nan()
    }

    #[inline(always)]
    fn is_finite(self) -> bool {
        self.value.is_finite()
    }

    #[inline(always)]
    fn hypot(self, y: Self) -> Self {
        let value = self.value.hypot(y.value);
        let change = times(self.derivative, self.value / value) + times(y.derivative, y.value / value);
        Self { value, derivative: change }
    }

    #[inline(always)]
    fn powi(self, n: i32) -> Self {
        // n − 1 overflows for the least `i32`.
        let less =
            |n: i32| n.checked_sub(1).map_or_else(|| self.value.powi(n) / self.value, |n| self.value.powi(n));
        let slope = if n == 0 { R::zero() } else { R::of(n.into()) * less(n) };
        self.of_value(self.value.powi(n), slope)
    }

    #[inline(always)]
    fn powf(self, y: Self) -> Self {
        let value = self.value.powf(y.value);
        let by_base = times(self.derivative, tamed(self.value.powf(y.value - R::one()), y.value));
        let by_power = times(y.derivative, tamed(self.value.ln(), value));
        Self { value, derivative: by_base + by_power }
    }

    #[inline(always)]
    fn atan2(self, x: Self) -> Self {
        let radius = self.value.hypot(x.value);
        let change = times(self.derivative, x.value / radius) - times(x.derivative, self.value / radius);
        Self { value: self.value.atan2(x.value), derivative: change / radius }
    }

    #[inline(always)]
    fn times_sigmoid(self, v: Self) -> Self {
        let (gate, slope) = v.value.sigmoid_with_derivative();
        let derivative = times(self.derivative, gate) + times(v.derivative, tamed(self.value, slope));
        Self { value: self.value.times_sigmoid(v.value), derivative }
    }

    #[inline(always)]
    fn sigmoid(self) -> Self {
        let (value, slope) = self.value.sigmoid_with_derivative();
        self.of_value(value, slope)
    }

    functions! {
        abs(x, _) -> x.signum();
        sqrt(_x, y) -> R::of(0.5) / y;
        cbrt(_x, y) -> R::of(1.0 / 3.0) / y / y;
        exp(_x, y) -> y;
        exp2(_x, y) -> y * R::of(LN_2);
        exp_m1(x, _) -> x.exp();
        ln(x, _) -> x.recip();
        ln_1p(x, _) -> (R::one() + x).recip();
        log2(x, _) -> R::of(1.0 / LN_2) / x;
        log10(x, _) -> R::of(1.0 / LN_10) / x;
        sin(x, _) -> x.cos();
        cos(x, _) -> -x.sin();
        tan(_x, y) -> R::one() + y * y;
        asin(x, _) -> ((R::one() - x) * (R::one() + x)).sqrt().recip();
        acos(x, _) -> -((R::one() - x) * (R::one() + x)).sqrt().recip();
        atan(x, _) -> (R::one() + x * x).recip();
        sinh(x, _) -> x.cosh();
        cosh(x, _) -> x.sinh();
        tanh(x, _) -> x.tanh_derivative();
        asinh(x, _) -> x.hypot(R::one()).recip();
        acosh(x, _) -> ((x - R::one()).sqrt() * (x + R::one()).sqrt()).recip();
        atanh(x, _) -> ((R::one() - x) * (R::one() + x)).recip();
        erf(x, _) -> R::of(FRAC_2_SQRT_PI) * (-x * x).exp();
        erfc(x, _) -> R::of(-FRAC_2_SQRT_PI) * (-x * x).exp();
        normal_cdf(x, _) -> normal_density(x);
        ln_gamma(x, _) -> x.digamma();
        digamma(x, _) -> trigamma(x);
        gelu(x, _) -> x.gelu_derivative();
        gelu_derivative(x, _) -> tamed(R::of(2.0) - x * x, normal_density(x));
        softplus(x, _) -> x.sigmoid();
        mish(x, _) -> x.mish_derivative();
        sigmoid_derivative(x, y) -> -y * (x * R::of(0.5)).tanh();
        tanh_derivative(x, y) -> R::of(-2.0) * x.tanh() * y;
        swish_derivative(x, _) -> tamed(R::of(2.0) - x * (x * R::of(0.5)).tanh(), x.sigmoid_derivative());
        mish_derivative(x, _) -> {
            let s = x.softplus();
            // tanh(softplus(x))′ = slope, and slope′ = slope·decay
            let slope = s.tanh_derivative() * x.sigmoid();
            let decay = (-x).sigmoid() - R::of(2.0) * s.tanh() * x.sigmoid();
            tamed(R::of(2.0) + x * decay, slope)
        };
    }
}
