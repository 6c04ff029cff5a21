use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::end::End;
use super::{Sequential, Units};
use crate::error::{Error, Result};
use crate::layer::{Layer, Named, Plan, Slot, TensorSpec};
use crate::loss::Loss;
use crate::output::Output;
use crate::random::{Random, RandomState};
use crate::scalar::Scalar;
use crate::shape::Shape;

/// A model in the making: the article's create_model, add_layer, set_output, set_error.
///
/// | setting | default | range |
/// |---|---|---|
/// | `input` | none | a [`Shape`] of 1 or more in each dimension |
/// | [`add_layer`](SequentialBuilder::add_layer) | none | 1 or more, each with a name of its own |
/// | [`set_output`](SequentialBuilder::set_output) | none | any [`Output`] |
/// | [`set_error`](SequentialBuilder::set_error) | none | a [`Loss`] that accepts the output |
/// | [`seed`](SequentialBuilder::seed) | 0 | any |
///
/// Errors: [`build`](SequentialBuilder::build) reports the first thing that makes no sense, with the layer's name.
///
/// ```
/// use manabi::activation::Identity;
/// use manabi::{Affine, CrossEntropy, Sequential};
///
/// let builder = Sequential::<f64>::builder(4).add_layer("affine1", Affine::new(3));
/// let error = builder.set_output(Identity).set_error(CrossEntropy).build().unwrap_err();
/// assert_eq!(error.to_string(), "set_error: expected a loss that goes with output identity, got cross_entropy_error");
/// ```
#[derive(Clone, Debug)]
#[must_use = "the setters return the changed value instead of changing it in place"]
pub struct SequentialBuilder<A> {
    input: Shape,
    layers: Vec<Named<A>>,
    output: Option<Arc<dyn Output<A>>>,
    loss: Option<Arc<dyn Loss<A>>>,
    seed: u32,
}

impl<A: Scalar> SequentialBuilder<A> {
    pub(super) fn new(input: Shape) -> Self {
        Self { input, layers: Vec::new(), output: None, loss: None, seed: 0 }
    }

    /// A builder to which nothing is to be added.
    #[cfg(feature = "persistence")]
    pub(crate) fn of(
        input: Shape,
        layers: Vec<Named<A>>,
        output: Arc<dyn Output<A>>,
        loss: Arc<dyn Loss<A>>,
    ) -> Self {
        Self { layers, output: Some(output), loss: Some(loss), ..Self::new(input) }
    }

    /// Adds a layer behind the others.
    pub fn add_layer(mut self, name: impl Into<String>, layer: impl Layer<A>) -> Self {
        self.layers.push((name.into(), Arc::new(layer)));
        self
    }

    /// Sets what turns the last layer's numbers into predictions.
    pub fn set_output(self, output: impl Output<A> + 'static) -> Self {
        Self { output: Some(Arc::new(output)), ..self }
    }

    /// Sets the loss, which the article calls error.
    pub fn set_error(self, loss: impl Loss<A> + 'static) -> Self {
        Self { loss: Some(Arc::new(loss)), ..self }
    }

    /// Sets the seed of the first weights.
    pub fn seed(self, seed: u32) -> Self {
        Self { seed, ..self }
    }

    /// The model, its weights drawn from a new [`RandomState`] of the seed.
    #[inline(never)]
    pub fn build(self) -> Result<Sequential<A>> {
        let mut random = RandomState::new(self.seed);
        self.build_with_random(&mut random)
    }

    /// The model, its weights drawn from a stream that can be used further.
    #[inline(never)]
    pub fn build_with_random(self, random: &mut dyn Random) -> Result<Sequential<A>> {
        let planned = self.plan()?;
        let slots = &planned.plan.slots;
        let params = draw(slots, |slot| &slot.declared.parameters, |slot| slot.range.end, random)?;
        let buffers = draw(slots, |slot| &slot.declared.buffers, |slot| slot.buffer_range.end, random)?;
        Ok(Sequential { params, buffers, ..planned })
    }

    /// Returns the model without its values.
    pub(crate) fn plan(self) -> Result<Sequential<A>> {
        if self.input.dims().contains(&0) {
            return Err(Error::setting("input shape", "at least 1 in each dimension", self.input));
        }
        let plan = Plan::new(&self.layers, self.input)?;
        let output = self.output.clone().ok_or_else(|| Error::setting("set_output", "an output", "none"))?;
        let end: Arc<dyn Layer<A>> = Arc::new(End(output.clone()));
        let last = plan.last().name.clone();
        let plan = plan.with_end(&end).map_err(|error| error.in_layer(&last))?;
        let loss = self.loss(output.as_ref(), plan.output().size())?;
        let (params, buffers) = (Vec::new(), Vec::new());
        let (plan, units) = (Arc::new(plan), Units::default());
        static BUILT: AtomicU64 = AtomicU64::new(0);
        let id = BUILT.fetch_add(1, Ordering::Relaxed);
        Ok(Sequential { id, plan, output, loss, params, buffers, units })
    }

    /// Returns the loss, which must make sense for the output and the number of outputs.
    fn loss(&self, output: &dyn Output<A>, outputs: usize) -> Result<Arc<dyn Loss<A>>> {
        let loss = self.loss.clone().ok_or_else(|| Error::setting("set_error", "a loss", "none"))?;
        if !loss.accepts(output.function()) {
            let expected = format!("a loss that goes with output {}", output.kind());
            return Err(Error::setting("set_error", expected, loss.kind()));
        }
        loss.check_outputs(outputs)?;
        Ok(loss)
    }
}

/// Draws all first values, one tensor after another.
fn draw<A: Scalar>(
    slots: &[Slot<A>],
    specs: impl Fn(&Slot<A>) -> &[TensorSpec],
    end: impl Fn(&Slot<A>) -> usize,
    random: &mut dyn Random,
) -> Result<Vec<A>> {
    let total = slots.last().map_or(0, end);
    let mut values = Vec::new();
    values.try_reserve_exact(total).map_err(|_| Error::out_of_memory::<A>("the parameters", &[total]))?;
    for slot in slots {
        for spec in specs(slot) {
            spec.draw(random, &mut values).map_err(|error| error.in_layer(&slot.name))?;
        }
    }
    Ok(values)
}
