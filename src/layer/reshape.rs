use super::{Backward, Forward, Layer, flat, flat_mut};
use crate::error::{Error, Result};
use crate::scalar::Scalar;
use crate::settings::Settings;
use crate::shape::Shape;

/// Gives a sample one dimension: what stands between images and an [`Affine`](crate::Affine) layer.
///
/// Formula: y = x, value by value in row-major order.
///
/// Derivative: dx = dy.
///
/// Shapes: any becomes one dimension of the same size.
///
/// Numerics: exact.
///
/// Source: `torch.nn.Flatten`.
///
/// ```
/// use manabi::layer::Flatten;
/// use manabi::Layer;
///
/// assert_eq!(Layer::<f32>::output_shape(&Flatten, [1, 28, 28].into())?, 784.into());
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flatten;

/// Gives a sample another shape of the same size.
///
/// Formula: y = x, value by value in row-major order.
///
/// Derivative: dx = dy.
///
/// Shapes: any of the same size becomes `shape`.
///
/// Numerics: exact.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `shape` | the shape of the output | none | one to three dimensions with the input's number of values |
///
/// # Errors
/// When the model is built: an input with another number of values.
///
/// Source: `torch.nn.Unflatten`.
///
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
    /// Creates a layer with this shape of output.
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
                let expected = format!("one with the {} values of {}", self.shape.size(), self.shape);
                Err(Error::setting("input shape", expected, input))
            }
        }
    }

    fn row_wise(&self, _training: bool) -> bool {
        true
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
