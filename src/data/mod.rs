//! Samples: where batches come from.

#[cfg(feature = "download")]
mod download;
pub mod idx;
mod images;
mod mnist;
mod normalizer;
mod samples;
mod synthetic;

use std::fmt::Debug;

use ndarray::ArrayViewMut2;

#[cfg(feature = "download")]
pub use download::Download;
pub use images::Images;
pub use mnist::Mnist;
pub use normalizer::Normalizer;
pub use samples::Samples;
pub use synthetic::synthetic_digits;

use crate::error::{Error, Result};
use crate::scalar::Scalar;

/// A data set: something from which a batch can be gathered by row numbers.
///
/// Where the numbers lie, and in which type, is the data set's own affair: [`Images`] keeps pixels as bytes and
/// normalises them while it gathers.
pub trait Dataset<A: Scalar>: Debug + Send + Sync {
    /// The number of samples.
    fn len(&self) -> usize;

    /// Whether there is no sample.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The width of a sample.
    fn input_dim(&self) -> usize;

    /// The width of a target: the number of classes, or of numbers to be met.
    fn target_dim(&self) -> usize;

    /// Writes the samples at `rows`, all below [`len`](Dataset::len), to `x` and their targets to `t`.
    ///
    /// `x` is (rows, input_dim) and `t` (rows, target_dim), both in standard layout; classes are written one-hot.
    fn gather(&self, rows: &[usize], x: ArrayViewMut2<'_, A>, t: ArrayViewMut2<'_, A>);
}

/// An error unless every label is below `classes`.
fn check_labels<L: Copy + Into<usize>>(labels: &[L], classes: usize) -> Result<()> {
    match labels.iter().position(|&label| label.into() >= classes) {
        Some(row) => Err(Error::Label { row, label: labels[row].into(), classes }),
        None => Ok(()),
    }
}
