//! Training mistakes that must be reported.

use manabi::activation::Identity;
use manabi::layer::{BatchNorm, Dropout};
use manabi::loss::MeanSquaredError;
use manabi::ndarray::{Array2, array};
use manabi::optim::{Adam, CosineDecay, Momentum, Stepper};
use manabi::random::{Random, RandomState};
use manabi::train::{Checkpoints, EarlyStopping};
use manabi::{Activation, Affine, CrossEntropy, Relu, Samples, Sequential, Sgd, Softmax, Trainer};

fn model(seed: u32) -> Sequential<f64> {
    let builder = Sequential::builder(2)
        .add_layer("affine1", Affine::new(8))
        .add_layer("relu1", Activation::new(Relu))
        .add_layer("affine2", Affine::new(2));
    builder.set_output(Softmax).set_error(CrossEntropy).seed(seed).build().unwrap()
}

fn data(rows: usize) -> Samples<f64> {
    let labels: Vec<usize> = (0..rows).map(|row| row % 2).collect();
    let x = RandomState::new(3).normal((rows, 2), 0.0, 1.0);
    let x = Array2::from_shape_fn((rows, 2), |(row, column)| x[[row, column]] + labels[row] as f64);
    Samples::labeled(x, &labels, 2).unwrap()
}

fn line() -> (Sequential<f64>, Samples<f64>) {
    let builder = Sequential::builder(1).add_layer("affine1", Affine::new(1)).set_output(Identity);
    let mut model = builder.set_error(MeanSquaredError).build().unwrap();
    model.set_parameter_values(&[0.0, 0.0]).unwrap();
    (model, Samples::new(array![[1.0], [2.0], [3.0]], array![[2.0], [4.0], [6.0]]).unwrap())
}

/// A cosine schedule that has ended would train a second model with rate 0.
#[test]
fn every_run_begins_anew() {
    let data = data(40);
    let trainer =
        || Trainer::new().batch_size(10).epochs(3).optimizer(Adam::new(0.01)).schedule(CosineDecay::new(12));
    let mut shared = trainer();
    let (mut first, mut second) = (model(1), model(2));
    shared.fit(&mut first, &data).unwrap();
    shared.fit(&mut second, &data).unwrap();
    for (trained, seed) in [(first, 1), (second, 2)] {
        let mut alone = model(seed);
        trainer().fit(&mut alone, &data).unwrap();
        assert_eq!(trained.parameter_values(), alone.parameter_values());
    }
}

#[test]
fn a_run_goes_on_if_it_is_asked_to() {
    let data = data(40);
    let trainer = |epochs| Trainer::new().batch_size(10).epochs(epochs).optimizer(Momentum::new(0.05));
    let (mut in_two, mut straight) = (model(1), model(1));
    let mut first = trainer(3).continue_run(true);
    first.fit(&mut in_two, &data).unwrap();
    first.fit(&mut in_two, &data).unwrap();
    trainer(6).fit(&mut straight, &data).unwrap();
    assert_eq!(in_two.parameter_values(), straight.parameter_values());
    let error = first.fit(&mut model(2), &data).unwrap_err().to_string();
    let expected = "model: expected the model of the previous steps (call adopt to continue or restart to start over), got another model";
    assert_eq!(error, expected);
}

#[test]
fn a_run_that_is_refused_loses_nothing() {
    let data = data(40);
    let trainer = || Trainer::new().batch_size(10).epochs(3).optimizer(Momentum::new(0.05));
    let (mut with, mut without) = (model(1), model(1));
    let mut first = trainer();
    first.fit(&mut with, &data).unwrap();
    let wrong = Samples::new(Array2::zeros((4, 3)), Array2::zeros((4, 2))).unwrap();
    first.fit(&mut with, &wrong).unwrap_err();
    first.continue_run(true).fit(&mut with, &data).unwrap();
    let mut second = trainer().continue_run(true);
    second.fit(&mut without, &data).unwrap();
    second.fit(&mut without, &data).unwrap();
    assert_eq!(with.parameter_values(), without.parameter_values());
}

