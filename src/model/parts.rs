//! A batch divided by rows: a thread takes some rows through several layers, so that threads seldom wait for each other.

use std::ops::Range;

use ndarray::{ArrayView2, ArrayViewMut2, Axis};

use super::workspace::{matrix, matrix_mut};
use super::{Sequential, Slot};
use crate::layer::{Backward, Forward, Training};
use crate::linalg::{Engine, halves};
use crate::random::Noise;
use crate::scalar::Scalar;

/// The most layers that a part goes through at once.
pub(super) const SPAN: usize = 16;
/// The multiplications that make a thread worth its while.
const WORK: usize = 1 << 18;

/// Buffers of up to [`SPAN`] layers, for the same rows.
pub(super) type Buffers<'a, A> = [&'a mut [A]; SPAN];

/// The first rows of some buffers.
pub(super) fn buffers<A>(from: &mut [Vec<A>]) -> Buffers<'_, A> {
    let mut all = from.iter_mut();
    std::array::from_fn(|_| all.next().map_or(&mut [][..], |buffer| &mut buffer[..]))
}

/// Divides buffers of these widths between the first `rows` rows and the rest.
fn split_buffers<A>(
    from: Buffers<'_, A>,
    rows: usize,
    widths: impl Iterator<Item = usize>,
) -> (Buffers<'_, A>, Buffers<'_, A>) {
    let mut halves = (from, [(); SPAN].map(|()| &mut [][..]));
    for ((left, right), width) in halves.0.iter_mut().zip(&mut halves.1).zip(widths) {
        (*left, *right) = std::mem::take(left).split_at_mut(rows * width);
    }
    halves
}

impl<A: Scalar> Sequential<A> {
    /// The layers from `first` on that a batch can be divided for.
    pub(super) fn stretch(&self, first: usize, training: bool) -> Range<usize> {
        let layers = self.slots[first..].iter().take(SPAN);
        first..first + layers.take_while(|slot| slot.divides(training)).count()
    }

    /// Whether a layer's weights had better be divided than its batch, in training: each thread then works with about those
    /// that it updates, and they need not travel between cores in every step. A layer with as many parameters as inputs times
    /// outputs is taken to multiply by them.
    pub(super) fn keeps_weights(&self, index: usize, rows: usize) -> bool {
        let Slot { input_dim, output_dim, range, .. } = &self.slots[index];
        range.len() >= input_dim * output_dim && halves(rows, *input_dim)
    }

    /// The layers before `end` that a batch can be divided for in training.
    pub(super) fn stretch_before(&self, end: usize) -> Range<usize> {
        let layers = self.slots[..end].iter().rev().take(SPAN);
        end - layers.take_while(|slot| slot.divides(true)).count()..end
    }

    fn output_dims(&self, layers: &Range<usize>) -> impl Iterator<Item = usize> {
        self.slots[layers.clone()].iter().map(|slot| slot.output_dim)
    }

    /// The widths of the gradients by the layers' inputs. That by the model's own input is never computed.
    fn delta_dims(&self, layers: &Range<usize>) -> impl Iterator<Item = usize> {
        layers.clone().map(|i| if i == 0 { 0 } else { self.slots[i].input_dim })
    }

    /// How many threads it pays to divide so many rows among.
    pub(super) fn shares(&self, layers: Range<usize>, rows: usize, threads: usize) -> usize {
        let row: usize = self.slots[layers].iter().map(|slot| slot.range.len() + slot.output_dim).sum();
        threads.min(row.saturating_mul(rows) / WORK).min(rows).max(1)
    }
}

impl<A: Scalar> Slot<A> {
    /// Whether a part of a batch can pass alone: there is but one place for the buffers that training writes.
    fn divides(&self, training: bool) -> bool {
        self.layer.by_row(training) && (self.buffers.is_empty() || !training)
    }
}

/// How many of `rows` rows the first half of these engines takes.
fn middle<A>(rows: usize, engines: &[Engine<A>]) -> usize {
    rows * (engines.len() / 2) / engines.len()
}

/// Some rows on their way through some layers and, behind the last one of all, the output.
pub(super) struct ForwardPart<'a, A: Scalar> {
    pub model: &'a Sequential<A>,
    pub layers: Range<usize>,
    pub x: ArrayView2<'a, A>,
    /// What the layers write.
    pub values: Buffers<'a, A>,
    pub y: Option<ArrayViewMut2<'a, A>>,
    /// In training, the noise of the batch.
    pub noise: Option<Noise>,
}

impl<A: Scalar> ForwardPart<'_, A> {
    /// Divides the rows among the engines, each on a thread of its own.
    pub fn divide(self, engines: &mut [Engine<A>]) {
        if let [engine] = engines {
            return self.run(engine);
        }
        let row = middle(self.x.nrows(), engines);
        let Self { model, layers, x, values, y, noise } = self;
        let (x, other_x) = x.split_at(Axis(0), row);
        let (values, other_values) = split_buffers(values, row, model.output_dims(&layers));
        let (y, other_y) = y.map(|y| y.split_at(Axis(0), row)).unzip();
        let other_noise = noise.map(|noise| noise.rows_from(row));
        let (left, right) = engines.split_at_mut(engines.len() / 2);
        let other = Self {
            model,
            layers: layers.clone(),
            x: other_x,
            values: other_values,
            y: other_y,
            noise: other_noise,
        };
        let part = Self { model, layers, x, values, y, noise };
        rayon_core::join(|| part.divide(left), || other.divide(right));
    }

    /// All the rows on this thread.
    pub fn run(mut self, engine: &mut Engine<A>) {
        let (model, rows) = (self.model, self.x.nrows());
        for (i, slot) in model.slots[self.layers.clone()].iter().enumerate() {
            let (before, after) = self.values.split_at_mut(i);
            let x = before.last().map_or(self.x, |x| matrix(x, rows, slot.input_dim));
            let noise = self.noise.map(|noise| noise.layer(self.layers.start + i));
            slot.layer.forward(Forward {
                params: &model.params[slot.range.clone()],
                buffers: &model.buffers[slot.buffer_range.clone()],
                x,
                y: matrix_mut(after[0], rows, slot.output_dim),
                training: noise.map(|noise| Training::new(noise, &mut [])),
                engine,
            });
        }
        if let Some(y) = self.y {
            model.output.forward(matrix(self.values[self.layers.len() - 1], rows, y.ncols()), y);
        }
    }
}

