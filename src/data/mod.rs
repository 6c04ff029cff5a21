//! Data sets, from which batches are gathered.
//!
//! | type | content |
//! |---|---|
//! | [`Samples`] | two matrices: inputs and targets, or inputs and classes |
//! | [`Images`] | images as bytes, each with a class; normalised when a batch is gathered |
#![cfg_attr(
    feature = "image",
    doc = "| [`ImageFolder`] | images in a folder with a subfolder for each class, decoded when a batch is gathered |"
)]
//! | [`Mnist`] | the training set and the test set of MNIST, from files or as synthetic digits |
//! | [`Subset`], [`Split`] | some rows of another data set; a division into a training part and a validation part |
//! | [`KFold`], [`TimeSeriesSplit`] | divisions for cross-validation, also stratified, by groups, repeated, or chronological |
//! | [`Augment`] | another data set, with random changes to the samples in every epoch |
//! | [`ImageTransform`] | ready-made random changes of images: flips, scaling, rotation, shifts and erasing |
//! | [`Normalizer`] | the shift and scale of features, fitted on one data set and applied to others |
//!
//! [`balanced_class_weights`] computes weights for a loss from the number of samples of each class.
//!
#![cfg_attr(
    feature = "csv",
    doc = "The module [`table`] reads CSV files with numbers, categories and missing values.\n"
)]
//! A custom data set implements [`Dataset`]. The module [`idx`] reads and writes files in the format of MNIST.

mod augment;
#[cfg(feature = "download")]
mod download;
mod gzip;
pub mod idx;
#[cfg(feature = "image")]
mod image_folder;
mod image_transform;
mod images;
mod k_fold;
mod mnist;
mod normalizer;
mod pixels;
mod place;
mod samples;
mod split;
mod subset;
mod synthetic;
#[cfg(feature = "csv")]
pub mod table;
mod time_series_split;
mod weights;

use std::fmt::{Debug, Display};
use std::sync::Arc;

use ndarray::ArrayViewMut2;

pub use augment::Augment;
#[cfg(feature = "download")]
pub use download::Download;
#[cfg(feature = "image")]
pub use image_folder::{ImageFolder, decode_image};
pub use image_transform::ImageTransform;
pub use images::Images;
pub use k_fold::KFold;
pub use mnist::Mnist;
pub use normalizer::Normalizer;
pub use place::Place;
pub use samples::Samples;
pub use split::Split;
pub use subset::Subset;
pub use synthetic::synthetic_digits;
pub use time_series_split::TimeSeriesSplit;
pub use weights::balanced_class_weights;
pub(crate) use weights::{check_any_weight, check_weight, check_weights};

use crate::delegate::delegate;
use crate::error::{Error, Result};
use crate::scalar::Scalar;
use crate::shape::Shape;

/// A data set, from which batches of samples are gathered by their row indices.
///
/// The data set chooses how to store the values. For example, [`Images`] stores pixels as bytes and normalises them while it
/// gathers a batch.
///
/// # Calls and threads
///
/// [`Workspace::load`](crate::model::Workspace::load) calls [`gather_at`](Dataset::gather_at) for every batch.
/// [`Trainer`](crate::Trainer) and evaluations load their batches in the same way. With one thread, or for a small batch,
/// `gather_at` is called once for the whole batch, on the thread of the caller. With several threads, the batch is divided into
/// parts of consecutive rows, and `gather_at` is called for several parts at the same time, on threads of the `rayon` pool and in
/// no particular order. The division depends on the machine. A sample must therefore depend only on its row and its [`Place`],
/// never on the number of calls or on a shared stream of random numbers. Results then have the same bits for any number of
/// threads. All parts of a batch are complete before the next batch is gathered, unless several workspaces share the data set.
///
/// A data set whose samples change from epoch to epoch implements `gather_at` or is wrapped in [`Augment`]. A data set that wraps
/// another one implements `gather_at`, [`class`](Dataset::class), [`weight`](Dataset::weight) and [`origin`](Dataset::origin) by
/// calling the wrapped data set, as [`Subset`] does.
///
/// # Examples
///
/// ```
/// use manabi::data::Dataset;
/// use manabi::{Result, Scalar};
/// use ndarray::ArrayViewMut2;
///
/// /// The integers below 2ⁿ as n bits each, with the parity of the bits as the target.
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
#[expect(clippy::len_without_is_empty, reason = "an empty data set cannot be trained on")]
#[doc(alias = "DataLoader")]
pub trait Dataset<A: Scalar>: Debug + Send + Sync {
    /// Returns the number of samples.
    fn len(&self) -> usize;

