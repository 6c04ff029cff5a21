//! The gradient of a convolution with respect to its weights. The left operand is read from the planes of the image.

use pulp::{Arch, Simd, WithSimd};

use super::Engine;
use super::convolution::Convolution;
use super::dots::Dots;
use super::job::{Pack, Packs, room};
use super::layout::Layout;
use super::row::add;
use super::stacks::{heights, padded};
use crate::lanes::LANES;
use crate::parallel::{Divide, divide, least, shares};
use crate::scalar::{Element, Scalar};

/// The number of filters of a group up to which the gradients are dot products. A register of filters would have unused lanes.
const FEW_FILTERS: usize = 8;

/// The number of weights of a filter up to which the gradients are dot products, if a channel of the output has at least as many
/// pixels. Transposing the gradient of the output would take longer than the product.
const FEW_WEIGHTS: usize = 128;

/// The number of parts of a batch whose gradients are computed separately.
const PARTS: usize = 8;

impl<A: Scalar> Engine<A> {
    /// Writes the gradients of a convolution with respect to its weights and, if present, to its biases.
    ///
    /// Shapes: `x` (batch, images), `dy` (batch, outputs), both flat.
    pub(crate) fn convolve_weights(
        &mut self,
        shape: Convolution,
        x: &[A],
        dy: &[A],
        d_weight: &mut [A],
        d_bias: Option<&mut [A]>,
    ) {
        let layout = Layout::new::<A>(shape);
        let ((image, output), (k, width)) = (shape.sizes(), layout.gradient());
        let (image, output, size) = (shape.groups * image, shape.groups * output, shape.groups * k * width);
        let rows = x.len() / image;
        let each = rows.div_ceil(PARTS).max(1);
        let count = rows.div_ceil(each).max(1);
        let work = x.len().saturating_mul(shape.filters).saturating_mul(shape.taps());
        let threads = shares(self.threads, work, least::MULTIPLICATIONS).min(count);
        let mut all = std::mem::take(&mut self.packs.sums);
        let sums = room(&mut all, count * size);
        let sizes = (each * image, each * output);
        let engines = self.team(threads);
        let parts = Parts { x, dy, sizes, sums: &mut *sums, size, engines };
        divide(parts, threads, &|Parts { x, dy, sizes, sums, size, engines }| {
            let parts = x.chunks(sizes.0).zip(dy.chunks(sizes.1));
            for (sums, (x, dy)) in sums.chunks_exact_mut(size).zip(parts) {
                layout.gradients(x, dy, sums, &mut engines[0].packs);
            }
        });
        let (first, others) = sums.split_at_mut(size);
        for other in others.chunks_exact(size) {
            add(layout.arch, other, first);
        }
        let weights = shape.channels * shape.taps();
        let filters = shape.groups * shape.filters;
        let value = |filter: usize, k_row: usize| {
            let (group, filter) = (filter / shape.filters, filter % shape.filters);
            let each = layout.sums_per_weight();
            let sums = &first[(group * k + k_row) * width + filter * each..][..each];
            sums[1..].iter().fold(sums[0], |total, &sum| total + sum)
        };
        for (filter, to) in (0..filters).zip(d_weight.chunks_exact_mut(weights)) {
            to.iter_mut().enumerate().for_each(|(i, to)| *to = value(filter, 1 + i));
        }
        if let Some(bias) = d_bias {
            bias.iter_mut().enumerate().for_each(|(filter, to)| *to = value(filter, 0));
        }
        self.packs.sums = all;
    }
}

/// Parts of a batch whose gradients are computed separately, and one engine for each thread that shares them.
struct Parts<'a, T> {
    x: &'a [T],
    dy: &'a [T],
    /// The number of values of a part in `x` and in `dy`. The last part may be shorter.
    sizes: (usize, usize),
    sums: &'a mut [T],
    /// The number of values of the gradient of a part.
    size: usize,
    engines: &'a mut [Engine<T>],
}

impl<T: Scalar> Divide for Parts<'_, T> {
    fn len(&self) -> usize {
        self.sums.len() / self.size
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        let Self { x, dy, sizes, sums, size, engines } = self;
        let (x, other_x) = x.split_at((at * sizes.0).min(x.len()));
        let (dy, other_dy) = dy.split_at((at * sizes.1).min(dy.len()));
        let (sums, other_sums) = sums.split_at_mut(at * size);
        let half = engines.len() / 2;
        let (engines, other_engines) = engines.split_at_mut(half);
        let other = Self { x: other_x, dy: other_dy, sizes, sums: other_sums, size, engines: other_engines };
        (Self { x, dy, sizes, sums, size, engines }, other)
    }
}

impl Layout {
    /// Returns the sizes of the gradient of a group, which is stored transposed: the padded number of weights of a filter and
    /// of its bias, and the number of sums for all filters, or the padded number of filters.
    fn gradient(self) -> (usize, usize) {
        let (shape, each) = (self.shape, self.sums_per_weight());
        let width = if each > 1 { shape.filters * each } else { shape.filters.next_multiple_of(self.lanes) };
        (padded(1 + shape.channels * shape.taps()), width)
    }

    /// Returns the number of sums for the gradient with respect to a weight: several if it is a dot product. The choice depends
    /// on the shape alone, because it affects the bits.
    fn sums_per_weight(self) -> usize {
        let (weights, pixels) = (self.shape.channels * self.shape.taps(), self.shape.pixels());
        let few = self.shape.filters <= FEW_FILTERS || weights <= FEW_WEIGHTS.min(pixels);
        if few { LANES } else { 1 }
    }

