//! Training steps and predictions of recurrent layers with a dense output, in `f32`, on one and two threads. The times are the
//! shortest of 60. `recurrent.py` prints the same for PyTorch.
//!
//! ```text
//! cargo bench --bench recurrent
//! python benches/recurrent.py 1; python benches/recurrent.py 2
//! ```

use std::hint::black_box;
use std::time::Instant;

use manabi::activation::Identity;
use manabi::layer::{Gru, Lstm};
use manabi::loss::MeanSquaredError;
use manabi::optim::Stepper;
use manabi::random::{Random, RandomState};
use manabi::{Affine, Layer, Sequential, Sgd};
use ndarray::Array2;

/// Steps, features, units and batch size.
const SIZES: [(usize, usize, usize, usize); 3] = [(168, 3, 32, 64), (28, 28, 128, 100), (24, 1, 32, 32)];
const ROUNDS: usize = 60;

/// Returns the milliseconds of the fastest of several calls.
fn fastest(mut work: impl FnMut()) -> f64 {
    let time = |_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    };
    1e3 * (0..ROUNDS).map(time).fold(f64::INFINITY, f64::min)
}

fn measure(layer: impl Layer<f32> + 'static, (time, features, units, batch): (usize, usize, usize, usize)) {
    let name = layer.kind().to_owned();
    let builder = Sequential::<f32>::builder([time, features]).add_layer("recurrent", layer);
    let builder =
        builder.add_layer("affine", Affine::new(1)).set_output(Identity).set_error(MeanSquaredError);
    let mut model = builder.build().expect("the network builds");
    let x = RandomState::new(1).uniform((batch, time * features), -1.0, 1.0).mapv(|x| x as f32);
    let (t, mut y) = (Array2::zeros((batch, 1)), Array2::zeros((batch, 1)));
    for threads in [1, 2] {
        let mut ws = model.workspace(batch).expect("it fits in memory").threads(threads);
        let mut stepper = Stepper::new(Sgd::new(0.001));
        let step = fastest(|| {
            ws.load_arrays(x.view(), t.view()).expect("the data fit");
            black_box(model.gradient(&mut ws).expect("a batch is loaded"));
            stepper.step(&mut model, &mut ws).expect("the gradient is computed");
        });
        let predict = fastest(|| model.predict_into(x.view(), &mut ws, y.view_mut()).expect("the data fit"));
        println!(
            "{name} {time}x{features}, {units} units, batch {batch}, {threads} threads: {step:.3} {predict:.3}"
        );
    }
}

fn main() {
    println!("milliseconds of a step and of a prediction");
    for size in SIZES {
        measure(Gru::new(size.2), size);
        measure(Lstm::new(size.2), size);
    }
}
