//! Recurrent layers. [`Recurrence`] has their settings and parameters, `passes` runs a [`Cell`] through time, and each layer is a
//! cell with its documentation.

mod gru;
mod lstm;
mod passes;

use std::array;

pub use gru::Gru;
pub use lstm::Lstm;

use super::TensorSpec;
use crate::error::{Error, Result};
use crate::init::Initializer;
use crate::scalar::Scalar;
use crate::settings::{Settings, check_count};
use crate::shape::Shape;

/// The rule of a recurrent layer: how the state of a sample changes in one step, and the gradient of this change.
///
/// A step has one value of each gate for each unit. The layer computes the sums before the gates, and the cell does the rest.
/// Slices of gates contain one gate after another, in PyTorch's order.
trait Cell {
    /// The number of gates.
    const GATES: usize;
    /// Whether the sums X·W_ih and H·W_hh of a gate have different gradients.
    const SEPARATE: bool;

    /// Makes a step.
    ///
    /// On entry, `gates` contains X·W_ih + b_ih, `hidden` contains H·W_hh + b_hh, and `past` is the memory of the previous step,
    /// or 0 in the first step. The step overwrites the sums in `gates` with the values of the gates, writes its `memory`, and
    /// overwrites the previous `state` with the new one.
    fn step<A: Scalar>(gates: &mut [A], hidden: &[A], past: &[A], memory: &mut [A], state: &mut [A]);

    /// Writes the gradient with respect to X·W_ih + b_ih.
    ///
    /// `dh` is the gradient with respect to the new state, without the part that `carry` contains. `carry` belongs to the cell,
    /// which passes it from each step to the previous one. In the last step, it is 0.
    fn back<A: Scalar>(step: Step<'_, A>, dh: &[A], carry: &mut [A], d_gates: &mut [A]);

    /// Turns the gradient with respect to X·W_ih + b_ih into the gradient with respect to H·W_hh + b_hh.
    fn to_hidden<A: Scalar>(_gates: &[A], _d_gates: &mut [A]) {}
}

/// The values of a step of one sample.
struct Step<'a, A> {
    gates: &'a [A],
    /// The state before the step.
    before: &'a [A],
    /// The memory of the previous step.
    past: &'a [A],
    memory: &'a [A],
}

/// Splits a slice into equal parts, such as gates.
#[inline(always)]
fn split<const N: usize, A>(all: &[A]) -> [&[A]; N] {
    let mut parts = all.chunks_exact(all.len() / N);
    array::from_fn(|_| parts.next().expect("the length is a multiple of N"))
}

/// Splits a slice into equal parts, such as gates.
#[inline(always)]
fn split_mut<const N: usize, A>(all: &mut [A]) -> [&mut [A]; N] {
    let mut parts = all.chunks_exact_mut(all.len() / N);
    array::from_fn(|_| parts.next().expect("the length is a multiple of N"))
}

/// The settings of a recurrent layer.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Recurrence {
    units: usize,
    return_sequences: bool,
    weight: Initializer,
    bias: Initializer,
}

impl Recurrence {
    fn new(units: usize) -> Self {
        let (weight, bias) = (Initializer::GLOROT_UNIFORM, Initializer::ZEROS);
        Self { units, return_sequences: false, weight, bias }
    }

    fn output_shape(&self, input: Shape) -> Result<Shape> {
        let [time, _] = *input.dims() else {
            let expected = "two dimensions, (time, features) (put a Reshape layer before it)";
            return Err(Error::setting("input shape", expected, input));
        };
        check_count("units", self.units)?;
        Ok(if self.return_sequences { [time, self.units].into() } else { self.units.into() })
    }

    /// Declares the parameters of a layer with this number of gates. A weight connects its inputs to the units of each gate.
    fn parameters(&self, input: Shape, gates: usize) -> Vec<TensorSpec> {
        let (units, features) = (self.units, input.dims().last().copied().unwrap_or(1));
        let columns = units.saturating_mul(gates);
        let weight = |name, inputs| {
            TensorSpec::new(name, &[inputs, columns], self.weight).fan(inputs, units).transposed()
        };
        let bias = |name, inputs| TensorSpec::new(name, &[columns], self.bias).fan(inputs, units);
        vec![
            weight("weight_ih_l0", features),
            weight("weight_hh_l0", units),
            bias("bias_ih_l0", features),
            bias("bias_hh_l0", units),
        ]
    }

    fn settings(&self) -> Settings {
        Settings::new().with("units", self.units).with("return_sequences", self.return_sequences)
    }

    fn of(settings: &Settings) -> Result<Self> {
        let return_sequences = settings.flag("return_sequences")?;
        Ok(Self { return_sequences, ..Self::new(settings.count("units")?) })
    }
}

/// Implements the constructor, the setters and [`Layer`](super::Layer) for a layer that is a [`Cell`] with a [`Recurrence`].
macro_rules! recurrent_layer {
    ($layer:ident, $kind:literal) => {
        impl $layer {
            /// Creates a layer with this number of units.
            pub fn new(units: usize) -> Self {
                Self { recurrence: Recurrence::new(units) }
            }

            /// Sets whether the output is the state after every step, instead of the state after the last step.
            pub fn return_sequences(mut self, return_sequences: bool) -> Self {
                self.recurrence.return_sequences = return_sequences;
                self
            }

            /// Sets the initializer of both weights.
            pub fn weight_initializer(mut self, weight: Initializer) -> Self {
                self.recurrence.weight = weight;
                self
            }

            /// Sets the initializer of both biases.
            pub fn bias_initializer(mut self, bias: Initializer) -> Self {
                self.recurrence.bias = bias;
                self
            }

            /// Creates the layer from its settings.
            pub(in crate::layer) fn of(settings: &Settings) -> Result<Self> {
                Recurrence::of(settings).map(|recurrence| Self { recurrence })
            }
        }

        impl<A: Scalar> Layer<A> for $layer {
            fn kind(&self) -> &str {
                $kind
            }

            fn output_shape(&self, input: Shape) -> Result<Shape> {
                self.recurrence.output_shape(input)
            }

            fn parameters(&self, input: Shape) -> Vec<TensorSpec> {
                self.recurrence.parameters(input, Self::GATES)
            }

            fn scratch(&self, input: Shape) -> Scratch {
                passes::scratch::<Self>(input, self.recurrence.units)
            }

            fn settings(&self) -> Option<Settings> {
                Some(self.recurrence.settings())
            }

            #[inline(never)]
            fn forward(&self, pass: Forward<'_, A>) {
                passes::forward::<Self, A>(self.recurrence.units, pass);
            }

            #[inline(never)]
            fn backward(&self, pass: Backward<'_, A>) {
                passes::backward::<Self, A>(self.recurrence.units, pass);
            }
        }
    };
}
use recurrent_layer;
