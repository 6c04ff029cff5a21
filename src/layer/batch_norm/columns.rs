//! Batch normalisation of vectors: every column of the batch is a feature. Columns are processed in blocks, with their sums on
//! the stack.

use std::ops::Range;

use ndarray::{ArrayViewMut2, Axis};

use super::super::{Backward, Forward, flat};
use super::BatchNorm;
use crate::lanes::{SHRINK, may_overflow};
use crate::parallel::{Divide, divide, least, shares};
use crate::scalar::Scalar;
use crate::simd::dispatch;

/// The maximum number of columns in a block. The sums of a block are on the stack, and its values in a batch fit in the nearest
/// cache.
const COLUMNS: usize = 64;

/// One value for each column of a block.
type Block = [f64; COLUMNS];

/// A range of columns: of a matrix, if present, and of two slices. A slice has one value per column, or is empty.
struct Columns<'a, A> {
    range: Range<usize>,
    matrix: Option<ArrayViewMut2<'a, A>>,
    slices: [&'a mut [A]; 2],
}

impl<A: Send> Divide for Columns<'_, A> {
    fn len(&self) -> usize {
        self.range.len().div_ceil(COLUMNS)
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        let Range { start, end } = self.range;
        let columns = (at * COLUMNS).min(end - start);
        let (left, right) = self.matrix.map(|matrix| matrix.split_at(Axis(1), columns)).unzip();
        let [(first, other_first), (second, other_second)] =
            self.slices.map(|slice| slice.split_at_mut(columns.min(slice.len())));
        let middle = start + columns;
        let part = Self { range: start..middle, matrix: left, slices: [first, second] };
        (part, Self { range: middle..end, matrix: right, slices: [other_first, other_second] })
    }
}

impl<A: Send> Columns<'_, A> {
    /// Calls `work` for one block after another.
    fn each(mut self, work: &impl Fn(Range<usize>, Option<ArrayViewMut2<'_, A>>, [&mut [A]; 2])) {
        while self.len() > 1 {
            let (first, rest) = self.split_at(1);
            work(first.range, first.matrix, first.slices);
            self = rest;
        }
        work(self.range, self.matrix, self.slices);
    }
}

/// The mean and the variance of each column of a block whose values are multiplied by `shrink`.
struct Moments {
    shrink: Block,
    mean: Block,
    variance: Block,
}

impl Moments {
    /// Returns the moments of a block of columns in a matrix of this width.
    #[inline(always)]
    fn of<A: Scalar>(x: &[A], width: usize, block: &Range<usize>) -> Self {
        let mut moments = Self::shrunk(x, width, block, [1.0; COLUMNS]);
        if may_overflow::<A>() && !moments.variance.iter().all(|variance| variance.is_finite()) {
            let shrink = moments.variance.map(|variance| if variance.is_finite() { 1.0 } else { SHRINK });
            moments = Self::shrunk(x, width, block, shrink);
        }
        moments
    }

    #[inline(always)]
    fn shrunk<A: Scalar>(x: &[A], width: usize, block: &Range<usize>, shrink: Block) -> Self {
        let rows = (x.len() / width) as f64;
        let (mut mean, mut variance) = ([0.0; COLUMNS], [0.0; COLUMNS]);
        for x in x.chunks_exact(width) {
            for ((sum, &shrink), &x) in mean.iter_mut().zip(&shrink).zip(&x[block.clone()]) {
                *sum += shrunk(x, shrink);
            }
        }
        for mean in &mut mean {
            *mean /= rows;
        }
        for x in x.chunks_exact(width) {
            for (((sum, &mean), &shrink), &x) in
                variance.iter_mut().zip(&mean).zip(&shrink).zip(&x[block.clone()])
            {
                let deviation = shrunk(x, shrink) - mean;
                *sum += deviation * deviation;
            }
        }
        for variance in &mut variance {
            *variance /= rows;
        }
        Self { shrink, mean, variance }
    }

    /// Returns 1/√(v + ε) for values that are multiplied by `shrink`.
    #[inline(always)]
    fn scale(&self, epsilon: f64) -> Block {
        let mut scale = self.variance;
        for (scale, shrink) in scale.iter_mut().zip(&self.shrink) {
            *scale = 1.0 / (*scale + epsilon * (shrink * shrink)).sqrt();
        }
        scale
    }
}

/// Returns x·shrink, or only x if the squares of such values cannot overflow.
#[inline(always)]
fn shrunk<A: Scalar>(x: A, shrink: f64) -> f64 {
    if may_overflow::<A>() { x.widen() * shrink } else { x.widen() }
}

impl BatchNorm {
    pub(super) fn forward_columns<A: Scalar>(&self, pass: Forward<'_, A>) {
        let Forward { params, buffers, x, y, training, engine, .. } = pass;
        let ((rows, width), x) = (x.dim(), flat(&x));
        let (weight, bias) = params.split_at(params.len() / 2);
        let (mean, variance) = buffers.split_at(width);
        let is_training = training.is_some();
        let slices = training.map_or([&mut [][..], &mut []], |training| {
            let (mean, variance) = training.buffers.split_at_mut(width);
            [mean, variance]
        });
        let columns = Columns { range: 0..width, matrix: Some(y), slices };
        let work = |block: Range<usize>, mut y: Option<ArrayViewMut2<'_, A>>, mut next: [&mut [A]; 2]| {
            dispatch(
                #[inline(always)]
                || {
                    let moments = match is_training {
                        true => Moments::of(x, width, &block),
                        false => Moments {
                            shrink: [1.0; COLUMNS],
                            mean: load(mean, &block, 0.0),
                            variance: load(variance, &block, 1.0),
                        },
                    };
                    self.follow_columns(&mut next, &moments, rows);
                    let Moments { shrink, mean, .. } = &moments;
                    let (scale, weight) = (moments.scale(self.epsilon), load(weight, &block, 1.0));
                    let bias = load(bias, &block, 0.0);
                    for (y, x) in rows_of(&mut y).zip(x.chunks_exact(width)) {
                        let x = &x[block.clone()];
                        for ((((((y, &x), &shrink), &mean), &scale), &weight), &bias) in
                            y.iter_mut().zip(x).zip(shrink).zip(mean).zip(&scale).zip(&weight).zip(&bias)
                        {
                            *y = A::of((shrunk(x, shrink) - mean) * scale * weight + bias);
                        }
                    }
                },
            );
        };
        let threads = shares(engine.thread_count(), x.len(), least::ELEMENTS);
        divide(columns, threads, &|part: Columns<'_, A>| part.each(&work));
    }

