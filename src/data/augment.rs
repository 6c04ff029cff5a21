use std::fmt::{self, Debug};

use ndarray::{ArrayViewMut2, Axis};

use super::{Dataset, Place};
use crate::error::Result;
use crate::random::Noise;
use crate::scalar::Scalar;
use crate::shape::Shape;

/// A data set whose samples are changed at random in every epoch of training, such as by shifts, mirroring or added noise.
///
/// The function `change` receives a sample as it was gathered (a normalised row of x) and the noise of the sample, which depends
/// on the seed, the epoch and the row in the data set. The function is applied only in training. Evaluations,
/// [`Subset::to_samples`](super::Subset::to_samples) and [`gather`](Dataset::gather) return the original samples. Targets never
/// change. The results have the same bits for any number of threads, and in a run that resumes from a checkpoint.
///
/// The function is called for individual samples, from several threads at once. It should not allocate. With a
/// [`Split`](super::Split), wrap only the training part; a row is then a row of this part. If an `Augment` wraps another one, the
/// two receive different noise.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `data` | the data set to wrap | none | any |
/// | `change` | changes a sample in place | none | any function whose results are finite |
///
/// # Errors
///
/// Gathering a batch returns the errors of the data set. If `change` produces NaN or an infinite value, the run ends with
/// [`Error::NotFinite`](crate::Error::NotFinite), which names the row, inside [`Error::Training`](crate::Error::Training).
///
/// # Examples
///
/// ```
/// use manabi::data::Augment;
/// use manabi::random::Noise;
/// use manabi::{Affine, CrossEntropy, Mnist, Sequential, Softmax, Trainer};
///
/// /// Shifts an image of 28 rows up or down by one row, or leaves it unchanged.
/// fn shift(image: &mut [f32], noise: Noise) {
///     match noise.bits(0, 0) % 3 {
///         0 => {
///             image.copy_within(28.., 0);
///             image[27 * 28..].fill(0.0);
///         }
///         1 => {
///             image.copy_within(..27 * 28, 28);
///             image[..28].fill(0.0);
///         }
///         _ => {}
///     }
/// }
///
/// let Mnist { train, test } = Mnist::synthetic(200, 100, 0)?;
/// let builder = Sequential::builder(784).add_layer("affine1", Affine::new(10));
/// let mut model = builder.set_output(Softmax).set_error(CrossEntropy).build()?;
/// let history = Trainer::new().epochs(2).test(&test).fit(&mut model, &Augment::new(&train, shift))?;
/// assert_eq!(history.epochs.len(), 3);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone)]
#[doc(alias("data augmentation", "transform"))]
pub struct Augment<'a, A, F> {
    data: &'a dyn Dataset<A>,
    change: F,
}

impl<'a, A: Scalar, F: Fn(&mut [A], Noise) + Send + Sync> Augment<'a, A, F> {
    /// Wraps a data set with a function that changes its samples.
    pub fn new(data: &'a dyn Dataset<A>, change: F) -> Self {
        Self { data, change }
    }
}

impl<A: Scalar, F> Debug for Augment<'_, A, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Augment").field("data", &self.data).finish_non_exhaustive()
    }
}

impl<A: Scalar, F: Fn(&mut [A], Noise) + Send + Sync> Dataset<A> for Augment<'_, A, F> {
    fn len(&self) -> usize {
        self.data.len()
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

    fn gather(&self, rows: &[usize], x: ArrayViewMut2<'_, A>, t: ArrayViewMut2<'_, A>) -> Result<()> {
        self.data.gather(rows, x, t)
    }

    fn gather_at(
        &self,
        place: Place,
        rows: &[usize],
        mut x: ArrayViewMut2<'_, A>,
        t: ArrayViewMut2<'_, A>,
    ) -> Result<()> {
        self.data.gather_at(place.behind(), rows, x.view_mut(), t)?;
        if place.training {
            for (sample, &row) in x.axis_iter_mut(Axis(0)).zip(rows) {
                let sample = sample.into_slice().expect("x is in standard layout");
                (self.change)(sample, place.noise(row));
            }
        }
        Ok(())
    }

    fn class(&self, row: usize) -> Option<usize> {
        self.data.class(row)
    }

    fn weight(&self, row: usize) -> f64 {
        self.data.weight(row)
    }

    fn origin(&self, row: usize) -> usize {
        self.data.origin(row)
    }
}
