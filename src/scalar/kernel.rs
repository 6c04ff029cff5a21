//! What the elementary functions need to know of a number format.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// The arithmetic of the elementary functions, and the constants and polynomials that differ between the formats.
///
/// The functions are written once, over this trait; `single` and `double` hold the two sets of data.
pub trait Kernel:
    Copy
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    const ZERO: Self;
    const HALF: Self;
    const ONE: Self;
    const TWO: Self;
    const INFINITY: Self;
    const NAN: Self;
    const MIN_POSITIVE: Self;
    const SQRT_2: Self;
    const LOG2_E: Self;
    /// ln 2 in two parts: the nearest number and what it lacks.
    const LN2_HIGH: Self;
    const LN2_LOW: Self;
    /// Adding this rounds to an integer, which then stands in the low bits.
    const ROUND: Self;
    /// As `ROUND`, with the bias of the exponent in the low bits.
    const ROUND_BIASED: Self;
    /// The arguments between which eˣ is neither 0 nor infinite, and a bit more.
    const EXP_RANGE: (Self, Self);
    /// The least x for which eˣ − 1 is not yet −1, and a bit less.
    const EXP_M1_MIN: Self;
    /// A power of two that brings eˣ back into the range when x is large.
    const SMALL: Self;
    /// An x well below the overflow of eˣ, from which sums with eˣ are scaled by `SMALL`.
    const GROWTH_SCALED: Self;
    /// The x up to which `SMALL`·eˣ is finite.
    const GROWTH_END: Self;
    /// The x from which 1 + e⁻ˣ is 1.
    const SATURATION: Self;
    /// A power of two that keeps e⁻ʷ normal.
    const LARGE: Self;
    /// The w up to which `LARGE`·e⁻ʷ is normal; w·e⁻ʷ is 0 from there on.
    const DECAY_END: Self;
    /// An x from which the derivative of swish is 1, also as it is computed.
    const SWISH_END: Self;
    /// The |x| below which tanh is a polynomial.
    const NEAR: Self;
    /// A power of two that makes subnormal numbers normal, and its logarithm.
    const NORMALIZE: (Self, Self);

    /// 2ᵏ for an integer k in the normal range.
    fn pow2(k: Self) -> Self;
    /// `scale`·2ᵏ, with k in the low bits of `t` and the result in the normal range.
    fn shifted(scale: Self, t: Self) -> Self;
    /// A positive normal x = 2ᵏ(1 + f) as (k, f), with 1 + f between √½ and √2.
    fn split(x: Self) -> (Self, Self);
    fn abs(self) -> Self;
    fn copysign(self, sign: Self) -> Self;

    /// self·factor + addend, rounded once.
    fn mul_add(self, factor: Self, addend: Self) -> Self;

    /// (cosh r − 1)/r² in z = r² for |r| ≤ ln 2 / 2: the even part of (eʳ − 1 − r)/r².
    fn exp_even(z: Self) -> Self;
    /// (sinh r − r)/r³ in z = r² for |r| ≤ ln 2 / 2: the odd part of (eʳ − 1 − r)/r², divided by r.
    fn exp_odd(z: Self) -> Self;
    /// (2 artanh s − 2s)/s³ in z = s² for |s| ≤ 3 − √8.
    fn artanh_tail(z: Self) -> Self;
    /// (tanh x − x)/x³ in z = x² for |x| ≤ `NEAR`.
    fn tanh_tail(z: Self) -> Self;

    /// The nearest value within the two; NaN stays NaN.
    #[inline(always)]
    fn within(self, (low, high): (Self, Self)) -> Self {
        let x = if self < low { low } else { self };
        if x > high { high } else { x }
    }

    /// The greater of the two; NaN stays NaN.
    #[inline(always)]
    fn at_least(self, low: Self) -> Self {
        if self < low { low } else { self }
    }

    /// The lesser of the two; NaN stays NaN.
    #[inline(always)]
    fn at_most(self, high: Self) -> Self {
        if self > high { high } else { self }
    }
}
