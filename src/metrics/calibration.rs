//! Metrics of predicted probabilities, and their calibration.

use std::fmt::Display;

use ndarray::{ArrayView1, ArrayView2, ArrayViewMut2};

use super::threshold_curve::check_samples;
use super::{check_predictions, check_rows, weight_each, weighted_mean};
use crate::data::check_labels;
use crate::error::{Error, Result};
use crate::scalar::{Real, Scalar};
use crate::settings::check_count;

/// Returns the log loss of predicted probabilities: the mean cross entropy with the labels.
///
/// Formula: −(1/n)·Σ ln yᵢ(labelᵢ). With weights, this is the weighted mean.
///
/// Shapes: y (samples, classes), labels and weights (samples).
///
/// Numerics: computed in `f64`. Probabilities below 2.2·10⁻¹⁶ (ε of `f64`), such as 0, count as this value. scikit-learn uses ε
/// of the type of y.
///
/// # Errors
///
/// Returns:
///
/// - [`Error::Shape`] if `y` is empty or the number of labels or weights is not the number of samples,
/// - [`Error::NotFinite`] if a probability is not finite,
/// - [`Error::Label`] if a label is not a class,
/// - [`Error::Row`] if a weight is negative or not finite, and [`Error::Setting`] if all are 0 or their sum is not finite.
///
/// # Examples
///
/// ```
/// use ndarray::array;
///
/// let y = array![[0.5, 0.5], [0.25, 0.75]];
/// let expected = -(0.5_f64.ln() + 0.75_f64.ln()) / 2.0;
/// assert!((manabi::metrics::log_loss(y.view(), &[0, 1], None)? - expected).abs() < 1e-15);
/// # Ok::<(), manabi::Error>(())
/// ```
pub fn log_loss<A: Scalar, L>(y: ArrayView2<'_, A>, labels: &[L], weights: Option<&[f64]>) -> Result<f64>
where
    L: Copy + Display + TryInto<usize>,
{
    let labels = check_rows(y, labels)?;
    let weights = weight_each(weights, y.nrows())?;
    let loss = |(row, label): (ArrayView1<'_, A>, usize)| -Real::ln(row[label].widen().max(f64::EPSILON));
    Ok(weighted_mean(y.rows().into_iter().zip(labels).map(loss), &weights))
}

/// Returns the Brier score of the probabilities of a binary classifier: their mean squared error.
///
/// Formula: (1/n)·Σ (yᵢ − labelᵢ)². With weights, this is the weighted mean.
///
/// Shapes: y, labels and weights (samples). A label is 1 for positive and 0 for negative.
///
/// # Errors
///
/// Returns:
///
/// - [`Error::Shape`] if `y` is empty or the number of labels or weights is not the number of samples,
/// - [`Error::NotFinite`] if a probability is not finite,
/// - [`Error::Label`] if a label is neither 0 nor 1,
/// - [`Error::Row`] if a weight is negative or not finite, and [`Error::Setting`] if all are 0 or their sum is not finite.
///
/// # Source
///
/// G. W. Brier, *Verification of forecasts expressed in terms of probability*, 1950.
///
/// # Examples
///
/// ```
/// use ndarray::array;
///
/// assert_eq!(manabi::metrics::brier_score(array![0.5, 1.0].view(), &[0, 1], None)?, 0.125);
/// # Ok::<(), manabi::Error>(())
/// ```
pub fn brier_score<A: Scalar, L>(y: ArrayView1<'_, A>, labels: &[L], weights: Option<&[f64]>) -> Result<f64>
where
    L: Copy + Display + TryInto<usize>,
{
    let labels = check_labels(labels, 2)?;
    let (scores, weights): (Vec<f64>, Vec<f64>) =
        check_samples(y, labels.len(), weights)?.into_iter().unzip();
    let square = |(y, label): (f64, usize)| (y - label as f64) * (y - label as f64);
    Ok(weighted_mean(scores.into_iter().zip(labels).map(square), &weights))
}

/// A bin of a reliability diagram: samples with similar predicted probabilities.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ReliabilityBin {
    /// The number of samples in the bin, or their total weight.
    pub weight: f64,
    /// The mean of their probabilities.
    pub mean_predicted: f64,
    /// The share of positive samples among them. For calibrated probabilities, it is about the mean of the probabilities.
    pub fraction_positive: f64,
}

/// Returns the bins of a reliability diagram of a binary classifier, without the bins that no weight falls into.
///
/// Formula: bin i of b contains the probabilities from i/b to (i + 1)/b, without the upper bound, which only the last bin
/// includes. With weights, the means of a bin are weighted.
///
/// Shapes: y, labels and weights (samples). A label is 1 for positive and 0 for negative.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `bins` | the number of bins of the same width | none | 1 or more |
///
/// # Errors
///
/// Returns:
///
/// - [`Error::Setting`] if `bins` is 0,
/// - [`Error::Row`] if a value is not a probability,
/// - [`Error::Shape`] if `y` is empty or the number of labels or weights is not the number of samples,
/// - [`Error::NotFinite`] if a probability is not finite,
/// - [`Error::Label`] if a label is neither 0 nor 1,
/// - [`Error::Row`] if a weight is negative or not finite, and [`Error::Setting`] if all are 0 or their sum is not finite.
///
/// # Source
///
/// scikit-learn's `calibration_curve`.
///
/// # Examples
///
/// ```
/// use ndarray::array;
///
/// let bins = manabi::metrics::reliability(array![0.1, 0.2, 0.9].view(), &[0, 1, 1], 2, None)?;
/// assert_eq!((bins[0].weight, bins[0].fraction_positive, bins[1].mean_predicted), (2.0, 0.5, 0.9));
/// # Ok::<(), manabi::Error>(())
/// ```
#[doc(alias = "calibration curve")]
pub fn reliability<A: Scalar, L>(
    y: ArrayView1<'_, A>,
    labels: &[L],
    bins: usize,
    weights: Option<&[f64]>,
) -> Result<Vec<ReliabilityBin>>
where
    L: Copy + Display + TryInto<usize>,
{
    check_count("bins", bins)?;
    let labels = check_labels(labels, 2)?;
    let scores = check_samples(y, labels.len(), weights)?;
    if let Some(row) = scores.iter().position(|(y, _)| !(0.0..=1.0).contains(y)) {
        return Err(Error::row("y", row, "a probability", scores[row].0));
    }
    let mut sums = vec![(0.0, 0.0, 0.0); bins];
    for ((y, weight), label) in scores.into_iter().zip(labels) {
        let (total, predicted, positive) = &mut sums[((y * bins as f64) as usize).min(bins - 1)];
        *total += weight;
        *predicted += weight * y;
        *positive += weight * label as f64;
    }
    let bin = |(weight, predicted, positive): (f64, f64, f64)| ReliabilityBin {
        weight,
        mean_predicted: predicted / weight,
        fraction_positive: positive / weight,
    };
    Ok(sums.into_iter().filter(|(weight, ..)| *weight > 0.0).map(bin).collect())
}

/// Temperature scaling: one factor that calibrates the probabilities of a classifier without changing its predicted classes.
///
/// Formula: y = softmax(u/T) for the logits u, with the temperature T that minimises the log loss on held-out samples. Networks
/// that are too sure of themselves have T above 1.
///
/// Numerics: computed in `f64` by bisection of the derivative with respect to 1/T, to the last digits. The temperature is between
/// 10⁻⁶ and 10⁶, for example if all predictions are right and no temperature is best.
///
/// # Source
///
/// C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, *On calibration of modern neural networks*, ICML 2017, arXiv:1706.04599.
///
/// # Examples
///
/// The logits of a model come from a copy with the output [`Identity`](crate::activation::Identity), or are the logarithms of its
/// probabilities:
///
/// ```
/// use manabi::metrics::Temperature;
/// use ndarray::array;
///
/// // The model claims 88 %, but one of four predictions is wrong.
/// let mut logits = array![[2.0, 0.0], [2.0, 0.0], [2.0, 0.0], [2.0, 0.0]];
/// let temperature = Temperature::fit(logits.view(), &[0, 0, 0, 1], None)?;
/// temperature.apply(logits.view_mut())?;
/// assert!((logits[[0, 0]] - 0.75_f64).abs() < 1e-12);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[doc(alias = "calibration")]
pub struct Temperature(f64);

/// The greatest temperature, and the inverse of the least.
const MOST: f64 = 1e6;

impl Temperature {
    /// Finds the temperature that minimises the log loss, which weights make a weighted mean.
    ///
    /// Shapes: logits (samples, classes), labels and weights (samples).
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::Shape`] if `logits` is empty or the number of labels or weights is not the number of samples,
    /// - [`Error::NotFinite`] if a logit is not finite,
    /// - [`Error::Label`] if a label is not a class,
    /// - [`Error::Row`] if a weight is negative or not finite, and [`Error::Setting`] if all are 0 or their sum is not finite.
    pub fn fit<A: Scalar, L>(logits: ArrayView2<'_, A>, labels: &[L], weights: Option<&[f64]>) -> Result<Self>
    where
        L: Copy + Display + TryInto<usize>,
    {
        let labels = check_rows(logits, labels)?;
        let weights = weight_each(weights, labels.len())?;
        let logits = logits.mapv(|u| u.widen());
        // The derivative of the log loss with respect to 1/T grows with 1/T.
        let slope = |inverse: f64| -> f64 {
            let mut sum = 0.0;
            for ((row, &label), of_row) in logits.rows().into_iter().zip(&labels).zip(&*weights) {
                let greatest = row.fold(f64::NEG_INFINITY, |greatest, &u| greatest.max(u));
                let (mut total, mut mean) = (0.0, 0.0);
                for &u in row {
                    let weight = Real::exp(inverse * (u - greatest));
                    (total, mean) = (total + weight, mean + weight * (u - greatest));
                }
                sum += of_row * (mean / total - (row[label] - greatest));
            }
            sum
        };
        let (mut low, mut high) = (1.0 / MOST, MOST);
        loop {
            // In the middle of the logarithms, up to rounding.
            let middle = (low * high).sqrt();
            if middle <= low || middle >= high {
                return Ok(Self(1.0 / middle));
            }
            if slope(middle) <= 0.0 { low = middle } else { high = middle }
        }
    }

    /// Returns the temperature.
    pub fn value(self) -> f64 {
        self.0
    }

    /// Replaces logits by calibrated probabilities.
    ///
    /// Shapes: logits (samples, classes).
    ///
    /// # Errors
    ///
    /// Returns [`Error::Shape`] if `logits` is empty, and [`Error::NotFinite`] if a logit is not finite. The array is then
    /// unchanged.
    pub fn apply<A: Scalar>(self, mut logits: ArrayViewMut2<'_, A>) -> Result<()> {
        check_predictions(logits.view())?;
        for mut row in logits.rows_mut() {
            let greatest =
                row.fold(A::neg_infinity(), |greatest, &u| if u > greatest { u } else { greatest });
            let weight = |u: A| Real::exp((u.widen() - greatest.widen()) / self.0);
            let total: f64 = row.iter().map(|&u| weight(u)).sum();
            row.mapv_inplace(|u| A::of(weight(u) / total));
        }
        Ok(())
    }
}
