//! Conversion between values and the little-endian bytes of files, in bulk rather than value by value.

use super::precision::{Precision, bf16_of, f16_of, f32_of_bf16, f32_of_f16};

/// The side length of the square blocks in which a matrix is transposed. A block touches only a few cache lines, regardless
/// of the size of the matrix.
const BLOCK: usize = 16;

/// A scalar type that files can store. Its methods are not generic, so they are compiled in this crate and not in every crate
/// that loads a file.
pub trait Bytes: Sized {
    /// Reads a row-major matrix of `rows` rows and writes its transpose to `values`. A matrix of one row is copied in order.
    /// The bytes contain values of this precision.
    fn read_transposed(bytes: &[u8], precision: Precision, rows: usize, values: &mut [Self]);

    /// Writes the bytes of the transpose of a row-major matrix of `rows` rows, in this precision. A matrix of one row is written
    /// in order.
    fn write_transposed(values: &[Self], precision: Precision, rows: usize, bytes: &mut [u8]);
}

macro_rules! bytes {
    ($type:ty) => {
        impl Bytes for $type {
            fn read_transposed(bytes: &[u8], precision: Precision, rows: usize, values: &mut [Self]) {
                match precision {
                    Precision::F16 => transpose(bytes.as_chunks().0, rows, values, |bytes| {
                        f32_of_f16(u16::from_le_bytes(bytes)).into()
                    }),
                    Precision::BF16 => transpose(bytes.as_chunks().0, rows, values, |bytes| {
                        f32_of_bf16(u16::from_le_bytes(bytes)).into()
                    }),
                    Precision::F32 => {
                        transpose(bytes.as_chunks().0, rows, values, |bytes| f32::from_le_bytes(bytes).into())
                    }
                    Precision::F64 => transpose(bytes.as_chunks().0, rows, values, |bytes| {
                        f64::from_le_bytes(bytes) as Self
                    }),
                }
            }

            fn write_transposed(values: &[Self], precision: Precision, rows: usize, bytes: &mut [u8]) {
                match precision {
                    Precision::F16 => transpose(values, rows, bytes.as_chunks_mut().0, |value| {
                        f16_of(value.into()).to_le_bytes()
                    }),
                    Precision::BF16 => transpose(values, rows, bytes.as_chunks_mut().0, |value| {
                        bf16_of(value.into()).to_le_bytes()
                    }),
                    Precision::F32 => {
                        transpose(values, rows, bytes.as_chunks_mut().0, |value| (value as f32).to_le_bytes())
                    }
                    Precision::F64 => transpose(values, rows, bytes.as_chunks_mut().0, |value| {
                        f64::from(value).to_le_bytes()
                    }),
                }
            }
        }
    };
}

bytes!(f32);
bytes!(f64);

/// Converts the values of a row-major matrix of `rows` rows and writes the transpose to `to`.
fn transpose<X: Copy, Y: Copy>(from: &[X], rows: usize, to: &mut [Y], convert: impl Fn(X) -> Y) {
    let Some(&first) = from.first() else { return };
    let columns = from.len() / rows;
    if rows == 1 || columns == 1 {
        return to.iter_mut().zip(from).for_each(|(to, &from)| *to = convert(from));
    }
    let mut block = [[convert(first); BLOCK]; BLOCK];
    for row in (0..rows).step_by(BLOCK) {
        let height = BLOCK.min(rows - row);
        for column in (0..columns).step_by(BLOCK) {
            let width = BLOCK.min(columns - column);
            for (y, block) in block[..height].iter_mut().enumerate() {
                let from = &from[(row + y) * columns + column..][..width];
                block.iter_mut().zip(from).for_each(|(block, &from)| *block = convert(from));
            }
            for x in 0..width {
                let to = &mut to[(column + x) * rows + row..][..height];
                to.iter_mut().zip(&block).for_each(|(to, block)| *to = block[x]);
            }
        }
    }
}

/// Returns whether all values are finite, in one pass. The bytes contain values of this precision.
#[cfg(feature = "persistence")]
pub(crate) fn are_finite(bytes: &[u8], precision: Precision) -> bool {
    // Only NaN and the infinities have an exponent field of all ones.
    let half = |mask: u16| none(bytes, |bytes| u16::from_le_bytes(bytes) & mask == mask);
    const SINGLE: u32 = f32::INFINITY.to_bits();
    const DOUBLE: u64 = f64::INFINITY.to_bits();
    match precision {
        Precision::F16 => half(0x7c00),
        Precision::BF16 => half(0x7f80),
        Precision::F32 => none(bytes, |bytes| u32::from_le_bytes(bytes) & SINGLE == SINGLE),
        Precision::F64 => none(bytes, |bytes| u64::from_le_bytes(bytes) & DOUBLE == DOUBLE),
    }
}

/// Returns whether no value of `N` bytes has a property. Without an early exit, the loop vectorises.
#[cfg(feature = "persistence")]
fn none<const N: usize>(bytes: &[u8], is: impl Fn([u8; N]) -> bool) -> bool {
    !bytes.as_chunks().0.iter().fold(false, |any, &bytes| any | is(bytes))
}
