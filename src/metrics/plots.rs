//! Pictures of classifiers.

#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::plot::Axes;

use super::{ReliabilityBin, ThresholdCurve};

impl ThresholdCurve {
    /// Returns an SVG picture of the ROC curve (feature `plot`).
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`] if the curve cannot be drawn.
    ///
    /// # Examples
    ///
    /// ```
    /// use manabi::metrics::ThresholdCurve;
    /// use ndarray::array;
    ///
    /// let curve = ThresholdCurve::new(array![0.1, 0.4, 0.35, 0.8].view(), &[0, 0, 1, 1], None)?;
    /// assert!(curve.roc_svg()?.contains("false positive rate"));
    /// # Ok::<(), manabi::Error>(())
    /// ```
    pub fn roc_svg(&self) -> Result<String> {
        let points =
            self.points().iter().map(|point| (point.false_positive_rate(), point.recall())).collect();
        let chance = ("chance", vec![(0.0, 0.0), (1.0, 1.0)]);
        Axes::unit("false positive rate", "true positive rate").draw(&[("model", points), chance])
    }

    /// Returns an SVG picture of the precision-recall curve (feature `plot`).
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`] if the curve cannot be drawn.
    pub fn precision_recall_svg(&self) -> Result<String> {
        let points = self.points().iter().map(|point| (point.recall(), point.precision())).collect();
        Axes::unit("recall", "precision").draw(&[("model", points)])
    }
}

/// Returns an SVG picture of a reliability diagram: the share of positive samples over the mean predicted probability (feature
/// `plot`).
///
/// # Errors
///
/// Returns [`Error::Setting`] if the diagram cannot be drawn.
pub fn reliability_svg(bins: &[ReliabilityBin]) -> Result<String> {
    let points = bins.iter().map(|bin| (bin.mean_predicted, bin.fraction_positive)).collect();
    let calibrated = ("calibrated", vec![(0.0, 0.0), (1.0, 1.0)]);
    Axes::unit("predicted probability", "share of positive samples").draw(&[("model", points), calibrated])
}
