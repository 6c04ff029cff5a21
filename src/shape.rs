//! The shape of one sample.

use std::fmt;

/// The shape of one sample: one to three dimensions.
///
/// A row of a batch contains the values of one sample in row-major order. Images have the shape (channels, height, width), as in
/// PyTorch.
///
/// # Examples
///
/// ```
/// use manabi::Shape;
///
/// let image = Shape::from([1, 28, 28]);
/// assert_eq!((image.dims(), image.size()), (&[1, 28, 28][..], 784));
/// assert_eq!(image.to_string(), "1x28x28");
/// assert_ne!(image, Shape::from(784));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    /// The dimensions, followed by zeros up to the maximum rank.
    dims: [usize; Self::MAX_RANK],
    rank: usize,
}

impl Shape {
    /// The maximum number of dimensions.
    pub const MAX_RANK: usize = 3;

    /// Returns the dimensions.
    pub fn dims(&self) -> &[usize] {
        &self.dims[..self.rank]
    }

    /// Returns the number of dimensions, from 1 to 3.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// Returns the number of values in a sample, or `usize::MAX` if the number overflows.
    pub fn size(&self) -> usize {
        self.dims().iter().fold(1, |size, &dim| size.saturating_mul(dim))
    }

    /// Returns whether a model with this input shape accepts samples with the shape `sample`. A shape with one dimension accepts
    /// every shape of the same size. A shape with more dimensions accepts only an equal shape.
    pub(crate) fn takes(&self, sample: Self) -> bool {
        *self == sample || (self.rank == 1 && self.size() == sample.size())
    }

    /// Returns the shape with these dimensions, or `None` unless the number of dimensions is 1 to 3.
    #[cfg_attr(not(feature = "persistence"), allow(dead_code, reason = "needed only to read files"))]
    pub(crate) fn of_dims(dims: &[usize]) -> Option<Self> {
        let mut shape = Self { dims: [0; Self::MAX_RANK], rank: dims.len() };
        shape.dims.get_mut(..dims.len()).filter(|_| !dims.is_empty())?.copy_from_slice(dims);
        Some(shape)
    }
}

impl From<usize> for Shape {
    fn from(size: usize) -> Self {
        Self { dims: [size, 0, 0], rank: 1 }
    }
}

impl From<[usize; 1]> for Shape {
    fn from([size]: [usize; 1]) -> Self {
        size.into()
    }
}

impl From<[usize; 2]> for Shape {
    fn from([channels, length]: [usize; 2]) -> Self {
        Self { dims: [channels, length, 0], rank: 2 }
    }
}

impl From<[usize; 3]> for Shape {
    fn from(dims: [usize; 3]) -> Self {
        Self { dims, rank: 3 }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dims: Vec<String> = self.dims().iter().map(usize::to_string).collect();
        f.pad(&dims.join("x"))
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
