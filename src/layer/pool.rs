//! The windows of pooling layers: folds over the pixels of every window, and the way back.

use std::ops::Range;

use super::window::{Axis, Window};
use super::{Backward, Forward, flat, flat_mut};
use crate::error::{Error, Result};
use crate::parallel::parts;
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::simd::dispatch;

/// The maximum number of outputs of a row that are processed at a time.
const BLOCK: usize = 128;

/// The windows of all planes of a batch. A plane is one channel of one sample.
#[derive(Clone, Copy)]
pub(super) struct Pool {
    pub high: Axis,
    pub wide: Axis,
}

impl Pool {
    /// Divides an image into windows.
    pub fn new(window: &Window, input: Shape) -> Result<Self> {
        let axes = window.axes(input)?;
        for Axis { kernel, dilation, before, .. } in axes {
            let most = ((kernel - 1) * dilation).div_ceil(2);
            if before > most {
                return Err(Error::setting("padding", format!("at most {most}, half of the window"), before));
            }
        }
        let [high, wide] = axes;
        Ok(Self { high, wide })
    }

    /// Returns the shape of the output.
    pub fn output(window: &Window, input: Shape) -> Result<Shape> {
        let Self { high, wide } = Self::new(window, input)?;
        Ok(window.shape(input.dims()[0], [high.output, wide.output]))
    }

    /// Returns the numbers of values of a plane of the input and of the output.
    fn sizes(self) -> [usize; 2] {
        let Self { high, wide } = self;
        [high.input * wide.input, high.output * wide.output]
    }

    /// Returns whether the windows are squares of 2×2 pixels side by side. This common case has its own loops.
    #[inline(always)]
    fn halves(self) -> bool {
        [self.high, self.wide]
            .iter()
            .all(|axis| (axis.kernel, axis.stride, axis.dilation, axis.before) == (2, 2, 1, 0))
    }

    /// Calls `tap` for each pixel of a window, in row-major order, with the outputs of a part of a row whose windows have this
    /// pixel inside the image, and with the position of the pixel in the plane for the first of these outputs.
    #[inline(always)]
    fn taps(self, row: usize, part: &Range<usize>, mut tap: impl FnMut(Range<usize>, usize)) {
        let Self { high, wide } = self;
        for k in high.inside(row) {
            let line = (row * high.stride + k * high.dilation - high.before) * wide.input;
            for k in 0..wide.kernel {
                let outputs = wide.outputs(k);
                let (start, end) = (outputs.start.max(part.start), outputs.end.min(part.end));
                if start < end {
                    tap(start..end, line + (start * wide.stride + k * wide.dilation - wide.before));
                }
            }
        }
    }

    /// Writes the results of all windows to `y`.
    #[inline(always)]
    pub fn forward<A: Scalar>(window: &Window, pooling: impl Pooling<A>, mut pass: Forward<'_, A>) {
        let pool = Self::new(window, pass.input).expect("the pass was created for this layer");
        let ([input, output], wide, x) = (pool.sizes(), pool.wide, flat(&pass.x));
        parts(pass.engine.thread_count(), flat_mut(&mut pass.y), output, &|start, y| {
            let x = &x[start / output * input..];
            dispatch(
                #[inline(always)]
                || {
                    let halves = pool.halves();
                    for (x, y) in x.chunks_exact(input).zip(y.chunks_exact_mut(output)) {
                        for (row, y) in y.chunks_exact_mut(wide.output).enumerate() {
                            if halves {
                                join_halves(pooling, &x[2 * row * wide.input..], wide.input, y);
                            } else {
                                y.fill(pooling.start());
                                pool.taps(
                                    row,
                                    &(0..wide.output),
                                    #[inline(always)]
                                    |outputs, first| {
                                        join(pooling, &x[first..], wide.stride, &mut y[outputs]);
                                    },
                                );
                            }
                            pooling.scale(pool, row, 0, y);
                        }
                    }
                },
            );
        });
    }

