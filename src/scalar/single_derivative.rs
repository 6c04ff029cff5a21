//! The derivatives of swish and mish in `f32`: through `f64`, where the shortest formulas round to the right number,
//! even near their zeros.

use super::kernel::Kernel;

/// swish′(v) = b(a + b + v·a)/(a + b)², eᵛ = b/a.
///
/// eᵛ = 2ᵏ·2ᶠ, and 2ᶠ = (1 + τ)/(1 − τ) with τ = tanh(f·ln 2/2): an odd polynomial is short.
#[inline(always)]
pub fn swish_derivative(v: f32) -> f32 {
    let v = within_effect(v);
    let y = v * f64::LOG2_E;
    let t = y + f64::ROUND_BIASED;
    let f = y - (t - f64::ROUND_BIASED);
    let z = f * f;
    let tau =
        f * (0.346_573_536_154_324_6 + z * (-0.013_874_290_146_705_808 + z * 0.000_652_711_381_088_082_4));
    let power = f64::from_bits(t.to_bits() << 52);
    let (a, b) = (1.0 - tau, power + power * tau);
    let sum = a + b;
    (b * (sum + v * a) / (sum * sum)) as f32
}

/// mish′(u) = e((2 + e)d + 4u(1 + e))/d², e = eᵘ, d = 2 + e(2 + e).
#[inline(always)]
pub fn mish_derivative(u: f32) -> f32 {
    let u = within_effect(u);
    let e = exp(u);
    let d = 2.0 + e * (2.0 + e);
    let n = (2.0 + e) * d + 4.0 * u * (1.0 + e);
    (e * n / (d * d)) as f32
}

/// Beyond, the derivatives have arrived at 0 and 1.
#[inline(always)]
fn within_effect(x: f32) -> f64 {
    f64::from(x.within((-f32::DECAY_END, 30.0)))
}

/// eˣ with a relative error of 2⁻²⁸, as 2ᵏ·2ᶠ.
#[inline(always)]
fn exp(x: f64) -> f64 {
    let y = x * f64::LOG2_E;
    let t = y + f64::ROUND;
    let f = y - (t - f64::ROUND);
    let f2 = f * f;
    let low = 1.0 + 0.693_147_202_933_035_2 * f;
    let mid = 0.240_226_479_035_839_24 + 0.055_503_322_860_768_936 * f;
    let high = (0.009_618_438_103_565_642 + 0.001_339_895_193_230_869 * f) + f2 * 0.000_153_532_996_990_448_1;
    f64::shifted(low + f2 * (mid + f2 * high), t)
}