/// The same applies if a setting changes between two runs.
#[test]
fn a_stepper_that_was_handed_in_begins_every_run() {
    let data = data(40);
    let (mut with, mut alone) = (model(1), model(1));
    let stepper = || Stepper::new(Momentum::new(0.05));
    let mut trainer = Trainer::new().batch_size(10).epochs(2).stepper(stepper());
    trainer.fit(&mut model(2), &data).unwrap();
    trainer.clip(manabi::optim::Clip::Norm(100.0)).fit(&mut with, &data).unwrap();
    Trainer::new()
        .batch_size(10)
        .epochs(2)
        .stepper(stepper())
        .clip(manabi::optim::Clip::Norm(100.0))
        .fit(&mut alone, &data)
        .unwrap();
    assert_eq!(with.parameter_values(), alone.parameter_values());
}

#[test]
fn a_run_without_a_step_above_0_is_an_error() {
    let (data, mut model) = (data(20), model(1));
    let before = model.parameter_values().to_vec();
    let error = Trainer::new().batch_size(5).epochs(2).schedule(|_: f64, _: u64| 0.0).fit(&mut model, &data);
    let expected = "schedule: expected a learning rate above 0 in at least one step of the run, \
        got 0 in every step, so nothing was learned";
    assert_eq!(error.unwrap_err().to_string(), expected);
    assert_eq!(model.parameter_values(), before);
    // A warm-up may start with rate 0.
    let rate = |base: f64, step: u64| if step == 0 { 0.0 } else { base };
    Trainer::new().batch_size(5).epochs(1).schedule(rate).fit(&mut model, &data).unwrap();
}

#[test]
fn a_gradient_serves_one_step() {
    let (mut model, data) = line();
    let mut ws = model.workspace(3).unwrap();
    let mut stepper = Stepper::new(Sgd::new(0.01));
    ws.load(&data, &[0, 1, 2]).unwrap();
    model.gradient(&mut ws).unwrap();
    stepper.step(&mut model, &mut ws).unwrap();
    let once = model.parameter_values().to_vec();
    let error = stepper.step(&mut model, &mut ws).unwrap_err().to_string();
    let expected = "gradient: expected one computed after the last step (call step_again to reuse a gradient), got the gradient of the last step";
    assert_eq!(error, expected);
    ws.load(&data, &[0]).unwrap();
    assert!(stepper.step(&mut model, &mut ws).is_err());
    assert_eq!((model.parameter_values(), stepper.state().steps), (&once[..], 1));
    stepper.step_again(&mut model, &mut ws).unwrap();
    assert_eq!(model.parameter_values()[0], 2.0 * once[0]);
    // A gradient written by the user counts as new.
    ws.gradient_mut().fill(0.0);
    stepper.step(&mut model, &mut ws).unwrap();
    assert_eq!(stepper.state().steps, 3);
}

#[test]
fn steps_belong_to_a_model() {
    let (mut first, data) = line();
    let (mut other, _) = line();
    let mut ws = first.workspace(3).unwrap();
    let mut stepper = Stepper::new(Momentum::new(0.01));
    let mut step = |stepper: &mut Stepper<f64>, model: &mut Sequential<f64>| {
        ws.load(&data, &[0, 1, 2]).unwrap();
        model.gradient(&mut ws).unwrap();
        stepper.step(model, &mut ws)
    };
    step(&mut stepper, &mut first).unwrap();
    let before = other.parameter_values().to_vec();
    assert!(step(&mut stepper, &mut other).unwrap_err().to_string().starts_with("model: expected"));
    assert_eq!(other.parameter_values(), before);
    // A restored snapshot counts as the same model.
    let mut snapshot = first.clone();
    step(&mut stepper, &mut snapshot).unwrap();
    stepper.adopt(&other).unwrap();
    step(&mut stepper, &mut other).unwrap();
    assert_eq!(stepper.state().steps, 3);
    stepper.restart();
    step(&mut stepper, &mut first).unwrap();
    assert_eq!(stepper.state().steps, 1);
    let (mut third, _) = line();
    let state = stepper.state().clone();
    let mut set = Stepper::new(Momentum::new(0.01));
    set.set_state(state).unwrap();
    step(&mut set, &mut third).unwrap();
}

