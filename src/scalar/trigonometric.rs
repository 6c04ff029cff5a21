//! Sine, cosine, tangent and their inverses.
//!
//! All functions compute in `f64`; for `f32`, the result is rounded once more. One code path serves all arguments, so loops
//! vectorise. The table index is masked and needs no bounds check.
//!
//! Errors stay below 1 ulp, even for the largest arguments. The last addition adds a small correction to a value. The
//! correction includes the rounding errors of the large quantities (the reduced argument, a quotient, a root, π/4), so only
//! the errors of the polynomials remain. `tests/mpfr` measures the errors.
//!
//! The polynomials are minimax fits, with the first coefficient rounded before the others are fitted.
//! `tests/golden/trigonometric.py` computes them and checks the constants below.

/// The bits of 2/π after the binary point, with 64 zeros before them: the integer part of 2/π·2¹²¹⁶.
const TWO_OVER_PI: [u64; 20] = [
    0x0000_0000_0000_0000,
    0xa2f9_836e_4e44_1529,
    0xfc27_57d1_f534_ddc0,
    0xdb62_9599_3c43_9041,
    0xfe51_63ab_debb_c561,
    0xb724_6e3a_424d_d2e0,
    0x0649_2eea_09d1_921c,
    0xfe1d_eb1c_b129_a73e,
    0xe882_35f5_2ebb_4484,
    0xe99c_7026_b45f_7e41,
    0x3991_d639_8353_39f4,
    0x9c84_5f8b_bdf9_283b,
    0x1ff8_97ff_de05_980f,
    0xef2f_118b_5a0a_6d1f,
    0x6d36_7ecf_27cb_09b7,
    0x4f46_3f66_9e5f_ea2d,
    0x7527_bac7_ebe5_f17b,
    0x3d07_39f7_8a52_92ea,
    0x6bfb_5fb1_1f8d_5d08,
    0x5603_3046_fc7b_6bab,
];

/// π/2 in two parts: the nearest value and the remainder.
const HALF_PI: [f64; 2] = [std::f64::consts::FRAC_PI_2, 6.123_233_995_736_766e-17];

/// Coefficients of (sin r − r)/r³ in z = r² for |r| ≤ π/4; the error relative to the sine is 4.0e-18.
const SIN_TAIL: [f64; 6] = [
    -0.166_666_666_666_666_3,
    0.008_333_333_333_321_84,
    -0.000_198_412_698_293_592_22,
    2.755_731_353_881_336_8e-6,
    -2.505_073_444_291_932_7e-8,
    1.589_543_671_180_783_8e-10,
];

/// Coefficients of (cos r − 1 + r²/2)/r⁴ in z = r² for |r| ≤ π/4; the error relative to the cosine is 9.1e-20.
const COS_TAIL: [f64; 6] = [
    0.041_666_666_666_666_595,
    -0.001_388_888_888_887_342_2,
    2.480_158_728_908_719_6e-5,
    -2.755_731_424_930_965e-7,
    2.087_571_061_969_737e-9,
    -1.135_905_590_892_368_4e-11,
];

/// Coefficients of (atan t − t)/t³ in z = t² for |t| ≤ tan π/8; the error relative to the arctangent is 4.2e-19.
const ATAN_TAIL: [f64; 12] = [
    -0.333_333_333_333_333_26,
    0.199_999_999_999_970_98,
    -0.142_857_142_853_173_25,
    0.111_111_110_838_238_87,
    -0.090_909_079_892_647_86,
    0.076_922_792_881_284_65,
    -0.066_661_760_809_383_77,
    0.058_765_309_493_485_52,
    -0.052_152_779_590_013_13,
    0.044_909_661_365_676_85,
    -0.033_184_389_784_565_574,
    0.014_903_363_427_791_649,
];

