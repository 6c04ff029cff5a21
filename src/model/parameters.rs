use std::ops::Range;

use ndarray::{ArrayRef, ArrayViewD, Dimension, IxDyn};

use super::Sequential;
use super::workspace::Workspace;
use crate::buffer::matrix;
use crate::error::{Error, Result, check_finite};
use crate::layer::{Slot, TensorSpec};
use crate::scalar::Scalar;

/// Access to parameters and buffers: all values as a flat slice, or one array by its name, such as `affine1.weight`.
///
/// # Examples
///
/// ```
/// use manabi::activation::Identity;
/// use manabi::loss::MeanSquaredError;
/// use manabi::{Affine, Sequential};
/// use ndarray::array;
///
/// let mut model = Sequential::<f64>::builder(2)
///     .add_layer("affine1", Affine::new(1))
///     .set_output(Identity)
///     .set_error(MeanSquaredError)
///     .build()?;
/// model.set_parameter("affine1.weight", &array![[3.0], [4.0]])?;
/// assert_eq!(model.parameter_values(), [3.0, 4.0, 0.0]);
/// assert_eq!(model.predict(array![[1.0, 10.0]].view())?, array![[43.0]]);
/// # Ok::<(), manabi::Error>(())
/// ```
impl<A: Scalar> Sequential<A> {
    /// Returns the number of values that the model learns.
    pub fn parameter_count(&self) -> usize {
        self.params.len()
    }

    /// Returns the values of all parameters, from the first layer to the last.
    pub fn parameter_values(&self) -> &[A] {
        &self.params
    }

    /// Returns the values of all parameters for changes in place, such as by an optimizer.
    pub fn parameter_values_mut(&mut self) -> &mut [A] {
        &mut self.params
    }

    /// Sets the values of all parameters.
    ///
    /// # Errors
    ///
    /// Returns the following errors and leaves the model unchanged:
    ///
    /// - [`Error::Shape`] if the number of values is wrong,
    /// - [`Error::NotFinite`] if a value is not finite.
    #[inline(never)]
    pub fn set_parameter_values(&mut self, params: &[A]) -> Result<()> {
        if params.len() != self.params.len() {
            return Err(Error::shape(
                "parameter values",
                format!("[{}]", self.params.len()),
                &[params.len()],
            ));
        }
        check_finite("parameter values", matrix(params, 1, params.len()))?;
        self.params.copy_from_slice(params);
        Ok(())
    }

    /// Returns the name, such as `affine1.weight`, and the array of every parameter, from the first layer to the last.
    pub fn parameters(&self) -> impl Iterator<Item = (String, ArrayViewD<'_, A>)> {
        self.places().map(|place| (place.full_name(), place.view(&self.params)))
    }