    /// Updates the running mean and variance with the moments of a batch, unless the slices are empty.
    #[inline(always)]
    fn follow_columns<A: Scalar>(
        &self,
        [means, variances]: &mut [&mut [A]; 2],
        batch: &Moments,
        rows: usize,
    ) {
        let factor = rows as f64 / (rows.max(2) - 1) as f64;
        for ((running, mean), shrink) in means.iter_mut().zip(&batch.mean).zip(&batch.shrink) {
            *running = self.follow(*running, mean / shrink);
        }
        for ((running, variance), shrink) in variances.iter_mut().zip(&batch.variance).zip(&batch.shrink) {
            *running = self.follow(*running, factor * variance / shrink / shrink);
        }
    }

    pub(super) fn backward_columns<A: Scalar>(&self, pass: Backward<'_, A>) {
        let Backward { params, x, dy, dx, grad, engine, .. } = pass;
        let ((rows, width), x, dy) = (x.dim(), flat(&x), flat(&dy));
        let weight = &params[..params.len() / 2];
        let grad = grad.unwrap_or_default();
        let (d_weight, d_bias) = grad.split_at_mut(grad.len() / 2);
        let columns = Columns { range: 0..width, matrix: dx, slices: [d_weight, d_bias] };
        let work = |block: Range<usize>, mut dx: Option<ArrayViewMut2<'_, A>>, mut grad: [&mut [A]; 2]| {
            dispatch(
                #[inline(always)]
                || {
                    let moments = Moments::of(x, width, &block);
                    let Moments { shrink, mean, .. } = &moments;
                    let scale = moments.scale(self.epsilon);
                    let (mut d_weight, mut d_bias) = ([0.0; COLUMNS], [0.0; COLUMNS]);
                    for (x, dy) in x.chunks_exact(width).zip(dy.chunks_exact(width)) {
                        let (x, dy) = (&x[block.clone()], &dy[block.clone()]);
                        for ((((((d_weight, d_bias), &x), &dy), &shrink), &mean), &scale) in d_weight
                            .iter_mut()
                            .zip(&mut d_bias)
                            .zip(x)
                            .zip(dy)
                            .zip(shrink)
                            .zip(mean)
                            .zip(&scale)
                        {
                            *d_weight += dy.widen() * ((shrunk(x, shrink) - mean) * scale);
                            *d_bias += dy.widen();
                        }
                    }
                    let [to_weight, to_bias] = &mut grad;
                    store(to_weight, &d_weight);
                    store(to_bias, &d_bias);
                    let mut factor = load(weight, &block, 1.0);
                    for i in 0..COLUMNS {
                        factor[i] *= shrink[i] * scale[i];
                        // From here on, `d_weight` is dγ/(n·√(v + ε)), with the divisor of X̂, and `d_bias` is dβ/n.
                        d_weight[i] *= scale[i] / rows as f64;
                        d_bias[i] /= rows as f64;
                    }
                    for (dx, (x, dy)) in
                        rows_of(&mut dx).zip(x.chunks_exact(width).zip(dy.chunks_exact(width)))
                    {
                        let (x, dy) = (&x[block.clone()], &dy[block.clone()]);
                        let settings = shrink.iter().zip(mean).zip(&factor).zip(&d_weight).zip(&d_bias);
                        for (((dx, &x), &dy), ((((&shrink, &mean), &factor), &d_weight), &d_bias)) in
                            dx.iter_mut().zip(x).zip(dy).zip(settings)
                        {
                            let deviation = shrunk(x, shrink) - mean;
                            *dx = A::of(factor * (dy.widen() - d_bias - deviation * d_weight));
                        }
                    }
                },
            );
        };
        let threads = shares(engine.thread_count(), x.len(), least::ELEMENTS);
        divide(columns, threads, &|part: Columns<'_, A>| part.each(&work));
    }
}

/// Returns a block of a slice, with the value `or` for columns that the slice does not have.
#[inline(always)]
fn load<A: Scalar>(from: &[A], block: &Range<usize>, or: f64) -> Block {
    let mut values = [or; COLUMNS];
    for (value, from) in values.iter_mut().zip(from.get(block.clone()).unwrap_or_default()) {
        *value = from.widen();
    }
    values
}

/// Writes a block to a slice, up to the length of the slice.
#[inline(always)]
fn store<A: Scalar>(to: &mut [A], values: &Block) {
    for (to, &value) in to.iter_mut().zip(values) {
        *to = A::of(value);
    }
}

/// Returns the rows of some columns, or no rows if `columns` is `None`.
#[inline(always)]
fn rows_of<'a, A>(columns: &'a mut Option<ArrayViewMut2<'_, A>>) -> impl Iterator<Item = &'a mut [A]> {
    let rows = columns.iter_mut().flat_map(|columns| columns.rows_mut());
    rows.map(|row| row.into_slice().expect("a row is contiguous"))
}
