//! A user's swish beside the built-in one, and both beside the loop over the standard library's exponential.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use downstream::MySwish;
use manabi::ndarray::Array2;
use manabi::{ActFn, Activation, Backward, Engine, Forward, Layer, Mish, Random, RandomState, Swish};

const ROWS: usize = 100;
const WIDTH: usize = 100;

fn layer<F: ActFn>(c: &mut Criterion, function: F) {
    let layer = Activation::new(function);
    let x = RandomState::new(1).normal((ROWS, WIDTH), 0.0, 3.0).mapv(|x| x as f32);
    let dy = x.mapv(|x| x - 0.5);
    let (mut y, mut dx, mut engine) = (Array2::zeros(x.dim()), Array2::zeros(x.dim()), Engine::new(1));
    let mut group = c.benchmark_group("10,000 f32");
    group.throughput(Throughput::Elements((ROWS * WIDTH) as u64));
    group.bench_function(BenchmarkId::new("forward", F::NAME), |b| {
        b.iter(|| {
            let pass = Forward::new(&layer, &[], black_box(x.view()), y.view_mut(), &mut engine);
            layer.forward(pass.expect("the shapes fit"));
        });
    });
    group.bench_function(BenchmarkId::new("backward", F::NAME), |b| {
        b.iter(|| {
            let forward = Forward::new(&layer, &[], black_box(x.view()), y.view_mut(), &mut engine);
            let pass =
                Backward::new(forward.expect("the shapes fit"), dy.view(), Some(dx.view_mut()), &mut []);
            layer.backward(pass.expect("the shapes fit"));
        });
    });
    group.finish();
}

fn standard_library(c: &mut Criterion) {
    let x = RandomState::new(1).normal((ROWS, WIDTH), 0.0, 3.0).mapv(|x| x as f32);
    let mut y = Array2::zeros(x.dim());
    let mut group = c.benchmark_group("10,000 f32");
    group.throughput(Throughput::Elements((ROWS * WIDTH) as u64));
    group.bench_function(BenchmarkId::new("forward", "swish with std's exp"), |b| {
        b.iter(|| y.zip_mut_with(black_box(&x), |y, &u| *y = u / (1.0 + (-u).exp())));
    });
    group.finish();
}

fn benches(c: &mut Criterion) {
    standard_library(c);
    layer(c, Swish::default());
    layer(c, MySwish);
    layer(c, Mish);
}

criterion_group!(custom, benches);
criterion_main!(custom);
