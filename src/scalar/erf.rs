//! The error function and related functions: erf, erfc, Φ, u·Φ(u) and the derivative of u·Φ(u).
//!
//! All functions, except erf near 0, are based on the left tail Φ(−a) = e^(−a²/2)·M(a), a ≥ 0. M decreases smoothly from 1/2
//! towards 1/(a√2π), so one rational function approximates it for every a, without loss of accuracy for large a.
//! Φ(u) = 1 − Φ(−u) and erfc x = 2Φ(−√2·x) yield the other functions. The coefficients are minimax fits by the Remez exchange
//! algorithm in 60-digit arithmetic (`tests/golden/coefficients.py`). The rational functions have only positive coefficients,
//! so they do not cancel.
//!
//! The functions compute in `f64`. The type parameter selects the precision of the result: [`Single`] uses shorter
//! polynomials, which suffice for a result that is rounded to `f32`, and [`Double`] is accurate in `f64`. In `f32`
//! arithmetic, the error would be several ulp, and correcting it would cost more than the wider type.

use std::f64::consts::{FRAC_1_SQRT_2, LOG2_E, SQRT_2};

use super::exp::exp_tail;
use super::kernel::Kernel;

/// φ(0) = 1/√2π.
const PEAK: f64 = 0.398_942_280_401_432_7;
/// The |x| below which erf has its own polynomial. Above it, 1 − erfc is as accurate.
const NEAR: f64 = 0.85;

/// The precision of the result.
pub trait Precision {
    /// The a above which even a·e^(−a²/2) rounds to 0.
    const LAST: f64;
    /// The factor applied at the very end. `gauss` is too large by its reciprocal, and is therefore never subnormal.
    const DROP: f64;

    /// Returns (m, s) with e^(−half·x²)/`DROP` = (1 + m)·s, for half = 1 or 1/2.
    fn gauss(x: f64, half: f64) -> (f64, f64);
    /// Returns (n, o, d) with M(a) = (n + o)/d, for 0 ≤ a ≤ `LAST`. Either o is small relative to n, or n is 0.
    fn mills(a: f64) -> (f64, f64, f64);
    /// Returns erf(x)/x − 1 as a polynomial in z = x², for |x| ≤ `NEAR`.
    fn near(z: f64) -> f64;
}

/// The precision of results that are rounded to `f32`.
pub struct Single;

/// The precision of results in `f64`.
pub struct Double;

/// Returns erf x = 2/√π·∫₀ˣ e^(−t²) dt.
#[inline(always)]
pub fn erf<P: Precision>(x: f64) -> f64 {
    let far = (1.0 - erfc_abs::<P>(x)).copysign(x);
    if x.abs() < NEAR { x + x * P::near(x * x) } else { far }
}

/// Returns erfc x = 1 − erf x, without cancellation if erf x is near 1.
#[inline(always)]
pub fn erfc<P: Precision>(x: f64) -> f64 {
    let tail = erfc_abs::<P>(x);
    if x < 0.0 { 2.0 - tail } else { tail }
}

/// Returns Φ(u) = erfc(−u/√2)/2, the probability that a standard normal variable is below u.
#[inline(always)]
pub fn normal_cdf<P: Precision>(u: f64) -> f64 {
    let a = at_most(u.abs(), P::LAST);
    let tail = tail::<P>(a, P::gauss(a, 0.5)) * P::DROP;
    if u < 0.0 { tail } else { 1.0 - tail }
}

/// Returns u·Φ(u), the Gaussian error linear unit.
#[inline(always)]
pub fn gelu<P: Precision>(u: f64) -> f64 {
    let a = at_most(u.abs(), P::LAST);
    let tail = a * tail::<P>(a, P::gauss(a, 0.5)) * P::DROP;
    // For u ≥ 0, u·Φ(u) = u − u·Φ(−u).
    if u < 0.0 { -tail } else { u - tail }
}

