//! An autoencoder: a network reconstructs eight measurements from a code of two numbers. It is trained as one model and then cut
//! into an encoder and a decoder.
//!
//! `cargo run --release --example autoencoder`; the reference is `reference/autoencoder.py`.

use manabi::activation::{Identity, Tanh};
use manabi::loss::MeanSquaredError;
use manabi::metrics::root_mean_squared_error;
use manabi::ndarray::s;
use manabi::optim::Adam;
use manabi::random::{Random, RandomState};
use manabi::{Activation, Affine, Result, Samples, Sequential, Trainer};

pub fn main() -> Result<()> {
    let mut random = RandomState::new(3);
    let (hidden, mixing) = (random.normal((1200, 2), 0.0, 1.0), random.normal((2, 8), 0.0, 1.0));
    let x = hidden.dot(&mixing).mapv(f64::tanh) + random.normal((1200, 8), 0.0, 0.05);
    let (train, test) = (x.slice(s![..1000, ..]).to_owned(), x.slice(s![1000.., ..]));
    let data = Samples::new(train.clone(), train)?;

    let mut model = Sequential::builder(8)
        .add_layer("encoder1", Affine::new(16))
        .add_layer("encoder2", Activation::new(Tanh))
        .add_layer("code", Affine::new(2))
        .add_layer("decoder1", Affine::new(16))
        .add_layer("decoder2", Activation::new(Tanh))
        .add_layer("decoder3", Affine::new(8))
        .set_output(Identity)
        .set_error(MeanSquaredError)
        .build()?;
    Trainer::new().batch_size(50).epochs(60).optimizer(Adam::new(0.005)).fit(&mut model, &data)?;

    let encoder = model.cut_after("code")?.set_output(Identity).set_error(MeanSquaredError).build()?;
    let mut decoder = Sequential::builder(2)
        .add_layer("decoder1", Affine::new(16))
        .add_layer("decoder2", Activation::new(Tanh))
        .add_layer("decoder3", Affine::new(8))
        .set_output(Identity)
        .set_error(MeanSquaredError)
        .build()?;
    decoder.copy_matching(&model)?;
    let code = encoder.predict(test)?;
    let decoded = decoder.predict(code.view())?;
    assert_eq!(decoded, model.predict(test)?);

    let error = root_mean_squared_error(decoded.view(), test, None)?;
    println!("codes of shape {:?}; root mean squared error {error:.5}", code.dim());
    // The value of the reference, which differs by rounding.
    assert!((error / 0.06269324872243985 - 1.0).abs() < 1e-6, "{error}");
    Ok(())
}
