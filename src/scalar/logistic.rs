//! The functions around 1/(1 + eˣ): σ, u·σ(v), tanh, softplus, mish.

use super::exp::Exp;
use super::kernel::Kernel;
use super::ln::below;

/// u·σ(v) = u/(1 + E), E = e⁻ᵛ.
#[inline(always)]
pub fn times_sigmoid<A: Kernel>(u: A, v: A) -> A {
    let e = Growth::new(-v);
    e.divide(u, e.sum + (e.rest + e.lost))
}

/// u·tanh softplus u = u/(1 + E − E/(1 + 2E)), E = e⁻ᵘ.
///
/// For E = 2ᵏ(1 + m) all is sums of positive terms, but for the last, which is at most half of what it is taken from.
#[inline(always)]
pub fn mish<A: Kernel>(u: A) -> A {
    let e = Growth::new(-u);
    let value = e.power + e.rest;
    let less = value / (A::ONE + value * (A::TWO / A::SMALL));
    e.divide(u, e.sum + ((e.rest + e.lost) - less))
}

/// E = eˣ, scaled by `SMALL` so that it does not overflow while u/(1 + E) is not yet 0.
struct Growth<A> {
    x: A,
    /// 2ᵏ
    power: A,
    /// 2ᵏ·m
    rest: A,
    /// 1 + 2ᵏ
    sum: A,
    /// What `sum` rounds off.
    lost: A,
}

impl<A: Kernel> Growth<A> {
    #[inline(always)]
    fn new(x: A) -> Self {
        let e = Exp::new(x);
        let power = e.power(A::SMALL);
        let sum = A::SMALL + power;
        Self { x, power, rest: power * e.m, sum, lost: A::SMALL - (sum - power) }
    }

    /// u divided by what was summed up from `self`.
    ///
    /// Beyond the ends e, and with it the sum, is not a number of use.
    #[inline(always)]
    fn divide(&self, u: A, scaled: A) -> A {
        let z = (u / scaled) * A::SMALL;
        let z = if self.x < -A::SATURATION { u } else { z };
        if self.x > A::GROWTH_END { A::ZERO } else { z }
    }
}

/// tanh x = (e²ˣ − 1)/(e²ˣ + 1); a polynomial near 0, where the numerator has too few digits.
#[inline(always)]
pub fn tanh<A: Kernel>(x: A) -> A {
    let e = Exp::new((A::TWO * x.abs()).at_most(A::SATURATION));
    let q = A::pow2(-e.k);
    let n = (A::ONE - q) + e.m;
    let far = n / (n + (q + q));
    let z = x * x;
    let near = x + x * (z * A::tanh_tail(z));
    (if x.abs() < A::NEAR { near } else { far }).copysign(x)
}

/// ln (1 + eˣ) = max (x, 0) + ln (1 + e^−|x|).
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
