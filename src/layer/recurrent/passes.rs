//! The passes of a recurrent layer: a product of all steps with the weights of the input, and then step after step. Threads
//! divide the samples, so that they do not wait for each other in every step. The layers receive whole batches for this.

use std::mem;

use ndarray::ArrayView2;

use super::{Cell, Step};
use crate::buffer::{matrix, matrix_mut};
use crate::layer::{Backward, Forward, Scratch, flat, flat_mut};
use crate::linalg::{Engine, column_sums};
use crate::parallel::{Divide, divide, least, shares};
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::simd::dispatch;

/// The sizes of a layer.
#[derive(Clone, Copy)]
struct Sizes {
    /// The number of steps.
    time: usize,
    /// The number of features of a step.
    features: usize,
    units: usize,
    /// The number of values of all gates in a step.
    gates: usize,
}

impl Sizes {
    fn of<C: Cell>(input: Shape, units: usize) -> Self {
        let [time, features] = *input.dims() else { unreachable!("the shape was checked") };
        Self { time, features, units, gates: C::GATES * units }
    }

    /// Returns the numbers of values of the parameters.
    fn parameters(self) -> [usize; 4] {
        [self.features * self.gates, self.units * self.gates, self.gates, self.gates]
    }

    /// Returns the number of threads among which the samples are divided.
    fn shares(self, rows: usize, threads: usize) -> usize {
        let work = [self.time, self.units, self.gates].into_iter().fold(rows, usize::saturating_mul);
        shares(threads.min(rows), work, least::STRETCH)
    }
}

