//! Trains with checkpoints, so that the same command resumes an interrupted run. Then saves the model and loads it again.
//!
//! `cargo run --release --example save_load_resume -- run1 40`: the run's folder and the number of epochs

use std::env;
use std::path::PathBuf;

use manabi::optim::{Adam, CosineDecay};
use manabi::random::{Random, RandomState};
use manabi::train::Checkpoints;
use manabi::{Activation, Affine, CrossEntropy, Samples, Sequential, Softmax, Swish, Trainer};
use ndarray::{Array2, s};

/// Returns points on two interlocking spirals.
fn spirals(rows: usize, seed: u32) -> manabi::Result<Samples<f32>> {
    let noise = RandomState::new(seed).normal((rows, 2), 0.0, 0.05);
    let labels: Vec<usize> = (0..rows).map(|row| row % 2).collect();
    let points = Array2::from_shape_fn((rows, 2), |(row, axis)| {
        let turn = 6.0 * row as f64 / rows as f64;
        let angle = turn + std::f64::consts::PI * labels[row] as f64;
        let (sin, cos) = angle.sin_cos();
        (0.3 * turn * [cos, sin][axis] + noise[[row, axis]]) as f32
    });
    Samples::labeled(points, &labels, 2)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = env::args().skip(1);
    let folder = args.next().map_or_else(|| env::temp_dir().join("save_load_resume"), PathBuf::from);
    let epochs = args.next().map_or(Ok(40), |epochs| epochs.parse())?;
    let (train, test) = (spirals(400, 1)?, spirals(200, 2)?);
    let mut model = Sequential::<f32>::builder(2)
        .add_layer("affine1", Affine::new(16))
        .add_layer("swish1", Activation::new(Swish::default()))
        .add_layer("affine2", Affine::new(16))
        .add_layer("swish2", Activation::new(Swish::default()))
        .add_layer("affine3", Affine::new(2))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .build()?;

    let history = Trainer::new()
        .batch_size(20)
        .epochs(epochs)
        .optimizer(Adam::new(0.01))
        .schedule(CosineDecay::new(20 * epochs as u64))
        .test(&test)
        .checkpoints(Checkpoints::new(&folder).keep_last(3).keep_best(true).resume(true))
        .on_epoch(|epoch| {
            println!("epoch {}: loss {:.4}", epoch.number, epoch.train.loss);
            std::ops::ControlFlow::Continue(())
        })
        .fit(&mut model, &train)?;
    println!("{} epochs in {:.2?}, over all runs", history.epochs.len() - 1, history.elapsed);

    let path = folder.join("model.safetensors");
    model.save(&path)?;
    let loaded = Sequential::<f32>::load(&path)?;
    let point = test.x().slice_move(s![..1, ..]);
    assert_eq!(loaded.predict(point)?, model.predict(point)?);
    println!("{loaded}");
    println!("accuracy {:.3}", loaded.evaluate(&test)?.accuracy.unwrap_or_default());
    Ok(())
}
