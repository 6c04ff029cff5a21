//! The left operands of the products of a convolution: weights in stacks of rows, one stack for each tile.

use super::kernel::Left;
use crate::scalar::Element;

/// The height of the tallest stack.
pub const TALLEST: usize = 8;

/// A left operand that is packed into stacks, each in the order of `k`.
#[derive(Clone, Copy)]
pub struct Stacks<'a, T> {
    /// The stacks, one after another.
    pub a: &'a [T],
    /// The depth of the block.
    pub depth: usize,
}

impl<T: Element> Left for Stacks<'_, T> {
    type T = T;

    #[inline(always)]
    fn steps<const H: usize>(self, row: usize) -> impl Iterator<Item = [T; H]> {
        self.a[row * self.depth..][..H * self.depth].as_chunks::<H>().0.iter().copied()
    }
}

/// Returns the number of rows of all stacks for `rows` rows: an even number, so that no stack has a single row.
pub fn padded(rows: usize) -> usize {
    rows.next_multiple_of(2)
}

/// Returns the heights of the stacks for `rows` padded rows, for registers of `lanes` values. `many` is true if the machine has
/// 32 registers.
pub fn heights(rows: usize, lanes: usize, many: bool) -> impl Iterator<Item = usize> {
    let mut left = rows;
    std::iter::from_fn(move || {
        let height = match left {
            0 => return None,
            _ if lanes == 1 => 1,
            10 => 6,
            TALLEST.. if many => TALLEST,
            8 => 4,
            6.. => 6,
            4.. => 4,
            _ => 2,
        };
        left -= height;
        Some(height)
    })
}

/// Weights that are packed into stacks: `rows` rows of some depth.
#[derive(Clone, Copy)]
pub struct Source<'a, T> {
    /// The weights, starting at the first one of the first row.
    pub weights: &'a [T],
    pub rows: usize,
    /// The distance between rows.
    pub stride: usize,
    /// The distance between the weights of a row.
    pub step: usize,
}

impl<T: Element> Source<'_, T> {
    /// Packs the weights into stacks of these heights, whose depth is `depth`, starting at depth `at`. Rows of padding are 0.
    pub fn pack(self, depth: usize, at: usize, heights: impl Iterator<Item = usize>, to: &mut [T]) {
        let (mut row, mut rest) = (0, to);
        for height in heights {
            let (stack, others) = rest.split_at_mut(height * depth);
            for i in 0..height {
                let to = stack[height * at + i..].iter_mut().step_by(height);
                if row + i < self.rows {
                    let from = self.weights[(row + i) * self.stride..].iter().step_by(self.step);
                    to.zip(from).for_each(|(to, &from)| *to = from);
                } else {
                    to.for_each(|to| *to = T::ZERO);
                }
            }
            (row, rest) = (row + height, others);
        }
    }
}
