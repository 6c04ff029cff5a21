//! The product of a few rows and a matrix. Each element of the matrix is read only once, in place, so packing would not pay off.

use pulp::{Arch, Simd, WithSimd};

use super::job::{DEPTH, FEW, Job, depth, room};
use super::kernel::WIDEST;
use super::row::{Row, add};
use crate::parallel::{Divide, divide, least, shares};
use crate::scalar::Element;

/// The size in bytes of the sums of a few rows, which stay in the first-level cache.
const SUMS_BYTES: usize = 16 << 10;

/// The operation `Y += X·B` for some columns of B.
struct Few<'a, T> {
    /// The rows.
    x: &'a [T],
    /// The distance between rows.
    stride: usize,
    /// The number of values in a row, and the number of rows of the matrix.
    depth: usize,
    /// The matrix, starting at the first column.
    b: &'a [T],
    /// The distance between rows of the matrix.
    n: usize,
    /// The number of columns.
    cols: usize,
    /// The output, row by row, which contains the initial values of the sums.
    y: &'a mut [T],
}

impl<T: Element> Few<'_, T> {
    /// Adds the products with rows `at` to `at + 4` of the matrix to `R` rows of the output, starting at `row`, so that the
    /// output is read and written only once for all four.
    #[inline(always)]
    fn four<S: Simd, const R: usize>(&mut self, simd: S, at: usize, row: usize) {
        let Self { x, stride, b, n, cols, ref mut y, .. } = *self;
        // Uses loops and indices: closures over arrays would not keep the factors in registers.
        let mut factors = [[T::splat(simd, T::ZERO); 4]; R];
        for i in 0..R {
            let x = &x[(row + i) * stride + at..][..4];
            for k in 0..4 {
                factors[i][k] = T::splat(simd, x[k]);
            }
        }
        let (b0, c0) = T::vectors::<S>(&b[at * n..][..cols]);
        let (b1, c1) = T::vectors::<S>(&b[(at + 1) * n..][..cols]);
        let (b2, c2) = T::vectors::<S>(&b[(at + 2) * n..][..cols]);
        let (b3, c3) = T::vectors::<S>(&b[(at + 3) * n..][..cols]);
        let full = b0.len();
        let (b1, b2, b3) = (&b1[..full], &b2[..full], &b3[..full]);
        let mut rows = y[row * cols..].chunks_exact_mut(cols);
        let rows = std::array::from_fn::<_, R, _>(
            #[inline(always)]
            |_| {
                let (line, rest) = T::vectors_mut::<S>(rows.next().expect("the output has all rows"));
                (&mut line[..full], rest)
            },
        );
        for j in 0..full {
            let (b0, b1, b2, b3) = (b0[j], b1[j], b2[j], b3[j]);
            for i in 0..R {
                let sum = T::mul_add(simd, factors[i][0], b0, rows[i].0[j]);
                let sum = T::mul_add(simd, factors[i][1], b1, sum);
                let sum = T::mul_add(simd, factors[i][2], b2, sum);
                rows[i].0[j] = T::mul_add(simd, factors[i][3], b3, sum);
            }
        }
        if !c0.is_empty() {
            let (b0, b1) = (T::load(simd, c0), T::load(simd, c1));
            let (b2, b3) = (T::load(simd, c2), T::load(simd, c3));
            for i in 0..R {
                let sum = T::mul_add(simd, factors[i][0], b0, T::load(simd, rows[i].1));
                let sum = T::mul_add(simd, factors[i][1], b1, sum);
                let sum = T::mul_add(simd, factors[i][2], b2, sum);
                T::store(simd, rows[i].1, T::mul_add(simd, factors[i][3], b3, sum));
            }
        }
    }
}

impl<T: Element> WithSimd for Few<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let rows = self.y.len() / self.cols;
        // Sixteen factors fit into 32 registers, and eight into sixteen.
        let many = T::lanes::<S>() * size_of::<T>() == WIDEST;
        let fours = self.depth - self.depth % 4;
        for at in (0..fours).step_by(4) {
            let mut row = 0;
            if many {
                while rows - row >= 4 {
                    self.four::<S, 4>(simd, at, row);
                    row += 4;
                }
            }
            while rows - row >= 2 {
                self.four::<S, 2>(simd, at, row);
                row += 2;
            }
            if row < rows {
                self.four::<S, 1>(simd, at, row);
            }
        }
        for at in fours..self.depth {
            let b = &self.b[at * self.n..][..self.cols];
            for (i, y) in self.y.chunks_exact_mut(self.cols).enumerate() {
                Row::one(simd, self.x[i * self.stride + at], b, y);
            }
        }
    }
}

