//! Checks of the weights of samples.

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

/// Returns an error that names the first row whose weight is negative or not finite.
pub(crate) fn check_each_weight(weights: &[f64]) -> Result<()> {
    weights.iter().enumerate().try_for_each(|(row, &weight)| check_weight(row, weight).map(drop))
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

/// Returns the weights for `rows` rows after checking them.
pub(super) fn check_weights(weights: Vec<f64>, rows: usize) -> Result<Vec<f64>> {
    if weights.len() != rows {
        return Err(Error::shape("weights", format!("[{rows}]"), &[weights.len()]));
    }
    check_each_weight(&weights)?;
    match weights.iter().any(|&weight| weight != 0.0) {
        true => Ok(weights),
        false => Err(Error::setting("weights", "at least one above 0", no_weight(rows))),
    }
}

/// Describes weights that are all 0.
fn no_weight(rows: usize) -> String {
    format!("0 at rows 0 to {}", rows - 1)
}
