//! The micro-kernel: a tile of the output stays in registers during the loop over `k`.

use pulp::{Arch, Simd, WithSimd};

use crate::scalar::Element;

/// The number of rows in a strip of a packed left operand. No tile crosses the border between two strips.
pub(crate) const STRIP: usize = 6;

/// The maximum number of columns in the tail of a panel: half of a small register, or a whole one.
pub(crate) const TAIL: usize = 4;

/// The size in bytes of the widest registers. Machines that have such registers have 32 of them.
pub(crate) const WIDEST: usize = 64;

/// The initial values of the sums of a tile.
#[derive(Clone, Copy)]
pub(crate) enum Start<'a, T> {
    /// Zero.
    Zero,
    /// These values, the same for every row.
    Row(&'a [T]),
    /// Zero. The sums are then added to the output, which contains the sums of earlier blocks of `k`.
    Add,
}

/// The left operand as the micro-kernel reads it: `H` rows at a time, in the order of `k`.
pub(crate) trait Left: Copy {
    /// The element type.
    type T: Element;
    /// Whether tiles must not cross the borders between strips.
    const STRIPS: bool = false;
    /// Returns the values of `H` rows from `row` on, for every `k` of the block.
    fn steps<const H: usize>(self, row: usize) -> impl Iterator<Item = [Self::T; H]>;
}

/// A left operand that is read in place, row by row.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a, T> {
    /// The operand, starting at the block's first element.
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

/// A left operand that is stored transposed and read in place, column by column.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a, T> {
    /// The operand, starting at the block's first element.
    pub a: &'a [T],
    /// The distance between columns.
    pub stride: usize,
}

impl<T: Element> Left for Columns<'_, T> {
    type T = T;
    #[inline(always)]
    fn steps<const H: usize>(self, row: usize) -> impl Iterator<Item = [T; H]> {
        self.a[row..].chunks(self.stride).map(|column| *column.first_chunk().expect("all rows are present"))
    }
}

/// A left operand that is packed into strips of [`STRIP`] rows, in the order of `k`.
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

/// The registers that hold a row of a tile.
pub(crate) type Line<T, S, const W: usize> = [<T as Element>::Vector<S>; W];

/// Reads a row of a tile. The last register may be partial.
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

/// Reads the first values of a row and pads them with zeros.
#[inline(always)]
fn read_tail<T: Element, const Q: usize>(row: &[T]) -> [T; Q] {
    let mut tail = [T::ZERO; Q];
    for (to, &from) in tail.iter_mut().zip(row) {
        *to = from;
    }
    tail
}

/// One panel of the right operand as the micro-kernel reads it: a line of registers and the tail beside it, in the order of
/// `k`.
pub(crate) trait Right<T: Element>: Copy {
    /// Returns the line and the tail for every `k` of the block.
    fn lines<S: Simd, const W: usize, const Q: usize>(self) -> impl Iterator<Item = (Line<T, S, W>, [T; Q])>;
}

/// A packed panel.
#[derive(Clone, Copy)]
pub(crate) struct Packed<'a, T> {
    /// The panel, in the order of `k`.
    pub panel: &'a [T],
    /// Its tail, if it has one, in the order of `k`.
    pub tail: &'a [T],
}

impl<T: Element> Right<T> for Packed<'_, T> {
    #[inline(always)]
    fn lines<S: Simd, const W: usize, const Q: usize>(self) -> impl Iterator<Item = (Line<T, S, W>, [T; Q])> {
        let lines = T::vectors::<S>(self.panel).0.as_chunks::<W>().0.iter();
        // Without a tail, `Q` is 0, which is not a valid chunk size.
        let mut tails = self.tail.chunks_exact(Q.max(1));
        lines.map(move |&line| {
            let tail = if Q > 0 { tails.next().and_then(|tail| tail.first_chunk()) } else { None };
            (line, tail.copied().unwrap_or([T::ZERO; Q]))
        })
    }
}

