//! The parameters and buffers of a model with their declarations, for files.

use super::{Sequential, Weights, weights};
use crate::buffer::zeros;
use crate::error::Result;
use crate::layer::TensorSpec;
use crate::loss::Loss;
use crate::scalar::Scalar;

impl<A: Scalar> Sequential<A> {
    pub(crate) fn loss_function(&self) -> &(dyn Loss<A> + 'static) {
        self.loss.as_ref()
    }

    /// Returns every parameter, then every buffer, with its full name in files.
    pub(crate) fn declared(&self) -> impl Iterator<Item = (String, &TensorSpec)> {
        let slots = self.slots().iter();
        let parameters =
            slots.clone().flat_map(|slot| slot.declared.parameters.iter().map(move |own| (slot, own)));
        let buffers = slots.flat_map(|slot| slot.declared.buffers.iter().map(move |own| (slot, own)));
        parameters.chain(buffers).map(|(slot, own)| (format!("{}.{}", slot.name, own.saved_as), own))
    }

    /// Returns every parameter, then every buffer, with its full name in files and its values.
    pub(crate) fn values(&self) -> impl Iterator<Item = (String, &TensorSpec, &[A])> {
        let (mut params, mut buffers) = (&self.params[..], &self.buffers[..]);
        let count: usize = self.slots().iter().map(|slot| slot.declared.parameters.len()).sum();
        self.declared().enumerate().map(move |(i, (name, parameter))| {
            let rest = if i < count { &mut params } else { &mut buffers };
            let values = rest.split_off(..size(parameter)).expect("the vector has the declared length");
            (name, parameter, values)
        })
    }

    /// Returns every parameter, then every buffer, with its values, for changes in place.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = (&TensorSpec, &mut [A])> {
        let Self { plan, params, buffers, .. } = self;
        let (mut params, mut buffers) = (&mut params[..], &mut buffers[..]);
        let slots = plan.slots.iter();
        let parameters = slots.clone().flat_map(|slot| &slot.declared.parameters).map(move |spec| {
            (spec, params.split_off_mut(..size(spec)).expect("the vector has the declared length"))
        });
        parameters.chain(slots.flat_map(|slot| &slot.declared.buffers).map(move |spec| {
            (spec, buffers.split_off_mut(..size(spec)).expect("the vector has the declared length"))
        }))
    }

    /// Allocates the parameters and buffers of a planned model and sets them to 0.
    pub(crate) fn with_zeros(self) -> Result<Self> {
        let end = (self.plan.last().range.end, self.plan.last().buffer_range.end);
        let (mut params, start) = weights::room(end.0, A::zero())?;
        params.resize(start + end.0, A::zero());
        let params = Weights::new((params, start));
        let buffers = zeros("the buffers", end.1)?;
        Ok(Self { params, buffers, ..self })
    }
}

fn size(parameter: &TensorSpec) -> usize {
    parameter.shape.iter().product()
}
