//! The constants and polynomials of the elementary functions for `f32`.

use super::kernel::Kernel;

impl Kernel for f32 {
    const ZERO: f32 = 0.0;
    const HALF: f32 = 0.5;
    const ONE: f32 = 1.0;
    const TWO: f32 = 2.0;
    const INFINITY: f32 = f32::INFINITY;
    const NAN: f32 = f32::NAN;
    const MIN_POSITIVE: f32 = f32::MIN_POSITIVE;
    const SQRT_2: f32 = std::f32::consts::SQRT_2;
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    const LN2_HIGH: f32 = std::f32::consts::LN_2;
    const LN2_LOW: f32 = -1.904_654_2e-9;
    const ROUND: f32 = 12_582_912.0;
    const ROUND_BIASED: f32 = 12_582_912.0 + 127.0;
    const EXP_RANGE: (f32, f32) = (-104.5, 89.0);
    const EXP_M1_MIN: f32 = -18.0;
    const SMALL: f32 = f32::from_bits((127 - 64) << 23);
    const GROWTH_SCALED: f32 = 64.0;
    const GROWTH_END: f32 = 131.0;
    const SATURATION: f32 = 40.0;
    const LARGE: f32 = f32::from_bits((127 + 32) << 23);
    const DECAY_END: f32 = 109.0;
    const SWISH_END: f32 = 24.0;
    const NEAR: f32 = 0.35;
    const NORMALIZE: (f32, f32) = (16_777_216.0, 24.0);

    #[inline(always)]
    fn pow2(k: f32) -> f32 {
        f32::from_bits((k + Self::ROUND_BIASED).to_bits() << 23)
    }

    #[inline(always)]
    fn shifted(scale: f32, t: f32) -> f32 {
        f32::from_bits((t.to_bits() << 23).wrapping_add(scale.to_bits()))
    }

    #[inline(always)]
    fn split(x: f32) -> (f32, f32) {
        const ROOT_HALF: u32 = 0x3f35_04f3;
        let bits = x.to_bits().wrapping_add(0x3f80_0000 - ROOT_HALF);
        let k = f32::from_bits((bits >> 23) | 0x4b00_0000) - (8_388_608.0 + 127.0);
        (k, f32::from_bits((bits & 0x007f_ffff) + ROOT_HALF) - 1.0)
    }

    #[inline(always)]
    fn abs(self) -> f32 {
        f32::abs(self)
    }

    #[inline(always)]
    fn copysign(self, sign: f32) -> f32 {
        f32::copysign(self, sign)
    }

    #[inline(always)]
    fn mul_add(self, factor: f32, addend: f32) -> f32 {
        f32::mul_add(self, factor, addend)
    }

    /// The error in eʳ is 1e-10.
    #[inline(always)]
    fn exp_even(z: f32) -> f32 {
        z.mul_add(z.mul_add(0.001_393_543, 0.041_666_46), 0.5)
    }

    /// The error in eʳ is 3.2e-9.
    #[inline(always)]
    fn exp_odd(z: f32) -> f32 {
        z.mul_add(0.008_368_972, 0.166_665_18)
    }

    #[inline(always)]
    fn artanh_tail(z: f32) -> f32 {
        z.mul_add(z.mul_add(0.298_708_05, 0.399_775_83), 0.666_667_76)
    }

    #[inline(always)]
    fn tanh_tail(z: f32) -> f32 {
        let low = z.mul_add(0.133_322_34, -0.333_333_2);
        (z * z).mul_add(z.mul_add(0.019_317_891, -0.053_702_187), low)
    }
}
