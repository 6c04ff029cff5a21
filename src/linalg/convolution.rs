//! The geometry of a convolution: the copies of an image in which every weight of a kernel meets consecutive values.
//!
//! A kernel moves over the image by the stride, so a weight at (i, j) meets the pixels i·dilation + r·stride, j·dilation +
//! s·stride for all outputs (r, s). Pixels whose row and column have the same remainders modulo the stride form a *plane*, a
//! padded image of its own. In its plane, the pixels that a weight meets are consecutive, apart from gaps between the rows of the
//! output. The *offset* of the weight is the position of the first one.
//!
//! The first plane consists of ones, and the bias is its weight.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use crate::scalar::Element;

/// The geometry of a convolution in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    /// The size of the image.
    pub input: usize,
    /// The size of the output.
    pub output: usize,
    pub kernel: usize,
    pub stride: usize,
    pub dilation: usize,
    /// The number of zeros before the first pixel.
    pub before: usize,
}

impl Axis {
    /// Returns the number of remainders modulo the stride at which weights meet pixels. Weight i has the remainder with the index
    /// i modulo this number.
    fn remainders(self) -> usize {
        self.kernel.min(self.stride / gcd(self.stride, self.dilation))
    }

    /// Returns the size of a plane.
    fn extent(self) -> usize {
        self.output + (self.kernel - 1) * self.dilation / self.stride
    }

    /// Returns the positions of the pixels in the plane of a remainder, and the first pixel.
    fn pixels(self, index: usize) -> (Range<usize>, usize) {
        let Self { input, stride, dilation, before, .. } = self;
        let remainder = index * dilation % stride;
        let from = before.saturating_sub(remainder).div_ceil(stride);
        let end = (input + before).saturating_sub(remainder).div_ceil(stride).min(self.extent());
        let first = from * stride + remainder - before;
        (from.min(end)..end, first)
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The geometry of a convolution: Y = W∗X + b.
///
/// Shapes of a sample: X (groups, channels, height, width), Y (groups, filters, height, width), W (groups, filters, channels,
/// height, width of the kernel), b (groups, filters).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Convolution {
    pub groups: usize,
    /// The number of channels of a group.
    pub channels: usize,
    /// The number of filters of a group.
    pub filters: usize,
    /// The geometry in the direction of the height and of the width.
    pub axes: [Axis; 2],
}

impl Convolution {
    /// Returns the distance between the rows of a plane.
    pub fn pitch(&self) -> usize {
        self.axes[1].extent()
    }

    /// Returns the number of values of a plane.
    pub fn plane(&self) -> usize {
        self.axes[0].extent() * self.pitch()
    }

    /// Returns the number of planes of a channel.
    pub fn planes(&self) -> usize {
        self.axes[0].remainders() * self.axes[1].remainders()
    }

    /// Returns the number of consecutive values that a weight meets, with the gaps between the rows of the output.
    pub fn span(&self) -> usize {
        let [high, wide] = self.axes;
        (high.output - 1) * self.pitch() + wide.output
    }

    /// Returns the number of values of a sample in a group of the image, and in a group of the output.
    pub fn sizes(&self) -> (usize, usize) {
        let [high, wide] = self.axes;
        (self.channels * high.input * wide.input, self.filters * self.pixels())
    }

    /// Returns the number of values of a channel of the output.
    pub fn pixels(&self) -> usize {
        self.axes[0].output * self.axes[1].output
    }

    /// Returns the number of weights of a filter for a channel.
    pub fn taps(&self) -> usize {
        self.axes[0].kernel * self.axes[1].kernel
    }

    /// Writes the offset of the bias, followed by the offsets of the weights of a filter.
    pub fn offsets(&self, offsets: &mut Vec<usize>) {
        let [high, wide] = self.axes;
        offsets.clear();
        offsets.push(0);
        let (remainders, pitch, plane) = (self.axes.map(Axis::remainders), self.pitch(), self.plane());
        for i in 0..high.kernel {
            for j in 0..wide.kernel {
                let planes = 1 + i % remainders[0] * remainders[1] + j % remainders[1];
                let (row, col) = (i * high.dilation / high.stride, j * wide.dilation / wide.stride);
                offsets.push(planes * plane + row * pitch + col);
            }
        }
        let (channel, taps) = (self.planes() * plane, self.taps());
        for i in 1..1 + (self.channels - 1) * taps {
            offsets.push(offsets[i] + channel);
        }
    }

    /// Writes the offsets of the second product, plane by plane, and the index of each offset's weight in the first channel of a
    /// filter: first the bias, and then the weights of the plane for each filter. The gradients of the filters' outputs have
    /// gaps between their rows and zeros around them, so that they are as large as planes. They follow after a plane of ones.
    pub fn back_offsets(&self, offsets: &mut Vec<usize>, places: &mut Vec<usize>) {
        let [high, wide] = self.axes;
        offsets.clear();
        places.clear();
        let (pitch, plane) = (self.pitch(), self.plane());
        for (row, col) in self.each_plane() {
            offsets.push(0);
            places.push(0);
            for filter in 0..self.filters {
                for i in (row..high.kernel).step_by(high.remainders()) {
                    for j in (col..wide.kernel).step_by(wide.remainders()) {
                        let shift = i * high.dilation / high.stride * pitch + j * wide.dilation / wide.stride;
                        offsets.push((1 + filter) * plane + self.margin() - shift);
                        places.push(filter * self.channels * self.taps() + i * wide.kernel + j);
                    }
                }
            }
        }
    }

