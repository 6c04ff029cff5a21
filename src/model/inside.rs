//! The inside of a pass: outputs of layers, gradients with respect to inputs, and gradients of custom losses.

use ndarray::ArrayView2;

use super::Sequential;
use super::workspace::Workspace;
use crate::buffer::{lengthen, matrix, matrix_mut};
use crate::error::{Error, Result, check_finite};
use crate::layer::{Backward, backward, shared};
use crate::loss::weigh_gradient;
use crate::metrics::Metrics;
use crate::parallel::enter;
use crate::scalar::Scalar;

/// The inside of a pass: outputs of layers, gradients with respect to the input, and losses that the model does not know.
///
/// [`load_arrays`](Workspace::load_arrays) or [`load`](Workspace::load) provides the batch.
///
/// # Examples
///
/// Saliency, the gradient of the loss with respect to the samples, and the features that a layer computes:
///
/// ```
/// use manabi::prelude::*;
/// use ndarray::array;
///
/// let model = Sequential::<f64>::builder(2)
///     .add_layer("affine1", Affine::new(3))
///     .add_layer("swish1", Activation::new(Swish::default()))
///     .add_layer("affine2", Affine::new(1))
///     .set_output(Identity)
///     .set_error(MeanSquaredError)
///     .build()?;
/// let mut ws = model.workspace(2)?;
/// ws.load_arrays(array![[1.0, 2.0], [3.0, 4.0]].view(), array![[0.0], [1.0]].view())?;
/// model.input_gradient(&mut ws)?;
/// assert_eq!(ws.dx().dim(), (2, 2));
/// assert_eq!(model.layer_output(&ws, "swish1")?.dim(), (2, 3));
/// # Ok::<(), manabi::Error>(())
/// ```
impl<A: Scalar> Sequential<A> {
    /// Runs a forward pass over the samples in the workspace and returns the predictions. With `training`, the layers behave as
    /// in training: dropout drops values, and batch normalisation uses the statistics of the batch. Repeated passes with dropout
    /// measure how sure a model is (Monte Carlo dropout); each load and each step renews its random numbers.
    ///
    /// The targets, if any, are not used.
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::Setting`] if the workspace was created for a model of different widths, or if it has no batch,
    /// - [`Error::Layer`] if the batch has fewer rows than a layer needs in training, or if a layer does not accept a value,
    /// - [`Error::OutOfMemory`] if the gradients do not fit in memory.
    #[inline(never)]
    #[doc(alias("Monte Carlo dropout", "MC dropout"))]
    pub fn forward<'w>(&self, ws: &'w mut Workspace<A>, training: bool) -> Result<ArrayView2<'w, A>> {
        self.check_workspace(ws)?;
        self.check_batch(ws)?;
        self.check_input(ws)?;
        if training {
            self.prepare_training(ws)?;
        }
        enter(ws.thread_count(), || self.pass_forward(ws, training));
        Ok(ws.y())
    }

    /// Computes the gradients of any loss of the predictions with respect to the parameters and to the input, after
    /// [`forward`](Sequential::forward) with `training`. [`Workspace::gradient`] and [`Workspace::dx`] return them.
    ///
    /// A step of [`Stepper`](crate::optim::Stepper) may follow. Two models are trained together by passing the gradient with
    /// respect to the input of the second one to this method of the first one.
    ///
    /// Shapes: dy (samples, output_dim), the gradient of the loss with respect to the predictions.
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::Setting`] if the workspace was created for a model of different widths, or if the last pass over the batch was
    ///   not a forward pass in training,
    /// - [`Error::Shape`] if `dy` has the wrong shape,
    /// - [`Error::NotFinite`] if a value in `dy` is not finite,
    /// - [`Error::OutOfMemory`] if the gradients do not fit in memory.
    ///
    /// # Examples
    ///
    /// A loss that the library does not have, the mean of ln cosh(y − t):
    ///
    /// ```
    /// use manabi::optim::Stepper;
    /// use manabi::prelude::*;
    /// use ndarray::array;
    ///
    /// let (x, t) = (array![[0.0], [1.0], [2.0]], array![[1.0], [3.0], [5.0]]);
    /// let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(1));
    /// let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build()?;
    /// let mut ws = model.workspace(3)?;
    /// let mut stepper = Stepper::new(Sgd::new(0.3));
    /// for _ in 0..500 {
    ///     ws.load_samples(x.view())?;
    ///     let dy = (&model.forward(&mut ws, true)? - &t).mapv(f64::tanh) / 3.0;
    ///     model.backward(&mut ws, dy.view())?;
    ///     stepper.step(&mut model, &mut ws)?;
    /// }
    /// assert!((model.parameter_values()[0] - 2.0).abs() < 1e-6);
    /// # Ok::<(), manabi::Error>(())
    /// ```
    #[inline(never)]
    pub fn backward(&self, ws: &mut Workspace<A>, dy: ArrayView2<'_, A>) -> Result<()> {
        self.check_workspace(ws)?;
        if !ws.is_trained {
            let expected =
                "a forward pass in training over the batch (call Sequential::forward with true first)";
            return Err(Error::setting("workspace", expected, "none"));
        }
        let shape = (ws.row_count(), self.output_dim());
        if dy.dim() != shape {
            return Err(Error::shape("dy", format!("{shape:?}"), dy.shape()));
        }
        check_finite("dy", dy)?;
        let dy = dy.as_standard_layout();
        self.size_dx(ws)?;
        enter(ws.thread_count(), || self.pass_backward(ws, Some(dy.view()), true));
        Ok(())
    }

    /// Computes the gradients of the model's loss with respect to the parameters and to the input, and returns the loss and the
    /// accuracy. [`Workspace::gradient`] and [`Workspace::dx`] return the gradients.
    ///
    /// It is [`gradient`](Sequential::gradient) with the gradient with respect to the input, for saliency maps and adversarial
    /// examples. The gradient with respect to a sample contains the factor 1/n of the mean over n samples.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`gradient`](Sequential::gradient).
    #[inline(never)]
    #[doc(alias("saliency", "adversarial example"))]
    pub fn input_gradient(&self, ws: &mut Workspace<A>) -> Result<Metrics> {
        enter(ws.thread_count(), || {
            let tally = self.training_tally(ws)?;
            self.size_dx(ws)?;
            self.pass_backward(ws, None, true);
            Ok(tally.mean())
        })
    }

    /// Returns the output of the layer with this name in the last pass over the batch. Layers inside a block have no output of
    /// their own.
    ///
    /// Shapes: result (samples, size of the layer's output).
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`] if no layer has this name, if the workspace was created for a model of different widths, or if
    /// no pass over the batch has kept its outputs. [`forward`](Sequential::forward), [`loss`](Sequential::loss) and
    /// [`gradient`](Sequential::gradient) keep them, unlike [`predict_into`](Sequential::predict_into).
    #[doc(alias("features", "hook", "intermediate output"))]
    pub fn layer_output<'w>(&self, ws: &'w Workspace<A>, layer: &str) -> Result<ArrayView2<'w, A>> {
        self.check_workspace(ws)?;
        if !ws.is_passed {
            return Err(Error::setting(
                "workspace",
                "a pass over the batch (call Sequential::forward first)",
                "none",
            ));
        }
        let index = self.layer_index(layer)?;
        Ok(ws.memory.kept(ws.row_count()).array(self.plan.output_at(index)))
    }

    /// Returns the index of the layer with this name.
    pub(super) fn layer_index(&self, layer: &str) -> Result<usize> {
        self.layer_names().position(|name| name == layer).ok_or_else(|| {
            let names: Vec<&str> = self.layer_names().collect();
            Error::setting("layer", format!("one of {}", names.join(", ")), layer)
        })
    }

    /// Allocates the gradient with respect to the input.
    fn size_dx(&self, ws: &mut Workspace<A>) -> Result<()> {
        let length = ws.batch.capacity.saturating_mul(self.input_dim());
        lengthen("the gradient with respect to the input", &mut ws.dx, length)
    }

    /// Runs the backward pass through all layers: from the loss, or from the gradient with respect to the predictions.
    pub(crate) fn pass_backward(&self, ws: &mut Workspace<A>, dy: Option<ArrayView2<'_, A>>, to_input: bool) {
        let (rows, outputs, noise) = (ws.row_count(), self.output_dim(), ws.batch_noise());
        let Workspace { batch, y, memory, gradient, dx, engine, .. } = ws;
        let (kept, mut gradients, temporary) = memory.backward(rows);
        let (layers, y) = (self.slots().len(), matrix(y, rows, outputs));
        let u = kept.array(self.plan.output_at(layers - 1));
        let (count, y, dy) = match dy {
            Some(dy) => (layers + 1, y, dy),
            None => {
                let mut du = gradients.take_last();
                self.loss.gradient(self.output.as_ref(), u, y, batch.t(), du.view_mut());
                if let Some(weights) = batch.weights() {
                    weigh_gradient(self.loss.as_ref(), batch.t(), weights, du.view_mut());
                }
                (layers, u, shared(du))
            }
        };
        let pass = Backward {
            params: &self.params,
            buffers: &self.buffers,
            input: self.plan.input(),
            output: self.plan.slots[count - 1].declared.output,
            x: batch.x(),
            y,
            dy,
            dx: to_input.then(|| matrix_mut(dx, rows, self.input_dim())),
            grad: Some(gradient),
            kept,
            gradients,
            after_dx: false,
            temporary,
            noise,
            engine,
        };
        backward(&self.plan, count, pass);
    }
}