/// The parameters of a layer.
#[derive(Clone, Copy)]
struct Parameters<'a, A> {
    /// The weights of the input, (features, gates), and of the state, (units, gates).
    weights: [ArrayView2<'a, A>; 2],
    biases: [&'a [A]; 2],
}

impl<'a, A: Scalar> Parameters<'a, A> {
    fn new(sizes: Sizes, params: &'a [A]) -> Self {
        let [input, state, bias, _] = sizes.parameters();
        let (of_input, rest) = params.split_at(input);
        let (of_state, biases) = rest.split_at(state);
        let weights =
            [matrix(of_input, sizes.features, sizes.gates), matrix(of_state, sizes.units, sizes.gates)];
        Self { weights, biases: biases.split_at(bias).into() }
    }
}

/// Requests the memory of the passes.
pub(super) fn scratch<C: Cell>(input: Shape, units: usize) -> Scratch {
    let [time, _] = *input.dims() else { return Scratch::NONE };
    let width = |steps: usize, gates: usize| steps.saturating_mul(gates).saturating_mul(units);
    let separate = if C::SEPARATE { C::GATES } else { 0 };
    let gates = width(time, C::GATES);
    // Of all steps: the gates, the memories (the first is 0) and the states before. Of one step: H·W_hh + b_hh and the state.
    let kept = [gates, width(time.saturating_add(1), 1), width(time, 1), width(1, C::GATES), units];
    // Of all steps: the gradients of X·W_ih and of H·W_hh. Of one step: the latter, that of the state, and what the cell carries.
    Scratch::NONE.kept(kept).gradients([gates, width(time, separate), width(1, C::GATES), units, units])
}

pub(super) fn forward<C: Cell, A: Scalar>(units: usize, mut pass: Forward<'_, A>) {
    let (sizes, rows) = (Sizes::of::<C>(pass.input, units), pass.x.nrows());
    let params = Parameters::new(sizes, pass.params);
    let mut kept = pass.kept.arrays::<5>();
    let [gates, memory, before, hidden, state] = kept.each_mut().map(flat_mut);
    let x = matrix(flat(&pass.x), rows * sizes.time, sizes.features);
    let sums = matrix_mut(gates, rows * sizes.time, sizes.gates);
    pass.engine.matmul(x, params.weights[0], Some(params.biases[0]), sums);
    let write = [flat_mut(&mut pass.y), gates, memory, before, hidden, state];
    let shares = sizes.shares(rows, pass.engine.thread_count());
    let samples = Samples { rows, read: [], write, engines: pass.engine.team(shares) };
    divide(samples, shares, &|samples| steps::<C, A>(sizes, params, samples));
}

pub(super) fn backward<C: Cell, A: Scalar>(units: usize, pass: Backward<'_, A>) {
    let Backward { x, dy, dx, grad, engine, .. } = pass;
    let (sizes, rows) = (Sizes::of::<C>(pass.input, units), x.nrows());
    let params = Parameters::new(sizes, pass.params);
    let [gates, memory, before, ..] = pass.kept.arrays::<5>();
    let mut gradients = pass.gradients.arrays::<5>();
    let [d_gates, d_hidden, step, dh, carry] = gradients.each_mut().map(flat_mut);
    if !pass.after_dx {
        let read = [flat(&dy), flat(&gates), flat(&memory), flat(&before)];
        let write = [&mut *d_gates, &mut *d_hidden, step, dh, carry];
        let shares = sizes.shares(rows, engine.thread_count());
        let samples = Samples { rows, read, write, engines: engine.team(shares) };
        divide(samples, shares, &|samples| steps_back::<C, A>(sizes, params, samples));
    }
    let of_all_steps = |values, width| matrix(values, rows * sizes.time, width);
    let d_gates = of_all_steps(&*d_gates, sizes.gates);
    if let Some(grad) = grad {
        let d_hidden = if C::SEPARATE { of_all_steps(&*d_hidden, sizes.gates) } else { d_gates };
        let (x, before) = (of_all_steps(flat(&x), sizes.features), of_all_steps(flat(&before), sizes.units));
        write_gradient(sizes, [x, before], [d_gates, d_hidden], grad, engine);
    }
    if let Some(mut dx) = dx {
        let dx = matrix_mut(flat_mut(&mut dx), rows * sizes.time, sizes.features);
        engine.matmul(d_gates, params.weights[0].reversed_axes(), None, dx);
    }
}

/// Writes the gradient with respect to the parameters, from the inputs and the states before all steps, and from the gradients
/// with respect to the sums.
fn write_gradient<A: Scalar>(
    sizes: Sizes,
    inputs: [ArrayView2<'_, A>; 2],
    d_sums: [ArrayView2<'_, A>; 2],
    grad: &mut [A],
    engine: &mut Engine<A>,
) {
    let [input, state, bias, _] = sizes.parameters();
    let (of_input, rest) = grad.split_at_mut(input);
    let (of_state, biases) = rest.split_at_mut(state);
    let (of_input_bias, of_state_bias) = biases.split_at_mut(bias);
    let targets = [(of_input, of_input_bias), (of_state, of_state_bias)];
    for ((inputs, d_sums), (d_weight, d_bias)) in inputs.into_iter().zip(d_sums).zip(targets) {
        let d_weight = matrix_mut(d_weight, inputs.ncols(), sizes.gates);
        engine.matmul(inputs.reversed_axes(), d_sums, None, d_weight);
        column_sums(d_sums, d_bias);
    }
}

/// Some samples of a batch, with a row of each array per sample.
struct Samples<'a, A: Scalar, const R: usize, const W: usize> {
    rows: usize,
    read: [&'a [A]; R],
    write: [&'a mut [A]; W],
    /// One engine for each thread that shares the samples.
    engines: &'a mut [Engine<A>],
}

impl<A: Scalar, const R: usize, const W: usize> Divide for Samples<'_, A, R, W> {
    fn len(&self) -> usize {
        self.rows
    }

    fn split_at(self, row: usize) -> (Self, Self) {
        let Self { rows, read, mut write, engines } = self;
        let place = |length: usize| length / rows * row;
        let mut others = [(); W].map(|()| <&mut [A]>::default());
        for (array, other) in write.iter_mut().zip(&mut others) {
            let place = place(array.len());
            (*array, *other) = mem::take(array).split_at_mut(place);
        }
        let parts = read.map(|array| array.split_at(place(array.len())));
        let half = engines.len() / 2;
        let (engines, other_engines) = engines.split_at_mut(half);
        let other = Self {
            rows: rows - row,
            read: parts.map(|(_, other)| other),
            write: others,
            engines: other_engines,
        };
        (Self { rows: row, read: parts.map(|(own, _)| own), write, engines }, other)
    }
}

/// Returns the range of the values of a step of a sample.
#[inline(always)]
fn at(row: usize, steps: usize, step: usize, width: usize) -> std::ops::Range<usize> {
    let start = (row * steps + step) * width;
    start..start + width
}

/// Makes all steps of some samples.
fn steps<C: Cell, A: Scalar>(sizes: Sizes, params: Parameters<'_, A>, samples: Samples<'_, A, 0, 6>) {
    let Sizes { time, units, gates: width, .. } = sizes;
    let Samples { rows, write: [y, gates, memory, before, hidden, state], engines, .. } = samples;
    state.fill(A::zero());
    for row in 0..rows {
        memory[at(row, time + 1, 0, units)].fill(A::zero());
    }
    let outputs = y.len() / rows.max(1) / units;
    for step in 0..time {
        let sums = matrix_mut(hidden, rows, width);
        engines[0].matmul(matrix(state, rows, units), params.weights[1], Some(params.biases[1]), sums);
        dispatch(
            #[inline(always)]
            || {
                for row in 0..rows {
                    let hidden = &hidden[at(row, 1, 0, width)];
                    let state = &mut state[at(row, 1, 0, units)];
                    let (past, memory) =
                        memory[row * (time + 1) * units..][step * units..].split_at_mut(units);
                    before[at(row, time, step, units)].copy_from_slice(state);
                    C::step(
                        &mut gates[at(row, time, step, width)],
                        hidden,
                        past,
                        &mut memory[..units],
                        state,
                    );
                    // The only output is that of the last step, or each step has one.
                    if let Some(output) = (step + outputs).checked_sub(time) {
                        y[at(row, outputs, output, units)].copy_from_slice(state);
                    }
                }
            },
        );
    }
}

/// Writes the gradients with respect to the sums of all steps of some samples.
fn steps_back<C: Cell, A: Scalar>(sizes: Sizes, params: Parameters<'_, A>, samples: Samples<'_, A, 4, 5>) {
    let Sizes { time, units, gates: width, .. } = sizes;
    let Samples { rows, read: [dy, gates, memory, before], write, engines } = samples;
    let [d_gates, d_hidden, d_step, dh, carry] = write;
    dh.fill(A::zero());
    carry.fill(A::zero());
    let outputs = dy.len() / rows.max(1) / units;
    for step in (0..time).rev() {
        dispatch(
            #[inline(always)]
            || {
                for row in 0..rows {
                    let dh = &mut dh[at(row, 1, 0, units)];
                    if let Some(output) = (step + outputs).checked_sub(time) {
                        for (dh, &dy) in dh.iter_mut().zip(&dy[at(row, outputs, output, units)]) {
                            *dh += dy;
                        }
                    }
                    let (past, memory) = memory[row * (time + 1) * units..][step * units..].split_at(units);
                    let (gates, before) =
                        (&gates[at(row, time, step, width)], &before[at(row, time, step, units)]);
                    let values = Step { gates, before, past, memory: &memory[..units] };
                    let d_gates = &mut d_gates[at(row, time, step, width)];
                    C::back(values, dh, &mut carry[at(row, 1, 0, units)], d_gates);
                    let d_step = &mut d_step[at(row, 1, 0, width)];
                    d_step.copy_from_slice(d_gates);
                    C::to_hidden(gates, d_step);
                    if C::SEPARATE {
                        d_hidden[at(row, time, step, width)].copy_from_slice(d_step);
                    }
                }
            },
        );
        // No parameter has an effect on the state before the first step.
        if step > 0 {
            let weight = params.weights[1].reversed_axes();
            engines[0].matmul(matrix(d_step, rows, width), weight, None, matrix_mut(dh, rows, units));
        }
    }
}
