//! This crate: the loop gathers and normalises u8 pixels, and records loss and accuracy.

use manabi::data::Images;
use manabi::layer::{BatchNorm, Conv2d, Dropout, Flatten, MaxPool2d};
use manabi::model::SequentialBuilder;
use manabi::ndarray::{Array2, Array3};
use manabi::optim::Adam;
use manabi::{
    Activation, Affine, CrossEntropy, Normalizer, Relu, Result, Sequential, Sgd, Shape, Softmax, Swish,
    Trainer,
};
use measure::{SIDE, Task, report_epoch};

fn main() -> Result<()> {
    let task = Task::read();
    let threads = std::env::var("RAYON_NUM_THREADS").map_or(1, |n| n.parse().expect("an integer"));
    let classes = task.widths[task.widths.len() - 1];
    let mut model = network(&task)?;
    if task.epochs > 0 {
        let shape = (task.labels.len(), SIDE, SIDE);
        let pixels = Array3::from_shape_vec(shape, task.pixels.clone()).expect("the pixels fill the images");
        let images = Images::new(pixels, task.labels.clone(), classes)?;
        let normalizer = Normalizer::min_max(images.pixels())?;
        let images = images.normalize(&normalizer)?;
        let trainer = Trainer::new().epochs(task.epochs).batch_size(task.batch).threads(threads);
        let mut trainer = match task.optimizer.as_str() {
            "adam" => trainer.optimizer(Adam::new(task.rate)),
            _ => trainer.optimizer(Sgd::new(task.rate)),
        };
        for pair in trainer.fit(&mut model, &images)?.epochs.windows(2) {
            report_epoch((pair[1].elapsed - pair[0].elapsed).as_secs_f64(), pair[1].train.loss);
        }
    }

    let model = &model;
    task.predict(|rows, x| {
        let x = Array2::from_shape_vec((rows, SIDE * SIDE), x).expect("the pixels fill the rows");
        let mut ws = model.workspace(rows.min(256)).expect("the rows are at least 1").threads(threads);
        let mut y = Array2::zeros((rows, classes));
        move || model.predict_into(x.view(), &mut ws, y.view_mut())
    });
    Ok(())
}

fn network(task: &Task) -> Result<Sequential<f32>> {
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
