//! Weights of samples: compared with PyTorch and scikit-learn (`golden/sample_weights.py`), with repeated samples and with
//! differences.

mod golden_lines;

use std::collections::HashMap;

use golden_lines::matrix;
use manabi::activation::{Identity, Sigmoid, Tanh};
use manabi::data::{Augment, Dataset, Images, Subset, balanced_class_weights};
use manabi::loss::{BinaryCrossEntropy, Loss, MeanSquaredError};
use manabi::output::Output;
use manabi::random::{Random, RandomState};
use manabi::{
    Activation, Affine, CrossEntropy, Result, Samples, Sequential, Sgd, Softmax, Trainer, gradcheck,
};
use ndarray::{Array2, Array3, ArrayViewMut2, Axis, array, concatenate};

/// Returns the lines of the golden file by name.
fn golden() -> HashMap<&'static str, Vec<f64>> {
    golden_lines::lines(include_str!("golden/sample_weights.txt"))
}

/// Checks that the values are equal to within 1e-12 of the largest value.
#[track_caller]
fn close(got: &[f64], want: &[f64]) {
    assert_eq!(got.len(), want.len());
    let greatest = want.iter().fold(0.0_f64, |greatest, want| greatest.max(want.abs()));
    assert!(greatest > 0.0, "nothing to compare");
    for (got, want) in got.iter().zip(want) {
        assert!((got - want).abs() <= 1e-12 * greatest, "expected {want:e}, got {got:e}");
    }
}

fn network(output: impl Output<f64>, loss: impl Loss<f64>) -> Sequential<f64> {
    Sequential::builder(4)
        .add_layer("affine1", Affine::new(5))
        .add_layer("tanh1", Activation::new(Tanh))
        .add_layer("affine2", Affine::new(3))
        .set_output(output)
        .set_error(loss)
        .seed(3)
        .build()
        .unwrap()
}

fn data(targets: &str) -> Samples<f64> {
    let golden = golden();
    Samples::new(matrix(&golden["x"], 4), matrix(&golden[targets], 3)).unwrap()
}

fn weighted(targets: &str) -> Samples<f64> {
    data(targets).with_weights(golden()["weights"].clone()).unwrap()
}

/// Trains with weights, and compares parameters, loss and accuracy.
fn case(name: &str, output: impl Output<f64>, loss: impl Loss<f64>, targets: &str) {
    let golden = golden();
    let (data, mut model) = (weighted(targets), network(output, loss));
    model.set_parameter_values(&golden["params"]).unwrap();
    let trainer = Trainer::new().batch_size(5).epochs(5).optimizer(Sgd::new(golden["learning_rate"][0]));
    let history = trainer.order(|_, n| (0..n).collect()).validation(&data).fit(&mut model, &data).unwrap();
    close(model.parameter_values(), &golden[format!("{name}.params").as_str()]);
    let metrics = model.evaluate(&data).unwrap();
    close(&[metrics.loss], &golden[format!("{name}.loss").as_str()]);
    if let Some(accuracy) = golden.get(format!("{name}.accuracy").as_str()) {
        close(&[metrics.accuracy.unwrap()], accuracy);
    }
    assert_eq!(history.epochs[5].validation, Some(metrics));
}

#[test]
fn losses_and_accuracies_are_pytorchs_and_scikit_learns() {
    case("cross_entropy", Softmax, CrossEntropy.label_smoothing(0.0), "one_hot");
    case("cross_entropy/class_weights", Softmax, CrossEntropy.class_weights([0.3, 1.0, 2.5]), "one_hot");
    case("binary_cross_entropy", Sigmoid, BinaryCrossEntropy, "yes");
    case("mean_squared_error", Identity, MeanSquaredError, "numbers");
    let golden = golden();
    close(&golden["log_loss"], &golden["cross_entropy.loss"]);
}

