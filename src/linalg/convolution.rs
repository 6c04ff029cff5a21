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

    /// Copies the image of a group to its planes. The zeros around the pixels stay untouched.
    pub fn spread<T: Element>(&self, arch: Arch, image: &[T], planes: &mut [T]) {
        self.each_part(|Part { pixels, stride, plane, pitch, rows, cols }| {
            let (from, to) = (&image[pixels..], &mut planes[plane..]);
            let step = self.axes[1].stride;
            if step == 1 {
                return arch.dispatch(CopyRows {
                    from,
                    from_stride: stride,
                    to,
                    to_stride: pitch,
                    rows,
                    cols,
                });
            }
            for (from, to) in from.chunks(stride).zip(to.chunks_mut(pitch)).take(rows) {
                to[..cols].iter_mut().zip(from.iter().step_by(step)).for_each(|(to, &from)| *to = from);
            }
        });
    }

    /// Copies the planes of a group back to the pixels of its image that are in a plane.
    pub fn gather<T: Element>(&self, arch: Arch, planes: &[T], image: &mut [T]) {
        self.each_part(|Part { pixels, stride, plane, pitch, rows, cols }| {
            let (from, to) = (&planes[plane..], &mut image[pixels..]);
            let step = self.axes[1].stride;
            if step == 1 {
                return arch.dispatch(CopyRows {
                    from,
                    from_stride: pitch,
                    to,
                    to_stride: stride,
                    rows,
                    cols,
                });
            }
            for (from, to) in from.chunks(pitch).zip(to.chunks_mut(stride)).take(rows) {
                from[..cols].iter().zip(to.iter_mut().step_by(step)).for_each(|(&from, to)| *to = from);
            }
        });
    }

    /// Calls `copy` with the place of the pixels of every plane.
    fn each_part(&self, mut copy: impl FnMut(Part)) {
        let [high, wide] = self.axes;
        let mut start = self.plane();
        for channel in 0..self.channels {
            for row in 0..high.remainders() {
                for col in 0..wide.remainders() {
                    let ((rows, top), (cols, left)) = (high.pixels(row), wide.pixels(col));
                    if !rows.is_empty() && !cols.is_empty() {
                        copy(Part {
                            pixels: (channel * high.input + top) * wide.input + left,
                            stride: high.stride * wide.input,
                            plane: start + rows.start * self.pitch() + cols.start,
                            pitch: self.pitch(),
                            rows: rows.len(),
                            cols: cols.len(),
                        });
                    }
                    start += self.plane();
                }
            }
        }
    }
}

/// The place of pixels in an image and in a plane.
struct Part {
    /// The first pixel in the image.
    pixels: usize,
    /// The distance between rows in the image.
    stride: usize,
    /// The first pixel in the planes.
    plane: usize,
    /// The distance between rows in the plane.
    pitch: usize,
    rows: usize,
    cols: usize,
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
