//! The description of a product, and the buffers that it needs.

use crate::buffer::{LINE, line};
use crate::scalar::Element;

/// The maximum depth of a block of k, which one chain of sums runs through.
pub const DEPTH: usize = 512;
/// The number of rows up to which packing the right operand does not pay off.
pub const FEW: usize = 8;
/// The number of rows that are few beside a packed copy of the right operand, which is by far the larger: the left operand is not
/// packed, and threads divide the columns instead of the rows.
pub const THIN: usize = 48;

/// The operand that is stored transposed, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// Neither: A·B.
    AB,
    /// The left one: Aᵀ·B, where `a` is (k, m).
    AtB,
    /// The right one: A·Bᵀ, where `b` is (n, k).
    ABt,
}

/// A product; see [`Engine`](super::Engine).
#[derive(Clone, Copy)]
pub struct Job<'a, T> {
    pub op: Product,
    pub m: usize,
    pub k: usize,
    pub n: usize,
    pub a: &'a [T],
    pub b: &'a [T],
    pub start: Option<&'a [T]>,
}

/// Returns the depth of the blocks that k is divided into. The last block may be shorter.
pub fn depth(k: usize) -> usize {
    k.div_ceil(k.div_ceil(DEPTH).max(1)).max(1)
}

/// Returns whether it pays to divide A·B, where A is (m, k), between threads by the two blocks of k. Each thread then reads
/// only its half of B, and exchanges m rows with the other thread instead of k rows.
pub fn halves(m: usize, k: usize) -> bool {
    (DEPTH + 1..=2 * DEPTH).contains(&k) && m < k
}

/// Buffers besides the operands. They grow to the size that the largest product needs, and never shrink.
#[derive(Clone, Debug, Default)]
pub struct Packs<T> {
    /// The buffers for all blocks of k, or for the first block if threads divide the blocks.
    pub first: Pack<T>,
    /// The buffers for the second block if threads divide the blocks.
    pub second: Pack<T>,
    /// The sums of a later block, which are added to the earlier sums.
    pub sums: Vec<T>,
    /// The transposed result of a flipped product.
    pub flipped: Vec<T>,
    /// The offsets of the weights of a convolution.
    pub offsets: Vec<usize>,
    /// The places of weights of a convolution.
    pub places: Vec<usize>,
}

/// Buffers for packed operands.
#[derive(Clone, Debug, Default)]
pub struct Pack<T> {
    pub right: Vec<T>,
    pub left: Vec<T>,
}

impl<T> Pack<T> {
    pub fn new() -> Self {
        Self { right: Vec::new(), left: Vec::new() }
    }
}

/// Returns `len` elements of a buffer, which grows if necessary. They begin at the start of a cache line, so that no load of a
/// full register touches two lines.
pub fn room<T: Element>(buffer: &mut Vec<T>, len: usize) -> &mut [T] {
    let length = len + LINE / size_of::<T>();
    if buffer.len() < length {
        buffer.resize(length, T::ZERO);
    }
    let start = line(buffer);
    &mut buffer[start..][..len]
}
