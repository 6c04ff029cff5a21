//! The network of a task.

use manabi::layer::{BatchNorm, Conv2d, Dropout, Flatten, MaxPool2d};
use manabi::model::SequentialBuilder;
use manabi::{Activation, Affine, CrossEntropy, Relu, Result, Sequential, Shape, Softmax, Swish};
use measure::{SIDE, Task};

/// Returns the network with its initial weights.
pub fn network(task: &Task) -> Result<Sequential<f32>> {
    let (&classes, hidden) = task.widths[1..].split_last().expect("a layer");
    let (convolutional, [first, last]) = (!task.convolutions.is_empty(), task.dropout);
    let input: Shape = if convolutional { [1, SIDE, SIDE].into() } else { (SIDE * SIDE).into() };
    let mut builder = Sequential::builder(input);
    for (i, &[filters, kernel, padding, pool]) in task.convolutions.iter().enumerate() {
        builder = builder.add_layer(format!("conv{i}"), Conv2d::new(filters, kernel).padding(padding));
        builder = activate(builder, format!("conv_{}{i}", task.activation), task);
        if pool > 1 {
            builder = builder.add_layer(format!("pool{i}"), MaxPool2d::new(pool));
        }
    }
    if first > 0.0 {
        builder = builder.add_layer("dropout_first", Dropout::new(first));
    }
    if convolutional {
        builder = builder.add_layer("flatten", Flatten);
    }
    for (i, &width) in hidden.iter().enumerate() {
        builder = builder.add_layer(format!("affine{i}"), Affine::new(width));
        if task.normalised {
            builder = builder.add_layer(format!("norm{i}"), BatchNorm::new());
        }
        builder = activate(builder, format!("{}{i}", task.activation), task);
    }
    if last > 0.0 {
        builder = builder.add_layer("dropout_last", Dropout::new(last));
    }
    builder.add_layer("affine", Affine::new(classes)).set_output(Softmax).set_error(CrossEntropy).build()
}

fn activate(builder: SequentialBuilder<f32>, name: String, task: &Task) -> SequentialBuilder<f32> {
    match task.activation.as_str() {
        "relu" => builder.add_layer(name, Activation::new(Relu)),
        _ => builder.add_layer(name, Activation::new(Swish::default())),
    }
}
