use std::ops::Range;

use ndarray::{ArrayView2, Axis};

use super::{Backward, Forward, Layer};
use crate::error::{Error, Result};
use crate::scalar::Scalar;
use crate::settings::{Settings, check_one_dimension};
use crate::shape::Shape;

/// Some consecutive columns of the input, for branches with different inputs.
///
/// Formula: y = (xₛ, …, xₑ₋₁) for the range s..e.
///
/// Derivative: dx = dy in these columns, and 0 in the others.
///
/// Shapes: X (batch, n), Y (batch, e − s).
///
/// Numerics: y has the bits of x.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `range` | the columns | none | at least one, all of them inputs |
///
/// # Errors
/// Building a model returns [`Error::Layer`] if the range is empty or exceeds the input, or if the input has more than one
/// dimension.
///
/// # Examples
/// Two numbers pass unchanged, and the third input is a category:
///
/// ```
/// use manabi::Layer;
/// use manabi::layer::{Chain, Columns, Concat, Embedding, Flatten};
///
/// let city = Chain::new()
///     .add_layer("column", Columns::new(2..3))
///     .add_layer("embedding", Embedding::new(12, 4))
///     .add_layer("flatten", Flatten);
/// let numbers = Chain::new().add_layer("columns", Columns::new(0..2));
/// let inputs = Concat::<f32>::new().add_branch("numbers", numbers).add_branch("city", city);
/// assert_eq!(inputs.output_shape(3.into())?, 6.into());
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias("slice", "select", "narrow"))]
pub struct Columns {
    range: Range<usize>,
}

impl Columns {
    /// Creates a layer that returns these columns.
    pub fn new(range: Range<usize>) -> Self {
        Self { range }
    }
}

impl<A: Scalar> Layer<A> for Columns {
    fn kind(&self) -> &str {
        "columns"
    }

    fn output_shape(&self, input: Shape) -> Result<Shape> {
        check_one_dimension(input)?;
        if self.range.is_empty() || self.range.end > input.size() {
            let expected = format!("at least one of the {} inputs", input.size());
            return Err(Error::setting("columns", expected, format!("{:?}", self.range)));
        }
        Ok(self.range.len().into())
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
        Ok(Some(columns.start + self.range.start..columns.start + self.range.end))
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new().with("start", self.range.start).with("end", self.range.end))
    }

    #[inline(never)]
    fn forward(&self, mut pass: Forward<'_, A>) {
        pass.y.assign(&pass.x.slice_axis(Axis(1), self.range.clone().into()));
    }

    #[inline(never)]
    fn backward(&self, pass: Backward<'_, A>) {
        if let Some(mut dx) = pass.dx {
            dx.fill(A::zero());
            dx.slice_axis_mut(Axis(1), self.range.clone().into()).assign(&pass.dy);
        }
    }
}
