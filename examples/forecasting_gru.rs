//! Forecasting with a recurrent network: it reads the last 24 hours of a series one by one and predicts the next. The example
//! `forecasting` gives the same hours to a network all at once.
//!
//! `cargo run --release --example forecasting_gru`; the reference is `reference/forecasting_gru.py`.

use std::f64::consts::TAU;

use manabi::activation::Identity;
use manabi::layer::Gru;
use manabi::loss::MeanSquaredError;
use manabi::metrics::root_mean_squared_error;
use manabi::ndarray::{Array2, s};
use manabi::optim::Adam;
use manabi::random::{Random, RandomState};
use manabi::{Affine, Result, Samples, Sequential, Trainer};

pub fn main() -> Result<()> {
    let noise = RandomState::new(11).normal((1, 1024), 0.0, 0.1);
    let wave = |hour: usize, period: f64| (TAU * hour as f64 / period).sin();
    let value = |hour: usize| wave(hour, 24.0) + 0.5 * wave(hour, 168.0) + noise[[0, hour]];
    let x = Array2::from_shape_fn((1000, 24), |(start, hour)| value(start + hour));
    let t = Array2::from_shape_fn((1000, 1), |(start, _)| value(start + 24));

    // 24 steps with one feature each.
    let past = Samples::new(x.slice(s![..750, ..]).to_owned(), t.slice(s![..750, ..]).to_owned())?;
    let past = past.with_shape([24, 1])?;
    let mut model = Sequential::builder([24, 1])
        .add_layer("gru1", Gru::new(16))
        .add_layer("affine1", Affine::new(1))
        .set_output(Identity)
        .set_error(MeanSquaredError)
        .build()?;
    Trainer::new().batch_size(25).epochs(15).optimizer(Adam::new(0.01)).fit(&mut model, &past)?;
    let predicted = model.predict(x.slice(s![750.., ..]))?;
    let error = root_mean_squared_error(predicted.view(), t.slice(s![750.., ..]), None)?;
    println!("root mean squared error {error:.5}; the noise alone has 0.1");
    // The value of the reference, which differs by rounding.
    assert!((error / 0.13634861320425012 - 1.0).abs() < 1e-6, "{error}");
    Ok(())
}
