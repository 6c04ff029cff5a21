//! Predictions of 1, 100 and 10,000 rows, in both precisions, on one and two threads.

mod article;

use std::hint::black_box;

use article::network;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use manabi::Scalar;
use manabi::ndarray::Array2;
use manabi::random::{Random, RandomState};

fn inference<A: Scalar>(c: &mut Criterion, name: &str) {
    let model = network::<A>();
    for rows in [1, 100, 10_000] {
        let x = RandomState::new(2).uniform((rows, 784), 0.0, 1.0).mapv(A::of);
        let mut y = Array2::zeros((rows, 10));
        let mut group = c.benchmark_group(format!("prediction of {rows}"));
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
