use std::ops::Range;

use ndarray::{ArrayRef, ArrayViewD, Dimension, IxDyn};

use super::workspace::matrix;
use super::{Sequential, Slot};
use crate::error::{Error, Result, check_finite};
use crate::layer::Parameter;
use crate::scalar::Scalar;

/// Access to the parameters: all of them as one flat slice, or one by its name, such as `affine1.weight`.
///
/// ```
/// use manabi::{Affine, Identity, MeanSquaredError, Sequential};
/// use ndarray::array;
///
/// let mut model = Sequential::<f64>::builder(2)
///     .add_layer("affine1", Affine::new(1))
///     .set_output(Identity)
///     .set_error(MeanSquaredError)
///     .build()?;
/// model.set_parameter("affine1.weight", &array![[3.0], [4.0]])?;
/// assert_eq!(model.params(), [3.0, 4.0, 0.0]);
/// assert_eq!(model.predict(array![[1.0, 10.0]].view())?, array![[43.0]]);
/// # Ok::<(), manabi::Error>(())
/// ```
impl<A: Scalar> Sequential<A> {
    /// How many numbers the model learns.
    pub fn parameter_count(&self) -> usize {
        self.params.len()
    }

    /// All parameters, from the first layer to the last.
    pub fn params(&self) -> &[A] {
        &self.params
    }

    /// All parameters, to be changed in place by an optimizer.
    pub fn params_mut(&mut self) -> &mut [A] {
        &mut self.params
    }

    /// Replaces all parameters; an error, and nothing changed, if their number is wrong or one is not finite.
    pub fn set_params(&mut self, params: &[A]) -> Result<()> {
        if params.len() != self.params.len() {
            return Err(Error::shape("params", format!("[{}]", self.params.len()), &[params.len()]));
        }
        check_finite("params", matrix(params, 1, params.len()))?;
        self.params.copy_from_slice(params);
        Ok(())
    }

    /// The name, such as `affine1.weight`, and the value of every parameter, from the first layer to the last.
    pub fn parameters(&self) -> impl Iterator<Item = (String, ArrayViewD<'_, A>)> {
        self.places().map(|(layer, parameter, range)| {
            (format!("{layer}.{}", parameter.name), view(parameter, &self.params[range]))
        })
    }

    /// The parameter of this name; an error that lists the names if there is none.
    pub fn parameter(&self, name: &str) -> Result<ArrayViewD<'_, A>> {
        let (parameter, range) = self.find(name)?;
        Ok(view(parameter, &self.params[range]))
    }

    /// Replaces one parameter; an error, and nothing changed, if the name or the shape is wrong or a value not finite.
    pub fn set_parameter<D: Dimension>(&mut self, name: &str, value: &ArrayRef<A, D>) -> Result<()> {
        let (parameter, range) = self.find(name)?;
        if value.shape() != parameter.shape {
            return Err(Error::shape(name, format!("{:?}", parameter.shape), value.shape()));
        }
        let values: Vec<A> = value.iter().copied().collect();
        let columns = parameter.shape.last().map_or(1, |&n| n.max(1));
        check_finite(name, matrix(&values, values.len() / columns, columns))?;
        self.params[range].copy_from_slice(&values);
        Ok(())
    }

    /// An error that names the first parameter with a number that is not finite.
    pub(crate) fn check_params(&self) -> Result<()> {
        if check_finite("params", matrix(&self.params, 1, self.params.len())).is_ok() {
            return Ok(());
        }
        self.parameters().try_for_each(|(name, values)| {
            let columns = values.shape().last().map_or(1, |&n| n.max(1));
            let values = values.to_slice().expect("parameters are in standard layout");
            check_finite(&name, matrix(values, values.len() / columns, columns))
        })
    }

    /// The names of the layers, in order.
    pub(crate) fn layer_names(&self) -> impl Iterator<Item = &str> {
        self.slots.iter().map(|slot| slot.name.as_str())
    }

    /// Every parameter, the name of its layer, and where it lies in the flat vector.
    pub(crate) fn places(&self) -> impl Iterator<Item = (&str, &Parameter, Range<usize>)> {
        self.slots.iter().flat_map(Slot::places)
    }

    fn find(&self, name: &str) -> Result<(&Parameter, Range<usize>)> {
        let (layer, own) = name.split_once('.').unwrap_or((name, ""));
        let found = self.places().find(|(place, parameter, _)| *place == layer && parameter.name == own);
        found.map(|(_, parameter, range)| (parameter, range)).ok_or_else(|| {
            let names: Vec<String> = self.parameters().map(|(name, _)| name).collect();
            Error::setting("parameter", format!("one of {}", names.join(", ")), name)
        })
    }
}

impl<A> Slot<A> {
    fn places(&self) -> impl Iterator<Item = (&str, &Parameter, Range<usize>)> {
        self.parameters.iter().scan(self.range.start, |next, parameter| {
            let start = *next;
            *next += parameter.shape.iter().product::<usize>();
            Some((self.name.as_str(), parameter, start..*next))
        })
    }
}

/// The first numbers of `values` in the parameter's shape.
fn view<'a, A>(parameter: &Parameter, values: &'a [A]) -> ArrayViewD<'a, A> {
    let size = parameter.shape.iter().product();
    ArrayViewD::from_shape(IxDyn(&parameter.shape), &values[..size]).expect("as long as the shape says")
}
