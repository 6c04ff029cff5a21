//! The derivative of mish in `f32`, computed in `f64`, where the shortest formula rounds to the correct value even near its
//! zero.

use super::kernel::Kernel;

/// Returns mish′(u) = e(f·d + u(1 + e))/d², the derivative of mish = u·e·f/d, where e = eᵘ, f = 1 + e/2 and d = 1 + e·f.
#[inline(always)]
pub fn mish_derivative(u: f32) -> f32 {
    // Outside this range, the derivative rounds to 0 or 1.
    let u = f64::from(u.within((-f32::DECAY_END, 30.0)));
    let e = exp(u);
    let f = e.mul_add(0.5, 1.0);
    let d = e.mul_add(f, 1.0);
    let n = f.mul_add(d, e.mul_add(u, u));
    (e * n / (d * d)) as f32
}

/// Returns eˣ with a relative error of 2⁻²⁸, as 2ᵏ·2ᶠ.
#[inline(always)]
fn exp(x: f64) -> f64 {
    let t = x.mul_add(f64::LOG2_E, f64::ROUND);
    let f = x.mul_add(f64::LOG2_E, f64::ROUND - t);
    let f2 = f * f;
    let low = f.mul_add(0.693_147_202_933_035_2, 1.0);
    let mid = f.mul_add(0.055_503_322_860_768_936, 0.240_226_479_035_839_24);
    let high = f.mul_add(0.001_339_895_193_230_869, 0.009_618_438_103_565_642);
    let high = f2.mul_add(0.000_153_532_996_990_448_1, high);
    f64::shifted(f2.mul_add(f2.mul_add(high, mid), low), t)
}
