//! The rents of flats from a table with missing values and a category: a CSV file, its preprocessing, and an embedding of the
//! towns.
//!
//! `cargo run --release --example flats`; the reference is `reference/flats.py`.

use std::fmt::Write;

use manabi::data::table::{Category, Encoder, Missing, Number, Schema, Table};
use manabi::metrics::root_mean_squared_error;
use manabi::optim::Adam;
use manabi::prelude::*;
use manabi::{Result, ndarray};

/// The towns, with the rent of a flat without rooms and the rent per square metre.
const TOWNS: [(&str, f64, f64); 6] = [
    ("Bonn", 150.0, 9.5),
    ("Husum", 100.0, 6.0),
    ("Kiel", 120.0, 8.0),
    ("Lübeck", 130.0, 8.5),
    ("München", 300.0, 16.0),
    ("Ulm", 140.0, 10.5),
];
/// The number of flats, and the number of those to train on.
const FLATS: usize = 1500;
const TRAINING: usize = 1000;

/// Writes the table. One flat in ten has no size, and one in twenty has no town.
fn csv() -> String {
    let mut random = RandomState::new(12);
    let (numbers, draws) = (random.normal((FLATS, 3), 0.0, 1.0), random.uniform((FLATS, 3), 0.0, 1.0));
    let mut text = String::from("town,size,age,rent\n");
    for (number, draw) in numbers.rows().into_iter().zip(draws.rows()) {
        let (town, base, rate) = TOWNS[(draw[0] * TOWNS.len() as f64) as usize];
        let (size, age) = (f64::max(70.0 + 20.0 * number[0], 15.0), f64::abs(30.0 * number[1]));
        let rent = base + rate * size * (1.0 - 0.004 * age) + 20.0 * number[2];
        let size = if draw[1] < 0.1 { String::new() } else { format!("{size:.1}") };
        let town = if draw[2] < 0.05 { "" } else { town };
        writeln!(text, "{town},{size},{age:.0},{rent:.2}").expect("a text accepts all characters");
    }
    text
}

pub fn main() -> Result<()> {
    let table = Table::from_reader("flats.csv", csv().as_bytes(), b',')?;
    let (train, test): (Vec<usize>, Vec<usize>) = (0..FLATS).partition(|&row| row < TRAINING);
    let (train, test) = (table.select(&train)?, table.select(&test)?);

    let encoder = Schema::new()
        .number("size", Number::z_score().missing(Missing::Mean).flag(true))
        .number("age", Number::z_score())
        .category("town", Category::index().unknown(true))
        .target_number("rent")
        .fit(&train)?;
    let (train, test) = (encoder.samples::<f64>(&train)?, encoder.samples(&test)?);
    let rents = Normalizer::z_score(train.t())?;

    let mut model = Sequential::builder(encoder.input_dim())
        .add_layer("inputs", Concat::of_table(&encoder, |_| 3))
        .add_layer("affine1", Affine::new(24))
        .add_layer("swish1", Activation::new(Swish::default()))
        .add_layer("affine2", Affine::new(1))
        .set_output(Identity)
        .set_error(MeanSquaredError)
        .build()?;
    let train = train.normalize_targets(&rents)?;
    Trainer::new().batch_size(50).epochs(60).optimizer(Adam::new(0.01)).fit(&mut model, &train)?;
    model.set_target_normalizer(rents)?;
    model.set_note("table", encoder.to_text());

    let error = root_mean_squared_error(model.predict_raw(test.x())?.view(), test.t(), None)?;
    println!("root mean squared error of the rent: {error:.3}");
    // The value of the reference, which differs by rounding.
    assert!((error / 80.16821917812027 - 1.0).abs() < 1e-6, "{error}");

    // Another program has only the file of the model.
    let loaded = Sequential::<f64>::from_bytes(&model.to_bytes()?)?;
    let encoder = Encoder::from_text(loaded.note("table").unwrap_or_default())?;
    for town in ["München", "Husum", ""] {
        let flat = encoder.row(&[("town", town), ("size", "70"), ("age", "10")])?;
        let rent = loaded.predict_raw(ndarray::aview1(&flat).insert_axis(ndarray::Axis(0)))?;
        println!("{town:8} {:8.2}", rent[[0, 0]]);
    }
    Ok(())
}
