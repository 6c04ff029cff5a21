use super::{Cell, Recurrence, Step, passes, recurrent_layer, split, split_mut};
use crate::error::Result;
use crate::init::Initializer;
use crate::layer::{Backward, Forward, Layer, Scratch, TensorSpec};
use crate::scalar::Scalar;
use crate::settings::Settings;
use crate::shape::Shape;

/// A long short-term memory: it reads a sequence step by step, and gates decide what its cells keep, add and show.
///
/// Formula: with the input xₜ of step t, and with the state h and the cells c, which are 0 before the first step,
///
/// - i = σ(xₜ·W_ii + b_ii + hₜ₋₁·W_hi + b_hi), the input gate;
/// - f = σ(xₜ·W_if + b_if + hₜ₋₁·W_hf + b_hf), the forget gate;
/// - g = tanh(xₜ·W_ig + b_ig + hₜ₋₁·W_hg + b_hg), the new values of the cells;
/// - o = σ(xₜ·W_io + b_io + hₜ₋₁·W_ho + b_ho), the output gate;
/// - cₜ = f·cₜ₋₁ + i·g and hₜ = o·tanh cₜ.
///
/// Products of gates, cells and states are elementwise. The output is the last state, or all states with
/// [`return_sequences`](Lstm::return_sequences).
///
/// Derivative: with dh = ∂L/∂hₜ, dc = dh·o·(1 − tanh² cₜ) plus f·dc of step t + 1. The sums before the gates have the gradients
/// di = dc·g·i·(1 − i), df = dc·cₜ₋₁·f·(1 − f), dg = dc·i·(1 − g²) and do = dh·tanh cₜ·o·(1 − o). Xᵀ·(di, df, dg, do) is ∂L/∂W_i,
/// and Hᵀ·(di, df, dg, do) is ∂L/∂W_h, both over all steps, where a row of H is the state before the step. Both biases have the
/// column sums. ∂L/∂xₜ = (di, df, dg, do)·W_iᵀ, and ∂L/∂hₜ₋₁ = (di, df, dg, do)·W_hᵀ plus the gradient of the previous
/// output.
///
/// Shapes: X (batch, time, features), W_i = `weight_ih_l0` (features, 4·units), W_h = `weight_hh_l0` (units, 4·units), b_i =
/// `bias_ih_l0` and b_h = `bias_hh_l0` (4·units), each with the gates in the order i, f, g, o; Y (batch, units), or (batch, time,
/// units) with all states.
///
/// Numerics: the sums have the order of the matrix product, and the gradients of the parameters are products over all steps of
/// all samples. The bits depend neither on the number of threads nor on the instruction set. The derivatives of the gates come
/// from their values, so that they are 0 where a value rounds to 0 or ±1.
///
/// In files: names and shapes are as in `torch.nn.LSTM` with one layer and `batch_first=True`; weights are stored as (4·units,
/// inputs).
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `units` | the number of values of the state, and of cells | none | 1 or more |
/// | `return_sequences` | whether the output is the state after every step instead of the last | false | true or false |
/// | `weight_initializer` | sets the initial weights; fan_out is `units`, for one gate | [`Initializer::GLOROT_UNIFORM`] | any |
/// | `bias_initializer` | sets the initial biases | [`Initializer::ZEROS`] | any |
///
/// PyTorch's initial weights and biases are [`Initializer::PYTORCH_RECURRENT`].
///
/// # Errors
/// Building a model returns [`Error::Layer`](crate::Error::Layer) if `units` is 0, or if the input does not have two dimensions.
///
/// Source: Hochreiter and Schmidhuber, *Long short-term memory*, 1997; with the forget gate of Gers, Schmidhuber and Cummins,
/// *Learning to forget*, 2000; the formula of `torch.nn.LSTM`.
///
/// # Examples
/// ```
/// use manabi::layer::{Forward, LayerWorkspace, Lstm};
/// use manabi::Layer;
/// use ndarray::array;
///
/// // A single unit. With weights of 0, half of the cell is kept, and half of the new value is added.
/// let lstm = Lstm::new(1).return_sequences(true);
/// let mut params = [0.0; 16];
/// params[2] = 9.0; // The input has a large effect on the new value.
/// let (x, mut y) = (array![[1.0, 0.0, 0.0]], array![[0.0; 3]]);
/// let mut ws = LayerWorkspace::new(&lstm, [3, 1], 1)?;
/// lstm.forward(Forward::new(&mut ws, &params, &[], x.view(), y.view_mut())?);
/// let states = [0.5_f64, 0.25, 0.125].map(|cell| 0.5 * cell.tanh());
/// assert!(y.iter().zip(states).all(|(y, state)| (y - state).abs() < 1e-7));
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("LSTM", "RNN", "recurrent", "time series", "sequence"))]
pub struct Lstm {
    recurrence: Recurrence,
}

recurrent_layer!(Lstm, "lstm");

/// The memory of a step is c. A step carries f·dc to the step before.
impl Cell for Lstm {
    const GATES: usize = 4;
    const SEPARATE: bool = false;

    #[inline(always)]
    fn step<A: Scalar>(gates: &mut [A], hidden: &[A], past: &[A], memory: &mut [A], state: &mut [A]) {
        let units = state.len();
        for (gate, &sum) in gates.iter_mut().zip(hidden) {
            *gate += sum;
        }
        let (input_forget, cell_output) = gates.split_at_mut(2 * units);
        let (cell, output) = cell_output.split_at_mut(units);
        for gate in input_forget.iter_mut() {
            *gate = gate.sigmoid();
        }
        for g in cell.iter_mut() {
            *g = g.tanh();
        }
        for gate in output.iter_mut() {
            *gate = gate.sigmoid();
        }
        let [input, forget] = split(input_forget);
        for ((((c, &f), &past), &i), &g) in memory.iter_mut().zip(forget).zip(past).zip(input).zip(&*cell) {
            *c = f * past + i * g;
        }
        for ((h, &o), &c) in state.iter_mut().zip(&*output).zip(&*memory) {
            *h = o * c.tanh();
        }
    }

    #[inline(always)]
    fn back<A: Scalar>(step: Step<'_, A>, dh: &[A], carry: &mut [A], d_gates: &mut [A]) {
        let Step { gates, past, memory, .. } = step;
        let [input, forget, cell, output] = split(gates);
        let [d_input, d_forget, d_cell, d_output] = split_mut(d_gates);
        // `d_cell` contains tanh c until it is overwritten.
        for (shown, &c) in d_cell.iter_mut().zip(memory) {
            *shown = c.tanh();
        }
        for (((d_o, &dh), &o), &shown) in d_output.iter_mut().zip(dh).zip(output).zip(&*d_cell) {
            *d_o = dh * shown * (o * (A::one() - o));
        }
        for (((dc, &dh), &o), &shown) in carry.iter_mut().zip(dh).zip(output).zip(&*d_cell) {
            *dc += dh * o * (A::one() - shown * shown);
        }
        let dc = &*carry;
        for (((di, &dc), &i), &g) in d_input.iter_mut().zip(dc).zip(input).zip(cell) {
            *di = dc * g * (i * (A::one() - i));
        }
        for (((df, &dc), &f), &past) in d_forget.iter_mut().zip(dc).zip(forget).zip(past) {
            *df = dc * past * (f * (A::one() - f));
        }
        for (((dg, &dc), &i), &g) in d_cell.iter_mut().zip(dc).zip(input).zip(cell) {
            *dg = dc * i * (A::one() - g * g);
        }
        for (carry, &f) in carry.iter_mut().zip(forget) {
            *carry *= f;
        }
    }
}
