//! What all products of a convolution share: the division into tiles.

use pulp::{Arch, Simd, WithSimd};

use super::block::lanes;
use super::convolution::{Convolution, CopyRows};
use super::job::depth;
use super::kernel::WIDEST;
use super::stacks::{heights, pack, padded};
use crate::scalar::Element;
use crate::simd;

/// The number of registers of a panel.
const REGISTERS: usize = 2;

/// The geometry of a convolution, and the tiles of this machine.
#[derive(Clone, Copy)]
pub struct Layout {
    pub shape: Convolution,
    pub arch: Arch,
    pub lanes: usize,
    /// Whether the machine has 32 registers.
    pub many: bool,
    /// The number of values of a row of the output with its gaps, rounded up to whole registers.
    pub span: usize,
}

impl Layout {
    pub fn new<T: Element>(shape: Convolution) -> Self {
        let arch = simd::arch();
        let lanes = lanes::<T>(arch);
        let span = shape.span().next_multiple_of(lanes);
        Self { shape, arch, lanes, many: lanes * size_of::<T>() == WIDEST, span }
    }

    /// Returns the panels of `cols` columns, a whole number of registers: the first column, the number of registers of a panel
    /// and the number of panels. Panels of `together` columns come at once.
    pub fn panels(self, cols: usize, together: usize) -> impl Iterator<Item = (usize, usize, usize)> {
        let step = REGISTERS * self.lanes;
        let (full, together) = (cols / step * step, (together / step * step).max(step));
        let whole =
            (0..full).step_by(together).map(move |col| (col, REGISTERS, (full - col).min(together) / step));
        whole.chain((full < cols).then_some((full, (cols - full) / self.lanes, 1)))
    }

    /// Returns the panels of `cols` columns one by one.
    pub fn each_panel(self, cols: usize) -> impl Iterator<Item = (usize, usize)> {
        self.panels(cols, 0).map(|(col, registers, _)| (col, registers))
    }

    pub fn heights(self, rows: usize) -> impl Iterator<Item = usize> {
        heights(padded(rows), self.lanes, self.many)
    }

    /// Returns the size of the planes of a group. Registers that begin in the last row of an output may end behind the last
    /// plane.
    pub fn planes(self) -> usize {
        let shape = self.shape;
        (1 + shape.channels * shape.planes()) * shape.plane() + self.lanes
    }

    /// Packs a left operand of `rows` rows and depth `k` into stacks, block by block.
    pub fn pack<T: Element, I: Iterator<Item = T>>(
        self,
        (rows, k): (usize, usize),
        to: &mut [T],
        row_values: impl Fn(usize) -> I,
    ) {
        for at in (0..k).step_by(depth(k)) {
            let deep = depth(k).min(k - at);
            let to = &mut to[padded(rows) * at..][..padded(rows) * deep];
            pack(rows, deep, self.heights(rows), to, |row| row_values(row).skip(at).take(deep));
        }
    }

    /// Writes the product of a packed left operand of `rows` rows and of the right operand whose row k begins at offset k of the
    /// planes. The product has `span` columns, a whole number of registers.
    pub fn product<T: Element>(
        self,
        (left, rows): (&[T], usize),
        (planes, offsets): (&[T], &[usize]),
        (c, span): (&mut [T], usize),
    ) {
        let deep = depth(offsets.len());
        // With a single stack, a call computes all panels: a call for each would take longer than a shallow product.
        let together = if self.heights(rows).count() == 1 { span } else { REGISTERS * self.lanes };
        for (col, registers, count) in self.panels(span, together) {
            for (block, offsets) in offsets.chunks(deep).enumerate() {
                let mut left = &left[padded(rows) * block * deep..];
                let mut row = 0;
                for height in self.heights(rows) {
                    let (stack, others) = left.split_at(height * offsets.len());
                    let (planes, c, add) = (&planes[col..], &mut c[row * span + col..], block > 0);
                    let sweep = Sweep { stack, planes, offsets, add, c, stride: span, count };
                    sweep.compute(self.arch, height, registers);
                    (row, left) = (row + height, others);
                }
            }
        }
    }

