//! What shards and prefetching cost: training steps of a wide network with 1 and 8 shards, and an epoch whose batches take as
//! long to gather as to train on. Each table comes from runs that take turns; the times are the shortest of all rounds.
//!
//! ```text
//! cargo bench --bench shards
//! ```

use std::hint::black_box;
use std::ops::ControlFlow;
use std::thread::sleep;
use std::time::{Duration, Instant};

use manabi::data::Dataset;
use manabi::train::{BatchProgress, Observer};
use manabi::{
    Activation, Affine, CrossEntropy, Mnist, Normalizer, Relu, Result, Samples, Sequential, Softmax, Trainer,
};
use ndarray::{Array2, ArrayViewMut2};

const ROUNDS: usize = 5;

fn wide() -> Sequential<f32> {
    Sequential::builder(784)
        .add_layer("affine1", Affine::new(2048))
        .add_layer("relu1", Activation::new(Relu))
        .add_layer("affine2", Affine::new(2048))
        .add_layer("relu2", Activation::new(Relu))
        .add_layer("affine3", Affine::new(10))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .build()
        .expect("the network builds")
}

/// Records the time of every step.
#[derive(Default)]
struct Steps {
    last: Option<Instant>,
    seconds: Vec<f64>,
}

impl Observer<f32> for &mut Steps {
    fn on_batch(&mut self, _: BatchProgress) -> ControlFlow<()> {
        let now = Instant::now();
        self.seconds.extend(self.last.replace(now).map(|last| (now - last).as_secs_f64()));
        ControlFlow::Continue(())
    }
}

/// Returns the seconds of the fastest step.
fn step(data: &dyn Dataset<f32>, shards: usize, threads: usize) -> f64 {
    let mut steps = Steps::default();
    let mut trainer = Trainer::new().batch_size(512).epochs(1).shards(shards).threads(threads);
    trainer = trainer.observe(&mut steps);
    trainer.fit(&mut wide(), data).expect("the data fit");
    drop(trainer);
    steps.seconds.into_iter().fold(f64::INFINITY, f64::min)
}

/// How a data set spends its time.
#[derive(Clone, Copy, Debug)]
enum Wait {
    /// Waits for a disk.
    Sleeps,
    /// Decodes samples.
    Works,
}

/// A data set that takes this long for each batch.
#[derive(Debug)]
struct Slow(Samples<f32>, Duration, Wait);

impl Dataset<f32> for Slow {
    fn len(&self) -> usize {
        self.0.len()
    }
    fn input_dim(&self) -> usize {
        784
    }
    fn target_dim(&self) -> usize {
        10
    }
    fn gather(&self, rows: &[usize], x: ArrayViewMut2<'_, f32>, t: ArrayViewMut2<'_, f32>) -> Result<()> {
        let start = Instant::now();
        match self.2 {
            Wait::Sleeps => sleep(self.1),
            Wait::Works => while black_box(start.elapsed()) < self.1 {},
        }
        self.0.gather(rows, x, t)
    }
}

/// Returns the mean seconds of a step. A single step can be short if its batch was gathered during a long one.
fn steady(data: &Slow, ahead: usize) -> f64 {
    let mut steps = Steps::default();
    let mut trainer = Trainer::new().batch_size(128).epochs(1).prefetch(ahead).threads(1);
    trainer = trainer.observe(&mut steps);
    trainer.fit(&mut wide(), data).expect("the data fit");
    drop(trainer);
    steps.seconds.iter().sum::<f64>() / steps.seconds.len() as f64
}

/// Returns the shortest time of each case in several rounds.
fn in_turns<const N: usize>(mut cases: [&mut dyn FnMut() -> f64; N]) -> [f64; N] {
    let mut best = [f64::INFINITY; N];
    for _ in 0..ROUNDS {
        best.iter_mut().zip(&mut cases).for_each(|(best, case)| *best = best.min(case()));
    }
    best
}

fn main() {
    // `cargo test --benches` and `cargo bench --no-run` must stay fast.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let digits = Mnist::synthetic(4096, 1, 0).expect("the counts are valid").train;
    let normalizer = Normalizer::min_max(digits.pixels()).expect("the images have pixels");
    let digits = digits.normalize(&normalizer).expect("the normalizer fits");
    println!("784-2048-2048-10, batch 512, f32   1 shard   8 shards   ratio");
    for threads in [1, 2] {
        let [one, eight] = in_turns([&mut || step(&digits, 1, threads), &mut || step(&digits, 8, threads)]);
        let (one, eight, ratio) = (1e3 * one, 1e3 * eight, eight / one);
        println!("{threads} threads                    {one:9.1} ms {eight:7.1} ms {ratio:7.2}");
    }

    let samples = |count: usize| {
        let labels: Vec<usize> = (0..count).map(|row| row % 10).collect();
        Samples::labeled(Array2::<f32>::from_elem((count, 784), 0.1), &labels, 10)
            .expect("the labels are valid")
    };
    let quick = Slow(samples(128 * 40), Duration::ZERO, Wait::Works);
    let [step] = in_turns([&mut || steady(&quick, 0)]);
    println!("\nbatches of 128 that take as long to gather as to train on, 1 thread: ratio to a step");
    for wait in [Wait::Sleeps, Wait::Works] {
        let slow = Slow(samples(128 * 40), Duration::from_secs_f64(step), wait);
        let [without, with, plain] =
            in_turns([&mut || steady(&slow, 0), &mut || steady(&slow, 2), &mut || steady(&quick, 0)]);
        println!(
            "gathering {wait:?}: without prefetch {:.2}, with prefetch {:.2}",
            without / plain,
            with / plain
        );
    }
}
