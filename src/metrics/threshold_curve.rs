use std::fmt::Display;

use ndarray::{ArrayView1, ArrayView2, Axis};

use super::weight_each;
use crate::data::check_labels;
use crate::error::{Error, Result, check_finite};
use crate::scalar::Scalar;

/// The counts of a binary classifier at every threshold: the ROC curve, the precision-recall curve, and the best threshold.
///
/// A sample is predicted as positive if its score is at least the threshold. Samples with the same score share a point, and
/// samples with weight 0 have none.
///
/// Formula: at a threshold, TP positive samples and FP negative samples are predicted as positive. P and N are the numbers of all
/// positive and all negative samples. With weights, all four are sums of weights.
///
/// | value | formula |
/// |---|---|
/// | true positive rate, recall | TP/P |
/// | false positive rate | FP/N |
/// | precision | TP/(TP + FP) |
/// | F1 | 2·TP/(TP + FP + P) |
/// | [`roc_auc`](ThresholdCurve::roc_auc) | area under the true positive rate over the false positive rate, by trapezoids |
/// | [`average_precision`](ThresholdCurve::average_precision) | Σ (recallᵢ − recallᵢ₋₁)·precisionᵢ over descending thresholds |
///
/// Shapes: scores, labels and weights (samples). A label is 1 for positive and 0 for negative. A score can be a probability or a
/// logit.
///
/// Numerics: without weights, all counts are exact. Areas are computed in `f64`.
///
/// # Errors
///
/// [`new`](ThresholdCurve::new) returns an error if the scores and labels do not fit together, or if a class has no samples.
///
/// # Source
///
/// scikit-learn's `roc_curve` with `drop_intermediate=False`, `precision_recall_curve`, `roc_auc_score` and
/// `average_precision_score`.
///
/// # Examples
///
/// ```
/// use manabi::metrics::ThresholdCurve;
/// use ndarray::array;
///
/// let curve = ThresholdCurve::new(array![0.1, 0.4, 0.35, 0.8].view(), &[0, 0, 1, 1], None)?;
/// assert_eq!(curve.roc_auc(), 0.75);
/// let best = curve.best_f1();
/// assert_eq!((best.threshold, best.recall()), (0.35, 1.0));
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[doc(alias("ROC", "AUC", "precision-recall curve"))]
pub struct ThresholdCurve {
    points: Vec<ThresholdPoint>,
}

/// A point of a [`ThresholdCurve`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ThresholdPoint {
    /// The lowest score that is predicted as positive. The first point has the threshold infinity, at which no sample is.
    pub threshold: f64,
    /// The weight of positive samples that are predicted as positive (TP).
    pub true_positives: f64,
    /// The weight of negative samples that are predicted as positive (FP).
    pub false_positives: f64,
    /// The weight of all positive samples.
    pub positives: f64,
    /// The weight of all negative samples.
    pub negatives: f64,
}

impl ThresholdPoint {
    /// Returns TP/P, the share of positive samples that are predicted as positive.
    pub fn recall(&self) -> f64 {
        self.true_positives / self.positives
    }

    /// Returns FP/N, the share of negative samples that are predicted as positive.
    pub fn false_positive_rate(&self) -> f64 {
        self.false_positives / self.negatives
    }

    /// Returns TP/(TP + FP), the share of positive samples among those that are predicted as positive, or 1 if there are none.
    pub fn precision(&self) -> f64 {
        let predicted = self.true_positives + self.false_positives;
        if predicted == 0.0 { 1.0 } else { self.true_positives / predicted }
    }

    /// Returns the harmonic mean of precision and recall.
    pub fn f1(&self) -> f64 {
        2.0 * self.true_positives / (self.true_positives + self.false_positives + self.positives)
    }
}

