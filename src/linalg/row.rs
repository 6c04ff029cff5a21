//! The product of a single row and a matrix. Each element of the matrix is read only once, so packing would not pay off.

use pulp::{Arch, Simd, WithSimd};

use crate::scalar::Element;

/// The operation `y += x·B`.
pub(crate) struct Row<'a, T> {
    /// The row.
    pub x: &'a [T],
    /// The matrix.
    pub b: &'a [T],
    /// The output, which contains the initial values of the sums.
    pub y: &'a mut [T],
}

impl<T: Element> Row<'_, T> {
    /// Adds the products with four rows of the matrix, so that the output is read and written only once for all four.
    #[inline(always)]
    fn four<S: Simd>(simd: S, x: &[T; 4], b: &[T], y: &mut [T]) {
        let n = y.len();
        let (b0, b) = b.split_at(n);
        let (b1, b) = b.split_at(n);
        let (b2, b3) = b.split_at(n);
        let [x0, x1, x2, x3] = [x[0], x[1], x[2], x[3]].map(|x| T::splat(simd, x));
        let add = |y, b0, b1, b2, b3| {
            let y = T::mul_add(simd, x0, b0, y);
            let y = T::mul_add(simd, x1, b1, y);
            let y = T::mul_add(simd, x2, b2, y);
            T::mul_add(simd, x3, b3, y)
        };
        let [(b0, c0), (b1, c1), (b2, c2), (b3, c3)] = [b0, b1, b2, b3].map(|b| T::vectors::<S>(b));
        let (full, rest) = T::vectors_mut::<S>(y);
        for ((((y, &b0), &b1), &b2), &b3) in full.iter_mut().zip(b0).zip(b1).zip(b2).zip(b3) {
            *y = add(*y, b0, b1, b2, b3);
        }
        if !rest.is_empty() {
            let [c0, c1, c2, c3] = [c0, c1, c2, c3].map(|c| T::load(simd, c));
            let y = add(T::load(simd, rest), c0, c1, c2, c3);
            T::store(simd, rest, y);
        }
    }

    /// Adds the product with one row of the matrix.
    #[inline(always)]
    pub fn one<S: Simd>(simd: S, x: T, b: &[T], y: &mut [T]) {
        let x = T::splat(simd, x);
        let (b, c) = T::vectors::<S>(b);
        let (full, rest) = T::vectors_mut::<S>(y);
        for (y, &b) in full.iter_mut().zip(b) {
            *y = T::mul_add(simd, x, b, *y);
        }
        if !rest.is_empty() {
            let y = T::mul_add(simd, x, T::load(simd, c), T::load(simd, rest));
            T::store(simd, rest, y);
        }
    }
}

impl<T: Element> WithSimd for Row<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let n = self.y.len();
        let (fours, rest) = self.x.as_chunks::<4>();
        let (b, c) = self.b.split_at(fours.len() * 4 * n);
        for (x, b) in fours.iter().zip(b.chunks_exact(4 * n)) {
            Self::four(simd, x, b, self.y);
        }
        for (&x, b) in rest.iter().zip(c.chunks_exact(n)) {
            Self::one(simd, x, b, self.y);
        }
    }
}

/// Adds `from` to `to`.
pub(crate) fn add<T: Element>(arch: Arch, from: &[T], to: &mut [T]) {
    arch.dispatch(Row { x: &[T::ONE], b: from, y: to });
}
