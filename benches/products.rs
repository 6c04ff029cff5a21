//! The matrix products of a training step and of a wide network, and a square product for comparison; in both precisions, on
//! one and two threads.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use manabi::Scalar;
use manabi::linalg::Engine;
use manabi::ndarray::Array2;
use manabi::random::{Random, RandomState};

/// The operands: unchanged, or with the left or right operand transposed.
#[derive(Clone, Copy, Debug)]
enum Operands {
    AB,
    AtB,
    ABt,
}

use Operands::{AB, ABt, AtB};

/// The (rows, depth, columns) of the product.
const SHAPES: [(Operands, usize, usize, usize); 18] = [
    (AB, 512, 512, 512),
    (AB, 100, 784, 100),
    (AtB, 784, 100, 100),
    (AB, 100, 100, 50),
    (ABt, 100, 50, 100),
    (AtB, 100, 100, 50),
    (AB, 100, 50, 10),
    (ABt, 100, 10, 50),
    (AtB, 50, 100, 10),
    (AB, 10_000, 784, 100),
    (AB, 1, 784, 100),
    (AB, 1, 2048, 2048),
    (AB, 4, 2048, 2048),
    (AB, 32, 2048, 2048),
    (AB, 256, 784, 2048),
    (AB, 256, 2048, 2048),
    (ABt, 256, 2048, 2048),
    (AtB, 2048, 256, 2048),
];

fn products<A: Scalar>(c: &mut Criterion, name: &str) {
    let mut random = RandomState::new(1);
    let mut matrix = |rows, columns| random.uniform((rows, columns), -1.0, 1.0).mapv(A::of);
    for (operands, m, k, n) in SHAPES {
        let mut group = c.benchmark_group(format!("{operands:?} {m}x{k}x{n}"));
        group.throughput(Throughput::Elements((2 * m * k * n) as u64));
        let (a, b) = match operands {
            AB => (matrix(m, k), matrix(k, n)),
            AtB => (matrix(k, m), matrix(k, n)),
            ABt => (matrix(m, k), matrix(n, k)),
        };
        let (a, b) = match operands {
            AB => (a.view(), b.view()),
            AtB => (a.t(), b.view()),
            ABt => (a.view(), b.t()),
        };
        let mut to = Array2::zeros((m, n));
        for threads in [1, 2] {
            let mut engine = Engine::<A>::new(threads);
            group.bench_function(BenchmarkId::new(name, threads), |bencher| {
                bencher.iter(|| engine.matmul(black_box(a), black_box(b), None, to.view_mut()));
            });
        }
        group.finish();
    }
}

fn benches(c: &mut Criterion) {
    products::<f32>(c, "f32");
    products::<f64>(c, "f64");
}

criterion_group!(all, benches);
criterion_main!(all);
