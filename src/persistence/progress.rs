//! What a training has to know to go on, in a file's description.

use serde::{Deserialize, Serialize};

use super::rows::{Row, Rows};

/// What the names of tensors begin with that are no model's; those have a point before the parameter's name.
pub(crate) const PREFIX: &str = "checkpoint/";

/// Whether a tensor of this name belongs to a checkpoint, not to its model.
pub(crate) fn is_own(name: &str) -> bool {
    name.strip_prefix(PREFIX).is_some_and(|rest| !rest.contains('.'))
}

/// How far it is.
#[derive(Deserialize, Serialize)]
pub(crate) struct Progress {
    pub run: Run,
    /// The history of a file of version 1, which has all of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub epochs: Vec<Row>,
    /// Later versions have it in a file beside.
    pub rows: Option<Rows>,
    /// The optimizer's steps.
    pub steps: u64,
    /// The optimizer's scalars.
    pub scalars: Vec<f64>,
    pub plateau: Waiting,
    /// The rate of the next step: what a schedule makes of all this; none where the schedule ends.
    pub learning_rate: Option<f64>,
    /// The epoch that early stopping would restore.
    pub best: Option<usize>,
}

/// What has to be the same when it goes on.
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
}

/// What a reduction on a plateau remembers.
#[derive(Deserialize, Serialize)]
pub(crate) struct Waiting {
    pub scale: f64,
    pub best: Option<f64>,
    pub waited: u64,
    pub cooling: u64,
}

impl Run {
    /// What is not as it was.
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
        all
    }
}
