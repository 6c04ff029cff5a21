//! Products of a few rows and a large right operand that is stored transposed. They are computed as the transposed product,
//! (A·Bᵀ)ᵀ = B·Aᵀ, whose left operand is read in place, so that only small arrays are copied.

use super::job::{Job, Packs, Product, room};
use super::weights::Finder;
use crate::parallel::parts;
use crate::scalar::Element;

/// The number of rows, and of columns, that are transposed together: the values of a cache line.
const SIDE: usize = 16;

/// Returns the number of rows up to which copying A and C pays off instead of B, which is (n, k).
fn most_rows(k: usize, n: usize) -> usize {
    k.saturating_mul(n) / k.saturating_add(n).saturating_mul(2).max(1)
}

impl<T: Element> Job<'_, T> {
    /// Computes the product, flipped if this is faster.
    pub fn run(self, c: &mut [T], packs: &mut Packs<T>, weights: &mut Finder<T>, threads: usize) {
        let Self { op, m, k, n, a, b, .. } = self;
        let most = if op == Product::ABt && self.start.is_none() { most_rows(k, n) } else { 0 };
        // Grows even if this product is not flipped, because a batch of fewer rows, whose product is, may follow.
        room(&mut packs.flipped, m.min(most) * n);
        if m > most || m == 0 {
            return self.run_as_is(c, packs, weights, threads);
        }
        let mut buffer = std::mem::take(&mut packs.flipped);
        let flipped = &mut *room(&mut buffer, m * n);
        Self { m: n, n: m, a: b, b: a, ..self }.run_as_is(flipped, packs, weights, threads);
        let flipped = &*flipped;
        parts(threads, c, SIDE * n, &|start, c| transpose(&flipped[start / n..], m, n, c));
        packs.flipped = buffer;
    }
}

/// Transposes the columns of `from`, whose rows begin `stride` values apart, to rows of `n` values.
fn transpose<T: Element>(from: &[T], stride: usize, n: usize, to: &mut [T]) {
    for (first, to) in (0..).step_by(SIDE).zip(to.chunks_mut(SIDE * n)) {
        let rows = to.len() / n;
        for col in (0..n).step_by(SIDE) {
            let mut columns = [&from[..0]; SIDE];
            for (column, from) in columns.iter_mut().zip(from[col * stride..].chunks(stride)) {
                *column = &from[first..][..rows];
            }
            for (row, to) in to.chunks_exact_mut(n).enumerate() {
                for (to, column) in to[col..].iter_mut().zip(columns) {
                    *to = column[row];
                }
            }
        }
    }
}