/// Returns Φ(u) + u·φ(u), the derivative of [`gelu`].
#[inline(always)]
pub fn gelu_derivative<P: Precision>(u: f64) -> f64 {
    let a = at_most(u.abs(), P::LAST);
    let (m, s) = P::gauss(a, 0.5);
    let (n, o, d) = P::mills(a);
    // The derivative at −a; the derivatives at a and −a add up to 1.
    let w = (n + o) / d - a * PEAK;
    let tail = (w + w * m) * s * P::DROP;
    if u < 0.0 { tail } else { 1.0 - tail }
}

/// Returns erfc |x|.
#[inline(always)]
fn erfc_abs<P: Precision>(x: f64) -> f64 {
    let x = at_most(x.abs(), P::LAST * FRAC_1_SQRT_2);
    tail::<P>(SQRT_2 * x, P::gauss(x, 1.0)) * (2.0 * P::DROP)
}

/// Returns Φ(−a)/`DROP`.
#[inline(always)]
fn tail<P: Precision>(a: f64, (m, s): (f64, f64)) -> f64 {
    let (n, o, d) = P::mills(a);
    // Adds the small terms first.
    (n + (o + (n + o) * m)) / d * s
}

/// Returns the smaller of the two; NaN stays NaN.
#[inline(always)]
fn at_most(a: f64, last: f64) -> f64 {
    if a > last { last } else { a }
}

impl Precision for Single {
    const LAST: f64 = 15.0;
    const DROP: f64 = 1.0;

    /// Computes 2⁻ʸ with y = k + g. The square is exact, because x has 24 significant bits.
    #[inline(always)]
    fn gauss(x: f64, half: f64) -> (f64, f64) {
        // Adding this constant rounds to an integer, which then occupies the low bits together with the exponent bias.
        const ROUND: f64 = <f64 as Kernel>::ROUND + 1023.0;
        let y = x * x * (half * LOG2_E);
        let power = ROUND - y;
        let g = y + (power - ROUND);
        let g2 = g * g;
        // 2⁻ᵍ − 1 for |g| ≤ 1/2: degree 6; the error relative to 2⁻ᵍ is 1.9e-9.
        let low = 5.545_5e-10 - 0.693_147_205_733_997_5 * g;
        let middle = 0.240_226_468_876_514_64 - 0.055_503_287_801_453_94 * g;
        let high =
            (0.009_618_489_245_473_528 - 0.001_339_993_059_280_781_5 * g) + g2 * 0.000_153_457_427_427_539_48;
        (low + g2 * (middle + g2 * high), f64::from_bits(power.to_bits() << 52))
    }

    /// Evaluates a rational function of degrees 4 and 5 on [0, 15]; the relative error is 1.1e-8.
    #[inline(always)]
    fn mills(a: f64) -> (f64, f64, f64) {
        let a2 = a * a;
        let p = (0.499_999_999_740_813_77 + 0.433_244_291_342_313_46 * a)
            + a2 * ((0.179_315_205_703_322_13 + 0.039_261_418_095_975_32 * a)
                + a2 * 0.003_898_984_802_338_585);
        let q = (1.0 + 1.664_373_188_094_724_3 * a)
            + a2 * ((1.186_606_753_191_263_9 + 0.459_081_910_860_685_67 * a)
                + a2 * (0.098_421_108_579_001_73 + 0.009_773_168_430_128_314 * a));
        // The compiler omits the addition of −0, but not of 0.
        (-0.0, p, q)
    }

    /// Evaluates a polynomial of degree 5; the error relative to erf(x)/x is 6.1e-9.
    #[inline(always)]
    fn near(z: f64) -> f64 {
        let z2 = z * z;
        (0.128_379_160_237_465_26 - 0.376_125_718_666_449_17 * z)
            + z2 * ((0.112_827_175_982_479_38 - 0.026_802_551_896_781_733 * z)
                + z2 * (0.005_051_097_335_620_361 - 0.000_631_512_641_695_152_4 * z))
    }
}

