//! The derivatives of swish and mish in `f32`: through `f64`, where the shortest formulas round to the right number.

use super::kernel::Kernel;

/// swish′(v) = (1 + e + v·e)/(1 + e)², e = e⁻ᵛ.
#[inline(always)]
pub fn swish_derivative(v: f32) -> f32 {
    let v = widened(v);
    let e = scaled_exp(-v, 0.0);
    let s = 1.0 + e;
    ((s + v * e) / (s * s)) as f32
}

/// mish′(u) = r·(2 + 2e + 2u·e − 4u·e·r), r = 1/(1 + (1 + e)²), e = 2e⁻ᵘ.
#[inline(always)]
pub fn mish_derivative(u: f32) -> f32 {
    let u = widened(u);
    let e = scaled_exp(-u, 1.0);
    let s = 1.0 + e;
    let r = 1.0 / (s * s + 1.0);
    let ue = u * e;
    let n = s + ue;
    (r * ((n + n) - 4.0 * ue * r)) as f32
}

/// Both derivatives have arrived at 0 and 1 at the ends, where e is still far from overflow.
#[inline(always)]
fn widened(x: f32) -> f64 {
    f64::from(x.within((-f32::DECAY_END, f32::DECAY_END)))
}

/// eˣ·2^`shift` with a relative error below 2⁻²⁷, less where the derivatives cancel.
#[inline(always)]
fn scaled_exp(x: f64, shift: f64) -> f64 {
    let round = f64::ROUND + shift;
    let t = x * f64::LOG2_E + round;
    let r = x - (t - round) * std::f64::consts::LN_2;
    let r2 = r * r;
    let low = (1.0 + r) + r2 * (0.5 + 0.166_665_464_639_663_7 * r);
    let high = (0.041_666_444_391_012_19 + 0.008_366_263_471_543_789 * r) + r2 * 0.001_393_700_251_355_767_3;
    f64::shifted(low + (r2 * r2) * high, t)
}
