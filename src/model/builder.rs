use std::collections::HashSet;
use std::sync::Arc;

use super::{Sequential, Slot};
use crate::error::{Error, Result};
use crate::layer::{Layer, Parameter, Plan, check_name};
use crate::loss::Loss;
use crate::output::Output;
use crate::random::{Random, RandomState};
use crate::scalar::Scalar;

/// A model in the making: the article's create_model, add_layer, set_output, set_error.
///
/// | setting | default | range |
/// |---|---|---|
/// | `input_dim` | none | 1 or more |
/// | [`add_layer`](Builder::add_layer) | none | 1 or more, each with a name of its own |
/// | [`set_output`](Builder::set_output) | none | any [`Output`] |
/// | [`set_error`](Builder::set_error) | none | a [`Loss`] that accepts the output |
/// | [`seed`](Builder::seed) | 0 | any |
///
/// Errors: [`build`](Builder::build) reports the first thing that makes no sense, with the layer's name.
///
/// ```
/// use manabi::{Affine, CrossEntropy, Identity, Sequential};
///
/// let builder = Sequential::<f64>::builder(4).add_layer("affine1", Affine::new(3));
/// let error = builder.set_output(Identity).set_error(CrossEntropy).build().unwrap_err();
/// assert_eq!(error.to_string(), "set_error: expected a loss that goes with output identity, got cross_entropy_error");
/// ```
#[derive(Clone, Debug)]
pub struct Builder<A> {
    input_dim: usize,
    layers: Vec<(String, Arc<dyn Layer<A>>)>,
    output: Option<Arc<dyn Output<A>>>,
    loss: Option<Arc<dyn Loss<A>>>,
    seed: u32,
}

impl<A: Scalar> Builder<A> {
    pub(super) fn new(input_dim: usize) -> Self {
        Self { input_dim, layers: Vec::new(), output: None, loss: None, seed: 0 }
    }

    /// A builder to which nothing is to be added.
    #[cfg(feature = "persistence")]
    pub(crate) fn of(
        input_dim: usize,
        layers: Vec<(String, Arc<dyn Layer<A>>)>,
        output: Arc<dyn Output<A>>,
        loss: Arc<dyn Loss<A>>,
    ) -> Self {
        Self { layers, output: Some(output), loss: Some(loss), ..Self::new(input_dim) }
    }

    /// Adds a layer behind the others.
    pub fn add_layer(mut self, name: impl Into<String>, layer: impl Layer<A> + 'static) -> Self {
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
        self.build_with(&mut random)
    }

    /// The model, its weights drawn from a stream that can be used further.
    #[inline(never)]
    pub fn build_with(self, random: &mut dyn Random) -> Result<Sequential<A>> {
        let planned = self.plan()?;
        let slots = &planned.slots;
        let params = draw(slots, |slot| &slot.parameters, |slot| slot.range.end, random)?;
        let buffers = draw(slots, |slot| &slot.buffers, |slot| slot.buffer_range.end, random)?;
        Ok(Sequential { params, buffers, ..planned })
    }

    /// The model without its numbers.
    pub(crate) fn plan(self) -> Result<Sequential<A>> {
        let slots = self.slots()?;
        let output = self.output.clone().ok_or_else(|| Error::setting("set_output", "an output", "none"))?;
        let last = slots.last().map_or(("", self.input_dim), |slot| (&slot.name, slot.output_dim));
        output.check(last.1).map_err(|error| error.in_layer(last.0))?;
        let loss = self.loss(output.as_ref(), last.1)?;
        let (params, buffers) = (Vec::new(), Vec::new());
        Ok(Sequential { input_dim: self.input_dim, slots, output, loss, params, buffers })
    }

    /// Puts every layer in its place.
    fn slots(&self) -> Result<Vec<Slot<A>>> {
        if self.input_dim == 0 {
            return Err(Error::setting("input_dim", "at least 1", 0));
        }
        if self.layers.is_empty() {
            return Err(Error::setting("layers", "at least 1", 0));
        }
        let mut slots: Vec<Slot<A>> = Vec::with_capacity(self.layers.len());
        let mut names = HashSet::new();
        for (i, (name, layer)) in self.layers.iter().enumerate() {
            check_name(name).map_err(|error| error.in_layer(&format!("number {}", i + 1)))?;
            if !names.insert(name) {
                return Err(Error::setting("name", "one of its own", name).in_layer(name));
            }
            let slot = place(name, layer, slots.last(), self.input_dim);
            slots.push(slot.map_err(|error| error.in_layer(name))?);
        }
        Ok(slots)
    }

    /// The loss, which must make sense for the output and the number of outputs.
    fn loss(&self, output: &dyn Output<A>, outputs: usize) -> Result<Arc<dyn Loss<A>>> {
        let loss = self.loss.clone().ok_or_else(|| Error::setting("set_error", "a loss", "none"))?;
        if !loss.accepts(output.link()) {
            let expected = format!("a loss that goes with output {}", output.name());
            return Err(Error::setting("set_error", expected, loss.name()));
        }
        loss.check_outputs(outputs)?;
        Ok(loss)
    }
}

/// A layer behind the one before it, or first in the model.
fn place<A: Scalar>(
    name: &str,
    layer: &Arc<dyn Layer<A>>,
    before: Option<&Slot<A>>,
    input_dim: usize,
) -> Result<Slot<A>> {
    let input_dim = before.map_or(input_dim, |slot| slot.output_dim);
    let Plan { output_dim, parameters, size, buffers, buffer_size } = Plan::of(layer.as_ref(), input_dim)?;
    let behind = |start: usize, size: usize| match start.checked_add(size) {
        Some(end) => Ok(start..end),
        None => Err(too_many(size)),
    };
    let range = behind(before.map_or(0, |slot| slot.range.end), size)?;
    let buffer_range = behind(before.map_or(0, |slot| slot.buffer_range.end), buffer_size)?;
    let (name, layer) = (name.into(), layer.clone());
    Ok(Slot { name, layer, input_dim, output_dim, parameters, range, buffers, buffer_range })
}

/// All first values, one parameter after another.
fn draw<A: Scalar>(
    slots: &[Slot<A>],
    parameters: impl Fn(&Slot<A>) -> &[Parameter],
    end: impl Fn(&Slot<A>) -> usize,
    random: &mut dyn Random,
) -> Result<Vec<A>> {
    let total = slots.last().map_or(0, end);
    let mut values = Vec::new();
    values.try_reserve_exact(total).map_err(|_| too_many(total))?;
    for slot in slots {
        for parameter in parameters(slot) {
            parameter.draw(random, &mut values).map_err(|error| error.in_layer(&slot.name))?;
        }
    }
    Ok(values)
}

fn too_many(parameters: usize) -> Error {
    Error::setting("parameters", "as many as fit in memory", parameters)
}
