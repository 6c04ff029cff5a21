//! Affine maps of images, with bilinear interpolation.

use std::cell::RefCell;

use crate::scalar::{Real, Scalar};
use crate::simd::dispatch;

thread_local! {
    /// A copy of one channel with a border. It grows to the size of the largest image that the thread has changed.
    static COPY: RefCell<Vec<f64>> = const { RefCell::new(Vec::new()) };
}

/// The map from a pixel of the result to its source in the original image, in the order (y, x):
/// source = matrix·pixel + offset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Map {
    matrix: [[f64; 2]; 2],
    offset: [f64; 2],
}

/// A movement of an image, given in the order (y, x): mirrored, then scaled and rotated around the centre, then shifted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Movement {
    pub mirrored: [bool; 2],
    pub scale: f64,
    pub degrees: f64,
    pub shift: [f64; 2],
}

impl Movement {
    /// Returns the inverse of the movement for images of this height and width.
    pub fn inverse(&self, size: [usize; 2]) -> Map {
        let (sin, cos) = sin_cos(self.degrees);
        let (sin, cos) = (sin / self.scale, cos / self.scale);
        let [y, x] = self.mirrored.map(|mirrored| if mirrored { -1.0 } else { 1.0 });
        let matrix = [[y * cos, y * sin], [x * -sin, x * cos]];
        let centre = size.map(|side| 0.5 * (side as f64 - 1.0));
        let moved = [centre[0] + self.shift[0], centre[1] + self.shift[1]];
        let offset = [0, 1].map(|axis| centre[axis] - product(matrix[axis], moved));
        Map { matrix, offset }
    }
}

impl Map {
    const IDENTITY: Self = Self { matrix: [[1.0, 0.0], [0.0, 1.0]], offset: [0.0, 0.0] };

    /// Returns whether the source of every pixel is a single pixel, so that nothing has to be interpolated.
    fn is_exact(&self) -> bool {
        let is_whole = |x: f64| x == Real::floor(x);
        self.matrix.as_flattened().iter().all(|&x| is_whole(x)) && self.offset.iter().all(|&x| is_whole(x))
    }

    #[inline(always)]
    fn source(&self, pixel: [f64; 2]) -> [f64; 2] {
        let [y, x] = self.matrix;
        [product(y, pixel) + self.offset[0], product(x, pixel) + self.offset[1]]
    }
}

/// Returns the mean of two values, given the weight of the second one.
#[inline(always)]
fn mean(values: &[f64], weight: f64) -> f64 {
    (1.0 - weight) * values[0] + weight * values[1]
}

#[inline(always)]
fn product(a: [f64; 2], b: [f64; 2]) -> f64 {
    a[0] * b[0] + a[1] * b[1]
}

/// Returns the sine and the cosine of an angle in degrees, exactly for multiples of 90.
fn sin_cos(degrees: f64) -> (f64, f64) {
    let quarters = Real::floor(degrees / 90.0 + 0.5);
    let rest = (degrees - 90.0 * quarters) * (std::f64::consts::PI / 180.0);
    let (sin, cos) = (Real::sin(rest), Real::cos(rest));
    match (quarters as i64).rem_euclid(4) {
        0 => (sin, cos),
        1 => (cos, -sin),
        2 => (-sin, -cos),
        _ => (-cos, sin),
    }
}

/// Replaces each pixel of each channel by the value at its source. The value outside of the image is `fill`.
pub(super) fn warp<A: Scalar>(image: &mut [A], [height, width]: [usize; 2], map: &Map, fill: f64) {
    if *map == Map::IDENTITY {
        return;
    }
    let is_exact = map.is_exact();
    COPY.with_borrow_mut(|copy| {
        for channel in image.chunks_exact_mut(height * width) {
            let original = Bordered::copy(copy, channel, width, fill);
            dispatch(
                #[inline(always)]
                || match is_exact {
                    true => original.write(map, channel, Bordered::pixel),
                    false => original.write(map, channel, Bordered::interpolated),
                },
            );
        }
    });
}

/// A channel with a border of the fill value: one pixel before the first row and column, two pixels after the last ones. Every
/// position in −1..=height and −1..=width therefore has four neighbours, and the border continues outside.
struct Bordered<'a> {
    values: &'a [f64],
    stride: usize,
    last: [f64; 2],
}

impl<'a> Bordered<'a> {
    fn copy<A: Scalar>(to: &'a mut Vec<f64>, channel: &[A], width: usize, fill: f64) -> Self {
        let (height, stride) = (channel.len() / width, width + 3);
        to.clear();
        to.resize((height + 3) * stride, fill);
        for (to, from) in to.chunks_exact_mut(stride).skip(1).zip(channel.chunks_exact(width)) {
            to[1..].iter_mut().zip(from).for_each(|(to, from)| *to = from.widen());
        }
        Self { values: to, stride, last: [height as f64, width as f64] }
    }

    /// Writes the value at the source of each pixel of the result.
    #[inline(always)]
    fn write<A: Scalar>(&self, map: &Map, channel: &mut [A], value: impl Fn(&Self, [f64; 2]) -> f64) {
        for (y, row) in channel.chunks_exact_mut(self.stride - 3).enumerate() {
            for (x, pixel) in row.iter_mut().enumerate() {
                *pixel = A::of(value(self, map.source([y as f64, x as f64])));
            }
        }
    }

