//! A convolution, and its gradient with respect to the images. Neither copies the windows of the image: the right operand of the
//! first one is read from the planes of the image, and the second one adds to such planes.

use pulp::Simd;

use super::Engine;
use super::convolution::{Convolution, CopyRows};
use super::job::{Pack, Packs, depth, room};
use super::kernel::{InPlace, Line, Right};
use super::layout::Layout;
use super::stacks::{Source, Stacks, padded};
use crate::parallel::{Divide, divide, least, shares};
use crate::scalar::{Element, Scalar};

/// The weights and the biases of a convolution.
#[derive(Clone, Copy)]
pub(crate) struct Kernel<'a, T> {
    pub weight: &'a [T],
    /// The biases, or `None` if the convolution has no biases.
    pub bias: Option<&'a [T]>,
}

/// A right operand that is read from the planes of an image: row k begins at the offset of weight k.
#[derive(Clone, Copy)]
struct Shifted<'a, T> {
    /// The planes, starting at the panel's first column.
    planes: &'a [T],
    offsets: &'a [usize],
}

impl<T: Element> Right<T> for Shifted<'_, T> {
    #[inline(always)]
    fn lines<S: Simd, const W: usize, const Q: usize>(self) -> impl Iterator<Item = (Line<T, S, W>, [T; Q])> {
        self.offsets.iter().map(move |&offset| {
            let line = &self.planes[offset..][..W * T::lanes::<S>()];
            let line = T::vectors::<S>(line).0.first_chunk().expect("the line fills its registers");
            (*line, [T::ZERO; Q])
        })
    }
}

impl Layout {
    /// Computes the outputs of some samples.
    fn forward<T: Element>(self, kernel: Kernel<'_, T>, x: &[T], y: &mut [T], packs: &mut Packs<T>) {
        let Self { shape, arch, span, .. } = self;
        let Packs { first: Pack { right, left }, sums, offsets, .. } = packs;
        shape.offsets(offsets);
        // Without biases, the plane of ones is skipped.
        let skip = usize::from(kernel.bias.is_none());
        let offsets = &offsets[skip..];
        let (k, rows) = (offsets.len(), padded(shape.filters));
        let left = room(left, shape.groups * rows * k);
        for (group, left) in left.chunks_exact_mut(rows * k).enumerate() {
            self.pack_forward(kernel, group, k, left);
        }
        let planes = room(right, self.planes());
        planes.fill(T::ZERO);
        planes[..shape.plane()].fill(T::ONE);
        let sums = room(sums, rows * span);
        let (image, output) = shape.sizes();
        for (i, (x, y)) in x.chunks_exact(image).zip(y.chunks_exact_mut(output)).enumerate() {
            let left = &left[i % shape.groups * rows * k..][..rows * k];
            shape.spread(arch, x, planes);
            for (col, registers) in self.panels(span) {
                for at in (0..k).step_by(depth(k)) {
                    let deep = depth(k).min(k - at);
                    let left = Stacks { a: &left[rows * at..], depth: deep };
                    let right = Shifted { planes: &planes[col..], offsets: &offsets[at..][..deep] };
                    self.tiles((left, shape.filters), right, registers, at > 0, (&mut sums[col..], span));
                }
            }
            self.close_gaps(sums, y);
        }
    }

    /// Packs the biases and the weights of a group, block by block.
    fn pack_forward<T: Element>(self, kernel: Kernel<'_, T>, group: usize, k: usize, left: &mut [T]) {
        let Convolution { channels, filters: rows, .. } = self.shape;
        let stride = channels * self.shape.taps();
        let biases = k - stride;
        for at in (0..k).step_by(depth(k)) {
            let deep = depth(k).min(k - at);
            let left = &mut left[padded(rows) * at..][..padded(rows) * deep];
            if let (0, Some(bias)) = (at, kernel.bias) {
                let weights = &bias[group * rows..];
                Source { weights, rows, stride: 1, step: 1 }.pack(deep, 0, self.heights(rows), left);
            }
            let skipped = biases.saturating_sub(at);
            let weights = &kernel.weight[group * rows * stride + at + skipped - biases..];
            Source { weights, rows, stride, step: 1 }.pack(deep, skipped, self.heights(rows), left);
        }
    }

    /// Copies the output of a group without the gaps between its rows.
    fn close_gaps<T: Element>(self, sums: &[T], y: &mut [T]) {
        let [high, wide] = self.shape.axes.map(|axis| axis.output);
        for (from, to) in sums.chunks_exact(self.span).zip(y.chunks_exact_mut(high * wide)) {
            let (from_stride, rows, cols) = (self.shape.pitch(), high, wide);
            self.arch.dispatch(CopyRows { from, from_stride, to, to_stride: wide, rows, cols });
        }
    }

    /// Copies the gradient of the output of a group, with gaps between its rows.
    fn open_gaps<T: Element>(self, dy: &[T], to: &mut [T]) {
        let [high, wide] = self.shape.axes.map(|axis| axis.output);
        for (from, to) in dy.chunks_exact(high * wide).zip(to.chunks_exact_mut(self.span)) {
            let (to_stride, rows, cols) = (self.shape.pitch(), high, wide);
            self.arch.dispatch(CopyRows { from, from_stride: wide, to, to_stride, rows, cols });
        }
    }

