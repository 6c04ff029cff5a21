//! Passes of a batch through several layers. If it is worthwhile, the rows are divided, and each thread passes some of the rows
//! through several layers, so that threads rarely wait for each other.

use std::ops::Range;

use ndarray::{ArrayView2, ArrayViewMut2, Axis};

use super::plan::Plan;
use super::scratch::{Kept, Memory, RowsOf};
use super::{Backward, Forward, Training};
use crate::buffer::matrix;
use crate::linalg::Engine;
use crate::parallel::{Divide, divide};
use crate::random::Noise;
use crate::scalar::Scalar;

/// Passes a batch forward through all layers of a plan, and keeps what the backward pass needs.
#[inline(never)]
pub(crate) fn forward<A: Scalar>(plan: &Plan<A>, pass: Forward<'_, A>) {
    forward_stretches(plan, pass, true);
}

/// Passes a batch forward, stretch by stretch. If the arrays are not kept, all rows may use the same place in an array.
fn forward_stretches<A: Scalar>(plan: &Plan<A>, pass: Forward<'_, A>, keeps: bool) {
    let Forward { params, buffers, mut x, y, mut kept, temporary, mut training, engine, .. } = pass;
    let mut last = Some(y);
    for stretch in plan.stretches(training.is_some()) {
        let layers = stretch.layers.clone();
        let mut own = kept.take(plan.kept(&layers).len());
        let is_last = layers.end == plan.slots.len();
        let mut y = last.take_if(|_| is_last).unwrap_or_else(|| kept.take_first());
        let shares = stretch.shares(x.nrows(), engine.thread_count());
        let (chunk, noise) = (stretch.rows::<A>(), training.as_ref().map(|training| training.noise));
        match if shares > 1 || chunk < x.nrows() { own.rows() } else { None } {
            Some(arrays) => {
                let (y, engines) = (y.view_mut(), engine.team(shares));
                let temporary = &mut temporary[..shares * plan.scratch.temporary];
                let arrays = (arrays, keeps);
                let part = ForwardPart {
                    plan,
                    layers,
                    params,
                    buffers,
                    x,
                    y,
                    arrays,
                    chunk,
                    noise,
                    temporary,
                    engines,
                };
                divide(part, shares, &ForwardPart::run);
            }
            None => {
                let mut room = None;
                let kept = own.lend(&mut room);
                let (input, output) = plan.shapes(&layers);
                let training = training.as_mut().map(|own| Training::new(own.noise, &mut *own.buffers));
                let (y, temporary, engine) = (y.view_mut(), &mut *temporary, &mut *engine);
                let pass =
                    Forward { params, buffers, input, output, x, y, kept, temporary, training, engine };
                forward_layers(plan, layers, pass);
            }
        }
        x = shared(y);
    }
}

/// Passes a batch, or a part of a batch, forward through some layers, one after another.
fn forward_layers<A: Scalar>(plan: &Plan<A>, layers: Range<usize>, pass: Forward<'_, A>) {
    let Forward { params, buffers, mut x, y, mut kept, temporary, mut training, engine, .. } = pass;
    let mut last = Some(y);
    for index in layers.clone() {
        let slot = &plan.slots[index];
        let own = kept.take(slot.declared.scratch.kept.len());
        let mut y = last.take_if(|_| index + 1 == layers.end).unwrap_or_else(|| kept.take_first());
        let training = training.as_mut().map(|all| {
            let buffers = all.buffers.get_mut(slot.buffer_range.clone()).unwrap_or_default();
            Training::new(all.noise.layer(index), buffers)
        });
        slot.layer.forward(Forward {
            params: &params[slot.range.clone()],
            buffers: &buffers[slot.buffer_range.clone()],
            input: slot.declared.input,
            output: slot.declared.output,
            x,
            y: y.view_mut(),
            kept: own.lend(&mut None),
            temporary: &mut temporary[..engine.thread_count() * slot.declared.scratch.temporary],
            training,
            engine: &mut *engine,
        });
        x = shared(y);
    }
}

