//! The digits, split into training, validation and test sets.

use std::path::Path;

use flate2::Crc;
use manabi::Normalizer;
use manabi::data::Images;
use ndarray::{Array3, Axis};

use crate::{Result, data};

/// The checksum of MNIST.
const MNIST: &str = "1939f699";

pub struct Digits {
    pub train: Images,
    pub test: Images,
    /// The training set without its last sixth, and the last sixth: 50,000 and 10,000 digits of MNIST.
    pub fit: Images,
    pub validation: Images,
    /// A checksum of all pixels and labels.
    pub checksum: String,
}

impl Digits {
    pub fn load(folder: Option<&Path>) -> Result<Self> {
        let (train, test) = data::load(folder)?;
        Self::new(train, test)
    }

    fn new(train: Images, test: Images) -> Result<Self> {
        let checksum = checksum([&train, &test]);
        let held_out = (train.len() / 6).max(1);
        let (fit, validation) = split(&train, train.len() - held_out)?;
        // The validation set relates to this part as the test set does to the whole training set.
        let normalizer = Normalizer::min_max(fit.pixels())?;
        let (fit, validation) = (fit.normalize(&normalizer)?, validation.normalize(&normalizer)?);
        Ok(Self { train, test, fit, validation, checksum })
    }

    /// Creates the sets from loaded digits.
    #[cfg(test)]
    pub fn of(mnist: manabi::Mnist) -> Result<Self> {
        let normalizer = Normalizer::min_max(mnist.train.pixels())?;
        Self::new(mnist.train.normalize(&normalizer)?, mnist.test.normalize(&normalizer)?)
    }

    /// Checks whether these are the article's digits.
    pub fn are_mnist(&self) -> bool {
        self.checksum == MNIST
    }

    pub fn describe(&self) -> String {
        let name = if self.are_mnist() { "MNIST" } else { "not MNIST" };
        let (train, test) = (self.train.len(), self.test.len());
        format!("{name}, checksum {}: {train} training digits, {test} test digits", self.checksum)
    }
}

fn checksum(parts: [&Images; 2]) -> String {
    let mut crc = Crc::new();
    for images in parts {
        images.pixels().rows().into_iter().for_each(|row| crc.update(row.to_slice().unwrap_or_default()));
        crc.update(images.labels());
    }
    format!("{:08x}", crc.sum())
}

/// Splits off the first `count` images.
fn split(images: &Images, count: usize) -> Result<(Images, Images)> {
    let (left, right) = images.pixels().split_at(Axis(0), count);
    let (left_labels, right_labels) = images.labels().split_at(count);
    let part = |pixels: ndarray::ArrayView2<'_, u8>, labels: &[u8]| -> Result<Images> {
        let (height, width) = images.size();
        let pixels =
            Array3::from_shape_vec((pixels.nrows(), height, width), pixels.iter().copied().collect())?;
        Ok(Images::new(pixels, labels.to_vec(), images.classes())?)
    };
    Ok((part(left, left_labels)?, part(right, right_labels)?))
}
