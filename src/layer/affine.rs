use ndarray::{ArrayView2, ArrayViewMut2};

use super::{Backward, Forward, Layer, TensorSpec};
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::init::Initializer;
use crate::linalg::column_sums;
use crate::scalar::Scalar;
use crate::settings::{Settings, check_count, check_one_dimension};
use crate::shape::Shape;

/// An affine (dense, fully connected) layer.
///
/// Formula: Y = X·W + b.
///
/// Derivative: ∂L/∂W = Xᵀ·dY, ∂L/∂b = the column sums of dY, ∂L/∂X = dY·Wᵀ.
///
/// Shapes: X (batch, fan_in), W = `weight` (fan_in, fan_out), b = `bias` (fan_out), Y (batch, fan_out).
///
/// Numerics: sums have the order of the matrix product, the same in every run.
///
/// In files: `weight` is stored as (fan_out, fan_in), as in PyTorch.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `units` (fan_out) | the number of outputs | none | 1 or more |
/// | `weight_initializer` | sets the initial weights | [`Initializer::HE_NORMAL`] | any |
/// | `bias_initializer` | sets the initial biases | [`Initializer::ZEROS`] | any |
///
/// # Errors
/// Building a model returns [`Error::Layer`] if `units` is 0 or if the input has more than one dimension. It returns
/// [`Error::OutOfMemory`], possibly inside [`Error::Layer`], if the parameters do not fit in memory.
///
/// Source: the article's `affine`; Rumelhart, Hinton and Williams, *Learning representations by back-propagating errors*,
/// 1986.
///
/// # Examples
/// ```
/// use manabi::init::Initializer;
/// use manabi::{Affine, Layer};
///
/// let affine = Affine::new(100).weight_initializer(Initializer::GLOROT_UNIFORM);
/// assert_eq!(Layer::<f32>::output_shape(&affine, 784.into())?, 100.into());
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("Dense", "Linear", "fully connected", "matrix multiplication"))]
pub struct Affine {
    units: usize,
    weight: Initializer,
    bias: Initializer,
}

impl Affine {
    /// Creates an affine layer with `units` outputs.
    pub fn new(units: usize) -> Self {
        Self { units, weight: Initializer::HE_NORMAL, bias: Initializer::ZEROS }
    }

    /// Sets the initializer of the weights.
    pub fn weight_initializer(self, weight: Initializer) -> Self {
        Self { weight, ..self }
    }

    /// Sets the initializer of the biases.
    pub fn bias_initializer(self, bias: Initializer) -> Self {
        Self { bias, ..self }
    }

    /// Splits the parameters of the layer into W and b.
    fn split<'a, A>(&self, params: &'a [A], fan_in: usize) -> (ArrayView2<'a, A>, &'a [A]) {
        let (weight, bias) = params.split_at(fan_in * self.units);
        (ArrayView2::from_shape((fan_in, self.units), weight).expect("the shape has this size"), bias)
    }
}

impl<A: Scalar> Layer<A> for Affine {
    fn kind(&self) -> &str {
        "affine"
    }

    fn output_shape(&self, input: Shape) -> Result<Shape> {
        check_one_dimension(input)?;
        check_count("units", self.units).map(|()| self.units.into())
    }

    fn parameters(&self, input: Shape) -> Vec<TensorSpec> {
        let inputs = input.size();
        let weight = TensorSpec::new("weight", &[inputs, self.units], self.weight).transposed();
        let bias = TensorSpec::new("bias", &[self.units], self.bias).fan(inputs, self.units);
        vec![weight, bias]
    }

    fn row_wise(&self, _training: bool) -> bool {
        true
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new().with("units", self.units))
    }

    #[inline(never)]
    fn forward(&self, pass: Forward<'_, A>) {
        let (weight, bias) = self.split(pass.params, pass.x.ncols());
        pass.engine.matmul(pass.x, weight, Some(bias), pass.y);
    }

    #[inline(never)]
    fn backward(&self, pass: Backward<'_, A>) {
        let Backward { params, x, dy, dx, grad, engine, .. } = pass;
        let (weight, _) = self.split(params, x.ncols());
        if let Some(grad) = grad {
            let (d_weight, d_bias) = grad.split_at_mut(weight.len());
            let d_weight = ArrayViewMut2::from_shape(weight.dim(), d_weight).expect("the sizes are equal");
            engine.matmul(x.reversed_axes(), dy, None, d_weight);
            column_sums(dy, d_bias);
        }
        if let Some(dx) = dx {
            engine.matmul(dy, weight.reversed_axes(), None, dx);
        }
    }
}
