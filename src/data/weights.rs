//! Weights of samples and of classes.

use super::Dataset;
use crate::error::{Error, Result};
use crate::scalar::Scalar;

/// Returns a weight, or an error that names its row if it is negative or not finite.
pub(crate) fn check_weight(row: usize, weight: f64) -> Result<f64> {
    match weight >= 0.0 && weight.is_finite() {
        true => Ok(weight),
        false => Err(Error::row("weights", row, "a finite number of at least 0", weight)),
    }
}

/// Returns an error if all weights of a data set are 0. `name` is the name of the data set.
pub(crate) fn check_any_weight<A: Scalar>(name: &str, data: &dyn Dataset<A>) -> Result<()> {
    // This stops at the first row, unless weights are 0.
    match (0..data.len()).any(|row| data.weight(row) != 0.0) {
        true => Ok(()),
        false => Err(Error::setting(
            format!("weights of the {name}"),
            "at least one above 0",
            no_weight(data.len()),
        )),
    }
}

/// Checks the weights of `rows` rows, at least one of which must be above 0.
pub(crate) fn check_weights(weights: &[f64], rows: usize) -> Result<()> {
    if weights.len() != rows {
        return Err(Error::shape("weights", format!("[{rows}]"), &[weights.len()]));
    }
    weights.iter().enumerate().try_for_each(|(row, &weight)| check_weight(row, weight).map(drop))?;
    match weights.iter().any(|&weight| weight != 0.0) {
        true => Ok(()),
        false => Err(Error::setting("weights", "at least one above 0", no_weight(rows))),
    }
}

/// Describes weights that are all 0.
fn no_weight(rows: usize) -> String {
    format!("0 at rows 0 to {}", rows - 1)
}

/// Returns a weight for each class that makes all classes count equally: the weight of a rare class is large.
///
/// Formula: w_c = n/(k·n_c), where n is the number of samples, k is the number of classes, and n_c is the number of samples of
/// class c. If the data set has [weights](Dataset::weight), n and n_c are total weights.
///
/// The classes are those that [`Dataset::class`] returns. A data set with one target has two classes. For
/// [`BinaryCrossEntropy.pos_weight`](crate::loss::BinaryCrossEntropy::pos_weight), divide the second weight by the first.
///
/// # Errors
///
/// Returns:
///
/// - [`Error::Row`] if a sample has no class, or if a weight is negative or not finite,
/// - [`Error::Label`] if a class is not below the number of targets,
/// - [`Error::Setting`] if a class has no samples, or none with a weight above 0.
///
/// # Source
///
/// `compute_class_weight("balanced", …)` of scikit-learn, after King and Zeng, *Logistic regression in rare events data*, 2001.
///
/// # Examples
///
/// ```
/// use manabi::data::balanced_class_weights;
/// use manabi::prelude::*;
/// use ndarray::Array2;
///
/// let data = Samples::labeled(Array2::<f64>::zeros((4, 1)), &[0, 0, 0, 1], 2)?;
/// let weights = balanced_class_weights(&data)?;
/// assert_eq!(weights, [4.0 / (2.0 * 3.0), 4.0 / (2.0 * 1.0)]);
/// let loss = CrossEntropy.class_weights(weights);
/// # let _ = loss;
/// # Ok::<(), manabi::Error>(())
/// ```
#[doc(alias("compute_class_weight", "class_weight", "imbalanced classes"))]
pub fn balanced_class_weights<A: Scalar>(data: &dyn Dataset<A>) -> Result<Vec<f64>> {
    let classes = data.target_dim().max(2);
    let mut totals = vec![0.0; classes];
    for row in 0..data.len() {
        let origin = data.origin(row);
        let class = data.class(row).ok_or_else(|| Error::row("targets", origin, "a class", "none"))?;
        let total = totals.get_mut(class);
        let unknown = || Error::Label { row: origin, label: class.to_string(), classes };
        *total.ok_or_else(unknown)? += check_weight(origin, data.weight(row))?;
    }
    if let Some(class) = totals.iter().position(|&total| total == 0.0) {
        return Err(Error::setting(
            format!("samples of class {class}"),
            "at least 1 with a weight above 0",
            "none",
        ));
    }
    let sum: f64 = totals.iter().sum();
    Ok(totals.iter().map(|total| sum / (classes as f64 * total)).collect())
}
