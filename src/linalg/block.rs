//! The blocking of a product whose right operand is packed or read in place, and the division of its rows among threads.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::job::{DEPTH, Job, Pack, Product, THIN, depth, room};
use super::kernel::{Columns, InPlace, Left, Packed, Panel, Right, Rows, STRIP, Start, Strips, TAIL, WIDEST};
use super::pack::{PackRows, Panels, Span, pack_columns, pack_left_columns, pack_rows};
use crate::parallel::{Divide, divide, least, shares};
use crate::scalar::Element;
use crate::simd;

/// The size in bytes of a block of the left operand, which stays in the second-level cache.
const LEFT_BYTES: usize = 384 << 10;
/// The size in bytes of the packed right operand, which stays in the last-level cache.
const RIGHT_BYTES: usize = 2560 << 10;
/// The number of columns from which packing a left operand pays off, even if it could be read in place.
const REUSE: usize = 400;
/// The maximum number of values in two registers.
const MOST_ACROSS: usize = 2 * WIDEST / size_of::<f32>();

/// A packed copy of a right operand.
#[derive(Clone, Copy)]
pub struct Copied<'a, T> {
    /// The copy.
    pub values: &'a [T],
    /// The panels of the whole operand.
    pub panels: Panels,
    /// The first column of the product that uses the copy.
    pub col: usize,
}

impl<'a, T> Copied<'a, T> {
    /// Returns the packed panels of a block of k, from the first column of the product on.
    fn block(self, at: usize, deep: usize, panels: Panels) -> &'a [T] {
        &self.values[at * self.panels.width() + deep * self.col..][..deep * panels.width()]
    }
}

/// The number of values in a register.
struct Lanes<T>(std::marker::PhantomData<T>);

impl<T: Element> WithSimd for Lanes<T> {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        T::lanes::<S>()
    }
}

impl<T: Element> Job<'_, T> {
    /// Returns whether the right operand may be read in place, if its panels are full: it is so small that it stays in the cache.
    pub fn may_stay(self, lanes: usize) -> bool {
        self.n < REUSE && wide::<T>(self.k, lanes) >= self.n
    }

    /// Computes the sums over a range of k. `copy` is the packed copy of the right operand, if there is one.
    pub fn blocks(
        self,
        part: Range<usize>,
        arch: Arch,
        c: &mut [T],
        packs: &mut Pack<T>,
        copy: Option<Copied<'_, T>>,
        threads: usize,
    ) {
        let Self { op, m, k, n, .. } = self;
        let lanes = lanes::<T>(arch);
        let depth = depth(k);
        let high = (LEFT_BYTES / (depth * size_of::<T>())).max(1).next_multiple_of(STRIP);
        let packed = n >= REUSE && (m > THIN || copy.is_none());
        // The maximum that any shape needs, so that a smaller batch never needs more than a larger one.
        let left = if packed { LEFT_BYTES / size_of::<T>() + STRIP * DEPTH } else { 0 };
        let left = room(&mut packs.left, left * threads);
        // The same applies to the right operand, whose panels get wider as k gets smaller.
        let most_right = k.min(DEPTH).saturating_mul(n.next_multiple_of(2 * lanes));
        let most_right = most_right.min(RIGHT_BYTES / size_of::<T>() + 2 * lanes * DEPTH);

        let wide = if copy.is_some() { n } else { wide::<T>(k, lanes) };
        let wide = n.div_ceil(n.div_ceil(wide)).next_multiple_of(2 * lanes);
        // If the rows of a thread form one block, its packed copy serves all columns.
        let fits = m.div_ceil(threads) <= high;
        let mut compute = |col: usize, at: usize| {
            let (cols, deep) = (wide.min(n - col), depth.min(k - at));
            // If A is stored transposed, its columns are contiguous: the last few columns of the product are computed as rows
            // of its transpose, which fill registers.
            let across = op == Product::AtB
                && self.start.is_none()
                && (!packed && cols > lanes && lanes > TAIL && cols % lanes == TAIL)
                && m >= 4 * lanes * threads;
            let panels = Panels::new(if across { cols - TAIL } else { cols }, lanes);
            // In a gradient, a dense copy of the right operand is faster than the operand itself, but several threads would
            // wait for the copy.
            let pays = op == Product::AB || (op == Product::AtB && threads > 1);
            let in_place = pays && self.may_stay(lanes) && panels.are_full();
            let start = match self.start {
                _ if at > part.start => Start::Add,
                Some(row) if at == 0 => Start::Row(row),
                _ => Start::Zero,
            };
            let ready = fits && col > 0;
            let block = Block { job: self, arch, col, at, deep, start, panels, across, packed, ready, high };
            let size = deep * panels.width();
            let right: &[T] = match copy {
                Some(copy) => copy.block(at, deep, panels),
                None if in_place => &[],
                None => {
                    let right = &mut room(&mut packs.right, size.max(most_right))[..size];
                    block.pack_all(right, threads);
                    right
                }
            };
            let all = RowRange { n, from: 0, to: m, c: &mut *c, left: &mut *left, threads };
            divide(all, threads, &|rows| block.compute(rows, right));
        };
        let (cols, depths) = (|| (0..n).step_by(wide), || part.clone().step_by(depth));
        match fits {
            true => depths().for_each(|at| cols().for_each(|col| compute(col, at))),
            false => cols().for_each(|col| depths().for_each(|at| compute(col, at))),
        }
    }
}

