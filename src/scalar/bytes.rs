//! Conversion between values and the little-endian bytes of files, in bulk rather than value by value.

/// The side length of the square blocks in which a matrix is transposed. A block touches only a few cache lines, regardless
/// of the size of the matrix.
const BLOCK: usize = 16;

/// A scalar type that files can store. Its methods are not generic, so they are compiled in this crate and not in every crate
/// that loads a file.
pub trait Bytes: Sized {
    /// Reads a row-major matrix of `rows` rows and writes its transpose to `values`. A matrix of one row is copied in order.
    /// The bytes contain `f32` values if `is_single` is true, and `f64` values otherwise.
    fn read_transposed(bytes: &[u8], is_single: bool, rows: usize, values: &mut [Self]);

    /// Writes the bytes of the transpose of a row-major matrix of `rows` rows. A matrix of one row is written in order.
    fn write_transposed(values: &[Self], rows: usize, bytes: &mut [u8]);
}

impl Bytes for f32 {
    fn read_transposed(bytes: &[u8], is_single: bool, rows: usize, values: &mut [Self]) {
        match is_single {
            true => transpose(bytes.as_chunks().0, rows, values, Self::from_le_bytes),
            false => transpose(bytes.as_chunks().0, rows, values, |bytes| f64::from_le_bytes(bytes) as f32),
        }
    }

    fn write_transposed(values: &[Self], rows: usize, bytes: &mut [u8]) {
        transpose(values, rows, bytes.as_chunks_mut().0, Self::to_le_bytes);
    }
}

impl Bytes for f64 {
    fn read_transposed(bytes: &[u8], is_single: bool, rows: usize, values: &mut [Self]) {
        match is_single {
            true => transpose(bytes.as_chunks().0, rows, values, |bytes| f32::from_le_bytes(bytes).into()),
            false => transpose(bytes.as_chunks().0, rows, values, Self::from_le_bytes),
        }
    }

    fn write_transposed(values: &[Self], rows: usize, bytes: &mut [u8]) {
        transpose(values, rows, bytes.as_chunks_mut().0, Self::to_le_bytes);
    }
}

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

/// Returns whether all values are finite, in one pass. The bytes contain `f32` values if `is_single` is true, and `f64`
/// values otherwise.
#[cfg(feature = "persistence")]
pub(crate) fn are_finite(bytes: &[u8], is_single: bool) -> bool {
    // Without an early exit, the loops vectorise. Only NaN and the infinities have an exponent field of all ones.
    const SINGLE: u32 = f32::INFINITY.to_bits();
    const DOUBLE: u64 = f64::INFINITY.to_bits();
    let any = match is_single {
        true => bytes
            .as_chunks()
            .0
            .iter()
            .fold(false, |any, &bytes| any | (u32::from_le_bytes(bytes) & SINGLE == SINGLE)),
        false => bytes
            .as_chunks()
            .0
            .iter()
            .fold(false, |any, &bytes| any | (u64::from_le_bytes(bytes) & DOUBLE == DOUBLE)),
    };
    !any
}
