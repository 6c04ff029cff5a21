use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use crate::buffer::{LINE, line};
use crate::error::{Error, Result};
use crate::linalg::Copies;

/// The parameters of a model with packed copies of them, which are forgotten when the parameters may have changed. Clones share
/// the copies until one of them changes.
///
/// The parameters begin at the start of a cache line. Otherwise, a product of `f64` that reads them in place takes up to a tenth
/// longer, because half of its loads touch two lines.
pub(super) struct Weights<A> {
    /// The parameters, after the values before the cache line.
    values: Vec<A>,
    start: usize,
    copies: Arc<Copies<A>>,
}

impl<A> Weights<A> {
    /// Creates the parameters that follow index `start` of a vector from [`room`].
    pub fn new((values, start): (Vec<A>, usize)) -> Self {
        Self { values, start, copies: Arc::default() }
    }

    pub fn copies(&self) -> &Copies<A> {
        &self.copies
    }
}

/// Returns a vector with room for `len` parameters, and the index at which a cache line begins. The vector ends before this
/// index.
pub(super) fn room<A: Clone>(len: usize, filler: A) -> Result<(Vec<A>, usize)> {
    let mut values = Vec::new();
    values
        .try_reserve_exact(len.saturating_add(LINE / size_of::<A>()))
        .map_err(|_| Error::out_of_memory::<A>("the parameters", &[len]))?;
    let start = line(&values);
    values.resize(start, filler);
    Ok((values, start))
}

impl<A: Clone> Clone for Weights<A> {
    fn clone(&self) -> Self {
        let room = self.first().and_then(|first| room(self.len(), first.clone()).ok());
        let (mut values, start) = room.unwrap_or_default();
        values.extend_from_slice(self);
        Self { values, start, copies: self.copies.clone() }
    }
}

impl<A> Deref for Weights<A> {
    type Target = [A];

    fn deref(&self) -> &[A] {
        &self.values[self.start..]
    }
}

impl<A> DerefMut for Weights<A> {
    fn deref_mut(&mut self) -> &mut [A] {
        match Arc::get_mut(&mut self.copies) {
            Some(own) => own.clear(),
            None => self.copies = Arc::default(),
        }
        &mut self.values[self.start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_begin_with_a_cache_line() {
        for len in [1, 7, 1000] {
            let values: Vec<f64> = (0..len).map(f64::from).collect();
            let (mut lines, start) = room(values.len(), 0.0).unwrap();
            lines.extend_from_slice(&values);
            let weights = Weights::new((lines, start));
            for weights in [&weights, &weights.clone()] {
                assert_eq!(weights[..], values[..]);
                assert_eq!(weights.as_ptr().addr() % LINE, 0);
            }
        }
    }
}