/// Coefficients of (asin s − s)/s³ in z = s² for |s| ≤ 1/2; the error relative to the arcsine is 1.1e-18.
const ASIN_TAIL: [f64; 13] = [
    0.166_666_666_666_667_6,
    0.074_999_999_999_708_98,
    0.044_642_857_174_512_66,
    0.030_381_942_712_805_084,
    0.022_372_214_839_307_937,
    0.017_351_614_793_560_33,
    0.013_980_785_921_415_483,
    0.011_399_205_605_964_09,
    0.010_778_554_619_011_432,
    0.003_713_018_376_801_022_5,
    0.021_690_905_197_088_963,
    -0.020_975_019_256_059_494,
    0.032_613_200_352_502_68,
];

/// The number of bits in a [`WINDOWS`] entry.
const WIDTH: usize = 52;

/// The bits of 2/π in windows: 2ᵉ⁻⁵²·2/π modulo 4 is `WINDOWS[e]` + 2⁻⁵²·`WINDOWS[e + 52]` + 2⁻¹⁰⁴·`WINDOWS[e + 104]` + ….
/// Every entry is a signed integer of 52 bits times 2⁻⁵⁰.
static WINDOWS: [f64; 1024 + 3 * WIDTH] = windows();

const fn windows() -> [f64; 1024 + 3 * WIDTH] {
    let mut windows = [0.0; 1024 + 3 * WIDTH];
    let mut e = 0;
    while e < windows.len() {
        // The bit with the value 2 is the bit of 2/π with the value 2⁵³⁻ᵉ, and 64 zeros precede the bit with the value 1/2.
        let bit = e + 10;
        let (word, shift) = (bit / 64, bit % 64);
        let next = if word + 1 < TWO_OVER_PI.len() { TWO_OVER_PI[word + 1] } else { 0 };
        let bits = ((TWO_OVER_PI[word] as u128) << 64 | next as u128) << shift;
        // The first bit of a window is its sign, so the bit below a window must be added to it.
        let integer = (((bits as i128) >> (127 - WIDTH)) + 1) >> 1;
        windows[e] = integer as f64 * (1.0 / (1_u64 << 50) as f64);
        e += 1;
    }
    windows
}

/// Returns sin x.
#[inline(always)]
pub fn sin(x: f64) -> f64 {
    let r = Reduced::new(x);
    let ((s, s_low), (c, c_low)) = (r.sin(), r.cos());
    let even = r.quadrant & 1 == 0;
    let y = select(even, s + s_low, c + c_low);
    let y = flip(y, r.quadrant);
    select(x == 0.0, x, y) // the sign of −0 is lost above
}

/// Returns cos x.
#[inline(always)]
pub fn cos(x: f64) -> f64 {
    let r = Reduced::new(x);
    let ((s, s_low), (c, c_low)) = (r.sin(), r.cos());
    let even = r.quadrant & 1 == 0;
    let y = select(even, c + c_low, s + s_low);
    flip(y, r.quadrant.wrapping_add(1))
}

/// Returns tan x.
#[inline(always)]
pub fn tan(x: f64) -> f64 {
    let r = Reduced::new(x);
    let ((s, s_low), (c, c_low)) = (sum(r.sin()), sum(r.cos()));
    let even = r.quadrant & 1 == 0;
    let (n, n_low) = (select(even, s, -c), select(even, s_low, -c_low));
    let (d, d_low) = (select(even, c, s), select(even, c_low, s_low));
    let (y, y_low) = quotient(n, n_low, d, d_low);
    select(x == 0.0, x, y + y_low)
}

/// Returns asin x, which for x > 1/2 is π/2 − 2·asin √((1 − x)/2).
#[inline(always)]
pub fn asin(x: f64) -> f64 {
    let (far, s, s_low) = half_arc(x);
    let high = if far { HALF_PI[0] } else { 0.0 };
    let low = if far { HALF_PI[1] } else { 0.0 };
    let factor = if far { -2.0 } else { 1.0 };
    let (y, y_low) = sum((high, factor * s));
    (y + (y_low + s_low.mul_add(factor, low))).copysign(x)
}

