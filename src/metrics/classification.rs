use std::fmt::Display;

use ndarray::{ArrayView1, ArrayView2};

use super::{check_predictions, check_rows, weight_each, weighted_mean};
use crate::error::{Error, Result};
use crate::scalar::Scalar;

/// Returns the class of each row: the index of its greatest value, or the first such index if several values are equal.
///
/// For predictions, this is the predicted class. For one-hot targets, it is the label. A single column, such as that of one
/// sigmoid output, has only class 0; there, compare the values with ½.
///
/// Shapes: y (samples, classes).
///
/// # Errors
///
/// Returns [`Error::Shape`] if `y` is empty, and [`Error::NotFinite`] if a value is not finite.
///
/// # Examples
///
/// ```
/// use ndarray::array;
///
/// let y = array![[0.1, 0.9], [0.5, 0.5]];
/// assert_eq!(manabi::metrics::classes(y.view())?, [1, 0]);
/// # Ok::<(), manabi::Error>(())
/// ```
#[inline(never)]
pub fn classes<A: Scalar>(y: ArrayView2<'_, A>) -> Result<Vec<usize>> {
    check_predictions(y)?;
    let y = y.as_standard_layout();
    Ok(y.rows().into_iter().filter_map(|row| row.to_slice().map(argmax)).collect())
}

/// Returns the share of samples whose predicted class is their label. If several predictions of a sample are equal, the first
/// counts as the greatest.
///
/// Formula: (number of i with argmax yᵢ = labelᵢ)/n. With weights, both are sums of weights.
///
/// Shapes: y (samples, classes), labels and weights (samples).
///
/// # Errors
///
/// Returns:
///
/// - [`Error::Shape`] if `y` is empty or the number of labels or weights is not the number of samples,
/// - [`Error::NotFinite`] if a prediction is not finite,
/// - [`Error::Label`] if a label is not a class,
/// - [`Error::Row`] if a weight is negative or not finite, and [`Error::Setting`] if all are 0 or their sum is not finite.
///
/// # Examples
///
/// ```
/// use ndarray::array;
///
/// let y = array![[0.1, 0.9], [0.7, 0.3]];
/// assert_eq!(manabi::metrics::accuracy(y.view(), &[1, 1], None)?, 0.5);
/// assert_eq!(manabi::metrics::accuracy(y.view(), &[1, 1], Some(&[3.0, 1.0]))?, 0.75);
/// # Ok::<(), manabi::Error>(())
/// ```
pub fn accuracy<A: Scalar, L>(y: ArrayView2<'_, A>, labels: &[L], weights: Option<&[f64]>) -> Result<f64>
where
    L: Copy + Display + TryInto<usize>,
{
    top_k_accuracy(y, labels, 1, weights)
}

/// Returns the share of samples whose label is among the classes of their k greatest predictions.
///
/// If several predictions are equal, the first counts as the greatest, so that k = 1 returns the [`accuracy`]. In scikit-learn,
/// the last counts as the greatest. With weights, the share is that of the total weight.
///
/// Shapes: y (samples, classes), labels and weights (samples).
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `k` | how many of the greatest predictions are considered | none | 1 to the number of classes, at which the share is 1 |
///
/// # Errors
///
/// Returns:
///
/// - [`Error::Setting`] if `k` is 0 or greater than the number of classes,
/// - [`Error::Shape`] if `y` is empty or the number of labels or weights is not the number of samples,
/// - [`Error::NotFinite`] if a prediction is not finite,
/// - [`Error::Label`] if a label is not a class,
/// - [`Error::Row`] if a weight is negative or not finite, and [`Error::Setting`] if all are 0 or their sum is not finite.
///
/// # Examples
///
/// ```
/// use ndarray::array;
///
/// let y = array![[0.1, 0.6, 0.3], [0.7, 0.2, 0.1]];
/// assert_eq!(manabi::metrics::top_k_accuracy(y.view(), &[2, 2], 2, None)?, 0.5);
/// # Ok::<(), manabi::Error>(())
/// ```
pub fn top_k_accuracy<A: Scalar, L>(
    y: ArrayView2<'_, A>,
    labels: &[L],
    k: usize,
    weights: Option<&[f64]>,
) -> Result<f64>
where
    L: Copy + Display + TryInto<usize>,
{
    let labels = check_rows(y, labels)?;
    if k == 0 || k > y.ncols() {
        return Err(Error::setting("k", format!("1 to {}, the number of classes", y.ncols()), k));
    }
    let weights = weight_each(weights, y.nrows())?;
    let is_right = |(row, label)| if rank(&row, label) < k { 1.0 } else { 0.0 };
    Ok(weighted_mean(y.rows().into_iter().zip(labels).map(is_right), &weights))
}

/// Returns the number of values in the row that rank before the value at `label`, in descending order.
fn rank<A: Scalar>(row: &ArrayView1<'_, A>, label: usize) -> usize {
    let own = row[label];
    row.iter().enumerate().filter(|&(i, &value)| value > own || (value == own && i < label)).count()
}

/// Returns the index of the greatest value, or the first such index if several values are equal.
pub(super) fn argmax<A: Scalar>(row: &[A]) -> usize {
    let (mut greatest, mut at) = (A::neg_infinity(), usize::MAX);
    for (i, &value) in row.iter().enumerate() {
        // Two selections instead of a branch, because a processor cannot predict where the greatest value is.
        let is_greater = value > greatest;
        at = if is_greater { i } else { at };
        greatest = if is_greater { value } else { greatest };
    }
    at
}
