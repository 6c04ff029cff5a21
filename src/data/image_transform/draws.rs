//! The random decisions about one image.

use crate::random::Noise;

/// A random decision. Its number is its column in the noise of the image, so no decision changes the draw of another one.
/// Different numbers would change the results of existing programs.
#[derive(Clone, Copy)]
pub(super) enum Draw {
    HorizontalFlip = 0,
    VerticalFlip = 1,
    Scale = 2,
    Rotation = 3,
    ShiftDown = 4,
    ShiftRight = 5,
    Erasing = 6,
    Area = 7,
    Aspect = 8,
    Top = 9,
    Left = 10,
}

/// The draws for one image.
#[derive(Clone, Copy)]
pub(super) struct Draws(pub Noise);

impl Draws {
    /// Returns a multiple of 2⁻³², uniform in [0, 1).
    pub fn unit(self, draw: Draw) -> f64 {
        f64::from(self.0.bits(0, draw as usize)) / 4_294_967_296.0
    }

    /// Returns whether an event with this probability happens.
    pub fn happens(self, draw: Draw, probability: f64) -> bool {
        self.unit(draw) < probability
    }

    /// Returns a number between two limits.
    pub fn between(self, draw: Draw, [low, high]: [f64; 2]) -> f64 {
        low + (high - low) * self.unit(draw)
    }

    /// Returns one of the whole numbers 0..n.
    pub fn below(self, draw: Draw, n: usize) -> usize {
        (self.unit(draw) * n as f64) as usize
    }
}
