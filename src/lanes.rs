//! Sums that run side by side, in an order that neither threads nor instruction sets change.

use std::ops::{Add, AddAssign};

use num_traits::Zero;

use crate::scalar::Scalar;

/// The sums that run side by side.
pub const LANES: usize = 16;

/// The sum of terms over slices: term i is added to sum i mod 16, but those beyond whole groups of 16 to a sum of their own.
pub struct Lanes<T> {
    sums: [T; LANES],
    rest: T,
}

impl<T: Copy + Zero + AddAssign + Add<Output = T>> Lanes<T> {
    /// Begins a sum.
    #[inline(always)]
    pub fn new() -> Self {
        Self { sums: [T::zero(); LANES], rest: T::zero() }
    }

    /// Adds a term for each place of slices of the same length.
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

/// 2⁻⁶⁰⁰: values times this have squares that do not overflow.
pub const SHRINK: f64 = f64::from_bits((1023 - 600) << 52);

/// Returns whether squares of differences of such values may overflow: not if they are widened.
#[inline(always)]
pub fn may_overflow<A: Scalar>() -> bool {
    size_of::<A>() == size_of::<f64>()
}
