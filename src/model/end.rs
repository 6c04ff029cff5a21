use std::sync::Arc;

use crate::error::Result;
use crate::layer::{Backward, Forward, Layer};
use crate::output::Output;
use crate::scalar::Scalar;
use crate::shape::Shape;

/// The output of a model as its last layer, so that one thread passes a row through both the layers and the output.
#[derive(Debug)]
pub(super) struct End<A>(pub Arc<dyn Output<A>>);

impl<A: Scalar> Layer<A> for End<A> {
    fn kind(&self) -> &str {
        self.0.kind()
    }

    fn output_shape(&self, input: Shape) -> Result<Shape> {
        self.0.check_outputs(input.size())?;
        Ok(input.size().into())
    }

    fn row_wise(&self, _training: bool) -> bool {
        true
    }

    fn forward(&self, pass: Forward<'_, A>) {
        self.0.forward(pass.x, pass.y);
    }

    fn backward(&self, pass: Backward<'_, A>) {
        if let Some(mut dx) = pass.dx {
            dx.assign(&pass.dy);
            self.0.backward(pass.x, pass.y, dx);
        }
    }
}
