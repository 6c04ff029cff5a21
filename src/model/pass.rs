use std::ops::Range;

use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis};

use super::Sequential;
use super::parts::{BackwardPart, ForwardPart, PredictPart, buffers};
use super::workspace::{Workspace, matrix, matrix_mut};
use crate::error::{Error, Result, check_finite, lengthen, zeros};
use crate::layer::{Backward, Forward, Training};
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
    #[inline(never)]
    pub fn predict(&self, x: ArrayView2<'_, A>) -> Result<Array2<A>> {
        let mut y = zeros((x.nrows(), self.output_dim()))?;
        let mut ws = self.workspace(x.nrows().min(PREDICT_ROWS))?;
        self.predict_into(x, &mut ws, y.view_mut())?;
        Ok(y)
    }

    /// Writes the predictions for these samples to `y`, and allocates nothing after a first call with as many. There may be
    /// more samples than rows in the workspace: they are taken in turns.
    ///
    /// Shapes: x (samples, input_dim), y (samples, output_dim).
    ///
    /// Errors: other shapes, a workspace of another model, a number in x that is not finite; y is then unchanged. A
    /// prediction that is not finite, because a weight is not or the sums overflow.
    #[inline(never)]
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
        (ws.rows, ws.loaded) = (0, false);
        let threads = ws.engines.len();
        enter(threads, || self.predict_rows(x, ws, y.view_mut()));
        check_finite("prediction", y.view())
    }

    fn predict_rows(&self, x: ArrayView2<'_, A>, ws: &mut Workspace<A>, mut y: ArrayViewMut2<'_, A>) {
        let layers = self.stretch(0, false);
        if layers.len() == self.slots.len() {
            let shares = self.shares(layers, x.nrows(), ws.engines.len()).min(ws.capacity);
            let Workspace { capacity: room, values, y: output, engines, .. } = ws;
            let (input, values) = values.split_first_mut().expect("there is the input");
            let part = PredictPart { model: self, room: *room, x, y, input, values: buffers(values), output };
            return part.divide(&mut engines[..shares]);
        }
        let turns = x.axis_chunks_iter(Axis(0), ws.capacity);
        for (x, mut y) in turns.zip(y.axis_chunks_iter_mut(Axis(0), ws.capacity)) {
            ws.rows = x.nrows();
            matrix_mut(&mut ws.values[0], ws.rows, self.input_dim).assign(&x);
            self.forward(ws, false);
            y.assign(&ws.y());
        }
        ws.rows = 0;
    }

    /// Loss and accuracy on the batch that is loaded in the workspace.
    ///
    /// Errors: a workspace of another model or without a batch, targets that the loss cannot be asked for.
    #[inline(never)]
    pub fn loss(&self, ws: &mut Workspace<A>) -> Result<Metrics> {
        enter(ws.engine.threads(), || self.tally(ws)).map(|tally| tally.mean())
    }

    /// Loss and accuracy on the batch that is loaded in the workspace, and, left there, the gradient of the loss by all
    /// parameters.
    ///
    /// Errors: those of [`loss`](Sequential::loss), and a batch of fewer rows than a layer needs in training, gradients that do
    /// not fit in memory.
    #[inline(never)]
    pub fn gradient(&self, ws: &mut Workspace<A>) -> Result<Metrics> {
        enter(ws.engine.threads(), || {
            let tally = self.training_tally(ws)?;
            self.backward(ws);
            Ok(tally.mean())
        })
    }

    pub(crate) fn tally(&self, ws: &mut Workspace<A>) -> Result<Tally> {
        self.tally_of(ws, false)
    }

    /// What the pass that [`gradient`](Sequential::gradient) differentiates has measured.
    pub(crate) fn training_tally(&self, ws: &mut Workspace<A>) -> Result<Tally> {
        self.tally_of(ws, true)
    }

    fn tally_of(&self, ws: &mut Workspace<A>, training: bool) -> Result<Tally> {
        self.check_workspace(ws)?;
        if !ws.loaded {
            return Err(Error::setting("workspace", "a batch loaded", "none"));
        }
        self.loss.check(ws.t())?;
        if training {
            self.check_rows(ws.rows)?;
            self.size_for_training(ws)?;
        }
        self.forward(ws, training);
        let (u, y, t) = (self.logits(ws), ws.y(), ws.t());
        Ok(Tally::of(self.loss.sum_from_logits(u, y, t), self.loss.weight(t), self.output.link(), y, t))
    }

    /// The batch through all layers and the output.
    fn forward(&self, ws: &mut Workspace<A>, training: bool) {
        if training {
            ws.buffers.resize(self.buffers.len(), A::zero());
            ws.buffers.copy_from_slice(&self.buffers);
        }
        let (end, mut next) = (self.slots.len(), 0);
        while next < end {
            let layers = self.stretch(next, training);
            let whole = training && self.keeps_weights(next, ws.rows);
            let shares = if whole { 1 } else { self.shares(layers.clone(), ws.rows, ws.engines.len()) };
            next = if shares > 1 { layers.end } else { next + 1 };
            if shares > 1 {
                self.forward_divided(layers, shares, ws, training);
            } else {
                self.forward_layer(next - 1, ws, training);
            }
        }
    }

    /// Some layers, the rows divided among threads.
    fn forward_divided(&self, layers: Range<usize>, shares: usize, ws: &mut Workspace<A>, training: bool) {
        let (rows, noise, is_last) = (ws.rows, training.then(|| ws.noise()), layers.end == self.slots.len());
        let (before, after) = ws.values.split_at_mut(layers.start + 1);
        let x = matrix(&before[layers.start], rows, self.slots[layers.start].input_dim);
        let values = buffers(&mut after[..layers.len()]);
        let y = is_last.then(|| matrix_mut(&mut ws.y, rows, self.output_dim()));
        ForwardPart { model: self, layers, x, values, y, noise }.divide(&mut ws.engines[..shares]);
    }

    /// One layer for all rows and, behind the last one, the output.
    fn forward_layer(&self, index: usize, ws: &mut Workspace<A>, training: bool) {
        let (slot, rows, noise) = (&self.slots[index], ws.rows, ws.noise().layer(index));
        let (before, after) = ws.values.split_at_mut(index + 1);
        slot.layer.forward(Forward {
            params: &self.params[slot.range.clone()],
            buffers: &self.buffers[slot.buffer_range.clone()],
            x: matrix(&before[index], rows, slot.input_dim),
            y: matrix_mut(&mut after[0], rows, slot.output_dim),
            training: if training {
                Some(Training::new(noise, &mut ws.buffers[slot.buffer_range.clone()]))
            } else {
                None
            },
            engine: &mut ws.engine,
        });
        if index + 1 == self.slots.len() {
            let logits = matrix(&after[0], rows, slot.output_dim);
            self.output.forward(logits, matrix_mut(&mut ws.y, rows, slot.output_dim));
        }
    }

    /// What the last layer made of the batch.
    fn logits<'a>(&self, ws: &'a Workspace<A>) -> ArrayView2<'a, A> {
        matrix(&ws.values[self.slots.len()], ws.rows, self.output_dim())
    }

    /// The gradients back through all layers, from the predictions and targets in the workspace.
    pub(crate) fn backward(&self, ws: &mut Workspace<A>) {
        let (rows, outputs) = (ws.rows, self.output_dim());
        let (y, t) = (matrix(&ws.y, rows, outputs), matrix(&ws.t, rows, outputs));
        let du = matrix_mut(&mut ws.deltas[self.slots.len()], rows, outputs);
        self.loss.gradient(self.output.as_ref(), y, t, du);
        let mut end = self.slots.len();
        while end > 0 {
            let layers = self.stretch_before(end);
            let shares = self.shares(layers.clone(), rows, ws.engines.len());
            if shares > 1 {
                end = layers.start;
                self.backward_divided(layers.clone(), shares, ws);
                layers.rev().for_each(|index| self.backward_layer(index, ws, false));
            } else {
                end -= 1;
                self.backward_layer(end, ws, true);
            }
        }
    }

    /// Through some layers, the rows divided among threads, to the gradients by the inputs.
    fn backward_divided(&self, layers: Range<usize>, shares: usize, ws: &mut Workspace<A>) {
        let (rows, noise) = (0..ws.rows, ws.noise());
        let (deltas, after) = ws.deltas.split_at_mut(layers.end);
        let dy = &after[0][..ws.rows * self.slots[layers.end - 1].output_dim];
        let deltas = buffers(&mut deltas[layers.start..]);
        let part = BackwardPart { model: self, layers, values: &ws.values, rows, dy, deltas, noise };
        part.divide(&mut ws.engines[..shares]);
    }

    /// Through one layer for all rows, to the gradient by its parameters and, where it is wanted, by its input.
    fn backward_layer(&self, index: usize, ws: &mut Workspace<A>, with_dx: bool) {
        let (slot, rows) = (&self.slots[index], ws.rows);
        let with_dx = with_dx && index > 0;
        if !with_dx && slot.range.is_empty() {
            return;
        }
        let noise = ws.noise().layer(index);
        let (before, after) = ws.deltas.split_at_mut(index + 1);
        slot.layer.backward(Backward {
            params: &self.params[slot.range.clone()],
            x: matrix(&ws.values[index], rows, slot.input_dim),
            y: matrix(&ws.values[index + 1], rows, slot.output_dim),
            dy: matrix(&after[0], rows, slot.output_dim),
            dx: with_dx.then(|| matrix_mut(&mut before[index], rows, slot.input_dim)),
            grad: Some(&mut ws.gradient[slot.range.clone()]),
            noise,
            engine: &mut ws.engine,
        });
    }

    /// Makes room for the gradients, the first time.
    fn size_for_training(&self, ws: &mut Workspace<A>) -> Result<()> {
        let Workspace { capacity, widths, deltas, .. } = ws;
        deltas.resize_with(widths.len(), Vec::new);
        for (delta, width) in deltas.iter_mut().zip(widths).skip(1) {
            lengthen(delta, *capacity * *width)?;
        }
        lengthen(&mut ws.gradient, self.params.len())
    }

    /// An error that names the first layer for which so many rows are too few in training.
    pub(crate) fn check_rows(&self, rows: usize) -> Result<()> {
        let few = self.slots.iter().find(|slot| rows < slot.layer.least_rows());
        few.map_or(Ok(()), |slot| {
            let expected = format!("at least {} in training", slot.layer.least_rows());
            Err(Error::setting("rows of a batch", expected, rows).in_layer(&slot.name))
        })
    }

    pub(crate) fn check_workspace(&self, ws: &Workspace<A>) -> Result<()> {
        match ws.widths.iter().copied().eq(self.widths()) {
            true => Ok(()),
            false => Err(Error::shape("workspace", "that of this model", &ws.widths)),
        }
    }
}