    /// Returns the number of zeros before the gradient of an output in its plane.
    pub fn margin(&self) -> usize {
        self.plane() - self.span()
    }

    /// Returns the remainders of the planes of a channel.
    fn each_plane(self) -> impl Iterator<Item = (usize, usize)> {
        let [rows, cols] = self.axes.map(Axis::remainders);
        (0..rows).flat_map(move |row| (0..cols).map(move |col| (row, col)))
    }

    /// Returns the number of weights of a filter that meet the pixels of each plane of a channel.
    pub fn plane_taps(self) -> impl Iterator<Item = usize> {
        let [high, wide] = self.axes;
        let count = |axis: Axis, first: usize| (axis.kernel - first).div_ceil(axis.remainders());
        self.each_plane().map(move |(row, col)| count(high, row) * count(wide, col))
    }

    /// Returns the place of the pixels of each plane of a channel.
    pub(super) fn parts(self) -> impl Iterator<Item = Part> {
        let [high, wide] = self.axes;
        self.each_plane().map(move |(row, col)| {
            let ((rows, top), (cols, left)) = (high.pixels(row), wide.pixels(col));
            Part {
                pixels: top * wide.input + left,
                stride: high.stride * wide.input,
                step: wide.stride,
                start: rows.start * self.pitch() + cols.start,
                pitch: self.pitch(),
                rows: if cols.is_empty() { 0 } else { rows.len() },
                cols: cols.len(),
            }
        })
    }

    /// Copies the image of a group to its planes. The zeros around the pixels stay untouched.
    pub fn spread<T: Element>(&self, arch: Arch, image: &[T], planes: &mut [T]) {
        let [high, wide] = self.axes;
        let mut planes = planes[self.plane()..].chunks_mut(self.plane());
        for image in image.chunks_exact(high.input * wide.input) {
            for (part, plane) in self.parts().zip(&mut planes) {
                part.spread(arch, image, plane);
            }
        }
    }
}

/// The place of pixels in a channel and in a plane.
#[derive(Clone, Copy)]
pub(super) struct Part {
    /// The first pixel in the channel.
    pixels: usize,
    /// The distance between rows in the channel.
    stride: usize,
    /// The distance between the pixels of a row in the channel.
    step: usize,
    /// The first pixel in the plane.
    pub start: usize,
    /// The distance between rows in the plane.
    pitch: usize,
    rows: usize,
    cols: usize,
}

impl Part {
    /// Returns the number of values from the first pixel in the plane to the last one.
    pub fn span(self) -> usize {
        if self.rows == 0 { 0 } else { (self.rows - 1) * self.pitch + self.cols }
    }

    /// Copies pixels to the plane.
    fn spread<T: Element>(self, arch: Arch, channel: &[T], plane: &mut [T]) {
        let Self { pixels, stride, step, start, pitch, rows, cols } = self;
        if rows == 0 {
            return;
        }
        let (from, to) = (&channel[pixels..], &mut plane[start..]);
        if step == 1 {
            return arch.dispatch(CopyRows { from, from_stride: stride, to, to_stride: pitch, rows, cols });
        }
        for (from, to) in from.chunks(stride).zip(to.chunks_mut(pitch)).take(rows) {
            to[..cols].iter_mut().zip(from.iter().step_by(step)).for_each(|(to, &from)| *to = from);
        }
    }

    /// Copies values to pixels. The values begin at the first pixel, with gaps between rows.
    pub fn gather<T: Element>(self, arch: Arch, from: &[T], channel: &mut [T]) {
        let Self { pixels, stride, step, pitch, rows, cols, .. } = self;
        if rows == 0 {
            return;
        }
        let to = &mut channel[pixels..];
        if step == 1 {
            return arch.dispatch(CopyRows { from, from_stride: pitch, to, to_stride: stride, rows, cols });
        }
        for (from, to) in from.chunks(pitch).zip(to.chunks_mut(stride)).take(rows) {
            from[..cols].iter().zip(to.iter_mut().step_by(step)).for_each(|(&from, to)| *to = from);
        }
    }
}

/// The operation that copies a rectangle of values.
pub(super) struct CopyRows<'a, T> {
    pub from: &'a [T],
    pub from_stride: usize,
    pub to: &'a mut [T],
    pub to_stride: usize,
    pub rows: usize,
    pub cols: usize,
}

impl<T: Element> WithSimd for CopyRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { from, from_stride, to, to_stride, rows, cols } = self;
        for row in 0..rows {
            let (from, from_rest) = T::vectors::<S>(&from[row * from_stride..][..cols]);
            let (to, to_rest) = T::vectors_mut::<S>(&mut to[row * to_stride..][..cols]);
            for (to, &from) in to.iter_mut().zip(from) {
                *to = from;
            }
            if !to_rest.is_empty() {
                T::store(simd, to_rest, T::load(simd, from_rest));
            }
        }
    }
}
