//! Double-double arithmetic: values with twice the precision of `f64`, as unevaluated sums of two `f64`, with the logarithm
//! and the exponential.
//!
//! A relative error of the logarithm is multiplied by y·ln x in the power xʸ, and cancellation between two logarithms
//! magnifies it. The logarithm is therefore computed with a relative error of about 2⁻⁶⁵: ln (1 + f) = 2 artanh s =
//! 2s + 2s³/3 + s⁵·P(s²) with s = f/(2 + f). Only the last term, which is less than 2⁻¹² of the sum, is computed in plain
//! `f64`.
//!
//! The coefficients are minimax fits by the Remez exchange algorithm (`tests/golden/powers.py`).

use super::exp::exp_tail;
use super::kernel::Kernel;

/// ln 2.
pub const LN_2: Pair = Pair::new(f64::LN2_HIGH, f64::LN2_LOW);
const TWO_THIRDS: Pair = Pair::new(0.666_666_666_666_666_6, 3.700_743_415_417_188e-17);

/// P. The error relative to ln (1 + f) for √½ ≤ 1 + f ≤ √2 is 2⁻⁷³, plus less than 2⁻⁶⁶ from rounding the coefficients.
const ARTANH: [f64; 8] = [
    0.399_999_999_999_999_8,
    0.285_714_285_714_450_96,
    0.222_222_222_175_397_08,
    0.181_818_188_699_204_6,
    0.153_845_568_977_074_7,
    0.133_363_163_962_845_98,
    0.116_748_391_988_134_29,
    0.119_888_412_585_924_5,
];

/// The unevaluated sum `high` + `low`, where `low` is at most about one ulp of `high`.
#[derive(Clone, Copy)]
pub struct Pair {
    pub high: f64,
    pub low: f64,
}

impl Pair {
    pub const ONE: Self = Self::new(1.0, 0.0);

    #[inline(always)]
    pub const fn new(high: f64, low: f64) -> Self {
        Self { high, low }
    }

    /// Returns a + b exactly, for |a| ≥ |b| or a = 0.
    #[inline(always)]
    pub fn ordered_sum(a: f64, b: f64) -> Self {
        let high = a + b;
        Self { high, low: b - (high - a) }
    }

    /// Returns a + b exactly.
    #[inline(always)]
    pub fn sum(a: f64, b: f64) -> Self {
        let high = a + b;
        let rest = high - a;
        Self { high, low: (a - (high - rest)) + (b - rest) }
    }

    /// Returns a·b exactly, except for underflow.
    #[inline(always)]
    pub fn product(a: f64, b: f64) -> Self {
        let high = a * b;
        Self { high, low: a.mul_add(b, -high) }
    }

    #[inline(always)]
    pub fn value(self) -> f64 {
        self.high + self.low
    }

    #[inline(always)]
    pub fn plus(self, b: Self) -> Self {
        let sum = Self::sum(self.high, b.high);
        Self::ordered_sum(sum.high, sum.low + (self.low + b.low))
    }

    #[inline(always)]
    pub fn minus(self, b: Self) -> Self {
        self.plus(b.negated())
    }

    #[inline(always)]
    pub fn negated(self) -> Self {
        Self { high: -self.high, low: -self.low }
    }

    #[inline(always)]
    pub fn times(self, b: Self) -> Self {
        let high = self.high * b.high;
        let low = self.high.mul_add(b.high, -high);
        Self { high, low: self.low.mul_add(b.high, self.high.mul_add(b.low, low)) }
    }

    /// Multiplies by a power of two.
    #[inline(always)]
    pub fn scaled(self, power: f64) -> Self {
        Self { high: self.high * power, low: self.low * power }
    }

    #[inline(always)]
    pub fn over(self, b: Self) -> Self {
        let inverse = 1.0 / b.high;
        let high = self.high * inverse;
        let rest = (-high).mul_add(b.high, self.high) + (-high).mul_add(b.low, self.low);
        Self { high, low: rest * inverse }
    }

    /// Returns the square root of a positive value or 0.
    #[inline(always)]
    pub fn root(self) -> Self {
        let high = self.high.sqrt();
        let rest = (-high).mul_add(high, self.high) + self.low;
        Self { high, low: if self.high > 0.0 { rest * (0.5 / high) } else { 0.0 } }
    }

    /// Returns `self` + x·p, where x·p is smaller than `self`: a polynomial whose constant term has more precision than its
    /// other coefficients.
    #[inline(always)]
    pub fn lead(self, x: f64, p: f64) -> Self {
        Self::ordered_sum(self.high, x.mul_add(p, self.low))
    }

    #[inline(always)]
    pub fn select(first: bool, a: Self, b: Self) -> Self {
        Self { high: if first { a.high } else { b.high }, low: if first { a.low } else { b.low } }
    }