    /// Computes the gradients with respect to the weights and to the biases for some samples, transposed.
    fn gradients<T: Element>(self, x: &[T], dy: &[T], sums: &mut [T], packs: &mut Packs<T>) {
        let Self { shape, arch, .. } = self;
        let Packs { first: Pack { right, left }, offsets, .. } = packs;
        shape.offsets(offsets);
        let (k, width) = self.gradient();
        // The rows that only pad the gradient read the ones as well.
        offsets.resize(k, 0);
        let planes = room(right, self.planes() + LANES);
        planes.fill(T::ZERO);
        planes[..shape.plane()].fill(T::ONE);
        let (few, span) = (self.sums_per_weight() > 1, shape.span().next_multiple_of(LANES));
        let columns = room(left, if few { shape.filters * span } else { shape.pixels() * width });
        columns.fill(T::ZERO);
        sums.fill(T::ZERO);
        let (image, output) = shape.sizes();
        for (i, (x, dy)) in x.chunks_exact(image).zip(dy.chunks_exact(output)).enumerate() {
            let sums = &mut sums[i % shape.groups * k * width..][..k * width];
            shape.spread(arch, x, planes);
            if few {
                self.open_gaps(dy, columns, span);
                Dots { planes, offsets, dy: columns, span, sums, width }.compute(arch, shape.filters);
                continue;
            }
            transpose(dy, shape.filters, columns, width);
            for (col, registers) in self.each_panel(width) {
                let mut row = 0;
                for height in heights(k, self.lanes, self.many) {
                    let offsets = &offsets[row..][..height];
                    let sums = &mut sums[row * width + col..];
                    let taps = Taps { shape, planes, offsets, columns: &columns[col..], width, sums };
                    taps.compute(arch, registers);
                    row += height;
                }
            }
        }
    }
}

/// Writes the transpose of `from`, which has `rows` rows, to `to`, whose rows have `width` values.
fn transpose<T: Element>(from: &[T], rows: usize, to: &mut [T], width: usize) {
    let cols = from.len() / rows;
    for (row, from) in from.chunks_exact(cols).enumerate() {
        for (to, &from) in to.chunks_exact_mut(width).zip(from) {
            to[row] = from;
        }
    }
}

/// The sums of the products of the pixels that some weights meet, and of the gradients of a panel of filters there.
struct Taps<'a, T> {
    shape: Convolution,
    planes: &'a [T],
    /// The offsets of the weights.
    offsets: &'a [usize],
    /// The gradient of the output, a row for each pixel, starting at the panel's first column.
    columns: &'a [T],
    /// The distance between the rows of the gradient, and between the sums of two weights.
    width: usize,
    sums: &'a mut [T],
}

/// The sums of `H` weights and `W` registers of filters.
struct TapTile<'a, T, const H: usize, const W: usize>(Taps<'a, T>);

impl<T: Element, const H: usize, const W: usize> WithSimd for TapTile<'_, T, H, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Taps { shape, planes, offsets, columns, width, sums: to } = self.0;
        let ([high, wide], pitch) = (shape.axes.map(|axis| axis.output), shape.pitch());
        let offsets: &[usize; H] = offsets.first_chunk().expect("the tile has all offsets");
        let mut sums = [[T::splat(simd, T::ZERO); W]; H];
        let mut columns = columns.chunks(width);
        for row in 0..high {
            let mut rows = [&planes[..0]; H];
            for (row_of, &offset) in rows.iter_mut().zip(offsets) {
                *row_of = &planes[offset + row * pitch..][..wide];
            }
            for (j, column) in columns.by_ref().take(wide).enumerate() {
                let line: &[T::Vector<S>; W] =
                    T::vectors::<S>(column).0.first_chunk().expect("the line fills its registers");
                for i in 0..H {
                    let pixel = T::splat(simd, rows[i][j]);
                    for l in 0..W {
                        sums[i][l] = T::mul_add(simd, pixel, line[l], sums[i][l]);
                    }
                }
            }
        }
        let one = T::splat(simd, T::ONE);
        for i in 0..H {
            let to = T::vectors_mut::<S>(&mut to[i * width..][..W * T::lanes::<S>()]).0;
            for l in 0..W {
                to[l] = T::mul_add(simd, one, sums[i][l], to[l]);
            }
        }
    }
}

impl<T: Element> Taps<'_, T> {
    fn compute(self, arch: Arch, registers: usize) {
        match (self.offsets.len(), registers) {
            (8, 1) => arch.dispatch(TapTile::<_, 8, 1>(self)),
            (6, 1) => arch.dispatch(TapTile::<_, 6, 1>(self)),
            (4, 1) => arch.dispatch(TapTile::<_, 4, 1>(self)),
            (2, 1) => arch.dispatch(TapTile::<_, 2, 1>(self)),
            (1, 1) => arch.dispatch(TapTile::<_, 1, 1>(self)),
            (8, _) => arch.dispatch(TapTile::<_, 8, 2>(self)),
            (6, _) => arch.dispatch(TapTile::<_, 6, 2>(self)),
            (4, _) => arch.dispatch(TapTile::<_, 4, 2>(self)),
            (2, _) => arch.dispatch(TapTile::<_, 2, 2>(self)),
            _ => arch.dispatch(TapTile::<_, 1, 2>(self)),
        }
    }
}
