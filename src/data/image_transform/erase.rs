//! The rectangle of random erasing.

use std::ops::Range;

use super::draws::{Draw, Draws};
use crate::scalar::{Real, Scalar};

/// A rectangle of pixels.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rectangle {
    pub rows: Range<usize>,
    pub columns: Range<usize>,
}

impl Rectangle {
    /// Draws a rectangle inside an image of this height and width, given the ranges of its fraction of the image's area and of
    /// its height divided by its width.
    pub fn draw(draws: Draws, [height, width]: [usize; 2], area: [f64; 2], aspect: [f64; 2]) -> Self {
        let (full_height, full_width) = (height as f64, width as f64);
        let area = draws.between(Draw::Area, area) * full_height * full_width;
        // With a ratio between these limits, the rectangle is neither wider nor higher than the image.
        let limits = [area / (full_width * full_width), full_height * full_height / area];
        let [low, high] = aspect.map(|aspect| Real::clamp(aspect, limits[0], limits[1]));
        let aspect = low * Real::powf(high / low, draws.unit(Draw::Aspect));
        let high = whole((area * aspect).sqrt(), height);
        // The width makes up for the rounding of the height.
        let wide = whole(area / high as f64, width);
        let top = draws.below(Draw::Top, height - high + 1);
        let left = draws.below(Draw::Left, width - wide + 1);
        Self { rows: top..top + high, columns: left..left + wide }
    }

    /// Fills the rectangle in every channel of an image.
    pub fn fill<A: Scalar>(&self, image: &mut [A], [height, width]: [usize; 2], value: A) {
        for channel in image.chunks_exact_mut(height * width) {
            for row in channel.chunks_exact_mut(width).skip(self.rows.start).take(self.rows.len()) {
                row[self.columns.clone()].fill(value);
            }
        }
    }
}

/// Rounds a length to a whole number of pixels from 1 to `most`.
fn whole(length: f64, most: usize) -> usize {
    ((length + 0.5) as usize).clamp(1, most)
}
