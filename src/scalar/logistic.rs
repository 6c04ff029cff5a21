//! The functions based on 1/(1 + eˣ): σ, u·σ(v), tanh, softplus, mish.

use super::exp::Exp;
use super::kernel::Kernel;
use super::ln::below;

/// Returns u·σ(v) = u/(1 + E), where E = e⁻ᵛ.
#[inline(always)]
pub fn times_sigmoid<A: Kernel>(u: A, v: A) -> A {
    let e = Growth::new(-v);
    e.divide(u, A::ZERO)
}

/// Returns u·tanh softplus u = u/(1 + E − E/(1 + 2E)), where E = e⁻ᵘ.
///
/// All terms of the denominator except the last are positive, and the last is at most half of the value it is subtracted
/// from.
#[inline(always)]
pub fn mish<A: Kernel>(u: A) -> A {
    let e = Growth::new(-u);
    let value = e.power.mul_add(e.m, e.power);
    let less = value / value.mul_add(A::TWO, A::ONE);
    e.divide(u, less)
}

/// `scale`·E, where E = eˣ = 2ᵏ(1 + m).
struct Growth<A> {
    x: A,
    /// 1, or `SMALL` if E might overflow.
    scale: A,
    /// `scale`·2ᵏ.
    power: A,
    m: A,
}

impl<A: Kernel> Growth<A> {
    #[inline(always)]
    fn new(x: A) -> Self {
        // If x is clamped, 1 + E rounds to 1.
        let x = x.at_least(-A::SATURATION);
        let e = Exp::new(x);
        let scale = if x > A::GROWTH_SCALED { A::SMALL } else { A::ONE };
        let power = e.power(scale);
        Self { x, scale, power, m: e.m }
    }

    /// Returns u/(1 + E − `less`/`scale`), rounded once, even if the result is subnormal, or 0 if E is out of range.
    #[inline(always)]
    fn divide(&self, u: A, less: A) -> A {
        let sum = self.scale + self.power;
        let lost = self.scale - (sum - self.power);
        let z = (u / (sum + self.power.mul_add(self.m, lost - less))) * self.scale;
        if self.x > A::GROWTH_END { A::ZERO } else { z }
    }
}

/// Returns tanh x = (e²ˣ − 1)/(e²ˣ + 1). Near 0, where the numerator is not accurate enough, it is computed as a polynomial.
#[inline(always)]
pub fn tanh<A: Kernel>(x: A) -> A {
    let e = Exp::new((A::TWO * x.abs()).at_most(A::SATURATION));
    let q = A::pow2(-e.k);
    let n = (A::ONE - q) + e.m;
    let far = n / (n + (q + q));
    let z = x * x;
    let near = x.mul_add(z * A::tanh_tail(z), x);
    (if x.abs() < A::NEAR { near } else { far }).copysign(x)
}

/// Returns ln (1 + eˣ) = max (x, 0) + ln (1 + e^−|x|).
#[inline(always)]
pub fn softplus<A: Kernel>(x: A) -> A {
    let e = Exp::new((-x.abs()).within(A::EXP_RANGE));
    let p = A::ONE + e.m;
    let (e, low) = (e.times_power(p), e.times_power(e.m - (p - A::ONE)));
    // 1 + e = 2(1 + f) if e is large
    let large = e > A::SQRT_2 - A::ONE;
    let f = if large { (e - A::ONE) * A::HALF } else { e };
    let low = if large { low * A::HALF } else { low };
    let y = f - (below(f) - low);
    let y = if large { A::LN2_HIGH + (f - (below(f) - (low + A::LN2_LOW))) } else { y };
    if x > A::ZERO { x + y } else { y }
}
