use std::sync::Arc;

use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis};

use super::Sequential;
use super::batch::Batch;
use super::workspace::Workspace;
use crate::buffer::{lengthen, zero_matrix};
use crate::buffer::{matrix, matrix_mut};
use crate::error::{Error, Result, check_finite};
use crate::layer::{Forward, Training, forward, predict};
use crate::metrics::{Metrics, Tally};
use crate::parallel::{Divide, divide, enter, least, shares};
use crate::scalar::Scalar;

/// The batch size of [`Sequential::predict`]: large enough for fast products, small enough for the cache.
const PREDICT_ROWS: usize = 256;
/// The size in bytes from which the outputs of all layers reduce this batch size, as in networks for images.
const PREDICT_BYTES: usize = 32 << 20;
/// The batch size below which the weights would be read too often.
const FEWEST_ROWS: usize = 32;

/// Samples that threads check.
struct Samples<'a, A>(ArrayView2<'a, A>);

impl<A: Scalar> Divide for Samples<'_, A> {
    fn len(&self) -> usize {
        self.0.nrows()
    }

    fn split_at(self, row: usize) -> (Self, Self) {
        let (samples, others) = self.0.split_at(Axis(0), row);
        (Self(samples), Self(others))
    }
}

/// Checks that all values of the samples are finite.
fn check_samples<A: Scalar>(x: ArrayView2<'_, A>, threads: usize) -> Result<()> {
    let threads = shares(threads, x.len(), least::CHECKED);
    let checked = divide(Samples(x), threads, &|samples| check_finite("x", samples.0));
    // The error counts the rows of all samples.
    checked.or_else(|_| check_finite("x", x))
}

