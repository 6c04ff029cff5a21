//! The true values for `f32`, computed in `f64`, with a few library calls for all functions.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use super::Function::{self, *};

/// The functions in the order of `truths`.
pub const FUNCTIONS: [Function; 18] = [
    Sigmoid,
    Tanh,
    Softplus,
    Swish(0.5),
    Swish(1.0),
    Swish(2.0),
    Mish,
    SigmoidDerivative,
    TanhDerivative,
    SoftplusDerivative,
    SwishDerivative(0.5),
    SwishDerivative(1.0),
    SwishDerivative(2.0),
    MishDerivative,
    Exp,
    ExpM1,
    Ln,
    Ln1p,
];

/// Returns the values at u, which may be infinite.
pub fn truths(u: f64) -> [f64; 18] {
    let w = u.abs();
    let root = (-0.5 * w).exp();
    let e = root * root;
    let half = Sigma::new(root, u);
    let one = Sigma::new(e, u);
    let two = Sigma::new(e * e, u);
    let m = (-2.0 * w).exp_m1();
    let tanh = (-m / (2.0 + m)).copysign(u);
    let softplus = u.max(0.0) + e.ln_1p();
    let (t, derivative) = tanh_softplus(e, u < 0.0);
    [
        one.plus,
        tanh,
        softplus,
        times(u, half.plus),
        times(u, one.plus),
        times(u, two.plus),
        times(u, t),
        one.plus * one.minus,
        4.0 * two.plus * two.minus,
        one.plus,
        half.swish_derivative(0.5 * u),
        one.swish_derivative(u),
        two.swish_derivative(2.0 * u),
        t + times(u, derivative * one.plus),
        u.exp(),
        u.exp_m1(),
        u.ln(),
        u.ln_1p(),
    ]
}

/// The functions in the order of `error_truths`.
pub const ERROR_FUNCTIONS: [Function; 5] = [Erf, Erfc, NormalCdf, Gelu, GeluDerivative];

/// Returns the values at u, computed by the `libm` crate.
pub fn error_truths(u: f64) -> [f64; 5] {
    let cdf = 0.5 * libm::erfc(-u * FRAC_1_SQRT_2);
    let density = (-0.5 * u * u).exp() * (0.5 * FRAC_1_SQRT_2 * FRAC_2_SQRT_PI);
    [libm::erf(u), libm::erfc(u), cdf, times(u, cdf), cdf + times(u, density)]
}

/// Returns σ(x) and σ(−x), without cancellation.
struct Sigma {
    plus: f64,
    minus: f64,
}

impl Sigma {
    fn new(e: f64, x: f64) -> Self {
        let (large, small) = (1.0 / (1.0 + e), e / (1.0 + e));
        if x < 0.0 { Self { plus: small, minus: large } } else { Self { plus: large, minus: small } }
    }

    fn swish_derivative(&self, v: f64) -> f64 {
        self.plus + times(v, self.plus * self.minus)
    }
}

/// Returns tanh softplus u and 1 − its square, computed from e^−|u|.
fn tanh_softplus(e: f64, negative: bool) -> (f64, f64) {
    if negative {
        let n = e * (e + 2.0);
        (n / (n + 2.0), 4.0 * (n + 1.0) / ((n + 2.0) * (n + 2.0)))
    } else {
        let d = 1.0 + 2.0 * e * (1.0 + e);
        let gap = 2.0 * e * e / d;
        (1.0 - gap, gap * (2.0 - gap))
    }
}

/// Returns u·s, or 0 if s is 0, even for infinite u.
fn times(u: f64, s: f64) -> f64 {
    if s == 0.0 { 0.0 * s.copysign(u) } else { u * s }
}

/// Returns the distance of `y` from `truth` in units of the last place of an `f32`.
pub fn ulps(y: f32, truth: f64) -> f64 {
    if y.is_infinite()
        && truth.abs() >= f64::from(f32::MAX) * (1.0 + 2f64.powi(-25))
        && f64::from(y) * truth > 0.0
    {
        return 0.0;
    }
    let exponent = ((truth.abs().to_bits() >> 52) as i64 - 1023).max(-126);
    let unit = f64::from_bits(((exponent - 23 + 1023) as u64) << 52);
    (f64::from(y) - truth).abs() / unit
}
