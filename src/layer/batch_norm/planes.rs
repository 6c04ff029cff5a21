//! Batch normalisation of images and other samples with more than one dimension: every channel is a feature, with a plane of
//! values in each sample.

use std::ops::Range;

use ndarray::{ArrayViewMut2, ArrayViewMut3, Axis};

use super::super::{Backward, Forward, flat};
use super::BatchNorm;
use crate::lanes::{Lanes, SHRINK, may_overflow};
use crate::parallel::{Divide, divide, least, shares};
use crate::scalar::Scalar;
use crate::simd::dispatch;

/// A range of channels: of the planes of a batch, if present, and of two slices. A slice has one value per channel, or is empty.
struct Channels<'a, A> {
    range: Range<usize>,
    /// Shape (samples, channels, values per plane).
    planes: Option<ArrayViewMut3<'a, A>>,
    slices: [&'a mut [A]; 2],
}

impl<A: Send> Divide for Channels<'_, A> {
    fn len(&self) -> usize {
        self.range.len()
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        let Range { start, end } = self.range;
        let (left, right) = self.planes.map(|planes| planes.split_at(Axis(1), at)).unzip();
        let [(first, other_first), (second, other_second)] =
            self.slices.map(|slice| slice.split_at_mut(at.min(slice.len())));
        let part = Self { range: start..start + at, planes: left, slices: [first, second] };
        (part, Self { range: start + at..end, planes: right, slices: [other_first, other_second] })
    }
}

impl<A: Send> Channels<'_, A> {
    /// Calls `work` for one channel after another, with its planes and its value in each slice.
    fn each(self, work: impl Fn(usize, Option<ArrayViewMut2<'_, A>>, [Option<&mut A>; 2])) {
        let Self { range, mut planes, mut slices } = self;
        for (index, channel) in range.enumerate() {
            dispatch(
                #[inline(always)]
                || {
                    let planes = planes.as_mut().map(|planes| planes.index_axis_mut(Axis(1), index));
                    work(channel, planes, slices.each_mut().map(|slice| slice.get_mut(index)));
                },
            );
        }
    }
}

/// The values of a batch, viewed as planes.
#[derive(Clone, Copy)]
struct Planes<'a, A> {
    values: &'a [A],
    channels: usize,
    /// The number of values in a plane.
    size: usize,
}

impl<'a, A: Scalar> Planes<'a, A> {
    fn new(values: &'a [A], rows: usize, channels: usize) -> Self {
        Self { values, channels, size: values.len() / rows / channels }
    }

    /// Returns the planes of a channel, one for each sample.
    #[inline(always)]
    fn of(self, channel: usize) -> impl Iterator<Item = &'a [A]> {
        self.values.chunks_exact(self.size).skip(channel).step_by(self.channels)
    }

    /// Returns the number of values of a channel in all samples.
    fn count(self) -> usize {
        self.values.len() / self.channels
    }

    /// Returns the mean of a term over a channel.
    #[inline(always)]
    fn mean(self, channel: usize, term: impl Fn(f64) -> f64) -> f64 {
        let mut lanes = Lanes::new();
        for plane in self.of(channel) {
            lanes.add([plane], |[x]| term(x.widen()));
        }
        lanes.total() / self.count() as f64
    }
}

/// The mean and the variance of a channel whose values are multiplied by `shrink`.
#[derive(Clone, Copy)]
struct Moments {
    shrink: f64,
    mean: f64,
    variance: f64,
}

impl Moments {
    #[inline(always)]
    fn of<A: Scalar>(x: Planes<'_, A>, channel: usize) -> Self {
        let shrunk = |shrink: f64| {
            let mean = x.mean(channel, |x| shrink * x);
            let variance = x.mean(channel, |x| (shrink * x - mean) * (shrink * x - mean));
            Self { shrink, mean, variance }
        };
        let moments = shrunk(1.0);
        if may_overflow::<A>() && !moments.variance.is_finite() { shrunk(SHRINK) } else { moments }
    }

    /// Returns 1/√(v + ε) for values that are multiplied by `shrink`.
    fn scale(self, epsilon: f64) -> f64 {
        1.0 / (self.variance + epsilon * (self.shrink * self.shrink)).sqrt()
    }
}

