//! The inner loop: a tile of the output that lives in registers while `k` runs.

use pulp::{Arch, Simd, WithSimd};

use crate::scalar::Element;

/// The rows of a strip of packed left operand: a multiple of the height of every tile.
pub(crate) const STRIP: usize = 6;

/// The most columns beside the registers of a panel: half a small register, or a small one.
pub(crate) const TAIL: usize = 4;

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
    /// Whether tiles must not cross the borders between strips.
    const STRIPS: bool = false;
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

/// A left operand that lies there transposed, read in place, column after column.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a, T> {
    /// From the block's first number on.
    pub a: &'a [T],
    /// The distance between columns.
    pub stride: usize,
}

impl<T: Element> Left for Columns<'_, T> {
    type T = T;
    #[inline(always)]
    fn steps<const H: usize>(self, row: usize) -> impl Iterator<Item = [T; H]> {
        self.a[row..].chunks(self.stride).map(|column| *column.first_chunk().expect("the rows are there"))
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
    const STRIPS: bool = true;
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

/// The first numbers of a row, and nought behind them.
#[inline(always)]
fn read_tail<T: Element, const Q: usize>(row: &[T]) -> [T; Q] {
    let mut tail = [T::ZERO; Q];
    for (to, &from) in tail.iter_mut().zip(row) {
        *to = from;
    }
    tail
}

/// Rows of the left operand times one panel of the right one.
pub(crate) struct Panel<'a, L: Left> {
    /// The rows.
    pub left: L,
    /// The packed panel, `k` after `k`.
    pub panel: &'a [L::T],
    /// Its packed tail, if it has one, `k` after `k`.
    pub tail: &'a [L::T],
    /// Where the sums start.
    pub start: Start<'a, L::T>,
    /// The output, from the first row and the panel's first column on.
    pub c: &'a mut [L::T],
    /// The distance between rows of the output.
    pub stride: usize,
    /// The columns of the output that the panel covers, and those that its tail does.
    pub cols: (usize, usize),
}

impl<L: Left> Panel<'_, L> {
    /// Computes `rows` rows of a panel of `width` registers.
    pub fn compute(&mut self, arch: Arch, width: usize, rows: usize) {
        macro_rules! tiles {
            ($w:literal, $q:literal: $high:literal, $($lower:literal)*) => {
                for (row, count, high) in balance(rows, $high, L::STRIPS) {
                    match high {
                        $high => arch.dispatch(Tiles::<L, $high, $w, $q> { panel: self, row, count }),
                        $($lower => arch.dispatch(Tiles::<L, $lower, $w, $q> { panel: self, row, count }),)*
                        _ => {}
                    }
                }
            };
        }
        // Eight sums or more keep both multipliers busy; twelve and the operands just fit sixteen registers.
        match (width, self.tail.is_empty()) {
            (1, true) => tiles!(1, 0: 6, 1 2 3 4 5),
            (1, false) => tiles!(1, 4: 6, 1 2 3 4 5),
            (2, true) => tiles!(2, 0: 6, 1 2 3 4 5),
            (2, false) => tiles!(2, 4: 3, 1 2),
            (_, true) => tiles!(3, 0: 3, 1 2),
            (_, false) => tiles!(3, 4: 3, 1 2),
        }
    }
}

/// Cuts rows into as few tiles of at most `high` rows as can be, as equal as can be, or (where there are strips) all but the
/// last one of that height: two runs of tiles, each by its first row, the number of tiles and their height.
fn balance(rows: usize, high: usize, strips: bool) -> [(usize, usize, usize); 2] {
    if strips {
        let count = rows / high;
        return [(0, count, high), (count * high, 1, rows % high)];
    }
    let tiles = rows.div_ceil(high);
    let low = rows / tiles.max(1);
    let tall = rows - low * tiles;
    [(0, tall, low + 1), (tall * (low + 1), tiles - tall, low)]
}

/// Tiles of `H` rows, `W` registers and `Q` columns beside them, one below the other.
///
/// A function of its own for every shape, or else the compiler does not keep the sums in registers.
struct Tiles<'a, 'b, L: Left, const H: usize, const W: usize, const Q: usize> {
    panel: &'a mut Panel<'b, L>,
    row: usize,
    count: usize,
}

impl<L: Left, const H: usize, const W: usize, const Q: usize> WithSimd for Tiles<'_, '_, L, H, W, Q> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Panel { left, panel, tail, start, ref mut c, stride, cols: (cols, rest) } = *self.panel;
        let (panel, _) = L::T::vectors::<S>(panel);
        let panel = panel.as_chunks::<W>().0;
        for row in (0..self.count).map(|i| self.row + i * H) {
            let c = &mut c[row * stride..];
            let mut sums = [[L::T::splat(simd, L::T::ZERO); W]; H];
            let mut tails = [[L::T::ZERO; Q]; H];
            match start {
                Start::Zero => {}
                Start::Row(row) => {
                    sums = [read::<L::T, S, W>(simd, &row[..cols]); H];
                    tails = [read_tail(&row[cols..]); H];
                }
                Start::Resume => {
                    for (i, (line, tail)) in sums.iter_mut().zip(&mut tails).enumerate() {
                        let row = &c[i * stride..][..cols + rest];
                        *line = read::<L::T, S, W>(simd, &row[..cols]);
                        *tail = read_tail(&row[cols..]);
                    }
                }
            }
            if Q == 0 {
                for (a, b) in left.steps::<H>(row).zip(panel) {
                    add::<L::T, S, H, W, Q>(simd, (a, b, &[L::T::ZERO; Q]), &mut sums, &mut tails);
                }
            } else {
                for ((a, b), tail) in left.steps::<H>(row).zip(panel).zip(tail.as_chunks::<Q>().0) {
                    add::<L::T, S, H, W, Q>(simd, (a, b, tail), &mut sums, &mut tails);
                }
            }
            for (i, (line, tail)) in sums.into_iter().zip(tails).enumerate() {
                let row = &mut c[i * stride..][..cols + rest];
                write::<L::T, S, W>(simd, &mut row[..cols], line);
                row[cols..].iter_mut().zip(tail).for_each(|(to, from)| *to = from);
            }
        }
    }
}

/// Adds a step of `k` to the sums of a tile.
#[inline(always)]
fn add<T: Element, S: Simd, const H: usize, const W: usize, const Q: usize>(
    simd: S,
    (a, b, tail): ([T; H], &Line<T, S, W>, &[T; Q]),
    sums: &mut [Line<T, S, W>; H],
    tails: &mut [[T; Q]; H],
) {
    for i in 0..H {
        let lanes = T::splat(simd, a[i]);
        for j in 0..W {
            sums[i][j] = T::mul_add(simd, lanes, b[j], sums[i][j]);
        }
        for j in 0..Q {
            tails[i][j] = T::fused(a[i], tail[j], tails[i][j]);
        }
    }
}
