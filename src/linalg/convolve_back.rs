//! The gradient of a convolution with respect to its images, which is also a transposed convolution.
//!
//! Every value of a plane of the images is a sum of products of weights and of values of `dy`. As in a convolution, the values
//! that a weight meets are consecutive, if `dy` has gaps between its rows and zeros around it. Each plane is a product.

use std::ops::Range;

use super::Engine;
use super::convolution::Convolution;
use super::convolve::Kernel;
use super::job::{Pack, Packs, room};
use super::layout::Layout;
use super::stacks::padded;
use crate::scalar::{Element, Scalar};

impl<A: Scalar> Engine<A> {
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
}

impl Layout {
    /// Computes the gradients with respect to the images of some samples. The sums start from `kernel.bias`, one for each
    /// channel.
    fn backward<T: Element>(self, kernel: Kernel<'_, T>, dy: &[T], dx: &mut [T], packs: &mut Packs<T>) {
        let Self { shape, arch, .. } = self;
        let Packs { first: Pack { right, left }, sums, offsets, places, .. } = packs;
        shape.back_offsets(offsets, places);
        let (rows, plane, taps) = (shape.channels, shape.plane(), shape.taps());
        let size = padded(rows) * offsets.len();
        let left = room(left, shape.groups * size);
        // Without biases, the plane of ones is skipped.
        let skip = usize::from(kernel.bias.is_none());
        let ranges = || self.plane_ranges().map(|range| range.start + skip..range.end);
        for (group, left) in left.chunks_exact_mut(size).enumerate() {
            let weights = &kernel.weight[group * shape.filters * rows * taps..];
            for range in ranges() {
                let (places, left) = (&places[range.clone()], &mut left[padded(rows) * range.start..]);
                self.pack((rows, places.len()), left, |row| {
                    let bias = kernel.bias.map(|bias| bias[group * rows + row]);
                    let places = &places[1 - skip..];
                    bias.into_iter().chain(places.iter().map(move |&place| weights[place + row * taps]))
                });
            }
        }
        let planes = room(right, (1 + shape.filters) * plane + shape.margin() + self.lanes);
        planes.fill(T::ZERO);
        planes[..plane].fill(T::ONE);
        let span = |span: usize| span.next_multiple_of(self.lanes);
        let sums = room(sums, padded(rows) * span(plane));
        let (image, output) = shape.sizes();
        let [high, wide] = shape.axes;
        for (i, (dy, dx)) in dy.chunks_exact(output).zip(dx.chunks_exact_mut(image)).enumerate() {
            let group = i % shape.groups;
            self.open_gaps(dy, &mut planes[plane + shape.margin()..], plane);
            let pixels = high.input * wide.input;
            // Pixels between the windows are in no plane.
            for (channel, dx) in dx.chunks_exact_mut(pixels).enumerate() {
                dx.fill(kernel.bias.map_or(T::ZERO, |bias| bias[group * rows + channel]));
            }
            for (part, range) in shape.parts().zip(ranges()).filter(|(part, _)| part.span() > 0) {
                let left = &left[group * size + padded(rows) * range.start..];
                let right = (&planes[part.start..], &offsets[range]);
                self.product((left, rows), right, (sums, span(part.span())));
                for (from, dx) in sums.chunks_exact(span(part.span())).zip(dx.chunks_exact_mut(pixels)) {
                    part.gather(arch, from, dx);
                }
            }
        }
    }

    /// Returns, for each plane of a channel, the range of its offsets in the list of the second product.
    fn plane_ranges(self) -> impl Iterator<Item = Range<usize>> {
        let mut end = 0;
        let shape = self.shape;
        shape.plane_taps().map(move |taps| {
            let start = end;
            end += 1 + shape.filters * taps;
            start..end
        })
    }
}