    /// Returns the parameter with this name.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`], with a list of the valid names, if no parameter has this name.
    #[inline(never)]
    pub fn parameter(&self, name: &str) -> Result<ArrayViewD<'_, A>> {
        Ok(self.find(name)?.view(&self.params))
    }

    /// Sets the parameter with this name.
    ///
    /// # Errors
    ///
    /// Returns the following errors and leaves the model unchanged:
    ///
    /// - [`Error::Setting`] if no parameter has this name,
    /// - [`Error::Shape`] if the shape is wrong,
    /// - [`Error::NotFinite`] if a value is not finite.
    pub fn set_parameter<D: Dimension>(&mut self, name: &str, value: &ArrayRef<A, D>) -> Result<()> {
        let Place { spec, range, .. } = self.find(name)?;
        let values = checked(name, spec, value)?;
        self.params[range].copy_from_slice(&values);
        Ok(())
    }

    /// Returns the values of all buffers, from the first layer to the last. Training updates buffers, such as a running mean,
    /// without a gradient.
    pub fn buffer_values(&self) -> &[A] {
        &self.buffers
    }

    /// Returns the name, such as `norm1.running_mean`, and the array of every buffer, from the first layer to the last.
    pub fn buffers(&self) -> impl Iterator<Item = (String, ArrayViewD<'_, A>)> {
        self.buffer_places().map(|place| (place.full_name(), place.view(&self.buffers)))
    }

    /// Sets the values of all buffers.
    ///
    /// # Errors
    ///
    /// Returns the following errors and leaves the model unchanged:
    ///
    /// - [`Error::Shape`] if the number of values is wrong,
    /// - [`Error::NotFinite`] if a value is not finite,
    /// - [`Error::Layer`] if a value is invalid for a layer, such as a negative variance.
    #[inline(never)]
    pub fn set_buffer_values(&mut self, values: &[A]) -> Result<()> {
        if values.len() != self.buffers.len() {
            return Err(Error::shape("buffers", format!("[{}]", self.buffers.len()), &[values.len()]));
        }
        check_finite("buffers", matrix(values, 1, values.len()))?;
        self.check_buffers(values)?;
        self.buffers.copy_from_slice(values);
        Ok(())
    }

    /// Checks that every layer accepts its part of `values` as buffers.
    pub(crate) fn check_buffers(&self, values: &[A]) -> Result<()> {
        self.plan.check_buffers(values)
    }

    /// Sets the buffers to the values computed by the last [`gradient`](Sequential::gradient). This is part of a training step,
    /// like the update of the parameters by the optimizer.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`] and leaves the model unchanged if the workspace was created for a model of different widths.
    #[inline(never)]
    pub fn update_buffers(&mut self, ws: &Workspace<A>) -> Result<()> {
        self.check_workspace(ws)?;
        // Before the first gradient, the workspace has no buffers.
        if ws.buffers.len() == self.buffers.len() {
            self.buffers.copy_from_slice(&ws.buffers);
        }
        Ok(())
    }

    /// Checks that all parameters and buffers are finite. The error names the first one with a value that is not finite.
    pub(crate) fn check_params(&self) -> Result<()> {
        let is_finite = |values: &[A]| check_finite("", matrix(values, 1, values.len())).is_ok();
        if is_finite(&self.params) && is_finite(&self.buffers) {
            return Ok(());
        }
        let check = |place: Place<'_>, values| place.check_finite(&place.full_name(), values);
        self.places().try_for_each(|place| check(place, &self.params))?;
        self.buffer_places().try_for_each(|place| check(place, &self.buffers))
    }

    /// Returns the names of the layers, in order.
    pub(crate) fn layer_names(&self) -> impl Iterator<Item = &str> {
        self.slots().iter().map(|slot| slot.name.as_str())
    }

    /// Returns every parameter with the name of its layer and its range in the flat vector.
    pub(crate) fn places(&self) -> impl Iterator<Item = Place<'_>> {
        let places = |slot| tensor_places(slot, &slot.declared.parameters, slot.range.start);
        self.slots().iter().flat_map(places)
    }

    pub(super) fn buffer_places(&self) -> impl Iterator<Item = Place<'_>> {
        let places = |slot| tensor_places(slot, &slot.declared.buffers, slot.buffer_range.start);
        self.slots().iter().flat_map(places)
    }

    fn find(&self, name: &str) -> Result<Place<'_>> {
        let found = self.places().find(|place| place.full_name() == name);
        found.ok_or_else(|| {
            let names: Vec<String> = self.parameters().map(|(name, _)| name).collect();
            Error::setting("parameter", format!("one of {}", names.join(", ")), name)
        })
    }
}

/// A parameter or buffer with its range in the flat vector.
pub(crate) struct Place<'a> {
    pub layer: &'a str,
    pub spec: &'a TensorSpec,
    /// The range in the flat vector of all parameters or all buffers.
    pub range: Range<usize>,
}

impl Place<'_> {
    /// Checks that the values of this tensor are finite. `all` has the length of the flat vector. The error names the first value
    /// that is not finite.
    pub fn check_finite<A: Scalar>(&self, what: &str, all: &[A]) -> Result<()> {
        let values = &all[self.range.clone()];
        let columns = self.spec.shape.last().map_or(1, |&n| n.max(1));
        check_finite(what, matrix(values, values.len() / columns, columns))
    }

    /// Returns whether the tensor belongs to the layer or block with this name.
    pub fn is_within(&self, layer: &str) -> bool {
        if self.layer == layer {
            return true;
        }
        let inner = layer.strip_prefix(self.layer).and_then(|rest| rest.strip_prefix('.'));
        let rest = inner.and_then(|inner| self.spec.name.strip_prefix(inner));
        rest.is_some_and(|rest| rest.starts_with('.'))
    }

    pub fn full_name(&self) -> String {
        format!("{}.{}", self.layer, self.spec.name)
    }

    fn view<'a, A>(&self, values: &'a [A]) -> ArrayViewD<'a, A> {
        let values = &values[self.range.clone()];
        ArrayViewD::from_shape(IxDyn(&self.spec.shape), values).expect("the length fits the shape")
    }
}

/// Returns the places of consecutive tensors of a layer. The first one begins at index `start` of the flat vector.
fn tensor_places<'a, A>(
    slot: &'a Slot<A>,
    specs: &'a [TensorSpec],
    start: usize,
) -> impl Iterator<Item = Place<'a>> {
    specs.iter().scan(start, |next, spec| {
        let start = *next;
        *next += spec.shape.iter().product::<usize>();
        Some(Place { layer: &slot.name, spec, range: start..*next })
    })
}

/// Returns the values for a parameter in row-major order, after checking their shape and that they are finite.
fn checked<A: Scalar, D: Dimension>(name: &str, spec: &TensorSpec, value: &ArrayRef<A, D>) -> Result<Vec<A>> {
    if value.shape() != spec.shape {
        return Err(Error::shape(name, format!("{:?}", spec.shape), value.shape()));
    }
    let values: Vec<A> = value.iter().copied().collect();
    let columns = spec.shape.last().map_or(1, |&n| n.max(1));
    check_finite(name, matrix(&values, values.len() / columns, columns))?;
    Ok(values)
}
