//! eˣ and eˣ − 1 by argument reduction: eˣ = 2ᵏ(1 + m), with an integer k and m = eʳ − 1, |r| ≤ ln 2 / 2.

use super::kernel::Kernel;

/// eˣ in the form 2ᵏ(1 + m), and e⁻ˣ in the form 2⁻ᵏ(1 + `inverse`).
///
/// Sums such as 1 + eˣ add the two terms separately: the power of two is added exactly, and the rounding error of the term
/// with m is small.
#[derive(Clone, Copy)]
pub struct Exp<A> {
    /// The integer k, in the low bits of a float.
    pub t: A,
    pub k: A,
    pub m: A,
    pub inverse: A,
}

impl<A: Kernel> Exp<A> {
    /// Reduces x, which must be NaN or no larger in magnitude than a few thousand. If x is NaN, m is NaN.
    #[inline(always)]
    pub fn new(x: A) -> Self {
        let t = x.mul_add(A::LOG2_E, A::ROUND);
        let k = t - A::ROUND;
        let r = (-k).mul_add(A::LN2_LOW, (-k).mul_add(A::LN2_HIGH, x));
        let z = r * r;
        let (even, odd) = (A::exp_even(z), A::exp_odd(z));
        let m = z.mul_add(r.mul_add(odd, even), r);
        let inverse = z.mul_add((-r).mul_add(odd, even), -r);
        Self { t, k, m, inverse }
    }

    /// Returns `scale`·2ᵏ, which must be in the normal range.
    #[inline(always)]
    pub fn power(&self, scale: A) -> A {
        A::shifted(scale, self.t)
    }

    /// Returns y·2ᵏ, rounded once, even if the result is subnormal.
    #[inline(always)]
    pub fn times_power(&self, y: A) -> A {
        let half = (self.k * A::HALF + A::ROUND) - A::ROUND;
        y * A::pow2(half) * A::pow2(self.k - half)
    }
}

#[inline(always)]
pub fn exp<A: Kernel>(x: A) -> A {
    let e = Exp::new(x.within(A::EXP_RANGE));
    e.times_power(A::ONE + e.m)
}

#[inline(always)]
pub fn exp_m1<A: Kernel>(x: A) -> A {
    let x0 = x.within((A::EXP_M1_MIN, A::EXP_RANGE.1));
    let e = Exp::new(x0);
    // Computes m again, in parts, because it may cancel most of 1 − 2⁻ᵏ.
    let high = (-e.k).mul_add(A::LN2_HIGH, x0);
    let r = (-e.k).mul_add(A::LN2_LOW, high);
    let tail = (-e.k).mul_add(A::LN2_LOW, high - r) + exp_tail(r);
    let y = e.times_power(((A::ONE - A::pow2(-e.k.at_most(A::EXP_RANGE.1))) + r) + tail);
    y.copysign(x) // the sign of −0 is lost above
}

/// Returns eʳ − 1 − r for |r| ≤ ln 2 / 2.
#[inline(always)]
pub fn exp_tail<A: Kernel>(r: A) -> A {
    let z = r * r;
    z * r.mul_add(A::exp_odd(z), A::exp_even(z))
}
