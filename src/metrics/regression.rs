use ndarray::{ArrayView1, ArrayView2};

use super::{check_predictions, unit_of_weights, weight_each};
use crate::error::{Error, Result, check_finite};
use crate::scalar::{Scalar, unit_of};

/// Returns the mean absolute error, which has the unit of the targets.
///
/// Formula: mean over samples and outputs of |y − t|. With weights, the mean over samples is weighted.
///
/// Shapes: y and t (samples, outputs), weights (samples).
///
/// Numerics: the differences and their sums are computed in `f64`. The result is finite if it is in range, even if the sum is
/// not.
///
/// # Errors
///
/// Returns:
///
/// - [`Error::Shape`] if `y` is empty, `t` has another shape, or the number of weights is not the number of samples,
/// - [`Error::NotFinite`] if a value is not finite,
/// - [`Error::Row`] if a weight is negative or not finite, and [`Error::Setting`] if all are 0 or their sum is not finite.
///
/// # Examples
///
/// ```
/// use ndarray::array;
///
/// let (y, t) = (array![[1.0], [5.0]], array![[2.0], [2.0]]);
/// assert_eq!(manabi::metrics::mean_absolute_error(y.view(), t.view(), None)?, 2.0);
/// # Ok::<(), manabi::Error>(())
/// ```
#[inline(never)]
pub fn mean_absolute_error<A: Scalar>(
    y: ArrayView2<'_, A>,
    t: ArrayView2<'_, A>,
    weights: Option<&[f64]>,
) -> Result<f64> {
    over_outputs(y, t, weights, |samples| {
        mean(|unit| differences(samples, unit).map(|(difference, weight)| (difference.abs(), weight)))
    })
}

/// Returns the mean squared error.
///
/// Formula: mean over samples and outputs of (y − t)². With weights, the mean over samples is weighted.
///
/// Shapes: y and t (samples, outputs), weights (samples).
///
/// Numerics: the squares and their sums are computed in `f64`, scaled so that they stay in range. The result is therefore finite
/// if it is in range.
///
/// # Errors
///
/// Returns:
///
/// - [`Error::Shape`] if `y` is empty, `t` has another shape, or the number of weights is not the number of samples,
/// - [`Error::NotFinite`] if a value is not finite,
/// - [`Error::Row`] if a weight is negative or not finite, and [`Error::Setting`] if all are 0 or their sum is not finite.
///
/// # Examples
///
/// ```
/// use ndarray::array;
///
/// let (y, t) = (array![[1.0], [5.0]], array![[2.0], [2.0]]);
/// assert_eq!(manabi::metrics::mean_squared_error(y.view(), t.view(), None)?, 5.0);
/// # Ok::<(), manabi::Error>(())
/// ```
#[inline(never)]
pub fn mean_squared_error<A: Scalar>(
    y: ArrayView2<'_, A>,
    t: ArrayView2<'_, A>,
    weights: Option<&[f64]>,
) -> Result<f64> {
    over_outputs(y, t, weights, |samples| {
        let (squares, unit) = squares(|unit| differences(samples, unit));
        squares / total(samples) * unit * unit
    })
}

/// Returns the root of the mean squared error, which has the unit of the targets. For several outputs, returns the mean of their
/// roots.
///
/// Formula: mean over outputs of √(mean over samples of (y − t)²). With weights, the mean over samples is weighted.
///
/// Shapes: y and t (samples, outputs), weights (samples).
///
/// Numerics: the squares and their sums are computed in `f64`, scaled so that they stay in range.
///
/// # Errors
///
/// Returns:
///
/// - [`Error::Shape`] if `y` is empty, `t` has another shape, or the number of weights is not the number of samples,
/// - [`Error::NotFinite`] if a value is not finite,
/// - [`Error::Row`] if a weight is negative or not finite, and [`Error::Setting`] if all are 0 or their sum is not finite.
///
/// # Examples
///
/// ```
/// use ndarray::array;
///
/// let (y, t) = (array![[1.0], [9.0]], array![[2.0], [2.0]]);
/// assert_eq!(manabi::metrics::root_mean_squared_error(y.view(), t.view(), None)?, 5.0);
/// # Ok::<(), manabi::Error>(())
/// ```
#[inline(never)]
pub fn root_mean_squared_error<A: Scalar>(
    y: ArrayView2<'_, A>,
    t: ArrayView2<'_, A>,
    weights: Option<&[f64]>,
) -> Result<f64> {
    over_outputs(y, t, weights, |samples| {
        let (squares, unit) = squares(|unit| differences(samples, unit));
        (squares / total(samples)).sqrt() * unit
    })
}