/// A panel that is read in place, row by row. Its columns and the columns of its tail must fill their registers.
#[derive(Clone, Copy)]
pub(crate) struct InPlace<'a, T> {
    /// The operand, starting at the block's first row and the panel's first column.
    pub b: &'a [T],
    /// The distance between rows.
    pub stride: usize,
}

impl<T: Element> Right<T> for InPlace<'_, T> {
    #[inline(always)]
    fn lines<S: Simd, const W: usize, const Q: usize>(self) -> impl Iterator<Item = (Line<T, S, W>, [T; Q])> {
        let lanes = W * T::lanes::<S>();
        self.b.chunks(self.stride).map(move |row| {
            let (line, tail) = row[..lanes + Q].split_at(lanes);
            let line = T::vectors::<S>(line).0.first_chunk().expect("the line fills its registers");
            (*line, *tail.first_chunk().expect("the tail is complete"))
        })
    }
}

/// The product of rows of the left operand and one panel of the right operand.
pub(crate) struct Panel<'a, L: Left, R> {
    /// The rows.
    pub left: L,
    /// The panel.
    pub right: R,
    /// The initial values of the sums.
    pub start: Start<'a, L::T>,
    /// The output, starting at the first row and the panel's first column.
    pub c: &'a mut [L::T],
    /// The distance between rows of the output.
    pub stride: usize,
    /// The number of output columns that the panel covers, and the number that its tail covers.
    pub cols: (usize, usize),
}

impl<L: Left, R: Right<L::T>> Panel<'_, L, R> {
    /// Computes `rows` rows of a panel that is `width` registers wide. `many` is true if the machine has 32 registers.
    pub fn compute(&mut self, arch: Arch, width: usize, rows: usize, many: bool) {
        macro_rules! tiles {
            ($w:literal, $q:literal: $($high:literal $count:expr),*) => {{
                let mut row = 0;
                $(let count = $count(rows - row);
                if count > 0 {
                    arch.dispatch(Tiles::<L, R, $high, $w, $q> { panel: self, row, count });
                }
                row += count * $high;)*
                debug_assert_eq!(row, rows);
            }};
        }
        // The tile heights are as few as possible, because each is compiled for every instruction set. At least eight sums
        // are needed to keep both multipliers busy; twelve sums and the operands just fit into sixteen registers. With a
        // tail, three rows have nine sums, and four rows have twelve, for which sixteen registers are too few.
        let (thirds, ones) = (|rows| rows / 3, |rows| rows);
        match (width, self.cols.1 == 0) {
            (1, true) => tiles!(1, 0: 6 (|rows| rows / 6), 3 thirds, 1 ones),
            (1, false) => tiles!(1, 4: 6 (|rows| rows / 6), 3 thirds, 1 ones),
            (2, true) => {
                let (fours, twos) = (|rows| rows / 4, |rows| rows / 2);
                let (sixes, fives) = (|rows| sixes(rows, L::STRIPS), |rows| rows / 5);
                tiles!(2, 0: 6 sixes, 5 fives, 4 fours, 3 thirds, 2 twos, 1 ones)
            }
            (2, false) if many && !L::STRIPS => {
                tiles!(2, 4: 4 (|rows| before_lower(rows, 4)), 3 thirds, 1 ones)
            }
            (2, false) => tiles!(2, 4: 3 thirds, 1 ones),
            _ => tiles!(3, 0: 3 thirds, 1 ones),
        }
    }
}

impl<T: Element> Panel<'_, Columns<'_, T>, InPlace<'_, T>> {
    /// Computes [`TAIL`] rows of a panel that is two registers wide.
    pub fn compute_tail(&mut self, arch: Arch) {
        arch.dispatch(Tiles::<_, _, TAIL, 2, 0> { panel: self, row: 0, count: 1 });
    }
}

/// Returns the number of tiles of six rows to begin with. Without strips, tiles of five rows may take the rest; with strips,
/// they could cross a border.
fn sixes(rows: usize, strips: bool) -> usize {
    if strips { rows / 6 } else { before_lower(rows, 6) }
}