#[test]
fn balanced_class_weights_are_scikit_learns() {
    let golden = golden();
    let labels: Vec<u8> = [(0, 7), (1, 2), (2, 31)].iter().flat_map(|&(class, n)| vec![class; n]).collect();
    let data = Samples::labeled(Array2::<f64>::zeros((40, 1)), &labels, 3).unwrap();
    close(&balanced_class_weights(&data).unwrap(), &golden["balanced"]);
    let weighted = data.clone().with_weights(golden["rare_weights"].clone()).unwrap();
    close(&balanced_class_weights(&weighted).unwrap(), &golden["balanced_weighted"]);
    // A single yes-or-no target, and each class of a view.
    let answers = Samples::new(Array2::<f64>::zeros((4, 1)), array![[0.0], [1.0], [1.0], [1.0]]).unwrap();
    close(&balanced_class_weights(&answers).unwrap(), &[2.0, 2.0 / 3.0]);

    let text = |data: &dyn Dataset<f64>| balanced_class_weights(data).unwrap_err().to_string();
    let first = Subset::new(&data, (0..9).collect()).unwrap();
    assert_eq!(text(&first), "samples of class 2: expected at least 1 with a weight above 0, got none");
    let numbers = Samples::new(Array2::zeros((2, 1)), array![[1.0], [2.5]]).unwrap();
    assert_eq!(text(&numbers), "targets: expected a class at row 1, got none");
}

#[test]
fn a_weight_counts_like_repeated_samples() {
    let data = data("one_hot");
    let mut repeated = vec![0, 3, 3, 3, 4, 7, 7];
    let weights = [1.0, 0.0, 0.0, 3.0, 1.0, 0.0, 0.0, 2.0];
    let weighted = data.clone().with_weights(weights).unwrap();
    let model = network(Softmax, CrossEntropy);
    let (mut one, mut other) = (model.workspace(8).unwrap(), model.workspace(8).unwrap());
    one.load(&weighted, &[0, 1, 2, 3, 4, 5, 6, 7]).unwrap();
    other.load(&data, &repeated).unwrap();
    let (a, b) = (model.gradient(&mut one).unwrap(), model.gradient(&mut other).unwrap());
    close(&[a.loss, a.accuracy.unwrap()], &[b.loss, b.accuracy.unwrap()]);
    close(one.gradient(), other.gradient());
    // The same from arrays, and from views of the data set.
    let x = concatenate(Axis(0), &[data.x()]).unwrap();
    other.load_weighted(x.view(), data.t(), &weights).unwrap();
    assert_eq!((model.gradient(&mut other).unwrap(), other.weights()), (a, Some(&weights[..])));
    assert_eq!(one.gradient(), other.gradient());
    repeated = (0..8).rev().collect();
    let view = Subset::new(&weighted, repeated.clone()).unwrap();
    let view = Augment::new(&view, |_: &mut [f64], _| {});
    let boxed: Box<dyn Dataset<f64>> = Box::new(&view);
    other.load(&boxed, &repeated).unwrap();
    assert_eq!(model.gradient(&mut other).unwrap(), a);
    assert_eq!(one.gradient(), other.gradient());
    assert_eq!(Subset::new(&weighted, repeated).unwrap().to_samples().unwrap().weight(0), 2.0);
    let images =
        Images::new(Array3::zeros((2, 1, 1)), vec![0, 1], 2).unwrap().with_weights([0.5, 2.0]).unwrap();
    assert_eq!([0, 1].map(|row| Dataset::<f32>::weight(&images, row)), [0.5, 2.0]);
}

#[test]
fn weights_of_1_change_nothing() {
    let data = data("numbers");
    let ones = data.clone().with_weights([1.0; 8]).unwrap();
    let train = |data: &Samples<f64>| {
        let mut model = network(Identity, MeanSquaredError);
        Trainer::new().batch_size(3).epochs(3).fit(&mut model, data).unwrap();
        (model.parameter_values().to_vec(), model.evaluate(data).unwrap())
    };
    assert_eq!(train(&data), train(&ones));
}

