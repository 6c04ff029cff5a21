//! The measurement of a prediction.

use std::hint::black_box;
use std::time::Instant;

/// The pixels of the row that all programs predict.
pub fn row() -> Vec<f32> {
    (0..784).map(|i| (i % 17) as f32 / 16.0).collect()
}

/// Returns the seconds of a prediction: the best mean of at least 10 ms.
pub fn best(mut predict: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..50 {
        let (begin, mut count) = (Instant::now(), 0);
        while begin.elapsed().as_secs_f64() < 0.01 {
            (0..100).for_each(|_| black_box(&mut predict)());
            count += 100;
        }
        best = best.min(begin.elapsed().as_secs_f64() / f64::from(count));
    }
    best
}
