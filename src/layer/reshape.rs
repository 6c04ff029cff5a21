use std::ops::Range;

use ndarray::ArrayView2;

use super::{Backward, Forward, Layer, flat, flat_mut};
use crate::error::{Error, Result};
use crate::scalar::Scalar;
use crate::settings::Settings;
use crate::shape::Shape;

/// A layer that flattens samples to one dimension, for example between images and an [`Affine`](crate::Affine) layer.
///
/// Formula: y = x, value by value in row-major order.
///
/// Derivative: dx = dy.
///
/// Shapes: any; the output has one dimension of the same size.
///
/// Numerics: exact.
///
/// Source: `torch.nn.Flatten`.
///
/// # Examples
/// ```
/// use manabi::layer::Flatten;
/// use manabi::Layer;
///
/// assert_eq!(Layer::<f32>::output_shape(&Flatten, [1, 28, 28].into())?, 784.into());
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flatten;

/// A layer that changes the shape of samples, but not their size.
///
/// Formula: y = x, value by value in row-major order.
///
/// Derivative: dx = dy.
///
/// Shapes: any input with the size of `shape`; the output has the shape `shape`.
///
/// Numerics: exact.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `shape` | the shape of the output | none | 1 to 3 dimensions with the size of the input |
///
/// # Errors
/// Building a model returns [`Error::Layer`] if the input and `shape` differ in size.
///
/// Source: `torch.nn.Unflatten`.
///
/// # Examples
/// ```
/// use manabi::layer::Reshape;
/// use manabi::Layer;
///
/// assert_eq!(Layer::<f32>::output_shape(&Reshape::new([1, 28, 28]), 784.into())?, [1, 28, 28].into());
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "view")]
pub struct Reshape {
    shape: Shape,
}

impl Reshape {
    /// Creates a layer with this output shape.
    pub fn new(shape: impl Into<Shape>) -> Self {
        Self { shape: shape.into() }
    }
}

impl<A: Scalar> Layer<A> for Flatten {
    fn kind(&self) -> &str {
        "flatten"
    }

    fn output_shape(&self, input: Shape) -> Result<Shape> {
        Ok(input.size().into())
    }

    fn row_wise(&self, _training: bool) -> bool {
        true
    }

    fn check_input(
        &self,
        _input: Shape,
        _x: ArrayView2<'_, A>,
        columns: Range<usize>,
    ) -> Result<Option<Range<usize>>> {
        Ok(Some(columns))
    }

    #[inline(never)]
    fn forward(&self, pass: Forward<'_, A>) {
        copy_forward(pass);
    }

    #[inline(never)]
    fn backward(&self, pass: Backward<'_, A>) {
        copy_backward(pass);
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new())
    }
}

impl<A: Scalar> Layer<A> for Reshape {
    fn kind(&self) -> &str {
        "reshape"
    }

    fn output_shape(&self, input: Shape) -> Result<Shape> {
        match input.size() == self.shape.size() {
            true => Ok(self.shape),
            false => {
                let expected = format!("{} values to reshape to {}", self.shape.size(), self.shape);
                Err(Error::setting("input shape", expected, input))
            }
        }
    }

    fn row_wise(&self, _training: bool) -> bool {
        true
    }

    fn check_input(
        &self,
        _input: Shape,
        _x: ArrayView2<'_, A>,
        columns: Range<usize>,
    ) -> Result<Option<Range<usize>>> {
        Ok(Some(columns))
    }

    fn settings(&self) -> Option<Settings> {
        let dims: Vec<f64> = self.shape.dims().iter().map(|&dim| dim as f64).collect();
        Some(Settings::new().with("shape", dims))
    }

    #[inline(never)]
    fn forward(&self, pass: Forward<'_, A>) {
        copy_forward(pass);
    }

    #[inline(never)]
    fn backward(&self, pass: Backward<'_, A>) {
        copy_backward(pass);
    }
}

fn copy_forward<A: Scalar>(mut pass: Forward<'_, A>) {
    flat_mut(&mut pass.y).copy_from_slice(flat(&pass.x));
}

fn copy_backward<A: Scalar>(mut pass: Backward<'_, A>) {
    if let Some(dx) = &mut pass.dx {
        flat_mut(dx).copy_from_slice(flat(&pass.dy));
    }
}
