//! The derivatives of swish and mish in `f32`.

use super::derivative::Decay;
use super::kernel::Kernel;

/// swish′(v) = e(1 + v + e)/(1 + e)² for v < 0, e = eᵛ, and 1 − swish′(−v) else.
///
/// e = 2ᵏ(1 + m) stays apart in its two parts: near the zero, a = 1 + 2ᵏ + v is exact, and
/// (1 + m)(1 + v + e) = a + m(a + e).
#[inline(always)]
pub fn swish_derivative(v: f32) -> f32 {
    let e = Decay::new(v.abs());
    let one = 1.0 + e.power;
    let a = one - e.w;
    let n = a + e.m * ((a + e.power) + e.rest);
    let square = one * one + e.rest * ((one + one) + e.rest);
    let derivative = e.large * n / (f32::LARGE * square);
    if v < 0.0 { derivative } else { 1.0 - derivative }
}

/// mish′(u) = e((2 + e)d + 4u(1 + e))/d², e = eᵘ, d = 2 + e(2 + e).
///
/// In `f64`, where this rounds to the right number, even near the zero.
#[inline(always)]
pub fn mish_derivative(u: f32) -> f32 {
    // It has arrived at 0 and 1 at the ends.
    let u = f64::from(u.within((-f32::DECAY_END, 20.0)));
    let e = exp(u);
    let d = 2.0 + e * (2.0 + e);
    let n = (2.0 + e) * d + 4.0 * u * (1.0 + e);
    (e * n / (d * d)) as f32
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
