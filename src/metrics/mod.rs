//! How good predictions are.
//!
//! Training reports a loss and an accuracy ([`Metrics`]); here are the figures that one asks for afterwards,
//! from predictions and what they should have been, by scikit-learn's definitions.
//!
//! | for | figures |
//! |---|---|
//! | classes | [`accuracy`], [`top_k_accuracy`]; [`ConfusionMatrix`]: precision, recall, F1 |
//! | numbers | [`mean_absolute_error`], [`mean_squared_error`], [`root_mean_squared_error`], [`r_squared`] |
//!
//! Labels are integers of any type from 0 on, predictions the outputs of a model, a row per sample.
//! [`Sequential::confusion_matrix`](crate::Sequential::confusion_matrix) takes a data set.
//!
//! ```
//! use manabi::metrics::{Average, ConfusionMatrix, accuracy, classes, top_k_accuracy};
//! use ndarray::array;
//!
//! let y = array![[0.7, 0.2, 0.1], [0.5, 0.3, 0.2], [0.1, 0.1, 0.8]];
//! let labels = [0_u8, 1, 2];
//! assert_eq!(accuracy(y.view(), &labels)?, 2.0 / 3.0);
//! assert_eq!(top_k_accuracy(y.view(), &labels, 2)?, 1.0);
//!
//! let matrix = ConfusionMatrix::new(&labels, &classes(y.view())?, 3)?;
//! assert_eq!(matrix.counts(), array![[1, 0, 0], [1, 0, 0], [0, 0, 1]]);
//! assert_eq!(matrix.precision(), [0.5, 0.0, 1.0]);
//! assert_eq!(matrix.average_recall(Average::Macro), 2.0 / 3.0);
//! # Ok::<(), manabi::Error>(())
//! ```

mod classification;
mod confusion_matrix;
mod regression;
mod tally;

use ndarray::ArrayView2;

pub use classification::{accuracy, classes, top_k_accuracy};
pub use confusion_matrix::{Average, ConfusionMatrix};
pub use regression::{mean_absolute_error, mean_squared_error, r_squared, root_mean_squared_error};
pub use tally::Metrics;
pub(crate) use tally::Tally;

use crate::error::{Error, Result, check_finite};
use crate::scalar::Scalar;

/// An error unless the predictions are numbers, and those of one sample at least.
fn check_predictions<A: Scalar>(y: ArrayView2<'_, A>) -> Result<()> {
    if y.is_empty() {
        return Err(Error::shape("y", "(1 or more, 1 or more)", y.shape()));
    }
    check_finite("y", y)
}
