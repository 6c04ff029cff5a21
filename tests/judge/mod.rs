//! The true values, computed independently of the crate.

pub mod dd;
pub mod fast;
pub mod subject;

use dd::{Dd, dd};

/// m·2ᵏ
pub type Truth = (Dd, i32);

/// The functions to judge, starting with the activations and their derivatives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Function {
    Sigmoid,
    Tanh,
    Softplus,
    Swish(f64),
    Mish,
    SigmoidDerivative,
    TanhDerivative,
    SoftplusDerivative,
    SwishDerivative(f64),
    MishDerivative,
    Exp,
    ExpM1,
    Ln,
    Ln1p,
    Erf,
    Erfc,
    NormalCdf,
    Gelu,
    GeluDerivative,
}

use Function::*;

impl Function {
    /// Returns every function.
    pub fn all() -> impl Iterator<Item = Function> {
        fast::FUNCTIONS.into_iter().chain([Erf])
    }

    /// Returns whether the function has a value at u.
    pub fn is_defined_at(self, u: f64) -> bool {
        match self {
            Ln => u > 0.0,
            Ln1p => u > -1.0,
            _ => !u.is_nan(),
        }
    }

    /// Returns the largest permitted error, in units of the last place.
    pub fn limit(self) -> f64 {
        match self {
            SigmoidDerivative | TanhDerivative | SwishDerivative(_) | MishDerivative => 3.0,
            _ => 2.0,
        }
    }

    /// Returns whether u is so close to a zero of a derivative that only the absolute error counts.
    pub fn is_near_zero(self, u: f64) -> bool {
        self.zero().is_some_and(|zero| (u - zero).abs() < 0.05)
    }

    /// Returns the function of a row of the reference file.
    pub fn named(name: &str, beta: f64) -> Function {
        match name {
            "sigmoid" => Sigmoid,
            "tanh" => Tanh,
            "softplus" => Softplus,
            "swish" => Swish(beta),
            "mish" => Mish,
            "d_sigmoid" => SigmoidDerivative,
            "d_tanh" => TanhDerivative,
            "d_softplus" => SoftplusDerivative,
            "d_swish" => SwishDerivative(beta),
            "d_mish" => MishDerivative,
            _ => panic!("unknown function {name}"),
        }
    }

    /// Returns the points at which the derivative changes its sign.
    pub fn zero(self) -> Option<f64> {
        match self {
            SwishDerivative(beta) => Some(-1.278_464_542_761_074 / beta),
            MishDerivative => Some(-1.192_431_214_515_495_2),
            GeluDerivative => Some(-0.751_791_524_693_564_5),
            _ => None,
        }
    }

    /// Returns the true value at a finite u.
    pub fn truth(self, u: f64) -> Truth {
        let one = dd(1.0);
        match self {
            Sigmoid | SoftplusDerivative => sigmoid(dd(u)),
            Swish(beta) => {
                let (m, k) = sigmoid(product(beta, u));
                (m * dd(u), k)
            }
            SigmoidDerivative => sigmoid_derivative(dd(u)),
            TanhDerivative => {
                let (m, k) = sigmoid_derivative(product(2.0, u));
                (m, k + 2)
            }
            SwishDerivative(beta) => swish_derivative(product(beta, u)),
            Tanh => (tanh(u), 0),
            Softplus if u > 0.0 => (dd(u) + small(-dd(u)).ln_1p(), 0),
            Softplus => {
                let (m, k) = dd(u).exp();
                if k < -60 { (m - m * m.times_power(k) * dd(0.5), k) } else { (m.times_power(k).ln_1p(), 0) }
            }
            Mish => mish(u),
            MishDerivative => mish_derivative(u),
            Exp => dd(u).exp(),
            ExpM1 if u.abs() < 0.4 => (dd(u).exp_m1_small(), 0),
            ExpM1 => {
                let (m, k) = dd(u).exp();
                if k > 200 { (m, k) } else { (m.times_power(k) - one, 0) }
            }
            Ln => (dd(u).ln(), 0),
            Ln1p => (dd(u).ln_1p(), 0),
            Erf => (dd(u).erf(), 0),
            Erfc | NormalCdf | Gelu | GeluDerivative => unreachable!("judged in single precision only"),
        }
    }
}

