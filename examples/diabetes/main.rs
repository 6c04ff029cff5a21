//! The progression of diabetes from ten measurements of 442 patients: a regression in original units, measured by five times five
//! folds, with four kinds of first weights.
//!
//! `cargo run --release --example diabetes`
//!
//! `reference.py` wrote the data and measured the same network in scikit-learn.

use manabi::data::KFold;
use manabi::init::Initializer;
use manabi::ndarray::{Array2, s};
use manabi::optim::Adam;
use manabi::prelude::*;
use manabi::train::cross_validate;
use manabi::{Result, metrics};

/// The R² of scikit-learn's `MLPRegressor` on the same folds.
const SCIKIT_LEARN: f64 = 0.4693;
/// The number of models that are trained on each fold, whose scores are averaged.
const SEEDS: u32 = 8;

/// First weights: the name, and the initializers of the weights of the two layers and of the biases.
type First = (&'static str, [Initializer; 3]);

const FIRST: [First; 5] = {
    use Initializer as I;
    [
        ("He normal", [I::HE_NORMAL, I::HE_NORMAL, I::ZEROS]),
        ("He normal, last layer zero", [I::HE_NORMAL, I::ZEROS, I::ZEROS]),
        ("PyTorch's", [I::PYTORCH, I::PYTORCH, I::PYTORCH]),
        ("Keras's", [I::GLOROT_UNIFORM, I::GLOROT_UNIFORM, I::ZEROS]),
        ("scikit-learn's", [I::GLOROT_UNIFORM, I::GLOROT_UNIFORM, I::GLOROT_UNIFORM]),
    ]
};

/// Returns the measurements, and the progression as the only target.
fn patients() -> Result<Samples<f64>> {
    let lines = include_str!("diabetes.csv").lines().skip(1);
    let values: Vec<f64> =
        lines.flat_map(|line| line.split(',')).map(|value| value.parse().expect("a number")).collect();
    let table = Array2::from_shape_vec((values.len() / 11, 11), values).expect("11 columns");
    Samples::new(table.slice(s![.., ..10]).to_owned(), table.slice(s![.., 10..]).to_owned())
}

/// Trains a model that takes measurements and returns the progression in their original units.
fn fit(train: &Samples<f64>, [first, last, bias]: [Initializer; 3], seed: u32) -> Result<Sequential<f64>> {
    let inputs = Normalizer::z_score_per_feature(train.x())?;
    let targets = Normalizer::z_score(train.t())?;
    let mut model = Sequential::builder(10)
        .add_layer("affine1", Affine::new(32).weight_initializer(first).bias_initializer(bias))
        .add_layer("relu1", Activation::new(Relu))
        .add_layer("affine2", Affine::new(1).weight_initializer(last).bias_initializer(bias))
        .set_output(Identity)
        .set_error(MeanSquaredError)
        .seed(seed)
        .build()?;
    let train = train.clone().normalize(&inputs)?.normalize_targets(&targets)?;
    let trainer = Trainer::new().batch_size(32).epochs(40).optimizer(Adam::new(1e-3)).measure_before(false);
    trainer.seed(seed).threads(1).fit(&mut model, &train)?;
    model.set_input_normalizer(inputs)?;
    model.set_target_normalizer(targets)?;
    Ok(model)
}

pub fn main() -> Result<()> {
    let data = patients()?;
    let folds = KFold::new(5).repeats(5).split(&data)?;
    println!("first weights                  R²  error");
    let mut means = Vec::new();
    for (name, initializers) in FIRST {
        let scores = cross_validate(&folds, |fold, (train, held_out)| {
            let (train, held_out) = (train.to_samples()?, held_out.to_samples()?);
            let mut sum = [0.0; 2];
            for seed in 0..SEEDS {
                let model = fit(&train, initializers, SEEDS * fold as u32 + seed)?;
                let (y, t) = (model.predict_raw(held_out.x())?, held_out.t());
                sum[0] += metrics::r_squared(y.view(), t, None)?;
                sum[1] += metrics::root_mean_squared_error(y.view(), t, None)?;
            }
            Ok(sum)
        })?;
        let runs = scores.len() as f64 * f64::from(SEEDS);
        let [r_squared, error] = [0, 1].map(|i| scores.iter().map(|sum| sum[i]).sum::<f64>() / runs);
        println!("{name:26} {r_squared:6.4}  {error:5.1}");
        means.push(r_squared);
    }
    let same = means[4];
    assert!(
        (same / SCIKIT_LEARN - 1.0).abs() < 0.01,
        "expected {SCIKIT_LEARN} as in scikit-learn, got {same}"
    );
    assert!(
        means[0] + 0.05 < means[1].min(means[2]),
        "expected He normal on the last layer to cost accuracy"
    );
    Ok(())
}
