//! Imbalanced classification: one sample in twenty is positive, and a missed one costs twenty times as much as a false alarm. The
//! loss weights positive samples, and held-out samples choose the threshold.
//!
//! `cargo run --release --example imbalanced`; the reference is `reference/imbalanced.py`.

use manabi::activation::{Sigmoid, Tanh};
use manabi::data::Subset;
use manabi::loss::BinaryCrossEntropy;
use manabi::metrics::ThresholdCurve;
use manabi::ndarray::{Array2, s};
use manabi::optim::Adam;
use manabi::random::{Random, RandomState};
use manabi::{Activation, Affine, Result, Samples, Sequential, Trainer};

pub fn main() -> Result<()> {
    let mut random = RandomState::new(7);
    let x = random.normal((3000, 2), 0.0, 1.0);
    let noise = random.normal((3000, 1), 0.0, 0.5);
    let is_positive = |row: usize| x[[row, 0]] + x[[row, 1]] * x[[row, 1]] + noise[[row, 0]] > 3.5;
    let labels: Vec<u8> = (0..3000).map(|row| u8::from(is_positive(row))).collect();
    let t = Array2::from_shape_fn((3000, 1), |(row, _)| f64::from(labels[row]));
    let data = Samples::new(x.clone(), t)?;

    let mut model = Sequential::builder(2)
        .add_layer("affine1", Affine::new(16))
        .add_layer("tanh1", Activation::new(Tanh))
        .add_layer("affine2", Affine::new(1))
        .set_output(Sigmoid)
        .set_error(BinaryCrossEntropy.pos_weight([10.0]))
        .build()?;
    let train = Subset::new(&data, (0..2000).collect())?;
    Trainer::new().batch_size(50).epochs(30).optimizer(Adam::new(0.01)).fit(&mut model, &train)?;

    // A false alarm costs 1, and a missed positive sample 20.
    let y = model.predict(x.view())?;
    let curve =
        |rows: std::ops::Range<usize>| ThresholdCurve::new(y.slice(s![rows.clone(), 0]), &labels[rows], None);
    let best = curve(2000..2500)?.best_cost(1.0, 20.0);
    let test = curve(2500..3000)?;
    let cost = |row: usize| match (y[[row, 0]] >= best.threshold, labels[row]) {
        (true, 0) => 1,
        (false, 1) => 20,
        _ => 0,
    };
    let cost: u32 = (2500..3000).map(cost).sum();
    println!("area {:.4}, average precision {:.4}", test.roc_auc(), test.average_precision());
    println!("threshold {:.4}: cost {cost} on the test set", best.threshold);

    // The values of the reference, which differ by rounding.
    let near = |value: f64, reference: f64| (value / reference - 1.0).abs() < 1e-6;
    assert!(near(test.roc_auc(), 0.9959289603582515) && near(test.average_precision(), 0.9693664794321623));
    assert!(near(best.threshold, 0.40825730874277816) && cost == 44);
    Ok(())
}
