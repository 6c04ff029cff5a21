//! rustyml: the loop gathers and normalises u8 pixels, and records the loss.

use measure::Task;
use ndarray::{ArrayD, IxDyn};
use rustyml::error::Error;
use rustyml::neural_network::Shape;
use rustyml::neural_network::layers::{Activation, Dense};
use rustyml::neural_network::losses::CategoricalCrossEntropy;
use rustyml::neural_network::optimizers::{Adam, SGD};
use rustyml::neural_network::sequential::SequentialBuilder;

fn rows(width: usize, numbers: Vec<f32>) -> ArrayD<f32> {
    let shape = IxDyn(&[numbers.len() / width, width]);
    ArrayD::from_shape_vec(shape, numbers).expect("the data fill the rows")
}

fn main() -> Result<(), Error> {
    let mut task = Task::read();
    let (pixels, rate) = (task.widths[0], task.rate as f32);
    let (&classes, hidden) = task.widths[1..].split_last().expect("a network has a layer");
    let mut model = SequentialBuilder::new();
    for &width in hidden {
        let activation = if task.activation == "relu" { Activation::ReLU } else { Activation::SiLU };
        model = model.add(Dense::new(width, activation)?);
    }
    let mut model =
        model.add(Dense::new(classes, Activation::Linear)?).build(&Shape::known(&[task.batch, pixels]))?;
    let cross_entropy = CategoricalCrossEntropy::new(true);
    match task.optimizer.as_str() {
        "adam" => model.compile(Adam::new(rate, 0.9, 0.999, 1e-8, 0.0)?, cross_entropy),
        _ => model.compile(SGD::new(rate, 0.0, false, 0.0)?, cross_entropy),
    };
    task.train(|task, batch| {
        let (x, t) = (rows(pixels, task.images(batch)), rows(classes, task.one_hot(batch)));
        f64::from(model.train_batch(&x, &t).expect("the step succeeds"))
    });

    let model = &model;
    task.predict(|_, x| {
        let x = rows(pixels, x);
        move || model.predict(&x)
    });
    Ok(())
}