impl BatchNorm {
    pub(super) fn forward_planes<A: Scalar>(&self, channels: usize, pass: Forward<'_, A>) {
        let Forward { params, buffers, x, y, training, engine, .. } = pass;
        let x = Planes::new(flat(&x), y.nrows(), channels);
        let (weight, bias) = params.split_at(params.len() / 2);
        let is_training = training.is_some();
        let slices = training.map_or([&mut [][..], &mut []], |training| {
            let (mean, variance) = training.buffers.split_at_mut(channels);
            [mean, variance]
        });
        let all = Channels { range: 0..channels, planes: Some(planes(y, channels)), slices };
        let work = |channel: usize, mut y: Option<ArrayViewMut2<'_, A>>, next: [Option<&mut A>; 2]| {
            let [mean, variance] = [buffers[channel], buffers[channels + channel]].map(A::widen);
            let moments = match is_training {
                true => Moments::of(x, channel),
                false => Moments { shrink: 1.0, mean, variance },
            };
            self.follow_channel(next, moments, x.count());
            let Moments { shrink, mean, .. } = moments;
            let scale = moments.scale(self.epsilon);
            let (weight, bias) = (value(weight, channel, 1.0), value(bias, channel, 0.0));
            for (mut y, x) in y.iter_mut().flat_map(|y| y.rows_mut()).zip(x.of(channel)) {
                let y = y.as_slice_mut().expect("a plane is contiguous");
                for (y, &x) in y.iter_mut().zip(x) {
                    *y = A::of((shrink * x.widen() - mean) * scale * weight + bias);
                }
            }
        };
        let threads = shares(engine.thread_count(), x.values.len(), least::ELEMENTS);
        divide(all, threads, &|part: Channels<'_, A>| part.each(work));
    }

    /// Updates the running mean and variance of a channel with the moments of a batch, if `next` has them.
    fn follow_channel<A: Scalar>(&self, next: [Option<&mut A>; 2], batch: Moments, count: usize) {
        if let [Some(mean), Some(variance)] = next {
            let factor = count as f64 / (count.max(2) - 1) as f64;
            *mean = self.follow(*mean, batch.mean / batch.shrink);
            *variance = self.follow(*variance, factor * batch.variance / batch.shrink / batch.shrink);
        }
    }

    pub(super) fn backward_planes<A: Scalar>(&self, channels: usize, pass: Backward<'_, A>) {
        let Backward { params, x, dy, dx, grad, engine, .. } = pass;
        let rows = x.nrows();
        let [x, dy] = [&x, &dy].map(|array| Planes::new(flat(array), rows, channels));
        let weight = &params[..params.len() / 2];
        let grad = grad.unwrap_or_default();
        let (d_weight, d_bias) = grad.split_at_mut(grad.len() / 2);
        let all = Channels {
            range: 0..channels,
            planes: dx.map(|dx| planes(dx, channels)),
            slices: [d_weight, d_bias],
        };
        let work = |channel: usize,
                    mut dx: Option<ArrayViewMut2<'_, A>>,
                    [to_weight, to_bias]: [Option<&mut A>; 2]| {
            let moments = Moments::of(x, channel);
            let Moments { shrink, mean, .. } = moments;
            let (scale, count) = (moments.scale(self.epsilon), x.count() as f64);
            let (mut d_weight, mut d_bias) = (Lanes::new(), Lanes::new());
            for (x, dy) in x.of(channel).zip(dy.of(channel)) {
                d_weight.add([x, dy], |[x, dy]| dy.widen() * ((shrink * x.widen() - mean) * scale));
                d_bias.add([dy], |[dy]| dy.widen());
            }
            let (d_weight, d_bias) = (d_weight.total(), d_bias.total());
            for (to, total) in [(to_weight, d_weight), (to_bias, d_bias)] {
                if let Some(to) = to {
                    *to = A::of(total);
                }
            }
            let factor = value(weight, channel, 1.0) * (shrink * scale);
            let (slope, shift) = (d_weight * scale / count, d_bias / count);
            let planes = x.of(channel).zip(dy.of(channel));
            for (mut dx, (x, dy)) in dx.iter_mut().flat_map(|dx| dx.rows_mut()).zip(planes) {
                let dx = dx.as_slice_mut().expect("a plane is contiguous");
                for ((dx, &x), &dy) in dx.iter_mut().zip(x).zip(dy) {
                    *dx = A::of(factor * (dy.widen() - shift - (shrink * x.widen() - mean) * slope));
                }
            }
        };
        let threads = shares(engine.thread_count(), x.values.len(), least::ELEMENTS);
        divide(all, threads, &|part: Channels<'_, A>| part.each(work));
    }
}

/// Views a matrix with a row per sample as planes.
fn planes<A>(array: ArrayViewMut2<'_, A>, channels: usize) -> ArrayViewMut3<'_, A> {
    let (rows, width) = array.dim();
    let values = array.into_slice().expect("passes hold arrays in standard layout");
    ArrayViewMut3::from_shape((rows, channels, width / channels), values).expect("rows have whole planes")
}

/// Returns the parameter of a channel, or the value `or` if there are no parameters.
fn value<A: Scalar>(from: &[A], channel: usize, or: f64) -> f64 {
    from.get(channel).map_or(or, |value| value.widen())
}
