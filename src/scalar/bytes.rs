//! Values as bytes of files, little-endian, and back: one copy in bulk, not value by value.

/// The side of the square blocks that a matrix is transposed by: a few cache lines at a time, whatever the matrix's size is.
const BLOCK: usize = 16;

/// A value that has a form in files. Not generic, so that the copies are compiled here and not in every crate that loads.
pub trait Bytes: Sized {
    /// Reads a row-major matrix of this many rows and writes its transpose; with one row, the values as they are. The bytes are
    /// those of `f32` if `is_single`, otherwise of `f64`.
    fn read_transposed(bytes: &[u8], is_single: bool, rows: usize, values: &mut [Self]);

    /// Writes the bytes of the transpose of a row-major matrix of this many rows; with one row, of the values as they are.
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

/// Converts a row-major matrix of this many rows into its transpose.
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

/// Whether all values are finite, in one pass; the bytes are those of `f32` if `is_single`, otherwise of `f64`.
#[cfg(feature = "persistence")]
pub(crate) fn are_finite(bytes: &[u8], is_single: bool) -> bool {
    // Without an early exit the loops vectorise. An exponent of ones alone is that of NaN and the infinities.
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
