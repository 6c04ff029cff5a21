use ndarray::Array2;

use super::Layer;
use crate::error::{Error, Result};
use crate::init::Initializer;
use crate::random::Random;
use crate::scalar::Scalar;

/// A parameter of a layer: its name, its shape and how it starts.
///
/// ```
/// use manabi::{Initializer, Parameter};
///
/// let weight = Parameter::new("weight", &[784, 100], Initializer::HE_NORMAL);
/// assert_eq!(weight.fan, (784, 100));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Parameter {
    /// The name within the layer: `weight`, `bias`, …
    pub name: String,
    /// The shape; the numbers lie in row-major order.
    pub shape: Vec<usize>,
    /// How it is filled before training.
    pub initializer: Initializer,
    /// How many inputs and outputs it connects, for the initializer.
    pub fan: (usize, usize),
    /// The name within the layer that files have: `name` unless it is another.
    pub saved_as: String,
    /// Whether files keep it with its dimensions in reverse order.
    pub transposed: bool,
}

impl Parameter {
    /// A parameter that connects its first dimension (as inputs) with its last (as outputs).
    pub fn new(name: &str, shape: &[usize], initializer: Initializer) -> Self {
        let fan = (shape.first().copied().unwrap_or(1), shape.last().copied().unwrap_or(1));
        let (name, saved_as) = (name.into(), name.into());
        Self { name, shape: shape.into(), initializer, fan, saved_as, transposed: false }
    }

    /// The same parameter, connecting this many inputs and outputs.
    pub fn fan(self, inputs: usize, outputs: usize) -> Self {
        Self { fan: (inputs, outputs), ..self }
    }

    /// The same parameter, kept in files under another name: PyTorch's, where that differs.
    pub fn saved_as(self, name: &str) -> Self {
        Self { saved_as: name.into(), ..self }
    }

    /// The same parameter, kept in files with its dimensions in reverse order, as PyTorch keeps the weights of a linear layer.
    pub fn transposed(self) -> Self {
        Self { transposed: true, ..self }
    }

    /// Adds its first values to others, in row-major order; an error if one is not finite.
    pub(crate) fn draw<A: Scalar>(&self, random: &mut dyn Random, values: &mut Vec<A>) -> Result<()> {
        let (columns, rows) = self.shape.split_last().map_or((1, 1), |(&n, rest)| (n, rest.iter().product()));
        // Rows at a time: in `f64` all of them may not fit in memory where the parameter does.
        let piece = PIECE.checked_div(columns).unwrap_or(rows).max(1);
        for row in (0..rows).step_by(piece) {
            let shape = (piece.min(rows - row), columns);
            let drawn: Array2<f64> = self.initializer.draw(shape, self.fan, random);
            if drawn.dim() != shape {
                return Err(Error::shape("random numbers", format!("{shape:?}"), drawn.shape()));
            }
            let start = values.len();
            values.extend(drawn.iter().map(|&value| A::of(value)));
            if let Some(value) = values[start..].iter().find(|value| !value.is_finite()) {
                let what = format!("{} of {}", self.initializer, self.name);
                return Err(Error::setting(what, "finite values", value));
            }
        }
        Ok(())
    }

    /// How many numbers it is; `None` if no array can have this shape.
    fn size(&self) -> Option<usize> {
        let mut nonzero = self.shape.iter().filter(|&&n| n != 0);
        let size = nonzero
            .try_fold(1_usize, |size, &n| size.checked_mul(n))
            .filter(|&size| size < isize::MAX as usize / 8)?;
        Some(if self.shape.contains(&0) { 0 } else { size })
    }
}

/// The numbers that are drawn at a time.
const PIECE: usize = 1 << 20;

/// What a layer makes of an input of some width.
pub(crate) struct Plan {
    pub output_dim: usize,
    pub parameters: Vec<Parameter>,
    /// How many numbers all parameters are.
    pub size: usize,
    pub buffers: Vec<Parameter>,
    /// How many numbers all buffers are.
    pub buffer_size: usize,
}

impl Plan {
    pub fn of<A: Scalar>(layer: &(impl Layer<A> + ?Sized), input_dim: usize) -> Result<Self> {
        let output_dim = layer.output_dim(input_dim)?;
        if output_dim == 0 {
            return Err(Error::setting("output width", "at least 1", 0));
        }
        let (parameters, buffers) = (layer.parameters(input_dim), layer.buffers(input_dim));
        let all = || parameters.iter().chain(&buffers);
        check_names(all().map(|parameter| &parameter.name))?;
        check_names(all().map(|parameter| &parameter.saved_as))?;
        let (size, buffer_size) = (size(&parameters)?, size(&buffers)?);
        Ok(Self { output_dim, parameters, size, buffers, buffer_size })
    }
}

/// An error unless these are names, and no two the same.
fn check_names<'a>(names: impl Iterator<Item = &'a String>) -> Result<()> {
    let mut before: Vec<&String> = Vec::new();
    for name in names {
        check_name(name)?;
        if before.contains(&name) {
            return Err(Error::setting("name of a parameter", "a name of its own", name));
        }
        before.push(name);
    }
    Ok(())
}

/// How many numbers these are together.
fn size(parameters: &[Parameter]) -> Result<usize> {
    parameters.iter().try_fold(0_usize, |size, parameter| {
        let sum = parameter.size().and_then(|n| size.checked_add(n));
        sum.ok_or_else(|| Error::shape(&parameter.name, "one that fits in memory", &parameter.shape))
    })
}

/// Names are joined by points, as in `affine1.weight`, and stand between spaces in a model's table.
pub(crate) fn check_name(name: &str) -> Result<()> {
    match name.is_empty() || name.contains(|c: char| c == '.' || c.is_whitespace()) {
        true => Err(Error::setting("name", "some letters without point and space", format!("'{name}'"))),
        false => Ok(()),
    }
}
