//! Metrics, which measure how good predictions are.
//!
//! [`Sequential::evaluate`](crate::Sequential::evaluate) returns the loss and accuracy of a model on a data set.
//! [`Sequential::confusion_matrix`](crate::Sequential::confusion_matrix) counts its predictions by class. The functions of this
//! module measure predictions in an array. [`ThresholdCurve`] contains the ROC and precision-recall curves of a binary
//! classifier, and [`Temperature`] calibrates probabilities. [`Trainer::metric`](crate::Trainer::metric) measures any function
//! after every epoch, and [`Watch`] chooses what decides about a run.
//!
//! The last parameter of every function that measures is the weight of each sample, or `None` if all of them are 1. A sample with
//! weight 2 counts as much as two equal samples, and a sample with weight 0 does not count, as with `sample_weight` in
//! scikit-learn. If weights are given, there must be one for each sample, and at least one above 0.

mod calibration;
mod classification;
mod confusion_matrix;
#[cfg(feature = "plot")]
mod plots;
mod regression;
mod tally;
mod threshold_curve;
mod watch;

use std::borrow::Cow;
use std::fmt::Display;

use ndarray::ArrayView2;

pub use calibration::{ReliabilityBin, Temperature, brier_score, log_loss, reliability};
pub use classification::{accuracy, classes, top_k_accuracy};
pub use confusion_matrix::{Average, ConfusionMatrix};
#[cfg(feature = "plot")]
pub use plots::reliability_svg;
pub use regression::{mean_absolute_error, mean_squared_error, r_squared, root_mean_squared_error};
pub use tally::Metrics;
pub(crate) use tally::{Tally, TallyNumbers};
pub use threshold_curve::{ThresholdCurve, ThresholdPoint};
pub use watch::Watch;
pub(crate) use watch::{ACCURACY, LOSS};

use crate::data::{check_labels, check_weights};
use crate::error::{Error, Result, check_finite};
use crate::scalar::{Scalar, unit_of};

/// Returns an error if there is no prediction or if a value is not finite.
fn check_predictions<A: Scalar>(y: ArrayView2<'_, A>) -> Result<()> {
    if y.is_empty() {
        return Err(Error::shape("y", "(1 or more, 1 or more)", y.shape()));
    }
    check_finite("y", y)
}

/// Returns the labels of predictions after checking both.
fn check_rows<A: Scalar, L>(y: ArrayView2<'_, A>, labels: &[L]) -> Result<Vec<usize>>
where
    L: Copy + Display + TryInto<usize>,
{
    check_predictions(y)?;
    if labels.len() != y.nrows() {
        return Err(Error::shape("labels", format!("[{}]", y.nrows()), &[labels.len()]));
    }
    check_labels(labels, y.ncols())
}

/// Returns the weight of each of `rows` samples: the given weights after checking them, or 1 each.
fn weight_each(weights: Option<&[f64]>, rows: usize) -> Result<Cow<'_, [f64]>> {
    let Some(weights) = weights else { return Ok(vec![1.0; rows].into()) };
    check_weights(weights, rows)?;
    match weights.iter().sum::<f64>() {
        total if total.is_finite() => Ok(weights.into()),
        total => Err(Error::setting("weights", "a finite sum", total)),
    }
}

/// Returns the unit in which the greatest weight is about 1, so that weighted sums stay in range. It is a power of two, so that
/// dividing weights by it does not round them.
fn unit_of_weights(weights: &[f64]) -> f64 {
    unit_of(weights.iter().copied().fold(0.0, f64::max))
}

/// Returns the weighted mean of a value of each sample.
fn weighted_mean(values: impl Iterator<Item = f64>, weights: &[f64]) -> f64 {
    let unit = unit_of_weights(weights);
    let counting = values.zip(weights).filter(|(_, weight)| **weight > 0.0);
    let (sum, total) = counting
        .map(|(value, weight)| (value * (weight / unit), weight / unit))
        .fold((0.0, 0.0), |(sum, total), (value, weight)| (sum + value, total + weight));
    sum / total
}
