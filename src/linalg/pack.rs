//! Packing: copies of the operands in the order in which the kernels read them.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::kernel::{Left, Rows, STRIP, TAIL, read};
use crate::scalar::Element;

/// The division of the output columns into panels of two registers. An odd register widens the last panel to three registers.
/// If a tail of a few columns follows, or if it is the only register, it forms the last panel instead.
#[derive(Clone, Copy)]
pub(crate) struct Panels {
    /// The number of columns.
    pub cols: usize,
    /// The number of values in a register.
    pub lanes: usize,
    /// The number of registers that a row of the output fills.
    registers: usize,
    /// The number of panels.
    pub count: usize,
    /// The number of remaining columns, at most [`TAIL`], which are not worth a register.
    tail: usize,
}

/// The position and the size of a panel.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    /// The number of columns before the panel.
    pub col: usize,
    /// The number of its columns, without the tail.
    pub cols: usize,
    /// Its width in registers.
    pub registers: usize,
    /// Its width in values, including padding, without the tail.
    pub width: usize,
    /// The number of columns in its tail.
    pub tail: usize,
}

impl Panels {
    /// Divides `cols` columns into panels.
    pub fn new(cols: usize, lanes: usize) -> Self {
        let rest = cols % lanes;
        let tail = if cols > lanes && rest <= TAIL && TAIL < lanes { rest } else { 0 };
        let registers = (cols - tail).div_ceil(lanes);
        // A panel with a tail has no room for three registers.
        let count = if tail > 0 { registers.div_ceil(2) } else { (registers / 2).max(1) };
        Self { cols, lanes, registers, count, tail }
    }

    /// Returns whether all registers are full, and the tail as well if it exists.
    pub fn are_full(self) -> bool {
        self.cols == self.registers * self.lanes + self.tail && (self.tail == 0 || self.tail == TAIL)
    }

    /// Returns the number of values in a row of all panels together, including the tail.
    pub fn width(self) -> usize {
        self.registers * self.lanes + if self.tail > 0 { TAIL } else { 0 }
    }

    /// Returns the position and the size of panel `i`.
    pub fn span(self, i: usize) -> Span {
        let is_last = i + 1 == self.count;
        let registers = if is_last { self.registers - 2 * i } else { 2 };
        let (col, width) = (2 * i * self.lanes, registers * self.lanes);
        let cols = width.min(self.cols - col);
        Span { col, cols, registers, width, tail: if is_last { self.tail } else { 0 } }
    }
}

/// The number of rows of the right operand that are packed in one pass, small enough that the TLB covers their pages.
const PASS: usize = 32;

/// The operation that packs some panels of a right operand.
pub(crate) struct PackRows<'a, T> {
    /// The right operand, starting at the first row and the first column of all panels.
    pub b: &'a [T],
    /// The distance between its rows.
    pub stride: usize,
    /// The number of rows.
    pub depth: usize,
    /// All panels.
    pub panels: Panels,
    /// The panels to pack.
    pub range: Range<usize>,
    /// The packed panels.
    pub to: &'a mut [T],
}

impl<T: Element> PackRows<'_, T> {
    /// Packs rows of a panel of `W` registers. `b` starts at the first row and the panel's first column.
    #[inline(always)]
    fn pack<S: Simd, const W: usize>(simd: S, b: &[T], stride: usize, cols: usize, to: &mut [T]) {
        let (to, _) = T::vectors_mut::<S>(to);
        for (row, to) in b.chunks(stride).zip(to.as_chunks_mut::<W>().0) {
            *to = read::<T, S, W>(simd, &row[..cols]);
        }
    }
}

impl<T: Element> WithSimd for PackRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { b, stride, depth, panels, range, to } = self;
        let before = panels.span(range.start).col;
        for at in (0..depth).step_by(PASS) {
            let rows = PASS.min(depth - at);
            for i in range.clone() {
                let span = panels.span(i);
                let (panel, tail) = to[depth * (span.col - before)..].split_at_mut(depth * span.width);
                let panel = &mut panel[at * span.width..][..rows * span.width];
                let b = &b[at * stride + span.col..];
                match span.registers {
                    1 => Self::pack::<S, 1>(simd, b, stride, span.cols, panel),
                    2 => Self::pack::<S, 2>(simd, b, stride, span.cols, panel),
                    _ => Self::pack::<S, 3>(simd, b, stride, span.cols, panel),
                }
                if span.tail > 0 {
                    pack_tail(&b[span.cols..], stride, span.tail, &mut tail[at * TAIL..][..rows * TAIL]);
                }
            }
        }
    }
}

