//! The derivatives of σ, tanh and swish.
//!
//! With e = eˣ they are quotients by 1/e + 2 + e. e stays in its parts, e = p(1 + n) and 1/e = (1 + m)/p with a power of
//! two p: sums of powers of two and small integers are exact or nearly so, and n and m are rounded where they are small
//! against them. Numerator and denominator are multiplied by p, so that nothing overflows, and by `LARGE`, so that only
//! the quotient becomes subnormal.

use super::exp::Exp;
use super::kernel::Kernel;

/// `factor`·σ′(x) = `factor`/(1/e + 2 + e), e = e^−|x|.
#[inline(always)]
pub fn sigmoid_derivative<A: Kernel>(x: A, factor: A) -> A {
    let e = Parts::new((-x.abs()).at_least(-A::DECAY_END));
    factor * e.large / e.denominator()
}

/// σ(x) and σ′(x), by one exponential and one quotient: with e = e^−|x| and q = 1/(1 + e), σ is q or e·q, and σ′ = e·q².
#[inline(always)]
pub fn sigmoid_with_derivative<A: Kernel>(x: A) -> (A, A) {
    let e = Parts::new((-x.abs()).at_least(-A::DECAY_END));
    let q = A::ONE / (A::ONE + e.p + e.rest);
    // Only the last product may become subnormal.
    let small = e.large.mul_add(e.n, e.large) * q;
    let back = A::ONE / A::LARGE;
    (if x < A::ZERO { small * back } else { q }, small * q * back)
}

/// swish′(v) = e(1 + v + e)/(1 + e)² = (1 + v + e)/(1/e + 2 + e), e = eᵛ.
///
/// 1 + p + v is exact near the zero. For large v the two sums round alike, and the quotient is 1.
#[inline(always)]
pub fn swish_derivative<A: Kernel>(v: A) -> A {
    let v = v.within((-A::DECAY_END, A::SWISH_END));
    let e = Parts::new(v);
    e.large * (((A::ONE + e.p) + v) + e.rest) / e.denominator()
}

/// e = eˣ = p(1 + n) and 1/e = (1 + m)/p.
#[derive(Clone, Copy)]
pub struct Parts<A> {
    /// `LARGE`·p, normal down to x = −`DECAY_END`.
    pub large: A,
    pub p: A,
    pub n: A,
    /// p·n
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

    /// `LARGE`·p·(1/e + 2 + e)
    #[inline(always)]
    fn denominator(&self) -> A {
        let exact = self.large.mul_add(A::TWO + self.p, A::LARGE);
        exact + self.large.mul_add(self.rest, A::LARGE * self.m)
    }
}
