//! Pictures of test images that the network reads wrongly.

use manabi::data::{Dataset, Images};
use manabi::metrics::classes;
use manabi::ndarray::Array2;
use manabi::{Scalar, Sequential};

use crate::mnist::Result;

/// The maximum number of mistakes on the page.
pub const SHOWN: usize = 24;
/// The number of images that are predicted at a time.
const BATCH: usize = 500;
/// The number of levels of grey in a picture.
const LEVELS: u16 = 15;

/// A test image with a wrong answer.
pub struct Mistake {
    row: usize,
    predicted: usize,
    /// The probability of the answer, from 0 to 1.
    probability: f64,
}

/// Returns all mistakes, the one with the highest probability first.
pub fn find<A: Scalar>(model: &Sequential<A>, test: &Images) -> Result<Vec<Mistake>> {
    let rows: Vec<usize> = (0..test.len()).collect();
    let mut mistakes = Vec::new();
    for rows in rows.chunks(BATCH) {
        let mut x = Array2::zeros((rows.len(), test.pixels().ncols()));
        let mut t = Array2::zeros((rows.len(), test.classes()));
        test.gather(rows, x.view_mut(), t.view_mut())?;
        let y = model.predict(x.view())?;
        for ((&row, predicted), y) in rows.iter().zip(classes(y.view())?).zip(y.rows()) {
            if predicted != usize::from(test.labels()[row]) {
                mistakes.push(Mistake { row, predicted, probability: y[predicted].into() });
            }
        }
    }
    mistakes.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    Ok(mistakes)
}

impl Mistake {
    pub fn html(&self, test: &Images) -> String {
        let Self { row, predicted, probability } = *self;
        let (label, probability) = (test.labels()[row], 100.0 * probability);
        let (height, width) = test.size();
        let pixels = test.pixels();
        let ink = ink(pixels.row(row).iter().copied(), width);
        format!(
            "<li><svg class=\"digit\" role=\"img\" aria-label=\"{label}, read as {predicted}\" viewBox=\"0 0 {width} {height}\">\
             {ink}</svg><span>{label}, read as {predicted}</span><span>{probability:.1} %</span></li>\n"
        )
    }
}

/// Draws pixels in the colour of text, with a path for every level of grey.
fn ink(pixels: impl Iterator<Item = u8>, width: usize) -> String {
    let mut levels = vec![String::new(); usize::from(LEVELS) + 1];
    for (i, pixel) in pixels.enumerate() {
        let level = (u16::from(pixel) * LEVELS + 127) / 255;
        levels[usize::from(level)] += &format!("M{} {}h1v1h-1z", i % width, i / width);
    }
    let inked = levels.iter().enumerate().skip(1).filter(|(_, path)| !path.is_empty());
    let opacity = |level: usize| level as f64 / f64::from(LEVELS);
    inked
        .map(|(level, path)| format!("<path fill-opacity=\"{:.2}\" d=\"{path}\"/>", opacity(level)))
        .collect()
}
