//! Three training steps compared with NumPy.

use approx::assert_abs_diff_eq;
use manabi::{Activation, Affine, CrossEntropy, Samples, Sequential, Sgd, Softmax, Swish, Trainer};
use ndarray::{arr2, s};

#[path = "golden/training.rs"]
mod golden;
use golden::*;

/// The parameters in the order of the model.
fn flat(w1: &[[f64; 3]], b1: &[f64], w2: &[[f64; 2]], b2: &[f64]) -> Vec<f64> {
    [w1.as_flattened(), b1, w2.as_flattened(), b2].concat()
}

fn model() -> Sequential<f64> {
    let mut model = Sequential::builder(4)
        .add_layer("affine1", Affine::new(3))
        .add_layer("swish1", Activation::new(Swish::new(1.0)))
        .add_layer("affine2", Affine::new(2))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .build()
        .unwrap();
    model.set_parameter_values(&flat(&W1, &B1, &W2, &B2)).unwrap();
    model
}

fn data() -> Samples<f64> {
    Samples::labeled(arr2(&X), &LABELS, 2).unwrap()
}

fn close(got: &[f64], expected: &[f64]) {
    assert_eq!(got.len(), expected.len());
    got.iter().zip(expected).for_each(|(got, expected)| assert_abs_diff_eq!(got, expected, epsilon = 1e-14));
}

#[test]
fn the_first_gradient_is_numpys() {
    let model = model();
    let mut ws = model.workspace(BATCH).unwrap();
    ws.load(&data(), &[0, 1]).unwrap();
    let metrics = model.gradient(&mut ws).unwrap();
    assert_abs_diff_eq!(metrics.loss, LOSSES[0], epsilon = 1e-14);
    close(ws.y().as_slice().unwrap(), FIRST_OUTPUT.as_flattened());
    close(ws.gradient(), &flat(&FIRST_DW1, &FIRST_DB1, &FIRST_DW2, &FIRST_DB2));
}

#[test]
fn three_steps_end_at_numpys_weights() {
    let (mut model, data) = (model(), data());
    let mut trainer = Trainer::new().batch_size(BATCH).epochs(1).optimizer(Sgd::new(LEARNING_RATE));
    trainer = trainer.order(|_, samples| (0..samples).collect());
    let history = trainer.fit(&mut model, &data).unwrap();
    assert_abs_diff_eq!(history.epochs[1].train.loss, LOSSES.iter().sum::<f64>() / 3.0, epsilon = 1e-14);
    close(model.parameter_values(), &flat(&FINAL_W1, &FINAL_B1, &FINAL_W2, &FINAL_B2));
    let y = model.predict(arr2(&X).view()).unwrap();
    close(y.as_slice().unwrap(), FINAL_OUTPUT.as_flattened());
}

#[test]
fn the_order_is_the_callers() {
    let (mut forwards, mut backwards, data) = (model(), model(), data());
    let labels: Vec<usize> = LABELS.into_iter().rev().collect();
    let reversed = Samples::labeled(data.x().slice(s![..;-1, ..]).to_owned(), &labels, 2).unwrap();
    Trainer::new()
        .batch_size(BATCH)
        .epochs(1)
        .order(|_, n| (0..n).rev().collect())
        .fit(&mut forwards, &data)
        .unwrap();
    Trainer::new()
        .batch_size(BATCH)
        .epochs(1)
        .order(|_, n| (0..n).collect())
        .fit(&mut backwards, &reversed)
        .unwrap();
    assert_eq!(forwards.parameter_values(), backwards.parameter_values());
}
