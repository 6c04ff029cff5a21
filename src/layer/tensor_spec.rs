use ndarray::Array2;

use crate::error::{Error, Result};
use crate::init::Initializer;
use crate::random::Random;
use crate::scalar::Scalar;

/// The declaration of a parameter or buffer of a layer: its name, its shape and its initial values.
///
/// # Examples
/// ```
/// use manabi::init::Initializer;
/// use manabi::layer::TensorSpec;
///
/// let weight = TensorSpec::new("weight", &[784, 100], Initializer::HE_NORMAL);
/// assert_eq!(weight.fan, (784, 100));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[must_use = "the methods of a declaration return the changed declaration"]
#[doc(alias = "Parameter")]
pub struct TensorSpec {
    /// The name within the layer, such as `weight`. In a block, it begins with the names of the inner layers:
    /// `affine1.weight`.
    pub name: String,
    /// The shape. The values are in row-major order.
    pub shape: Vec<usize>,
    /// The initializer of the values.
    pub initializer: Initializer,
    /// The number of inputs and the number of outputs that the tensor connects, for the initializer.
    pub fan: (usize, usize),
    /// The name within the layer in files.
    pub saved_as: String,
    /// Whether files store the tensor with its dimensions in reverse order.
    pub transposed: bool,
}

impl TensorSpec {
    /// Declares a tensor that connects its first dimension (the inputs) with its last dimension (the outputs).
    pub fn new(name: &str, shape: &[usize], initializer: Initializer) -> Self {
        let fan = (shape.first().copied().unwrap_or(1), shape.last().copied().unwrap_or(1));
        let (name, saved_as) = (name.into(), name.into());
        Self { name, shape: shape.into(), initializer, fan, saved_as, transposed: false }
    }

    /// Sets the number of inputs and the number of outputs that the tensor connects.
    pub fn fan(self, inputs: usize, outputs: usize) -> Self {
        Self { fan: (inputs, outputs), ..self }
    }

    /// Sets another name for files, such as PyTorch's name if it differs.
    pub fn saved_as(self, name: &str) -> Self {
        Self { saved_as: name.into(), ..self }
    }

    /// Stores the tensor in files with its dimensions in reverse order, as PyTorch stores the weights of a linear layer.
    pub fn transposed(self) -> Self {
        Self { transposed: true, ..self }
    }

    /// Returns whether the name is `bias`, without the names of inner layers.
    pub(crate) fn is_bias(&self) -> bool {
        self.name.rsplit('.').next() == Some("bias")
    }

    /// Returns the declaration with the name of a layer as a prefix of both names.
    pub(super) fn within(&self, layer: &str) -> Self {
        let inside = |name: &str| format!("{layer}.{name}");
        Self { name: inside(&self.name), saved_as: inside(&self.saved_as), ..self.clone() }
    }

    /// Appends the initial values in row-major order, after checking that they are finite.
    pub(crate) fn draw<A: Scalar>(&self, random: &mut dyn Random, values: &mut Vec<A>) -> Result<()> {
        let (columns, rows) = self.shape.split_last().map_or((1, 1), |(&n, rest)| (n, rest.iter().product()));
        // Draws some rows at a time: all rows in `f64` may not fit in memory even if the parameter does.
        let piece = PIECE.checked_div(columns).unwrap_or(rows).max(1);
        for row in (0..rows).step_by(piece) {
            let shape = (piece.min(rows - row), columns);
            let drawn: Array2<f64> = self.initializer.draw(shape, self.fan, random);
            if drawn.dim() != shape {
                return Err(Error::shape("initial values", format!("{shape:?}"), drawn.shape()));
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

    /// Returns the number of values, or `None` if no array can have this shape.
    fn size(&self) -> Option<usize> {
        let mut nonzero = self.shape.iter().filter(|&&n| n != 0);
        let size = nonzero
            .try_fold(1_usize, |size, &n| size.checked_mul(n))
            .filter(|&size| size < isize::MAX as usize / 8)?;
        Some(if self.shape.contains(&0) { 0 } else { size })
    }
}

/// The number of values that are drawn at a time.
const PIECE: usize = 1 << 20;

/// Returns the total number of values of all tensors.
pub(crate) fn total_size<A>(specs: &[TensorSpec]) -> Result<usize> {
    specs.iter().try_fold(0_usize, |size, spec| {
        let sum = spec.size().and_then(|n| size.checked_add(n));
        sum.ok_or_else(|| Error::out_of_memory::<A>(format!("`{}`", spec.name), &spec.shape))
    })
}

/// Checks that all names are valid and unique.
pub(super) fn check_names<'a>(names: impl Iterator<Item = &'a String>) -> Result<()> {
    let mut before: Vec<&String> = Vec::new();
    for name in names {
        check_name(name)?;
        if before.contains(&name) {
            return Err(Error::duplicate("parameter", name));
        }
        before.push(name);
    }
    Ok(())
}

/// Checks that a name is valid. A name contains no spaces, because a model's table has spaces between names. It contains no empty
/// part, because dots join names to full names, such as `block1.affine1.weight`.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let is_part = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
    match name.split('.').all(is_part) {
        true => Ok(()),
        false => {
            let expected = "non-empty parts without spaces, separated by dots";
            Err(Error::setting("name", expected, format!("'{name}'")))
        }
    }
}
