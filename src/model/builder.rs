use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::end::End;
use super::{Sequential, Units, Weights, weights};
use crate::error::{Error, Result};
use crate::layer::{Layer, Named, Plan, Slot, TensorSpec};
use crate::loss::Loss;
use crate::output::{Output, OutputFunction};
use crate::random::{Random, RandomState};
use crate::scalar::Scalar;
use crate::shape::Shape;

/// A builder for models, with the article's functions create_model, add_layer, set_output and set_error.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `input` | shape of a sample | none | a [`Shape`] of 1 or more in each dimension |
/// | [`add_layer`](SequentialBuilder::add_layer) | appends a layer | none | 1 or more layers, each with a unique name |
/// | [`set_output`](SequentialBuilder::set_output) | turns logits into predictions | none | any [`Output`] |
/// | [`set_error`](SequentialBuilder::set_error) | measures the loss | none | a [`Loss`] that accepts the output |
/// | [`seed`](SequentialBuilder::seed) | seed of the initial weights | 0 | any |
///
/// # Errors
///
/// [`build`](SequentialBuilder::build) returns an error for the first problem, with the name of the layer.
///
/// # Examples
///
/// ```
/// use manabi::activation::Identity;
/// use manabi::{Affine, CrossEntropy, Sequential};
///
/// let builder = Sequential::<f64>::builder(4).add_layer("affine1", Affine::new(3));
/// let error = builder.set_output(Identity).set_error(CrossEntropy).build().unwrap_err();
/// assert_eq!(error.to_string(), "output: expected softmax for loss cross_entropy_error, got identity");
/// ```
#[derive(Clone, Debug)]
#[must_use = "the setters return the changed value instead of changing it in place"]
pub struct SequentialBuilder<A> {
    input: Shape,
    layers: Vec<Named<A>>,
    output: Option<Arc<dyn Output<A>>>,
    loss: Option<Arc<dyn Loss<A>>>,
    seed: u32,
    trunk: Trunk<A>,
}

/// The values of the first layers, which replace their initial values.
#[derive(Clone, Debug)]
pub(super) struct Trunk<A> {
    pub params: Vec<A>,
    pub buffers: Vec<A>,
}

impl<A> Default for Trunk<A> {
    fn default() -> Self {
        Self { params: Vec::new(), buffers: Vec::new() }
    }
}

impl<A: Scalar> SequentialBuilder<A> {
    pub(super) fn new(input: Shape) -> Self {
        Self { input, layers: Vec::new(), output: None, loss: None, seed: 0, trunk: Trunk::default() }
    }

    /// Creates a builder with layers that have these values.
    pub(super) fn of_trunk(input: Shape, layers: Vec<Named<A>>, trunk: Trunk<A>) -> Self {
        Self { layers, trunk, ..Self::new(input) }
    }

    /// Creates a builder with all layers, the output and the loss.
    #[cfg(feature = "persistence")]
    pub(crate) fn of(
        input: Shape,
        layers: Vec<Named<A>>,
        output: Arc<dyn Output<A>>,
        loss: Arc<dyn Loss<A>>,
    ) -> Self {
        Self { layers, output: Some(output), loss: Some(loss), ..Self::new(input) }
    }

    /// Adds a layer after the existing layers.
    pub fn add_layer(mut self, name: impl Into<String>, layer: impl Layer<A>) -> Self {
        self.layers.push((name.into(), Arc::new(layer)));
        self
    }

    /// Sets the output, which turns the values of the last layer into predictions.
    pub fn set_output(self, output: impl Output<A> + 'static) -> Self {
        Self { output: Some(Arc::new(output)), ..self }
    }

    /// Sets the loss, which the article calls error.
    pub fn set_error(self, loss: impl Loss<A> + 'static) -> Self {
        Self { loss: Some(Arc::new(loss)), ..self }
    }

    /// Sets the seed of the initial weights.
    pub fn seed(self, seed: u32) -> Self {
        Self { seed, ..self }
    }

