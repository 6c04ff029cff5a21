//! The order of the samples in an epoch.

use crate::error::{Error, Result};
use crate::random::Random;

/// A source of orders.
#[cfg_attr(not(feature = "persistence"), allow(dead_code, reason = "states are for checkpoints"))]
pub(super) trait Order: Send {
    /// Returns the order for an epoch, given its number (from 1) and the number of samples.
    fn draw(&mut self, epoch: usize, samples: usize) -> Vec<usize>;

    /// Returns the state that determines the next orders, or `None` if the source cannot provide it.
    fn state(&self) -> Option<Vec<u32>>;

    /// Restores a state.
    fn set_state(&mut self, state: &[u32]) -> Result<()>;
}

/// Orders drawn one after another from a random stream.
pub(super) struct Drawn<R>(pub R);

impl<R: Random> Order for Drawn<R> {
    fn draw(&mut self, _epoch: usize, samples: usize) -> Vec<usize> {
        self.0.permutation(samples)
    }

    fn state(&self) -> Option<Vec<u32>> {
        self.0.state()
    }

    fn set_state(&mut self, state: &[u32]) -> Result<()> {
        self.0.set_state(state).map_err(|error| match state {
            [] => Error::setting("order", "a function of the epoch, as in the checkpoint", "a stream"),
            _ => error,
        })
    }
}

/// Orders from a function of the epoch, which has no state.
pub(super) struct Given<F>(pub F);

impl<F: FnMut(usize, usize) -> Vec<usize> + Send> Order for Given<F> {
    fn draw(&mut self, epoch: usize, samples: usize) -> Vec<usize> {
        (self.0)(epoch, samples)
    }

    fn state(&self) -> Option<Vec<u32>> {
        Some(Vec::new())
    }

    fn set_state(&mut self, state: &[u32]) -> Result<()> {
        match state {
            [] => Ok(()),
            _ => Err(Error::setting("order", "a stream, as in the checkpoint", "a function of the epoch")),
        }
    }
}