/// Returns the number of values in a register.
pub fn lanes<T: Element>(arch: Arch) -> usize {
    arch.dispatch(Lanes::<T>(std::marker::PhantomData))
}

/// Returns the number of columns of a packed right operand.
fn wide<T>(k: usize, lanes: usize) -> usize {
    (RIGHT_BYTES / (depth(k) * size_of::<T>())).max(1).next_multiple_of(2 * lanes)
}

/// Returns the length of a packed copy of a whole right operand of shape (k, n).
pub fn packed_len<T: Element>(k: usize, n: usize) -> usize {
    k * Panels::new(n, lanes::<T>(simd::arch())).width()
}

/// Packs a whole right operand of shape (k, n) into a buffer of [`packed_len`] elements.
pub fn pack_whole<T: Element>(b: &[T], k: usize, n: usize, copy: &mut [T], threads: usize) {
    let (arch, op, start) = (simd::arch(), Product::AB, Start::Zero);
    let panels = Panels::new(n, lanes::<T>(arch));
    let job = Job { op, m: 0, k, n, a: &[], b, start: None };
    let mut rest = copy;
    for at in (0..k).step_by(depth(k)) {
        let deep = depth(k).min(k - at);
        let right = rest.split_off_mut(..deep * panels.width()).expect("the copy has room for all blocks");
        let (across, packed, ready) = (false, false, false);
        let block = Block { job, arch, col: 0, at, deep, start, panels, across, packed, ready, high: 0 };
        block.pack_all(right, threads);
    }
}

/// The part of a product that is packed at a time: a range of columns and a range of k.
#[derive(Clone, Copy)]
struct Block<'a, T> {
    job: Job<'a, T>,
    arch: Arch,
    /// The first column.
    col: usize,
    /// The first index in k.
    at: usize,
    /// The number of indices in k.
    deep: usize,
    start: Start<'a, T>,
    panels: Panels,
    /// Whether the [`TAIL`] columns after the panels are computed as rows of the transposed product.
    across: bool,
    /// Whether the left operand is packed as well.
    packed: bool,
    /// Whether the columns before have left the packed left operand in the buffer, if the rows of a thread form one block.
    ready: bool,
    /// The number of rows in a step.
    high: usize,
}

/// A range of panels of a block, and the buffer for their copies.
struct PanelRange<'a, 'b, T> {
    block: Block<'b, T>,
    from: usize,
    to: usize,
    right: &'a mut [T],
}

impl<T: Element> Divide for PanelRange<'_, '_, T> {
    fn len(&self) -> usize {
        self.to - self.from
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        let Self { block, from, to, right } = self;
        let col = |i| block.panels.span(i).col;
        let (low, high) = right.split_at_mut(block.deep * (col(from + at) - col(from)));
        (Self { block, from, to: from + at, right: low }, Self { block, from: from + at, to, right: high })
    }
}

/// A range of output rows, and buffers for the left operand on each of the threads that share these rows.
struct RowRange<'a, T> {
    n: usize,
    from: usize,
    to: usize,
    c: &'a mut [T],
    left: &'a mut [T],
    threads: usize,
}

impl<T: Element> Divide for RowRange<'_, T> {
    fn len(&self) -> usize {
        self.to - self.from
    }

    /// Splits at the nearest strip boundary.
    fn split_at(self, at: usize) -> (Self, Self) {
        let Self { n, from, to, c, left, threads } = self;
        let mid = from + (at + STRIP / 2) / STRIP * STRIP;
        let (c, other_c) = c.split_at_mut((mid - from) * n);
        let (left, other_left) = left.split_at_mut(left.len() / threads * (threads / 2));
        let [low, high] = [threads / 2, threads - threads / 2];
        let part = Self { n, from, to: mid, c, left, threads: low };
        (part, Self { n, from: mid, to, c: other_c, left: other_left, threads: high })
    }
}