/// Passes any number of samples through all layers in prediction, in chunks of rows that fit in the memory.
///
/// Shapes: x (samples, inputs), y (samples, outputs), both in standard layout.
#[inline(never)]
pub(crate) fn predict<A: Scalar>(
    plan: &Plan<A>,
    (params, buffers): (&[A], &[A]),
    x: ArrayView2<'_, A>,
    mut y: ArrayViewMut2<'_, A>,
    memory: &mut Memory<A>,
    engine: &mut Engine<A>,
) {
    let room = memory.capacity();
    if let [stretch] = plan.stretches(false) {
        let shares = stretch.shares(x.nrows(), engine.thread_count()).min(room);
        let (mut kept, temporary) = memory.forward(x.nrows());
        if let (true, Some(arrays)) = (shares > 1, kept.rows()) {
            let (layers, noise, engines) = (stretch.layers.clone(), None, engine.parts(shares));
            let (arrays, chunk) = ((arrays, false), stretch.rows::<A>());
            let part =
                ForwardPart { plan, layers, params, buffers, x, y, arrays, chunk, noise, temporary, engines };
            return divide(part, shares, &ForwardPart::run);
        }
    }
    let (input, output) = plan.shapes(&(0..plan.slots.len()));
    for (x, y) in x.axis_chunks_iter(Axis(0), room).zip(y.axis_chunks_iter_mut(Axis(0), room)) {
        let (kept, temporary) = memory.forward(x.nrows());
        let (training, engine) = (None, &mut *engine);
        let pass = Forward { params, buffers, input, output, x, y, kept, temporary, training, engine };
        forward_stretches(plan, pass, false);
    }
}

/// A forward pass of some rows through some layers.
struct ForwardPart<'a, A: Scalar> {
    plan: &'a Plan<A>,
    layers: Range<usize>,
    params: &'a [A],
    buffers: &'a [A],
    x: ArrayView2<'a, A>,
    y: ArrayViewMut2<'a, A>,
    /// The arrays, and whether each row keeps its place in them.
    arrays: (RowsOf<'a, A>, bool),
    /// The maximum number of rows that pass the layers together.
    chunk: usize,
    /// The noise of the rows in training, or `None` in prediction.
    noise: Option<Noise>,
    temporary: &'a mut [A],
    /// One engine for each thread that shares the rows.
    engines: &'a mut [Engine<A>],
}

impl<A: Scalar> Divide for ForwardPart<'_, A> {
    fn len(&self) -> usize {
        self.x.nrows()
    }

    fn split_at(self, row: usize) -> (Self, Self) {
        let Self { plan, layers, params, buffers, x, y, arrays, chunk, noise, temporary, engines } = self;
        let (x, other_x) = x.split_at(Axis(0), row);
        let (y, other_y) = y.split_at(Axis(0), row);
        let (own, other_arrays) = arrays.0.split_at(row, engines.len());
        let other_noise = noise.map(|noise| noise.rows_from(row));
        let half = engines.len() / 2;
        let (temporary, other_temporary) = temporary.split_at_mut(half * plan.scratch.temporary);
        let (engines, other_engines) = engines.split_at_mut(half);
        let other = Self {
            plan,
            layers: layers.clone(),
            params,
            buffers,
            x: other_x,
            y: other_y,
            arrays: (other_arrays, arrays.1),
            chunk,
            noise: other_noise,
            temporary: other_temporary,
            engines: other_engines,
        };
        let arrays = (own, arrays.1);
        (Self { plan, layers, params, buffers, x, y, arrays, chunk, noise, temporary, engines }, other)
    }
}

impl<A: Scalar> ForwardPart<'_, A> {
    fn run(self) {
        let Self { plan, layers, params, buffers, x, mut y, arrays, chunk, mut noise, temporary, engines } =
            self;
        let (mut arrays, keeps) = arrays;
        let (input, output) = plan.shapes(&layers);
        let chunk = chunk.min(arrays.room().1);
        for (x, y) in x.axis_chunks_iter(Axis(0), chunk).zip(y.axis_chunks_iter_mut(Axis(0), chunk)) {
            let (rows, room) = (x.nrows(), arrays.room());
            let mut own = arrays.reborrow();
            let kept = RowsOf::lend(&mut own, room, rows);
            let training = noise.map(|noise| Training::new(noise, &mut []));
            let (temporary, engine) = (&mut *temporary, &mut engines[0]);
            let pass = Forward { params, buffers, input, output, x, y, kept, temporary, training, engine };
            forward_layers(plan, layers.clone(), pass);
            if keeps {
                arrays = arrays.split_at(rows, 1).1;
            }
            noise = noise.map(|noise| noise.rows_from(rows));
        }
    }
}

