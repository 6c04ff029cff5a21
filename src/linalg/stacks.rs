//! The left operands of the products of a convolution: weights in stacks of rows, one stack for each tile.

use crate::scalar::Element;

/// The height of the tallest stack.
pub const TALLEST: usize = 8;

/// Packs the rows of a block into stacks of these heights. `row_values` returns the values of a row, which are as many as the
/// block is deep. Rows of padding are 0.
pub fn pack<T: Element, I: Iterator<Item = T>>(
    rows: usize,
    depth: usize,
    heights: impl Iterator<Item = usize>,
    to: &mut [T],
    row_values: impl Fn(usize) -> I,
) {
    let (mut row, mut rest) = (0, to);
    for height in heights {
        let (stack, others) = rest.split_at_mut(height * depth);
        for i in 0..height {
            let mut to = stack[i..].iter_mut().step_by(height);
            if row + i < rows {
                row_values(row + i).for_each(|value| *to.next().expect("the block is as deep") = value);
            } else {
                to.for_each(|to| *to = T::ZERO);
            }
        }
        (row, rest) = (row + height, others);
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
