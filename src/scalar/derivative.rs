//! The derivatives of σ and tanh.

use super::exp::Exp;
use super::kernel::Kernel;

/// `factor`·σ′(x) = `factor`·e/(1 + e)², e = e^−|x|.
#[inline(always)]
pub fn sigmoid_derivative<A: Kernel>(x: A, factor: A) -> A {
    let e = Decay::new(x.abs());
    let (square, _) = square_one_plus(e.power, e.rest);
    factor * (e.large + e.large * e.m) / (A::LARGE * square)
}

/// e⁻ʷ = 2ᵏ(1 + m) for w ≥ 0.
#[derive(Clone, Copy)]
pub struct Decay<A> {
    /// w, or the end of the range if that is less.
    pub w: A,
    /// 2ᵏ·`LARGE`, normal to the end of the range.
    pub large: A,
    /// 2ᵏ
    pub power: A,
    /// 2ᵏ·m
    pub rest: A,
    pub m: A,
}

impl<A: Kernel> Decay<A> {
    #[inline(always)]
    pub fn new(w: A) -> Self {
        let w = w.at_most(A::DECAY_END);
        let e = Exp::new(-w);
        let large = e.power(A::LARGE);
        let power = large * (A::ONE / A::LARGE);
        Self { w, large, power, rest: power * e.m, m: e.m }
    }
}

/// (1 + p + r)² for a power of two p and a small r, and what its last rounding took away.
#[inline(always)]
pub fn square_one_plus<A: Kernel>(p: A, r: A) -> (A, A) {
    let main = A::ONE + (p + p);
    let tail = p * p + r * ((main + A::ONE) + r);
    let square = main + tail;
    (square, (main - square) + tail)
}
