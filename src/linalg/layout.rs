//! What all products of a convolution share: the division into tiles.

use pulp::Arch;

use super::block::lanes;
use super::convolution::Convolution;
use super::kernel::{Panel, Right, Start, Tiles, WIDEST};
use super::stacks::{Stacks, heights, padded};
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

    /// Returns the panels of `cols` columns, a whole number of registers: the first column and the number of registers of each.
    pub fn panels(self, cols: usize) -> impl Iterator<Item = (usize, usize)> {
        let step = REGISTERS * self.lanes;
        (0..cols).step_by(step).map(move |col| (col, (cols - col).min(step) / self.lanes))
    }

    pub fn heights(self, rows: usize) -> impl Iterator<Item = usize> {
        heights(padded(rows), self.lanes, self.many)
    }

    /// Returns the size of the planes of a group. The rows of a product are padded, so an additional channel may follow the last
    /// one. Registers that begin in the last row of an output may end behind the last plane.
    pub fn planes(self) -> usize {
        let shape = self.shape;
        (1 + padded(shape.channels) * shape.planes()) * shape.plane() + self.lanes
    }

    /// Adds the product of all rows of the left operand and a panel to `c`, or writes it there.
    pub fn tiles<T: Element, R: Right<T>>(
        self,
        (left, rows): (Stacks<'_, T>, usize),
        right: R,
        registers: usize,
        add: bool,
        (c, stride): (&mut [T], usize),
    ) {
        let start = if add { Start::Add } else { Start::Zero };
        let cols = (registers * self.lanes, 0);
        let mut panel = Panel { left, right, start, c, stride, cols };
        let mut row = 0;
        for height in self.heights(rows) {
            panel.compute_stack(self.arch, registers, row, height);
            row += height;
        }
    }
}

impl<T: Element, R: Right<T>> Panel<'_, Stacks<'_, T>, R> {
    /// Computes the rows of a stack that begins at `row`.
    fn compute_stack(&mut self, arch: Arch, registers: usize, row: usize, height: usize) {
        macro_rules! tile {
            ($high:literal, $w:literal) => {
                arch.dispatch(Tiles::<_, _, $high, $w, 0> { panel: self, row, count: 1 })
            };
        }
        match (height, registers) {
            (8, 1) => tile!(8, 1),
            (6, 1) => tile!(6, 1),
            (4, 1) => tile!(4, 1),
            (2, 1) => tile!(2, 1),
            (1, 1) => tile!(1, 1),
            (8, _) => tile!(8, 2),
            (6, _) => tile!(6, 2),
            (4, _) => tile!(4, 2),
            (2, _) => tile!(2, 2),
            _ => tile!(1, 2),
        }
    }
}
