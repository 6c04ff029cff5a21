//! Compares the crate's matrix engine with others in GFLOP/s on one thread. Measures alternately in one run.
//!
//! Run `cargo run --release` in this folder. The rows are the products of a training step of 784-100-50-10 with batch 100, of
//! inference, of a wide network, and a square product.

use std::hint::black_box;
use std::time::Instant;

use faer::Par;
use faer::linalg::matmul::matmul;
use manabi::linalg::Engine;
use ndarray::Array2;

const ROUNDS: usize = 9;
const NAMES: [&str; 5] = ["manabi", "gemmkit", "gemm", "faer", "ndarray"];

/// The operands: unchanged, or with the left or right operand transposed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Operands {
    AB,
    AtB,
    ABt,
}

use Operands::{AB, ABt, AtB};

const SHAPES: [(Operands, usize, usize, usize); 18] = [
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
    (AB, 4, 2048, 2048),
    (AB, 8, 2048, 2048),
    (AB, 32, 2048, 2048),
    (AB, 256, 2048, 2048),
    (ABt, 256, 2048, 2048),
    (AtB, 2048, 256, 2048),
    (AB, 512, 512, 512),
    (AB, 2048, 2048, 2048),
];

/// Returns the seconds per call.
fn time(flop: f64, mut work: impl FnMut()) -> f64 {
    let times = (2e7 / flop).ceil() as usize;
    let start = Instant::now();
    (0..times).for_each(|_| work());
    start.elapsed().as_secs_f64() / times as f64
}

macro_rules! compare {
    ($t:ty, $name:literal) => {{
        println!("\n{}: {:18} {}", $name, "product", NAMES.map(|name| format!("{name:>9}")).concat());
        let mut totals = [0.0; NAMES.len()];
        for (i, &(operands, m, k, n)) in SHAPES.iter().enumerate() {
            let (rows, columns) = if operands == AtB { (k, m) } else { (m, k) };
            let a = Array2::from_shape_fn((rows, columns), |(i, j)| ((i * 7 + j) % 11) as $t / 11.0 - 0.5);
            let (rows, columns) = if operands == ABt { (n, k) } else { (k, n) };
            let b = Array2::from_shape_fn((rows, columns), |(i, j)| ((i * 5 + j) % 13) as $t / 13.0 - 0.5);
            let a = if operands == AtB { a.t() } else { a.view() };
            let b = if operands == ABt { b.t() } else { b.view() };
            let (sa, sb) = (a.strides().to_vec(), b.strides().to_vec());
            let (flat_a, flat_b) = (a.to_slice_memory_order().unwrap(), b.to_slice_memory_order().unwrap());
            let mut c = Array2::<$t>::zeros((m, n));
            let mut engine = Engine::<$t>::new(1);
            let mut workspace = gemmkit::Workspace::new();
            let flop = 2.0 * (m * k * n) as f64;
            let mut best = [f64::INFINITY; NAMES.len()];
            for _ in 0..ROUNDS {
                let times = [
                    time(flop, || engine.matmul(black_box(a), black_box(b), None, c.view_mut())),
                    time(flop, || {
                        let a = gemmkit::MatRef::new(black_box(flat_a), m, k, sa[0], sa[1]);
                        let b = gemmkit::MatRef::new(black_box(flat_b), k, n, sb[0], sb[1]);
                        let c = gemmkit::MatMut::from_row_major(c.as_slice_mut().unwrap(), m, n);
                        gemmkit::gemm_with(&mut workspace, 1.0, a, b, 0.0, c, gemmkit::Parallelism::Serial);
                    }),
                    time(flop, || {
                        let (a, b, c) =
                            (black_box(flat_a).as_ptr(), black_box(flat_b).as_ptr(), c.as_mut_ptr());
                        let serial = gemm::Parallelism::None;
                        // SAFETY: pointers, sizes and strides come from the arrays.
                        unsafe {
                            gemm::gemm(
                                m, n, k, c, 1, n as isize, false, a, sa[1], sa[0], b, sb[1], sb[0], 0.0, 1.0,
                                false, false, false, serial,
                            );
                        }
                    }),
                    time(flop, || {
                        let a = black_box(flat_a);
                        let a = match operands {
                            AtB => faer::MatRef::from_row_major_slice(a, k, m).transpose(),
                            _ => faer::MatRef::from_row_major_slice(a, m, k),
                        };
                        let b = black_box(flat_b);
                        let b = match operands {
                            ABt => faer::MatRef::from_row_major_slice(b, n, k).transpose(),
                            _ => faer::MatRef::from_row_major_slice(b, k, n),
                        };
                        let c = faer::MatMut::from_row_major_slice_mut(c.as_slice_mut().unwrap(), m, n);
                        matmul(c, faer::Accum::Replace, a, b, 1.0, Par::Seq);
                    }),
                    time(flop, || {
                        ndarray::linalg::general_mat_mul(1.0, &black_box(a), &black_box(b), 0.0, &mut c)
                    }),
                ];
                best.iter_mut().zip(times).for_each(|(best, time)| *best = best.min(time));
            }
            let rates = best.map(|time| format!("{:9.1}", flop / time / 1e9)).concat();
            println!("     {:18} {rates}", format!("{operands:?} {m}x{k}x{n}"));
            if i < 8 {
                totals.iter_mut().zip(best).for_each(|(total, time)| *total += time * 1e6);
            }
        }
        println!("     {:18} {}", "8 of one step, µs", totals.map(|total| format!("{total:9.1}")).concat());
    }};
}

fn main() {
    compare!(f32, "f32");
    compare!(f64, "f64");
}
