//! Copies of the operands in the order in which the kernels read them.

use super::kernel::{Left, Rows, STRIP};
use crate::scalar::Element;
use pulp::{Simd, WithSimd};

/// How the columns of the output are cut into panels: two registers wide, but for an odd one at the end that
/// makes the last panel three wide.
#[derive(Clone, Copy)]
pub(crate) struct Panels {
    /// The columns.
    cols: usize,
    /// The numbers in a register.
    lanes: usize,
    /// The registers that a row of the output fills.
    registers: usize,
    /// How many panels there are.
    pub count: usize,
}

impl Panels {
    /// The panels of `cols` columns.
    pub fn new(cols: usize, lanes: usize) -> Self {
        let registers = cols.div_ceil(lanes);
        Self { cols, lanes, registers, count: (registers / 2).max(1) }
    }

    /// The registers before panel `i`.
    fn at(self, i: usize) -> usize {
        if i == self.count { self.registers } else { 2 * i }
    }

    /// The width of panel `i`, in registers.
    pub fn width(self, i: usize) -> usize {
        self.at(i + 1) - self.at(i)
    }

    /// The columns before panel `i`, with the padding.
    pub fn start(self, i: usize) -> usize {
        self.at(i) * self.lanes
    }

    /// The columns in panel `i`, without the padding.
    pub fn cols(self, i: usize) -> usize {
        self.cols.min(self.start(i + 1)) - self.start(i)
    }
}

/// Packs a panel of a right operand whose rows are `stride` apart.
pub(crate) struct PackRows<'a, T> {
    /// The right operand, from the panel's first column on.
    pub b: &'a [T],
    /// The distance between its rows.
    pub stride: usize,
    /// The columns to copy.
    pub cols: usize,
    /// The width of the panel, in registers.
    pub width: usize,
    /// The panel.
    pub to: &'a mut [T],
}

impl<T: Element> PackRows<'_, T> {
    #[inline(always)]
    fn pack<S: Simd, const W: usize>(self, simd: S) {
        let whole = self.cols == W * T::lanes::<S>();
        let (to, _) = T::vectors_mut::<S>(self.to);
        for (row, to) in self.b.chunks(self.stride).zip(to.as_chunks_mut::<W>().0) {
            let (full, rest) = T::vectors::<S>(&row[..self.cols]);
            if whole {
                to.copy_from_slice(full);
            } else {
                for (j, to) in to.iter_mut().enumerate() {
                    *to = match full.get(j) {
                        Some(&v) => v,
                        None if j == full.len() => T::load(simd, rest),
                        None => T::splat(simd, T::ZERO),
                    }
                }
            }
        }
    }
}

impl<T: Element> WithSimd for PackRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.width {
            1 => self.pack::<S, 1>(simd),
            2 => self.pack::<S, 2>(simd),
            _ => self.pack::<S, 3>(simd),
        }
    }
}

/// Packs a panel of a right operand that lies there transposed.
pub(crate) fn pack_columns<T: Element>(b: &[T], depth: usize, cols: usize, width: usize, to: &mut [T]) {
    const GROUP: usize = 4;
    if cols < width {
        to.fill(T::ZERO);
    }
    let mut col = 0;
    while cols - col >= GROUP {
        let rows = Rows { a: b, stride: depth, depth };
        for (to, four) in to.chunks_exact_mut(width).zip(rows.steps::<GROUP>(col)) {
            to[col..col + GROUP].copy_from_slice(&four);
        }
        col += GROUP;
    }
    for col in col..cols {
        for (to, &b) in to.chunks_exact_mut(width).zip(&b[col * depth..]) {
            to[col] = b;
        }
    }
}

/// Packs strips of a left operand.
pub(crate) fn pack_left<T: Element>(
    a: &[T],
    transposed: bool,
    stride: usize,
    rows: usize,
    depth: usize,
    to: &mut [T],
) {
    for (strip, to) in to.chunks_exact_mut(STRIP * depth).enumerate().take(rows.div_ceil(STRIP)) {
        let row = strip * STRIP;
        let to = to.as_chunks_mut::<STRIP>().0;
        let high = STRIP.min(rows - row);
        if transposed {
            for (from, to) in a[row..].chunks(stride).zip(to) {
                match from.first_chunk::<STRIP>() {
                    Some(from) if high == STRIP => *to = *from,
                    _ => to[..high].copy_from_slice(&from[..high]),
                }
            }
        } else if high == STRIP {
            for (from, to) in (Rows { a, stride, depth }).steps::<STRIP>(row).zip(to) {
                *to = from;
            }
        } else {
            for i in 0..high {
                for (from, to) in a[(row + i) * stride..].iter().zip(&mut *to) {
                    to[i] = *from;
                }
            }
        }
    }
}