/// Passes a batch backward through the first `count` layers of a plan.
#[inline(never)]
pub(crate) fn backward<A: Scalar>(plan: &Plan<A>, count: usize, pass: Backward<'_, A>) {
    let Backward { x, y, mut dy, mut dx, mut gradients, after_dx, .. } = pass;
    let (mut grad, kept, temporary, engine) = (pass.grad, pass.kept, pass.temporary, pass.engine);
    let value = |index: usize| kept.array(plan.output_at(index));
    for stretch in plan.stretches(true).iter().rev() {
        let (start, end) = (stretch.layers.start, stretch.layers.end.min(count));
        if start >= end {
            continue;
        }
        // Without dx, the first layer computes only the gradient with respect to its parameters, from the whole batch.
        let alone = start == 0 && dx.is_none() && !after_dx;
        let cut = if alone { end.min(1) } else { start };
        for layers in [cut..end, start..cut].into_iter().filter(|layers| !layers.is_empty()) {
            let own = gradients.take_end(plan.gradients(&layers));
            let mut below = if layers.start == 0 { dx.take() } else { Some(gradients.take_last()) };
            let (input, output) = plan.shapes(&layers);
            let mut room = None;
            let pass = Backward {
                params: pass.params,
                buffers: pass.buffers,
                input,
                output,
                x: if layers.start == 0 { x } else { value(layers.start - 1) },
                y: if layers.end == count { y } else { value(layers.end - 1) },
                dy,
                dx: below.as_mut().filter(|_| !after_dx).map(|dx| dx.view_mut()),
                grad: grad.as_deref_mut(),
                kept: kept.part(plan.kept(&layers)),
                gradients: own.lend(&mut room),
                after_dx,
                temporary: &mut *temporary,
                noise: pass.noise,
                engine: &mut *engine,
            };
            let shares = stretch.shares_back(x.nrows(), pass.engine.thread_count());
            let chunk = stretch.rows::<A>();
            let divides = (shares > 1 || chunk < x.nrows()) && pass.gradients.can_be_divided();
            match divides && pass.dx.is_some() {
                true => backward_divided(plan, layers, (shares, chunk), pass),
                false => backward_layers(plan, layers, pass),
            }
            if let Some(below) = below {
                dy = shared(below);
            }
        }
    }
}

/// Passes a batch backward through some layers: first for dx, divided by rows, and then for the gradients with respect to the
/// parameters, as a whole.
fn backward_divided<A: Scalar>(
    plan: &Plan<A>,
    layers: Range<usize>,
    (shares, chunk): (usize, usize),
    pass: Backward<'_, A>,
) {
    let Backward { params, buffers, x, y, dy, dx, kept, mut gradients, noise, .. } = pass;
    let (Some(dx), Some(arrays)) = (dx, gradients.rows()) else {
        unreachable!("a part is not divided again")
    };
    let (temporary, engines) = (&mut *pass.temporary, pass.engine.team(shares));
    let part = BackwardPart {
        plan,
        layers: layers.clone(),
        params,
        buffers,
        x,
        y,
        dy,
        dx,
        kept,
        arrays,
        chunk,
        noise,
        temporary,
        engines,
    };
    divide(part, shares, &BackwardPart::run);
    if pass.grad.is_some() {
        backward_layers(plan, layers, Backward { dx: None, gradients, after_dx: true, ..pass });
    }
}

/// Passes a batch, or a part of a batch, backward through some layers, one after another.
fn backward_layers<A: Scalar>(plan: &Plan<A>, layers: Range<usize>, pass: Backward<'_, A>) {
    let Backward { x, mut dy, mut dx, mut gradients, after_dx, .. } = pass;
    let (mut grad, kept, temporary, engine) = (pass.grad, pass.kept, pass.temporary, pass.engine);
    let before = plan.kept(&layers).start;
    for index in layers.clone().rev() {
        let slot = &plan.slots[index];
        let own = gradients.take_end(slot.declared.scratch.gradients.len());
        let mut below = if index == layers.start { dx.take() } else { Some(gradients.take_last()) };
        let dx = below.as_mut().filter(|_| !after_dx).map(|dx| dx.view_mut());
        let grad = grad.as_mut().map(|grad| &mut grad[slot.range.clone()]);
        if dx.is_some() || grad.as_ref().is_some_and(|grad| !grad.is_empty()) {
            let value = |index: usize| kept.array(plan.output_at(index) - before);
            slot.layer.backward(Backward {
                params: &pass.params[slot.range.clone()],
                buffers: &pass.buffers[slot.buffer_range.clone()],
                input: slot.declared.input,
                output: slot.declared.output,
                x: if index == layers.start { x } else { value(index - 1) },
                y: if index + 1 == layers.end { pass.y } else { value(index) },
                dy,
                dx,
                grad,
                kept: kept.part(slot.kept(before)),
                gradients: own.lend(&mut None),
                after_dx,
                temporary: &mut temporary[..engine.thread_count() * slot.declared.scratch.temporary],
                noise: pass.noise.layer(index),
                engine: &mut *engine,
            });
        }
        if let Some(below) = below {
            dy = shared(below);
        }
    }
}