fn product(a: f64, b: f64) -> Dd {
    dd(a) * dd(b.clamp(-1e300, 1e300))
}

/// Returns eˣ, or 0 if it is far below 1.
fn small(x: Dd) -> Dd {
    let (m, k) = x.exp();
    if k < -900 { dd(0.0) } else { m.times_power(k) }
}

fn sigmoid(x: Dd) -> Truth {
    let one = dd(1.0);
    if x.hi > 0.0 {
        return (one / (one + small(-x)), 0);
    }
    let (m, k) = x.exp();
    (m / (one + small(x)), k)
}

fn sigmoid_derivative(x: Dd) -> Truth {
    let x = if x.hi > 0.0 { -x } else { x };
    let d = dd(1.0) + small(x);
    let (m, k) = x.exp();
    (m / (d * d), k)
}

fn swish_derivative(v: Dd) -> Truth {
    let one = dd(1.0);
    if v.hi > 0.0 {
        let e = small(-v);
        return ((one + e * (one + v)) / ((one + e) * (one + e)), 0);
    }
    let e = small(v);
    let (m, k) = v.exp();
    (m * (one + v + e) / ((one + e) * (one + e)), k)
}

fn tanh(u: f64) -> Dd {
    let x = dd(u);
    if u.abs() < 1e-6 {
        let z = x * x;
        return x * (dd(1.0) - z * (dd(1.0) / dd(3.0) - z * dd(2.0) / dd(15.0)));
    }
    let e = small(dd(-2.0 * u.abs()));
    let t = (dd(1.0) - e) / (dd(1.0) + e);
    if u < 0.0 { -t } else { t }
}

fn mish(u: f64) -> Truth {
    let (one, two) = (dd(1.0), dd(2.0));
    let e = small(dd(-u.abs()));
    if u > 0.0 {
        let n = one + two * e;
        return (dd(u) * n / (n + two * e * e), 0);
    }
    let (m, k) = dd(u).exp();
    (dd(u) * (m * (e + two) / (e * (e + two) + two)), k)
}

fn mish_derivative(u: f64) -> Truth {
    let (one, two, four, six, x) = (dd(1.0), dd(2.0), dd(4.0), dd(6.0), dd(u.clamp(-1e200, 1e200)));
    let e = small(dd(-u.abs()));
    if u > 0.0 {
        let n = one + e * (four + e * (six + four * x + e * four * (one + x)));
        let d = one + two * e * (one + e);
        return (n / (d * d), 0);
    }
    let n = four * (one + x) + e * (four * x + six + e * (four + e));
    let d = two + e * (two + e);
    let (m, k) = x.exp();
    (m * n / (d * d), k)
}

/// Returns the distance of `y` from the truth in units of the last place of the truth. `digits` is 24 or 53.
pub fn ulps(y: f64, truth: Truth, digits: i32) -> f64 {
    let (m, k) = truth;
    let (min, max) = if digits == 24 { (-126, 127) } else { (-1022, 1023) };
    let size = if m.hi == 0.0 { min } else { (exponent(m.hi) + k).max(min) };
    if y.is_nan() || size > max + 1 && y.is_finite() {
        return f64::INFINITY;
    }
    if y.is_infinite() {
        // Correct if the truth rounds to infinity.
        let top = dd(2.0) - dd(2f64.powi(-digits));
        let m = m.times_power((k - max).min(100));
        let over = ((if y > 0.0 { m } else { -m }) - top).hi >= 0.0;
        return if over { 0.0 } else { f64::INFINITY };
    }
    let shift = digits - 1 - size;
    (dd(y).times_power(shift) - m.times_power(k + shift)).hi.abs()
}

fn exponent(x: f64) -> i32 {
    ((x.abs().to_bits() >> 52) as i32) - 1023
}
