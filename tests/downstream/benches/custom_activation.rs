//! The time of a custom swish, of the built-in swish and of a loop over the standard library's exponential, and the time of a
//! longer function.

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use downstream::{MySwish, Serf};
use manabi::layer::{Backward, Forward, LayerWorkspace};
use manabi::ndarray::Array2;
use manabi::random::{Random, RandomState};
use manabi::{ActFn, Activation, Layer, Mish, Swish, simd};

/// Returns inputs, gradients and output buffers.
struct Data {
    x: Array2<f32>,
    dy: Array2<f32>,
    y: Array2<f32>,
    dx: Array2<f32>,
}

fn layer<F: ActFn>(group: &mut BenchmarkGroup<'_, WallTime>, data: &mut Data, function: F) {
    let layer = Activation::new(function);
    let (rows, width) = data.x.dim();
    let mut ws = LayerWorkspace::<f32>::new(&layer, width, rows).expect("an activation accepts any width");
    let Data { x, dy, y, dx } = data;
    group.bench_function(BenchmarkId::new("forward", F::KIND), |b| {
        b.iter(|| {
            let pass = Forward::new(&mut ws, &[], &[], black_box(x.view()), y.view_mut());
            layer.forward(pass.expect("the shapes fit"));
        });
    });
    group.bench_function(BenchmarkId::new("backward", F::KIND), |b| {
        b.iter(|| {
            let pass = Backward::new(&mut ws, &[], &[], [black_box(x.view()), y.view(), dy.view()]);
            let pass = pass.and_then(|pass| pass.dx(dx.view_mut()));
            layer.backward(pass.expect("the shapes fit"));
        });
    });
}

fn standard_library(group: &mut BenchmarkGroup<'_, WallTime>, data: &mut Data) {
    let sigmoid = |u: f32| 1.0 / (1.0 + (-u).exp());
    let Data { x, dy, y, dx } = data;
    let [x, dy, y, dx] = [x, dy, y, dx].map(|a| a.as_slice_mut().expect("standard layout"));
    group.bench_function(BenchmarkId::new("forward", "swish with std's exp"), |b| {
        b.iter(|| black_box(&*x).iter().zip(&mut *y).for_each(|(&u, z)| *z = u * sigmoid(u)));
    });
    group.bench_function(BenchmarkId::new("backward", "swish with std's exp"), |b| {
        b.iter(|| {
            let numbers = black_box(&*x).iter().zip(&*y).zip(&*dy).zip(&mut *dx);
            numbers.for_each(|(((&u, &z), &dz), du)| {
                let s = sigmoid(u);
                *du = dz * (s + z * (1.0 - s));
            });
        });
    });
}

fn benches(c: &mut Criterion) {
    for rows in [100, 10_000] {
        let x = RandomState::new(1).normal((rows, 100), 0.0, 3.0).mapv(|x| x as f32);
        let mut data = Data { dy: x.mapv(|x| x - 0.5), y: x.clone(), dx: x.clone(), x };
        let mut group = c.benchmark_group(format!("{} f32, {}", data.x.len(), simd::instruction_set()));
        group.throughput(Throughput::Elements(data.x.len() as u64));
        standard_library(&mut group, &mut data);
        layer(&mut group, &mut data, Swish::default());
        layer(&mut group, &mut data, MySwish);
        layer(&mut group, &mut data, Mish);
        layer(&mut group, &mut data, Serf);
        group.finish();
    }
}

criterion_group!(custom, benches);
criterion_main!(custom);