/// Returns R², the coefficient of determination.
///
/// It is 1 for exact predictions, 0 for predictions that are no better than the mean of the targets, and below 0 for worse
/// predictions. For several outputs, it is the mean of their R².
///
/// Formula: mean over outputs of 1 − Σ(y − t)²/Σ(t − mean of t)². With weights, the sums and the mean are weighted.
///
/// Shapes: y and t (samples, outputs), weights (samples).
///
/// Numerics: the sums are computed in `f64`, scaled so that the squares stay in range. If all targets of an output are equal, its
/// R² is 1 for exact predictions and 0 otherwise.
///
/// # Errors
///
/// Returns [`Error::Shape`] if `y` has fewer than 2 rows, and the errors of [`mean_squared_error`].
///
/// # Source
///
/// Wright, *Correlation and causation*, 1921.
///
/// # Examples
///
/// ```
/// use ndarray::array;
///
/// let (y, t) = (array![[1.0], [2.0], [4.0]], array![[1.0], [2.0], [3.0]]);
/// assert_eq!(manabi::metrics::r_squared(y.view(), t.view(), None)?, 0.5);
/// # Ok::<(), manabi::Error>(())
/// ```
#[inline(never)]
pub fn r_squared<A: Scalar>(
    y: ArrayView2<'_, A>,
    t: ArrayView2<'_, A>,
    weights: Option<&[f64]>,
) -> Result<f64> {
    if y.nrows() < 2 {
        return Err(Error::shape("y", "(2 or more, 1 or more)", y.shape()));
    }
    over_outputs(y, t, weights, determination)
}

/// The prediction, the target and the weight of a sample. The weight is above 0.
type Sample = (f64, f64, f64);

/// Returns R² of one output.
fn determination(samples: &[Sample]) -> f64 {
    if samples.iter().all(|sample| sample.1 == samples[0].1) {
        return if samples.iter().all(|(y, t, _)| y == t) { 1.0 } else { 0.0 };
    }
    let middle = mean(|unit| samples.iter().map(move |(_, t, weight)| (t / unit, *weight)));
    let (left, unit) = squares(|unit| differences(samples, unit));
    let spread = |unit| samples.iter().map(move |(_, t, weight)| (difference(*t, middle, unit), *weight));
    let (all, unit_of_all) = squares(spread);
    let ratio = unit / unit_of_all;
    1.0 - left / all * ratio * ratio
}

/// Returns the mean of a metric over the outputs.
fn over_outputs<A: Scalar>(
    y: ArrayView2<'_, A>,
    t: ArrayView2<'_, A>,
    weights: Option<&[f64]>,
    figure: impl Fn(&[Sample]) -> f64,
) -> Result<f64> {
    check_predictions(y)?;
    if t.dim() != y.dim() {
        return Err(Error::shape("t", format!("{:?}", y.dim()), t.shape()));
    }
    check_finite("t", t)?;
    let weights = weight_each(weights, y.nrows())?;
    let unit = unit_of_weights(&weights);
    let samples = |y: ArrayView1<'_, A>, t: ArrayView1<'_, A>| -> Vec<Sample> {
        let all = y.iter().zip(t).zip(&*weights).filter(|(_, weight)| **weight > 0.0);
        all.map(|((y, t), weight)| (y.widen(), t.widen(), weight / unit)).collect()
    };
    let figures: Vec<f64> =
        y.columns().into_iter().zip(t.columns()).map(|(y, t)| figure(&samples(y, t))).collect();
    Ok(mean(|unit| figures.iter().map(move |figure| (figure / unit, 1.0))))
}

/// Returns the total weight of the samples.
fn total(samples: &[Sample]) -> f64 {
    samples.iter().map(|sample| sample.2).sum()
}

/// Returns the error of each sample, divided by a unit, and its weight.
fn differences(samples: &[Sample], unit: f64) -> impl Iterator<Item = (f64, f64)> {
    samples.iter().map(move |&(y, t, weight)| (difference(y, t, unit), weight))
}

/// Returns (a − b)/unit, even if a − b overflows.
fn difference(a: f64, b: f64, unit: f64) -> f64 {
    match a - b {
        difference if difference.is_finite() => difference / unit,
        _ => (0.5 * a - 0.5 * b) / (0.5 * unit),
    }
}

/// Returns the weighted sum of squares of the values divided by a unit, and that unit, which keeps the sum in range.
fn squares<I: Iterator<Item = (f64, f64)>>(values: impl Fn(f64) -> I) -> (f64, f64) {
    let greatest = values(1.0).fold(0.0, |greatest: f64, (value, _)| greatest.max(value.abs()));
    let unit = unit_of(greatest);
    (values(unit).map(|(value, weight)| weight * (value * value)).sum(), unit)
}

/// Returns the weighted mean of the values, which `values` returns divided by a unit.
fn mean<I: Iterator<Item = (f64, f64)>>(values: impl Fn(f64) -> I) -> f64 {
    let of = |unit| {
        let (sum, n) =
            values(unit).fold((0.0, 0.0), |(sum, n), (value, weight)| (sum + weight * value, n + weight));
        sum / n
    };
    // More than the possible number of values, so that their sum in this unit is in range.
    let beyond = 2.0_f64.powi(64);
    match of(1.0) {
        mean if mean.is_finite() => mean,
        _ => of(beyond) * beyond,
    }
}
