use std::fmt::Write as _;
use std::io::Write as _;
use std::iter;
use std::path::Path;
use std::time::Duration;

use crate::error::Result;
use crate::metrics::{ACCURACY, LOSS, Metrics, Watch};
use crate::unfinished;

/// One row of the history.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[doc(alias = "history row")]
pub struct Epoch {
    /// The number of completed epochs. Row 0 describes the model before training. Without
    /// [`measure_before`](crate::Trainer::measure_before), the first row is row 1.
    pub number: usize,
    /// The metrics on the training set. In row 0, they cover the whole set. In later rows, they cover the samples of the epoch,
    /// each measured before its batch's update.
    pub train: Metrics,
    /// The metrics on the validation set after the epoch, if a validation set was given.
    pub validation: Option<Metrics>,
    /// The metrics on the test set after the epoch, if a test set was given.
    pub test: Option<Metrics>,
    /// The values of every [`Trainer::metric`](crate::Trainer::metric) after the epoch, in the order in which they were added.
    pub metrics: Vec<EpochMetric>,
    /// The time since training began, or zero on `wasm32-unknown-unknown`, which has no clock.
    pub elapsed: Duration,
    /// The learning rate of the last step of the epoch, or `None` in row 0.
    pub learning_rate: Option<f64>,
}

impl Epoch {
    /// Returns the metrics that early stopping and plateau reduction use: the metrics on the validation set, or without one on
    /// the test set, or without both on the training set.
    pub fn watched(&self) -> Metrics {
        self.validation.or(self.test).unwrap_or(self.train)
    }

    /// Returns the value of the metric with this name on the data set of [`watched`](Epoch::watched): `loss`, `accuracy`, or a
    /// [`Trainer::metric`](crate::Trainer::metric).
    pub fn metric(&self, name: &str) -> Option<f64> {
        let [train, validation, test] = self.values(name);
        match (self.validation, self.test) {
            (Some(_), _) => validation,
            (None, Some(_)) => test,
            (None, None) => train,
        }
    }

    /// Returns the value to minimise, or infinity if the epoch has no such metric.
    pub(super) fn cost(&self, watch: &Watch) -> f64 {
        self.metric(watch.name()).map_or(f64::INFINITY, |value| watch.cost(value))
    }

    /// Returns the value of a metric on the training, the validation and the test set.
    pub(super) fn values(&self, name: &str) -> [Option<f64>; 3] {
        let sets = [Some(self.train), self.validation, self.test];
        match name {
            LOSS => sets.map(|metrics| metrics.map(|metrics| metrics.loss)),
            ACCURACY => sets.map(|metrics| metrics.and_then(|metrics| metrics.accuracy)),
            name => match self.metrics.iter().find(|metric| metric.name == name) {
                Some(metric) => [None, metric.validation, metric.test],
                None => [None; 3],
            },
        }
    }
}

/// The values of a [`Trainer::metric`](crate::Trainer::metric) after an epoch.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct EpochMetric {
    /// The name of the metric.
    pub name: String,
    /// The value on the validation set, if a validation set was given.
    pub validation: Option<f64>,
    /// The value on the test set, if a test set was given.
    pub test: Option<f64>,
}

/// The record of a training run: the article's `learn_info`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[doc(alias("learning curve", "learn_info"))]
pub struct History {
    /// Row 0, unless it was left out, then one row per epoch.
    pub epochs: Vec<Epoch>,
    /// The reason why the run ended.
    pub termination: Termination,
    /// With [`EarlyStopping`](crate::train::EarlyStopping), the number of the best epoch. The model has the parameters of this
    /// epoch unless [`restore_best`](crate::train::EarlyStopping::restore_best) is off.
    pub best: Option<usize>,
    /// The duration of the run, or zero on `wasm32-unknown-unknown`, which has no clock.
    pub elapsed: Duration,
}

/// The reason why a training run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Termination {
    /// The run completed all epochs.
    Completed,
    /// An observer stopped the run.
    Stopped,
    /// Early stopping ended the run because its metric did not improve within its patience.
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

