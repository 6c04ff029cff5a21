//! Regression on noisy points with outliers, with a progress bar. The model is trained on normalised samples and predicts in
//! their original units.
//!
//! `cargo run --release --example regression`

use manabi::activation::{Identity, Tanh};
use manabi::data::Split;
use manabi::loss::Huber;
use manabi::ndarray::Array2;
use manabi::optim::{Adam, CosineDecay};
use manabi::random::{Random, RandomState};
use manabi::train::{EarlyStopping, ProgressBar};
use manabi::{Activation, Affine, Normalizer, Result, Samples, Sequential, Trainer, metrics};

/// Returns samples of sin x with noise. Every twentieth is an outlier.
fn points(count: usize, seed: u32) -> Result<Samples<f64>> {
    let mut random = RandomState::new(seed);
    let x = random.uniform((count, 1), -3.0, 3.0);
    let mut t = x.mapv(f64::sin) + random.normal((count, 1), 0.0, 0.1);
    t.column_mut(0).iter_mut().step_by(20).for_each(|t| *t += 3.0);
    Samples::new(x, t)
}

pub fn main() -> Result<()> {
    let data = points(600, 1)?;
    let (train, validation) = Split::fraction(0.25).seed(2).split(&data)?;
    let (train, validation) = (train.to_samples()?, validation.to_samples()?);
    let inputs = Normalizer::z_score_per_feature(train.x())?;
    let targets = Normalizer::z_score(train.t())?;
    let train = train.normalize(&inputs)?.normalize_targets(&targets)?;
    let validation = validation.normalize(&inputs)?.normalize_targets(&targets)?;
    let mut model = Sequential::builder(1)
        .add_layer("affine1", Affine::new(24))
        .add_layer("tanh1", Activation::new(Tanh))
        .add_layer("affine2", Affine::new(1))
        .set_output(Identity)
        .set_error(Huber::new(0.3))
        .build()?;
    let history = Trainer::new()
        .batch_size(50)
        .epochs(200)
        .optimizer(Adam::new(0.02))
        .schedule(CosineDecay::new(200 * 9))
        .validation(&validation)
        .early_stopping(EarlyStopping::new(50))
        .observe(ProgressBar::new())
        .fit(&mut model, &train)?;
    println!("{:?} after {} epochs, best {:?}", history.termination, history.epochs.len() - 1, history.best);

    // With its normalisers, the model takes x and returns y in their original units. Saving keeps the normalisers.
    model.set_input_normalizer(inputs)?;
    model.set_target_normalizer(targets)?;
    let x = Array2::from_shape_fn((13, 1), |(i, _)| -3.0 + 0.5 * i as f64);
    let (y, t) = (model.predict_raw(x.view())?, x.mapv(f64::sin));
    println!("    x   sin x       y");
    for ((x, t), y) in x.iter().zip(&t).zip(&y) {
        println!("{x:5.1}  {t:6.3}  {y:6.3}");
    }
    let error = metrics::root_mean_squared_error(y.view(), t.view(), None)?;
    println!("root mean squared error {error:.3}, R² {:.4}", metrics::r_squared(y.view(), t.view(), None)?);
    assert!(error < 0.1, "expected an error below 0.1 in spite of the outliers, got {error}");
    Ok(())
}
