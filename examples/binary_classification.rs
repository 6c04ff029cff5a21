//! Binary classification on a small table: a stratified split, features in different units, and an evaluation by confusion
//! matrix.
//!
//! `cargo run --release --example binary_classification`

use manabi::activation::Sigmoid;
use manabi::data::Split;
use manabi::loss::BinaryCrossEntropy;
use manabi::metrics::ConfusionMatrix;
use manabi::ndarray::{Array2, array};
use manabi::optim::Adam;
use manabi::random::{Random, RandomState};
use manabi::train::EarlyStopping;
use manabi::{Activation, Affine, Normalizer, Result, Samples, Sequential, Swish, Trainer};

/// Returns data on machines that fail if they are too hot for their load. The features are temperature (°C), load (fraction)
/// and age (days). Label 1 means failure. A tenth of the labels is random.
fn machines(count: usize, seed: u32) -> Result<Samples<f32>> {
    let mut random = RandomState::new(seed);
    let draws = random.uniform((count, 5), 0.0, 1.0);
    let x = Array2::from_shape_fn((count, 3), |(row, feature)| match feature {
        0 => 20.0 + 80.0 * draws[[row, 0]] as f32,
        1 => draws[[row, 1]] as f32,
        _ => 3000.0 * draws[[row, 2]] as f32,
    });
    let t = Array2::from_shape_fn((count, 1), |(row, _)| {
        let fails = x[[row, 0]] - 50.0 * x[[row, 1]] > 55.0 - x[[row, 2]] / 200.0;
        let chance = draws[[row, 3]] < 0.1;
        f32::from(u8::from(if chance { draws[[row, 4]] < 0.5 } else { fails }))
    });
    Samples::new(x, t)
}

pub fn main() -> Result<()> {
    let table = machines(800, 1)?;
    let (train, validation) = Split::fraction(0.25).stratified(true).split(&table)?;
    let (train, validation) = (train.to_samples()?, validation.to_samples()?);
    // Fit the normaliser on the training set only: the validation set must stay unseen.
    let normalizer = Normalizer::z_score_per_feature(train.x())?;
    let (train, validation) = (train.normalize(&normalizer)?, validation.normalize(&normalizer)?);
    println!(
        "failures: {:.3} of the training set, {:.3} of the validation set",
        share(&train),
        share(&validation)
    );

    let mut model = Sequential::builder(3)
        .add_layer("affine1", Affine::new(16))
        .add_layer("swish1", Activation::new(Swish::default()))
        .add_layer("affine2", Affine::new(1))
        .set_output(Sigmoid)
        .set_error(BinaryCrossEntropy)
        .build()?;
    let history = Trainer::new()
        .batch_size(30)
        .epochs(200)
        .optimizer(Adam::new(0.01))
        .validation(&validation)
        .early_stopping(EarlyStopping::new(20))
        .fit(&mut model, &train)?;
    let best = history.best.expect("early stopping records the best epoch");
    println!("best epoch {best} of {}: {:?}", history.epochs.len() - 1, history.epochs[best].watched());

    let matrix: ConfusionMatrix = model.confusion_matrix(&validation)?;
    println!("rows: true class, columns: predicted class\n{}", matrix.counts());
    let (precision, recall) = (matrix.precision()[1], matrix.recall()[1]);
    println!("failures: precision {precision:.3}, recall {recall:.3}; accuracy {:.3}", matrix.accuracy());
    // With its normaliser, the model accepts features in their original units.
    model.set_input_normalizer(normalizer)?;
    let failure = model.predict_raw(array![[95.0, 0.1, 2900.0]].view())?[[0, 0]];
    println!("probability that an old machine fails at 95 °C and a load of 0.1: {failure:.3}");
    assert!(failure > 0.8, "expected a failure: the machine is too hot for its load");
    assert!((share(&train) - share(&validation)).abs() < 0.01, "expected a stratified split");
    assert!(matrix.accuracy() > 0.88, "expected an accuracy above 0.88; about 0.95 is possible");
    Ok(())
}

/// Returns the proportion of samples in class 1.
fn share(data: &Samples<f32>) -> f64 {
    f64::from(data.t().sum()) / data.len() as f64
}
