use ndarray::{ArrayViewMut2, Axis};

use super::{Dataset, Place, Samples};
use crate::buffer::zero_matrix;
use crate::error::{Error, Result};
use crate::scalar::Scalar;
use crate::shape::Shape;

/// The number of rows that are passed on at a time. They are kept on the stack, so that gathering a batch does not allocate.
const CHUNK: usize = 64;

/// A view of some rows of a data set, which is itself a data set and copies no samples.
///
/// The rows can be in any order and can occur more than once.
///
/// # Examples
///
/// ```
/// use manabi::data::{Dataset, Subset};
/// use manabi::Samples;
/// use ndarray::array;
///
/// let data = Samples::new(array![[0.0], [1.0], [2.0]], array![[0.0], [10.0], [20.0]])?;
/// let some = Subset::new(&data, vec![2, 0])?;
/// assert_eq!(some.len(), 2);
/// assert_eq!(some.to_samples()?.t(), array![[20.0], [0.0]]);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Debug)]
#[doc(alias = "view")]
pub struct Subset<'a, A> {
    data: &'a dyn Dataset<A>,
    rows: Vec<usize>,
}

impl<'a, A: Scalar> Subset<'a, A> {
    /// Creates a view of these rows of a data set.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`] if `rows` is empty or contains a row outside the data set.
    #[inline(never)]
    pub fn new(data: &'a dyn Dataset<A>, rows: Vec<usize>) -> Result<Self> {
        if rows.is_empty() {
            return Err(Error::setting("rows", "at least 1", 0));
        }
        match rows.iter().find(|&&row| row >= data.len()) {
            Some(row) => Err(Error::setting("row", format!("an index below {}", data.len()), row)),
            None => Ok(Self { data, rows }),
        }
    }

    /// Returns the rows of the underlying data set, in the order of the view.
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// Copies the samples of the view and their weights, for example to fit a [`Normalizer`](super::Normalizer) on them.
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::OutOfMemory`] if the copy does not fit in memory,
    /// - the error of the data set if a sample cannot be read,
    /// - [`Error::NotFinite`] if a value is not finite,
    /// - [`Error::Shape`] if the data set has samples or targets without values,
    /// - [`Error::Setting`] if the size of a sample's shape is not the number of its values, or if all weights are 0,
    /// - [`Error::Row`] if a weight is negative or not finite.
    #[inline(never)]
    pub fn to_samples(&self) -> Result<Samples<A>> {
        let mut x = zero_matrix("the samples", (self.rows.len(), self.data.input_dim()))?;
        let mut t = zero_matrix("the targets", (self.rows.len(), self.data.target_dim()))?;
        self.data.gather(&self.rows, x.view_mut(), t.view_mut())?;
        let samples = Samples::new(x, t)?.with_shape(self.data.input_shape())?;
        let weights: Vec<f64> = self.rows.iter().map(|&row| self.data.weight(row)).collect();
        if weights.iter().all(|&weight| weight == 1.0) { Ok(samples) } else { samples.with_weights(weights) }
    }

    /// Calls `gather` for a few rows at a time, with the position of the first one and the rows of the underlying data set.
    fn in_chunks(
        &self,
        rows: &[usize],
        mut x: ArrayViewMut2<'_, A>,
        mut t: ArrayViewMut2<'_, A>,
        gather: impl Fn(usize, &[usize], ArrayViewMut2<'_, A>, ArrayViewMut2<'_, A>) -> Result<()>,
    ) -> Result<()> {
        let mut theirs = [0; CHUNK];
        let parts = x.axis_chunks_iter_mut(Axis(0), CHUNK).zip(t.axis_chunks_iter_mut(Axis(0), CHUNK));
        rows.chunks(CHUNK).zip(parts).enumerate().try_for_each(|(chunk, (rows, (x, t)))| {
            theirs.iter_mut().zip(rows).for_each(|(theirs, &row)| *theirs = self.rows[row]);
            gather(CHUNK * chunk, &theirs[..rows.len()], x, t)
        })
    }
}

impl<A: Scalar> Dataset<A> for Subset<'_, A> {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn input_dim(&self) -> usize {
        self.data.input_dim()
    }

    fn input_shape(&self) -> Shape {
        self.data.input_shape()
    }

    fn target_dim(&self) -> usize {
        self.data.target_dim()
    }

    #[inline(never)]
    fn gather(&self, rows: &[usize], x: ArrayViewMut2<'_, A>, t: ArrayViewMut2<'_, A>) -> Result<()> {
        self.in_chunks(rows, x, t, |_, theirs, x, t| self.data.gather(theirs, x, t))
    }

    #[inline(never)]
    fn gather_at(
        &self,
        place: Place,
        rows: &[usize],
        x: ArrayViewMut2<'_, A>,
        t: ArrayViewMut2<'_, A>,
    ) -> Result<()> {
        self.in_chunks(rows, x, t, |start, theirs, x, t| {
            self.data.gather_at(place.rows_from(start), theirs, x, t)
        })
    }

    fn class(&self, row: usize) -> Option<usize> {
        self.data.class(self.rows[row])
    }

    fn weight(&self, row: usize) -> f64 {
        self.data.weight(self.rows[row])
    }

    fn origin(&self, row: usize) -> usize {
        self.data.origin(self.rows[row])
    }
}
