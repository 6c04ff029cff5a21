//! Conformance tests, which check that a layer meets the requirements of models, workspaces and trainers.
//!
//! Every layer of the crate passes these tests. They are also suitable for custom layers.
//!
//! # Examples
//! ```
//! use manabi::random::{Random, RandomState};
//! use manabi::{Affine, conformance};
//!
//! let x = RandomState::new(1).normal((5, 4), 0.0, 1.0);
//! conformance::layer(&Affine::new(3), x.view(), 0)?.assert();
//! # Ok::<(), manabi::Error>(())
//! ```

mod case;
mod layer;

use std::fmt;

pub use layer::{both, layer};

/// The result of a conformance test.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// The kind of the layer.
    pub name: String,
    /// The number of checks.
    pub checks: usize,
    /// The failed checks, each with its requirement and the failure.
    pub failures: Vec<String>,
}

impl Report {
    fn new(name: &str) -> Self {
        Self { name: name.into(), checks: 0, failures: Vec::new() }
    }

    /// Returns whether at least one check was made and none failed.
    pub fn passed(&self) -> bool {
        self.checks > 0 && self.failures.is_empty()
    }

    /// Asserts that the test has passed, for use in tests.
    ///
    /// # Panics
    /// Panics with the report as the message if a check failed or if none was made.
    #[track_caller]
    pub fn assert(&self) {
        assert!(self.passed(), "{self}");
    }

    /// Counts a check, and records the reason if it failed.
    fn check(&mut self, promise: impl fmt::Display, result: Result<(), String>) {
        self.checks += 1;
        if let Err(reason) = result {
            self.failures.push(format!("{promise}: {reason}"));
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.passed() { "passed" } else { "failed" };
        write!(f, "{} {verdict}: {} of {} checks failed", self.name, self.failures.len(), self.checks)?;
        self.failures.iter().try_for_each(|failure| write!(f, "\n- {failure}"))
    }
}
