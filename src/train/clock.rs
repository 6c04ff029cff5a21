//! The elapsed time of a run, on platforms that have a clock.

use std::time::{Duration, Instant};

/// A stopwatch.
pub(super) struct Clock(Option<Instant>);

impl Clock {
    /// Starts the clock. `wasm32-unknown-unknown` has none (`Instant::now` panics there), so the elapsed time stays zero.
    pub fn start() -> Self {
        let is_there = !cfg!(all(target_family = "wasm", target_os = "unknown"));
        Self(is_there.then(Instant::now))
    }

    /// Returns the time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.map_or(Duration::ZERO, |start| start.elapsed())
    }
}