impl Precision for Double {
    const LAST: f64 = 39.0;
    const DROP: f64 = 1.0 / (1_u128 << 127) as f64;

    /// Computes eʳ·2ᵏ with −half·x² = r + k·ln 2.
    #[inline(always)]
    fn gauss(x: f64, half: f64) -> (f64, f64) {
        // Like `ROUND` in `Single`, plus 127 for `DROP`.
        const ROUND: f64 = <f64 as Kernel>::ROUND + 1023.0 + 127.0;
        // x² in two parts. The first is exact, because h has only the upper 26 bits of x.
        let h = f64::from_bits(x.to_bits() & 0xffff_ffff_f800_0000);
        let (high, low) = (h * h * half, (x - h) * (x + h) * half);
        let power = ROUND - high * LOG2_E;
        let k = ROUND - power;
        let (high, low) = (k.mul_add(f64::LN2_HIGH, -high), k.mul_add(f64::LN2_LOW, -low));
        let r = high + low;
        (high + (low + exp_tail(r)), f64::from_bits(power.to_bits() << 52))
    }

    /// Evaluates M(a) = (C + a·p(a)/q(a))/(a + 2C) with C = φ(0). This is exact at 0 and ∞ without the fraction p/q, which
    /// therefore adds at most 19 % and contributes only small rounding errors. p and q have degrees 9 and 11; the error
    /// relative to M on [0, 39] is 2.7e-18, including the rounding of the coefficients.
    #[inline(always)]
    fn mills(a: f64) -> (f64, f64, f64) {
        let a2 = a * a;
        let a4 = a2 * a2;
        let p0 = (0.181_690_113_816_209_34 + 0.252_904_163_882_541_7 * a)
            + a2 * (0.174_696_736_172_407_58 + 0.077_062_298_413_614_49 * a);
        let p1 = (0.023_704_449_788_948_1 + 0.005_252_030_641_978_935 * a)
            + a2 * (0.000_838_053_675_368_1 + 0.000_093_188_571_157_211_55 * a);
        let p2 = 0.000_006_604_340_731_995_445 + 2.309_211_076_992_45e-7 * a;
        let q0 =
            (1.0 + 2.489_817_935_503_444 * a) + a2 * (2.903_002_496_809_344_6 + 2.096_778_341_724_912 * a);
        let q1 = (1.045_051_680_212_765_6 + 0.378_524_571_742_464_07 * a)
            + a2 * (0.102_039_452_521_789_86 + 0.020_563_886_688_464_69 * a);
        let q2 = (0.003_053_602_427_555_766 + 0.000_320_629_488_250_094_9 * a)
            + a2 * (0.000_021_657_377_668_678_63 + 7.254_600_555_085_19e-7 * a);
        let (p, q) = (p0 + a4 * (p1 + a4 * p2), q0 + a4 * (q1 + a4 * q2));
        (PEAK, a * p / q, a + 2.0 * PEAK)
    }

    /// Evaluates a polynomial of degree 11; the error relative to erf(x)/x is 1.6e-19.
    #[inline(always)]
    fn near(z: f64) -> f64 {
        let (z2, z4) = (z * z, z * z * (z * z));
        let e0 = (0.128_379_167_095_512_6 - 0.376_126_389_031_837_4 * z)
            + z2 * (0.112_837_916_709_546_58 - 0.026_866_170_645_011_532 * z);
        let e1 = (0.005_223_977_623_853_925 - 0.000_854_832_689_885_808_3 * z)
            + z2 * (0.000_120_553_267_709_709_13 - 0.000_014_925_445_951_069_714 * z);
        let e2 = (0.000_001_645_760_810_659_564_8 - 1.629_979_408_923_936_6e-7 * z)
            + z2 * (1.418_551_135_754_824_9e-8 - 8.826_997_529_412_856e-10 * z);
        e0 + z4 * (e1 + z4 * e2)
    }
}
