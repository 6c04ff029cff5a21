use ndarray::{ArrayView2, ArrayViewMut2};

use super::Sequential;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::linalg::Engine;
use crate::scalar::Scalar;

/// The scratch of one thread's passes through a model: a batch, every layer's output, the gradients.
///
/// Made once by [`Sequential::workspace`] for a greatest batch size and reused: after the first pass nothing is
/// allocated.
#[derive(Clone, Debug)]
pub struct Workspace<A> {
    /// The greatest number of rows.
    pub(super) capacity: usize,
    /// The number of rows of the batch that is loaded.
    pub(super) rows: usize,
    /// The widths at all boundaries between layers.
    pub(super) widths: Vec<usize>,
    /// The batch, then every layer's output.
    pub(super) values: Vec<Vec<A>>,
    /// The predictions.
    pub(super) y: Vec<A>,
    /// The targets.
    pub(super) t: Vec<A>,
    /// The gradients by the output and by the input of the layer at hand.
    pub(super) deltas: [Vec<A>; 2],
    /// The gradient by all parameters.
    pub(super) gradient: Vec<A>,
    /// What multiplies matrices.
    pub(super) engine: Engine<A>,
}

impl<A: Scalar> Sequential<A> {
    /// Scratch for passes of at most `batch` rows (at least 1) through this model.
    pub fn workspace(&self, batch: usize) -> Workspace<A> {
        let capacity = batch.max(1);
        let widths: Vec<usize> = self.widths().collect();
        let values = widths.iter().map(|width| vec![A::zero(); capacity * width]).collect();
        let y = vec![A::zero(); capacity * self.output_dim()];
        let (t, deltas, gradient) = (Vec::new(), [Vec::new(), Vec::new()], Vec::new());
        Workspace { capacity, rows: 0, widths, values, y, t, deltas, gradient, engine: Engine::new(1) }
    }
}

impl<A: Scalar> Workspace<A> {
    /// The gradient by all parameters that the last [`Sequential::gradient`] left, in the order of
    /// [`Sequential::params`].
    pub fn gradient(&self) -> &[A] {
        &self.gradient
    }

    /// The gradient, to be clipped or summed in place.
    pub fn gradient_mut(&mut self) -> &mut [A] {
        &mut self.gradient
    }

    /// The predictions for the batch that is loaded.
    pub fn y(&self) -> ArrayView2<'_, A> {
        matrix(&self.y, self.rows, self.outputs())
    }

    /// The targets of the batch that is loaded.
    pub fn t(&self) -> ArrayView2<'_, A> {
        matrix(&self.t, self.rows, self.outputs())
    }

    /// Loads the samples at `rows` of a data set as the batch; an error if the data set does not fit the model, a row
    /// is not in it, or there are none or too many.
    pub fn load(&mut self, data: &dyn Dataset<A>, rows: &[usize]) -> Result<()> {
        let (inputs, outputs) = (self.widths[0], self.outputs());
        if (data.input_dim(), data.target_dim()) != (inputs, outputs) {
            let expected = format!("samples of {inputs} and targets of {outputs}");
            return Err(Error::shape("data set", expected, &[data.input_dim(), data.target_dim()]));
        }
        if rows.is_empty() || rows.len() > self.capacity {
            return Err(Error::setting("rows", format!("1 to {}", self.capacity), rows.len()));
        }
        if let Some(row) = rows.iter().find(|&&row| row >= data.len()) {
            return Err(Error::setting("row", format!("below {}", data.len()), row));
        }
        self.rows = rows.len();
        self.t.resize(self.capacity * outputs, A::zero());
        data.gather(
            rows,
            matrix_mut(&mut self.values[0], self.rows, inputs),
            matrix_mut(&mut self.t, self.rows, outputs),
        );
        Ok(())
    }

    fn outputs(&self) -> usize {
        self.widths[self.widths.len() - 1]
    }
}

/// The first rows of a buffer.
pub(super) fn matrix<A>(buffer: &[A], rows: usize, columns: usize) -> ArrayView2<'_, A> {
    ArrayView2::from_shape((rows, columns), &buffer[..rows * columns]).expect("as long as the shape says")
}

pub(super) fn matrix_mut<A>(buffer: &mut [A], rows: usize, columns: usize) -> ArrayViewMut2<'_, A> {
    ArrayViewMut2::from_shape((rows, columns), &mut buffer[..rows * columns])
        .expect("as long as the shape says")
}