/// Any number of samples on their way through a whole model, in turns of as many as there is room for.
pub(super) struct PredictPart<'a, A: Scalar> {
    pub model: &'a Sequential<A>,
    /// The rows that there is room for.
    pub room: usize,
    pub x: ArrayView2<'a, A>,
    pub y: ArrayViewMut2<'a, A>,
    /// Room for samples that are not in standard layout.
    pub input: &'a mut [A],
    pub values: Buffers<'a, A>,
    /// Room for predictions.
    pub output: &'a mut [A],
}

impl<A: Scalar> PredictPart<'_, A> {
    /// Divides the samples among the engines, each on a thread of its own.
    pub fn divide(self, engines: &mut [Engine<A>]) {
        if let [engine] = engines {
            return self.run(engine);
        }
        let (row, room) = (middle(self.x.nrows(), engines), middle(self.room, engines));
        let Self { model, room: all, x, y, input, values, output } = self;
        let (x, other_x) = x.split_at(Axis(0), row);
        let (y, other_y) = y.split_at(Axis(0), row);
        let (input, other_input) = input.split_at_mut(room * model.input_dim);
        let (values, other_values) = split_buffers(values, room, model.output_dims(&(0..model.slots.len())));
        let (output, other_output) = output.split_at_mut(room * model.output_dim());
        let (left, right) = engines.split_at_mut(engines.len() / 2);
        let part = Self { model, room, x, y, input, values, output };
        let other = Self {
            model,
            room: all - room,
            x: other_x,
            y: other_y,
            input: other_input,
            values: other_values,
            output: other_output,
        };
        rayon_core::join(|| part.divide(left), || other.divide(right));
    }

    fn run(mut self, engine: &mut Engine<A>) {
        let (model, layers) = (self.model, 0..self.model.slots.len());
        let turns = self.x.axis_chunks_iter(Axis(0), self.room);
        for (x, mut to) in turns.zip(self.y.axis_chunks_iter_mut(Axis(0), self.room)) {
            let (rows, outputs) = to.dim();
            let x = if x.is_standard_layout() {
                x
            } else {
                matrix_mut(self.input, rows, model.input_dim).assign(&x);
                matrix(self.input, rows, model.input_dim)
            };
            let values = self.values.each_mut().map(|buffer| &mut buffer[..]);
            let y = Some(matrix_mut(self.output, rows, outputs));
            ForwardPart { model, layers: layers.clone(), x, values, y, noise: None }.run(engine);
            to.assign(&matrix(self.output, rows, outputs));
        }
    }
}

/// Some rows on their way back through some layers, to the gradients by the inputs.
pub(super) struct BackwardPart<'a, A: Scalar> {
    pub model: &'a Sequential<A>,
    pub layers: Range<usize>,
    /// The values at all boundaries, for the whole batch.
    pub values: &'a [Vec<A>],
    /// The rows' place in the batch.
    pub rows: Range<usize>,
    /// The gradient by the last layer's output.
    pub dy: &'a [A],
    /// The gradients by the layers' inputs, to write.
    pub deltas: Buffers<'a, A>,
    /// The noise of the batch.
    pub noise: Noise,
}

impl<A: Scalar> BackwardPart<'_, A> {
    /// Divides the rows among the engines, each on a thread of its own.
    pub fn divide(self, engines: &mut [Engine<A>]) {
        if let [engine] = engines {
            return self.run(engine);
        }
        let Self { model, layers, values, rows, dy, deltas, noise } = self;
        let count = middle(rows.len(), engines);
        let row = rows.start + count;
        let (dy, other_dy) = dy.split_at(count * model.slots[layers.end - 1].output_dim);
        let (deltas, other_deltas) = split_buffers(deltas, count, model.delta_dims(&layers));
        let (left, right) = engines.split_at_mut(engines.len() / 2);
        let part = Self { model, layers: layers.clone(), values, rows: rows.start..row, dy, deltas, noise };
        let rows = row..rows.end;
        let other = Self { model, layers, values, rows, dy: other_dy, deltas: other_deltas, noise };
        rayon_core::join(|| part.divide(left), || other.divide(right));
    }

    fn run(mut self, engine: &mut Engine<A>) {
        let (model, count) = (self.model, self.rows.len());
        for (i, index) in self.layers.clone().enumerate().rev() {
            let slot = &model.slots[index];
            if index == 0 {
                return;
            }
            let (before, after) = self.deltas.split_at_mut(i + 1);
            let dy = if index + 1 == self.layers.end { self.dy } else { &*after[0] };
            let value = |boundary: usize, width| {
                let from = &self.values[boundary][self.rows.start * width..];
                matrix(from, count, width)
            };
            slot.layer.backward(Backward {
                params: &model.params[slot.range.clone()],
                x: value(index, slot.input_dim),
                y: value(index + 1, slot.output_dim),
                dy: matrix(dy, count, slot.output_dim),
                dx: Some(matrix_mut(before[i], count, slot.input_dim)),
                grad: None,
                noise: self.noise.layer(index).rows_from(self.rows.start),
                engine,
            });
        }
    }
}
