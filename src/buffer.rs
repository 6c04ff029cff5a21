//! Flat buffers seen as matrices.

use ndarray::{ArrayView2, ArrayViewMut2};

/// Returns the first rows of a buffer.
pub fn matrix<A>(buffer: &[A], rows: usize, columns: usize) -> ArrayView2<'_, A> {
    ArrayView2::from_shape((rows, columns), &buffer[..rows * columns]).expect("as long as the shape says")
}

/// Returns the first rows of a buffer, to be written.
pub fn matrix_mut<A>(buffer: &mut [A], rows: usize, columns: usize) -> ArrayViewMut2<'_, A> {
    ArrayViewMut2::from_shape((rows, columns), &mut buffer[..rows * columns])
        .expect("as long as the shape says")
}
