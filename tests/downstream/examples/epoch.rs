//! Measures the time of one epoch of the article's network on synthetic digits: `cargo run --example epoch [SAMPLES]` in the
//! development profile, or with `--release`.

use std::time::Instant;

use manabi::{Activation, Affine, CrossEntropy, Mnist, Normalizer, Sequential, Sgd, Softmax, Swish, Trainer};

fn main() -> manabi::Result<()> {
    let samples =
        std::env::args().nth(1).map_or(60_000, |samples| samples.parse().expect("a number of samples"));
    let Mnist { train, test } = Mnist::synthetic(samples, samples / 6, 0)?;
    let normalizer = Normalizer::min_max(train.pixels())?;
    let (train, test) = (train.normalize(&normalizer)?, test.normalize(&normalizer)?);
    let mut model = Sequential::<f32>::builder(784)
        .add_layer("affine1", Affine::new(100))
        .add_layer("swish1", Activation::new(Swish::new(1.0)))
        .add_layer("affine2", Affine::new(50))
        .add_layer("swish2", Activation::new(Swish::new(1.0)))
        .add_layer("affine3", Affine::new(10))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .seed(10)
        .build()?;
    let start = Instant::now();
    let history = Trainer::new()
        .epochs(0)
        .batch_size(100)
        .optimizer(Sgd::new(0.1))
        .test(&test)
        .fit(&mut model, &train)?;
    let evaluation = start.elapsed();
    let before = history.epochs[0].train.loss;
    // The fastest of several epochs, each timed together with the preceding evaluation.
    let mut fastest = f64::INFINITY;
    let mut after = before;
    for _ in 0..3 {
        let start = Instant::now();
        let mut trainer = Trainer::new().epochs(1).batch_size(100).optimizer(Sgd::new(0.1)).test(&test);
        after = trainer.fit(&mut model, &train)?.epochs[1].train.loss;
        fastest = fastest.min(start.elapsed().as_secs_f64());
    }
    assert!(after < before);
    println!("{fastest:.3} s for {samples} samples; {:.3} s to evaluate", evaluation.as_secs_f64());
    Ok(())
}
