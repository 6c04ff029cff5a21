//! The constants and polynomials of the elementary functions for `f64`.

use super::kernel::Kernel;

impl Kernel for f64 {
    const ZERO: f64 = 0.0;
    const HALF: f64 = 0.5;
    const ONE: f64 = 1.0;
    const TWO: f64 = 2.0;
    const INFINITY: f64 = f64::INFINITY;
    const NAN: f64 = f64::NAN;
    const MIN_POSITIVE: f64 = f64::MIN_POSITIVE;
    const SQRT_2: f64 = std::f64::consts::SQRT_2;
    const LOG2_E: f64 = std::f64::consts::LOG2_E;
    const LN2_HIGH: f64 = std::f64::consts::LN_2;
    const LN2_LOW: f64 = 2.319_046_813_846_299_6e-17;
    const ROUND: f64 = 6_755_399_441_055_744.0;
    const ROUND_BIASED: f64 = 6_755_399_441_055_744.0 + 1023.0;
    const EXP_RANGE: (f64, f64) = (-746.0, 710.0);
    const EXP_M1_MIN: f64 = -38.0;
    const SMALL: f64 = f64::from_bits((1023 - 512) << 52);
    const GROWTH_SCALED: f64 = 512.0;
    const GROWTH_END: f64 = 1060.0;
    const SATURATION: f64 = 40.0;
    const LARGE: f64 = f64::from_bits((1023 + 128) << 52);
    const DECAY_END: f64 = 753.0;
    const SWISH_END: f64 = 45.0;
    const NEAR: f64 = 0.35;
    const NORMALIZE: (f64, f64) = (18_014_398_509_481_984.0, 54.0);

    #[inline(always)]
    fn pow2(k: f64) -> f64 {
        f64::from_bits((k + Self::ROUND_BIASED).to_bits() << 52)
    }

    #[inline(always)]
    fn shifted(scale: f64, t: f64) -> f64 {
        f64::from_bits((t.to_bits() << 52).wrapping_add(scale.to_bits()))
    }

    #[inline(always)]
    fn split(x: f64) -> (f64, f64) {
        const ROOT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
        let bits = x.to_bits().wrapping_add(0x3ff0_0000_0000_0000 - ROOT_HALF);
        let k = f64::from_bits((bits >> 52) | 0x4330_0000_0000_0000) - (4_503_599_627_370_496.0 + 1023.0);
        (k, f64::from_bits((bits & 0x000f_ffff_ffff_ffff) + ROOT_HALF) - 1.0)
    }

    #[inline(always)]
    fn abs(self) -> f64 {
        f64::abs(self)
    }

    #[inline(always)]
    fn copysign(self, sign: f64) -> f64 {
        f64::copysign(self, sign)
    }

    #[inline(always)]
    fn mul_add(self, factor: f64, addend: f64) -> f64 {
        f64::mul_add(self, factor, addend)
    }

    /// The error in eʳ is 3.5e-18.
    #[inline(always)]
    fn exp_even(z: f64) -> f64 {
        let low = z.mul_add(0.041_666_666_666_510_46, 0.500_000_000_000_001_3);
        let high = z.mul_add(2.480_148_850_166_947_6e-5, 0.001_388_888_894_835_884_9);
        (z * z).mul_add((z * z).mul_add(2.763_181_227_591_121e-7, high), low)
    }

    /// The error in eʳ is 6e-20.
    #[inline(always)]
    fn exp_odd(z: f64) -> f64 {
        let low = z.mul_add(0.008_333_333_333_315_72, 0.166_666_666_666_666_85);
        let high = z.mul_add(2.755_723_166_537_863e-6, 0.000_198_412_698_996_083_3);
        (z * z).mul_add((z * z).mul_add(2.511_314_345_131_630_7e-8, high), low)
    }

    #[inline(always)]
    fn artanh_tail(z: f64) -> f64 {
        let z2 = z * z;
        let low = z2.mul_add(
            z.mul_add(0.222_221_989_097_143_8, 0.285_714_287_386_730_44),
            z.mul_add(0.399_999_999_994_343_16, 0.666_666_666_666_673_1),
        );
        let high = z2
            .mul_add(0.147_924_931_297_563_23, z.mul_add(0.153_144_221_772_527_43, 0.181_835_485_159_297_54));
        (z2 * z2).mul_add(high, low)
    }

    #[inline(always)]
    fn tanh_tail(z: f64) -> f64 {
        let z2 = z * z;
        let z4 = z2 * z2;
        let low = z2.mul_add(
            z.mul_add(0.021_869_488_229_010_605, -0.053_968_253_962_702_75),
            z.mul_add(0.133_333_333_333_285_7, -0.333_333_333_333_333_2),
        );
        let high = z2.mul_add(
            z.mul_add(0.000_576_290_064_058_700_2, -0.001_453_842_133_656_493_8),
            z.mul_add(0.003_591_952_933_777_388_6, -0.008_863_226_060_505_616),
        );
        z4.mul_add(z4.mul_add(-0.000_185_631_007_184_349_6, high), low)
    }
}