/// Returns acos x = π/2 − asin x, without cancellation if the result is small.
#[inline(always)]
pub fn acos(x: f64) -> f64 {
    let (far, s, s_low) = half_arc(x);
    // π/2 − asin x, or 2·asin √((1 − x)/2), or π − 2·asin √((1 + x)/2).
    let end = if x < 0.0 { 2.0 } else { 0.0 };
    let quarters = if far { end } else { 1.0 };
    let factor = if far { 2.0 } else { -1.0 };
    let factor = if x < 0.0 { -factor } else { factor };
    let (y, y_low) = sum((quarters * HALF_PI[0], factor * s));
    y + (y_low + s_low.mul_add(factor, quarters * HALF_PI[1]))
}

/// Returns atan x.
#[inline(always)]
pub fn atan(x: f64) -> f64 {
    /// From here on, the result is π/2. Larger arguments are clamped, because 1/x must not be subnormal.
    const LAST: f64 = (1_u64 << 60) as f64;
    let a = x.abs();
    let a = if a > LAST { LAST } else { a };
    let steep = a > 1.0;
    let long = if steep { a } else { 1.0 };
    let short = if steep { 1.0 } else { a };
    angle(short, long, steep, false).copysign(x)
}

/// Returns the angle of the point (x, y), from −π to π.
///
/// Zeros and infinities are treated as in C: the sign of a zero selects the side of the axis, and two infinities or two zeros
/// count as equal.
#[inline(always)]
pub fn atan2(y: f64, x: f64) -> f64 {
    const HUGE: f64 = f64::from_bits((1023 + 900) << 52);
    const TINY: f64 = f64::from_bits((1023 - 100) << 52);
    const DOWN: f64 = f64::from_bits((1023 - 200) << 52);
    const UP: f64 = f64::from_bits((1023 + 100) << 52);
    const FAR_UP: f64 = f64::from_bits((1023 + 600) << 52);
    let (u, v) = (x.abs(), y.abs());
    let steep = v > u;
    let long = if steep { v } else { u };
    let short = if steep { u } else { v };
    // The sum of the two, 1/long and the remainder of their quotient must all stay in the normal range.
    let small = if long < TINY { FAR_UP } else { UP };
    let scale = if long > HUGE { DOWN } else { small };
    let (a, b) = (long * scale, short * scale);
    // If `long` is infinite, an infinite value counts as 1 and a finite value as 0.
    let unbounded = if short == f64::INFINITY { 1.0 } else { 0.0 };
    let b = if long == f64::INFINITY { unbounded } else { b };
    let a = if long == f64::INFINITY { 1.0 } else { a };
    let a = if long == 0.0 { 1.0 } else { a };
    let angle = angle(b, a, steep, x.is_sign_negative()).copysign(y);
    if x.is_nan() | y.is_nan() { f64::NAN } else { angle }
}

/// The argument reduction x = n·π/2 + r for an integer n and |r| ≤ π/4, or slightly more due to rounding.
struct Reduced {
    /// n modulo 4, in the low bits.
    quadrant: u64,
    /// r in two parts, which may overlap if the first is tiny.
    r: f64,
    low: f64,
}

