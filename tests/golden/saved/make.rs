// The program that wrote the files in this folder, with version 0.1.0 of the crate (commit 7c7a9bc): it was in `examples/` and
// run by `cargo run --example make -- tests/golden/saved`. It records what the files contain and is not compiled: later versions
// must load the files, but need not offer the calls below.

use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

use manabi::activation::{Identity, PRelu};
use manabi::layer::{BatchNorm, Dropout, TrainableActivation};
use manabi::loss::MeanSquaredError;
use manabi::optim::Adam;
use manabi::train::{Checkpoints, EarlyStopping};
use manabi::{
    Activation, Affine, CrossEntropy, Normalizer, Samples, Scalar, Sequential, Sgd, Softmax, Swish, Trainer,
};
use ndarray::{Array2, ArrayView2};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(env::args().nth(1).expect("a folder"));
    classifier(&folder)?;
    run(&folder)
}

fn grid(rows: usize, columns: usize, step: usize) -> Array2<f64> {
    Array2::from_shape_fn((rows, columns), |(i, j)| ((i * step + j * 5) % 17) as f64 * 3.0 - 11.0)
}

/// `classifier.safetensors`, and in `classifier.txt` the predictions for `grid(6, 4, 11)`.
fn classifier(folder: &Path) -> Result<(), Box<dyn Error>> {
    let mut x = grid(30, 4, 7).mapv(|x| x as f32);
    let labels: Vec<usize> = (0..30).map(|i| i % 3).collect();
    let normalizer = Normalizer::z_score_per_feature(x.view())?;
    normalizer.apply(x.view_mut())?;
    let mut model = Sequential::<f32>::builder(4)
        .add_layer("affine1", Affine::new(5))
        .add_layer("norm1", BatchNorm::new())
        .add_layer("swish1", Activation::new(Swish::new(1.25)))
        .add_layer("affine2", Affine::new(4))
        .add_layer("prelu1", TrainableActivation::new(PRelu::new(0.25)).per_unit(true))
        .add_layer("affine3", Affine::new(3))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .seed(10)
        .build()?;
    let data = Samples::labeled(x, &labels, 3)?;
    Trainer::new().batch_size(10).epochs(5).optimizer(Sgd::new(0.1)).fit(&mut model, &data)?;
    model.save_with(folder.join("classifier.safetensors"), &normalizer)?;
    let mut x = grid(6, 4, 11).mapv(|x| x as f32);
    normalizer.apply(x.view_mut())?;
    Ok(fs::write(folder.join("classifier.txt"), text(model.predict(x.view())?.view()))?)
}

/// `epoch-00003.safetensors`, the checkpoint after three epochs. `epoch-00003.txt` contains the predictions of the checkpoint's
/// model. `epoch-00008.txt` contains the predictions after eight uninterrupted epochs, with the parameters of the best epoch, the
/// sixth.
fn run(folder: &Path) -> Result<(), Box<dyn Error>> {
    let samples = |x: Array2<f64>| {
        let t = x.map_axis(ndarray::Axis(1), |row| row[0] * row[1] - row[2]).insert_axis(ndarray::Axis(1));
        Samples::new(x, t)
    };
    let (train, validation) = (samples(grid(40, 3, 7) / 16.0)?, samples(grid(12, 3, 4) / 16.0)?);
    let untrained = Sequential::<f64>::builder(3)
        .add_layer("affine1", Affine::new(6))
        .add_layer("norm1", BatchNorm::new())
        .add_layer("swish1", Activation::new(Swish::default()))
        .add_layer("dropout1", Dropout::new(0.25))
        .add_layer("affine2", Affine::new(1))
        .set_output(Identity)
        .set_error(MeanSquaredError)
        .seed(3)
        .build()?;
    let trainer = |epochs| {
        Trainer::new()
            .batch_size(8)
            .epochs(epochs)
            .seed(4)
            .noise_seed(5)
            .optimizer(Adam::new(0.05))
            .validation(&validation)
            .early_stopping(EarlyStopping::new(20))
    };
    let x = validation.x();
    let checkpoints = Checkpoints::new(folder).keep_last(1);
    let history = trainer(3).checkpoints(checkpoints).fit(&mut untrained.clone(), &train)?;
    println!("{}", history.to_csv());
    let third = Sequential::<f64>::load(folder.join("epoch-00003.safetensors"))?;
    fs::write(folder.join("epoch-00003.txt"), text(third.predict(x)?.view()))?;
    let mut straight = untrained;
    let history = trainer(8).fit(&mut straight, &train)?;
    println!("{} best {:?}", history.to_csv(), history.best);
    Ok(fs::write(folder.join("epoch-00008.txt"), text(straight.predict(x)?.view()))?)
}

/// Returns one line for each row, with the shortest decimal form of each value that reads back as the same bits.
fn text<A: Scalar>(y: ArrayView2<'_, A>) -> String {
    y.rows().into_iter().fold(String::new(), |mut text, row| {
        let row: Vec<String> = row.iter().map(|y| format!("{y:?}")).collect();
        _ = writeln!(text, "{}", row.join(" "));
        text
    })
}
