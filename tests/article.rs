//! The first rows of the article's runs on the real data, compared with NumPy's program.

use std::path::{Path, PathBuf};

use manabi::data::Images;
use manabi::random::RandomState;
use manabi::{
    ActFn, Activation, Affine, CrossEntropy, Mish, Mnist, Normalizer, Sequential, Softmax, Swish, Trainer,
};

fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(path);
    if !path.exists() {
        println!("skipped: {} does not exist", path.display());
    }
    path.exists().then_some(path)
}

fn normalised(mnist: Mnist) -> (Images, Images) {
    let normalizer = Normalizer::min_max(mnist.train.pixels()).unwrap();
    (mnist.train.normalize(&normalizer).unwrap(), mnist.test.normalize(&normalizer).unwrap())
}

fn replay<F: ActFn>(function: F, published: &str, epochs: usize) {
    let (Some(folder), Some(published)) = (shared("mnist"), shared(published)) else { return };
    let (train, test) = normalised(Mnist::load(folder).unwrap());
    let mut random = RandomState::new(10);
    let mut model = Sequential::<f64>::builder(784)
        .add_layer("affine1", Affine::new(100))
        .add_layer("activation1", Activation::new(function.clone()))
        .add_layer("affine2", Affine::new(50))
        .add_layer("activation2", Activation::new(function))
        .add_layer("affine3", Affine::new(10))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .build_with_random(&mut random)
        .unwrap();
    let history = Trainer::new().epochs(epochs).random(random).test(&test).fit(&mut model, &train).unwrap();
    let text = std::fs::read_to_string(published).unwrap();
    let mut compared = 0;
    for (line, row) in text.lines().skip(1).zip(&history.epochs) {
        let expected: Vec<f64> = line.split(',').map(|field| field.parse().unwrap()).collect();
        let test = row.test.unwrap();
        let rows = [
            row.number as f64,
            row.train.accuracy.unwrap(),
            row.train.loss,
            test.accuracy.unwrap(),
            test.loss,
        ];
        for (got, expected) in rows.into_iter().zip(expected) {
            approx::assert_relative_eq!(got, expected, max_relative = 1e-9);
        }
        compared += 1;
    }
    assert_eq!(compared, epochs + 1);
}

#[test]
fn swish_as_published() {
    replay(Swish::new(1.0), "reference/article_swish.csv", 2);
}

#[test]
fn mish_as_published() {
    replay(Mish, "reference/article_mish.csv", 2);
}