    /// Computes the gradients with respect to the images of some samples. The sums start from `kernel.bias`, one for each
    /// channel.
    fn backward<T: Element>(self, kernel: Kernel<'_, T>, dy: &[T], dx: &mut [T], packs: &mut Packs<T>) {
        let Self { shape, arch, span, .. } = self;
        let Packs { first: Pack { right, left }, sums, offsets, .. } = packs;
        shape.offsets(offsets);
        let (taps, k, rows) = (shape.taps(), shape.filters, padded(shape.channels));
        let left = room(left, shape.groups * taps * rows * k);
        for (i, left) in left.chunks_exact_mut(rows * k).enumerate() {
            self.pack_backward(kernel.weight, i / taps, i % taps, left);
        }
        let planes = room(right, self.planes());
        let spread = room(sums, k * span);
        spread.fill(T::ZERO);
        let (image, output) = shape.sizes();
        let stride = shape.planes() * shape.plane();
        for (i, (dy, dx)) in dy.chunks_exact(output).zip(dx.chunks_exact_mut(image)).enumerate() {
            let group = i % shape.groups;
            let starts = kernel.bias.map(|bias| &bias[group * shape.channels..][..shape.channels]);
            let start = |channel| starts.map_or(T::ZERO, |starts: &[T]| starts[channel]);
            planes.fill(T::ZERO);
            if starts.is_some() {
                let channels = planes[shape.plane()..].chunks_exact_mut(stride).take(shape.channels);
                channels.enumerate().for_each(|(channel, planes)| planes.fill(start(channel)));
            }
            self.open_gaps(dy, spread);
            for (col, registers) in self.panels(span) {
                // From the last place of the kernel to the first: a pixel then receives its products in the order of the outputs,
                // whatever the width of the panels.
                for tap in (0..taps).rev() {
                    let left = &left[(group * taps + tap) * rows * k..];
                    for at in (0..k).step_by(depth(k)) {
                        let deep = depth(k).min(k - at);
                        let left = Stacks { a: &left[rows * at..], depth: deep };
                        let right = InPlace {
                            b: &spread[at * span + col..][..(deep - 1) * span + registers * self.lanes],
                            stride: span,
                        };
                        let c = &mut planes[offsets[1 + tap] + col..];
                        self.tiles((left, shape.channels), right, registers, true, (c, stride));
                    }
                }
            }
            let pixels = shape.axes[0].input * shape.axes[1].input;
            dx.chunks_exact_mut(pixels).enumerate().for_each(|(channel, dx)| dx.fill(start(channel)));
            shape.gather(arch, planes, dx);
        }
    }

    /// Packs the weights of a group at one place of the kernel, transposed, block by block.
    fn pack_backward<T: Element>(self, weight: &[T], group: usize, tap: usize, left: &mut [T]) {
        let (Convolution { channels: rows, filters: k, .. }, stride) = (self.shape, self.shape.taps());
        for at in (0..k).step_by(depth(k)) {
            let deep = depth(k).min(k - at);
            let weights = &weight[(group * k + at) * rows * stride + tap..];
            let left = &mut left[padded(rows) * at..][..padded(rows) * deep];
            Source { weights, rows, stride, step: rows * stride }.pack(deep, 0, self.heights(rows), left);
        }
    }
}

/// Samples that pass one of the first two products, and one engine for each thread that shares them.
struct Samples<'a, T> {
    from: &'a [T],
    to: &'a mut [T],
    /// The number of values of a sample in `from` and in `to`.
    sizes: (usize, usize),
    engines: &'a mut [Engine<T>],
}

impl<T: Scalar> Divide for Samples<'_, T> {
    fn len(&self) -> usize {
        self.from.len() / self.sizes.0
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        let Self { from, to, sizes, engines } = self;
        let (from, other_from) = from.split_at(at * sizes.0);
        let (to, other_to) = to.split_at_mut(at * sizes.1);
        let half = engines.len() / 2;
        let (engines, other_engines) = engines.split_at_mut(half);
        let other = Self { from: other_from, to: other_to, sizes, engines: other_engines };
        (Self { from, to, sizes, engines }, other)
    }
}

impl<A: Scalar> Engine<A> {
    /// Writes the outputs of a convolution to `y`.
    ///
    /// Shapes: `x` (batch, images), `y` (batch, outputs), both flat.
    pub(crate) fn convolve(&mut self, shape: Convolution, kernel: Kernel<'_, A>, x: &[A], y: &mut [A]) {
        let layout = Layout::new::<A>(shape);
        let (image, output) = shape.sizes();
        let sizes = (shape.groups * image, shape.groups * output);
        self.each_sample(shape, x, y, sizes, &|x, y, packs| layout.forward(kernel, x, y, packs));
    }

    /// Writes the gradient of a convolution with respect to its images to `dx`, plus the bias of each channel of the image.
    ///
    /// Shapes: `dy` (batch, outputs), `dx` (batch, images), both flat.
    pub(crate) fn convolve_back(
        &mut self,
        shape: Convolution,
        kernel: Kernel<'_, A>,
        dy: &[A],
        dx: &mut [A],
    ) {
        let layout = Layout::new::<A>(shape);
        let (image, output) = shape.sizes();
        let sizes = (shape.groups * output, shape.groups * image);
        self.each_sample(shape, dy, dx, sizes, &|dy, dx, packs| layout.backward(kernel, dy, dx, packs));
    }

    fn each_sample(
        &mut self,
        shape: Convolution,
        from: &[A],
        to: &mut [A],
        sizes: (usize, usize),
        run: &(impl Fn(&[A], &mut [A], &mut Packs<A>) + Sync),
    ) {
        let work = from.len().saturating_mul(shape.filters).saturating_mul(shape.taps());
        let threads = shares(self.threads, work, least::MULTIPLICATIONS).min(from.len() / sizes.0).max(1);
        let samples = Samples { from, to, sizes, engines: self.team(threads) };
        divide(samples, threads, &|Samples { from, to, engines, .. }| run(from, to, &mut engines[0].packs));
    }
}
