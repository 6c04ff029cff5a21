//! ln |Γ(x)| and its derivative, the digamma function ψ(x).
//!
//! Below 6, both are reduced to a polynomial on [1, 2] by Γ(x) = (x − 1)·Γ(x − 1); from 6 on, both use the asymptotic series.
//! The terms that are added to the polynomial or the series can cancel most of it, so these sums are computed in
//! double-double precision. For x < 0, both follow by reflection from Γ(−a)·Γ(1 + a) = −π/sin πa.
//!
//! For x < 0, both functions have zeros between all poles. Next to these zeros, the error is relative to 1.
//!
//! The coefficients are minimax fits by the Remez exchange algorithm (`tests/golden/powers.py`).

use super::kernel::Kernel;
use super::pair::{Pair, polynomial};

/// The least x for which the asymptotic series are used.
const FAR: f64 = 6.0;
/// The x below which Γ(x) rounds to 1/x.
const TINY: f64 = f64::from_bits((1023 - 60) << 52);

/// π.
const PI: Pair = Pair::new(std::f64::consts::PI, 1.224_646_799_147_353_2e-16);
/// ln π.
const LN_PI: Pair = Pair::new(1.144_729_885_849_400_2, 1.026_595_116_270_782_6e-17);

/// c₀ = −π³/6 and the coefficients of p in sin πq = πq + q³·(c₀ + z·p(z)), z = q², for |q| ≤ 1/4; the relative error is 2⁻⁶⁸.
const SINE_CUBE: Pair = Pair::new(-5.167_712_780_049_97, 2.266_562_282_578_944_7e-16);
const SINE: [f64; 6] = [
    2.550_164_039_877_344,
    -0.599_264_529_320_529_9,
    0.082_145_886_589_904_34,
    -0.007_370_430_102_557_88,
    0.000_466_285_145_681_967_7,
    -2.172_801_727_783_683_5e-5,
];
/// c₀ = −π²/2 and the coefficients of p in cos πq = 1 + z·(c₀ + z·p(z)), z = q², for |q| ≤ 1/4; the error is 2⁻⁶⁴.
const COSINE_SQUARE: Pair = Pair::new(-4.934_802_200_544_679, -3.132_647_754_369_855_7e-16);
const COSINE: [f64; 6] = [
    4.058_712_126_416_761,
    -1.335_262_768_853_171_5,
    0.235_330_630_244_136_1,
    -0.025_806_886_830_842_55,
    0.001_929_478_808_461_191,
    -0.000_103_624_873_741_993_91,
];

/// c₀ and the coefficients of p in ln Γ(x)/((x − 1)(x − 2)) = c₀ + u·p(u), u = x − 3/2, for 1 ≤ x ≤ 2; the relative error is
/// 2⁻⁶⁰.
const LN_GAMMA_FIRST: Pair = Pair::new(0.483_128_950_540_980_9, 1.729_959_703_222_716_8e-17);
const LN_GAMMA: [f64; 21] = [
    -0.145_959_895_914_306_08,
    0.062_911_401_074_564_37,
    -0.031_308_487_501_008_22,
    0.016_797_098_631_275_85,
    -0.009_425_622_448_736_235,
    0.005_446_457_839_039_314,
    -0.003_212_074_065_365_284,
    0.001_922_916_315_051_997_7,
    -0.001_164_414_766_815_416_4,
    0.000_711_519_033_667_471_2,
    -0.000_437_990_688_397_605_87,
    0.000_271_314_046_928_097_57,
    -0.000_168_937_422_102_794_96,
    0.000_105_353_387_135_777_15,
    -6.603_971_960_941_659e-5,
    4.303_359_882_592_22e-5,
    -2.752_478_951_250_427e-5,
    1.317_486_511_905_516_6e-5,
    -7.780_234_925_467_893e-6,
    1.214_894_241_528_224_2e-5,
    -8.198_917_150_511_228e-6,
];
/// (ln 2π − 1)/2.
const STIRLING_CONSTANT: Pair = Pair::new(0.418_938_533_204_672_7, 1.672_820_965_058_541_3e-17);
/// Coefficients of x·(ln Γ(x) − (x − 1/2)(ln x − 1) − (ln 2π − 1)/2) in w = 1/x², for x ≥ 6; the error in ln Γ(x) is 2⁻⁶³.
const STIRLING: [f64; 8] = [
    0.083_333_333_333_333_33,
    -0.002_777_777_777_765_252_3,
    0.000_793_650_787_195_427_6,
    -0.000_595_236_595_067_659_2,
    0.000_841_564_449_646_999_5,
    -0.001_904_184_376_851_391_2,
    0.005_848_425_569_643_359,
    -0.015_941_627_788_368_63,
];

