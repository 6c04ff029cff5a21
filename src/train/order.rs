//! In which order an epoch takes the samples.

use crate::error::{Error, Result};
use crate::random::Random;

/// Where orders come from.
#[cfg_attr(not(feature = "persistence"), allow(dead_code, reason = "states are for checkpoints"))]
pub(super) trait Order: Send {
    /// The order for an epoch, from its number (from 1) and the number of samples.
    fn draw(&mut self, epoch: usize, samples: usize) -> Vec<usize>;

    /// What the next orders depend on besides, if it can be told.
    fn state(&self) -> Option<Vec<u32>>;

    /// Puts that back.
    fn set_state(&mut self, state: &[u32]) -> Result<()>;
}

/// Orders drawn one after another from a stream.
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
            [] => Error::setting("order", "a function of the epoch, as until then", "a stream"),
            _ => error,
        })
    }
}

/// Orders that are a function of the epoch, which has no state.
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
            _ => {
                Err(Error::setting("order", "drawn from a stream, as until then", "a function of the epoch"))
            }
        }
    }
}
