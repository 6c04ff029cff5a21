use ndarray::{ArrayView1, ArrayView2};

use super::check_predictions;
use crate::error::{Error, Result, check_finite};
use crate::scalar::{Scalar, unit_of};

/// Returns the mean absolute error, which has the unit of the targets.
///
/// Formula: mean over samples and outputs of |y − t|.
///
/// Shapes: y and t (samples, outputs).
///
/// Numerics: the differences and their sums are computed in `f64`. The result is finite if it is in range, even if the sum is not.
///
/// # Errors
///
/// Returns [`Error::Shape`] if `y` is empty or `t` has another shape, and [`Error::NotFinite`] if a value is not finite.
///
/// # Examples
///
/// ```
/// use ndarray::array;
///
/// let (y, t) = (array![[1.0], [5.0]], array![[2.0], [2.0]]);
/// assert_eq!(manabi::metrics::mean_absolute_error(y.view(), t.view())?, 2.0);
/// # Ok::<(), manabi::Error>(())
/// ```
#[inline(never)]
pub fn mean_absolute_error<A: Scalar>(y: ArrayView2<'_, A>, t: ArrayView2<'_, A>) -> Result<f64> {
    over_outputs(y, t, |y, t| mean(|unit| differences(y, t, unit).map(f64::abs)))
}

/// Returns the mean squared error.
///
/// Formula: mean over samples and outputs of (y − t)².
///
/// Shapes: y and t (samples, outputs).
///
/// Numerics: the squares and their sums are computed in `f64`, scaled so that they stay in range. The result is therefore finite if it
/// is in range.
///
/// # Errors
///
/// Returns [`Error::Shape`] if `y` is empty or `t` has another shape, and [`Error::NotFinite`] if a value is not finite.
///
/// # Examples
///
/// ```
/// use ndarray::array;
///
/// let (y, t) = (array![[1.0], [5.0]], array![[2.0], [2.0]]);
/// assert_eq!(manabi::metrics::mean_squared_error(y.view(), t.view())?, 5.0);
/// # Ok::<(), manabi::Error>(())
/// ```
#[inline(never)]
pub fn mean_squared_error<A: Scalar>(y: ArrayView2<'_, A>, t: ArrayView2<'_, A>) -> Result<f64> {
    over_outputs(y, t, |y, t| {
        let (squares, unit) = squares(|unit| differences(y, t, unit));
        squares / y.len() as f64 * unit * unit
    })
}

/// Returns the root of the mean squared error, which has the unit of the targets. For several outputs, returns the mean of their roots.
///
/// Formula: mean over outputs of √(mean over samples of (y − t)²).
///
/// Shapes: y and t (samples, outputs).
///
/// Numerics: the squares and their sums are computed in `f64`, scaled so that they stay in range.
///
/// # Errors
///
/// Returns [`Error::Shape`] if `y` is empty or `t` has another shape, and [`Error::NotFinite`] if a value is not finite.
///
/// # Examples
///
/// ```
/// use ndarray::array;
///
/// let (y, t) = (array![[1.0], [9.0]], array![[2.0], [2.0]]);
/// assert_eq!(manabi::metrics::root_mean_squared_error(y.view(), t.view())?, 5.0);
/// # Ok::<(), manabi::Error>(())
/// ```
#[inline(never)]
pub fn root_mean_squared_error<A: Scalar>(y: ArrayView2<'_, A>, t: ArrayView2<'_, A>) -> Result<f64> {
    over_outputs(y, t, |y, t| {
        let (squares, unit) = squares(|unit| differences(y, t, unit));
        (squares / y.len() as f64).sqrt() * unit
    })
}

