use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::error::Result;
use crate::metrics::Metrics;
use crate::unfinished;

/// One row of the history.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
#[doc(alias = "history row")]
pub struct Epoch {
    /// 0 is before training; from 1 on, after that many epochs.
    pub number: usize,
    /// On the training set: in row 0 on the whole set, from then on over the epoch's samples, each measured in its
    /// batch before that batch's update.
    pub train: Metrics,
    /// On the validation set, if there is one, after the epoch.
    pub validation: Option<Metrics>,
    /// On the test set, if there is one, after the epoch.
    pub test: Option<Metrics>,
    /// The time since training began; zero on `wasm32-unknown-unknown`, which has no clock.
    pub elapsed: Duration,
}

impl Epoch {
    /// What early stopping and reduction on a plateau go by: the validation set's, without one the test set's, without one the
    /// training set's.
    pub fn watched(&self) -> Metrics {
        self.validation.or(self.test).unwrap_or(self.train)
    }
}

/// What a training run was: the article's learn_info.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[doc(alias("learning curve", "learn_info"))]
pub struct History {
    /// Row 0, then one row an epoch.
    pub epochs: Vec<Epoch>,
    /// Why the run ended.
    pub termination: Termination,
    /// With [`EarlyStopping`](crate::train::EarlyStopping), the number of the best epoch, whose parameters the model has
    /// unless the last ones were to be kept.
    pub best: Option<usize>,
    /// How long it took; zero on `wasm32-unknown-unknown`, which has no clock.
    pub elapsed: Duration,
}

/// Why a training run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Termination {
    /// All epochs were run.
    Completed,
    /// An observer asked to stop.
    Stopped,
    /// Early stopping: for as many epochs as its patience, what it watches was no better than in the best epoch.
    NoImprovement,
}

impl Termination {
    fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Stopped => "stopped",
            Self::NoImprovement => "no_improvement",
        }
    }
}

/// The history as text. Numbers are the shortest that read back as the same bits.
///
/// ```
/// use manabi::activation::Identity;
/// use manabi::loss::MeanSquaredError;
/// use manabi::{Affine, Samples, Sequential, Trainer};
/// use ndarray::array;
///
/// let data = Samples::new(array![[1.0], [2.0]], array![[1.0], [2.0]])?;
/// let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(1));
/// let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build()?;
/// let history = Trainer::new().batch_size(2).epochs(1).fit(&mut model, &data)?;
/// let csv = history.to_csv();
/// assert!(csv.starts_with("epoch,train_loss,train_accuracy,validation_loss,"));
/// assert!(csv.contains(&format!("\r\n1,{:?},,", history.epochs[1].train.loss)));
/// assert!(history.to_json().starts_with(r#"{"termination":"completed","best":null,"#));
/// # Ok::<(), manabi::Error>(())
/// ```
impl History {
    /// A table of comma-separated values (RFC 4180): a header, then a line an epoch, whose times are in seconds. What was not
    /// measured is left empty.
    pub fn to_csv(&self) -> String {
        let mut csv = String::from("epoch");
        for set in ["train", "validation", "test"] {
            _ = write!(csv, ",{set}_loss,{set}_accuracy");
        }
        csv.push_str(",elapsed\r\n");
        for epoch in &self.epochs {
            _ = write!(csv, "{}", epoch.number);
            for metrics in [Some(epoch.train), epoch.validation, epoch.test] {
                let cell = |value: Option<f64>| value.map(|value| format!("{value:?}")).unwrap_or_default();
                let (loss, accuracy) = (metrics.map(|m| m.loss), metrics.and_then(|m| m.accuracy));
                _ = write!(csv, ",{},{}", cell(loss), cell(accuracy));
            }
            _ = write!(csv, ",{:?}\r\n", epoch.elapsed.as_secs_f64());
        }
        csv
    }

    /// A JSON object with the fields of [`History`] and in `epochs` those of [`Epoch`], whose times are in seconds. What was
    /// not measured is `null`, and so is a number that is not finite, which JSON has no word for.
    pub fn to_json(&self) -> String {
        let best = self.best.map_or("null".into(), |best| best.to_string());
        let elapsed = number(self.elapsed.as_secs_f64());
        let mut json = format!(
            r#"{{"termination":"{}","best":{best},"elapsed":{elapsed},"epochs":["#,
            self.termination.name()
        );
        for (i, epoch) in self.epochs.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            _ = write!(json, r#"{comma}{{"number":{},"train":{},"#, epoch.number, object(Some(epoch.train)));
            _ = write!(json, r#""validation":{},"test":{},"#, object(epoch.validation), object(epoch.test));
            _ = write!(json, r#""elapsed":{}}}"#, number(epoch.elapsed.as_secs_f64()));
        }
        json.push_str("]}");
        json
    }

    /// Writes [`to_csv`](History::to_csv) to a file, as a whole or not at all; an error if that is not possible.
    pub fn write_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        write(path.as_ref(), &self.to_csv())
    }

    /// Writes [`to_json`](History::to_json) to a file, as a whole or not at all; an error if that is not possible.
    pub fn write_json(&self, path: impl AsRef<Path>) -> Result<()> {
        write(path.as_ref(), &self.to_json())
    }
}

/// Metrics in JSON.
fn object(metrics: Option<Metrics>) -> String {
    metrics.map_or("null".into(), |Metrics { loss, accuracy }| {
        format!(r#"{{"loss":{},"accuracy":{}}}"#, number(loss), number(accuracy.unwrap_or(f64::NAN)))
    })
}

/// A number in JSON.
fn number(value: f64) -> String {
    if value.is_finite() { format!("{value:?}") } else { "null".into() }
}

fn write(path: &Path, text: &str) -> Result<()> {
    unfinished::write(path, |file| file.write_all(text.as_bytes()))
}
