//! Predictions of few and many rows by the article's network and by a wide one, in both precisions, on one and two threads.

mod article;

use std::hint::black_box;

use article::network;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use manabi::ndarray::Array2;
use manabi::random::{Random, RandomState};
use manabi::{Activation, Affine, CrossEntropy, Scalar, Sequential, Softmax, Swish};

/// Returns the network 784-2048-2048-10.
fn wide<A: Scalar>() -> Sequential<A> {
    let builder = Sequential::builder(784)
        .add_layer("affine1", Affine::new(2048))
        .add_layer("swish1", Activation::new(Swish::default()))
        .add_layer("affine2", Affine::new(2048))
        .add_layer("swish2", Activation::new(Swish::default()))
        .add_layer("affine3", Affine::new(10));
    builder.set_output(Softmax).set_error(CrossEntropy).build().expect("the settings are valid")
}

fn inference<A: Scalar>(c: &mut Criterion, name: &str) {
    predictions(c, "prediction of", name, &network::<A>(), &[1, 100, 10_000]);
    predictions(c, "wide prediction of", name, &wide::<A>(), &[1, 4, 32, 256]);
}

fn predictions<A: Scalar>(c: &mut Criterion, group: &str, name: &str, model: &Sequential<A>, rows: &[usize]) {
    for &rows in rows {
        let x = RandomState::new(2).uniform((rows, 784), 0.0, 1.0).mapv(A::of);
        let mut y = Array2::zeros((rows, 10));
        let mut group = c.benchmark_group(format!("{group} {rows}"));
        group.throughput(Throughput::Elements(rows as u64));
        for threads in [1, 2] {
            let mut ws = model.workspace(256.min(rows)).expect("it fits in memory").threads(threads);
            group.bench_function(BenchmarkId::new(name, threads), |b| {
                b.iter(|| {
                    model.predict_into(black_box(x.view()), &mut ws, y.view_mut()).expect("the shapes fit");
                });
            });
        }
        group.finish();
    }
}

fn benches(c: &mut Criterion) {
    inference::<f32>(c, "f32");
    inference::<f64>(c, "f64");
}

criterion_group!(all, benches);
criterion_main!(all);
