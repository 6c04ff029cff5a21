//! This crate: the loop gathers and normalises u8 pixels, and records loss and accuracy.

mod network;

use manabi::data::Images;
use manabi::ndarray::{Array2, Array3};
use manabi::optim::Adam;
use manabi::{Normalizer, Result, Sgd, Trainer};
use measure::{SIDE, Task, report_epoch};
use network::network;

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