/// Packs rows of the tail of a right operand. `b` starts at the first row and the tail's first column.
fn pack_tail<T: Element>(b: &[T], stride: usize, cols: usize, to: &mut [T]) {
    for (row, to) in b.chunks(stride).zip(to.as_chunks_mut::<TAIL>().0) {
        *to = [T::ZERO; TAIL];
        to[..cols].copy_from_slice(&row[..cols]);
    }
}

/// Packs one panel of a right operand that is stored transposed, and its tail if it has one. The columns of the panel are the
/// first rows of `from`.
pub(crate) fn pack_columns<T: Element>(from: Rows<'_, T>, span: Span, to: &mut [T]) {
    // Packs several columns at a time, because the panel is written row by row.
    const GROUP: usize = 4;
    let Span { cols, width, .. } = span;
    let (to, tail) = to.split_at_mut(from.depth * width);
    if cols < width {
        to.fill(T::ZERO);
    }
    let rest = cols - cols % GROUP;
    for col in (0..rest).step_by(GROUP) {
        for (to, from) in to.chunks_exact_mut(width).zip(from.steps::<GROUP>(col)) {
            to[col..][..GROUP].copy_from_slice(&from);
        }
    }
    for col in rest..cols {
        for (to, &from) in to.chunks_exact_mut(width).zip(&from.a[col * from.stride..]) {
            to[col] = from;
        }
    }
    if span.tail > 0 {
        pack_tail_columns(
            &from.a[cols * from.stride..],
            from.stride,
            span.tail,
            &mut tail[..from.depth * TAIL],
        );
    }
}

/// Packs the tail of a right operand that is stored transposed. `b` starts at the tail's first column.
fn pack_tail_columns<T: Element>(b: &[T], stride: usize, cols: usize, to: &mut [T]) {
    to.fill(T::ZERO);
    for col in 0..cols {
        for (to, &from) in to.as_chunks_mut::<TAIL>().0.iter_mut().zip(&b[col * stride..]) {
            to[col] = from;
        }
    }
}

/// Packs `rows` rows of a left operand into strips.
pub(crate) fn pack_rows<T: Element>(from: Rows<'_, T>, rows: usize, to: &mut [T]) {
    let Rows { a, stride, depth } = from;
    for (row, to) in (0..rows).step_by(STRIP).zip(to.chunks_exact_mut(STRIP * depth)) {
        let to = to.as_chunks_mut::<STRIP>().0;
        if rows - row >= STRIP {
            for (to, step) in to.iter_mut().zip(from.steps::<STRIP>(row)) {
                *to = step;
            }
        } else {
            for i in 0..rows - row {
                for (to, &a) in to.iter_mut().zip(&a[(row + i) * stride..]) {
                    to[i] = a;
                }
            }
        }
    }
}

/// Packs `rows` rows of a left operand that is stored transposed into strips of depth `depth`.
pub(crate) fn pack_left_columns<T: Element>(a: &[T], stride: usize, rows: usize, depth: usize, to: &mut [T]) {
    // Packs a few columns at a time for all strips: a cache line that several strips share is then still cached, even if the
    // distance between columns is a power of two.
    const GROUP: usize = 8;
    for at in (0..depth).step_by(GROUP) {
        let columns = GROUP.min(depth - at);
        for (row, to) in (0..rows).step_by(STRIP).zip(to.chunks_exact_mut(STRIP * depth)) {
            let high = STRIP.min(rows - row);
            let to = &mut to.as_chunks_mut::<STRIP>().0[at..][..columns];
            for (to, from) in to.iter_mut().zip(a[at * stride + row..].chunks(stride)) {
                // A copy of constant length compiles to a few moves instead of a call.
                match from.first_chunk() {
                    Some(from) if high == STRIP => *to = *from,
                    _ => to[..high].copy_from_slice(&from[..high]),
                }
            }
        }
    }
}
