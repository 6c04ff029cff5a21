//! The inner loop: a tile of the output that lives in registers while `k` runs.

use pulp::{Arch, Simd, WithSimd};

use crate::scalar::Element;

/// The rows of a strip of packed left operand: a multiple of the height of every tile.
pub(crate) const STRIP: usize = 6;

/// Where the sums of a tile start.
#[derive(Clone, Copy)]
pub(crate) enum Start<'a, T> {
    /// At nought.
    Zero,
    /// At these values, the same for every row.
    Row(&'a [T]),
    /// At what the output holds: an earlier block of `k`.
    Resume,
}

/// The left operand as a kernel reads it: `H` rows at a time, one `k` after the other.
pub(crate) trait Left: Copy {
    /// The number.
    type T: Element;
    /// The rows from `row` on, for every `k` of the block.
    fn steps<const H: usize>(self, row: usize) -> impl Iterator<Item = [Self::T; H]>;
}

/// A left operand read in place, row after row.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a, T> {
    /// From the block's first number on.
    pub a: &'a [T],
    /// The distance between rows.
    pub stride: usize,
    /// The depth of the block.
    pub depth: usize,
}

impl<T: Element> Left for Rows<'_, T> {
    type T = T;
    #[inline(always)]
    fn steps<const H: usize>(self, row: usize) -> impl Iterator<Item = [T; H]> {
        let depth = self.depth;
        let mut rows = [&self.a[..0]; H];
        for (i, line) in rows.iter_mut().enumerate() {
            *line = &self.a[(row + i) * self.stride..][..depth];
        }
        (0..depth).map(move |k| {
            let mut step = [T::ZERO; H];
            for (to, row) in step.iter_mut().zip(&rows) {
                *to = row[k];
            }
            step
        })
    }
}

/// A left operand packed into strips of [`STRIP`] rows, `k` after `k`.
#[derive(Clone, Copy)]
pub(crate) struct Strips<'a, T> {
    /// The strips.
    pub a: &'a [T],
    /// The depth of the block.
    pub depth: usize,
}

impl<T: Element> Left for Strips<'_, T> {
    type T = T;
    #[inline(always)]
    fn steps<const H: usize>(self, row: usize) -> impl Iterator<Item = [T; H]> {
        let (strip, row) = (row / STRIP, row % STRIP);
        assert!(row + H <= STRIP);
        let strip = &self.a[strip * STRIP * self.depth..][..STRIP * self.depth];
        strip.as_chunks::<STRIP>().0.iter().map(move |a| {
            let mut step = [T::ZERO; H];
            for (i, to) in step.iter_mut().enumerate() {
                *to = a[row + i];
            }
            step
        })
    }
}

/// The registers that a row of a tile fills.
pub(crate) type Line<T, S, const W: usize> = [<T as Element>::Vector<S>; W];

/// Reads a row of a tile, the last of whose registers may be cut short.
#[inline(always)]
pub(crate) fn read<T: Element, S: Simd, const W: usize>(simd: S, row: &[T]) -> Line<T, S, W> {
    let (full, rest) = T::vectors::<S>(row);
    match full.first_chunk::<W>() {
        Some(&line) => line,
        None => {
            let mut line = [T::splat(simd, T::ZERO); W];
            for (j, v) in line.iter_mut().enumerate() {
                if j < full.len() {
                    *v = full[j];
                } else if j == full.len() {
                    *v = T::load(simd, rest);
                }
            }
            line
        }
    }
}

/// Writes a row of a tile.
#[inline(always)]
fn write<T: Element, S: Simd, const W: usize>(simd: S, row: &mut [T], line: Line<T, S, W>) {
    let (full, rest) = T::vectors_mut::<S>(row);
    match full.first_chunk_mut::<W>() {
        Some(full) => *full = line,
        None => {
            let whole = full.len();
            for (j, &v) in line.iter().enumerate() {
                if j < whole {
                    full[j] = v;
                } else if j == whole {
                    T::store(simd, rest, v);
                }
            }
        }
    }
}

/// Rows of the left operand times one panel of the right one.
pub(crate) struct Panel<'a, L: Left> {
    /// The rows.
    pub left: L,
    /// The packed panel, `k` after `k`.
    pub panel: &'a [L::T],
    /// Where the sums start.
    pub start: Start<'a, L::T>,
    /// The output, from the first row and the panel's first column on.
    pub c: &'a mut [L::T],
    /// The distance between rows of the output.
    pub stride: usize,
    /// The columns of the output that the panel covers.
    pub cols: usize,
}

impl<L: Left> Panel<'_, L> {
    /// Computes `rows` rows of a panel of `width` registers.
    pub fn compute(&mut self, arch: Arch, width: usize, rows: usize) {
        macro_rules! tiles {
            ($w:literal: $high:literal, $($rest:literal)*) => {{
                let count = rows / $high;
                arch.dispatch(Tiles::<L, $high, $w> { panel: self, row: 0, count });
                let row = count * $high;
                match rows - row {
                    $($rest => arch.dispatch(Tiles::<L, $rest, $w> { panel: self, row, count: 1 }),)*
                    _ => {}
                }
            }};
        }
        // Eight sums or more keep both multipliers busy; twelve and the operands just fit sixteen registers.
        match width {
            1 => tiles!(1: 6, 1 2 3 4 5),
            2 => tiles!(2: 6, 1 2 3 4 5),
            _ => tiles!(3: 3, 1 2),
        }
    }
}

/// Tiles of `H` rows and `W` registers, one below the other.
///
/// A function of its own for every shape, or else the compiler does not keep the sums in registers.
struct Tiles<'a, 'b, L: Left, const H: usize, const W: usize> {
    panel: &'a mut Panel<'b, L>,
    row: usize,
    count: usize,
}

impl<L: Left, const H: usize, const W: usize> WithSimd for Tiles<'_, '_, L, H, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Panel { left, panel, start, ref mut c, stride, cols } = *self.panel;
        let (panel, _) = L::T::vectors::<S>(panel);
        let panel = panel.as_chunks::<W>().0;
        for row in (0..self.count).map(|i| self.row + i * H) {
            let c = &mut c[row * stride..];
            let mut sums: [Line<L::T, S, W>; H] = match start {
                Start::Zero => [[L::T::splat(simd, L::T::ZERO); W]; H],
                Start::Row(row) => [read::<L::T, S, W>(simd, row); H],
                Start::Resume => {
                    let mut sums = [[L::T::splat(simd, L::T::ZERO); W]; H];
                    for (i, line) in sums.iter_mut().enumerate() {
                        *line = read::<L::T, S, W>(simd, &c[i * stride..][..cols]);
                    }
                    sums
                }
            };
            for (a, b) in left.steps::<H>(row).zip(panel) {
                for i in 0..H {
                    let a = L::T::splat(simd, a[i]);
                    for j in 0..W {
                        sums[i][j] = L::T::mul_add(simd, a, b[j], sums[i][j]);
                    }
                }
            }
            for (i, line) in sums.into_iter().enumerate() {
                write::<L::T, S, W>(simd, &mut c[i * stride..][..cols], line);
            }
        }
    }
}
