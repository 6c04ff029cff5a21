//! The blocking of a product, and its division among threads.

use pulp::{Arch, Simd, WithSimd};

use super::kernel::{Columns, Left, Panel, Rows, STRIP, Start, Strips, TAIL};
use super::pack::{
    PackRows, Panels, Span, pack_columns, pack_left_columns, pack_rows, pack_tail, pack_tail_columns,
};
use super::row::Row;
use crate::scalar::Element;
use crate::simd;

/// The depth of a block: the rows of a tile stay in the first cache while a panel passes by.
const DEPTH: usize = 800;
/// The rows of the right operand that are packed in one pass, few enough for their pages to stay at hand.
const PASS: usize = 32;
/// The bytes of a block of the left operand, which stays in the second cache.
const LEFT_BYTES: usize = 192 << 10;
/// The bytes of the packed right operand, which stays in the last cache.
const RIGHT_BYTES: usize = 640 << 10;
/// From so many columns on, it pays to pack a left operand that could be read in place.
const REUSE: usize = 400;
/// Up to so many rows, it does not pay to pack the right operand.
const FEW: usize = 3;
/// The multiplications that make a thread worth its while.
const SHARE: usize = 1 << 17;
/// The numbers to pack that make a thread worth its while.
const COPIES: usize = 1 << 14;

/// Room for packed operands, which grows to what the largest product needs and stays.
#[derive(Clone, Debug, Default)]
pub struct Packs<T> {
    right: Vec<T>,
    left: Vec<T>,
}

/// The first `len` places of a buffer that grows if it must.
fn room<T: Element>(buffer: &mut Vec<T>, len: usize) -> &mut [T] {
    if buffer.len() < len {
        buffer.resize(len, T::ZERO);
    }
    &mut buffer[..len]
}

/// The numbers in a register.
struct Lanes<T>(std::marker::PhantomData<T>);

impl<T: Element> WithSimd for Lanes<T> {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        T::lanes::<S>()
    }
}

/// Which operand lies there transposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Product {
    /// Neither: A·B.
    AB,
    /// The left one: Aᵀ·B, where `a` is (k, m).
    AtB,
    /// The right one: A·Bᵀ, where `b` is (n, k).
    ABt,
}

/// A product; see [`Engine`](super::Engine).
#[derive(Clone, Copy)]
pub(crate) struct Job<'a, T> {
    pub op: Product,
    pub m: usize,
    pub k: usize,
    pub n: usize,
    pub a: &'a [T],
    pub b: &'a [T],
    pub start: Option<&'a [T]>,
}

impl<'a, T: Element> Job<'a, T> {
    /// Computes the product.
    pub fn run(self, c: &mut [T], packs: &mut Packs<T>, threads: usize) {
        let Self { op, m, k, n, .. } = self;
        let arch = simd::arch();
        let in_place = match op {
            Product::AB => m <= FEW,
            Product::AtB => m == 1,
            Product::ABt => false,
        };
        if in_place || k == 0 || n == 0 {
            return self.rows(arch, c);
        }
        let work = m.saturating_mul(k).saturating_mul(n);
        let threads = threads.min(work / SHARE).min(m.div_ceil(STRIP)).max(1);
        let lanes = arch.dispatch(Lanes::<T>(std::marker::PhantomData));
        let depth = k.div_ceil(k.div_ceil(DEPTH));
        let high = (LEFT_BYTES / (depth * size_of::<T>())).max(1).next_multiple_of(STRIP);
        let packed = n >= REUSE;
        // As much as any shape may need, so that a smaller batch never asks for more than a larger one.
        let left = if packed { LEFT_BYTES / size_of::<T>() + STRIP * DEPTH } else { 0 };
        let left = room(&mut packs.left, left * threads);

        let wide = (RIGHT_BYTES / (depth * size_of::<T>())).max(1).next_multiple_of(2 * lanes);
        let wide = n.div_ceil(n.div_ceil(wide)).next_multiple_of(2 * lanes);
        for col in (0..n).step_by(wide) {
            let panels = Panels::new(wide.min(n - col), lanes);
            for at in (0..k).step_by(depth) {
                let deep = depth.min(k - at);
                let right = room(&mut packs.right, deep * panels.width());
                let block = Block { job: self, arch, col, at, deep, panels, packed, high };
                block.pack(0, panels.count, right, threads.min(right.len() / COPIES).max(1));
                block.compute(0, m, right, c, left, threads);
            }
        }
    }

    /// Computes the rows one by one, without packing anything.
    fn rows(self, arch: Arch, c: &mut [T]) {
        for (i, y) in c.chunks_exact_mut(self.n.max(1)).enumerate() {
            match self.start {
                Some(start) => y.copy_from_slice(start),
                None => y.fill(T::ZERO),
            }
            arch.dispatch(Row { x: &self.a[i * self.k..][..self.k], b: self.b, y });
        }
    }
}

