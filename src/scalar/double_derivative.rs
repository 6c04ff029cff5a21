//! The derivatives of swish and mish in `f64`.
//!
//! Nothing wider is at hand, and their terms cancel left of 0. So e = e^−|u| = 2ᵏ(1 + m) stays apart in its two
//! parts: sums of a small integer, powers of two and u are exact, what is rounded is small, and what the two largest
//! roundings take away is carried along.

use super::derivative::{Decay, square_one_plus};
use super::kernel::Kernel;

/// swish′(v) = e(1 + v + e)/(1 + e)² for v < 0, and 1 − swish′(−v) else.
#[inline(always)]
pub fn swish_derivative(v: f64) -> f64 {
    let e = Decay::new(v.abs());
    let (square, lost) = square_one_plus(e.power, e.rest);
    // (1 + m)(1 − w + e) = n + m(n + e)
    let (n, n_lost) = less(1.0 + e.power, e.w);
    let more = e.m * ((e.power + e.rest) + n) + n_lost;
    let derivative = quotient(e.large, n, more, square, lost);
    if v < 0.0 { derivative } else { 1.0 - derivative }
}

/// mish′(u), e = e^−|u|:
///
/// - u < 0: e·(1 − w + c + w·y²)/(1 + c)², y = e/(2 + e), c = e(1 + y)/2;
/// - u ≥ 0: 1 − 2e·y·(1 + c − 2w(1 − y))/(1 + c)², y = e/(1 + 2e), c = 2e·y;
/// - near the zero a polynomial.
#[inline(always)]
pub fn mish_derivative(u: f64) -> f64 {
    let negative = u < 0.0;
    let e = Decay::new(u.abs());
    let value = e.power + e.rest;
    let (one, two) = if negative { (2.0, 1.0) } else { (1.0, 2.0) };
    let y = value / ((one + two * e.power) + two * e.rest);

    // c = p + c1
    let p = if negative { 0.5 * e.power } else { 0.0 };
    let c1 = if negative { 0.5 * (e.rest + value * y) } else { 2.0 * value * y };
    let (square, lost) = square_one_plus(p, c1);

    let (n, n_lost) = less(1.0 + p, e.w);
    let n1 = (n_lost + 0.5 * e.rest) + y * (0.5 * value + e.w * y);
    let left = (n, n1 + e.m * (n + n1));
    let b = (y + y) * (2.0 * e.w * (1.0 - y) - (1.0 + c1));
    let right = (b, e.m * b);
    let (main, more) = if negative { left } else { right };
    let derivative = quotient(e.large, main, more, square, lost);
    let derivative = if negative { derivative } else { 1.0 + derivative };

    let x = (u - MISH_ZERO.0) - MISH_ZERO.1;
    if x.abs() < MISH_NEAR { x * mish_near(x) } else { derivative }
}

/// a − b, and what rounding took from it, for a > b/2 or so.
#[inline(always)]
fn less(a: f64, b: f64) -> (f64, f64) {
    let d = a - b;
    (d, (a - d) - b)
}

/// `large`/`LARGE`·(main + more)/(square + lost).
///
/// 1/square lies between ¼ and 1; for the small correction by `lost` a number between them will do.
#[inline(always)]
fn quotient(large: f64, main: f64, more: f64, square: f64, lost: f64) -> f64 {
    let n = main + (more - (main + more) * (0.6 * lost));
    large * n / (f64::LARGE * square)
}

/// In two parts.
const MISH_ZERO: (f64, f64) = (-1.192_431_214_515_495_2, -4.848_482_984_803_104e-17);
const MISH_SLOPE_AT_ZERO: (f64, f64) = (0.266_947_914_049_534_5, 1.533_281_661_713_558_7e-17);
const MISH_NEAR: f64 = 0.2;

/// mish′(zero + x)/x for |x| ≤ `MISH_NEAR`.
#[inline(always)]
fn mish_near(x: f64) -> f64 {
    let x2 = x * x;
    let x4 = x2 * x2;
    let low = (MISH_SLOPE_AT_ZERO.1 + x * 0.204_731_264_080_105_8)
        + x2 * (0.041_907_821_043_620_314 - x * 0.020_271_822_716_645_294);
    let mid = (-0.015_821_126_563_775_066 - x * 0.003_360_684_934_173_981_7)
        + x2 * (0.001_092_405_712_332_294 + x * 0.000_989_818_665_697_423);
    let high = (0.000_254_122_388_173_851_53 - x * 4.198_321_270_542_314e-5)
        + x2 * (-5.569_426_288_081_45e-5 - x * 1.689_509_857_498_181_2e-5);
    MISH_SLOPE_AT_ZERO.0 + (low + x4 * (mid + x4 * high))
}