/// A backward pass of some rows through some layers, for the gradient with respect to the input.
struct BackwardPart<'a, A: Scalar> {
    plan: &'a Plan<A>,
    layers: Range<usize>,
    params: &'a [A],
    buffers: &'a [A],
    x: ArrayView2<'a, A>,
    y: ArrayView2<'a, A>,
    dy: ArrayView2<'a, A>,
    dx: ArrayViewMut2<'a, A>,
    kept: Kept<'a, A>,
    arrays: RowsOf<'a, A>,
    /// The maximum number of rows that pass the layers together.
    chunk: usize,
    noise: Noise,
    temporary: &'a mut [A],
    /// One engine for each thread that shares the rows.
    engines: &'a mut [Engine<A>],
}

impl<A: Scalar> Divide for BackwardPart<'_, A> {
    fn len(&self) -> usize {
        self.x.nrows()
    }

    fn split_at(self, row: usize) -> (Self, Self) {
        let (x, other_x) = self.x.split_at(Axis(0), row);
        let (y, other_y) = self.y.split_at(Axis(0), row);
        let (dy, other_dy) = self.dy.split_at(Axis(0), row);
        let (dx, other_dx) = self.dx.split_at(Axis(0), row);
        let (kept, other_kept) = self.kept.split_at(row);
        let (arrays, other_arrays) = self.arrays.split_at(row, self.engines.len());
        let half = self.engines.len() / 2;
        let (temporary, other_temporary) = self.temporary.split_at_mut(half * self.plan.scratch.temporary);
        let (engines, other_engines) = self.engines.split_at_mut(half);
        let Self { plan, layers, params, buffers, chunk, noise, .. } = self;
        let other = Self {
            plan,
            layers: layers.clone(),
            params,
            buffers,
            x: other_x,
            y: other_y,
            dy: other_dy,
            dx: other_dx,
            kept: other_kept,
            arrays: other_arrays,
            chunk,
            noise: noise.rows_from(row),
            temporary: other_temporary,
            engines: other_engines,
        };
        let part = Self {
            plan,
            layers,
            params,
            buffers,
            x,
            y,
            dy,
            dx,
            kept,
            arrays,
            chunk,
            noise,
            temporary,
            engines,
        };
        (part, other)
    }
}

impl<A: Scalar> BackwardPart<'_, A> {
    fn run(self) {
        let Self { plan, layers, params, buffers, x, y, dy, mut dx, temporary, engines, .. } = self;
        let (mut kept, mut arrays, mut noise) = (self.kept, self.arrays, self.noise);
        let (input, output) = plan.shapes(&layers);
        let chunk = self.chunk.min(x.nrows());
        let outputs = y.axis_chunks_iter(Axis(0), chunk).zip(dy.axis_chunks_iter(Axis(0), chunk));
        let inputs = x.axis_chunks_iter(Axis(0), chunk).zip(dx.axis_chunks_iter_mut(Axis(0), chunk));
        for ((x, dx), (y, dy)) in inputs.zip(outputs) {
            let (rows, room) = (x.nrows(), arrays.room());
            let (own_kept, other_kept) = kept.split_at(rows);
            let mut own = arrays.reborrow();
            let pass = Backward {
                params,
                buffers,
                input,
                output,
                x,
                y,
                dy,
                dx: Some(dx),
                grad: None,
                kept: own_kept,
                gradients: RowsOf::lend(&mut own, room, rows),
                after_dx: false,
                temporary: &mut *temporary,
                noise,
                engine: &mut engines[0],
            };
            backward_layers(plan, layers.clone(), pass);
            (kept, arrays, noise) = (other_kept, arrays.split_at(rows, 1).1, noise.rows_from(rows));
        }
    }
}

/// Converts a mutable view to a read-only view.
pub(crate) fn shared<'a, A>(array: ArrayViewMut2<'a, A>) -> ArrayView2<'a, A> {
    let (rows, columns) = array.dim();
    matrix(array.into_slice().expect("passes hold arrays in standard layout"), rows, columns)
}
