//! The benchmark in rustyml: the loop gathers and normalises u8 pixels, and records the loss.

use measure::{BATCH, CLASSES, PIXELS, RATE, Task};
use ndarray::{ArrayD, IxDyn};
use rustyml::error::Error;
use rustyml::neural_network::Shape;
use rustyml::neural_network::layers::{Activation, Dense};
use rustyml::neural_network::losses::CategoricalCrossEntropy;
use rustyml::neural_network::optimizers::SGD;
use rustyml::neural_network::sequential::SequentialBuilder;

fn rows(width: usize, numbers: Vec<f32>) -> ArrayD<f32> {
    let shape = IxDyn(&[numbers.len() / width, width]);
    ArrayD::from_shape_vec(shape, numbers).expect("the data fill the rows")
}

fn main() -> Result<(), Error> {
    let mut task = Task::read();
    let mut model = SequentialBuilder::new()
        .add(Dense::new(100, Activation::SiLU)?)
        .add(Dense::new(50, Activation::SiLU)?)
        .add(Dense::new(CLASSES, Activation::Linear)?)
        .build(&Shape::known(&[BATCH, PIXELS]))?;
    model.compile(SGD::new(RATE, 0.0, false, 0.0)?, CategoricalCrossEntropy::new(true));
    task.train(|task, batch| {
        let (x, t) = (rows(PIXELS, task.images(batch)), rows(CLASSES, task.one_hot(batch)));
        f64::from(model.train_batch(&x, &t).expect("the step succeeds"))
    });

    let x = rows(PIXELS, task.image());
    task.predict(|| model.predict(&x));
    Ok(())
}