/// The positive zero of ψ, minus 1.
const DIGAMMA_ZERO: Pair = Pair::new(0.461_632_144_968_362_36, -1.552_234_816_285_867_7e-17);
/// c₀ and the coefficients of p in ψ(x)/u = c₀ + u·p(u), for 1 ≤ x ≤ 2, where u is x minus the zero; the error is 2⁻⁶¹.
const DIGAMMA_FIRST: Pair = Pair::new(0.967_672_245_447_621_2, -3.390_855_412_083_815_7e-17);
const DIGAMMA: [f64; 23] = [
    -0.442_763_168_983_592_14,
    0.258_499_760_955_651,
    -0.163_942_705_442_398_75,
    0.107_824_050_691_253_66,
    -0.072_199_561_257_337_17,
    0.048_804_288_165_036_604,
    -0.033_161_126_428_661_73,
    0.022_597_648_183_912_97,
    -0.015_424_767_245_790_777,
    0.010_538_793_138_767_011,
    -0.007_204_510_690_476_866,
    0.004_926_751_678_666_281,
    -0.003_370_068_570_554_335,
    0.002_305_498_721_778_404_4,
    -0.001_574_995_569_039_126_4,
    0.001_075_790_349_955_876_6,
    -0.000_746_988_392_355_560_7,
    0.000_520_852_640_404_357_8,
    -0.000_321_638_900_723_147_34,
    0.000_185_337_471_260_554_55,
    -0.000_189_511_138_023_435_87,
    0.000_198_802_199_804_481_13,
    -8.656_080_697_335_95e-5,
];
/// Coefficients of x²·(ψ(x) − ln x + 1/2x) in w = 1/x², for x ≥ 6; the error in ψ(x) is 2⁻⁵⁸.
const ASYMPTOTIC: [f64; 7] = [
    -0.083_333_333_333_325_85,
    0.008_333_333_326_319_366,
    -0.003_968_251_736_886_336,
    0.004_166_327_885_626_927,
    -0.007_547_893_674_111_025,
    0.019_798_859_200_485_408,
    -0.049_998_935_021_395_32,
];

/// Returns ln |Γ(x)|: ∞ at the poles 0, −1, −2, …
///
/// For x > 0, the error is at most 1.1 ulp, even next to the zeros 1 and 2. For x < 0, it is at most 1 ulp of the result or
/// of 1, whichever is greater.
#[inline(always)]
pub fn ln_gamma(x: f64) -> f64 {
    let a = x.abs();
    let (below, far, tiny) = (a < 1.0, a >= FAR, a < TINY);
    let shift = Shift::new(a);

    // ln Γ(v), where v = 1 + t.
    let t = shift.t;
    let u = t - 0.5;
    let minus_one = Pair::ordered_sum(-1.0, t);
    let near = LN_GAMMA_FIRST.lead(u, polynomial(&LN_GAMMA, u)).times(minus_one.times(Pair::new(t, 0.0)));

    // Γ(a) is Γ(v)/a or Γ(v)·(a − 1)(a − 2)…
    let mut product = Pair::new(shift.factors[0], 0.0);
    for &factor in &shift.factors[1..] {
        product = product.times(Pair::new(factor, 0.0));
    }
    let subnormal = tiny && a < f64::MIN_POSITIVE;
    let own = Pair::new(if subnormal { a * f64::NORMALIZE.0 } else { a }, 0.0);
    let of = Pair::select(below || far, own, product);
    let ln = of.ln_wide(if subnormal { -f64::NORMALIZE.1 } else { 0.0 });
    let moved = near.plus(Pair::select(below, ln.negated(), ln));

    let main = Pair::sum(a, -0.5).times(ln.minus(Pair::ONE));
    let inverse = 1.0 / a;
    let series = main.plus(STIRLING_CONSTANT.lead(inverse, polynomial(&STIRLING, inverse * inverse)));
    let right = Pair::select(far, series, moved);

    // ln |Γ(−a)| = ln π − ln |sin πa| − ln Γ(1 + a), and Γ(1 + a) is Γ(v) or a·Γ(a).
    let turn = Turn::new(a);
    let sine = Pair::select(below, turn.sine, turn.sine.times(Pair::new(a, 0.0)));
    let left = LN_PI.minus(sine.ln_wide(0.0)).minus(Pair::select(below, near, right));

    let y = Pair::select(x < 0.0, left, right).value();
    let y = if tiny { -ln.value() } else { y };
    // If the main term overflows, its correction is NaN.
    let overflow = far && main.high == f64::INFINITY;
    if overflow || (x <= 0.0 && turn.pole) { f64::INFINITY } else { y }
}

