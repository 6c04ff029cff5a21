//! Measures the time of training and prediction relative to the time of the matrix products alone, in one run.
//!
//! `cargo run --release --example speed`. The measurements alternate, and the best time of each counts, because other
//! programs may use the machine at the same time.

use std::hint::black_box;
use std::time::Instant;

use manabi::data::Images;
use manabi::linalg::Engine;
use manabi::model::Workspace;
use manabi::ndarray::Array2;
use manabi::random::{Random, RandomState};
use manabi::{
    Activation, Affine, CrossEntropy, Mnist, Normalizer, Result, Scalar, Sequential, Sgd, Softmax, Swish,
    Trainer, simd,
};

const ROUNDS: usize = 10;
const BATCH: usize = 100;
const SAMPLES: usize = 60_000;

fn network<A: Scalar>(widths: &[usize]) -> Result<Sequential<A>> {
    let mut builder = Sequential::builder(784);
    for (i, &width) in widths.iter().enumerate() {
        builder = builder
            .add_layer(format!("affine{i}"), Affine::new(width))
            .add_layer(format!("swish{i}"), Activation::new(Swish::default()));
    }
    builder.add_layer("last", Affine::new(10)).set_output(Softmax).set_error(CrossEntropy).build()
}

/// Returns the number of multiplications and additions of a step, per sample: three products per layer, and two for the first.
fn operations(widths: &[usize]) -> f64 {
    let all: Vec<usize> = [784].iter().chain(widths).chain(&[10]).copied().collect();
    let products = all.windows(2).enumerate().map(|(i, w)| w[0] * w[1] * if i == 0 { 2 } else { 3 });
    2.0 * products.sum::<usize>() as f64
}

/// Returns the duration of `work` in seconds.
fn seconds(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64())
}

/// A model trained one epoch at a time.
struct Training<A: Scalar> {
    model: Sequential<A>,
    batch: usize,
    threads: usize,
}

impl<A: Scalar> Training<A> {
    fn new(widths: &[usize], batch: usize, threads: usize) -> Result<Self> {
        Ok(Self { model: network(widths)?, batch, threads })
    }

    /// Returns the duration of one epoch's steps in seconds.
    fn epoch(&mut self, data: &Images) -> Result<f64> {
        let trainer = Trainer::new().epochs(1).batch_size(self.batch).optimizer(Sgd::new(0.01));
        let history = trainer.threads(self.threads).fit(&mut self.model, data)?;
        Ok((history.epochs[1].elapsed - history.epochs[0].elapsed).as_secs_f64())
    }
}

/// Returns the duration of a product of 512 × 512 matrices in seconds.
fn product<A: Scalar>(engine: &mut Engine<A>) -> Result<f64> {
    let a = Array2::from_elem((512, 512), A::one());
    let mut c = a.clone();
    seconds(|| {
        (0..4).for_each(|_| engine.matmul(black_box(a.view()), a.view(), None, c.view_mut()));
        Ok(())
    })
    .map(|time| time / 4.0)
}

fn predict<A: Scalar>(
    model: &Sequential<A>,
    ws: &mut Workspace<A>,
    x: &Array2<A>,
    times: usize,
) -> Result<f64> {
    let mut y = Array2::zeros((x.nrows(), 10));
    let work = || (0..times).try_for_each(|_| model.predict_into(black_box(x.view()), ws, y.view_mut()));
    seconds(work).map(|time| time / times as f64)
}

fn report<A: Scalar>(name: &str, data: &Images, few: &Images) -> Result<()> {
    let (small, large) = ([100, 50], [2048, 2048]);
    let mut engine = Engine::<A>::new(1);
    let mut one = Training::<A>::new(&small, BATCH, 1)?;
    let mut two = Training::<A>::new(&small, BATCH, 2)?;
    let mut wide = Training::<A>::new(&large, 256, 1)?;
    let uniform = |rows| RandomState::new(2).uniform((rows, 784), 0.0, 1.0).mapv(A::of);
    let (x, single) = (uniform(10_000), uniform(1));
    let model = network::<A>(&small)?;
    let mut row = model.workspace(1)?;
    let (mut serial, mut parallel) = (model.workspace(256)?, model.workspace(256)?.threads(2));
    let mut best = [f64::INFINITY; 7];
    for round in 0..ROUNDS {
        let times = [
            product(&mut engine)?,
            one.epoch(data)?,
            two.epoch(data)?,
            if round % 5 == 0 { wide.epoch(few)? } else { f64::INFINITY },
            predict(&model, &mut serial, &x, 1)?,
            predict(&model, &mut parallel, &x, 1)?,
            predict(&model, &mut row, &single, 2000)?,
        ];
        best.iter_mut().zip(times).for_each(|(best, time)| *best = best.min(time));
    }
    let [product, one, two, wide, serial, parallel, row] = best;
    let rate = 2.0 * 512f64.powi(3) / product / 1e9;
    let of = |widths: &[usize], samples: usize, time: f64| operations(widths) * samples as f64 / time / 1e9;
    let (step_rate, wide_rate) = (of(&small, SAMPLES, one), of(&large, few.len(), wide));
    println!("{name}: engine on 512³, 1 thread      {rate:7.1} GFLOP/s");
    println!(
        "{name}: epoch of 60,000, 1 thread     {:7.3} s    {:.2} of the engine's rate",
        one,
        step_rate / rate
    );
    println!("{name}: epoch of 60,000, 2 threads    {:7.3} s    {:.2} times as fast", two, one / two);
    println!(
        "{name}: step 784-2048-2048-10 by 256  {:7.2} ms   {:.2} of the engine's rate",
        wide / (few.len() / 256) as f64 * 1e3,
        wide_rate / rate
    );
    println!("{name}: prediction of 10,000, 1       {:7.2} ms", serial * 1e3);
    println!(
        "{name}: prediction of 10,000, 2       {:7.2} ms   {:.2} times as fast",
        parallel * 1e3,
        serial / parallel
    );
    println!("{name}: prediction of 1               {:7.2} µs", row * 1e6);
    Ok(())
}

fn main() -> Result<()> {
    println!("instruction set: {}", simd::instruction_set());
    let Mnist { train, test } = Mnist::synthetic(SAMPLES, 4 * 256, 0)?;
    let normalizer = Normalizer::min_max(train.pixels())?;
    let (data, few) = (train.normalize(&normalizer)?, test.normalize(&normalizer)?);
    report::<f32>("f32", &data, &few)?;
    report::<f64>("f64", &data, &few)
}
