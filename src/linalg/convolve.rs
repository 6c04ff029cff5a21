//! A convolution. Its windows are not copied: the right operand of the product is read from the planes of the image.

use super::Engine;
use super::convolution::Convolution;
use super::job::{Pack, Packs, room};
use super::layout::Layout;
use super::stacks::padded;
use crate::parallel::{Divide, divide, least, shares};
use crate::scalar::{Element, Scalar};

/// The weights and the biases of a convolution.
#[derive(Clone, Copy)]
pub(crate) struct Kernel<'a, T> {
    pub weight: &'a [T],
    /// The biases, or `None` if the convolution has no biases.
    pub bias: Option<&'a [T]>,
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
        let (rows, k) = (shape.filters, offsets.len());
        let (size, weights) = (padded(rows) * k, shape.channels * shape.taps());
        let left = room(left, shape.groups * size);
        for (group, left) in left.chunks_exact_mut(size).enumerate() {
            self.pack((rows, k), left, |row| {
                let filter = group * rows + row;
                let bias = kernel.bias.map(|bias| bias[filter]);
                bias.into_iter().chain(kernel.weight[filter * weights..][..weights].iter().copied())
            });
        }
        let planes = room(right, self.planes());
        planes.fill(T::ZERO);
        planes[..shape.plane()].fill(T::ONE);
        let sums = room(sums, padded(rows) * span);
        let (image, output) = shape.sizes();
        for (i, (x, y)) in x.chunks_exact(image).zip(y.chunks_exact_mut(output)).enumerate() {
            let left = &left[i % shape.groups * size..][..size];
            shape.spread(arch, x, planes);
            self.product((left, rows), (planes, offsets), (sums, span));
            self.close_gaps(sums, y);
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

    /// Passes samples to `run`, divided among threads. `sizes` are the numbers of values of a sample in `from` and in `to`.
    pub(super) fn each_sample(
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
