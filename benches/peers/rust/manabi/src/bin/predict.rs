//! Predictions of few and many rows in this crate. `predict THREADS` prints a network, a number of rows and the seconds of a
//! prediction per line.

use std::hint::black_box;
use std::time::Instant;

use manabi::ndarray::Array2;
use manabi::{Activation, Affine, CrossEntropy, Result, Sequential, Softmax, Swish};

const NETWORKS: [(&str, &[usize]); 2] = [("wide", &[784, 2048, 2048, 10]), ("article", &[784, 100, 50, 10])];
const ROWS: [usize; 6] = [1, 4, 32, 256, 1000, 10_000];
/// The number of parameters that all rows of a measurement together should pass.
const WORK: usize = 600_000_000;

fn main() -> Result<()> {
    let threads = std::env::args().nth(1).map_or(1, |threads| threads.parse().expect("an integer"));
    for (name, widths) in NETWORKS {
        let model = network(widths)?;
        for rows in ROWS {
            let x = Array2::from_shape_fn((rows, widths[0]), |(i, j)| ((31 * i + 7 * j) % 255) as f32 / 255.0);
            let mut ws = model.workspace(rows.min(256))?.threads(threads);
            let mut y = Array2::zeros((rows, 10));
            let times = (WORK / (rows * model.parameter_count())).max(1);
            let mut best = f64::INFINITY;
            for _ in 0..9 {
                let start = Instant::now();
                for _ in 0..times {
                    model.predict_into(black_box(x.view()), &mut ws, y.view_mut())?;
                }
                best = best.min(start.elapsed().as_secs_f64() / times as f64);
            }
            println!("{name} {rows} {best}");
        }
    }
    Ok(())
}

fn network(widths: &[usize]) -> Result<Sequential<f32>> {
    let mut builder = Sequential::builder(widths[0]);
    for (i, &width) in widths.iter().enumerate().skip(1) {
        builder = builder.add_layer(format!("affine{i}"), Affine::new(width));
        if i + 1 < widths.len() {
            builder = builder.add_layer(format!("swish{i}"), Activation::new(Swish::default()));
        }
    }
    builder.set_output(Softmax).set_error(CrossEntropy).build()
}
