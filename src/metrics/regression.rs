use ndarray::{ArrayView1, ArrayView2};

use super::check_predictions;
use crate::error::{Error, Result, check_finite};
use crate::scalar::Scalar;

/// The mean absolute error: how far off a prediction is, in the unit of the targets.
///
/// Formula: mean over samples and outputs of |y − t|.
///
/// Shapes: y and t (samples, outputs).
///
/// Numerics: differences and their sums are taken in `f64`.
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
    over_outputs(y, t, |y, t| mean(differences(y, t).map(f64::abs)))
}

/// The mean squared error.
///
/// Formula: mean over samples and outputs of (y − t)².
///
/// Shapes: y and t (samples, outputs).
///
/// Numerics: squares and their sums are taken in `f64`.
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
    over_outputs(y, t, |y, t| mean(differences(y, t).map(|d| d * d)))
}

/// The root of the mean squared error, in the unit of the targets; of several outputs the mean of their roots.
///
/// Formula: mean over outputs of √(mean over samples of (y − t)²).
///
/// Shapes: y and t (samples, outputs).
///
/// Numerics: squares and their sums are taken in `f64`.
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
    over_outputs(y, t, |y, t| mean(differences(y, t).map(|d| d * d)).sqrt())
}

/// R², the coefficient of determination: 1 for exact predictions, 0 for those no better than the mean of the targets, below
/// 0 for worse ones; of several outputs the mean.
///
/// Formula: mean over outputs of 1 − Σ(y − t)²/Σ(t − mean of t)².
///
/// Shapes: y and t (samples, outputs).
///
/// Numerics: sums are taken in `f64`. Where all targets of an output are the same, it counts 1 if the predictions are exact
/// and 0 if not.
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
    let middle = mean(t.iter().map(|t| t.widen()));
    let deviations = || t.iter().map(|t| t.widen() - middle);
    if t.iter().all(|&value| value == t[0]) {
        return if y == t { 1.0 } else { 0.0 };
    }
    // In units of the power of two below the greatest deviation: the quotient is the same, and no square is lost.
    let greatest = deviations().fold(0.0, |greatest: f64, d| greatest.max(d.abs()));
    let unit = f64::from_bits(greatest.to_bits() & f64::INFINITY.to_bits()).max(f64::MIN_POSITIVE);
    let squares = |d: f64| (d / unit) * (d / unit);
    let left: f64 = differences(y, t).map(squares).sum();
    1.0 - left / deviations().map(squares).sum::<f64>()
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
    Ok(mean(y.columns().into_iter().zip(t.columns()).map(|(y, t)| figure(y, t))))
}

fn differences<A: Scalar>(y: ArrayView1<'_, A>, t: ArrayView1<'_, A>) -> impl Iterator<Item = f64> {
    y.into_iter().zip(t).map(|(y, t)| y.widen() - t.widen())
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.fold((0.0, 0.0), |(sum, n), value| (sum + value, n + 1.0));
    sum / n
}
