//! The properties of a floating-point format that the elementary functions depend on.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// The arithmetic of the elementary functions, with the constants and polynomials that differ between the formats.
///
/// The functions are generic over this trait; `single` and `double` implement it for `f32` and `f64`.
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
    /// ln 2 in two parts: the nearest value and the remainder.
    const LN2_HIGH: Self;
    const LN2_LOW: Self;
    /// Adding this constant rounds to an integer, which then occupies the low bits.
    const ROUND: Self;
    /// Like `ROUND`, but with the exponent bias included in the low bits.
    const ROUND_BIASED: Self;
    /// The range of arguments for which eˣ is neither 0 nor infinite, with a margin.
    const EXP_RANGE: (Self, Self);
    /// The least x for which eˣ − 1 does not round to −1, with a margin.
    const EXP_M1_MIN: Self;
    /// A power of two that scales eˣ back into range if x is large.
    const SMALL: Self;
    /// An x well below the overflow of eˣ. Above it, sums with eˣ are scaled by `SMALL`.
    const GROWTH_SCALED: Self;
    /// The x up to which `SMALL`·eˣ is finite.
    const GROWTH_END: Self;
    /// An x above which 1 + e⁻ˣ rounds to 1.
    const SATURATION: Self;
    /// A power of two that scales e⁻ʷ to keep it normal.
    const LARGE: Self;
    /// The w up to which `LARGE`·e⁻ʷ is normal. Above it, w·e⁻ʷ is 0.
    const DECAY_END: Self;
    /// An x above which the derivative of swish rounds to 1 and is computed as 1.
    const SWISH_END: Self;
    /// The |x| below which tanh is computed as a polynomial.
    const NEAR: Self;
    /// A power of two that makes subnormal values normal, and its binary logarithm.
    const NORMALIZE: (Self, Self);

    /// Returns 2ᵏ for an integer k in the normal range.
    fn pow2(k: Self) -> Self;
    /// Returns `scale`·2ᵏ. The low bits of `t` contain k, and the result must be in the normal range.
    fn shifted(scale: Self, t: Self) -> Self;
    /// Splits a positive normal x = 2ᵏ(1 + f) into (k, f), with 1 + f between √½ and √2.
    fn split(x: Self) -> (Self, Self);
    fn abs(self) -> Self;
    fn copysign(self, sign: Self) -> Self;

    /// Returns self·factor + addend with a single rounding.
    fn mul_add(self, factor: Self, addend: Self) -> Self;

    /// Approximates (cosh r − 1)/r² as a polynomial in z = r² for |r| ≤ ln 2 / 2: the even part of (eʳ − 1 − r)/r².
    fn exp_even(z: Self) -> Self;
    /// Approximates (sinh r − r)/r³ as a polynomial in z = r² for |r| ≤ ln 2 / 2: the odd part of (eʳ − 1 − r)/r², divided by
    /// r.
    fn exp_odd(z: Self) -> Self;
    /// Approximates (2 artanh s − 2s)/s³ as a polynomial in z = s² for |s| ≤ 3 − √8.
    fn artanh_tail(z: Self) -> Self;
    /// Approximates (tanh x − x)/x³ as a polynomial in z = x² for |x| ≤ `NEAR`.
    fn tanh_tail(z: Self) -> Self;

    /// Returns the nearest value between `low` and `high`; NaN stays NaN.
    #[inline(always)]
    fn within(self, (low, high): (Self, Self)) -> Self {
        let x = if self < low { low } else { self };
        if x > high { high } else { x }
    }

    /// Returns the larger of `self` and `low`; NaN stays NaN.
    #[inline(always)]
    fn at_least(self, low: Self) -> Self {
        if self < low { low } else { self }
    }

    /// Returns the smaller of `self` and `high`; NaN stays NaN.
    #[inline(always)]
    fn at_most(self, high: Self) -> Self {
        if self > high { high } else { self }
    }
}
