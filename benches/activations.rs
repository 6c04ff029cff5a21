//! Compares the forward and backward passes of activations with plain loops over the standard library's `exp`, and with a custom
//! function.
//!
//! `MANABI_SIMD=avx2 cargo bench --bench activations` measures with a smaller instruction set.

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use manabi::activation::{Gelu, Tanh};
use manabi::layer::{Backward, Forward, LayerWorkspace};
use manabi::random::{Random, RandomState};
use manabi::{ActFn, Activation, Layer, Mish, Real, Relu, Scalar, Swish, simd};
use ndarray::Array2;

/// Inputs, gradients and output buffers.
struct Data<A> {
    u: Array2<A>,
    dz: Array2<A>,
    z: Array2<A>,
    du: Array2<A>,
}

impl<A: Scalar> Data<A> {
    fn new(rows: usize) -> Self {
        let u = RandomState::new(1).normal((rows, 100), 0.0, 3.0).mapv(A::of);
        Self { dz: u.mapv(|u| u - A::of(0.5)), z: u.clone(), du: u.clone(), u }
    }
}

/// Measures the layer on one thread.
fn layer<A: Scalar, F: ActFn>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    data: &mut Data<A>,
    name: &str,
    f: F,
) {
    let layer = Activation::new(f);
    let mut ws =
        LayerWorkspace::<A>::new(&layer, data.u.ncols(), data.u.nrows()).expect("the width is valid");
    let Data { u, dz, z, du } = data;
    group.bench_function(BenchmarkId::new("forward", name), |b| {
        b.iter(|| {
            let pass = Forward::new(&mut ws, &[], &[], black_box(u.view()), z.view_mut());
            layer.forward(pass.expect("the shapes fit"));
        });
    });
    group.bench_function(BenchmarkId::new("backward", name), |b| {
        b.iter(|| {
            let pass = Backward::new(&mut ws, &[], &[], [black_box(u.view()), z.view(), dz.view()]);
            let pass = pass.and_then(|pass| pass.dx(du.view_mut()));
            layer.backward(pass.expect("the shapes fit"));
        });
    });
}

/// Measures plain loops over arrays.
fn plain(
    group: &mut BenchmarkGroup<'_, WallTime>,
    data: &mut Data<f32>,
    name: &str,
    f: impl Fn(f32) -> f32,
    df: impl Fn(f32, f32) -> f32,
) {
    let Data { u, dz, z, du } = data;
    let [u, dz, z, du] = [u, dz, z, du].map(|a| a.as_slice_mut().expect("standard layout"));
    group.bench_function(BenchmarkId::new("forward", name), |b| {
        b.iter(|| black_box(&*u).iter().zip(&mut *z).for_each(|(&u, z)| *z = f(u)));
    });
    group.bench_function(BenchmarkId::new("backward", name), |b| {
        b.iter(|| {
            let numbers = black_box(&*u).iter().zip(&*z).zip(&*dz).zip(&mut *du);
            numbers.for_each(|(((&u, &z), &dz), du)| *du = dz * df(u, z));
        });
    });
}

/// Swish as a user would write it.
#[derive(Clone, Debug)]
struct Custom;

impl ActFn for Custom {
    const KIND: &'static str = "custom";
    #[inline(always)]
    fn f<A: Real>(&self, u: A) -> A {
        u * u.sigmoid()
    }
    #[inline(always)]
    fn df<A: Real>(&self, u: A, z: A) -> A {
        let s = u.sigmoid();
        s + z * (A::one() - s)
    }
}

fn single(c: &mut Criterion) {
    for rows in [100, 10_000] {
        let mut data = Data::<f32>::new(rows);
        let mut group = c.benchmark_group(format!("{} f32, {}", data.u.len(), simd::instruction_set()));
        group.throughput(Throughput::Elements(data.u.len() as u64));
        let sigmoid = |u: f32| 1.0 / (1.0 + (-u).exp());
        let swish_slope = |u, z| {
            let s = sigmoid(u);
            s + z * (1.0 - s)
        };
        plain(&mut group, &mut data, "swish, std", |u| u * sigmoid(u), swish_slope);
        let mish = |u: f32| {
            let e = u.exp();
            let n = e * (e + 2.0);
            u * n / (n + 2.0)
        };
        let mish_slope = |u: f32, _| {
            let e = u.exp();
            let d = e * (e + 2.0) + 2.0;
            e * (4.0 * (u + 1.0) + e * (e * (e + 4.0) + 4.0 * u + 6.0)) / (d * d)
        };
        plain(&mut group, &mut data, "mish, std", mish, mish_slope);
        layer(&mut group, &mut data, "swish", Swish::default());
        layer(&mut group, &mut data, "custom swish", Custom);
        layer(&mut group, &mut data, "mish", Mish);
        layer(&mut group, &mut data, "tanh", Tanh);
        layer(&mut group, &mut data, "gelu", Gelu);
        layer(&mut group, &mut data, "relu", Relu);
        group.finish();
    }
}

fn double(c: &mut Criterion) {
    let mut data = Data::<f64>::new(100);
    let mut group = c.benchmark_group(format!("10000 f64, {}", simd::instruction_set()));
    group.throughput(Throughput::Elements(10_000));
    layer(&mut group, &mut data, "swish", Swish::default());
    layer(&mut group, &mut data, "mish", Mish);
    layer(&mut group, &mut data, "gelu", Gelu);
    group.finish();
}

criterion_group!(activations, single, double);
criterion_main!(activations);
