//! Measures the greatest error of every function over all 2³² `f32` inputs, in units in the last place. Fails if an error
//! exceeds its documented limit.
//!
//! `cargo run --release --example ulp_f32 [stride]` tests every stride-th bit pattern; the default stride is 1. The reference
//! values are computed in `f64`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use judge::Function::{self, *};
use judge::fast::{self, ulps};
use judge::subject::computed;
use manabi::simd;

#[allow(dead_code)]
#[path = "../tests/judge/mod.rs"]
mod judge;

const BLOCK: usize = 1 << 14;
const COUNT: usize = fast::FUNCTIONS.len() + fast::ERROR_FUNCTIONS.len();

#[derive(Clone, Copy, Default)]
struct Worst {
    ulps: f64,
    at: f32,
    near_zero: f64,
}

impl Worst {
    fn join(&mut self, other: Worst) {
        let near_zero = self.near_zero.max(other.near_zero);
        let worse = if other.ulps > self.ulps { other } else { *self };
        *self = Worst { near_zero, ..worse };
    }

    fn see(&mut self, function: Function, u: f32, y: f32, truth: f64) {
        if u.is_nan() || truth.is_nan() {
            assert!(y.is_nan(), "{function:?}({u}) = {y}");
        } else if function.is_near_zero(u.into()) {
            assert!(!y.is_nan(), "{function:?}({u}) = {y}");
            self.near_zero = self.near_zero.max((f64::from(y) - truth).abs());
        } else if f64::from(y) != truth {
            let ulps = ulps(y, truth);
            assert!(!ulps.is_nan(), "{function:?}({u}) = {y}");
            if ulps > self.ulps {
                (self.ulps, self.at) = (ulps, u);
            }
        }
    }
}

fn main() {
    let stride: u64 = std::env::args().nth(1).map_or(1, |s| s.parse().expect("expected a stride"));
    let next = AtomicU64::new(0);
    let threads = thread::available_parallelism().map_or(1, |n| n.get());
    let worst = thread::scope(|s| {
        let parts: Vec<_> = (0..threads).map(|_| s.spawn(|| part(&next, stride))).collect();
        let parts = parts.into_iter().map(|p| p.join().expect("no thread panics"));
        parts.fold([Worst::default(); COUNT], |mut all, part| {
            all.iter_mut().zip(part).for_each(|(a, p)| a.join(p));
            all
        })
    });
    println!("| function | worst ulp | at | near its zero, absolute |\n|---|---|---|---|");
    for (function, w) in functions().zip(worst) {
        println!("| {function:?} | {:.3} | {:e} | {:e} |", w.ulps, w.at, w.near_zero);
        assert!(
            w.ulps <= function.limit() && w.near_zero < 2f64.powi(-25),
            "{function:?}: the error exceeds its limit"
        );
    }
}

fn functions() -> impl Iterator<Item = Function> {
    fast::FUNCTIONS.into_iter().chain(fast::ERROR_FUNCTIONS)
}

/// Returns the greatest errors, taking blocks of inputs until none is left.
fn part(next: &AtomicU64, stride: u64) -> [Worst; COUNT] {
    let mut worst = [Worst::default(); COUNT];
    let mut u = vec![0.0; BLOCK];
    let mut y = vec![vec![0.0; BLOCK]; COUNT];
    loop {
        let start = next.fetch_add(BLOCK as u64, Ordering::Relaxed) * stride;
        if start >> 32 > 0 {
            return worst;
        }
        u.iter_mut().zip(0..).for_each(|(u, i)| *u = f32::from_bits((start + i * stride) as u32));
        functions().zip(&mut y).for_each(|(function, y)| apply(function, &u, y));
        for (j, &u) in u.iter().enumerate() {
            let truths = fast::truths(u.into()).into_iter().chain(fast::error_truths(u.into()));
            for (i, (function, truth)) in functions().zip(truths).enumerate() {
                worst[i].see(function, u, y[i][j], truth);
            }
        }
    }
}

/// Has one loop per function, so that the compiler vectorises each.
fn apply(function: Function, u: &[f32], y: &mut [f32]) {
    match function {
        Sigmoid => each(u, y, |u| computed(Sigmoid, u)),
        Tanh => each(u, y, |u| computed(Tanh, u)),
        Softplus => each(u, y, |u| computed(Softplus, u)),
        Swish(beta) => each(u, y, |u| computed(Swish(beta), u)),
        Mish => each(u, y, |u| computed(Mish, u)),
        SigmoidDerivative => each(u, y, |u| computed(SigmoidDerivative, u)),
        TanhDerivative => each(u, y, |u| computed(TanhDerivative, u)),
        SoftplusDerivative => each(u, y, |u| computed(SoftplusDerivative, u)),
        SwishDerivative(beta) => each(u, y, |u| computed(SwishDerivative(beta), u)),
        MishDerivative => each(u, y, |u| computed(MishDerivative, u)),
        Exp => each(u, y, |u| computed(Exp, u)),
        ExpM1 => each(u, y, |u| computed(ExpM1, u)),
        Ln => each(u, y, |u| computed(Ln, u)),
        Ln1p => each(u, y, |u| computed(Ln1p, u)),
        Erf => each(u, y, |u| computed(Erf, u)),
        Erfc => each(u, y, |u| computed(Erfc, u)),
        NormalCdf => each(u, y, |u| computed(NormalCdf, u)),
        Gelu => each(u, y, |u| computed(Gelu, u)),
        GeluDerivative => each(u, y, |u| computed(GeluDerivative, u)),
    }
}

#[inline(always)]
fn each(u: &[f32], y: &mut [f32], f: impl Fn(f32) -> f32) {
    simd::dispatch(
        #[inline(always)]
        || {
            for (y, &u) in y.iter_mut().zip(u) {
                *y = f(u);
            }
        },
    );
}
