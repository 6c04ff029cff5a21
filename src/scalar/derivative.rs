//! The derivatives of σ, tanh and swish.
//!
//! With e = eˣ, each is a quotient with the denominator 1/e + 2 + e. The code keeps e in parts: e = p(1 + n) and
//! 1/e = (1 + m)/p, where p is a power of two. Sums of powers of two and small integers are exact or nearly so, and n and m
//! are rounded only where they are small relative to these sums. Numerator and denominator are multiplied by p to avoid
//! overflow, and by `LARGE` so that only the quotient can become subnormal.

use super::exp::Exp;
use super::kernel::Kernel;

/// Returns `factor`·σ′(x) = `factor`/(1/e + 2 + e), where e = e^−|x|.
#[inline(always)]
pub fn sigmoid_derivative<A: Kernel>(x: A, factor: A) -> A {
    let e = Parts::new((-x.abs()).at_least(-A::DECAY_END));
    factor * e.large / e.denominator()
}

/// Returns σ(x) and σ′(x), using one exponential and one division. With e = e^−|x| and q = 1/(1 + e), σ is q or e·q, and
/// σ′ = e·q².
#[inline(always)]
pub fn sigmoid_with_derivative<A: Kernel>(x: A) -> (A, A) {
    let e = Parts::new((-x.abs()).at_least(-A::DECAY_END));
    let q = A::ONE / (A::ONE + e.p + e.rest);
    // Only the last product can become subnormal.
    let small = e.large.mul_add(e.n, e.large) * q;
    let back = A::ONE / A::LARGE;
    (if x < A::ZERO { small * back } else { q }, small * q * back)
}

/// Returns swish′(v) = e(1 + v + e)/(1 + e)² = (1 + v + e)/(1/e + 2 + e), where e = eᵛ.
///
/// Near the zero, 1 + p + v is exact. For large v, numerator and denominator round to the same value, and the quotient is 1.
#[inline(always)]
pub fn swish_derivative<A: Kernel>(v: A) -> A {
    let v = v.within((-A::DECAY_END, A::SWISH_END));
    let e = Parts::new(v);
    e.large * (((A::ONE + e.p) + v) + e.rest) / e.denominator()
}

/// The parts of e = eˣ = p(1 + n) and 1/e = (1 + m)/p.
#[derive(Clone, Copy)]
pub struct Parts<A> {
    /// `LARGE`·p, which is normal for x ≥ −`DECAY_END`.
    pub large: A,
    pub p: A,
    pub n: A,
    /// p·n.
    pub rest: A,
    m: A,
}

impl<A: Kernel> Parts<A> {
    #[inline(always)]
    pub fn new(x: A) -> Self {
        let e = Exp::new(x);
        let large = e.power(A::LARGE);
        let p = large * (A::ONE / A::LARGE);
        Self { large, p, n: e.m, rest: p * e.m, m: e.inverse }
    }

    /// Returns `LARGE`·p·(1/e + 2 + e).
    #[inline(always)]
    fn denominator(&self) -> A {
        let exact = self.large.mul_add(A::TWO + self.p, A::LARGE);
        exact + self.large.mul_add(self.rest, A::LARGE * self.m)
    }
}
