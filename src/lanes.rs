//! Sums over parallel lanes, in an order that depends neither on the number of threads nor on the instruction set.

use std::ops::{Add, AddAssign};

use num_traits::Zero;

use crate::scalar::Scalar;

/// The number of parallel sums.
pub const LANES: usize = 16;

/// The sum of terms over slices. Term i is added to sum i mod 16; the terms after the last full group of 16 are added to a
/// separate sum.
pub struct Lanes<T> {
    sums: [T; LANES],
    rest: T,
}

impl<T: Copy + Zero + AddAssign + Add<Output = T>> Lanes<T> {
    /// Creates an empty sum.
    #[inline(always)]
    pub fn new() -> Self {
        Self { sums: [T::zero(); LANES], rest: T::zero() }
    }

    /// Adds a term for each index of slices of equal length.
    #[inline(always)]
    pub fn add<A: Scalar, const N: usize>(&mut self, slices: [&[A]; N], term: impl Fn([A; N]) -> T) {
        let parts = slices.map(|slice| slice.as_chunks::<LANES>());
        for k in 0..parts[0].0.len() {
            let chunks = parts.map(|(chunks, _)| &chunks[k]);
            for i in 0..LANES {
                self.sums[i] += term(chunks.map(|chunk| chunk[i]));
            }
        }
        let rest = parts.map(|(_, rest)| rest);
        for i in 0..rest[0].len() {
            self.rest += term(rest.map(|rest| rest[i]));
        }
    }

    /// Returns the sum of all terms.
    #[inline(always)]
    pub fn total(&self) -> T {
        self.sums.iter().fold(self.rest, |total, &sum| total + sum)
    }
}

/// 2⁻⁶⁰⁰: the squares of values multiplied by this factor do not overflow.
pub const SHRINK: f64 = f64::from_bits((1023 - 600) << 52);

/// Returns whether squares of differences of such values may overflow. They cannot if the values are widened to `f64`.
#[inline(always)]
pub fn may_overflow<A: Scalar>() -> bool {
    size_of::<A>() == size_of::<f64>()
}
