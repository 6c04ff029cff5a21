//! Data sets: where batches come from.
//!
//! | type | holds |
//! |---|---|
//! | [`Samples`] | two matrices: inputs and targets, or inputs and classes |
//! | [`Images`] | images as bytes, with a class each; they are normalised when a batch is gathered |
//! | [`Mnist`] | the training and the test set of MNIST, from files or as synthetic digits |
//! | [`Subset`], [`Split`] | some rows of another data set; a part held out to validate with |
//! | [`Augment`] | another data set, with samples that change from epoch to epoch |
//! | [`Normalizer`] | shift and scale of features, fitted on one data set and applied to others |
//!
//! A data set of your own implements [`Dataset`]. [`idx`] reads and writes the files of MNIST.

mod augment;
#[cfg(feature = "download")]
mod download;
mod gzip;
pub mod idx;
mod images;
mod mnist;
mod normalizer;
mod place;
mod samples;
mod split;
mod subset;
mod synthetic;

use std::fmt::{Debug, Display};
use std::sync::Arc;

use ndarray::ArrayViewMut2;

pub use augment::Augment;
#[cfg(feature = "download")]
pub use download::Download;
pub use images::Images;
pub use mnist::Mnist;
pub use normalizer::Normalizer;
pub use place::Place;
pub use samples::Samples;
pub use split::Split;
pub use subset::Subset;
pub use synthetic::synthetic_digits;

use crate::delegate::delegate;
use crate::error::{Error, Result};
use crate::scalar::Scalar;
use crate::shape::Shape;

/// A data set: something from which a batch can be gathered by row numbers.
///
/// Where the values are kept, and in which type, is the data set's own affair: [`Images`] keeps pixels as bytes and
/// normalises them while it gathers.
///
/// # Who calls what
///
/// [`Workspace::load`](crate::model::Workspace::load) calls [`gather_at`](Dataset::gather_at) for every batch, also on
/// behalf of [`Trainer`](crate::Trainer) and of evaluations. With one thread, or for a small batch, it is one call for the
/// whole batch on the thread of the caller. With more threads the batch is divided into parts of consecutive rows, and
/// `gather_at` is called for several of them at the same time, on threads of `rayon`'s pool and in no particular order. How
/// a batch is divided depends on the machine. So a sample must depend on its row and its [`Place`] alone, never on a count
/// of calls or on a shared stream of random numbers; then results have the same bits for any number of threads. All parts of
/// a batch are complete before the next batch is asked for, except where several workspaces share a data set.
///
/// A data set that changes its samples from epoch to epoch implements `gather_at`, or is wrapped in [`Augment`]. One that wraps
/// another implements `gather_at`, [`class`](Dataset::class) and [`origin`](Dataset::origin) to hand them on, as [`Subset`]
/// does.
///
/// ```
/// use manabi::data::Dataset;
/// use manabi::{Result, Scalar};
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
#[doc(alias = "DataLoader")]
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
    /// # Errors
    ///
    /// Whatever keeps a sample from being read. The error should name the sample's row.
    fn gather(&self, rows: &[usize], x: ArrayViewMut2<'_, A>, t: ArrayViewMut2<'_, A>) -> Result<()>;

    /// Writes the same for a batch, or a part of one, whose place in the run is known: this is the method that a workspace
    /// calls. By default it calls [`gather`](Dataset::gather), which is right for samples that never change.
    ///
    /// `rows` are consecutive rows of the batch, the first at position [`place.start`](Place::start).
    ///
    /// # Errors
    ///
    /// As for [`gather`](Dataset::gather).
    fn gather_at(
        &self,
        _place: Place,
        rows: &[usize],
        x: ArrayViewMut2<'_, A>,
        t: ArrayViewMut2<'_, A>,
    ) -> Result<()> {
        self.gather(rows, x, t)
    }

    /// The class of the sample at `row`, below [`len`](Dataset::len), where samples have one: what a stratified [`Split`]
    /// goes by.
    fn class(&self, _row: usize) -> Option<usize> {
        None
    }

    /// Returns the row by which an error names the sample at `row`, below [`len`](Dataset::len): the same, or in a view the row
    /// of the data set that it shows.
    fn origin(&self, row: usize) -> usize {
        row
    }
}

delegate!([A: Scalar, D: Dataset<A> + ?Sized] Dataset<A>, for [&D, Box<D>, Arc<D>], {
    fn len(&self) -> usize;
    fn input_dim(&self) -> usize;
    fn input_shape(&self) -> Shape;
    fn target_dim(&self) -> usize;
    fn gather(&self, rows: &[usize], x: ArrayViewMut2<'_, A>, t: ArrayViewMut2<'_, A>) -> Result<()>;
    fn gather_at(
        &self,
        place: Place,
        rows: &[usize],
        x: ArrayViewMut2<'_, A>,
        t: ArrayViewMut2<'_, A>,
    ) -> Result<()>;
    fn class(&self, row: usize) -> Option<usize>;
    fn origin(&self, row: usize) -> usize;
});

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
