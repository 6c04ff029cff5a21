//! The time that a run has taken, where the platform can tell.

use std::time::{Duration, Instant};

/// A clock from its start on.
pub(super) struct Clock(Option<Instant>);

impl Clock {
    /// Starts a clock. `wasm32-unknown-unknown` has none (`Instant::now` panics there), so that no time ever passes.
    pub fn start() -> Self {
        let is_there = !cfg!(all(target_family = "wasm", target_os = "unknown"));
        Self(is_there.then(Instant::now))
    }

    /// Returns the time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.map_or(Duration::ZERO, |start| start.elapsed())
    }
}
