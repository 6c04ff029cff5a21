use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis};

use super::workspace::{Workspace, matrix, matrix_mut};
use super::{Sequential, Slot};
use crate::error::{Error, Result, check_finite, zeros};
use crate::layer::{Backward, Forward};
use crate::metrics::{Metrics, Tally};
use crate::parallel::enter;
use crate::scalar::Scalar;

/// How many rows [`Sequential::predict`] takes at a time: enough for fast products, few enough to stay in the cache.
const PREDICT_ROWS: usize = 256;

impl<A: Scalar> Sequential<A> {
    /// The predictions for these samples.
    ///
    /// Shapes: x (samples, input_dim), the result (samples, output_dim).
    ///
    /// Errors: another width, a number that is not finite, or a prediction that is not, because a weight is not or the sums
    /// overflow.
    pub fn predict(&self, x: ArrayView2<'_, A>) -> Result<Array2<A>> {
        let mut y = zeros((x.nrows(), self.output_dim()))?;
        let mut ws = self.workspace(x.nrows().min(PREDICT_ROWS))?;
        self.predict_into(x, &mut ws, y.view_mut())?;
        Ok(y)
    }

    /// Writes the predictions for these samples to `y`, and allocates nothing. There may be more samples than rows in
    /// the workspace: they are taken in turns.
    ///
    /// Shapes: x (samples, input_dim), y (samples, output_dim).
    ///
    /// Errors: other shapes, a workspace of another model, a number in x that is not finite; y is then unchanged. A
    /// prediction that is not finite, because a weight is not or the sums overflow.
    pub fn predict_into(
        &self,
        x: ArrayView2<'_, A>,
        ws: &mut Workspace<A>,
        mut y: ArrayViewMut2<'_, A>,
    ) -> Result<()> {
        self.check_workspace(ws)?;
        let (inputs, outputs) = (self.input_dim, self.output_dim());
        if x.ncols() != inputs {
            return Err(Error::shape("x", format!("(any, {inputs})"), x.shape()));
        }
        if y.dim() != (x.nrows(), outputs) {
            return Err(Error::shape("y", format!("({}, {outputs})", x.nrows()), y.shape()));
        }
        check_finite("x", x)?;
        enter(ws.engine.threads(), || {
            let capacity = ws.capacity;
            for (x, mut y) in
                x.axis_chunks_iter(Axis(0), capacity).zip(y.axis_chunks_iter_mut(Axis(0), capacity))
            {
                (ws.rows, ws.loaded) = (x.nrows(), false);
                matrix_mut(&mut ws.values[0], ws.rows, inputs).assign(&x);
                self.forward(ws);
                y.assign(&ws.y());
            }
        });
        check_finite("prediction", y.view())
    }

    /// Loss and accuracy on the batch that is loaded in the workspace.
    ///
    /// Errors: a workspace of another model or without a batch, targets that the loss cannot be asked for.
    pub fn loss(&self, ws: &mut Workspace<A>) -> Result<Metrics> {
        enter(ws.engine.threads(), || self.tally(ws)).map(|tally| tally.mean())
    }

    /// Loss and accuracy on the batch that is loaded in the workspace, and, left there, the gradient of the loss by all
    /// parameters.
    ///
    /// Errors: those of [`loss`](Sequential::loss).
    pub fn gradient(&self, ws: &mut Workspace<A>) -> Result<Metrics> {
        enter(ws.engine.threads(), || self.tally_and_gradient(ws)).map(|tally| tally.mean())
    }

    pub(crate) fn tally(&self, ws: &mut Workspace<A>) -> Result<Tally> {
        self.check_workspace(ws)?;
        if !ws.loaded {
            return Err(Error::setting("workspace", "a batch loaded", "none"));
        }
        self.loss.check(ws.t())?;
        self.forward(ws);
        let (u, y, t) = (self.logits(ws), ws.y(), ws.t());
        Ok(Tally::of(self.loss.sum_from_logits(u, y, t), self.loss.weight(t), self.output.link(), y, t))
    }

    pub(crate) fn tally_and_gradient(&self, ws: &mut Workspace<A>) -> Result<Tally> {
        let tally = self.tally(ws)?;
        self.backward(ws);
        Ok(tally)
    }

    /// The batch through all layers and the output.
    fn forward(&self, ws: &mut Workspace<A>) {
        let rows = ws.rows;
        for (i, slot) in self.slots.iter().enumerate() {
            let (before, after) = ws.values.split_at_mut(i + 1);
            slot.layer.forward(Forward {
                params: &self.params[slot.range.clone()],
                x: matrix(&before[i], rows, slot.input_dim),
                y: matrix_mut(&mut after[0], rows, slot.output_dim),
                engine: &mut ws.engine,
            });
        }
        let (outputs, logits) = (self.output_dim(), &ws.values[self.slots.len()]);
        self.output.forward(matrix(logits, rows, outputs), matrix_mut(&mut ws.y, rows, outputs));
    }

    /// What the last layer made of the batch.
    fn logits<'a>(&self, ws: &'a Workspace<A>) -> ArrayView2<'a, A> {
        matrix(&ws.values[self.slots.len()], ws.rows, self.output_dim())
    }

    /// The gradients back through all layers, from the predictions and targets in the workspace.
    fn backward(&self, ws: &mut Workspace<A>) {
        let (rows, outputs) = (ws.rows, self.output_dim());
        self.size_for_training(ws);
        let Workspace { values, y, t, deltas: [delta, other], gradient, engine, .. } = ws;
        let (y, t) = (matrix(y, rows, outputs), matrix(t, rows, outputs));
        self.loss.gradient(self.output.as_ref(), y, t, matrix_mut(delta, rows, outputs));
        let (mut dy, mut dx) = (delta, other);
        for (i, slot) in self.slots.iter().enumerate().rev() {
            let Slot { input_dim, output_dim, .. } = *slot;
            slot.layer.backward(Backward {
                params: &self.params[slot.range.clone()],
                x: matrix(&values[i], rows, input_dim),
                y: matrix(&values[i + 1], rows, output_dim),
                dy: matrix(dy, rows, output_dim),
                dx: (i > 0).then(|| matrix_mut(dx, rows, input_dim)),
                grad: &mut gradient[slot.range.clone()],
                engine,
            });
            std::mem::swap(&mut dy, &mut dx);
        }
    }

    /// Makes room for the gradients, the first time.
    fn size_for_training(&self, ws: &mut Workspace<A>) {
        let widest = ws.widths.iter().skip(1).max().copied().unwrap_or(0);
        ws.deltas.iter_mut().for_each(|delta| delta.resize(ws.capacity * widest, A::zero()));
        ws.gradient.resize(self.params.len(), A::zero());
    }

    fn check_workspace(&self, ws: &Workspace<A>) -> Result<()> {
        match ws.widths.iter().copied().eq(self.widths()) {
            true => Ok(()),
            false => Err(Error::shape("workspace", "that of this model", &ws.widths)),
        }
    }
}
