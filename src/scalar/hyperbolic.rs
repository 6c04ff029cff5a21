//! The hyperbolic functions except tanh, and their inverses.
//!
//! The inverses are logarithms of sums in double-double precision: roots with their remainders.

use super::kernel::Kernel;
use super::pair::{Pair, ln_quotient};

/// The |x| below which sinh x, asinh x and atanh x round to x.
const TINY: f64 = f64::from_bits((1023 - 28) << 52);
/// The x above which √(x² ± 1) rounds to x, so the inverses of sinh and cosh are ln 2x.
const HUGE: f64 = f64::from_bits((1023 + 30) << 52);

/// Returns sinh x = (eˣ − e⁻ˣ)/2 to within 0.9 ulp.
#[inline(always)]
pub fn sinh(x: f64) -> f64 {
    let e = Quarters::new(x.abs());
    let y = e.combine(-e.b).copysign(x);
    if x.abs() < TINY { x } else { y }
}

/// Returns cosh x = (eˣ + e⁻ˣ)/2 to within 0.9 ulp.
#[inline(always)]
pub fn cosh(x: f64) -> f64 {
    let e = Quarters::new(x.abs());
    e.combine(e.b)
}

/// eˣ/4 = a·(C + S) and e⁻ˣ/4 = b·(C − S) for x ≥ 0, with C = cosh r and S = sinh r. Halves would overflow too early.
struct Quarters {
    a: f64,
    b: f64,
    r: Pair,
    /// C − 1.
    even: f64,
    /// S − r.
    odd: f64,
}

impl Quarters {
    #[inline(always)]
    fn new(x: f64) -> Self {
        // Above this limit, the results are infinite.
        let x = x.at_most(710.6);
        let k = x.mul_add(f64::LOG2_E, f64::ROUND) - f64::ROUND;
        // The first difference is exact.
        let r = Pair::ordered_sum((-k).mul_add(f64::LN2_HIGH, x), -k * f64::LN2_LOW);
        let z = r.high * r.high;
        let even = z * f64::exp_even(z);
        let odd = r.high * (z * f64::exp_odd(z));
        // A subnormal power would be negligible, so b is kept in the normal range.
        Self { a: f64::pow2(k - 2.0), b: f64::pow2((-k - 2.0).at_least(-1022.0)), r, even, odd }
    }

    /// Returns 2((a + b)·C + (a − b)·S): first a + b and (a − b)·r in double-double precision, then the small terms.
    #[inline(always)]
    fn combine(&self, b: f64) -> f64 {
        let (p, q) = (Pair::ordered_sum(self.a, b), self.a - b);
        let linear = Pair::product(q, self.r.high);
        let sum = Pair::ordered_sum(p.high, linear.high);
        let low = q.mul_add(self.r.low, p.low + linear.low);
        2.0 * (sum.high + (sum.low + (low + q.mul_add(self.odd, p.high * self.even))))
    }
}

/// Returns the inverse of sinh to within 0.51 ulp: ln (1 + g) with g = x + (√(x² + 1) − 1).
#[inline(always)]
pub fn asinh(x: f64) -> f64 {
    let a = x.abs();
    let huge = a > HUGE;
    let square = Pair::product(a, a);
    let root = square.plus(Pair::ONE).root();
    let g = Pair::new(root.high - 1.0, root.low).plus(Pair::new(a, 0.0));
    let y = ln_1p_or_ln_2x(g, huge, a).copysign(x);
    let y = if a < TINY { x } else { y };
    if a < f64::INFINITY { y } else { x }
}

/// Returns the inverse of cosh to within 0.51 ulp, or NaN for x < 1: ln (1 + g) with g = (x − 1) + √(x² − 1).
#[inline(always)]
pub fn acosh(x: f64) -> f64 {
    let huge = x > HUGE;
    let square = Pair::product(x, x);
    let root = square.minus(Pair::ONE).root();
    let g = root.plus(Pair::sum(x, -1.0));
    let y = ln_1p_or_ln_2x(g, huge, x);
    let y = if x < f64::INFINITY { y } else { x };
    if x < 1.0 { f64::NAN } else { y }
}

/// Returns ln 2x if `huge` is true, and ln (1 + g) otherwise. x must be normal.
#[inline(always)]
fn ln_1p_or_ln_2x(g: Pair, huge: bool, x: f64) -> f64 {
    // The factor 2 of 2x is added to the exponent, because 2x might overflow.
    let sum = Pair::sum(1.0, g.high);
    let high = if huge { x } else { sum.high };
    let low = if huge { 0.0 } else { sum.low + g.low };
    let more = if huge { 1.0 } else { 0.0 };
    Pair::new(high, low).ln_near(g, more).value()
}

/// Returns the inverse of tanh to within 0.51 ulp: ±∞ at ±1, NaN for |x| > 1.
///
/// (1 + x)/(1 − x) = 2ᵏ(1 + s)/(1 − s) with s = ((1 + x) − 2ᵏ(1 − x))/((1 + x) + 2ᵏ(1 − x)).
#[inline(always)]
pub fn atanh(x: f64) -> f64 {
    let a = x.abs();
    // Both sums are exact.
    let (up, down) = (Pair::sum(1.0, a), Pair::sum(1.0, -a));
    let (k, _) = f64::split(up.high / down.high);
    let down = down.scaled(f64::pow2(k.at_most(60.0)));
    let s = up.minus(down).over(up.plus(down));
    let y = (0.5 * ln_quotient(k, s).value()).copysign(x);
    let y = if a < TINY { x } else { y };
    let y = if a == 1.0 { f64::INFINITY.copysign(x) } else { y };
    if a > 1.0 { f64::NAN } else { y }
}