impl<T: Element> Block<'_, T> {
    /// Packs all panels.
    fn pack_all(self, right: &mut [T], threads: usize) {
        let threads = shares(threads, right.len(), least::PACKED);
        let all = PanelRange { block: self, from: 0, to: self.panels.count, right };
        divide(all, threads, &|part| self.pack(part));
    }

    /// Packs a range of panels.
    fn pack(self, PanelRange { from, to, right, .. }: PanelRange<'_, '_, T>) {
        let Self { job: Job { op, k, n, b, .. }, arch, col, at, deep: depth, panels, .. } = self;
        if op != Product::ABt {
            let b = &b[at * n + col..];
            return arch.dispatch(PackRows { b, stride: n, depth, panels, range: from..to, to: right });
        }
        let before = panels.span(from).col;
        for span in (from..to).map(|i| panels.span(i)) {
            let a = &b[(col + span.col) * k + at..];
            pack_columns(Rows { a, stride: k, depth }, span, &mut right[depth * (span.col - before)..]);
        }
    }

    /// Computes a range of rows.
    fn compute(self, RowRange { from, to, c, left, .. }: RowRange<'_, T>, right: &[T]) {
        let Self { job: Job { op, m, k, n, a, .. }, at, deep: depth, .. } = self;
        if self.across {
            self.across(from, to, c);
        }
        let ready = self.ready && to - from <= self.high;
        for (row, c) in (from..to).step_by(self.high).zip(c.chunks_mut(self.high * n)) {
            let rows = self.high.min(to - row);
            match (op, self.packed) {
                (Product::AtB, true) => {
                    if !ready {
                        pack_left_columns(&a[at * m + row..], m, rows, depth, left);
                    }
                    self.step(Strips { a: left, depth }, rows, right, c);
                }
                (Product::AtB, false) => {
                    let a = &a[at * m + row..][..(depth - 1) * m + rows];
                    let left = Columns { a, stride: m };
                    match right {
                        [] => self.step_in_place(left, rows, c),
                        _ => self.step(left, rows, right, c),
                    }
                }
                (_, true) => {
                    if !ready {
                        pack_rows(Rows { a: &a[row * k + at..], stride: k, depth }, rows, left);
                    }
                    self.step(Strips { a: left, depth }, rows, right, c);
                }
                (_, false) => {
                    let left = Rows { a: &a[row * k + at..], stride: k, depth };
                    match right {
                        [] => self.step_in_place(left, rows, c),
                        _ => self.step(left, rows, right, c),
                    }
                }
            }
        }
    }

    /// Computes `rows` rows of all panels.
    fn step<L: Left<T = T>>(self, left: L, rows: usize, right: &[T], c: &mut [T]) {
        for span in (0..self.panels.count).map(|i| self.panels.span(i)) {
            let (panel, tail) = right[self.deep * span.col..].split_at(self.deep * span.width);
            let tail = if span.tail > 0 { &tail[..self.deep * TAIL] } else { &[] };
            self.panel(span, left, Packed { panel, tail }, rows, c);
        }
    }

    /// Computes the rows from `from` to `to` of the columns after the panels, in groups that fill two registers. The last
    /// group overlaps the group before it.
    fn across(self, from: usize, to: usize, c: &mut [T]) {
        let Job { m, n, a, b, .. } = self.job;
        let col = self.col + self.panels.cols;
        let width = 2 * self.panels.lanes;
        let mut sums = [T::ZERO; TAIL * MOST_ACROSS];
        let sums = &mut sums[..TAIL * width];
        for row in (from..to).step_by(width) {
            let first = row.min(to - width);
            let left = Columns { a: &b[self.at * n + col..], stride: n };
            let right = InPlace { b: &a[self.at * m + first..][..(self.deep - 1) * m + width], stride: m };
            let (start, cols) = (Start::Zero, (width, 0));
            Panel { left, right, start, c: &mut *sums, stride: width, cols }.compute_tail(self.arch);
            for i in row - first..width {
                let c = &mut c[(first + i - from) * n + col..][..TAIL];
                for (c, sums) in c.iter_mut().zip(sums.chunks_exact(width)) {
                    *c = if let Start::Add = self.start { T::fused(T::ONE, sums[i], *c) } else { sums[i] };
                }
            }
        }
    }

    /// Computes `rows` rows of all columns, without packing either operand.
    fn step_in_place<L: Left<T = T>>(self, left: L, rows: usize, c: &mut [T]) {
        let Job { n, b, .. } = self.job;
        for span in (0..self.panels.count).map(|i| self.panels.span(i)) {
            self.panel(span, left, InPlace { b: &b[self.at * n + span.col..], stride: n }, rows, c);
        }
    }

    /// Computes `rows` rows of one panel.
    fn panel<L: Left<T = T>, R: Right<T>>(self, span: Span, left: L, right: R, rows: usize, c: &mut [T]) {
        let (n, col) = (self.job.n, self.col + span.col);
        let start = match self.start {
            Start::Row(row) => Start::Row(&row[col..][..span.cols + span.tail]),
            start => start,
        };
        let cols = (span.cols, span.tail);
        let many = self.panels.lanes * size_of::<T>() == WIDEST;
        let mut panel = Panel { left, right, start, c: &mut c[col..], stride: n, cols };
        panel.compute(self.arch, span.registers, rows, many);
    }
}