/// Conversions to text. Each value is written as the shortest decimal number that reads back as the same bits.
///
/// # Examples
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
    /// Returns a table of comma-separated values (RFC 4180): a header line, then one line per row of the history. Each
    /// [`Trainer::metric`](crate::Trainer::metric) has two columns, such as `validation_f1` and `test_f1`. Times are in seconds.
    /// Cells without a measurement are empty.
    pub fn to_csv(&self) -> String {
        let rows = self.epochs.iter().map(csv_cells);
        let header = csv_header(self.epochs.first().map_or(&[], |epoch| &epoch.metrics));
        iter::once(header).chain(rows).map(|row| row + "\r\n").collect()
    }

    /// Returns a JSON object with the fields of [`History`], in which `epochs` is an array of objects with the fields of
    /// [`Epoch`]. Times are in seconds. Missing measurements are `null`. Values that are not finite are also `null`, because JSON
    /// cannot represent them.
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
            let metrics = epoch.metrics.iter().map(|EpochMetric { name, validation, test }| {
                let [validation, test] = [validation, test].map(|value| number(value.unwrap_or(f64::NAN)));
                format!(r#"{{"name":"{name}","validation":{validation},"test":{test}}}"#)
            });
            _ = write!(json, r#""metrics":[{}],"#, metrics.collect::<Vec<_>>().join(","));
            let rate = number(epoch.learning_rate.unwrap_or(f64::NAN));
            let elapsed = number(epoch.elapsed.as_secs_f64());
            _ = write!(json, r#""elapsed":{elapsed},"learning_rate":{rate}}}"#);
        }
        json.push_str("]}");
        json
    }

    /// Writes [`to_csv`](History::to_csv) to a file, completely or not at all.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Io`](crate::Error::Io) if the file cannot be written.
    pub fn write_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        write(path.as_ref(), &self.to_csv())
    }

    /// Writes [`to_json`](History::to_json) to a file, completely or not at all.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Io`](crate::Error::Io) if the file cannot be written.
    pub fn write_json(&self, path: impl AsRef<Path>) -> Result<()> {
        write(path.as_ref(), &self.to_json())
    }
}

/// Returns the names of the columns in CSV, given the metrics of a row. Names of metrics contain no character that needs quotes.
pub(super) fn csv_header(metrics: &[EpochMetric]) -> String {
    let losses =
        "epoch,train_loss,train_accuracy,validation_loss,validation_accuracy,test_loss,test_accuracy";
    let own = metrics.iter().map(|EpochMetric { name, .. }| format!(",validation_{name},test_{name}"));
    [losses.into(), own.collect::<String>(), ",elapsed".into()].concat()
}

/// Returns a row in CSV, without the end of the line.
pub(super) fn csv_cells(epoch: &Epoch) -> String {
    let mut row = epoch.number.to_string();
    for metrics in [Some(epoch.train), epoch.validation, epoch.test] {
        let (loss, accuracy) = (metrics.map(|m| m.loss), metrics.and_then(|m| m.accuracy));
        _ = write!(row, ",{},{}", csv_cell(loss), csv_cell(accuracy));
    }
    for metric in &epoch.metrics {
        _ = write!(row, ",{},{}", csv_cell(metric.validation), csv_cell(metric.test));
    }
    _ = write!(row, ",{:?}", epoch.elapsed.as_secs_f64());
    row
}

/// Returns a value in CSV, or an empty cell.
pub(super) fn csv_cell(value: Option<f64>) -> String {
    value.map(|value| format!("{value:?}")).unwrap_or_default()
}

/// Returns metrics in JSON.
fn object(metrics: Option<Metrics>) -> String {
    metrics.map_or("null".into(), |Metrics { loss, accuracy }| {
        format!(r#"{{"loss":{},"accuracy":{}}}"#, number(loss), number(accuracy.unwrap_or(f64::NAN)))
    })
}

/// Returns a value in JSON, or `null` if it is not finite.
fn number(value: f64) -> String {
    if value.is_finite() { format!("{value:?}") } else { "null".into() }
}

fn write(path: &Path, text: &str) -> Result<()> {
    unfinished::write(path, |file| file.write_all(text.as_bytes()))
}