impl Reduced {
    /// Multiplies x by 2/π in fixed point, so that every sum except the last is exact.
    ///
    /// With x = M·2ᵉ⁻⁵² for an integer M, multiples of 4 in 2ᵉ⁻⁵²·2/π do not affect the result, and 208 bits of the rest are
    /// used. The error is below 2⁻¹⁵⁰, and no `f64` is closer to a multiple of π/2 than 2⁻⁶². A shorter path for small
    /// arguments, with π/2 in three parts, would only add to the cost of a vectorised loop, which computes both paths.
    #[inline(always)]
    fn new(x: f64) -> Self {
        const EXPONENT: u64 = 0x7ff;
        const STEP: f64 = 1.0 / (1_u64 << WIDTH) as f64;
        // Adding these constants rounds to multiples of 8, 2⁻⁴⁹ and 1, respectively.
        const EIGHTS: f64 = 1.5 * (1_u64 << 55) as f64;
        const FINE: f64 = 12.0;
        const ONES: f64 = 1.5 * (1_u64 << 52) as f64;
        // `FINER` is to the third product what `FINE` is to the second: the products are at most 4 in units of `STEP` and 1.
        const FINER: f64 = FINE * STEP;

        let a = x.abs();
        // If a < 1, M is not an integer. This is harmless, because nothing cancels there.
        let biased = (if a < 1.0 { 1.0 } else { a }).to_bits() >> 52 & EXPONENT;
        let m0 = x * f64::from_bits((2 * 1023 + 52 - biased) << 52);
        let (m1, m2, m3) = (m0 * STEP, m0 * (STEP * STEP), m0 * (STEP * STEP * STEP));

        // The mask turns the exponent of infinity and NaN into 0.
        let e = (biased.wrapping_sub(1023) & 1023) as usize;
        let (w0, w1) = (WINDOWS[e], WINDOWS[e + WIDTH]);
        let (w2, w3) = (WINDOWS[e + 2 * WIDTH], WINDOWS[e + 3 * WIDTH]);

        // m0·w0 modulo 8 is a multiple of 2⁻⁵⁰. m1·w1, which is at most 4, is split into a multiple of 2⁻⁴⁹ and the
        // remainder.
        let p0 = m0.mul_add(w0, -(m0.mul_add(w0, EIGHTS) - EIGHTS));
        let p1 = m1.mul_add(w1, FINE) - FINE;
        let p1_low = m1.mul_add(w1, -p1);
        let shifted = (p0 + p1) + ONES;
        let f = (p0 - (shifted - ONES)) + p1;
        // Both terms of g are multiples of 2⁻¹⁰² up to 2⁻⁵⁰, so g is a multiple of 2⁻¹⁰² up to 2⁻⁴⁹ and exact.
        let p2 = m2.mul_add(w2, FINER) - FINER;
        let g = p1_low + p2;
        let h = m3.mul_add(w3, m2.mul_add(w2, -p2));
        let (y, y_low) = sum((f, g));
        let y_low = y_low + h;

        let r = y * HALF_PI[0];
        let lost = y.mul_add(HALF_PI[0], -r);
        let low = y.mul_add(HALF_PI[1], y_low.mul_add(HALF_PI[0], lost));
        // Small arguments need no reduction, and fixed point would lose their digits.
        let small = a < 0.5;
        Self { quadrant: shifted.to_bits(), r: select(small, x, r), low: select(small, 0.0, low) }
    }

    /// Returns sin r as a value and its correction.
    #[inline(always)]
    fn sin(&self) -> (f64, f64) {
        let z = self.r * self.r;
        let near_cos = (-0.5_f64).mul_add(z, 1.0);
        (self.r, (self.r * z).mul_add(six(&SIN_TAIL, z), self.low * near_cos))
    }

    /// Returns cos r as a value and its correction.
    #[inline(always)]
    fn cos(&self) -> (f64, f64) {
        let z = self.r * self.r;
        let half = -0.5 * self.r;
        let c = half.mul_add(self.r, 1.0);
        let lost = half.mul_add(self.r, 1.0 - c);
        (c, lost + (z * z).mul_add(six(&COS_TAIL, z), -(self.r * self.low)))
    }
}

/// Returns whether |x| > 1/2, and in two parts asin √((1 − |x|)/2) if so, or asin |x| if not.
#[inline(always)]
fn half_arc(x: f64) -> (bool, f64, f64) {
    let a = x.abs();
    let far = a > 0.5;
    let square = 0.5 - 0.5 * a; // exact for a > 1/2
    let root = square.sqrt();
    // The remainder of the root.
    let divisor = if root == 0.0 { 1.0 } else { root + root };
    let lost = (-root).mul_add(root, square) / divisor;
    let z = if far { square } else { a * a };
    let s = if far { root } else { a };
    let lost = if far { lost } else { 0.0 };
    let z4 = (z * z) * (z * z);
    let tail = z4.mul_add(
        z4.mul_add(z4.mul_add(ASIN_TAIL[12], four(&ASIN_TAIL, 8, z)), four(&ASIN_TAIL, 4, z)),
        four(&ASIN_TAIL, 0, z),
    );
    (far, s, (s * z).mul_add(tail, lost))
}