    /// Moves a position far outside of the image to the border, where all values are the same.
    #[inline(always)]
    fn within(&self, [y, x]: [f64; 2]) -> [f64; 2] {
        [Real::clamp(y, -1.0, self.last[0]), Real::clamp(x, -1.0, self.last[1])]
    }

    #[inline(always)]
    fn index(&self, [y, x]: [f64; 2]) -> usize {
        (y + 1.0) as usize * self.stride + (x + 1.0) as usize
    }

    /// Returns the value at a position of whole numbers.
    #[inline(always)]
    fn pixel(&self, position: [f64; 2]) -> f64 {
        self.values[self.index(self.within(position))]
    }

    /// Returns the mean of the four pixels around a position, weighted by their proximity.
    #[inline(always)]
    fn interpolated(&self, position: [f64; 2]) -> f64 {
        let [y, x] = self.within(position);
        let (top, left) = (Real::floor(y), Real::floor(x));
        let (down, right) = (y - top, x - left);
        let at = self.index([top, left]);
        let (above, below) = (&self.values[at..at + 2], &self.values[at + self.stride..][..2]);
        (1.0 - down) * mean(above, right) + down * mean(below, right)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Random, RandomState};

    const STILL: Movement = Movement { mirrored: [false; 2], scale: 1.0, degrees: 0.0, shift: [0.0; 2] };

    fn image(size: [usize; 2]) -> Vec<f64> {
        RandomState::new(1).normal((1, size[0] * size[1]), 0.0, 1.0).into_raw_vec_and_offset().0
    }

    fn moved(movement: Movement, size: [usize; 2], fill: f64) -> Vec<f64> {
        let mut image = image(size);
        warp(&mut image, size, &movement.inverse(size), fill);
        image
    }

    /// Returns the image whose pixel (y, x) is the pixel source(y, x) of the original.
    fn picked(size: [usize; 2], source: impl Fn(usize, usize) -> (usize, usize)) -> Vec<f64> {
        let (image, width) = (image(size), size[1]);
        let pixel = |i: usize| {
            let (y, x) = source(i / width, i % width);
            image[y * width + x]
        };
        (0..image.len()).map(pixel).collect()
    }

    #[test]
    fn quarter_turns_move_whole_pixels() {
        for n in [1, 2, 5, 8] {
            let end = n - 1;
            let turned = |degrees| moved(Movement { degrees, ..STILL }, [n, n], 7.0);
            assert_eq!(turned(0.0), image([n, n]));
            assert_eq!(turned(90.0), picked([n, n], |y, x| (x, end - y)));
            assert_eq!(turned(180.0), picked([n, n], |y, x| (end - y, end - x)));
            assert_eq!(turned(-90.0), picked([n, n], |y, x| (end - x, y)));
            assert_eq!(turned(360.0), image([n, n]));
        }
        let size = [3, 6];
        assert_eq!(
            moved(Movement { degrees: 180.0, ..STILL }, size, 7.0),
            picked(size, |y, x| (2 - y, 5 - x))
        );
    }

    #[test]
    fn mirrors_come_before_turns_and_shifts_after_them() {
        let n = 6;
        let movement = Movement { mirrored: [false, true], degrees: 90.0, shift: [2.0, -1.0], ..STILL };
        let expected: Vec<f64> = (0..n * n)
            .map(|i| match (i / n, i % n) {
                (y, x) if y < 2 || x == n - 1 => 7.0,
                (y, x) => {
                    // The turn reads (x, end − y), and the mirror replaces the column c by end − c.
                    let (y, x) = (y - 2, x + 1);
                    image([n, n])[x * n + y]
                }
            })
            .collect();
        assert_eq!(moved(movement, [n, n], 7.0), expected);
    }

    #[test]
    fn interpolation_weighs_the_four_neighbours() {
        let size = [4, 5];
        let image = image(size);
        let half = moved(Movement { shift: [0.25, 0.5], ..STILL }, size, 2.0);
        let at = |y: isize, x: isize| match (0..4).contains(&y) && (0..5).contains(&x) {
            true => image[(y * 5 + x) as usize],
            false => 2.0,
        };
        for (i, value) in half.into_iter().enumerate() {
            let (y, x) = (i as isize / 5, i as isize % 5);
            let row = |y| 0.5 * at(y, x - 1) + 0.5 * at(y, x);
            assert!((value - (0.25 * row(y - 1) + 0.75 * row(y))).abs() < 1e-15, "{y}, {x}");
        }
    }

    #[test]
    fn scales_are_relative_to_the_centre() {
        // At half the size, an image of 4 columns covers the middle 2, which read between its pixels.
        let mut image = [1.0, 2.0, 3.0, 5.0].repeat(4);
        let map = Movement { scale: 0.5, ..STILL }.inverse([4, 4]);
        warp(&mut image, [4, 4], &map, 0.0);
        let row = [0.0, 1.5, 4.0, 0.0];
        assert_eq!(image, [[0.0; 4], row, row, [0.0; 4]].concat());
        let mut image = vec![1.0_f32; 16];
        warp(&mut image, [4, 4], &Movement { scale: 2.0, ..STILL }.inverse([4, 4]), 0.0);
        assert_eq!(image, [1.0; 16]);
    }
}
