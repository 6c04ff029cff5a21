//! A training step and an epoch of the article's network, beside the matrix products that they cannot do without.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use manabi::{
    Activation, Affine, CrossEntropy, Images, Mnist, Normalizer, RandomState, Scalar, Sequential, Sgd,
    Softmax, Stepper, Swish, Trainer,
};

const BATCH: usize = 100;
const EPOCH: usize = 6000;

fn network<A: Scalar>() -> Sequential<A> {
    Sequential::builder(784)
        .add_layer("affine1", Affine::new(100))
        .add_layer("swish1", Activation::new(Swish::default()))
        .add_layer("affine2", Affine::new(50))
        .add_layer("swish2", Activation::new(Swish::default()))
        .add_layer("affine3", Affine::new(10))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .build()
        .expect("the article's network builds")
}

fn digits() -> Images {
    let train = Mnist::synthetic(EPOCH, BATCH, 0).expect("there are digits").train;
    let normalizer = Normalizer::min_max(train.pixels()).expect("there are pixels");
    train.normalize(&normalizer).expect("the normalizer fits")
}

/// Load a batch, forward, loss, backward, update.
fn step<A: Scalar>(c: &mut Criterion, data: &Images, name: &str) {
    let mut model = network::<A>();
    let mut ws = model.workspace(BATCH).expect("it fits in memory");
    let rows = RandomState::new(1).permutation(data.len());
    let mut batches = rows.chunks(BATCH).cycle();
    let mut stepper = Stepper::new(Sgd::default());
    let mut group = c.benchmark_group("step");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function(BenchmarkId::from_parameter(name), |b| {
        b.iter(|| {
            ws.load(data, batches.next().expect("endless")).expect("the data fit");
            black_box(model.gradient(&mut ws).expect("a batch is loaded"));
            stepper.step(&mut model, &mut ws).expect("there is a gradient");
        });
    });
    group.finish();
}

/// An epoch of the trainer over 6,000 samples, without a test set.
fn epoch<A: Scalar>(c: &mut Criterion, data: &Images, name: &str) {
    let mut model = network::<A>();
    let mut group = c.benchmark_group("epoch of 6000");
    group.sample_size(10).throughput(Throughput::Elements(EPOCH as u64));
    group.bench_function(BenchmarkId::from_parameter(name), |b| {
        b.iter(|| Trainer::new().epochs(1).fit(&mut model, data).expect("the data fit"));
    });
    group.finish();
}

fn benches(c: &mut Criterion) {
    let data = digits();
    step::<f32>(c, &data, "f32");
    step::<f64>(c, &data, "f64");
    epoch::<f32>(c, &data, "f32");
    epoch::<f64>(c, &data, "f64");
}

criterion_group!(training, benches);
criterion_main!(training);
