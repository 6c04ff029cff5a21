use std::fmt::Display;

use ndarray::{Array2, ArrayView2, ArrayViewMut2};

use super::weights::check_weights;
use super::{Dataset, Normalizer, check_labels};
use crate::buffer::zero_matrix;
use crate::error::{Error, Result, check_finite};
use crate::scalar::Scalar;
use crate::shape::Shape;

/// A data set that consists of two arrays: the samples and their targets.
///
/// Shapes: x (samples, features), t (samples, outputs).
///
/// # Examples
///
/// ```
/// use manabi::data::Dataset;
/// use manabi::Samples;
/// use ndarray::array;
///
/// let xor = array![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
/// let data = Samples::labeled(xor, &[0_u8, 1, 1, 0], 2)?;
/// assert_eq!((data.len(), data.input_dim(), data.target_dim()), (4, 2, 2));
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias = "TensorDataset")]
pub struct Samples<A> {
    x: Array2<A>,
    t: Array2<A>,
    shape: Shape,
    /// The weights, or an empty vector if all of them are 1.
    weights: Vec<f64>,
}

impl<A: Scalar> Samples<A> {
    /// Creates a data set from samples and their targets, which are real values or one-hot classes.
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::Shape`] if `x` is empty, if `t` has no columns, or if the arrays have different numbers of rows,
    /// - [`Error::NotFinite`] if a value is not finite.
    #[inline(never)]
    pub fn new(x: Array2<A>, t: Array2<A>) -> Result<Self> {
        if x.is_empty() {
            return Err(Error::shape("x", "(1 or more, 1 or more)", x.shape()));
        }
        if t.nrows() != x.nrows() || t.ncols() == 0 {
            return Err(Error::shape("t", format!("({}, 1 or more)", x.nrows()), t.shape()));
        }
        check_finite("x", x.view())?;
        check_finite("t", t.view())?;
        let shape = x.ncols().into();
        Ok(Self { x, t, shape, weights: Vec::new() })
    }

    /// Creates a data set from samples and their class labels, which are below `classes`.
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::Label`] if a label is negative or not below `classes`,
    /// - [`Error::OutOfMemory`] if the one-hot targets do not fit in memory,
    /// - the errors of [`new`](Samples::new).
    pub fn labeled<L>(x: Array2<A>, labels: &[L], classes: usize) -> Result<Self>
    where
        L: Copy + Display + TryInto<usize>,
    {
        let labels = check_labels(labels, classes)?;
        let mut t = zero_matrix("the targets", (labels.len(), classes))?;
        for (mut t, label) in t.rows_mut().into_iter().zip(labels) {
            t[label] = A::one();
        }
        Self::new(x, t)
    }

    /// Sets the shape of a sample, such as (channels, height, width) for images. The default is a single dimension.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`] if the size of the shape is not the number of columns of x.
    ///
    /// # Examples
    ///
    /// ```
    /// use manabi::data::Dataset;
    /// use manabi::Samples;
    /// use ndarray::Array2;
    ///
    /// let images = Samples::labeled(Array2::<f32>::zeros((2, 48)), &[0, 1], 2)?.with_shape([3, 4, 4])?;
    /// assert_eq!(images.input_shape().to_string(), "3x4x4");
    /// # Ok::<(), manabi::Error>(())
    /// ```
    pub fn with_shape(self, shape: impl Into<Shape>) -> Result<Self> {
        let shape = shape.into();
        match shape.size() == self.x.ncols() {
            true => Ok(Self { shape, ..self }),
            false => {
                let expected = format!("a shape of size {}, the number of columns of x", self.x.ncols());
                Err(Error::setting("shape of the samples", expected, shape))
            }
        }
    }

    /// Sets the weight of each sample in losses and accuracies (see [`Dataset::weight`]). The default is 1 each.
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::Shape`] if the number of weights is not the number of samples,
    /// - [`Error::Row`] if a weight is negative or not finite,
    /// - [`Error::Setting`] if all weights are 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use manabi::prelude::*;
    /// use ndarray::array;
    ///
    /// let data = Samples::new(array![[0.0], [0.0]], array![[1.0], [5.0]])?.with_weights([3.0, 1.0])?;
    /// let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(1));
    /// let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build()?;
    /// Trainer::new().epochs(100).optimizer(Sgd::new(0.2)).fit(&mut model, &data)?;
    /// // The weighted mean of 1 and 5 is 2.
    /// assert!((model.predict(array![[0.0]].view())?[[0, 0]] - 2.0).abs() < 1e-6);
    /// assert!((model.evaluate(&data)?.loss - (3.0 + 9.0) / 4.0).abs() < 1e-6);
    /// # Ok::<(), manabi::Error>(())
    /// ```
    #[doc(alias = "sample_weight")]
    pub fn with_weights(self, weights: impl Into<Vec<f64>>) -> Result<Self> {
        let weights = weights.into();
        check_weights(&weights, self.len())?;
        Ok(Self { weights, ..self })
    }

    /// Normalises the features.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Normalizer::apply`].
    #[inline(never)]
    pub fn normalize(mut self, normalizer: &Normalizer) -> Result<Self> {
        normalizer.apply(self.x.view_mut())?;
        check_finite("x", self.x.view())?;
        Ok(self)
    }

    /// Normalises the targets.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Normalizer::apply`].
    pub fn normalize_targets(mut self, normalizer: &Normalizer) -> Result<Self> {
        normalizer.apply(self.t.view_mut())?;
        Ok(self)
    }

    /// Returns the number of samples, which is at least 1.
    #[expect(clippy::len_without_is_empty, reason = "there is at least one sample")]
    pub fn len(&self) -> usize {
        self.x.nrows()
    }

    /// Returns the samples, with the shape (samples, features).
    pub fn x(&self) -> ArrayView2<'_, A> {
        self.x.view()
    }

    /// Returns the targets, with the shape (samples, outputs).
    pub fn t(&self) -> ArrayView2<'_, A> {
        self.t.view()
    }
}

impl<A: Scalar> Dataset<A> for Samples<A> {
    fn len(&self) -> usize {
        self.x.nrows()
    }

    fn input_dim(&self) -> usize {
        self.x.ncols()
    }

    fn input_shape(&self) -> Shape {
        self.shape
    }

    fn target_dim(&self) -> usize {
        self.t.ncols()
    }

    #[inline(never)]
    fn gather(&self, rows: &[usize], mut x: ArrayViewMut2<'_, A>, mut t: ArrayViewMut2<'_, A>) -> Result<()> {
        for (i, &row) in rows.iter().enumerate() {
            x.row_mut(i).assign(&self.x.row(row));
            t.row_mut(i).assign(&self.t.row(row));
        }
        Ok(())
    }

    fn weight(&self, row: usize) -> f64 {
        self.weights.get(row).copied().unwrap_or(1.0)
    }

    /// Returns the class of a one-hot target, or of a single target that is 0 or 1.
    fn class(&self, row: usize) -> Option<usize> {
        let t = self.t.row(row);
        let is = |value: &A, number: f64| *value == A::of(number);
        if !t.iter().all(|t| is(t, 0.0) || is(t, 1.0)) {
            return None;
        }
        let mut ones = t.iter().enumerate().filter(|(_, t)| is(t, 1.0));
        match (ones.next(), ones.next()) {
            (Some((class, _)), None) if t.len() > 1 => Some(class),
            (one, None) if t.len() == 1 => Some(usize::from(one.is_some())),
            _ => None,
        }
    }
}