/// Returns ψ(x) = Γ′(x)/Γ(x): ∓∞ at ±0, NaN at the poles −1, −2, …
///
/// For x > 0, the error is at most 1.1 ulp, even next to the zero. For x < 0, it is at most 1 ulp of the result or of 1,
/// whichever is greater.
#[inline(always)]
pub fn digamma(x: f64) -> f64 {
    let a = x.abs();
    let negative = x < 0.0;
    let (below, far) = (a < 1.0, a >= FAR);
    let shift = Shift::new(a);

    // ψ(v), where v = 1 + t.
    let u = Pair::sum(shift.t, -DIGAMMA_ZERO.high);
    let u = Pair::new(u.high, u.low - DIGAMMA_ZERO.low);
    let near = DIGAMMA_FIRST.lead(u.high, polynomial(&DIGAMMA, u.high)).times(u);

    // ψ(a) is ψ(v) − 1/a or ψ(v) + 1/(a − 1) + 1/(a − 2) + …, and ψ(1 + a) = ψ(a) + 1/a, with all fractions over a common
    // denominator.
    let first = if below == negative {
        0.0
    } else if below {
        -1.0
    } else {
        1.0
    };
    let mut numerator = Pair::new(first, 0.0);
    let mut denominator = Pair::new(if first == 0.0 { 1.0 } else { a }, 0.0);
    for (j, &factor) in shift.factors.iter().enumerate() {
        let factor = Pair::new(factor, 0.0);
        let next = numerator.times(factor).plus(denominator);
        numerator = Pair::select(a >= (j + 2) as f64, next, numerator);
        denominator = denominator.times(factor);
    }
    let moved = near.plus(numerator.over(denominator));

    let inverse = 1.0 / a;
    let w = inverse * inverse;
    let more = w.mul_add(polynomial(&ASYMPTOTIC, w), if negative { 0.5 * inverse } else { -0.5 * inverse });
    let series = Pair::new(a, 0.0).ln_wide(0.0).lead(1.0, more);
    let right = Pair::select(far, series, moved);

    // ψ(−a) = ψ(1 + a) + π/tan πa.
    let turn = Turn::new(a);
    let left = right.plus(turn.cosine.over(turn.sine).times(PI).scaled(1.0_f64.copysign(turn.r)));

    let y = Pair::select(negative, left, right).value();
    let y = if a < TINY { -1.0 / x } else { y };
    let y = if x == f64::INFINITY { x } else { y };
    if x < 0.0 && turn.pole { f64::NAN } else { y }
}

/// The decomposition a = v + n with an integer n and 1 ≤ v < 2, for 0 ≤ a < `FAR`.
struct Shift {
    /// v − 1, exactly.
    t: f64,
    /// a − 1, a − 2, …, with 1 in place of every factor below 1.
    factors: [f64; 4],
}

impl Shift {
    #[inline(always)]
    fn new(a: f64) -> Self {
        let mut t = if a < 1.0 { a } else { a - 1.0 };
        let mut factors = [1.0; 4];
        for (j, factor) in factors.iter_mut().enumerate() {
            let less = a - (j + 1) as f64;
            let used = less >= 1.0;
            t = if used { less - 1.0 } else { t };
            *factor = if used { less } else { 1.0 };
        }
        Self { t, factors }
    }
}

/// The sine and the cosine of πa.
struct Turn {
    /// a minus the nearest integer.
    r: f64,
    /// Whether a is an integer or infinite.
    pole: bool,
    /// |sin πa| and |cos πa|.
    sine: Pair,
    cosine: Pair,
}

impl Turn {
    #[inline(always)]
    fn new(a: f64) -> Self {
        // All values from here on are integers. Adding this constant to a smaller value rounds it to an integer.
        const ALL: f64 = 4_503_599_627_370_496.0;
        let r = if a >= ALL { 0.0 } else { a - ((a + ALL) - ALL) };
        let w = r.abs();
        let swap = w > 0.25;
        let (sine, cosine) = sine_cosine(if swap { 0.5 - w } else { w });
        Self {
            r,
            pole: r == 0.0,
            sine: Pair::select(swap, cosine, sine),
            cosine: Pair::select(swap, sine, cosine),
        }
    }
}

/// Returns sin πq and cos πq for 0 ≤ q ≤ 1/4, with an error of 2⁻⁶⁰.
#[inline(always)]
fn sine_cosine(q: f64) -> (Pair, Pair) {
    let z = Pair::product(q, q);
    let cube = z.times(SINE_CUBE.lead(z.high, polynomial(&SINE, z.high)));
    let square = z.times(COSINE_SQUARE.lead(z.high, polynomial(&COSINE, z.high)));
    let sum = Pair::ordered_sum(PI.high, cube.high);
    let sine = Pair::new(sum.high, sum.low + (PI.low + cube.low)).times(Pair::new(q, 0.0));
    let sum = Pair::ordered_sum(1.0, square.high);
    (sine, Pair::new(sum.high, sum.low + square.low))
}