/// Computes a product of a few rows, without packing.
pub(super) fn few<T: Element>(job: Job<'_, T>, arch: Arch, c: &mut [T], sums: &mut Vec<T>, threads: usize) {
    let Job { m, k, n, .. } = job;
    if m == 0 || n == 0 {
        return;
    }
    let threads = shares(threads, m.saturating_mul(k).saturating_mul(n), least::MULTIPLICATIONS);
    let wide = wide::<T>(m, n, threads);
    // A single row needs no copy of its sums.
    let copied = if m > 1 { m * n } else { 0 };
    let later = if k > DEPTH { threads * m * wide } else { 0 };
    let (copies, later) = room(sums, copied + later).split_at_mut(copied);
    let y = if m > 1 { &mut *copies } else { &mut *c };
    let all = ColumnRange { job, arch, wide, from: 0, to: n, y, later, threads };
    divide(all, threads, &ColumnRange::compute);
    let mut rest = &*copies;
    for col in (0..n).step_by(wide).take_while(|_| m > 1) {
        let cols = wide.min(n - col);
        for c in c.chunks_exact_mut(n) {
            let from = rest.split_off(..cols).expect("there is a copy of every sum");
            c[col..][..cols].copy_from_slice(from);
        }
    }
}

/// Returns the number of columns in a chunk. The sums of a chunk stay in the first-level cache. For a single row, each thread has
/// one chunk, so that a single thread reads the matrix from its first value to its last.
fn wide<T>(m: usize, n: usize, threads: usize) -> usize {
    let register = WIDEST / size_of::<T>();
    let wide = if m == 1 { n.div_ceil(threads) } else { (SUMS_BYTES / (m * size_of::<T>())).max(1) };
    wide.next_multiple_of(register).min(n.next_multiple_of(register))
}

/// Returns the greatest length of the buffer that [`few`] needs for up to [`FEW`] rows.
pub(super) fn few_room<T>(k: usize, n: usize, threads: usize) -> usize {
    let later = |m| if k > DEPTH { threads * m * wide::<T>(m, n, threads) } else { 0 };
    FEW * n + (1..=FEW).map(later).max().unwrap_or(0)
}

/// A range of columns of a product of a few rows.
struct ColumnRange<'a, 'b, T> {
    job: Job<'b, T>,
    arch: Arch,
    /// The number of columns in a chunk.
    wide: usize,
    from: usize,
    to: usize,
    /// The sums, chunk by chunk, and row by row in each chunk.
    y: &'a mut [T],
    /// The sums over later blocks of k, one chunk for each thread.
    later: &'a mut [T],
    threads: usize,
}

impl<T: Element> Divide for ColumnRange<'_, '_, T> {
    fn len(&self) -> usize {
        (self.to - self.from).div_ceil(self.wide)
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        let Self { job, arch, wide, from, to, y, later, threads } = self;
        let mid = from + at * wide;
        let (y, other_y) = y.split_at_mut(job.m * (mid - from));
        let low = threads / 2;
        let (later, other_later) = later.split_at_mut(later.len() / threads * low);
        let other =
            Self { job, arch, wide, from: mid, to, y: other_y, later: other_later, threads: threads - low };
        (Self { job, arch, wide, from, to: mid, y, later, threads: low }, other)
    }
}

impl<T: Element> ColumnRange<'_, '_, T> {
    fn compute(self) {
        let Self { job: Job { m, k, n, a, b, start, .. }, arch, wide, from, to, y, later, .. } = self;
        for (col, y) in (from..to).step_by(wide).zip(y.chunks_mut(m * wide)) {
            let cols = wide.min(to - col);
            match start {
                Some(start) => {
                    y.chunks_exact_mut(cols).for_each(|y| y.copy_from_slice(&start[col..][..cols]))
                }
                None => y.fill(T::ZERO),
            }
            for at in (0..k).step_by(depth(k)) {
                let depth = depth(k).min(k - at);
                let multiply = |y| {
                    let (x, b) = (&a[at..], &b[at * n + col..]);
                    match m == 1 && cols == n {
                        true => arch.dispatch(Row { x: &x[..depth], b: &b[..depth * n], y }),
                        false => arch.dispatch(Few { x, stride: k, depth, b, n, cols, y }),
                    }
                };
                if at == 0 {
                    multiply(&mut *y);
                } else {
                    let later = &mut later[..y.len()];
                    later.fill(T::ZERO);
                    multiply(&mut *later);
                    add(arch, later, y);
                }
            }
        }
    }
}
