//! Copies of the operands in the order in which the kernels read them.

use pulp::{Simd, WithSimd};

use super::kernel::{Left, Rows, STRIP, TAIL, read};
use crate::scalar::Element;

/// How the columns of the output are cut into panels: each two registers wide, but for the last, which takes an odd register
/// in or, before the few columns that are left over, is one.
#[derive(Clone, Copy)]
pub(crate) struct Panels {
    /// The columns.
    pub cols: usize,
    /// The numbers in a register.
    pub lanes: usize,
    /// The registers that a row of the output fills.
    registers: usize,
    /// How many panels there are.
    pub count: usize,
    /// The columns left over, at most [`TAIL`], which are not worth a register.
    tail: usize,
}

/// The place of a panel.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    /// The columns before it.
    pub col: usize,
    /// Its columns, without the tail.
    pub cols: usize,
    /// Its width in registers.
    pub registers: usize,
    /// Its width in numbers, padding and all, without the tail.
    pub width: usize,
    /// The columns of its tail.
    pub tail: usize,
}

impl Panels {
    /// The panels of `cols` columns.
    pub fn new(cols: usize, lanes: usize) -> Self {
        let rest = cols % lanes;
        let tail = if cols > lanes && rest <= TAIL && TAIL < lanes { rest } else { 0 };
        let registers = (cols - tail).div_ceil(lanes);
        // Beside a tail there is no room for three registers.
        let count = if tail > 0 { registers.div_ceil(2) } else { (registers / 2).max(1) };
        Self { cols, lanes, registers, count, tail }
    }

    /// Whether neither a register nor a tail is cut short.
    pub fn are_full(self) -> bool {
        self.cols == self.registers * self.lanes + self.tail && (self.tail == 0 || self.tail == TAIL)
    }

    /// The numbers in a row of all panels together, tail and all.
    pub fn width(self) -> usize {
        self.registers * self.lanes + if self.tail > 0 { TAIL } else { 0 }
    }

    /// Panel `i`.
    pub fn span(self, i: usize) -> Span {
        let is_last = i + 1 == self.count;
        let registers = if is_last { self.registers - 2 * i } else { 2 };
        let (col, width) = (2 * i * self.lanes, registers * self.lanes);
        let cols = width.min(self.cols - col);
        Span { col, cols, registers, width, tail: if is_last { self.tail } else { 0 } }
    }
}

/// Packs rows of one panel of a right operand.
pub(crate) struct PackRows<'a, T> {
    /// The right operand, from the first row and the panel's first column on.
    pub b: &'a [T],
    /// The distance between its rows.
    pub stride: usize,
    /// The panel's place.
    pub span: Span,
    /// The panel, from the first row on.
    pub to: &'a mut [T],
}

impl<T: Element> PackRows<'_, T> {
    /// Packs a panel of `W` registers.
    #[inline(always)]
    fn pack<S: Simd, const W: usize>(self, simd: S) {
        let (to, _) = T::vectors_mut::<S>(self.to);
        for (row, to) in self.b.chunks(self.stride).zip(to.as_chunks_mut::<W>().0) {
            *to = read::<T, S, W>(simd, &row[..self.span.cols]);
        }
    }
}

impl<T: Element> WithSimd for PackRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.span.registers {
            1 => self.pack::<S, 1>(simd),
            2 => self.pack::<S, 2>(simd),
            _ => self.pack::<S, 3>(simd),
        }
    }
}

/// Packs rows of the tail of a right operand; `b` starts with the first row and the tail's first column.
pub(crate) fn pack_tail<T: Element>(b: &[T], stride: usize, cols: usize, to: &mut [T]) {
    for (row, to) in b.chunks(stride).zip(to.as_chunks_mut::<TAIL>().0) {
        *to = [T::ZERO; TAIL];
        to[..cols].copy_from_slice(&row[..cols]);
    }
}

/// Packs the tail of a right operand that lies there transposed; `b` starts with the tail's first column.
pub(crate) fn pack_tail_columns<T: Element>(b: &[T], stride: usize, cols: usize, to: &mut [T]) {
    to.fill(T::ZERO);
    for col in 0..cols {
        for (to, &from) in to.as_chunks_mut::<TAIL>().0.iter_mut().zip(&b[col * stride..]) {
            to[col] = from;
        }
    }
}

/// Packs one panel of a right operand that lies there transposed, whose columns are these rows.
pub(crate) fn pack_columns<T: Element>(from: Rows<'_, T>, span: Span, to: &mut [T]) {
    // Several columns at a time, because the panel is written row after row.
    const GROUP: usize = 4;
    let Span { cols, width, .. } = span;
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

/// Packs `rows` rows of a left operand that lies there transposed, into strips of depth `depth`.
pub(crate) fn pack_left_columns<T: Element>(a: &[T], stride: usize, rows: usize, depth: usize, to: &mut [T]) {
    // A few columns at a time for all strips: what strips share of a cache line is then still at hand, even if all columns
    // lie a power of two apart.
    const GROUP: usize = 8;
    for at in (0..depth).step_by(GROUP) {
        let columns = GROUP.min(depth - at);
        for (row, to) in (0..rows).step_by(STRIP).zip(to.chunks_exact_mut(STRIP * depth)) {
            let high = STRIP.min(rows - row);
            let to = &mut to.as_chunks_mut::<STRIP>().0[at..][..columns];
            for (to, from) in to.iter_mut().zip(a[at * stride + row..].chunks(stride)) {
                // A copy of known length is a few moves instead of a call.
                match from.first_chunk() {
                    Some(from) if high == STRIP => *to = *from,
                    _ => to[..high].copy_from_slice(&from[..high]),
                }
            }
        }
    }
}
