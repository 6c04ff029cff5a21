//! Flat buffers: allocation that returns errors instead of panicking, and views as matrices.

use ndarray::{Array2, ArrayView2, ArrayViewMut2};
use num_traits::Zero;

use crate::error::{Error, Result};

/// Returns a buffer of zeros.
///
/// # Errors
///
/// Returns [`Error::OutOfMemory`] if the buffer does not fit in memory.
pub fn zeros<T: Clone + Zero>(what: &str, length: usize) -> Result<Vec<T>> {
    let mut buffer = Vec::new();
    lengthen(what, &mut buffer, length)?;
    Ok(buffer)
}

/// Returns a matrix of zeros.
///
/// # Errors
///
/// Returns [`Error::OutOfMemory`] if the matrix does not fit in memory.
pub fn zero_matrix<T: Clone + Zero>(what: &str, shape: (usize, usize)) -> Result<Array2<T>> {
    let too_large = || Error::out_of_memory::<T>(what, &[shape.0, shape.1]);
    let length = shape.0.checked_mul(shape.1).ok_or_else(too_large)?;
    Array2::from_shape_vec(shape, zeros(what, length)?).map_err(|_| too_large())
}

/// Extends a buffer with zeros if it is shorter than `length`.
///
/// # Errors
///
/// Returns [`Error::OutOfMemory`] and leaves the buffer unchanged if `length` elements do not fit in memory.
pub fn lengthen<T: Clone + Zero>(what: &str, buffer: &mut Vec<T>, length: usize) -> Result<()> {
    let more = length.saturating_sub(buffer.len());
    buffer.try_reserve_exact(more).map_err(|_| Error::out_of_memory::<T>(what, &[length]))?;
    buffer.resize(length.max(buffer.len()), T::zero());
    Ok(())
}

/// The size in bytes of a cache line.
pub const LINE: usize = 64;

/// Returns the index of the first element that begins a cache line, also in a buffer that has room but no elements yet.
pub fn line<T>(buffer: &[T]) -> usize {
    buffer.as_ptr().align_offset(LINE).min(LINE / size_of::<T>())
}

/// Returns a matrix view of the first `rows` rows of a buffer.
pub fn matrix<A>(buffer: &[A], rows: usize, columns: usize) -> ArrayView2<'_, A> {
    ArrayView2::from_shape((rows, columns), &buffer[..rows * columns]).expect("the length fits the shape")
}

/// Returns a mutable matrix view of the first `rows` rows of a buffer.
pub fn matrix_mut<A>(buffer: &mut [A], rows: usize, columns: usize) -> ArrayViewMut2<'_, A> {
    ArrayViewMut2::from_shape((rows, columns), &mut buffer[..rows * columns])
        .expect("the length fits the shape")
}