/// Returns the angle in the upper half-plane of a point whose distances from the axes are `short` and `long` > 0.
///
/// If short/long exceeds tan π/8, the angle is π/4 + atan t with t = (short − long)/(short + long), so |t| ≤ tan π/8 in every
/// case.
#[inline(always)]
fn angle(short: f64, long: f64, steep: bool, left: bool) -> f64 {
    const TAN_EIGHTH: f64 = std::f64::consts::SQRT_2 - 1.0;
    let diagonal = short > TAN_EIGHTH * long;
    let (difference, total) = (sum((-long, short)), sum((long, short)));
    let n = if diagonal { difference.0 } else { short };
    let n_low = if diagonal { difference.1 } else { 0.0 };
    let d = if diagonal { total.0 } else { long };
    let d_low = if diagonal { total.1 } else { 0.0 };
    let (t, t_low) = quotient(n, n_low, d, d_low);
    let z = t * t;
    let z4 = (z * z) * (z * z);
    let tail = z4.mul_add(z4.mul_add(four(&ATAN_TAIL, 8, z), four(&ATAN_TAIL, 4, z)), four(&ATAN_TAIL, 0, z));
    let t_low = (t * z).mul_add(tail, t_low);
    // The angle to which ±t is added, in eighths of a circle.
    let eighths = if diagonal { 1.0 } else { 0.0 };
    let eighths = if steep { 2.0 - eighths } else { eighths };
    let eighths = if left { 4.0 - eighths } else { eighths };
    let sign = if steep ^ left { -1.0 } else { 1.0 };
    const EIGHTH: f64 = 0.5 * HALF_PI[0];
    let high = eighths * EIGHTH;
    let low = eighths.mul_add(0.5 * HALF_PI[1], eighths.mul_add(EIGHTH, -high));
    let (y, y_low) = sum((high, sign * t));
    y + (y_low + sign.mul_add(t_low, low))
}

/// Returns a + b and its rounding error. Both are exact if |a| ≥ |b|, if a = 0, or if a is a multiple of the ulp of b.
#[inline(always)]
fn sum((a, b): (f64, f64)) -> (f64, f64) {
    let s = a + b;
    (s, b - (s - a))
}

/// Returns (n + n_low)/(d + d_low) as a value and its correction, using one division.
#[inline(always)]
fn quotient(n: f64, n_low: f64, d: f64, d_low: f64) -> (f64, f64) {
    let inverse = 1.0 / d;
    let q = n * inverse;
    let rest = (-q).mul_add(d, n) + (-q).mul_add(d_low, n_low);
    (q, rest * inverse)
}

/// Returns `a` if `condition` is true and `b` otherwise; both are computed. The compiler may turn an `if` into a branch that
/// contains part of the work, and a load from the table in such a branch prevents vectorisation.
#[inline(always)]
fn select(condition: bool, a: f64, b: f64) -> f64 {
    std::hint::select_unpredictable(condition, a, b)
}

/// Returns y with its sign flipped in the third and the fourth quadrant.
#[inline(always)]
fn flip(y: f64, quadrant: u64) -> f64 {
    f64::from_bits(y.to_bits() ^ (quadrant << 62 & 1 << 63))
}

/// Evaluates a polynomial with six coefficients.
#[inline(always)]
fn six(c: &[f64; 6], z: f64) -> f64 {
    let z2 = z * z;
    let high = z2.mul_add(z.mul_add(c[5], c[4]), z.mul_add(c[3], c[2]));
    z2.mul_add(high, z.mul_add(c[1], c[0]))
}

/// Evaluates four terms of a polynomial, starting at index `first`.
#[inline(always)]
fn four<const N: usize>(c: &[f64; N], first: usize, z: f64) -> f64 {
    let low = z.mul_add(c[first + 1], c[first]);
    (z * z).mul_add(z.mul_add(c[first + 3], c[first + 2]), low)
}
