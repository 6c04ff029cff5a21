//! The benchmark in this crate: the loop gathers and normalises u8 pixels, and records loss and accuracy.

use manabi::data::Images;
use manabi::ndarray::{Array2, Array3};
use manabi::{
    Activation, Affine, CrossEntropy, Normalizer, Result, Sequential, Sgd, Softmax, Swish, Trainer,
};
use measure::{BATCH, CLASSES, PIXELS, RATE, Task, report_epoch};

fn main() -> Result<()> {
    let task = Task::read();
    let threads = std::env::var("RAYON_NUM_THREADS").map_or(1, |n| n.parse().expect("an integer"));
    let shape = (task.labels.len(), 28, 28);
    let pixels = Array3::from_shape_vec(shape, task.pixels.clone()).expect("images have 28 × 28 pixels");
    let images = Images::new(pixels, task.labels.clone(), CLASSES)?;
    let normalizer = Normalizer::min_max(images.pixels())?;
    let images = images.normalize(&normalizer)?;

    let mut model = Sequential::<f32>::builder(PIXELS)
        .add_layer("affine1", Affine::new(100))
        .add_layer("swish1", Activation::new(Swish::default()))
        .add_layer("affine2", Affine::new(50))
        .add_layer("swish2", Activation::new(Swish::default()))
        .add_layer("affine3", Affine::new(CLASSES))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .build()?;
    let trainer = Trainer::new().epochs(task.epochs).batch_size(BATCH).optimizer(Sgd::new(f64::from(RATE)));
    let history = trainer.threads(threads).fit(&mut model, &images)?;
    for pair in history.epochs.windows(2) {
        report_epoch((pair[1].elapsed - pair[0].elapsed).as_secs_f64(), pair[1].train.loss);
    }

    let x = Array2::from_shape_vec((1, PIXELS), task.image()).expect("the image has 784 pixels");
    let (mut ws, mut y) = (model.workspace(1)?, Array2::zeros((1, CLASSES)));
    task.predict(|| model.predict_into(x.view(), &mut ws, y.view_mut()));
    Ok(())
}
