//! The data of `f32`.

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
    const LN2_HIGH: f32 = 355.0 / 512.0;
    const LN2_LOW: f32 = -2.121_944_4e-4;
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
    fn exp_tail(r: f32) -> f32 {
        let r2 = r * r;
        let low = 0.5 + 0.166_665_46 * r;
        let high = (0.041_666_444 + 0.008_366_263 * r) + r2 * 0.001_393_700_3;
        r2 * (low + r2 * high)
    }

    #[inline(always)]
    fn artanh_tail(z: f32) -> f32 {
        0.666_667_76 + z * (0.399_775_83 + z * 0.298_708_05)
    }

    #[inline(always)]
    fn tanh_tail(z: f32) -> f32 {
        let low = -0.333_333_2 + z * 0.133_322_34;
        low + (z * z) * (-0.053_702_187 + z * 0.019_317_891)
    }
}
