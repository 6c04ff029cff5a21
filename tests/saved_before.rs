//! Files saved by version 0.1.0 load, predict the same bits, and continue training to the same bits. Their contents are described
//! in `golden/saved/make.rs`, which wrote them.

use std::fs;
use std::path::Path;

use manabi::activation::Identity;
use manabi::layer::{BatchNorm, Dropout};
use manabi::loss::MeanSquaredError;
use manabi::optim::Adam;
use manabi::train::{Checkpoints, EarlyStopping};
use manabi::{Affine, Normalizer, Samples, Scalar, Sequential, Swish, Trainer};
use ndarray::{Array2, ArrayView2, Axis};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/saved");

fn grid(rows: usize, columns: usize, step: usize) -> Array2<f64> {
    Array2::from_shape_fn((rows, columns), |(i, j)| ((i * step + j * 5) % 17) as f64 * 3.0 - 11.0)
}

/// Compares predictions bit by bit with a file of values in round-trip form.
fn assert_saved<A: Scalar>(file: &str, y: ArrayView2<'_, A>) {
    let expected = fs::read_to_string(Path::new(FOLDER).join(file)).unwrap();
    let mut got = String::new();
    for row in y.rows() {
        let row: Vec<String> = row.iter().map(|y| format!("{y:?}")).collect();
        got += &format!("{}\n", row.join(" "));
    }
    assert_eq!(got, expected, "{file}");
}

#[test]
fn a_classifier_and_its_normalizer() {
    let path = Path::new(FOLDER).join("classifier.safetensors");
    let model = Sequential::<f32>::load(&path).unwrap();
    let normalizer = Normalizer::load(&path).unwrap();
    let train = grid(30, 4, 7).mapv(|x| x as f32);
    assert_eq!(normalizer, Normalizer::z_score_per_feature(train.view()).unwrap());
    let mut x = grid(6, 4, 11).mapv(|x| x as f32);
    normalizer.apply(x.view_mut()).unwrap();
    assert_saved("classifier.txt", model.predict(x.view()).unwrap().view());

    // After loading, the normaliser is part of the model, also when it is saved again.
    let again = Sequential::<f32>::from_bytes(&model.to_bytes().unwrap()).unwrap();
    for model in [model, again] {
        assert_eq!(model.input_normalizer(), Some(&normalizer));
        let raw = grid(6, 4, 11).mapv(|x| x as f32);
        assert_saved("classifier.txt", model.predict_raw(raw.view()).unwrap().view());
    }
}

fn samples(x: Array2<f64>) -> Samples<f64> {
    let t = x.map_axis(Axis(1), |row| row[0] * row[1] - row[2]).insert_axis(Axis(1));
    Samples::new(x, t).unwrap()
}

fn untrained() -> Sequential<f64> {
    Sequential::builder(3)
        .add_layer("affine1", Affine::new(6))
        .add_layer("norm1", BatchNorm::new())
        .add_layer("swish1", manabi::Activation::new(Swish::default()))
        .add_layer("dropout1", Dropout::new(0.25))
        .add_layer("affine2", Affine::new(1))
        .set_output(Identity)
        .set_error(MeanSquaredError)
        .seed(3)
        .build()
        .unwrap()
}

#[test]
fn a_checkpoint_goes_on() {
    let (train, validation) = (samples(grid(40, 3, 7) / 16.0), samples(grid(12, 3, 4) / 16.0));
    let file = Path::new(FOLDER).join("epoch-00003.safetensors");
    let third = Sequential::<f64>::load(&file).unwrap();
    assert_saved("epoch-00003.txt", third.predict(validation.x()).unwrap().view());

    let folder = tempfile::tempdir().unwrap();
    fs::copy(&file, folder.path().join("epoch-00003.safetensors")).unwrap();
    let trainer = || {
        Trainer::new()
            .batch_size(8)
            .epochs(8)
            .seed(4)
            .noise_seed(5)
            .optimizer(Adam::new(0.05))
            .validation(&validation)
            .early_stopping(EarlyStopping::new(20))
    };
    let mut resumed = untrained();
    // The old file has no notes.
    resumed.set_note("date", "today");
    let checkpoints = Checkpoints::new(folder.path()).resume(true);
    let history = trainer().checkpoints(checkpoints).fit(&mut resumed, &train).unwrap();
    assert_eq!((history.epochs.len(), history.best), (9, Some(6)));
    assert_eq!(history.epochs[1].train.loss, 2.162047162695216);
    assert_saved("epoch-00008.txt", resumed.predict(validation.x()).unwrap().view());

    // The checkpoints written by the resumed run contain the complete state.
    let last = Checkpoints::new(folder.path()).last().unwrap().unwrap();
    assert_eq!(last.file_name().unwrap(), "epoch-00008.safetensors");
    let mut again = untrained();
    let checkpoints = Checkpoints::new(folder.path()).resume(true);
    let same = trainer().checkpoints(checkpoints).fit(&mut again, &train).unwrap();
    assert_eq!(same.epochs, history.epochs);
    assert_eq!(again.parameter_values(), resumed.parameter_values());
}
