//! Samples: where batches come from.

#[cfg(feature = "download")]
mod download;
mod gzip;
pub mod idx;
mod images;
mod mnist;
mod normalizer;
mod samples;
mod split;
mod subset;
mod synthetic;

use std::fmt::{Debug, Display};

use ndarray::ArrayViewMut2;

#[cfg(feature = "download")]
pub use download::Download;
pub use images::Images;
pub use mnist::Mnist;
pub use normalizer::Normalizer;
pub use samples::Samples;
pub use split::Split;
pub use subset::Subset;
pub use synthetic::synthetic_digits;

use crate::error::{Error, Result};
use crate::scalar::Scalar;
use crate::shape::Shape;

/// A data set: something from which a batch can be gathered by row numbers.
///
/// Where the numbers lie, and in which type, is the data set's own affair: [`Images`] keeps pixels as bytes and
/// normalises them while it gathers.
///
/// ```
/// use manabi::{Dataset, Result, Scalar};
/// use ndarray::ArrayViewMut2;
///
/// /// Every number below 2ⁿ as its n bits, and whether they are even in number.
/// #[derive(Debug)]
/// struct Parity(usize);
///
/// impl<A: Scalar> Dataset<A> for Parity {
///     fn len(&self) -> usize {
///         1 << self.0
///     }
///     fn input_dim(&self) -> usize {
///         self.0
///     }
///     fn target_dim(&self) -> usize {
///         1
///     }
///     fn gather(&self, rows: &[usize], mut x: ArrayViewMut2<'_, A>, mut t: ArrayViewMut2<'_, A>) -> Result<()> {
///         for (i, row) in rows.iter().enumerate() {
///             x.row_mut(i).indexed_iter_mut().for_each(|(bit, x)| *x = A::of(((row >> bit) % 2) as f64));
///             t[[i, 0]] = A::of(f64::from(row.count_ones() % 2));
///         }
///         Ok(())
///     }
/// }
///
/// assert_eq!(Dataset::<f32>::len(&Parity(10)), 1024);
/// ```
#[expect(clippy::len_without_is_empty, reason = "an empty data set cannot be trained on; `len` tells")]
pub trait Dataset<A: Scalar>: Debug + Send + Sync {
    /// The number of samples.
    fn len(&self) -> usize;

    /// The width of a sample.
    fn input_dim(&self) -> usize;

    /// Returns the shape of a sample, of [`input_dim`](Dataset::input_dim) values: one dimension unless it says otherwise.
    ///
    /// A model for images takes samples of its own shape alone. A model for vectors takes samples of any shape, value by
    /// value.
    fn input_shape(&self) -> Shape {
        self.input_dim().into()
    }

    /// The width of a target: the number of classes, or of numbers to be met.
    fn target_dim(&self) -> usize;

    /// Writes the samples at `rows`, all below [`len`](Dataset::len), to `x` and their targets to `t`.
    ///
    /// `x` is (rows, input_dim) and `t` (rows, target_dim), both in standard layout; classes are written one-hot. All of
    /// both is to be written: what they hold is of another batch.
    ///
    /// Errors: whatever keeps a sample from being read.
    fn gather(&self, rows: &[usize], x: ArrayViewMut2<'_, A>, t: ArrayViewMut2<'_, A>) -> Result<()>;

    /// The class of the sample at `row`, below [`len`](Dataset::len), where samples have one: what a stratified [`Split`] goes by.
    fn class(&self, _row: usize) -> Option<usize> {
        None
    }
}

/// The labels as numbers below `classes`.
pub(crate) fn check_labels<L: Copy + Display + TryInto<usize>>(
    labels: &[L],
    classes: usize,
) -> Result<Vec<usize>> {
    let check = |(row, &label): (usize, &L)| match label.try_into() {
        Ok(class) if class < classes => Ok(class),
        _ => Err(Error::Label { row, label: label.to_string(), classes }),
    };
    labels.iter().enumerate().map(check).collect()
}
