//! A single row times a matrix: it reads each number of the matrix once, so there is nothing to pack.

use crate::scalar::Element;
use pulp::{Simd, WithSimd};

/// Adds `x·B` to `y`.
pub(crate) struct Row<'a, T> {
    /// The row.
    pub x: &'a [T],
    /// The matrix.
    pub b: &'a [T],
    /// The output, which holds the start of the sums.
    pub y: &'a mut [T],
}

impl<T: Element> Row<'_, T> {
    /// Adds `D` rows of the matrix.
    #[inline(always)]
    fn add<S: Simd, const D: usize>(simd: S, x: &[T; D], b: &[T], y: &mut [T]) {
        let x: [_; D] = std::array::from_fn(|i| T::splat(simd, x[i]));
        let rows: [_; D] = std::array::from_fn(|i| T::vectors::<S>(&b[i * y.len()..][..y.len()]));
        let (full, rest) = T::vectors_mut::<S>(y);
        for (j, y) in full.iter_mut().enumerate() {
            for (&x, (row, _)) in x.iter().zip(&rows) {
                *y = T::mul_add(simd, x, row[j], *y);
            }
        }
        if !rest.is_empty() {
            let mut y = T::load(simd, rest);
            for (&x, (_, row)) in x.iter().zip(&rows) {
                y = T::mul_add(simd, x, T::load(simd, row), y);
            }
            T::store(simd, rest, y);
        }
    }
}

impl<T: Element> WithSimd for Row<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        const DEEP: usize = 4;
        let n = self.y.len();
        let (deep, rest) = self.x.as_chunks::<DEEP>();
        let mut b = self.b.chunks(DEEP * n);
        for (x, b) in deep.iter().zip(&mut b) {
            Self::add::<S, DEEP>(simd, x, b, self.y);
        }
        for (x, b) in rest.iter().zip(self.b[deep.len() * DEEP * n..].chunks(n)) {
            Self::add::<S, 1>(simd, &[*x], b, self.y);
        }
    }
}
