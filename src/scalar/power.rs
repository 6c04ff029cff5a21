//! Powers, roots and logarithms to other bases, with intermediate results in double-double precision.
//!
//! The coefficients are minimax fits by the Remez exchange algorithm (`tests/golden/powers.py`).

use super::kernel::Kernel;
use super::pair::{LN_2, Pair, exp_near, polynomial, times_power};

/// 1/ln 2 and 1/ln 10.
const LOG2_E: Pair = Pair::new(std::f64::consts::LOG2_E, 2.035_527_374_093_103_3e-17);
const LOG10_E: Pair = Pair::new(std::f64::consts::LOG10_E, 1.098_319_650_216_765e-17);

/// Coefficients of 1/∛m for 1 ≤ m ≤ 2; the error is 2⁻¹².
const INVERSE_CBRT: [f64; 4] =
    [1.544_463_108_785_529_4, -0.815_427_159_813_304_4, 0.321_507_478_395_880_9, -0.050_770_670_750_959_54];
/// ∛2 and its reciprocal.
const CBRT_2: (f64, f64) = (1.259_921_049_894_873_2, 0.793_700_525_984_099_8);

/// Returns 2ˣ to within 0.8 ulp.
#[inline(always)]
pub fn exp2(x: f64) -> f64 {
    let x = x.within((-1080.0, 1025.0));
    let k = (x + f64::ROUND) - f64::ROUND;
    let r = x - k;
    let y = Pair::product(r, LN_2.high);
    times_power(exp_near(Pair::ordered_sum(y.high, r.mul_add(LN_2.low, y.low))), k)
}

/// Returns the logarithm to base 2 to within 0.51 ulp: exact for powers of 2, −∞ at 0, NaN for negative x.
#[inline(always)]
pub fn log2(x: f64) -> f64 {
    let y = Pair::ln(x);
    at_ends(y.high, y.times(LOG2_E).value())
}

/// Returns the logarithm to base 10 to within 0.51 ulp: exact for powers of 10, −∞ at 0, NaN for negative x.
#[inline(always)]
pub fn log10(x: f64) -> f64 {
    let y = Pair::ln(x);
    at_ends(y.high, y.times(LOG10_E).value())
}

/// Returns the logarithm y, or `ln` if that is infinite or NaN.
#[inline(always)]
fn at_ends(ln: f64, y: f64) -> f64 {
    if ln.abs() < f64::INFINITY { y } else { ln }
}

/// Returns x to the power of y to within 0.9 ulp, with the special cases of C: 1 if x = 1 or y = 0, even if the other
/// argument is NaN, and NaN if x is negative and finite and y is not an integer.
#[inline(always)]
pub fn powf(x: f64, y: f64) -> f64 {
    let ln = Pair::ln(x.abs());
    let high = y * ln.high;
    let low = y.mul_add(ln.high, -high) + y * ln.low;
    let power = Pair::new(high, low).exp();
    let integer = is_integer(y);
    let odd = integer && !is_integer(0.5 * y);
    // Copies the sign bit, so x = −0 counts as negative.
    let power = if odd { power.copysign(x) } else { power };
    let power = if x < 0.0 && x > -f64::INFINITY && !integer { f64::NAN } else { power };
    // Without this case, ln 1 = 0 times infinity would be NaN.
    let power = if x == -1.0 && y.abs() == f64::INFINITY { 1.0 } else { power };
    if x == 1.0 || y == 0.0 { 1.0 } else { power }
}

#[inline(always)]
fn is_integer(y: f64) -> bool {
    // All values from here on are integers. Adding this constant to a smaller value rounds it to an integer.
    const ALL: f64 = 4_503_599_627_370_496.0;
    let a = y.abs();
    (a + ALL) - ALL == a || a >= ALL
}

/// Returns x to the power of n to within 1.5 ulp. Small exponents are computed as plain products, so a loop with a constant n
/// becomes a loop over that product.
#[inline(always)]
pub fn powi(x: f64, n: i32) -> f64 {
    match n {
        0 => 1.0,
        1 => x,
        2 => x * x,
        3 => x * x * x,
        -1 => 1.0 / x,
        _ => powf(x, f64::from(n)),
    }
}

