//! A training step and an epoch of the article's network, in both precisions, on one and two threads.

mod article;

use std::hint::black_box;

use article::network;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use manabi::data::Images;
use manabi::optim::Stepper;
use manabi::random::RandomState;
use manabi::{Mnist, Normalizer, Scalar, Sgd, Trainer};

const BATCH: usize = 100;
const EPOCH: usize = 6000;

/// Returns normalised synthetic digits.
fn digits(count: usize) -> Images {
    let train = Mnist::synthetic(count, 1, 0).expect("the counts are valid").train;
    let normalizer = Normalizer::min_max(train.pixels()).expect("the images have pixels");
    train.normalize(&normalizer).expect("the normalizer fits")
}

/// Measures a step: load a batch, forward pass, loss, backward pass, update.
fn step<A: Scalar>(c: &mut Criterion, data: &Images, name: &str) {
    let rows = RandomState::new(1).permutation(data.len());
    let mut group = c.benchmark_group("step of 100");
    group.throughput(Throughput::Elements(BATCH as u64));
    for threads in [1, 2] {
        let mut model = network::<A>();
        let mut ws = model.workspace(BATCH).expect("it fits in memory").threads(threads);
        let mut batches = rows.chunks(BATCH).cycle();
        let mut stepper = Stepper::new(Sgd::default());
        group.bench_function(BenchmarkId::new(name, threads), |b| {
            b.iter(|| {
                ws.load(data, batches.next().expect("the batches are endless")).expect("the data fit");
                black_box(model.gradient(&mut ws).expect("a batch is loaded"));
                stepper.step(&mut model, &mut ws).expect("the gradient is computed");
            });
        });
    }
    group.finish();
}

/// Measures one epoch of the trainer, including the evaluation before it.
fn epoch<A: Scalar>(c: &mut Criterion, data: &Images, name: &str) {
    let mut group = c.benchmark_group("epoch of 6000, after an evaluation");
    group.sample_size(10).throughput(Throughput::Elements(EPOCH as u64));
    for threads in [1, 2] {
        let mut model = network::<A>();
        group.bench_function(BenchmarkId::new(name, threads), |b| {
            b.iter(|| Trainer::new().epochs(1).threads(threads).fit(&mut model, data).expect("the data fit"));
        });
    }
    group.finish();
}

fn benches(c: &mut Criterion) {
    let data = digits(EPOCH);
    step::<f32>(c, &data, "f32");
    step::<f64>(c, &data, "f64");
    epoch::<f32>(c, &data, "f32");
    epoch::<f64>(c, &data, "f64");
}

criterion_group!(training, benches);
criterion_main!(training);
