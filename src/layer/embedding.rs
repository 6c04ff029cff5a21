use std::ops::Range;

use ndarray::ArrayView2;

use super::{Backward, Forward, Layer, TensorSpec, flat, flat_mut};
use crate::error::{Error, Result};
use crate::init::Initializer;
use crate::parallel::parts;
use crate::scalar::Scalar;
use crate::settings::{Settings, check_count, check_one_dimension};
use crate::shape::Shape;

/// An embedding: a trainable vector for every category, such as a word or a city. Its inputs are category numbers.
///
/// Formula: yᵢ = W\[xᵢ\], the row xᵢ of W.
///
/// Derivative: ∂L/∂W\[c\] = the sum of dyᵢ over all i with xᵢ = c; ∂L/∂X = 0.
///
/// Shapes: X (batch, n), W = `weight` (categories, size), Y (batch, n, size). A [`Flatten`](super::Flatten) layer turns the
/// vectors into one.
///
/// Numerics: y has the bits of the weights. The gradient is summed in the order of the rows and of the inputs. An input is the
/// whole number of a category, counted from 0. A model checks all inputs that reach the layer unchanged: directly, through
/// [`Columns`](super::Columns), [`Flatten`](super::Flatten) and [`Reshape`](super::Reshape), and inside blocks. A number that
/// another layer computes counts as the nearest category (ties to even), and NaN leads to NaN. A step computes and applies the
/// gradient of all of W, also of categories that the batch does not contain.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `categories` | the number of categories | none | 1 or more; at most 2²⁴ for `f32` |
/// | `size` | the number of values in a vector | none | 1 or more |
/// | `weight_initializer` | sets the initial vectors | normal with variance 1, as in PyTorch | any |
///
/// The weight connects one input with `size` outputs, so that [`Initializer::LECUN_NORMAL`] is the normal distribution with
/// variance 1.
///
/// # Errors
/// Building a model returns [`Error::Layer`] if `categories` or `size` is out of range, or if the input has more than one
/// dimension. It returns [`Error::OutOfMemory`], possibly inside [`Error::Layer`], if the parameters do not fit in memory. A pass
/// of the model returns [`Error::Row`] inside [`Error::Layer`] if an input is not a whole number below `categories`.
///
/// Source: Bengio et al., *A neural probabilistic language model*, 2003; PyTorch's `nn.Embedding`.
///
/// # Examples
/// ```
/// use manabi::layer::{Embedding, Flatten};
/// use manabi::prelude::*;
/// use ndarray::array;
///
/// let builder = Sequential::<f64>::builder(2) // two category numbers
///     .add_layer("embedding1", Embedding::new(5, 3))
///     .add_layer("flatten1", Flatten)
///     .add_layer("affine1", Affine::new(1));
/// let model = builder.set_output(Identity).set_error(MeanSquaredError).build()?;
/// assert_eq!(model.parameter("embedding1.weight")?.shape(), [5, 3]);
///
/// let error = model.predict(array![[4.0, 0.0], [1.0, 5.0]].view()).unwrap_err();
/// let message = "layer 'embedding1': x: expected a whole number below 5 in column 1 at row 1, got 5";
/// assert_eq!(error.to_string(), message);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("nn.Embedding", "lookup table", "entity embedding"))]
pub struct Embedding {
    categories: usize,
    size: usize,
    weight: Initializer,
}

impl Embedding {
    /// Creates an embedding of `categories` categories as vectors of `size` values.
    pub fn new(categories: usize, size: usize) -> Self {
        Self { categories, size, weight: Initializer::LECUN_NORMAL }
    }

    /// Sets the initializer of the vectors.
    pub fn weight_initializer(self, weight: Initializer) -> Self {
        Self { weight, ..self }
    }

    /// Returns the range of the vector of a category in the weight.
    fn vector<A: Scalar>(&self, x: A) -> Range<usize> {
        // The conversion of a number below 0 returns 0.
        let category = (x.widen().round_ties_even() as usize).min(self.categories - 1);
        category * self.size..(category + 1) * self.size
    }
}

impl<A: Scalar> Layer<A> for Embedding {
    fn kind(&self) -> &str {
        "embedding"
    }

    fn output_shape(&self, input: Shape) -> Result<Shape> {
        check_one_dimension(input)?;
        check_count("categories", self.categories)?;
        // Above this limit, a scalar cannot represent every category.
        let most = 2.0 / A::epsilon().widen();
        if self.categories as f64 > most {
            let expected =
                format!("at most {most}, up to which {} has all whole numbers", std::any::type_name::<A>());
            return Err(Error::setting("categories", expected, self.categories));
        }
        check_count("size", self.size).map(|()| [input.size(), self.size].into())
    }

    fn parameters(&self, _input: Shape) -> Vec<TensorSpec> {
        vec![TensorSpec::new("weight", &[self.categories, self.size], self.weight).fan(1, self.size)]
    }

    fn row_wise(&self, _training: bool) -> bool {
        true
    }

    fn check_input(
        &self,
        _input: Shape,
        x: ArrayView2<'_, A>,
        columns: Range<usize>,
    ) -> Result<Option<Range<usize>>> {
        let is_category = |x: A| {
            let x = x.widen();
            x >= 0.0 && x < self.categories as f64 && x.fract() == 0.0
        };
        for (row, values) in x.rows().into_iter().enumerate() {
            if let Some(column) = columns.clone().find(|&column| !is_category(values[column])) {
                let expected = format!("a whole number below {} in column {column}", self.categories);
                return Err(Error::row("x", row, expected, values[column]));
            }
        }
        Ok(None)
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new().with("categories", self.categories).with("size", self.size))
    }

    #[inline(never)]
    fn forward(&self, mut pass: Forward<'_, A>) {
        let (x, weight) = (flat(&pass.x), pass.params);
        parts(pass.engine.thread_count(), flat_mut(&mut pass.y), self.size, &|start, y| {
            let x = &x[start / self.size..];
            for (y, &x) in y.chunks_exact_mut(self.size).zip(x) {
                match x.is_nan() {
                    true => y.fill(x),
                    false => y.copy_from_slice(&weight[self.vector(x)]),
                }
            }
        });
    }

    #[inline(never)]
    fn backward(&self, pass: Backward<'_, A>) {
        let Backward { x, dy, dx, grad, .. } = pass;
        if let Some(grad) = grad {
            grad.fill(A::zero());
            for (dy, &x) in flat(&dy).chunks_exact(self.size).zip(flat(&x)) {
                grad[self.vector(x)].iter_mut().zip(dy).for_each(|(sum, &dy)| *sum += dy);
            }
        }
        if let Some(mut dx) = dx {
            dx.fill(A::zero());
        }
    }
}
