use super::{Cell, Recurrence, Step, passes, recurrent_layer, split, split_mut};
use crate::error::Result;
use crate::init::Initializer;
use crate::layer::{Backward, Forward, Layer, Scratch, TensorSpec};
use crate::scalar::Scalar;
use crate::settings::Settings;
use crate::shape::Shape;

/// A gated recurrent unit: it reads a sequence step by step, and gates decide how much of its state each step keeps.
///
/// Formula: with the input xₜ of step t and the state h, which is 0 before the first step,
///
/// - r = σ(xₜ·W_ir + b_ir + hₜ₋₁·W_hr + b_hr), the reset gate;
/// - z = σ(xₜ·W_iz + b_iz + hₜ₋₁·W_hz + b_hz), the update gate;
/// - n = tanh(xₜ·W_in + b_in + r·q) with q = hₜ₋₁·W_hn + b_hn, the new state;
/// - hₜ = (1 − z)·n + z·hₜ₋₁.
///
/// Products of gates and states are elementwise. The output is the last state, or all states with
/// [`return_sequences`](Gru::return_sequences).
///
/// Derivative: with dh = ∂L/∂hₜ, the sums before n, z and r have the gradients dn = dh·(1 − z)·(1 − n²),
/// dz = (hₜ₋₁ − n)·dh·z·(1 − z) and dr = dn·q·r·(1 − r), and q has dn·r. Xᵀ·(dr, dz, dn) is ∂L/∂W_i, and Hᵀ·(dr, dz, dn·r) is
/// ∂L/∂W_h, both over all steps, where a row of H is the state before the step. The biases have the column sums. ∂L/∂xₜ = (dr,
/// dz, dn)·W_iᵀ, and ∂L/∂hₜ₋₁ = dh·z + (dr, dz, dn·r)·W_hᵀ plus the gradient of the previous output.
///
/// Shapes: X (batch, time, features), W_i = `weight_ih_l0` (features, 3·units), W_h = `weight_hh_l0` (units, 3·units), b_i =
/// `bias_ih_l0` and b_h = `bias_hh_l0` (3·units), each with the gates in the order r, z, n; Y (batch, units), or (batch, time,
/// units) with all states.
///
/// Numerics: the sums have the order of the matrix product, and the gradients of the parameters are products over all steps of
/// all samples. The bits depend neither on the number of threads nor on the instruction set. The last formula is computed as n +
/// z·(hₜ₋₁ − n). The derivatives of the gates come from their values, so that they are 0 where a value rounds to 0 or ±1.
///
/// In files: names and shapes are as in `torch.nn.GRU` with one layer and `batch_first=True`; weights are stored as (3·units,
/// inputs).
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `units` | the number of values of the state | none | 1 or more |
/// | `return_sequences` | whether the output is the state after every step instead of the last | false | true or false |
/// | `weight_initializer` | sets the initial weights; fan_out is `units`, for one gate | [`Initializer::GLOROT_UNIFORM`] | any |
/// | `bias_initializer` | sets the initial biases | [`Initializer::ZEROS`] | any |
///
/// PyTorch's initial weights and biases are [`Initializer::PYTORCH_RECURRENT`].
///
/// # Errors
/// Building a model returns [`Error::Layer`](crate::Error::Layer) if `units` is 0, or if the input does not have two dimensions.
///
/// Source: Cho et al., *Learning phrase representations using RNN encoder–decoder for statistical machine translation*, 2014; the
/// reset gate acts on q as in `torch.nn.GRU`.
///
/// # Examples
/// ```
/// use manabi::layer::{Forward, Gru, LayerWorkspace};
/// use manabi::Layer;
/// use ndarray::array;
///
/// // A single unit. With weights and biases of 0, half of the state is 0 and half is the new one, 0.
/// let gru = Gru::new(1).return_sequences(true);
/// let mut params = [0.0; 12];
/// params[2] = 9.0; // The input has a large effect on the new state.
/// let (x, mut y) = (array![[1.0, 0.0, 0.0]], array![[0.0; 3]]);
/// let mut ws = LayerWorkspace::new(&gru, [3, 1], 1)?;
/// gru.forward(Forward::new(&mut ws, &params, &[], x.view(), y.view_mut())?);
/// assert!((y - array![[0.5, 0.25, 0.125]]).iter().all(|error: &f64| error.abs() < 1e-7));
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("GRU", "RNN", "recurrent", "time series", "sequence"))]
pub struct Gru {
    recurrence: Recurrence,
}

recurrent_layer!(Gru, "gru");

/// The memory of a step is q.
impl Cell for Gru {
    const GATES: usize = 3;
    const SEPARATE: bool = true;

    #[inline(always)]
    fn step<A: Scalar>(gates: &mut [A], hidden: &[A], _: &[A], memory: &mut [A], state: &mut [A]) {
        let (sigmoids, new) = gates.split_at_mut(2 * state.len());
        let (sums, q) = hidden.split_at(sigmoids.len());
        for (gate, &sum) in sigmoids.iter_mut().zip(sums) {
            *gate = (*gate + sum).sigmoid();
        }
        memory.copy_from_slice(q);
        let [reset, update] = split(sigmoids);
        for ((n, &r), &q) in new.iter_mut().zip(reset).zip(q) {
            *n = (*n + r * q).tanh();
        }
        for ((h, &n), &z) in state.iter_mut().zip(&*new).zip(update) {
            *h = n + z * (*h - n);
        }
    }

    #[inline(always)]
    fn back<A: Scalar>(step: Step<'_, A>, dh: &[A], carry: &mut [A], d_gates: &mut [A]) {
        let Step { gates, before, memory, .. } = step;
        let [reset, update, new] = split(gates);
        let [d_reset, d_update, d_new] = split_mut(d_gates);
        for (carry, &dh) in carry.iter_mut().zip(dh) {
            *carry += dh;
        }
        let dh = &*carry;
        for (((dn, &dh), &z), &n) in d_new.iter_mut().zip(dh).zip(update).zip(new) {
            *dn = dh * (A::one() - z) * (A::one() - n * n);
        }
        for ((((dz, &dh), &z), &n), &before) in d_update.iter_mut().zip(dh).zip(update).zip(new).zip(before) {
            *dz = dh * (before - n) * (z * (A::one() - z));
        }
        for (((dr, &dn), &r), &q) in d_reset.iter_mut().zip(&*d_new).zip(reset).zip(memory) {
            *dr = dn * q * (r * (A::one() - r));
        }
        for (carry, &z) in carry.iter_mut().zip(update) {
            *carry *= z;
        }
    }

    #[inline(always)]
    fn to_hidden<A: Scalar>(gates: &[A], d_gates: &mut [A]) {
        let [reset, ..] = split::<3, A>(gates);
        let [.., d_new] = split_mut::<3, A>(d_gates);
        for (dn, &r) in d_new.iter_mut().zip(reset) {
            *dn *= r;
        }
    }
}
