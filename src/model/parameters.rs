use std::ops::Range;

use ndarray::{ArrayRef, ArrayViewD, Dimension, IxDyn};

use super::Sequential;
use super::workspace::Workspace;
use crate::buffer::matrix;
use crate::error::{Error, Result, check_finite};
use crate::layer::{Slot, TensorSpec};
use crate::scalar::Scalar;

/// Access to the parameters: all of them as one flat slice, or one by its name, such as `affine1.weight`.
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
    /// How many numbers the model learns.
    pub fn parameter_count(&self) -> usize {
        self.params.len()
    }

    /// All parameters, from the first layer to the last.
    pub fn parameter_values(&self) -> &[A] {
        &self.params
    }

    /// All parameters, to be changed in place by an optimizer.
    pub fn parameter_values_mut(&mut self) -> &mut [A] {
        &mut self.params
    }

    /// Replaces all parameters; an error, and nothing changed, if their number is wrong or one is not finite.
    #[inline(never)]
    pub fn set_parameter_values(&mut self, params: &[A]) -> Result<()> {
        if params.len() != self.params.len() {
            return Err(Error::shape("params", format!("[{}]", self.params.len()), &[params.len()]));
        }
        check_finite("params", matrix(params, 1, params.len()))?;
        self.params.copy_from_slice(params);
        Ok(())
    }

    /// The name, such as `affine1.weight`, and the value of every parameter, from the first layer to the last.
    pub fn parameters(&self) -> impl Iterator<Item = (String, ArrayViewD<'_, A>)> {
        self.places().map(|place| (place.full_name(), place.view(&self.params)))
    }

    /// The parameter of this name; an error that lists the names if there is none.
    #[inline(never)]
    pub fn parameter(&self, name: &str) -> Result<ArrayViewD<'_, A>> {
        Ok(self.find(name)?.view(&self.params))
    }

    /// Replaces one parameter; an error, and nothing changed, if the name or the shape is wrong or a value not finite.
    pub fn set_parameter<D: Dimension>(&mut self, name: &str, value: &ArrayRef<A, D>) -> Result<()> {
        let Place { spec, range, .. } = self.find(name)?;
        let values = checked(name, spec, value)?;
        self.params[range].copy_from_slice(&values);
        Ok(())
    }

    /// All buffers (what training changes without a gradient, such as a running mean), from the first layer to the last.
    pub fn buffer_values(&self) -> &[A] {
        &self.buffers
    }

    /// The name, such as `norm1.running_mean`, and the value of every buffer, from the first layer to the last.
    pub fn buffers(&self) -> impl Iterator<Item = (String, ArrayViewD<'_, A>)> {
        self.buffer_places().map(|place| (place.full_name(), place.view(&self.buffers)))
    }

    /// Replaces all buffers; an error, and nothing changed, if their number is wrong, one is not finite, or a layer cannot use
    /// it, such as a negative variance.
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

    /// An error if a layer cannot use one of these values for its buffers.
    pub(crate) fn check_buffers(&self, values: &[A]) -> Result<()> {
        self.plan.check_buffers(values)
    }

    /// Takes over what the last [`gradient`](Sequential::gradient) made of the buffers: part of a training step, beside the
    /// optimizer's. An error, and nothing changed, for a workspace of other widths than this model's.
    #[inline(never)]
    pub fn update_buffers(&mut self, ws: &Workspace<A>) -> Result<()> {
        self.check_workspace(ws)?;
        // Before the first gradient there are none.
        if ws.buffers.len() == self.buffers.len() {
            self.buffers.copy_from_slice(&ws.buffers);
        }
        Ok(())
    }

    /// An error that names the first parameter or buffer with a number that is not finite.
    pub(crate) fn check_params(&self) -> Result<()> {
        let is_finite = |values: &[A]| check_finite("", matrix(values, 1, values.len())).is_ok();
        if is_finite(&self.params) && is_finite(&self.buffers) {
            return Ok(());
        }
        let check = |place: Place<'_>, values| place.check_finite(&place.full_name(), values);
        self.places().try_for_each(|place| check(place, &self.params))?;
        self.buffer_places().try_for_each(|place| check(place, &self.buffers))
    }

    /// The names of the layers, in order.
    pub(crate) fn layer_names(&self) -> impl Iterator<Item = &str> {
        self.slots().iter().map(|slot| slot.name.as_str())
    }

    /// Every parameter, the name of its layer, and where it lies in the flat vector.
    pub(crate) fn places(&self) -> impl Iterator<Item = Place<'_>> {
        let places = |slot| tensor_places(slot, &slot.declared.parameters, slot.range.start);
        self.slots().iter().flat_map(places)
    }

    fn buffer_places(&self) -> impl Iterator<Item = Place<'_>> {
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

/// A parameter or buffer in its place.
pub(crate) struct Place<'a> {
    pub layer: &'a str,
    pub spec: &'a TensorSpec,
    /// Where it lies in the flat vector.
    pub range: Range<usize>,
}

impl Place<'_> {
    /// An error that names the first number here, in a vector as long as that of all parameters or buffers, that is not finite.
    pub fn check_finite<A: Scalar>(&self, what: &str, all: &[A]) -> Result<()> {
        let values = &all[self.range.clone()];
        let columns = self.spec.shape.last().map_or(1, |&n| n.max(1));
        check_finite(what, matrix(values, values.len() / columns, columns))
    }

    /// Returns whether this belongs to a layer or block of this name.
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
        ArrayViewD::from_shape(IxDyn(&self.spec.shape), values).expect("as long as the shape says")
    }
}

/// Returns the places of tensors of a layer, the first of which begins at `start`.
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

/// The numbers of a value for a parameter, if it has the shape and all are finite.
fn checked<A: Scalar, D: Dimension>(name: &str, spec: &TensorSpec, value: &ArrayRef<A, D>) -> Result<Vec<A>> {
    if value.shape() != spec.shape {
        return Err(Error::shape(name, format!("{:?}", spec.shape), value.shape()));
    }
    let values: Vec<A> = value.iter().copied().collect();
    let columns = spec.shape.last().map_or(1, |&n| n.max(1));
    check_finite(name, matrix(&values, values.len() / columns, columns))?;
    Ok(values)
}
