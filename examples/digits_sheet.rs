//! Writes synthetic digits to a grey-scale image, one row per class: `cargo run --example digits_sheet sheet.pgm`.

use std::io::Write;

use manabi::data::synthetic_digits;
use ndarray::{Array2, s};

const COLUMNS: usize = 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "sheet.pgm".into());
    let (images, labels) = synthetic_digits(1000, 1)?;
    let mut sheet = Array2::<u8>::zeros((280, 28 * COLUMNS));
    for digit in 0..10 {
        let own = images.outer_iter().zip(&labels).filter(|&(_, &label)| usize::from(label) == digit);
        for (column, (image, _)) in own.take(COLUMNS).enumerate() {
            sheet.slice_mut(s![28 * digit..28 * (digit + 1), 28 * column..28 * (column + 1)]).assign(&image);
        }
    }
    let mut file = std::fs::File::create(path)?;
    writeln!(file, "P5 {} {} 255", sheet.ncols(), sheet.nrows())?;
    Ok(file.write_all(&sheet.into_raw_vec_and_offset().0)?)
}