/// Returns the number of tiles of `height` rows to begin with, so that tiles with one row fewer take the rest, if possible.
fn before_lower(rows: usize, height: usize) -> usize {
    let lower = (height - rows % height) % height;
    rows.checked_sub((height - 1) * lower).unwrap_or(rows) / height
}

/// Tiles of `H` rows, `W` registers and `Q` tail columns, one below the other.
///
/// Each shape has its own function; otherwise the compiler does not keep the sums in registers.
pub(crate) struct Tiles<'a, 'b, L: Left, R, const H: usize, const W: usize, const Q: usize> {
    pub panel: &'a mut Panel<'b, L, R>,
    pub row: usize,
    pub count: usize,
}

impl<L: Left, R: Right<L::T>, const H: usize, const W: usize, const Q: usize> WithSimd
    for Tiles<'_, '_, L, R, H, W, Q>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // A constant, so that the code of the other kind of machine is never generated.
        if const { size_of::<<L::T as Element>::Vector<S>>() == size_of::<L::T>() } {
            return self.one_by_one(simd);
        }
        let Panel { left, right, start, ref mut c, stride, cols: (cols, rest) } = *self.panel;
        for row in (0..self.count).map(|i| self.row + i * H) {
            let c = &mut c[row * stride..];
            let mut sums = [[L::T::splat(simd, L::T::ZERO); W]; H];
            let mut tails = [[L::T::ZERO; Q]; H];
            match start {
                Start::Zero | Start::Add => {}
                Start::Row(row) => {
                    sums = [read::<L::T, S, W>(simd, &row[..cols]); H];
                    tails = [read_tail(&row[cols..]); H];
                }
            }
            for (a, (b, tail)) in left.steps::<H>(row).zip(right.lines::<S, W, Q>()) {
                for i in 0..H {
                    let lanes = L::T::splat(simd, a[i]);
                    for j in 0..W {
                        sums[i][j] = L::T::mul_add(simd, lanes, b[j], sums[i][j]);
                    }
                    for j in 0..Q {
                        tails[i][j] = L::T::fused(a[i], tail[j], tails[i][j]);
                    }
                }
            }
            // Uses indices: if an iterator consumed the sums here, the compiler would not keep them in registers above.
            if let Start::Add = start {
                let one = L::T::splat(simd, L::T::ONE);
                for i in 0..H {
                    let row = &c[i * stride..][..cols + rest];
                    let line = read::<L::T, S, W>(simd, &row[..cols]);
                    let tail: [L::T; Q] = read_tail(&row[cols..]);
                    for j in 0..W {
                        sums[i][j] = L::T::mul_add(simd, one, sums[i][j], line[j]);
                    }
                    for j in 0..Q {
                        tails[i][j] = L::T::fused(L::T::ONE, tails[i][j], tail[j]);
                    }
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

impl<L: Left, R: Right<L::T>, const H: usize, const W: usize, const Q: usize> Tiles<'_, '_, L, R, H, W, Q> {
    /// Computes the tiles row by row, for machines whose registers hold a single value. Panels have no tails on such
    /// machines.
    #[inline(always)]
    fn one_by_one<S: Simd>(self, simd: S) {
        let Panel { left, right, start, ref mut c, stride, cols: (cols, _) } = *self.panel;
        for row in self.row..self.row + self.count * H {
            let c = &mut c[row * stride..][..cols];
            let mut sums = [L::T::ZERO; W];
            if let Start::Row(row) = start {
                sums[..cols].copy_from_slice(row);
            }
            for ([a], (b, _)) in left.steps::<1>(row).zip(right.lines::<S, W, Q>()) {
                for (sum, b) in sums.iter_mut().zip(b) {
                    *sum = L::T::fused(a, L::T::first::<S>(simd, b), *sum);
                }
            }
            for (c, sum) in c.iter_mut().zip(sums) {
                *c = if matches!(start, Start::Add) { L::T::fused(L::T::ONE, sum, *c) } else { sum };
            }
        }
    }
}