    /// Writes the gradient with respect to the pixels to `dx`.
    #[inline(always)]
    pub fn backward<A: Scalar>(window: &Window, pooling: impl Pooling<A>, mut pass: Backward<'_, A>) {
        let Some(dx) = &mut pass.dx else { return };
        let pool = Self::new(window, pass.input).expect("the pass was created for this layer");
        let ([input, output], wide) = (pool.sizes(), pool.wide);
        let [x, y, dy] = [&pass.x, &pass.y, &pass.dy].map(flat);
        parts(pass.engine.thread_count(), flat_mut(dx), input, &|start, dx| {
            let plane = start / input;
            let (x, y, dy) = (&x[start..], &y[plane * output..], &dy[plane * output..]);
            dispatch(
                #[inline(always)]
                || {
                    let halves = pool.halves();
                    let mut left = [A::zero(); BLOCK];
                    let planes = dx.chunks_exact_mut(input).zip(x.chunks_exact(input));
                    let outputs = y.chunks_exact(output).zip(dy.chunks_exact(output));
                    for ((dx, x), (y, dy)) in planes.zip(outputs) {
                        dx.fill(A::zero());
                        let rows = y.chunks_exact(wide.output).zip(dy.chunks_exact(wide.output));
                        for (row, (y, dy)) in rows.enumerate() {
                            for start in (0..wide.output).step_by(BLOCK) {
                                let part = start..wide.output.min(start + BLOCK);
                                let left = &mut left[..part.len()];
                                left.copy_from_slice(&dy[part.clone()]);
                                pooling.scale(pool, row, start, left);
                                if halves {
                                    let at = 2 * row * wide.input + 2 * start;
                                    let (x, dx) = (&x[at..], &mut dx[at..]);
                                    give_halves(pooling, left, x, &y[part], wide.input, dx);
                                } else {
                                    pool.taps(
                                        row,
                                        &part,
                                        #[inline(always)]
                                        |outputs, first| {
                                            let (x, dx) = (&x[first..], &mut dx[first..]);
                                            let at = outputs.start - start;
                                            give(pooling, &mut left[at..], x, &y[outputs], wide.stride, dx);
                                        },
                                    );
                                }
                            }
                        }
                    }
                },
            );
        });
    }
}

impl Axis {
    /// Returns the pixels of the window of an output that are inside the image.
    #[inline(always)]
    pub fn inside(self, output: usize) -> Range<usize> {
        self.places_inside(output * self.stride, self.dilation, self.kernel)
    }

    /// Returns the outputs whose windows have a pixel inside the image. The inverse of [`inside`](Self::inside).
    #[inline(always)]
    fn outputs(self, pixel: usize) -> Range<usize> {
        self.places_inside(pixel * self.dilation, self.stride, self.output)
    }

    /// Returns the range of the first `count` positions inside the image, for positions that begin at `start`.
    #[inline(always)]
    fn places_inside(self, start: usize, step: usize, count: usize) -> Range<usize> {
        let first_from = |at: usize| {
            let distance = at.saturating_sub(start);
            // A division takes longer than the loop over a short row.
            if step == 1 { distance } else { distance.div_ceil(step) }.min(count)
        };
        first_from(self.before)..first_from(self.before + self.input)
    }
}

/// Returns the number of channels of an image and of the pixels of a channel.
pub(super) fn image(input: Shape) -> Result<[usize; 2]> {
    let [high, wide] = Window::new(1.into()).axes(input)?;
    Ok([input.dims()[0], high.input * wide.input])
}

/// What a pooling layer computes from the pixels of a window.
pub(super) trait Pooling<A>: Copy + Sync {
    /// Returns the value that is joined with the first pixel.
    fn start(self) -> A;
    /// Returns a value joined with a pixel.
    fn join(self, value: A, pixel: A) -> A;
    /// Turns the joined values of some outputs into the results, or the gradients of the results into the gradients of the joined
    /// values. The outputs are in this row and begin at this column.
    fn scale(self, pool: Pool, row: usize, column: usize, values: &mut [A]);
    /// Whether a single pixel of a window takes the gradient of the joined value. Otherwise, every pixel has this gradient.
    const SINGLE: bool;
    /// Returns whether a pixel `x` of a window with the result `y` takes the gradient if no pixel before it has taken it.
    fn takes(self, x: A, y: A) -> bool;
}