/// Returns ∛x to within 0.51 ulp, for negative x as well.
///
/// With |x| = 8^q·t and 1/2 ≤ t < 4, two iterations refine g = 1/∛t without division. A third iteration refines ∛t = t·g²
/// with the remainder of its cube.
#[inline(always)]
pub fn cbrt(x: f64) -> f64 {
    const MANTISSA: u64 = 0x000f_ffff_ffff_ffff;
    const ONE: u64 = 0x3ff0_0000_0000_0000;
    // The bits of 2⁵², whose low bits can take an integer, and its value.
    const INTEGER: (u64, f64) = (0x4330_0000_0000_0000, 4_503_599_627_370_496.0);
    let a = x.abs();
    let subnormal = a < f64::MIN_POSITIVE;
    let bits = (if subnormal { a * f64::NORMALIZE.0 } else { a }).to_bits();
    let e = f64::from_bits((bits >> 52) | INTEGER.0) - (INTEGER.1 + 1023.0);
    let m = f64::from_bits((bits & MANTISSA) | ONE);
    let q = e.mul_add(1.0 / 3.0, f64::ROUND) - f64::ROUND;
    let left = (-3.0_f64).mul_add(q, e);
    let (up, down) = (left > 0.5, left < -0.5);
    let t = if up {
        2.0 * m
    } else if down {
        0.5 * m
    } else {
        m
    };

    let g = polynomial(&INVERSE_CBRT, m);
    let g = g
        * (if up {
            CBRT_2.1
        } else if down {
            CBRT_2.0
        } else {
            1.0
        });
    let less = (-t * g).mul_add(g * g, 1.0);
    let g = g.mul_add(less * less.mul_add(2.0 / 9.0, 1.0 / 3.0), g);
    let less = (-t * g).mul_add(g * g, 1.0);
    let g = g.mul_add(less * (1.0 / 3.0), g);

    let g2 = g * g;
    let y = t * g2;
    let square = Pair::product(y, y);
    let rest = (-y).mul_add(square.high, t) - y * square.low;
    let y = (rest * g2).mul_add(1.0 / 3.0, y);

    let q = if subnormal { q - f64::NORMALIZE.1 / 3.0 } else { q };
    let y = (y * f64::pow2(q)).copysign(x);
    if a > 0.0 && a < f64::INFINITY { y } else { x }
}

/// Returns √(x² + y²) to within 0.8 ulp, without intermediate overflow. The result is ∞ if either argument is infinite, even
/// if the other is NaN.
#[inline(always)]
pub fn hypot(x: f64, y: f64) -> f64 {
    // The scale factors 2⁻⁶⁰⁰ and 2⁶⁰⁰, and the thresholds beyond which they are used.
    const DOWN: f64 = f64::from_bits((1023 - 600) << 52);
    const UP: f64 = f64::from_bits((1023 + 600) << 52);
    const LARGE: f64 = f64::from_bits((1023 + 450) << 52);
    const SMALL: f64 = f64::from_bits((1023 - 400) << 52);
    let (x, y) = (x.abs(), y.abs());
    let swap = x < y;
    let (a, b) = (if swap { y } else { x }, if swap { x } else { y });
    let (large, small) = (a > LARGE, a < SMALL);
    let there = if large {
        DOWN
    } else if small {
        UP
    } else {
        1.0
    };
    let back = if large {
        UP
    } else if small {
        DOWN
    } else {
        1.0
    };
    let (sa, sb) = (a * there, b * there);
    let (p, q) = (Pair::product(sa, sa), Pair::product(sb, sb));
    let sum = Pair::ordered_sum(p.high, q.high);
    let root = Pair::new(sum.high, sum.low + (p.low + q.low)).root().value() * back;
    let root = if a == 0.0 { 0.0 } else { root };
    let root = if x.is_nan() || y.is_nan() { f64::NAN } else { root };
    if x == f64::INFINITY || y == f64::INFINITY { f64::INFINITY } else { root }
}
