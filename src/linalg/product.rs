//! The blocking of a product, and its division among threads.

use super::kernel::{Left, Panel, Rows, STRIP, Start, Strips};
use super::pack::{PackRows, Panels, pack_columns, pack_left};
use super::row::Row;
use super::{Packs, Product};
use crate::scalar::Element;
use pulp::{Arch, Simd, WithSimd};

/// The depth of a block: its panel and a tile's rows stay in the first cache.
const DEPTH: usize = 800;
/// The bytes of a block of the left operand, which stays in the second cache.
const LEFT_BYTES: usize = 192 << 10;
/// The bytes of the packed right operand, which stays in the last cache.
const RIGHT_BYTES: usize = 4 << 20;
/// The products of numbers that a thread should get.
const SHARE: usize = 1 << 17;
/// From so many columns on, packing rows of the left operand pays.
const REUSE: usize = 400;

/// The numbers in a register.
struct Lanes<T>(std::marker::PhantomData<T>);

impl<T: Element> WithSimd for Lanes<T> {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        T::lanes::<S>()
    }
}

/// What stays the same while a block of columns is computed.
#[derive(Clone, Copy)]
struct Job<'a, T> {
    arch: Arch,
    op: Product,
    m: usize,
    k: usize,
    n: usize,
    a: &'a [T],
    b: &'a [T],
    start: Option<&'a [T]>,
    /// The first column of the block.
    col: usize,
    panels: Panels,
    packed: bool,
    depth: usize,
    high: usize,
}

/// The product; see [`Engine`](super::Engine).
pub(crate) fn run<T: Element>(
    op: Product,
    (m, k, n): (usize, usize, usize),
    a: &[T],
    b: &[T],
    start: Option<&[T]>,
    c: &mut [T],
    packs: &mut Packs<T>,
    threads: usize,
) {
    if c.is_empty() {
        return;
    }
    let arch = Arch::new();
    if k == 0 || (op != Product::ABt && m == 1) || (op == Product::AB && m <= 3) {
        for (i, c) in c.chunks_exact_mut(n).enumerate() {
            match start {
                Some(start) => c.copy_from_slice(start),
                None => c.fill(T::ZERO),
            }
            if k > 0 {
                arch.dispatch(Row { x: &a[i * k..][..k], b, y: c });
            }
        }
        return;
    }
    let threads = threads.min(m * k * n / SHARE).min(m.div_ceil(STRIP)).max(1);
    let lanes = arch.dispatch(Lanes::<T>(std::marker::PhantomData));
    let depth = k.div_ceil(k.div_ceil(DEPTH));
    let high = (LEFT_BYTES / (depth * size_of::<T>())).max(STRIP).next_multiple_of(STRIP);
    let packed = op == Product::AtB || n >= REUSE;
    let round = 2 * lanes;
    let wide = (RIGHT_BYTES / (k * size_of::<T>()) / round * round).max(round);
    let blocks = n.div_ceil(wide);
    let wide = n.div_ceil(blocks).next_multiple_of(lanes);
    packs.right.resize(packs.right.len().max(k * wide.min(n).next_multiple_of(lanes)), T::ZERO);
    let left = if packed { high.min(m.next_multiple_of(STRIP)) * depth } else { 0 };
    packs.left.resize(packs.left.len().max(left * threads), T::ZERO);
    for col in (0..n).step_by(wide) {
        let panels = Panels::new(wide.min(n - col), lanes);
        let job = Job { arch, op, m, k, n, a, b, start, col, panels, packed, depth, high };
        let right = &mut packs.right[..k * panels.start(panels.count)];
        job.pack(0, panels.count, right, threads);
        job.compute(0, m, right, c, &mut packs.left[..left * threads], threads);
    }
}

impl<T: Element> Job<'_, T> {
    /// Packs the panels from `from` to `to`.
    fn pack(self, from: usize, to: usize, right: &mut [T], threads: usize) {
        let Self { op, k, n, b, panels, .. } = self;
        if threads > 1 && to - from > 1 {
            let mid = (from + to) / 2;
            let (low, high) = right.split_at_mut(k * (panels.start(mid) - panels.start(from)));
            rayon_core::join(
                || self.pack(from, mid, low, threads / 2),
                || self.pack(mid, to, high, threads - threads / 2),
            );
            return;
        }
        let mut rest = right;
        for i in from..to {
            let (col, cols) = (self.col + panels.start(i), panels.cols(i));
            let numbers = panels.start(i + 1) - panels.start(i);
            let (panel, after) = rest.split_at_mut(k * numbers);
            rest = after;
            if op == Product::ABt {
                pack_columns(&b[col * k..][..cols * k], k, cols, numbers, panel);
            } else {
                let b = &b[col..];
                self.arch.dispatch(PackRows { b, stride: n, cols, width: panels.width(i), to: panel });
            }
        }
    }

    /// Computes the rows from `from` to `to`, of which `c` is the output.
    fn compute(self, from: usize, to: usize, right: &[T], c: &mut [T], left: &mut [T], threads: usize) {
        if threads > 1 {
            let mid = (from + (to - from) * (threads / 2) / threads).next_multiple_of(STRIP).min(to);
            let (c, d) = c.split_at_mut((mid - from) * self.n);
            let (left, more) = left.split_at_mut(left.len() / threads * (threads / 2));
            rayon_core::join(
                || self.compute(from, mid, right, c, left, threads / 2),
                || self.compute(mid, to, right, d, more, threads - threads / 2),
            );
            return;
        }
        let Self { op, m, k, n, a, high, .. } = self;
        for (row, c) in (from..to).step_by(high).zip(c.chunks_mut(high * n)) {
            let rows = high.min(to - row);
            for at in (0..k).step_by(self.depth) {
                let depth = self.depth.min(k - at);
                let transposed = op == Product::AtB;
                let (a, stride) = if transposed { (&a[at * m + row..], m) } else { (&a[row * k + at..], k) };
                if self.packed {
                    let a = &a[..a.len().min(if transposed { depth * stride } else { rows * stride })];
                    pack_left(a, transposed, stride, rows, depth, left_for(left, depth));
                    self.block(Strips { a: left, depth }, rows, at, depth, right, c);
                } else {
                    self.block(Rows { a, stride, depth }, rows, at, depth, right, c);
                }
            }
        }
    }

    /// Computes a block of rows, for the `depth` products from `at` on.
    fn block<L: Left<T = T>>(self, left: L, rows: usize, at: usize, depth: usize, right: &[T], c: &mut [T]) {
        let Self { k, n, panels, .. } = self;
        for i in 0..panels.count {
            let (col, cols) = (self.col + panels.start(i), panels.cols(i));
            let (before, numbers) = (panels.start(i), panels.start(i + 1) - panels.start(i));
            let panel = &right[k * before + at * numbers..][..depth * numbers];
            let start = match self.start {
                _ if at > 0 => Start::Resume,
                Some(row) => Start::Row(&row[col..][..cols]),
                None => Start::Zero,
            };
            let c = &mut c[col..];
            Panel { left, panel, start, c, stride: n, cols }.compute(self.arch, panels.width(i), rows);
        }
    }
}

/// The part of a buffer that strips of this depth fill.
fn left_for<T>(left: &mut [T], depth: usize) -> &mut [T] {
    let len = left.len() / (STRIP * depth) * STRIP * depth;
    &mut left[..len]
}