    /// Builds the model. The initial weights are drawn from a new [`RandomState`] with the seed.
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::Setting`] if a dimension of the input shape is 0, or if the model has no layer, no output or no loss,
    /// - [`Error::Setting`] if the loss does not accept the output or the number of outputs,
    /// - [`Error::Layer`] if the name or a setting of a layer is invalid, if the layer does not accept its input or the output
    ///   its values, or if an initial value is not finite,
    /// - [`Error::DuplicateName`] if two layers or two parameters have the same name,
    /// - [`Error::OutOfMemory`] if the parameters do not fit in memory.
    #[inline(never)]
    pub fn build(self) -> Result<Sequential<A>> {
        let mut random = RandomState::new(self.seed);
        self.build_with_random(&mut random)
    }

    /// Builds the model. The initial weights are drawn from `random`, which can be used again for other purposes.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`build`](SequentialBuilder::build).
    #[inline(never)]
    pub fn build_with_random(mut self, random: &mut dyn Random) -> Result<Sequential<A>> {
        let trunk = std::mem::take(&mut self.trunk);
        let planned = self.plan()?;
        let slots = &planned.plan.slots;
        let (mut params, start) = weights::room(planned.plan.last().range.end, A::zero())?;
        draw(slots, |slot| &slot.declared.parameters, &mut params, random)?;
        let mut buffers = Vec::new();
        let total = planned.plan.last().buffer_range.end;
        buffers.try_reserve_exact(total).map_err(|_| Error::out_of_memory::<A>("the buffers", &[total]))?;
        draw(slots, |slot| &slot.declared.buffers, &mut buffers, random)?;
        params[start..start + trunk.params.len()].copy_from_slice(&trunk.params);
        buffers[..trunk.buffers.len()].copy_from_slice(&trunk.buffers);
        Ok(Sequential { params: Weights::new((params, start)), buffers, ..planned })
    }

    /// Returns the model without values for its parameters and buffers.
    pub(crate) fn plan(self) -> Result<Sequential<A>> {
        if self.input.dims().contains(&0) {
            return Err(Error::setting("input shape", "at least 1 in each dimension", self.input));
        }
        let plan = Plan::new(&self.layers, self.input)?;
        let output = self
            .output
            .clone()
            .ok_or_else(|| Error::setting("output", "one (call set_output before build)", "none"))?;
        let end: Arc<dyn Layer<A>> = Arc::new(End(output.clone()));
        let last = plan.last().name.clone();
        let plan = plan.with_end(&end).map_err(|error| error.in_layer(&last))?;
        let loss = self.loss(output.as_ref(), plan.output().size())?;
        let (params, buffers) = (Weights::new(Default::default()), Vec::new());
        let (plan, units, notes) = (Arc::new(plan), Units::default(), BTreeMap::new());
        static BUILT: AtomicU64 = AtomicU64::new(0);
        let id = BUILT.fetch_add(1, Ordering::Relaxed);
        Ok(Sequential { id, plan, output, loss, params, buffers, units, notes })
    }

    /// Returns the loss after checking that it accepts the output and the number of outputs.
    fn loss(&self, output: &dyn Output<A>, outputs: usize) -> Result<Arc<dyn Loss<A>>> {
        let loss = self
            .loss
            .clone()
            .ok_or_else(|| Error::setting("loss", "one (call set_error before build)", "none"))?;
        let is_same = |heads| output.heads().is_some_and(|other| other.is_same(heads));
        if !loss.heads().is_none_or(is_same) {
            return Err(Error::setting("output", "the same heads as the loss", output.kind()));
        }
        if !loss.accepts(output.function()) {
            let expected = format!("{} for loss {}", accepted(&*loss), loss.kind());
            return Err(Error::setting("output", expected, output.kind()));
        }
        loss.check_outputs(outputs)?;
        Ok(loss)
    }
}

/// Returns the names of the outputs that the loss accepts.
fn accepted<A: Scalar>(loss: &dyn Loss<A>) -> String {
    let functions = [
        (OutputFunction::Softmax, "softmax"),
        (OutputFunction::Sigmoid, "sigmoid"),
        (OutputFunction::Identity, "identity"),
        (OutputFunction::Other, "another function"),
    ];
    let names = functions.iter().filter(|(function, _)| loss.accepts(*function)).map(|&(_, name)| name);
    names.collect::<Vec<_>>().join(" or ")
}

/// Appends the initial values of all tensors in order.
fn draw<A: Scalar>(
    slots: &[Slot<A>],
    specs: impl Fn(&Slot<A>) -> &[TensorSpec],
    values: &mut Vec<A>,
    random: &mut dyn Random,
) -> Result<()> {
    for slot in slots {
        for spec in specs(slot) {
            spec.draw(random, values).map_err(|error| error.in_layer(&slot.name))?;
        }
    }
    Ok(())
}
