use ndarray::{ArrayView1, ArrayView2};

use super::check_predictions;
use crate::error::{Error, Result, check_finite};
use crate::scalar::{Scalar, unit_of};

/// The mean absolute error: how far off a prediction is, in the unit of the targets.
///
/// Formula: mean over samples and outputs of |y − t|.
///
/// Shapes: y and t (samples, outputs).
///
/// Numerics: differences and their sums are taken in `f64`; a result within its range is found whatever the sum is.
///
/// Errors: no sample, other shapes, a number that is not finite.
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

/// The mean squared error.
///
/// Formula: mean over samples and outputs of (y − t)².
///
/// Shapes: y and t (samples, outputs).
///
/// Numerics: squares and their sums are taken in `f64`, in a unit in which none leaves the range: a result within the range
/// is found.
///
/// Errors: no sample, other shapes, a number that is not finite.
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

/// The root of the mean squared error, in the unit of the targets; of several outputs the mean of their roots.
///
/// Formula: mean over outputs of √(mean over samples of (y − t)²).
///
/// Shapes: y and t (samples, outputs).
///
/// Numerics: squares and their sums are taken in `f64`, in a unit in which none leaves the range.
///
/// Errors: no sample, other shapes, a number that is not finite.
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

/// R², the coefficient of determination: 1 for exact predictions, 0 for those no better than the mean of the targets, below
/// 0 for worse ones; of several outputs the mean.
///
/// Formula: mean over outputs of 1 − Σ(y − t)²/Σ(t − mean of t)².
///
/// Shapes: y and t (samples, outputs).
///
/// Numerics: sums are taken in `f64`, in units in which no square leaves the range. Where all targets of an output are the
/// same, it counts 1 if the predictions are exact and 0 if not.
///
/// Errors: fewer than 2 samples, other shapes, a number that is not finite.
///
/// Source: Wright, *Correlation and causation*, 1921.
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

/// R² of one output.
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

/// The mean of a figure over the outputs.
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

/// (a − b)/unit, also where the difference itself is beyond the range.
fn difference(a: f64, b: f64, unit: f64) -> f64 {
    match a - b {
        difference if difference.is_finite() => difference / unit,
        _ => (0.5 * a - 0.5 * b) / (0.5 * unit),
    }
}

/// The sum of the squares of some values, in the square of a unit in which it stays within the range.
fn squares<I: Iterator<Item = f64>>(values: impl Fn(f64) -> I) -> (f64, f64) {
    let greatest = values(1.0).fold(0.0, |greatest: f64, value| greatest.max(value.abs()));
    let unit = unit_of(greatest);
    (values(unit).map(|value| value * value).sum(), unit)
}

/// The mean of some values, of which `values` gives each in a unit.
fn mean<I: Iterator<Item = f64>>(values: impl Fn(f64) -> I) -> f64 {
    let of = |unit| {
        let (sum, n) = values(unit).fold((0.0, 0.0), |(sum, n), value| (sum + value, n + 1.0));
        sum / n
    };
    // More than there can be values: in this unit their sum is within the range.
    let beyond = 2.0_f64.powi(64);
    match of(1.0) {
        mean if mean.is_finite() => mean,
        _ => of(beyond) * beyond,
    }
}