impl ThresholdCurve {
    /// Counts the samples, or adds up their weights, at every threshold.
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::Shape`] if the number of labels or weights is not the number of scores,
    /// - [`Error::NotFinite`] if a score is not finite,
    /// - [`Error::Label`] if a label is neither 0 nor 1,
    /// - [`Error::Row`] if a weight is negative or not finite,
    /// - [`Error::Setting`] if no positive or no negative sample has a weight above 0, or if the sum of the weights is not
    ///   finite.
    pub fn new<A: Scalar, L>(scores: ArrayView1<'_, A>, labels: &[L], weights: Option<&[f64]>) -> Result<Self>
    where
        L: Copy + Display + TryInto<usize>,
    {
        let labels = check_labels(labels, 2)?;
        let samples = check_samples(scores, labels.len(), weights)?;
        let counting = samples.into_iter().zip(labels).filter(|((_, weight), _)| *weight > 0.0);
        Self::of(counting.map(|((score, weight), label)| (score, label, weight)).collect())
    }

    /// Counts the weights of samples, which are scores, labels and weights.
    #[inline(never)]
    fn of(mut samples: Vec<(f64, usize, f64)>) -> Result<Self> {
        samples.sort_by(|a, b| b.0.total_cmp(&a.0));
        let total = |class| samples.iter().filter(|sample| sample.1 == class).map(|sample| sample.2).sum();
        let (positives, negatives): (f64, f64) = (total(1), total(0));
        if positives == 0.0 || negatives == 0.0 {
            let missing = if positives == 0.0 { "only negative ones" } else { "only positive ones" };
            return Err(Error::setting("labels", "positive and negative samples with a weight", missing));
        }
        let first = ThresholdPoint {
            threshold: f64::INFINITY,
            true_positives: 0.0,
            false_positives: 0.0,
            positives,
            negatives,
        };
        let mut points = vec![first];
        for (score, label, weight) in samples {
            let last = points[points.len() - 1];
            let mut point = ThresholdPoint { threshold: score, ..last };
            match label {
                1 => point.true_positives += weight,
                _ => point.false_positives += weight,
            }
            // Scores of −0 and 0 are equal.
            if last.threshold == score {
                points.pop();
            }
            points.push(point);
        }
        Ok(Self { points })
    }

    /// Returns the points, from the highest threshold to the lowest.
    pub fn points(&self) -> &[ThresholdPoint] {
        &self.points
    }

    /// Returns the area under the ROC curve: the probability that a positive sample has a higher score than a negative one, where
    /// equal scores count half.
    pub fn roc_auc(&self) -> f64 {
        let area = |pair: &[ThresholdPoint]| {
            let width = pair[1].false_positives - pair[0].false_positives;
            width * (pair[0].true_positives + pair[1].true_positives) / 2.0
        };
        let last = &self.points[self.points.len() - 1];
        self.points.windows(2).map(area).sum::<f64>() / last.positives / last.negatives
    }

    /// Returns the average precision, the area under the precision-recall curve by steps.
    pub fn average_precision(&self) -> f64 {
        let step =
            |pair: &[ThresholdPoint]| (pair[1].true_positives - pair[0].true_positives) * pair[1].precision();
        self.points.windows(2).map(step).sum::<f64>() / self.points[0].positives
    }

    /// Returns the point with the highest F1. Of several such points, returns the one with the highest threshold.
    pub fn best_f1(&self) -> ThresholdPoint {
        self.best(ThresholdPoint::f1)
    }

    /// Returns the point with the lowest cost, given the costs of a false positive and of a false negative. Of several such
    /// points, returns the one with the highest threshold.
    ///
    /// Formula: cost = FP·`false_positive` + (P − TP)·`false_negative`.
    pub fn best_cost(&self, false_positive: f64, false_negative: f64) -> ThresholdPoint {
        self.best(|point| {
            let missed = point.positives - point.true_positives;
            -(point.false_positives * false_positive + missed * false_negative)
        })
    }

    fn best(&self, value: impl Fn(&ThresholdPoint) -> f64) -> ThresholdPoint {
        let better = |best: ThresholdPoint, &point: &ThresholdPoint| {
            if value(&point) > value(&best) { point } else { best }
        };
        self.points.iter().fold(self.points[0], better)
    }
}

/// Returns every score with its weight, after checking them.
pub(super) fn check_samples<A: Scalar>(
    scores: ArrayView1<'_, A>,
    labels: usize,
    weights: Option<&[f64]>,
) -> Result<Vec<(f64, f64)>> {
    let samples = scores.len();
    if samples == 0 || labels != samples {
        return Err(Error::shape("labels", format!("[{samples}], one per score, and at least 1"), &[labels]));
    }
    check_finite("scores", column(scores))?;
    let weights = weight_each(weights, samples)?;
    Ok(scores.iter().map(|score| score.widen()).zip(weights.iter().copied()).collect())
}

fn column<A>(scores: ArrayView1<'_, A>) -> ArrayView2<'_, A> {
    scores.insert_axis(Axis(1))
}