#[test]
fn gradients_are_the_differences_of_weighted_losses() {
    gradcheck::model(&network(Softmax, CrossEntropy), &weighted("one_hot")).unwrap().assert();
    let loss = CrossEntropy.class_weights([0.0, 1.0, 2.0]).label_smoothing(0.2);
    gradcheck::model(&network(Softmax, loss), &weighted("one_hot")).unwrap().assert();
    gradcheck::model(&network(Sigmoid, MeanSquaredError), &weighted("yes")).unwrap().assert();
}

#[test]
fn a_batch_without_weight_has_no_gradient() {
    let weights = [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0];
    let data = data("one_hot").with_weights(weights).unwrap();
    let model = network(Softmax, CrossEntropy);
    let mut ws = model.workspace(4).unwrap();
    ws.load(&data, &[0, 1, 2, 3]).unwrap();
    let metrics = model.gradient(&mut ws).unwrap();
    assert_eq!((metrics.loss, metrics.accuracy), (0.0, Some(0.0)));
    assert!(ws.gradient().iter().all(|&value| value == 0.0));
    ws.load(&data, &[4, 5]).unwrap();
    assert_eq!(ws.weights(), None);
    assert!(model.gradient(&mut ws).unwrap().loss > 0.0);
}

/// A data set whose weights nothing has checked.
#[derive(Debug)]
struct Unchecked(Vec<f64>);

impl Dataset<f64> for Unchecked {
    fn len(&self) -> usize {
        self.0.len()
    }
    fn input_dim(&self) -> usize {
        4
    }
    fn target_dim(&self) -> usize {
        3
    }
    fn gather(
        &self,
        _: &[usize],
        mut x: ArrayViewMut2<'_, f64>,
        mut t: ArrayViewMut2<'_, f64>,
    ) -> Result<()> {
        x.fill(1.0);
        t.fill(1.0);
        Ok(())
    }
    fn weight(&self, row: usize) -> f64 {
        self.0[row]
    }
    fn origin(&self, row: usize) -> usize {
        row + 100
    }
}

#[test]
fn bad_weights_are_errors_that_name_the_row() {
    fn text<T>(result: Result<T>) -> String {
        result.err().expect("an error").to_string()
    }
    let of = |weights: &[f64]| text(data("yes").with_weights(weights));
    assert_eq!(of(&[1.0; 7]), "weights: expected shape [8], got [7]");
    let bad = [1.0, 0.0, 1.0, -0.5, 1.0, 1.0, 1.0, f64::NAN];
    assert_eq!(of(&bad), "weights: expected a finite number of at least 0 at row 3, got -0.5");
    let nan = of(&[1.0, 0.0, 1.0, 1.0, 1.0, 1.0, f64::NAN, 1.0]);
    assert_eq!(nan, "weights: expected a finite number of at least 0 at row 6, got NaN");
    assert_eq!(of(&[0.0; 8]), "weights: expected at least one above 0, got 0 at rows 0 to 7");

    let model = network(Identity, MeanSquaredError);
    let expected = "during evaluation, rows starting at 0: weights: expected a finite number of at least 0 at row 101, got inf";
    assert_eq!(text(model.evaluate(&Unchecked(vec![1.0, f64::INFINITY]))), expected);
    let expected = "weights of the data set: expected at least one above 0, got 0 at rows 0 to 1";
    assert_eq!(text(model.evaluate(&Unchecked(vec![0.0, 0.0]))), expected);
    let trained = Trainer::new().fit(&mut model.clone(), &Unchecked(vec![0.0, 0.0]));
    assert!(text(trained).contains("expected at least one above 0"));
    let mut ws = model.workspace(2).unwrap();
    let (x, t) = (RandomState::new(1).normal((2, 4), 0.0, 1.0), array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    let expected = "weights: expected a finite number of at least 0 at row 1, got -1";
    assert_eq!(text(ws.load_weighted(x.view(), t.view(), &[1.0, -1.0])), expected);
    assert_eq!(text(ws.load_weighted(x.view(), t.view(), &[1.0])), "weights: expected shape [2], got [1]");
    assert!(ws.weights().is_none() && model.loss(&mut ws).is_err());
}