/// Joins each value of `y` with a pixel. The pixels are `stride` apart.
#[inline(always)]
fn join<A: Scalar>(pooling: impl Pooling<A>, x: &[A], stride: usize, y: &mut [A]) {
    // A loop over chunks of one value does not vectorise.
    if stride == 1 {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = pooling.join(*y, x);
        }
    } else {
        for (y, x) in y.iter_mut().zip(x.chunks(stride)) {
            *y = pooling.join(*y, x[0]);
        }
    }
}

/// Joins the squares of two rows of this width.
#[inline(always)]
fn join_halves<A: Scalar>(pooling: impl Pooling<A>, x: &[A], width: usize, y: &mut [A]) {
    let (upper, lower) = (x.as_chunks::<2>().0, x[width..].as_chunks::<2>().0);
    for ((y, &[a, b]), &[c, d]) in y.iter_mut().zip(upper).zip(lower) {
        *y = pooling.join(pooling.join(pooling.join(a, b), c), d);
    }
}

/// Adds the gradients of the pixels of [`join`] to `dx`. `left` contains the gradient of each output that is left for this pixel
/// and the next ones.
#[inline(always)]
fn give<A: Scalar, P: Pooling<A>>(pooling: P, left: &mut [A], x: &[A], y: &[A], stride: usize, dx: &mut [A]) {
    let outputs = left.iter_mut().zip(y);
    if stride == 1 {
        for (((left, &y), &x), dx) in outputs.zip(x).zip(dx) {
            let takes = pooling.takes(x, y);
            *dx += if takes { *left } else { A::zero() };
            *left = if P::SINGLE & takes { A::zero() } else { *left };
        }
    } else {
        for (((left, &y), x), dx) in outputs.zip(x.chunks(stride)).zip(dx.chunks_mut(stride)) {
            let takes = pooling.takes(x[0], y);
            dx[0] += if takes { *left } else { A::zero() };
            *left = if P::SINGLE & takes { A::zero() } else { *left };
        }
    }
}

/// The number of squares whose gradients are computed at a time.
const SQUARES: usize = 32;

/// Writes the gradients of the pixels of [`join_halves`] to `dx`.
///
/// Every step is a loop of its own over arrays on the stack, because the compiler vectorises such loops. Otherwise, it creates
/// branches that no processor predicts.
#[inline(always)]
fn give_halves<A: Scalar, P: Pooling<A>>(
    pooling: P,
    left: &mut [A],
    x: &[A],
    y: &[A],
    width: usize,
    dx: &mut [A],
) {
    let (upper, lower) = dx.split_at_mut(width);
    let from = [x, &x[width..]].map(|x| x.as_chunks::<2>().0);
    let to = [upper, lower].map(|dx| dx.as_chunks_mut::<2>().0);
    for start in (0..y.len()).step_by(SQUARES) {
        let count = SQUARES.min(y.len() - start);
        let (left, y) = (&mut left[start..][..count], &y[start..][..count]);
        for row in 0..2 {
            let (from, to) = (&from[row][start..][..count], &mut to[row][start..][..count]);
            let mut given = [[A::zero(); SQUARES]; 2];
            for col in 0..2 {
                let mut pixels = [A::zero(); SQUARES];
                for i in 0..count {
                    pixels[i] = from[i][col];
                }
                for i in 0..count {
                    let takes = pooling.takes(pixels[i], y[i]);
                    given[col][i] = if takes { left[i] } else { A::zero() };
                    left[i] = if P::SINGLE & takes { A::zero() } else { left[i] };
                }
            }
            for i in 0..count {
                to[i] = [given[0][i], given[1][i]];
            }
        }
    }
}