/// Returns R², the coefficient of determination.
///
/// It is 1 for exact predictions, 0 for predictions that are no better than the mean of the targets, and below 0 for worse predictions.
/// For several outputs, it is the mean of their R².
///
/// Formula: mean over outputs of 1 − Σ(y − t)²/Σ(t − mean of t)².
///
/// Shapes: y and t (samples, outputs).
///
/// Numerics: the sums are computed in `f64`, scaled so that the squares stay in range. If all targets of an output are equal, its R² is
/// 1 for exact predictions and 0 otherwise.
///
/// # Errors
///
/// Returns [`Error::Shape`] if `y` has fewer than 2 rows or no column or if `t` has another shape, and [`Error::NotFinite`] if a
/// value is not finite.
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
/// assert_eq!(manabi::metrics::r_squared(y.view(), t.view())?, 0.5);
/// # Ok::<(), manabi::Error>(())
/// ```
#[inline(never)]
pub fn r_squared<A: Scalar>(y: ArrayView2<'_, A>, t: ArrayView2<'_, A>) -> Result<f64> {
    if y.nrows() < 2 {
        return Err(Error::shape("y", "(2 or more, 1 or more)", y.shape()));
    }
    over_outputs(y, t, determination)
}

/// Returns R² of one output.
fn determination<A: Scalar>(y: ArrayView1<'_, A>, t: ArrayView1<'_, A>) -> f64 {
    if t.iter().all(|&value| value == t[0]) {
        return if y == t { 1.0 } else { 0.0 };
    }
    let middle = mean(|unit| t.iter().map(move |t| t.widen() / unit));
    let (left, unit) = squares(|unit| differences(y, t, unit));
    let (all, unit_of_all) = squares(|unit| t.iter().map(move |t| difference(t.widen(), middle, unit)));
    let ratio = unit / unit_of_all;
    1.0 - left / all * ratio * ratio
}

/// Returns the mean of a metric over the outputs.
fn over_outputs<A: Scalar>(
    y: ArrayView2<'_, A>,
    t: ArrayView2<'_, A>,
    figure: impl Fn(ArrayView1<'_, A>, ArrayView1<'_, A>) -> f64,
) -> Result<f64> {
    check_predictions(y)?;
    if t.dim() != y.dim() {
        return Err(Error::shape("t", format!("{:?}", y.dim()), t.shape()));
    }
    check_finite("t", t)?;
    let figures: Vec<f64> = y.columns().into_iter().zip(t.columns()).map(|(y, t)| figure(y, t)).collect();
    Ok(mean(|unit| figures.iter().map(move |figure| figure / unit)))
}

fn differences<A: Scalar>(
    y: ArrayView1<'_, A>,
    t: ArrayView1<'_, A>,
    unit: f64,
) -> impl Iterator<Item = f64> {
    y.into_iter().zip(t).map(move |(y, t)| difference(y.widen(), t.widen(), unit))
}

/// Returns (a − b)/unit, even if a − b overflows.
fn difference(a: f64, b: f64, unit: f64) -> f64 {
    match a - b {
        difference if difference.is_finite() => difference / unit,
        _ => (0.5 * a - 0.5 * b) / (0.5 * unit),
    }
}

/// Returns the sum of squares of the values divided by a unit, and that unit, which keeps the sum in range.
fn squares<I: Iterator<Item = f64>>(values: impl Fn(f64) -> I) -> (f64, f64) {
    let greatest = values(1.0).fold(0.0, |greatest: f64, value| greatest.max(value.abs()));
    let unit = unit_of(greatest);
    (values(unit).map(|value| value * value).sum(), unit)
}

/// Returns the mean of the values, which `values` returns divided by a unit.
fn mean<I: Iterator<Item = f64>>(values: impl Fn(f64) -> I) -> f64 {
    let of = |unit| {
        let (sum, n) = values(unit).fold((0.0, 0.0), |(sum, n), value| (sum + value, n + 1.0));
        sum / n
    };
    // More than the possible number of values, so that their sum in this unit is in range.
    let beyond = 2.0_f64.powi(64);
    match of(1.0) {
        mean if mean.is_finite() => mean,
        _ => of(beyond) * beyond,
    }
}
