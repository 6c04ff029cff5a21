//! A custom activation function with one method: checked, used in training, and timed against the built-in Swish.
//!
//! `cargo run --release --example custom_activation`

use std::time::{Duration, Instant};

use manabi::layer::{Backward, Forward, LayerWorkspace};
use manabi::ndarray::Array2;
use manabi::random::{Random, RandomState};
use manabi::{
    ActFn, Activation, Affine, CrossEntropy, Layer, Mnist, Normalizer, Real, Result, Sequential, Sgd,
    Softmax, Swish, Trainer, gradcheck,
};

/// Swish, u·σ(u), as a custom function. Its derivative is computed from `f`.
#[derive(Clone, Debug)]
struct SelfGated;

impl ActFn for SelfGated {
    const KIND: &'static str = "self_gated";
    #[inline(always)]
    fn f<R: Real>(&self, u: R) -> R {
        u * u.sigmoid()
    }
}

/// The same function with a derivative by hand, computed from z. It is shorter, but less accurate if 1 − σ(u) cancels.
#[derive(Clone, Debug)]
struct ByHand;

impl ActFn for ByHand {
    const KIND: &'static str = "self_gated_by_hand";
    #[inline(always)]
    fn f<R: Real>(&self, u: R) -> R {
        u * u.sigmoid()
    }
    #[inline(always)]
    fn df<R: Real>(&self, u: R, z: R) -> R {
        let s = u.sigmoid();
        s + z * (R::one() - s)
    }
}

fn main() -> Result<()> {
    gradcheck::activation(&ByHand).assert();
    let report = gradcheck::activation(&SelfGated);
    println!("gradcheck: {report}");
    report.assert();

    let Mnist { train, test } = Mnist::synthetic(4000, 1000, 0)?;
    let normalizer = Normalizer::min_max(train.pixels())?;
    let (train, test) = (train.normalize(&normalizer)?, test.normalize(&normalizer)?);
    let mut model = Sequential::<f32>::builder(784)
        .add_layer("affine1", Affine::new(50))
        .add_layer("self_gated1", Activation::new(SelfGated))
        .add_layer("affine2", Affine::new(10))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .build()?;
    let history = Trainer::new().epochs(5).optimizer(Sgd::new(0.1)).test(&test).fit(&mut model, &train)?;
    let accuracy = history.epochs[5].test.and_then(|test| test.accuracy).expect("the test set has classes");
    println!("training:  {:.1} % of {} synthetic digits after 5 epochs", 100.0 * accuracy, test.len());

    println!("ns per f32             forward  backward");
    let mut times = [[f64::INFINITY; 2]; 3];
    // Measure alternately, so that a busy machine affects all equally.
    for _ in 0..200 {
        let now = [nanoseconds(&SelfGated)?, nanoseconds(&ByHand)?, nanoseconds(&Swish::default())?];
        for (best, now) in times.iter_mut().flatten().zip(now.into_iter().flatten()) {
            *best = best.min(now);
        }
    }
    for (name, [forward, backward]) in
        ["self_gated, f alone", "with df by hand", "swish, built in"].into_iter().zip(times)
    {
        println!("{name:20}  {forward:8.2}  {backward:8.2}");
    }
    Ok(())
}

/// Returns the times of a forward and a backward pass, per value.
fn nanoseconds(function: &impl ActFn) -> Result<[f64; 2]> {
    let layer = Activation::new(function.clone());
    let x = RandomState::new(1).normal((100, 100), 0.0, 3.0).mapv(|x| x as f32);
    let dy = x.mapv(|x| x - 0.5);
    let (mut y, mut dx) = (Array2::zeros(x.dim()), Array2::zeros(x.dim()));
    let mut ws = LayerWorkspace::<f32>::new(&layer, 100, 100)?;
    let (mut forward, mut backward) = (Duration::MAX, Duration::MAX);
    for _ in 0..5 {
        let pass = Forward::new(&mut ws, &[], &[], x.view(), y.view_mut())?;
        let start = Instant::now();
        layer.forward(pass);
        forward = forward.min(start.elapsed());
        let pass = Backward::new(&mut ws, &[], &[], [x.view(), y.view(), dy.view()])?.dx(dx.view_mut())?;
        let start = Instant::now();
        layer.backward(pass);
        backward = backward.min(start.elapsed());
    }
    Ok([forward, backward].map(|time| time.as_secs_f64() * 1e9 / x.len() as f64))
}
