//! A generative adversarial network (GAN): a generator turns noise into numbers with the distribution of some samples, here a
//! mixture of two normal distributions. A discriminator learns to tell the samples from the products of the generator, and its
//! gradient with respect to its input teaches the generator. Both are models of their own, and no weights are copied.
//!
//! `cargo run --release --example gan`; the reference is `reference/gan.py`.

use manabi::activation::{Identity, Sigmoid, Tanh};
use manabi::loss::{BinaryCrossEntropy, MeanSquaredError};
use manabi::ndarray::{Array2, Axis, concatenate};
use manabi::optim::{Adam, Stepper};
use manabi::random::{Random, RandomState};
use manabi::{Activation, Affine, Result, Sequential};

const BATCH: usize = 64;
const STEPS: usize = 1500;

/// Returns samples of the mixture, which has the means ±1.5 and the standard deviation ½.
fn samples(random: &mut RandomState) -> Array2<f64> {
    let sides = random.uniform((BATCH, 1), 0.0, 1.0).mapv(|side| if side < 0.5 { -1.5 } else { 1.5 });
    sides + random.normal((BATCH, 1), 0.0, 0.5)
}

pub fn main() -> Result<()> {
    let mut generator = Sequential::builder(1)
        .add_layer("affine1", Affine::new(16))
        .add_layer("tanh1", Activation::new(Tanh))
        .add_layer("affine2", Affine::new(1))
        .set_output(Identity)
        .set_error(MeanSquaredError) // not used: the discriminator is the loss
        .build()?;
    let mut discriminator = Sequential::builder(1)
        .add_layer("affine1", Affine::new(16))
        .add_layer("tanh1", Activation::new(Tanh))
        .add_layer("affine2", Affine::new(16))
        .add_layer("tanh2", Activation::new(Tanh))
        .add_layer("affine3", Affine::new(1))
        .set_output(Sigmoid)
        .set_error(BinaryCrossEntropy)
        .seed(1)
        .build()?;
    // A momentum of ½ keeps the two from chasing each other.
    let adam = || Stepper::new(Adam::new(0.002).betas(0.5, 0.999));
    let (mut of_generator, mut of_discriminator) = (adam(), adam());
    let (mut own, mut judge) = (generator.workspace(BATCH)?, discriminator.workspace(2 * BATCH)?);

    let ones = Array2::ones((BATCH, 1));
    let which = concatenate![Axis(0), ones, Array2::zeros((BATCH, 1))];
    let mut random = RandomState::new(2);
    for _ in 0..STEPS {
        let real = samples(&mut random);
        own.load_samples(random.normal((BATCH, 1), 0.0, 1.0).view())?;
        let made = generator.forward(&mut own, true)?.to_owned();

        // The discriminator: 1 for samples, 0 for products of the generator.
        judge.load_arrays(concatenate![Axis(0), real, made].view(), which.view())?;
        discriminator.gradient(&mut judge)?;
        of_discriminator.step(&mut discriminator, &mut judge)?;

        // The generator: its products should get a 1.
        judge.load_arrays(made.view(), ones.view())?;
        discriminator.input_gradient(&mut judge)?;
        generator.backward(&mut own, judge.dx())?;
        of_generator.step(&mut generator, &mut own)?;
    }

    let y = generator.predict(RandomState::new(9).normal((2000, 1), 0.0, 1.0).view())?;
    let share = |is: fn(f64) -> bool| y.iter().filter(|&&y| is(y)).count() as f64 / y.len() as f64;
    let (mean, spread, left, between) =
        (y.mean().unwrap(), y.std(0.0), share(|y| y < 0.0), share(|y| y.abs() < 0.5));
    let sizes = y.abs();
    let (mode, width) = (sizes.mean().unwrap(), sizes.std(0.0));
    println!("mean {mean:.3}, standard deviation {spread:.3} (mixture: 0, 1.581)");
    println!(
        "modes at ±{mode:.3}, as wide as {width:.3}, {left:.3} on the left (mixture: 1.501, 0.496, 0.5)"
    );
    println!("{between:.3} between them (mixture: 0.023)");
    assert!(mean.abs() < 0.1 && (spread - 1.581).abs() < 0.1, "mean {mean}, standard deviation {spread}");
    assert!(
        (mode - 1.501).abs() < 0.1 && (width - 0.496).abs() < 0.1,
        "modes at ±{mode}, as wide as {width}"
    );
    assert!((left - 0.5).abs() < 0.05 && between < 0.05, "{left} on the left, {between} between the modes");
    // The value of the reference, which differs by rounding.
    assert!((spread / 1.5866407519906545 - 1.0).abs() < 1e-6, "{spread}");
    Ok(())
}