impl<A: Scalar> Sequential<A> {
    /// Returns the predictions for these samples.
    ///
    /// Shapes: x (samples, input_dim), result (samples, output_dim).
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::Shape`] if the width of `x` is not the number of inputs,
    /// - [`Error::Layer`] if a layer does not accept a value in `x`, such as an [`Embedding`](crate::layer::Embedding),
    /// - [`Error::NotFinite`] if a value in `x` is not finite, or if a prediction is not finite because a weight is not finite or
    ///   a sum overflows,
    /// - [`Error::OutOfMemory`] if the predictions or a workspace do not fit in memory.
    #[inline(never)]
    pub fn predict(&self, x: ArrayView2<'_, A>) -> Result<Array2<A>> {
        let mut y = zero_matrix("the predictions", (x.nrows(), self.output_dim()))?;
        let rows = PREDICT_BYTES / size_of::<A>() / self.kept_values().max(1);
        let mut ws = self.workspace(x.nrows().min(rows.clamp(FEWEST_ROWS, PREDICT_ROWS)))?;
        self.predict_into(x, &mut ws, y.view_mut())?;
        Ok(y)
    }

    /// Writes the predictions for these samples to `y`. After two calls, a call with the same number of samples and the same
    /// parameters allocates nothing. If the number of samples exceeds the batch size of the workspace, the method processes them
    /// in several batches.
    ///
    /// The second call packs the weights in the order in which matrix products read them, except for small ones that are read in
    /// place. The model keeps these copies for all its workspaces until its parameters change. They take as much memory as the
    /// weights.
    ///
    /// Shapes: x (samples, input_dim), y (samples, output_dim).
    ///
    /// # Errors
    ///
    /// Returns the following errors and leaves `y` unchanged:
    ///
    /// - [`Error::Setting`] if the workspace was created for a model of different widths,
    /// - [`Error::Shape`] if `x` or `y` has the wrong shape,
    /// - [`Error::NotFinite`] if a value in `x` is not finite,
    /// - [`Error::Layer`] if a layer does not accept a value in `x`.
    ///
    /// Returns [`Error::NotFinite`] after writing `y` if a prediction is not finite because a weight is not finite or a sum
    /// overflows.
    #[inline(never)]
    pub fn predict_into(
        &self,
        x: ArrayView2<'_, A>,
        ws: &mut Workspace<A>,
        mut y: ArrayViewMut2<'_, A>,
    ) -> Result<()> {
        self.check_workspace(ws)?;
        self.check_width(x)?;
        let outputs = self.output_dim();
        if y.dim() != (x.nrows(), outputs) {
            return Err(Error::shape("y", format!("({}, {outputs})", x.nrows()), y.shape()));
        }
        // Layers for images and sequences use their weights more than once, for many values.
        let work = x.nrows().saturating_mul(self.params.len().saturating_add(self.kept_values()));
        let threads = shares(ws.thread_count(), work, least::PREDICTED);
        check_samples(x, threads)?;
        self.plan.check_input(x, 0..x.ncols())?;
        ws.batch.clear();
        (ws.is_passed, ws.is_trained) = (false, false);
        ws.use_threads(threads);
        enter(threads, || self.predict_rows(x, ws, y.view_mut()));
        ws.use_threads(usize::MAX);
        check_finite("prediction", y.view())
    }

    /// Returns the number of values of a row that the layers keep.
    fn kept_values(&self) -> usize {
        self.plan.scratch.kept.iter().fold(0, |sum, &width| sum.saturating_add(width))
    }

    fn predict_rows(&self, x: ArrayView2<'_, A>, ws: &mut Workspace<A>, mut y: ArrayViewMut2<'_, A>) {
        let Workspace { batch: Batch { capacity, x: input, .. }, y: output, memory, engine, .. } = ws;
        let values = (&self.params[..], &self.buffers[..]);
        if x.is_standard_layout() && y.is_standard_layout() {
            // The first rows show which weights the rest of many rows will use again.
            let first = *capacity * engine.thread_count();
            let (mut x, mut y) = (x, y);
            if x.nrows() >= 2 * first {
                let (x0, rest) = x.split_at(Axis(0), first);
                let (y0, rest_y) = y.split_at(Axis(0), first);
                engine.use_weights(&self.params, Some(self.params.copies()));
                predict(&self.plan, values, x0, y0, memory, engine);
                (x, y) = (rest, rest_y);
            }
            engine.use_weights(&self.params, Some(self.params.copies()));
            return predict(&self.plan, values, x, y, memory, engine);
        }
        let turns = x.axis_chunks_iter(Axis(0), *capacity);
        for (x, mut to) in turns.zip(y.axis_chunks_iter_mut(Axis(0), *capacity)) {
            let (rows, outputs) = to.dim();
            matrix_mut(input, rows, x.ncols()).assign(&x);
            let y = matrix_mut(output, rows, outputs);
            engine.use_weights(&self.params, Some(self.params.copies()));
            predict(&self.plan, values, matrix(input, rows, x.ncols()), y, memory, engine);
            to.assign(&matrix(output, rows, outputs));
        }
    }

    /// Returns the loss and the accuracy on the batch loaded in the workspace.
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::Setting`] if the workspace was created for a model of different widths, or if no batch is loaded,
    /// - [`Error::Layer`] if a layer does not accept a value of a sample,
    /// - the error of [`Loss::check_targets`](crate::loss::Loss::check_targets), such as [`Error::Row`], if the loss is not
    ///   defined for the targets.
    #[inline(never)]
    pub fn loss(&self, ws: &mut Workspace<A>) -> Result<Metrics> {
        enter(ws.engine.thread_count(), || self.tally(ws)).map(|tally| tally.mean())
    }

    /// Computes the gradient of the loss with respect to all parameters on the batch loaded in the workspace, and returns the
    /// loss and the accuracy. [`Workspace::gradient`] returns the gradient.
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - the errors of [`loss`](Sequential::loss),
    /// - [`Error::Layer`] if the batch has fewer rows than a layer needs in training,
    /// - [`Error::OutOfMemory`] if the gradients do not fit in memory.
    #[inline(never)]
    pub fn gradient(&self, ws: &mut Workspace<A>) -> Result<Metrics> {
        enter(ws.engine.thread_count(), || {
            let tally = self.training_tally(ws)?;
            self.pass_backward(ws, None, false);
            Ok(tally.mean())
        })
    }

    pub(crate) fn tally(&self, ws: &mut Workspace<A>) -> Result<Tally> {
        self.tally_of(ws, false)
    }

    /// Runs the forward pass that [`gradient`](Sequential::gradient) differentiates, and returns its loss and accuracy.
    pub(crate) fn training_tally(&self, ws: &mut Workspace<A>) -> Result<Tally> {
        self.tally_of(ws, true)
    }

    fn tally_of(&self, ws: &mut Workspace<A>, training: bool) -> Result<Tally> {
        self.check_workspace(ws)?;
        if !ws.batch.is_loaded() {
            return Err(Error::setting("workspace", "a loaded batch (call Workspace::load first)", "none"));
        }
        let of_data = |error: Error| error.of_rows("targets of the data set", ws.origins());
        self.loss.check_targets(ws.t()).map_err(of_data)?;
        self.check_input(ws)?;
        if training {
            self.prepare_training(ws)?;
        }
        self.pass_forward(ws, training);
        let batch = [self.logits(ws), ws.y(), ws.t()];
        Ok(Tally::of(self.loss.as_ref(), self.output.function(), batch, ws.weights()))
    }

    /// Checks the samples of the batch for layers that do not accept all values.
    pub(super) fn check_input(&self, ws: &Workspace<A>) -> Result<()> {
        let x = ws.batch.x();
        let checked = self.plan.check_input(x, 0..x.ncols());
        checked.map(drop).map_err(|error| error.of_rows("samples of the data set", ws.origins()))
    }

    /// Returns an error unless the workspace has samples.
    pub(super) fn check_batch(&self, ws: &Workspace<A>) -> Result<()> {
        match ws.row_count() {
            0 => Err(Error::setting("workspace", "a loaded batch (call Workspace::load first)", "none")),
            _ => Ok(()),
        }
    }

    /// Checks the batch and prepares the workspace for a forward pass in training.
    pub(super) fn prepare_training(&self, ws: &mut Workspace<A>) -> Result<()> {
        self.check_rows(ws.batch.rows())?;
        self.size_for_training(ws)?;
        ws.begin_gradient();
        Ok(())
    }

    /// Runs the forward pass through all layers and the output.
    pub(super) fn pass_forward(&self, ws: &mut Workspace<A>, training: bool) {
        let (rows, noise) = (ws.batch.rows(), ws.batch_noise());
        (ws.is_passed, ws.is_trained) = (true, training);
        let Workspace { batch, y, memory, buffers, engine, .. } = ws;
        if training {
            buffers.resize(self.buffers.len(), A::zero());
            buffers.copy_from_slice(&self.buffers);
        }
        let (kept, temporary) = memory.forward(rows);
        // The weights of a training pass serve only once.
        engine.use_weights(&self.params, (!training).then(|| self.params.copies()));
        let pass = Forward {
            params: &self.params,
            buffers: &self.buffers,
            input: self.plan.input(),
            output: self.plan.output(),
            x: batch.x(),
            y: matrix_mut(y, rows, self.output_dim()),
            kept,
            temporary,
            training: if training { Some(Training::new(noise, buffers)) } else { None },
            engine,
        };
        forward(&self.plan, pass);
    }

    /// Returns the last layer's output for the batch.
    pub(super) fn logits<'a>(&self, ws: &'a Workspace<A>) -> ArrayView2<'a, A> {
        ws.memory.kept(ws.batch.rows()).array(self.plan.output_at(self.slots().len() - 1))
    }

    /// Allocates the gradients on the first call.
    fn size_for_training(&self, ws: &mut Workspace<A>) -> Result<()> {
        ws.memory.grow_for_training(&self.plan.scratch)?;
        lengthen("the gradient", &mut ws.gradient, self.params.len())
    }

    /// Returns an error unless the samples have as many columns as the model has inputs.
    pub(super) fn check_width(&self, x: ArrayView2<'_, A>) -> Result<()> {
        let inputs = self.input_dim();
        match x.ncols() == inputs {
            true => Ok(()),
            false => Err(Error::shape("x", format!("(any, {inputs})"), x.shape())),
        }
    }

    /// Checks that a batch of `rows` rows is large enough for every layer in training.
    pub(crate) fn check_rows(&self, rows: usize) -> Result<()> {
        let few = self.slots().iter().find(|slot| rows < slot.layer.min_rows());
        few.map_or(Ok(()), |slot| {
            let expected = format!("at least {} in training", slot.layer.min_rows());
            Err(Error::setting("rows of a batch", expected, rows).in_layer(&slot.name))
        })
    }

    pub(crate) fn check_workspace(&self, ws: &Workspace<A>) -> Result<()> {
        match Arc::ptr_eq(&self.plan, &ws.plan) || self.plan.fits(&ws.plan) {
            true => Ok(()),
            false => {
                let expected = format!("one created by {self:?}");
                Err(Error::setting(
                    "workspace",
                    expected,
                    format!("one for inputs of shape {}", ws.plan.input()),
                ))
            }
        }
    }
}