/// As many columns of a product, and as much of k, as are packed at a time.
#[derive(Clone, Copy)]
struct Block<'a, T> {
    job: Job<'a, T>,
    arch: Arch,
    /// The first column.
    col: usize,
    /// The first k.
    at: usize,
    /// How much of k.
    deep: usize,
    panels: Panels,
    /// Whether the left operand is packed too.
    packed: bool,
    /// The rows of a step.
    high: usize,
}

impl<T: Element> Block<'_, T> {
    /// Packs the panels from `from` to `to`.
    fn pack(self, from: usize, to: usize, right: &mut [T], threads: usize) {
        let (deep, before) = (self.deep, self.panels.span(from).col);
        if threads > 1 && to - from > 1 {
            let mid = from.midpoint(to);
            let (low, high) = right.split_at_mut(deep * (self.panels.span(mid).col - before));
            rayon_core::join(
                || self.pack(from, mid, low, threads / 2),
                || self.pack(mid, to, high, threads - threads / 2),
            );
            return;
        }
        let pass = if self.job.op == Product::ABt { deep } else { PASS };
        for at in (0..deep).step_by(pass) {
            for span in (from..to).map(|i| self.panels.span(i)) {
                let (panel, tail) = right[deep * (span.col - before)..].split_at_mut(deep * span.width);
                let rows = pass.min(deep - at);
                let panel = &mut panel[at * span.width..][..rows * span.width];
                let tail = if span.tail > 0 { &mut tail[at * TAIL..][..rows * TAIL] } else { &mut [] };
                self.pack_panel(span, self.at + at, panel, tail);
            }
        }
    }

    /// Packs rows of one panel, from row `at` of the right operand on.
    fn pack_panel(self, span: Span, at: usize, panel: &mut [T], tail: &mut [T]) {
        let Job { op, k, n, b, .. } = self.job;
        let (col, beside) = (self.col + span.col, self.col + span.col + span.cols);
        if op == Product::ABt {
            pack_columns(Rows { a: &b[col * k + at..], stride: k, depth: self.deep }, span, panel);
        } else {
            self.arch.dispatch(PackRows { b: &b[at * n + col..], stride: n, span, to: panel });
        }
        match op {
            _ if span.tail == 0 => {}
            Product::ABt => pack_tail_columns(&b[beside * k + at..], k, span.tail, tail),
            _ => pack_tail(&b[at * n + beside..], n, span.tail, tail),
        }
    }

    /// Computes the rows from `from` to `to`, of which `c` is the output.
    fn compute(self, from: usize, to: usize, right: &[T], c: &mut [T], left: &mut [T], threads: usize) {
        let Self { job: Job { op, m, k, n, a, .. }, at, deep: depth, .. } = self;
        if threads > 1 {
            let share = (to - from) * (threads / 2) / threads;
            let mid = from + (share + STRIP / 2) / STRIP * STRIP;
            let (c, d) = c.split_at_mut((mid - from) * n);
            let (left, more) = left.split_at_mut(left.len() / threads * (threads / 2));
            rayon_core::join(
                || self.compute(from, mid, right, c, left, threads / 2),
                || self.compute(mid, to, right, d, more, threads - threads / 2),
            );
            return;
        }
        for (row, c) in (from..to).step_by(self.high).zip(c.chunks_mut(self.high * n)) {
            let rows = self.high.min(to - row);
            match (op, self.packed) {
                (Product::AtB, true) => {
                    pack_left_columns(&a[at * m + row..], m, rows, depth, left);
                    self.step(Strips { a: left, depth }, rows, right, c);
                }
                (Product::AtB, false) => {
                    let a = &a[at * m + row..][..(depth - 1) * m + rows];
                    self.step(Columns { a, stride: m }, rows, right, c);
                }
                (_, true) => {
                    pack_rows(Rows { a: &a[row * k + at..], stride: k, depth }, rows, left);
                    self.step(Strips { a: left, depth }, rows, right, c);
                }
                (_, false) => self.step(Rows { a: &a[row * k + at..], stride: k, depth }, rows, right, c),
            }
        }
    }

    /// Computes `rows` rows.
    fn step<L: Left<T = T>>(self, left: L, rows: usize, right: &[T], c: &mut [T]) {
        let (Job { n, start, .. }, deep) = (self.job, self.deep);
        for span in (0..self.panels.count).map(|i| self.panels.span(i)) {
            let col = self.col + span.col;
            let (panel, tail) = right[deep * span.col..].split_at(deep * span.width);
            let tail = if span.tail > 0 { &tail[..deep * TAIL] } else { &[] };
            let start = match start {
                _ if self.at > 0 => Start::Resume,
                Some(row) => Start::Row(&row[col..][..span.cols + span.tail]),
                None => Start::Zero,
            };
            let cols = (span.cols, span.tail);
            let mut panel = Panel { left, panel, tail, start, c: &mut c[col..], stride: n, cols };
            panel.compute(self.arch, span.registers, rows);
        }
    }
}
