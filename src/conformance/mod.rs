//! Does a layer keep the promises that models, workspaces and trainers rely on? One routine that every layer of the crate
//! passes, for layers of your own as well.
//!
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

/// What a routine found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// What was examined, by its name.
    pub name: String,
    /// How many promises were put to the test.
    pub checks: usize,
    /// The promises that were broken: which, and where it showed.
    pub failures: Vec<String>,
}

impl Report {
    fn new(name: &str) -> Self {
        Self { name: name.into(), checks: 0, failures: Vec::new() }
    }

    /// Whether promises were put to the test, and all were kept.
    pub fn passed(&self) -> bool {
        self.checks > 0 && self.failures.is_empty()
    }

    /// For tests.
    ///
    /// # Panics
    /// If a promise was broken, with the report as the message.
    #[track_caller]
    pub fn assert(&self) {
        assert!(self.passed(), "{self}");
    }

    /// Counts a promise, and what is wrong with it if anything is.
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
        write!(f, "{} {verdict}: {} of {} promises broken", self.name, self.failures.len(), self.checks)?;
        self.failures.iter().try_for_each(|failure| write!(f, "\n- {failure}"))
    }
}
