//! Sums that run side by side, in an order that neither threads nor instruction sets change.

use crate::scalar::Scalar;

/// The sums that run side by side.
const LANES: usize = 16;

/// The sum of terms over slices, in `f64`: value i of a slice is added to sum i mod 16, but those beyond whole groups of 16 to
/// a sum of their own.
pub(super) struct Lanes {
    sums: [f64; LANES],
    rest: f64,
}

impl Lanes {
    pub const ZERO: Self = Self { sums: [0.0; LANES], rest: 0.0 };

    /// Adds a term for each place of slices of the same length.
    #[inline(always)]
    pub fn add<A: Scalar, const N: usize>(&mut self, slices: [&[A]; N], term: impl Fn([f64; N]) -> f64) {
        let parts = slices.map(|slice| slice.as_chunks::<LANES>());
        for k in 0..parts[0].0.len() {
            let chunks = parts.map(|(chunks, _)| &chunks[k]);
            for i in 0..LANES {
                self.sums[i] += term(chunks.map(|chunk| chunk[i].widen()));
            }
        }
        let rest = parts.map(|(_, rest)| rest);
        for i in 0..rest[0].len() {
            self.rest += term(rest.map(|rest| rest[i].widen()));
        }
    }

    #[inline(always)]
    pub fn total(&self) -> f64 {
        self.sums.iter().fold(self.rest, |total, sum| total + sum)
    }
}

/// 2⁻⁶⁰⁰: values times this have squares that do not overflow.
pub(super) const SHRINK: f64 = f64::from_bits((1023 - 600) << 52);

/// Returns whether squares of differences of such values may overflow: not if they are widened.
#[inline(always)]
pub(super) fn may_overflow<A: Scalar>() -> bool {
    size_of::<A>() == size_of::<f64>()
}
