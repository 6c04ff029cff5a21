use std::ops::Range;

use ndarray::{ArrayViewMut2, Axis};

/// The most columns that pass at once: their sums stay on the stack, a batch of them in the nearest cache.
pub(super) const COLUMNS: usize = 64;

/// A number for every column that passes.
pub(super) type Block = [f64; COLUMNS];

/// Calls `work` with blocks of columns, side by side on up to `threads` threads: which columns they are, and their part of a
/// matrix and of two slices, each as wide as all the columns or not there at all.
pub(super) fn columns<A: Send>(
    threads: usize,
    all: Range<usize>,
    matrix: Option<ArrayViewMut2<'_, A>>,
    slices: [&mut [A]; 2],
    work: &(impl Fn(Range<usize>, Option<ArrayViewMut2<'_, A>>, [&mut [A]; 2]) + Sync),
) {
    if all.len() <= COLUMNS {
        return work(all, matrix, slices);
    }
    let half = all.len().div_ceil(2 * COLUMNS) * COLUMNS;
    let (left, right) = matrix.map(|matrix| matrix.split_at(Axis(1), half)).unzip();
    let [(first, other_first), (second, other_second)] =
        slices.map(|slice| slice.split_at_mut(half.min(slice.len())));
    let middle = all.start + half;
    let left = || columns(threads / 2, all.start..middle, left, [first, second], work);
    let rest = threads - threads / 2;
    let right = || columns(rest, middle..all.end, right, [other_first, other_second], work);
    if threads < 2 {
        left();
        right();
    } else {
        rayon_core::join(left, right);
    }
}
