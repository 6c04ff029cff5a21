//! Double-double arithmetic: each value is the unevaluated sum of two `f64`.

use std::ops::{Add, Div, Mul, Neg, Sub};

#[derive(Clone, Copy, Debug)]
pub struct Dd {
    pub hi: f64,
    pub lo: f64,
}

const LN_2: Dd = Dd { hi: std::f64::consts::LN_2, lo: 2.319_046_813_846_299_6e-17 };
const FRAC_2_SQRT_PI: Dd = Dd { hi: std::f64::consts::FRAC_2_SQRT_PI, lo: 1.533_545_961_316_588e-17 };

pub fn dd(x: f64) -> Dd {
    Dd { hi: x, lo: 0.0 }
}

fn fast(a: f64, b: f64) -> Dd {
    let hi = a + b;
    Dd { hi, lo: b - (hi - a) }
}

fn two_sum(a: f64, b: f64) -> Dd {
    let hi = a + b;
    let c = hi - a;
    Dd { hi, lo: (a - (hi - c)) + (b - c) }
}

fn two_product(a: f64, b: f64) -> Dd {
    let hi = a * b;
    Dd { hi, lo: a.mul_add(b, -hi) }
}

impl Add for Dd {
    type Output = Dd;
    fn add(self, o: Dd) -> Dd {
        let s = two_sum(self.hi, o.hi);
        let t = two_sum(self.lo, o.lo);
        let s = fast(s.hi, s.lo + t.hi);
        fast(s.hi, s.lo + t.lo)
    }
}

impl Neg for Dd {
    type Output = Dd;
    fn neg(self) -> Dd {
        Dd { hi: -self.hi, lo: -self.lo }
    }
}

impl Sub for Dd {
    type Output = Dd;
    fn sub(self, o: Dd) -> Dd {
        self + -o
    }
}

impl Mul for Dd {
    type Output = Dd;
    fn mul(self, o: Dd) -> Dd {
        let p = two_product(self.hi, o.hi);
        fast(p.hi, p.lo + (self.hi * o.lo + self.lo * o.hi))
    }
}

impl Div for Dd {
    type Output = Dd;
    fn div(self, o: Dd) -> Dd {
        let q = self.hi / o.hi;
        let r = self - o * dd(q);
        let p = r.hi / o.hi;
        let r = r - o * dd(p);
        fast(q, p) + dd(r.hi / o.hi)
    }
}

impl Dd {
    pub fn times_power(self, k: i32) -> Dd {
        // Two steps, so that neither factor overflows or underflows.
        let a = 2f64.powi((k / 2).clamp(-1000, 1000));
        let b = 2f64.powi((k - k / 2).clamp(-1000, 1000));
        Dd { hi: self.hi * a * b, lo: self.lo * a * b }
    }

    /// Returns e^self as (m, k), for the value m·2ᵏ.
    pub fn exp(self) -> (Dd, i32) {
        if self.hi.abs() > 5000.0 {
            return (dd(1.0), if self.hi > 0.0 { 7000 } else { -7000 });
        }
        let k = (self.hi * std::f64::consts::LOG2_E).round();
        let r = self - LN_2 * dd(k);
        (r.exp_m1_small() + dd(1.0), k as i32)
    }

    /// Returns e^self − 1 for |self| ≤ 0.4.
    pub fn exp_m1_small(self) -> Dd {
        if self.hi.abs() < 1e-20 {
            return self + self * self * dd(0.5);
        }
        let r = self * dd(1.0 / 64.0);
        let mut m = dd(0.0);
        for n in (1..=14).rev() {
            m = (m + dd(1.0)) * r / dd(f64::from(n));
        }
        for _ in 0..6 {
            m = m * (m + dd(2.0));
        }
        m
    }

    /// Returns ln (1 + self) for self > −1.
    pub fn ln_1p(self) -> Dd {
        if self.hi.abs() < 1e-9 {
            let x = self;
            return x * (dd(1.0) - x * (dd(0.5) - x * (dd(1.0) / dd(3.0) - x * dd(0.25))));
        }
        let y = dd(self.hi.ln_1p());
        let (m, k) = (-y).exp();
        let d = (self + dd(1.0)) * m.times_power(k) - dd(1.0);
        y + d - d * d * dd(0.5)
    }

    pub fn ln(self) -> Dd {
        let (f, k) = if self.hi < 1e-300 { (self.times_power(200), -200.0) } else { (self, 0.0) };
        let y = dd(f.hi.ln());
        let (m, e) = (-y).exp();
        let d = (f.times_power(e / 2) * m).times_power(e - e / 2) - dd(1.0);
        y + d - d * d * dd(0.5) + LN_2 * dd(k)
    }

    /// Returns 2/√π·e^(−x²)·Σ 2ⁿx²ⁿ⁺¹/(1·3·…·(2n+1)), a sum of positive terms.
    pub fn erf(self) -> Dd {
        if self.hi.abs() > 6.5 {
            return dd(self.hi.signum());
        }
        let z = self * self;
        let (mut term, mut sum) = (self, self);
        for n in 1..400 {
            term = term * z * dd(2.0) / dd(f64::from(2 * n + 1));
            sum = sum + term;
            if term.hi.abs() < sum.hi.abs() * 1e-34 {
                break;
            }
        }
        let (m, k) = (-z).exp();
        FRAC_2_SQRT_PI * sum * m.times_power(k)
    }
}
