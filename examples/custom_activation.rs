//! An activation function of your own: a dozen lines, checked, trained with, and timed beside the built-in Swish.
//!
//! `cargo run --release --example custom_activation`

use std::time::{Duration, Instant};

use manabi::layer::{Backward, Forward, LayerWorkspace};
use manabi::ndarray::Array2;
use manabi::random::{Random, RandomState};
use manabi::{
    ActFn, Activation, Affine, CrossEntropy, Layer, Mnist, Normalizer, Result, Scalar, Sequential, Sgd,
    Softmax, Swish, Trainer, gradcheck,
};

/// u, gated by its own sigmoid: Swish, as if the crate did not have it.
#[derive(Clone, Debug)]
struct SelfGated;

impl ActFn for SelfGated {
    const KIND: &'static str = "self_gated";
    #[inline(always)]
    fn f<A: Scalar>(&self, u: A) -> A {
        u * u.sigmoid()
    }
    #[inline(always)]
    fn df<A: Scalar>(&self, u: A, z: A) -> A {
        let s = u.sigmoid();
        s + z * (A::one() - s)
    }
}

fn main() -> Result<()> {
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
    let accuracy =
        history.epochs[5].test.and_then(|test| test.accuracy).expect("there is a test set of classes");
    println!("training:  {:.1} % of {} synthetic digits after 5 epochs", 100.0 * accuracy, test.len());

    let ([own, own_back], [built_in, built_in_back]) = fastest_pair(&SelfGated, &Swish::default())?;
    println!("ns per f32       forward  backward");
    println!("self_gated       {own:7.2}  {own_back:8.2}");
    println!("swish, built in  {built_in:7.2}  {built_in_back:8.2}");
    println!("ratio            {:7.2}  {:8.2}", own / built_in, own_back / built_in_back);
    Ok(())
}

/// The least times of both, taken in turns, so that a busy machine disturbs both alike.
fn fastest_pair(a: &impl ActFn, b: &impl ActFn) -> Result<([f64; 2], [f64; 2])> {
    let mut best = ([f64::INFINITY; 2], [f64::INFINITY; 2]);
    for _ in 0..200 {
        let (a, b) = (nanoseconds(a)?, nanoseconds(b)?);
        for i in 0..2 {
            best.0[i] = best.0[i].min(a[i]);
            best.1[i] = best.1[i].min(b[i]);
        }
    }
    Ok(best)
}

/// The times of a forward and a backward pass, per number.
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