    /// Returns the number of values in a sample.
    fn input_dim(&self) -> usize;

    /// Returns the shape of a sample, whose size is [`input_dim`](Dataset::input_dim). The default is a single dimension.
    ///
    /// A model whose input shape has several dimensions, such as a model for images, accepts only samples with this shape. A
    /// model whose input shape has one dimension accepts samples of any shape with the right size.
    fn input_shape(&self) -> Shape {
        self.input_dim().into()
    }

    /// Returns the number of values in a target, such as the number of classes.
    fn target_dim(&self) -> usize;

    /// Writes the samples at `rows` to `x` and their targets to `t`. All rows are below [`len`](Dataset::len).
    ///
    /// `x` has the shape (rows, input_dim) and `t` has the shape (rows, target_dim), both in standard layout. Classes are written
    /// one-hot. The method must write every element, because the arrays contain values of an earlier batch.
    ///
    /// # Errors
    ///
    /// Returns an error if a sample cannot be read. The error should name the row of the sample.
    fn gather(&self, rows: &[usize], x: ArrayViewMut2<'_, A>, t: ArrayViewMut2<'_, A>) -> Result<()>;

    /// Writes a batch, or a part of a batch, like [`gather`](Dataset::gather), but with a known place in the run. A workspace
    /// always calls this method. The default implementation calls `gather`, which is right for samples that never change.
    ///
    /// `rows` are consecutive rows of the batch. The first one has the position [`place.start`](Place::start) in the batch.
    ///
    /// # Errors
    ///
    /// Returns an error if a sample cannot be read. The error should name the row of the sample.
    fn gather_at(
        &self,
        _place: Place,
        rows: &[usize],
        x: ArrayViewMut2<'_, A>,
        t: ArrayViewMut2<'_, A>,
    ) -> Result<()> {
        self.gather(rows, x, t)
    }

    /// Returns the class of the sample at `row`, or `None`, the default, if the sample has no class. A stratified [`Split`] uses
    /// the classes. `row` is below [`len`](Dataset::len).
    fn class(&self, _row: usize) -> Option<usize> {
        None
    }

    /// Returns the weight of the sample at `row`, which is finite and at least 0. The default is 1. A sample with weight 2 counts
    /// as much as two equal samples in losses, gradients, accuracies and confusion matrices. A sample with weight 0 does not
    /// count. `row` is below [`len`](Dataset::len).
    ///
    /// Formula: L = Σ wᵢ·Lᵢ / Σ wᵢ, where Lᵢ is the loss of sample i; if the loss has weights of its own, such as class weights,
    /// both kinds of weights are multiplied. The mean is taken over each batch, as in an evaluation over the whole data set. If
    /// all weights of a batch are 0, its loss and gradient are 0. Batch normalisation does not use weights.
    #[doc(alias = "sample_weight")]
    fn weight(&self, _row: usize) -> f64 {
        1.0
    }

    /// Returns the row that error messages show for the sample at `row`. The default is `row` itself. A view returns the row of
    /// the underlying data set. `row` is below [`len`](Dataset::len).
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
    fn weight(&self, row: usize) -> f64;
    fn origin(&self, row: usize) -> usize;
});

/// Returns the labels as indices below `classes`, or an [`Error::Label`] for the first invalid label.
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
