//! The state of a training run in the description of a checkpoint.

use serde::{Deserialize, Serialize};

use super::rows::{Row, Rows};

/// The prefix of the names of tensors that belong to the checkpoint, not to the model. Such names contain no dot, unlike the
/// names of a model's tensors.
pub(crate) const PREFIX: &str = "checkpoint/";

/// Returns whether the tensor with this name belongs to the checkpoint, not to the model.
pub(crate) fn is_own(name: &str) -> bool {
    name.strip_prefix(PREFIX).is_some_and(|rest| !rest.contains('.'))
}

/// The progress of a training run.
#[derive(Deserialize, Serialize)]
pub(crate) struct Progress {
    pub run: Run,
    /// The whole history, in files of version 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub epochs: Vec<Row>,
    /// The part of the history file that belongs to the checkpoint, in files of version 2.
    pub rows: Option<Rows>,
    /// The number of steps of the optimizer.
    pub steps: u64,
    /// The scalars of the optimizer.
    pub scalars: Vec<f64>,
    pub plateau: Waiting,
    /// The learning rate of the next step, or `None` if the schedule has ended.
    pub learning_rate: Option<f64>,
    /// The epoch that early stopping would restore.
    pub best: Option<usize>,
}

/// The settings that must be the same when the run is resumed.
#[derive(Deserialize, PartialEq, Serialize)]
pub(crate) struct Run {
    pub precision: String,
    pub optimizer: String,
    pub batch_size: usize,
    #[serde(default)]
    pub drop_last: bool,
    pub noise_seed: u32,
    pub samples: usize,
    pub validation_samples: Option<usize>,
    pub test_samples: Option<usize>,
    /// The names of the metrics of the user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<String>,
}

/// The state of a reduction on a plateau.
#[derive(Deserialize, Serialize)]
pub(crate) struct Waiting {
    pub scale: f64,
    pub best: Option<f64>,
    pub waited: u64,
    pub cooling: u64,
}

impl Run {
    /// Returns a message for each setting that differs from the saved run.
    pub fn differences(&self, saved: &Self) -> Vec<String> {
        let mut all = Vec::new();
        let mut compare = |what: &str, now: &dyn ToString, then: &dyn ToString| {
            let (now, then) = (now.to_string(), then.to_string());
            if now != then {
                all.push(format!("{what}: expected {now}, got {then}"));
            }
        };
        compare("precision", &self.precision, &saved.precision);
        compare("optimizer", &self.optimizer, &saved.optimizer);
        compare("batch_size", &self.batch_size, &saved.batch_size);
        compare("drop_last", &self.drop_last, &saved.drop_last);
        compare("noise_seed", &self.noise_seed, &saved.noise_seed);
        compare("samples of the training set", &self.samples, &saved.samples);
        let count = |samples: Option<usize>| samples.map_or("none".into(), |samples| samples.to_string());
        let (own, then) = (count(self.validation_samples), count(saved.validation_samples));
        compare("samples of the validation set", &own, &then);
        compare("samples of the test set", &count(self.test_samples), &count(saved.test_samples));
        let names = |run: &Self| if run.metrics.is_empty() { "none".into() } else { run.metrics.join(", ") };
        compare("metrics", &names(self), &names(saved));
        all
    }
}