/// The batch is loaded only once.
#[test]
fn every_step_has_a_dropout_mask_of_its_own() {
    let builder = Sequential::<f64>::builder(64)
        .add_layer("dropout1", Dropout::new(0.5))
        .add_layer("affine1", Affine::new(1));
    let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    let data = Samples::new(Array2::ones((1, 64)), array![[3.0]]).unwrap();
    let mut ws = model.workspace(1).unwrap().seed(5);
    let mut sgd = Stepper::new(Sgd::new(1e-3));
    ws.load(&data, &[0]).unwrap();
    let mask = |gradient: &[f64]| gradient[..64].iter().map(|&g| g != 0.0).collect::<Vec<_>>();
    let mut masks = Vec::new();
    for _ in 0..5 {
        model.gradient(&mut ws).unwrap();
        let first = mask(ws.gradient());
        model.gradient(&mut ws).unwrap();
        assert_eq!(mask(ws.gradient()), first, "expected the same mask in a repeated pass before the step");
        sgd.step(&mut model, &mut ws).unwrap();
        assert!(!masks.contains(&first));
        masks.push(first);
    }
    // A loop that loads the batch before every step draws the same five masks.
    let mut again = model.workspace(1).unwrap().seed(5);
    for mask_before in masks {
        again.load(&data, &[0]).unwrap();
        model.gradient(&mut again).unwrap();
        assert_eq!(mask(again.gradient()), mask_before);
        sgd.step(&mut model, &mut again).unwrap();
    }
}

/// Three good epochs, followed by a rate that makes the weights infinite.
#[test]
fn a_run_that_diverges_keeps_its_best_epoch() {
    let rate = |_: f64, step: u64| if step < 3 { 0.05 } else { 1e200 };
    let folder = tempfile::tempdir().unwrap();
    for with_checkpoints in [false, true] {
        let (mut model, data) = line();
        let (mut good, _) = line();
        Trainer::new().batch_size(3).epochs(3).schedule(rate).fit(&mut good, &data).unwrap();
        let mut trainer = Trainer::new().batch_size(3).epochs(20).schedule(rate);
        trainer = trainer.validation(&data).early_stopping(EarlyStopping::new(10));
        if with_checkpoints {
            trainer = trainer.checkpoints(Checkpoints::new(folder.path()));
        }
        let error = trainer.fit(&mut model, &data).unwrap_err().to_string();
        assert_eq!(model.parameter_values(), good.parameter_values(), "{error}");
        if with_checkpoints {
            let last = Checkpoints::new(folder.path()).last().unwrap().unwrap();
            assert!(
                error.starts_with(&format!(
                    "the run can resume from the last good epoch in {}: ",
                    last.display()
                )),
                "{error}"
            );
            assert!(Sequential::<f64>::load(&last).unwrap().parameter_values().iter().all(|p| p.is_finite()));
        } else {
            assert!(error.starts_with("epoch ") || error.starts_with("after epoch "), "{error}");
        }
    }
}

#[test]
fn a_small_set_is_one_batch() {
    let data = data(7);
    let (mut default, mut seven) = (model(1), model(1));
    Trainer::new().epochs(3).fit(&mut default, &data).unwrap();
    Trainer::new().batch_size(7).epochs(3).fit(&mut seven, &data).unwrap();
    assert_eq!(default.parameter_values(), seven.parameter_values());
    let error = Trainer::new().batch_size(0).fit(&mut default, &data).unwrap_err().to_string();
    assert_eq!(error, "batch_size: expected at least 1, got 0");
}

#[test]
fn a_last_batch_of_one_row_can_be_left_out() {
    let builder = Sequential::<f64>::builder(2)
        .add_layer("norm1", BatchNorm::new())
        .add_layer("affine1", Affine::new(2));
    let mut model = builder.set_output(Softmax).set_error(CrossEntropy).build().unwrap();
    let data = data(9);
    let trainer = || Trainer::new().batch_size(4).epochs(2);
    assert!(trainer().fit(&mut model, &data).is_err());
    let mut steps = 0;
    let history = trainer().drop_last(true).stepper(Stepper::new(Sgd::new(0.1))).on_epoch(|_| {
        steps += 1;
        std::ops::ControlFlow::Continue(())
    });
    let mut history = history;
    assert_eq!(history.fit(&mut model, &data).unwrap().epochs.len(), 3);
    drop(history);
    assert_eq!(steps, 3);
    // The only batch of an epoch is kept, even if it is smaller.
    trainer().batch_size(100).drop_last(true).fit(&mut model, &data).unwrap();
}
