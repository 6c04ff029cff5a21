//! The derivative of mish in `f64`.
//!
//! No wider type is available, and the terms cancel for u < 0. The code therefore keeps e = e^−|u| = p(1 + n) in its two
//! parts: sums of small integers, powers of two and u are exact, the rounded terms are small, and the two largest rounding
//! errors are carried along.

use super::derivative::Parts;
use super::kernel::Kernel;

/// Returns mish′(u), with e = e^−|u|:
///
/// - u < 0: e·(1 − w + c + w·y²)/(1 + c)² with w = |u|, y = e/(2 + e) and c = e(1 + y)/2;
/// - u ≥ 0: 1 − 2e·y·(1 + c − 2w(1 − y))/(1 + c)² with y = e/(1 + 2e) and c = 2e·y;
/// - near the zero: a polynomial.
#[inline(always)]
pub fn mish_derivative(u: f64) -> f64 {
    let negative = u < 0.0;
    let w = u.abs().at_most(f64::DECAY_END);
    let e = Parts::new(-w);
    let value = e.p + e.rest;
    let (one, two) = if negative { (2.0, 1.0) } else { (1.0, 2.0) };
    let y = value / e.rest.mul_add(two, e.p.mul_add(two, one));

    // c = p + c1
    let p = if negative { 0.5 * e.p } else { 0.0 };
    let c1 = if negative { 0.5 * value.mul_add(y, e.rest) } else { 2.0 * value * y };
    let (square, lost) = square_one_plus(p, c1);

    let (n, n_lost) = less(1.0 + p, w);
    let n1 = y.mul_add(w.mul_add(y, 0.5 * value), e.rest.mul_add(0.5, n_lost));
    let left = (n, e.n.mul_add(n + n1, n1));
    let b = (y + y) * (2.0 * w * (1.0 - y) - (1.0 + c1));
    let right = (b, e.n * b);
    let (main, more) = if negative { left } else { right };
    let derivative = quotient(e.large, main, more, square, lost);
    let derivative = if negative { derivative } else { 1.0 + derivative };

    let x = (u - ZERO.0) - ZERO.1;
    if x.abs() < NEAR { x * near(x) } else { derivative }
}

/// Returns (1 + p + r)² for a power of two p and a small r, and the rounding error of its last addition.
#[inline(always)]
fn square_one_plus(p: f64, r: f64) -> (f64, f64) {
    let main = p.mul_add(2.0, 1.0);
    let tail = p.mul_add(p, r * ((main + 1.0) + r));
    let square = main + tail;
    (square, (main - square) + tail)
}

/// Returns a − b and its rounding error, for a greater than about b/2.
#[inline(always)]
fn less(a: f64, b: f64) -> (f64, f64) {
    let d = a - b;
    (d, (a - d) - b)
}

/// Returns `large`/`LARGE`·(main + more)/(square + lost).
///
/// 1/square is between ¼ and 1. The correction by `lost` is small, so it uses a constant in this range instead of 1/square.
#[inline(always)]
fn quotient(large: f64, main: f64, more: f64, square: f64, lost: f64) -> f64 {
    let n = main + (main + more).mul_add(-0.6 * lost, more);
    large * n / (f64::LARGE * square)
}

/// The zero of mish′, in two parts.
const ZERO: (f64, f64) = (-1.192_431_214_515_495_2, -4.848_482_984_803_104e-17);
/// The derivative of mish′ at its zero, in two parts.
const SLOPE_AT_ZERO: (f64, f64) = (0.266_947_914_049_534_5, 1.533_281_661_713_558_7e-17);
/// The distance from the zero up to which the polynomial is used.
const NEAR: f64 = 0.2;

/// Returns mish′(zero + x)/x for |x| ≤ `NEAR`.
#[inline(always)]
fn near(x: f64) -> f64 {
    let x2 = x * x;
    let x4 = x2 * x2;
    let low = x2.mul_add(
        x.mul_add(-0.020_271_822_716_645_294, 0.041_907_821_043_620_314),
        x.mul_add(0.204_731_264_080_105_8, SLOPE_AT_ZERO.1),
    );
    let mid = x2.mul_add(
        x.mul_add(0.000_989_818_665_697_423, 0.001_092_405_712_332_294),
        x.mul_add(-0.003_360_684_934_173_981_7, -0.015_821_126_563_775_066),
    );
    let high = x2.mul_add(
        x.mul_add(-1.689_509_857_498_181_2e-5, -5.569_426_288_081_45e-5),
        x.mul_add(-4.198_321_270_542_314e-5, 0.000_254_122_388_173_851_53),
    );
    SLOPE_AT_ZERO.0 + x4.mul_add(x4.mul_add(high, mid), low)
}