    /// Copies the output of a group without the gaps between its rows.
    pub fn close_gaps<T: Element>(self, sums: &[T], y: &mut [T]) {
        let [rows, cols] = self.shape.axes.map(|axis| axis.output);
        for (from, to) in sums.chunks_exact(self.span).zip(y.chunks_exact_mut(rows * cols)) {
            let (from_stride, to_stride) = (self.shape.pitch(), cols);
            self.arch.dispatch(CopyRows { from, from_stride, to, to_stride, rows, cols });
        }
    }

    /// Copies the gradient of the output of a group, with gaps between its rows. The filters are `distance` values apart.
    pub fn open_gaps<T: Element>(self, dy: &[T], to: &mut [T], distance: usize) {
        let [rows, cols] = self.shape.axes.map(|axis| axis.output);
        for (from, to) in dy.chunks_exact(rows * cols).zip(to.chunks_mut(distance)) {
            let (from_stride, to_stride) = (cols, self.shape.pitch());
            self.arch.dispatch(CopyRows { from, from_stride, to, to_stride, rows, cols });
        }
    }
}

/// Some panels of the product of a stack, side by side.
struct Sweep<'a, T> {
    /// The weights of the stack.
    stack: &'a [T],
    /// The right operand, starting at the first column of the first panel.
    planes: &'a [T],
    offsets: &'a [usize],
    /// Whether the product is added to the output.
    add: bool,
    /// The output, starting at the first row of the stack and the first column.
    c: &'a mut [T],
    stride: usize,
    /// The number of panels.
    count: usize,
}

/// Panels of `W` registers and a stack of `H` rows.
///
/// This is the loop of the tiles of a matrix product. It differs in that the weights are read after the place of the pixels is
/// checked: otherwise the compiler reads a whole register of weights and takes it apart, which takes longer.
struct SweepTiles<'a, T, const H: usize, const W: usize>(Sweep<'a, T>);

impl<T: Element, const H: usize, const W: usize> WithSimd for SweepTiles<'_, T, H, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Sweep { stack, planes, offsets, add, c, stride, count } = self.0;
        let (width, one) = (W * T::lanes::<S>(), T::splat(simd, T::ONE));
        for col in (0..count).map(|i| i * width) {
            let planes = &planes[col..];
            let mut sums = [[T::splat(simd, T::ZERO); W]; H];
            for (&offset, weights) in offsets.iter().zip(stack.as_chunks::<H>().0) {
                let line: &[T::Vector<S>; W] = T::vectors::<S>(&planes[offset..][..width])
                    .0
                    .first_chunk()
                    .expect("the line fills its registers");
                for i in 0..H {
                    let weight = T::splat(simd, weights[i]);
                    for j in 0..W {
                        sums[i][j] = T::mul_add(simd, weight, line[j], sums[i][j]);
                    }
                }
            }
            for i in 0..H {
                let to = T::vectors_mut::<S>(&mut c[i * stride + col..][..width]).0;
                for j in 0..W {
                    to[j] = if add { T::mul_add(simd, one, sums[i][j], to[j]) } else { sums[i][j] };
                }
            }
        }
    }
}

impl<T: Element> Sweep<'_, T> {
    fn compute(self, arch: Arch, height: usize, registers: usize) {
        match (height, registers) {
            (8, 1) => arch.dispatch(SweepTiles::<_, 8, 1>(self)),
            (6, 1) => arch.dispatch(SweepTiles::<_, 6, 1>(self)),
            (4, 1) => arch.dispatch(SweepTiles::<_, 4, 1>(self)),
            (2, 1) => arch.dispatch(SweepTiles::<_, 2, 1>(self)),
            (1, 1) => arch.dispatch(SweepTiles::<_, 1, 1>(self)),
            (8, _) => arch.dispatch(SweepTiles::<_, 8, 2>(self)),
            (6, _) => arch.dispatch(SweepTiles::<_, 6, 2>(self)),
            (4, _) => arch.dispatch(SweepTiles::<_, 4, 2>(self)),
            (2, _) => arch.dispatch(SweepTiles::<_, 2, 2>(self)),
            _ => arch.dispatch(SweepTiles::<_, 1, 2>(self)),
        }
    }
}
