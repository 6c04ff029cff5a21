//! Two heads: one network tells the kind of a thing and its size. Each head has its own output function and loss.
//!
//! `cargo run --release --example two_heads`; the reference is `reference/two_heads.py`.

use manabi::activation::Identity;
use manabi::data::Subset;
use manabi::loss::{Heads, MeanSquaredError};
use manabi::ndarray::Array2;
use manabi::optim::Adam;
use manabi::random::{Random, RandomState};
use manabi::{Activation, Affine, CrossEntropy, Result, Samples, Sequential, Softmax, Swish, Trainer};

pub fn main() -> Result<()> {
    let mut random = RandomState::new(9);
    let (x, noise) = (random.normal((1500, 3), 0.0, 1.0), random.normal((1500, 1), 0.0, 0.1));
    let mut t = Array2::zeros((1500, 4));
    for ((x, noise), mut t) in x.rows().into_iter().zip(&noise).zip(t.rows_mut()) {
        let kind = (0..3).max_by(|&a, &b| x[a].total_cmp(&x[b])).unwrap_or(0);
        t[kind] = 1.0;
        t[3] = x[0] * x[1] + 0.5 * x[2] + noise;
    }
    let data = Samples::new(x, t)?;
    let (train, test) =
        (Subset::new(&data, (0..1000).collect())?, Subset::new(&data, (1000..1500).collect())?);

    let heads = Heads::new().add_head("kind", 3, Softmax, CrossEntropy, 1.0).add_head(
        "size",
        1,
        Identity,
        MeanSquaredError,
        0.5,
    );
    let mut model = Sequential::builder(3)
        .add_layer("affine1", Affine::new(24))
        .add_layer("swish1", Activation::new(Swish::default()))
        .add_layer("affine2", Affine::new(4))
        .set_output(heads.clone())
        .set_error(heads)
        .build()?;
    Trainer::new().batch_size(50).epochs(40).optimizer(Adam::new(0.01)).fit(&mut model, &train)?;

    let measured = model.evaluate_heads(&test)?;
    for (name, metrics) in &measured {
        println!("{name}: loss {:.5}, accuracy {:?}", metrics.loss, metrics.accuracy);
    }
    // The values of the reference, which differ by rounding.
    let (accuracy, error) = (measured[0].1.accuracy.unwrap_or(0.0), measured[1].1.loss);
    assert!(
        (accuracy - 0.994).abs() < 1e-9 && (error / 0.033366315827204146 - 1.0).abs() < 1e-6,
        "{accuracy} {error}"
    );
    Ok(())
}
