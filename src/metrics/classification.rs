use std::fmt::Display;

use ndarray::{ArrayView1, ArrayView2};

use super::check_predictions;
use crate::data::check_labels;
use crate::error::{Error, Result};
use crate::scalar::Scalar;

/// The class of each row, which is where its greatest number is, the first of equals: of predictions the class that they
/// speak for, of one-hot targets the label.
///
/// Shapes: y (samples, classes).
///
/// Errors: no sample, a number that is not finite.
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

/// The share of samples whose greatest prediction, the first of equals, is that of their class.
///
/// Formula: (number of i with argmax yᵢ = labelᵢ)/n.
///
/// Shapes: y (samples, classes), as many labels as samples.
///
/// Errors: no sample, unequal numbers, a prediction that is not finite, a label that is no class.
///
/// ```
/// use ndarray::array;
///
/// let y = array![[0.1, 0.9], [0.7, 0.3]];
/// assert_eq!(manabi::metrics::accuracy(y.view(), &[1, 1])?, 0.5);
/// # Ok::<(), manabi::Error>(())
/// ```
pub fn accuracy<A: Scalar, L>(y: ArrayView2<'_, A>, labels: &[L]) -> Result<f64>
where
    L: Copy + Display + TryInto<usize>,
{
    top_k_accuracy(y, labels, 1)
}

/// The share of samples whose class is among their k greatest predictions. Of equals the first are the greater, so that for
/// k = 1 this is [`accuracy`]; scikit-learn takes the last.
///
/// Shapes: y (samples, classes), as many labels as samples.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `k` | none | 1 to the number of classes, for which it is 1 |
///
/// Errors: k out of range, no sample, unequal numbers, a prediction that is not finite, a label that is no class.
///
/// ```
/// use ndarray::array;
///
/// let y = array![[0.1, 0.6, 0.3], [0.7, 0.2, 0.1]];
/// assert_eq!(manabi::metrics::top_k_accuracy(y.view(), &[2, 2], 2)?, 0.5);
/// # Ok::<(), manabi::Error>(())
/// ```
pub fn top_k_accuracy<A: Scalar, L>(y: ArrayView2<'_, A>, labels: &[L], k: usize) -> Result<f64>
where
    L: Copy + Display + TryInto<usize>,
{
    check_predictions(y)?;
    if labels.len() != y.nrows() {
        return Err(Error::shape("labels", format!("[{}]", y.nrows()), &[labels.len()]));
    }
    if k == 0 || k > y.ncols() {
        return Err(Error::setting("k", format!("1 to the {} classes", y.ncols()), k));
    }
    let labels = check_labels(labels, y.ncols())?;
    let right = y.rows().into_iter().zip(labels).filter(|(row, label)| rank(row, *label) < k).count();
    Ok(right as f64 / y.nrows() as f64)
}

/// How many numbers of the row come before this one, from the greatest down.
fn rank<A: Scalar>(row: &ArrayView1<'_, A>, label: usize) -> usize {
    let own = row[label];
    row.iter().enumerate().filter(|&(i, &value)| value > own || (value == own && i < label)).count()
}

/// Where the greatest number stands, the first of equals.
pub(super) fn argmax<A: Scalar>(row: &[A]) -> usize {
    let (mut greatest, mut at) = (A::neg_infinity(), usize::MAX);
    for (i, &value) in row.iter().enumerate() {
        // Two selections instead of a branch: where the greatest stands is beyond what a processor can guess.
        let is_greater = value > greatest;
        at = if is_greater { i } else { at };
        greatest = if is_greater { value } else { greatest };
    }
    at
}
