//! Forecasting: a network predicts the next hour of a series from the last 24 hours. Each fold trains on the past and is measured
//! on the weeks after it.
//!
//! `cargo run --release --example forecasting`; the reference is `reference/forecasting.py`.

use std::f64::consts::TAU;

use manabi::activation::Identity;
use manabi::data::TimeSeriesSplit;
use manabi::loss::MeanSquaredError;
use manabi::metrics::root_mean_squared_error;
use manabi::ndarray::Array2;
use manabi::optim::Adam;
use manabi::random::{Random, RandomState};
use manabi::train::cross_validate;
use manabi::{Activation, Affine, Result, Samples, Sequential, Swish, Trainer};

pub fn main() -> Result<()> {
    let noise = RandomState::new(11).normal((1, 1024), 0.0, 0.1);
    let wave = |hour: usize, period: f64| (TAU * hour as f64 / period).sin();
    let value = |hour: usize| wave(hour, 24.0) + 0.5 * wave(hour, 168.0) + noise[[0, hour]];
    let x = Array2::from_shape_fn((1000, 24), |(start, hour)| value(start + hour));
    let t = Array2::from_shape_fn((1000, 1), |(start, _)| value(start + 24));
    let data = Samples::new(x, t)?;

    let folds = TimeSeriesSplit::new(3).split(&data)?;
    let errors = cross_validate(&folds, |_, (past, later)| {
        let mut model = Sequential::builder(24)
            .add_layer("affine1", Affine::new(16))
            .add_layer("swish1", Activation::new(Swish::default()))
            .add_layer("affine2", Affine::new(1))
            .set_output(Identity)
            .set_error(MeanSquaredError)
            .build()?;
        let mut trainer = Trainer::new().batch_size(25).epochs(40).optimizer(Adam::new(0.003)).threads(1);
        trainer.fit(&mut model, past)?;
        let later = later.to_samples()?;
        root_mean_squared_error(model.predict(later.x())?.view(), later.t(), None)
    })?;
    println!("root mean squared errors {errors:.5?}; the noise alone has 0.1");
    // The values of the reference, which differ by rounding.
    let reference = [0.15465638211993957, 0.14148630961616562, 0.14875215520071755];
    assert!(errors.iter().zip(reference).all(|(error, reference)| (error / reference - 1.0).abs() < 1e-6));
    Ok(())
}
