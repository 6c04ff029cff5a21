//! Measures the greatest error of every `f64` function at random points, in units in the last place. Fails if an error
//! exceeds its documented limit.
//!
//! `cargo run --release --example ulp_f64 [points]` tests this number of points uniform over the bit patterns, and the same
//! number uniform on [−50, 50]. The default is 10⁷. The reference values are computed in double-double arithmetic.

use std::thread;

use judge::Function::{self, *};
use judge::subject::computed;
use manabi::simd;

#[allow(dead_code)]
#[path = "../tests/judge/mod.rs"]
mod judge;

const BLOCK: usize = 1 << 12;

#[derive(Clone, Copy, Default)]
struct Worst {
    ulps: f64,
    at: f64,
    near_zero: f64,
}

impl Worst {
    fn join(self, other: Worst) -> Worst {
        let near_zero = self.near_zero.max(other.near_zero);
        let worse = if other.ulps > self.ulps { other } else { self };
        Worst { near_zero, ..worse }
    }
}

struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

fn main() {
    let points: usize =
        std::env::args().nth(1).map_or(10_000_000, |n| n.parse().expect("expected a number of points"));
    println!("| function | worst ulp | at | near its zero, absolute |\n|---|---|---|---|");
    for function in Function::all() {
        // The series of erf converges slowly.
        let points = if function == Erf { points / 10 } else { points };
        let worst = thread::scope(|s| {
            let halves = [1u64, 2].map(|seed| s.spawn(move || worst(function, points / 2, seed)));
            halves
                .map(|h| h.join().expect("no thread panics"))
                .into_iter()
                .fold(Worst::default(), Worst::join)
        });
        println!("| {function:?} | {:.3} | {:e} | {:e} |", worst.ulps, worst.at, worst.near_zero);
        let is_kept = worst.ulps <= function.limit() && worst.near_zero < 2f64.powi(-54);
        assert!(is_kept, "{function:?}: the error exceeds its limit");
    }
}

fn worst(function: Function, points: usize, seed: u64) -> Worst {
    let mut random = SplitMix(seed);
    let mut worst = Worst::default();
    let (mut us, mut ys) = (vec![0.0; BLOCK], vec![0.0; BLOCK]);
    for _ in 0..points.div_ceil(BLOCK) {
        for dense in [false, true] {
            us.fill_with(|| if dense { dense_point(random.next()) } else { f64::from_bits(random.next()) });
            simd::dispatch(
                #[inline(always)]
                || {
                    for (y, &u) in ys.iter_mut().zip(&us) {
                        *y = computed(function, u);
                    }
                },
            );
            for (&u, &y) in us.iter().zip(&ys) {
                check(function, u, y, &mut worst);
            }
        }
    }
    worst
}

fn dense_point(bits: u64) -> f64 {
    (bits >> 11) as f64 * (100.0 / (1u64 << 53) as f64) - 50.0
}

fn check(function: Function, u: f64, y: f64, worst: &mut Worst) {
    if !u.is_finite() || !function.is_defined_at(u) {
        return;
    }
    let truth = function.truth(u);
    if function.is_near_zero(u) {
        let (m, k) = truth;
        worst.near_zero = worst.near_zero.max((y - m.times_power(k).hi).abs());
        return;
    }
    let ulps = judge::ulps(y, truth, 53);
    if ulps > worst.ulps {
        (worst.ulps, worst.at) = (ulps, u);
    }
}