    /// Returns ln x: −∞ at 0, NaN for negative x.
    #[inline(always)]
    pub fn ln(x: f64) -> Self {
        let subnormal = x < f64::MIN_POSITIVE;
        let (k, f) = f64::split(if subnormal { x * f64::NORMALIZE.0 } else { x });
        let k = if subnormal { k - f64::NORMALIZE.1 } else { k };
        let y = ln_split(k, Self::new(f, 0.0));
        let high = if x < f64::INFINITY { y.high } else { x };
        let high = if x == 0.0 { -f64::INFINITY } else { high };
        let finite = x > 0.0 && x < f64::INFINITY;
        Self { high: if x < 0.0 { f64::NAN } else { high }, low: if finite { y.low } else { 0.0 } }
    }

    /// Returns the logarithm of a normal value, which must be far from 1 unless `low` is 0. `more` is added to its binary
    /// exponent.
    #[inline(always)]
    pub fn ln_wide(self, more: f64) -> Self {
        let (k, f) = self.split();
        ln_split(k + more, f)
    }

    /// Like [`ln_wide`](Pair::ln_wide), but `self` may be near 1 if it equals 1 + g.
    #[inline(always)]
    pub fn ln_near(self, g: Self, more: f64) -> Self {
        let (k, f) = self.split();
        ln_split(k + more, Self::select(k == 0.0, g, f))
    }

    /// Splits `self` = 2ᵏ(1 + f) into (k, f).
    #[inline(always)]
    fn split(self) -> (f64, Self) {
        let (k, f) = f64::split(self.high);
        // If the power would not be normal, `low` is 0.
        (k, Self::ordered_sum(f, self.low * f64::pow2((-k).at_least(-1022.0))))
    }

    /// Returns e to the power of `self`, rounded once, even if the result is subnormal.
    #[inline(always)]
    pub fn exp(self) -> f64 {
        let high = self.high.within(f64::EXP_RANGE);
        let low = if high == self.high { self.low } else { 0.0 };
        let k = high.mul_add(f64::LOG2_E, f64::ROUND) - f64::ROUND;
        // The first difference is exact.
        let r = Self::ordered_sum((-k).mul_add(f64::LN2_HIGH, high), (-k).mul_add(f64::LN2_LOW, low));
        times_power(exp_near(r), k)
    }
}

/// Returns eʳ for |r| ≤ ln 2 / 2.
#[inline(always)]
pub fn exp_near(r: Pair) -> f64 {
    let one = Pair::ordered_sum(1.0, r.high);
    one.high + (one.low + (r.low.mul_add(r.high, r.low) + exp_tail(r.high)))
}

/// Returns y·2ᵏ, rounded once, even if the result is subnormal.
#[inline(always)]
pub fn times_power(y: f64, k: f64) -> f64 {
    let half = (k * 0.5 + f64::ROUND) - f64::ROUND;
    y * f64::pow2(half) * f64::pow2(k - half)
}

/// Returns k·ln 2 + ln (1 + f) for √½ ≤ 1 + f ≤ √2.
#[inline(always)]
fn ln_split(k: f64, f: Pair) -> Pair {
    let sum = Pair::ordered_sum(2.0, f.high);
    ln_quotient(k, f.over(Pair::new(sum.high, sum.low + f.low)))
}

/// Returns k·ln 2 + 2 artanh s = ln (2ᵏ(1 + s)/(1 − s)) for |s| ≤ 3 − √8.
#[inline(always)]
pub fn ln_quotient(k: f64, s: Pair) -> Pair {
    let z = s.times(s);
    let cubic = s.times(z.times(TWO_THIRDS.lead(z.high, polynomial(&ARTANH, z.high))));
    let near = Pair::ordered_sum(2.0 * s.high, cubic.high);
    let near_low = near.low + s.low.mul_add(2.0, cubic.low);
    let power = Pair::product(k, LN_2.high);
    let sum = Pair::ordered_sum(power.high, near.high);
    Pair::ordered_sum(sum.high, sum.low + (k.mul_add(LN_2.low, power.low) + near_low))
}

/// Returns c₀ + c₁x + c₂x² + …, summing the even and the odd powers separately.
#[inline(always)]
pub fn polynomial<const N: usize>(c: &[f64; N], x: f64) -> f64 {
    let z = x * x;
    let (mut i, mut j) = ((N - 1) / 2 * 2, N / 2 * 2 - 1);
    let (mut even, mut odd) = (c[i], c[j]);
    while i > 0 {
        i -= 2;
        even = z.mul_add(even, c[i]);
    }
    while j > 1 {
        j -= 2;
        odd = z.mul_add(odd, c[j]);
    }
    x.mul_add(odd, even)
}
