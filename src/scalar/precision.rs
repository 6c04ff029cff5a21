//! The formats of floating-point numbers in files, and the conversion of the ones with 16 bits.

use std::fmt;

/// The precision of the numbers in a file.
///
/// | precision | bits | bits of the fraction | greatest value | least value above 0 |
/// |---|---|---|---|---|
/// | `F16` (IEEE half precision) | 16 | 10 | 65504 | 6·10⁻⁸ |
/// | `BF16` (the upper half of `F32`) | 16 | 7 | 3.4·10³⁸ | 9·10⁻⁴¹ |
/// | `F32` | 32 | 23 | 3.4·10³⁸ | 1.4·10⁻⁴⁵ |
/// | `F64` | 64 | 52 | 1.8·10³⁰⁸ | 5·10⁻³²⁴ |
///
/// Numerics: a value is rounded once, to the nearest value of the precision; of two that are equally near, to the one whose last
/// bit is 0. `F16` is more exact than `BF16`, but not every value is in its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(alias("half", "bfloat16", "float16", "dtype", "quantize"))]
pub enum Precision {
    /// Half precision: 5 bits of the exponent and 10 of the fraction.
    F16,
    /// The upper 16 bits of single precision: 8 bits of the exponent and 7 of the fraction.
    BF16,
    /// Single precision, as `f32`.
    F32,
    /// Double precision, as `f64`.
    F64,
}

#[cfg(feature = "persistence")]
impl Precision {
    /// Returns the precision of a scalar type.
    pub(crate) fn of<A>() -> Self {
        if size_of::<A>() == 4 { Self::F32 } else { Self::F64 }
    }

    /// Returns the number of bytes of a value.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::F16 | Self::BF16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// Returns the value after rounding to this precision, which is infinite if it is out of range.
    pub(crate) fn round(self, value: f64) -> f64 {
        match self {
            Self::F16 => f32_of_f16(f16_of(value)).into(),
            Self::BF16 => f32_of_bf16(bf16_of(value)).into(),
            Self::F32 => (value as f32).into(),
            Self::F64 => value,
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Returns the value of the bits of a number in [`Precision::F16`].
pub(crate) fn f32_of_f16(bits: u16) -> f32 {
    /// The value of the last bit of a subnormal number.
    const LEAST: f32 = 1.0 / (1 << 24) as f32;
    let (exponent, fraction) = (u32::from(bits >> 10) & 0x1f, u32::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction as f32 * LEAST,
        0x1f => f32::from_bits(f32::INFINITY.to_bits() | fraction << 13),
        _ => f32::from_bits((exponent + 127 - 15) << 23 | fraction << 13),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// Returns the value of the bits of a number in [`Precision::BF16`].
pub(crate) fn f32_of_bf16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// Rounds a value that is not NaN to [`Precision::F16`], and returns the bits.
pub(crate) fn f16_of(value: f64) -> u16 {
    narrow(value, 5, 10)
}

/// Rounds a value that is not NaN to [`Precision::BF16`], and returns the bits.
pub(crate) fn bf16_of(value: f64) -> u16 {
    narrow(value, 8, 7)
}

/// Rounds a value that is not NaN to a format of 16 bits.
fn narrow(value: f64, exponent_bits: i32, fraction_bits: i32) -> u16 {
    // The exponent of the normal numbers that are nearest to 0. Subnormal numbers have the same last bit.
    let least = 2 - (1 << (exponent_bits - 1));
    let exponent = ((value.to_bits() >> 52) & 0x7ff) as i32 - 1023;
    let infinity = ((1 << exponent_bits) - 1) << fraction_bits;
    let bits = if exponent > 1 - least {
        infinity
    } else {
        let exponent = exponent.max(least);
        // Scaling by a power of two is exact. The integer counts last bits, including the leading bit of the fraction. If
        // rounding carries into the next power of two, so does this sum.
        let last = f64::from_bits(((fraction_bits - exponent + 1023) as u64) << 52);
        let count = (value.abs() * last).round_ties_even() as i32;
        ((exponent - least) << fraction_bits) + count
    };
    bits.min(infinity) as u16 | u16::from(value.is_sign_negative()) << 15
}

#[cfg(test)]
mod tests {
    use super::{bf16_of, f16_of, f32_of_bf16, f32_of_f16};

    #[test]
    fn half_precision() {
        let bits = [0x3c00, 0xc000, 0x7bff, 0x0001, 0x0400, 0x3555, 0x8000, 0x7c00];
        let values = bits.map(f32_of_f16);
        let expected =
            [1.0, -2.0, 65504.0, 5.960_464_5e-8, 6.103_515_6e-5, 0.333_251_95, -0.0, f32::INFINITY];
        assert_eq!(values, expected);
        assert!(f32_of_f16(0x7e00).is_nan());
    }

    /// Checks all values of a format, and the rounding of the midpoint of each pair of neighbours and of the `f64` beside it.
    fn every_value(infinity: u16, widen: fn(u16) -> f32, narrow: fn(f64) -> u16) {
        for bits in 0..infinity {
            let value = f64::from(widen(bits));
            assert_eq!((narrow(value), narrow(-value)), (bits, bits | 0x8000));
            // Above the greatest value, the next one would be a step further.
            let above = match bits + 1 == infinity {
                true => 2.0 * value - f64::from(widen(bits - 1)),
                false => f64::from(widen(bits + 1)),
            };
            let midpoint = (value + above) / 2.0;
            assert_eq!(narrow(midpoint), bits + bits % 2, "{midpoint}");
            assert_eq!(narrow(midpoint.next_down()), bits);
            assert_eq!(narrow(midpoint.next_up()), bits + 1);
        }
        for value in [f64::INFINITY, f64::MAX, 1e39] {
            assert_eq!((narrow(value), narrow(-value)), (infinity, infinity | 0x8000));
        }
        for value in [f64::MIN_POSITIVE, 5e-324, 0.0] {
            assert_eq!((narrow(value), narrow(-value)), (0, 0x8000));
        }
    }

    #[test]
    fn rounding_is_to_the_nearest_and_to_even() {
        every_value(0x7c00, f32_of_f16, f16_of);
        every_value(0x7f80, f32_of_bf16, bf16_of);
    }
}
