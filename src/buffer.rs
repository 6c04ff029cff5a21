//! Flat buffers: allocated without panic, and seen as matrices.

use ndarray::{Array2, ArrayView2, ArrayViewMut2};
use num_traits::Zero;

use crate::error::{Error, Result};

/// Returns a buffer of zeros; an error if it does not fit in memory.
pub fn zeros<T: Clone + Zero>(what: &str, length: usize) -> Result<Vec<T>> {
    let mut buffer = Vec::new();
    lengthen(what, &mut buffer, length)?;
    Ok(buffer)
}

/// Returns a matrix of zeros; an error if it does not fit in memory.
pub fn zero_matrix<T: Clone + Zero>(what: &str, shape: (usize, usize)) -> Result<Array2<T>> {
    let too_large = || Error::out_of_memory::<T>(what, &[shape.0, shape.1]);
    let length = shape.0.checked_mul(shape.1).ok_or_else(too_large)?;
    Array2::from_shape_vec(shape, zeros(what, length)?).map_err(|_| too_large())
}

/// Lengthens a buffer by zeros, if it must; an error, and nothing changed, if it does not fit in memory.
pub fn lengthen<T: Clone + Zero>(what: &str, buffer: &mut Vec<T>, length: usize) -> Result<()> {
    let more = length.saturating_sub(buffer.len());
    buffer.try_reserve_exact(more).map_err(|_| Error::out_of_memory::<T>(what, &[length]))?;
    buffer.resize(length.max(buffer.len()), T::zero());
    Ok(())
}

/// Returns the first rows of a buffer.
pub fn matrix<A>(buffer: &[A], rows: usize, columns: usize) -> ArrayView2<'_, A> {
    ArrayView2::from_shape((rows, columns), &buffer[..rows * columns]).expect("as long as the shape says")
}

/// Returns the first rows of a buffer, to be written.
pub fn matrix_mut<A>(buffer: &mut [A], rows: usize, columns: usize) -> ArrayViewMut2<'_, A> {
    ArrayViewMut2::from_shape((rows, columns), &mut buffer[..rows * columns])
        .expect("as long as the shape says")
}
