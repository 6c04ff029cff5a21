//! Features of the training loop: validation, early stopping, checks for NaN and infinity, and the history.

use std::ops::ControlFlow::{Break, Continue};
use std::sync::atomic::{AtomicUsize, Ordering};

use manabi::activation::Identity;
use manabi::data::{Dataset, Split};
use manabi::init::Initializer;
use manabi::layer::{Backward, Forward, TensorSpec};
use manabi::loss::MeanSquaredError;
use manabi::metrics::Watch;
use manabi::optim::{Clip, Momentum, ReduceOnPlateau};
use manabi::random::{Random, RandomState};
use manabi::train::{BatchProgress, EarlyStopping, Epoch, History, Observer, Termination};
use manabi::{
    Activation, Affine, CrossEntropy, Error, Layer, Relu, Result, Samples, Sequential, Sgd, Shape, Softmax,
    Swish, Trainer,
};
use ndarray::{Array2, array};

fn blobs(rows: usize, seed: u32, spread: f64) -> Samples<f64> {
    let labels: Vec<usize> = (0..rows).map(|row| row % 3).collect();
    let mut x = RandomState::new(seed).normal((rows, 4), 0.0, spread);
    for (mut x, &label) in x.rows_mut().into_iter().zip(&labels) {
        x[label] += 1.0;
    }
    Samples::labeled(x, &labels, 3).unwrap()
}

fn network() -> Sequential<f64> {
    Sequential::builder(4)
        .add_layer("affine1", Affine::new(20))
        .add_layer("swish1", Activation::new(Swish::default()))
        .add_layer("affine2", Affine::new(3))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .seed(10)
        .build()
        .unwrap()
}

/// A model of one weight and one bias, which are 0 initially.
fn line() -> Sequential<f64> {
    let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(1));
    let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    model.parameter_values_mut().fill(0.0);
    model
}

/// Overfits the training set, so that the validation loss soon increases.
fn overfit(
    stopping: EarlyStopping,
    observer: impl FnMut(&Epoch, &Sequential<f64>) + Send,
) -> (Sequential<f64>, History) {
    struct Watch<F>(F);
    impl<F: FnMut(&Epoch, &Sequential<f64>)> Observer<f64> for Watch<F> {
        fn on_epoch(&mut self, epoch: &Epoch, model: &Sequential<f64>) -> std::ops::ControlFlow<()> {
            (self.0)(epoch, model);
            Continue(())
        }
    }
    let (train, validation) = (blobs(30, 1, 1.0), blobs(90, 2, 1.0));
    let mut model = network();
    let trainer = Trainer::new().batch_size(10).epochs(500).optimizer(Momentum::new(0.02));
    let trainer = trainer.validation(&validation).early_stopping(stopping);
    let mut watch = Watch(observer);
    let history = trainer.observe(&mut watch).fit(&mut model, &train).unwrap();
    (model, history)
}

fn losses(history: &History) -> Vec<f64> {
    history.epochs.iter().map(|epoch| epoch.validation.unwrap().loss).collect()
}

fn least(values: &[f64]) -> usize {
    (0..values.len()).reduce(|best, i| if values[i] < values[best] { i } else { best }).unwrap()
}

#[test]
fn early_stopping_ends_the_run_and_restores_the_best_epoch() {
    let mut seen = Vec::new();
    let (model, history) =
        overfit(EarlyStopping::new(7), |_, model| seen.push(model.parameter_values().to_vec()));
    assert_eq!(history.termination, Termination::NoImprovement);
    let best = least(&losses(&history));
    assert_eq!(history.best, Some(best));
    assert!(best > 0);
    assert_eq!(history.epochs.len(), best + 7 + 1);
    assert_eq!(model.parameter_values(), seen[best]);
    assert_ne!(model.parameter_values(), seen[best + 7]);
    assert_eq!(model.evaluate(&blobs(90, 2, 1.0)).unwrap(), history.epochs[best].validation.unwrap());
}

#[test]
fn the_last_parameters_can_be_kept() {
    let mut seen = Vec::new();
    let (model, history) = overfit(EarlyStopping::new(3).restore_best(false), |_, model| {
        seen.push(model.parameter_values().to_vec())
    });
    assert_eq!(history.termination, Termination::NoImprovement);
    assert_eq!(model.parameter_values(), seen[history.epochs.len() - 1]);
}

#[test]
fn what_stays_the_same_is_no_better() {
    let data = Samples::new(array![[0.0], [0.0]], array![[0.0], [0.0]]).unwrap();
    let trainer = Trainer::new().batch_size(1).epochs(9).early_stopping(EarlyStopping::new(3));
    let history = { trainer }.fit(&mut line(), &data).unwrap();
    assert_eq!((history.best, history.epochs.len()), (Some(0), 4));
}

#[test]
fn a_difference_too_small_is_none_and_accuracy_counts_upwards() {
    let (_, plain) = overfit(EarlyStopping::new(3), |_, _| ());
    let (_, coarse) = overfit(EarlyStopping::new(3).min_delta(0.1), |_, _| ());
    let (plain_losses, losses) = (losses(&plain), losses(&coarse));
    assert_eq!(losses, plain_losses[..losses.len()]);
    assert!(losses.len() < plain_losses.len());
    // The stopping rule, computed from its definition.
    let (mut best, mut at) = (losses[0], 0);
    for (i, &loss) in losses.iter().enumerate() {
        if loss < best - 0.1 {
            (best, at) = (loss, i);
        }
    }
    assert_eq!((coarse.best, losses.len()), (Some(at), at + 4));

    let (_, history) = overfit(EarlyStopping::new(9).watch(Watch::greatest("accuracy")), |_, _| ());
    let costs: Vec<f64> = history.epochs.iter().map(|epoch| -epoch.watched().accuracy.unwrap()).collect();
    assert_eq!(history.best, Some(least(&costs)));
}

#[test]
fn the_best_epoch_is_restored_also_where_the_run_ends_otherwise() {
    let (train, validation) = (blobs(30, 1, 1.0), blobs(90, 2, 1.0));
    let (_, stopped) = overfit(EarlyStopping::new(7), |_, _| ());
    let best = stopped.best.unwrap();
    let trainer = || {
        let trainer = Trainer::new().batch_size(10).epochs(best + 3).optimizer(Momentum::new(0.02));
        trainer.validation(&validation).early_stopping(EarlyStopping::new(7))
    };
    let mut completed = network();
    let history = trainer().fit(&mut completed, &train).unwrap();
    assert_eq!((history.termination, history.best), (Termination::Completed, Some(best)));
    let expected = stopped.epochs[best].validation.unwrap();
    assert_eq!(completed.evaluate(&validation).unwrap(), expected);
    // This also applies if the run ends with the best epoch.
    for last in [best, best + 1] {
        let mut interrupted = network();
        let stop = |epoch: &Epoch| if epoch.number == last { Break(()) } else { Continue(()) };
        let history = trainer().on_epoch(stop).fit(&mut interrupted, &train).unwrap();
        assert_eq!((history.termination, history.best), (Termination::Stopped, Some(best)));
        assert_eq!(interrupted.evaluate(&validation).unwrap(), expected);
    }
}

/// A layer that counts its training batches in a buffer.
#[derive(Debug)]
struct Count;

impl Layer<f64> for Count {
    fn kind(&self) -> &str {
        "count"
    }
    fn output_shape(&self, input: Shape) -> Result<Shape> {
        Ok(input)
    }
    fn buffers(&self, _: Shape) -> Vec<TensorSpec> {
        vec![TensorSpec::new("batches", &[1], Initializer::Constant(0.0))]
    }
    fn forward(&self, pass: Forward<'_, f64>) {
        let Forward { x, mut y, training, .. } = pass;
        y.assign(&x);
        if let Some(training) = training {
            training.buffers[0] += 1.0;
        }
    }
    fn backward(&self, pass: Backward<'_, f64>) {
        if let Some(mut dx) = pass.dx {
            dx.assign(&pass.dy);
        }
    }
}

#[test]
fn buffers_come_back_as_well() {
    let builder =
        Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(1)).add_layer("count1", Count);
    let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    model.parameter_values_mut().fill(0.0);
    let train = Samples::new(array![[1.0], [2.0]], array![[1.0], [2.0]]).unwrap();
    let validation = Samples::new(array![[1.0]], array![[0.5]]).unwrap();
    let trainer = Trainer::new().batch_size(1).epochs(99).optimizer(Sgd::new(0.02)).validation(&validation);
    let history = trainer.early_stopping(EarlyStopping::new(4)).fit(&mut model, &train).unwrap();
    let best = history.best.unwrap();
    assert!(best > 0);
    assert_eq!((history.epochs.len(), history.termination), (best + 5, Termination::NoImprovement));
    assert_eq!(model.buffer_values(), [2.0 * best as f64]);
}

#[test]
fn what_is_watched_is_the_validation_set_then_the_test_set_then_the_training_set() {
    let (train, other, third) = (blobs(30, 1, 1.0), blobs(33, 2, 1.0), blobs(36, 3, 1.0));
    let trainer = || Trainer::new().batch_size(10).epochs(1);
    let last = |mut trainer: Trainer<'_, f64>| trainer.fit(&mut network(), &train).unwrap().epochs.remove(1);
    let epoch = last(trainer().validation(&other).test(&third));
    assert_eq!(epoch.watched(), epoch.validation.unwrap());
    assert_ne!(epoch.validation, epoch.test);
    let epoch = last(trainer().test(&third));
    assert_eq!((epoch.watched(), epoch.validation), (epoch.test.unwrap(), None));
    assert_eq!(last(trainer()).watched(), last(trainer()).train);
}

#[test]
fn reduction_on_a_plateau_goes_by_the_validation_set() {
    // Training and test loss decrease, and the validation loss increases from the first step.
    let train = Samples::new(array![[1.0]], array![[1.0]]).unwrap();
    let validation = Samples::new(array![[1.0]], array![[-1.0]]).unwrap();
    let reduce = ReduceOnPlateau::new().factor(0.5).patience(0);
    let run = |trainer: Trainer<'_, f64>| {
        let mut model = line();
        let trainer =
            trainer.batch_size(1).epochs(3).optimizer(Sgd::new(0.1)).reduce_on_plateau(reduce.clone());
        { trainer }.fit(&mut model, &train).unwrap();
        model.parameter_values()[0]
    };
    let by_hand = |rates: [f64; 3]| {
        rates.iter().fold((0.0, 0.0), |(w, b), rate| {
            let d = w + b - 1.0;
            (w - rate * d, b - rate * d)
        })
    };
    // These rates include the constant factor of the loss. The first epoch always counts as the best so far.
    let full = run(Trainer::new().test(&train));
    let half = run(Trainer::new().test(&train).validation(&validation));
    let unit = one_step();
    assert!((full - by_hand([unit, unit, unit]).0).abs() < 1e-12);
    assert!((half - by_hand([unit, unit, unit / 2.0]).0).abs() < 1e-12);
}

/// Returns the step of rate 0.1 on one sample whose error is −1.
fn one_step() -> f64 {
    let mut model = line();
    let train = Samples::new(array![[1.0]], array![[1.0]]).unwrap();
    Trainer::new().batch_size(1).epochs(1).optimizer(Sgd::new(0.1)).fit(&mut model, &train).unwrap();
    model.parameter_values()[0]
}

#[test]
fn settings_out_of_range_leave_the_model() {
    let data = blobs(30, 1, 1.0);
    let narrow = Samples::labeled(Array2::zeros((9, 3)), &[0_u8; 9], 3).unwrap();
    let mut model = network();
    let before = model.parameter_values().to_vec();
    let mut message = |mut trainer: Trainer<'_, f64>| trainer.fit(&mut model, &data).unwrap_err().to_string();
    let trainer = || Trainer::new().batch_size(10);
    assert_eq!(
        message(trainer().validation(&narrow)),
        "samples of the validation set: expected shape 4, the input shape of the model, got 3"
    );
    assert_eq!(
        message(trainer().early_stopping(EarlyStopping::new(0))),
        "patience: expected at least 1, got 0"
    );
    for delta in [-0.1, f64::NAN, f64::INFINITY] {
        let stopping = EarlyStopping::new(1).min_delta(delta);
        assert_eq!(
            message(trainer().early_stopping(stopping)),
            format!("min_delta: expected a finite number of at least 0, got {delta}")
        );
    }
    assert_eq!(model.parameter_values(), before);
    let data = Samples::new(array![[1.0]], array![[1.0]]).unwrap();
    let trainer =
        Trainer::new().batch_size(1).early_stopping(EarlyStopping::new(1).watch(Watch::greatest("accuracy")));
    let error = { trainer }.fit(&mut line(), &data).unwrap_err();
    assert_eq!(
        error.to_string(),
        "watch of early_stopping: expected softmax or sigmoid as the output for an accuracy, got identity"
    );
}

#[test]
fn batches_tell_what_a_progress_bar_shows() {
    #[derive(Default)]
    struct Bar(Vec<BatchProgress>);
    impl Observer<f64> for Bar {
        fn on_batch(&mut self, progress: BatchProgress) -> std::ops::ControlFlow<()> {
            self.0.push(progress);
            Continue(())
        }
    }
    let (data, mut bar) = (blobs(25, 1, 1.0), Bar::default());
    let trainer = Trainer::new().batch_size(10).epochs(2);
    let history = trainer.observe(&mut bar).fit(&mut network(), &data).unwrap();
    let seen: Vec<_> = bar.0.iter().map(|p| (p.epoch, p.epochs, p.batch, p.batches)).collect();
    assert_eq!(seen, [(1, 2, 1, 3), (1, 2, 2, 3), (1, 2, 3, 3), (2, 2, 1, 3), (2, 2, 2, 3), (2, 2, 3, 3)]);
    assert_eq!((bar.0[2].train, bar.0[5].train), (history.epochs[1].train, history.epochs[2].train));
    assert_ne!(bar.0[0].train, bar.0[2].train);
}

/// The value that becomes invalid.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Output,
    Input,
    Scale,
}

/// y = s·x, with a division by zero in one batch.
#[derive(Debug)]
struct Faulty {
    fault: Fault,
    /// The number of the faulty training pass, from 1.
    batch: usize,
    forward: AtomicUsize,
    backward: AtomicUsize,
}

impl Faulty {
    fn new(fault: Fault, batch: usize) -> Self {
        Self { fault, batch, forward: AtomicUsize::new(0), backward: AtomicUsize::new(0) }
    }
}

impl Layer<f64> for Faulty {
    fn kind(&self) -> &str {
        "faulty"
    }
    fn output_shape(&self, input: Shape) -> Result<Shape> {
        Ok(input)
    }
    fn parameters(&self, input: Shape) -> Vec<TensorSpec> {
        vec![TensorSpec::new("scale", input.dims(), Initializer::Constant(1.0))]
    }
    fn forward(&self, pass: Forward<'_, f64>) {
        let Forward { params, x, mut y, training, .. } = pass;
        for (mut y, x) in y.rows_mut().into_iter().zip(x.rows()) {
            y.iter_mut().zip(x).zip(params).for_each(|((y, x), s)| *y = s * x);
        }
        let batch = self.forward.fetch_add(usize::from(training.is_some()), Ordering::Relaxed) + 1;
        if training.is_some() && self.fault == Fault::Output && batch == self.batch {
            y[[4, 1]] /= 0.0;
        }
    }
    fn backward(&self, pass: Backward<'_, f64>) {
        let Backward { params, x, dy, dx, grad, .. } = pass;
        let wrong = self.backward.fetch_add(1, Ordering::Relaxed) + 1 == self.batch;
        if let Some(grad) = grad {
            grad.fill(0.0);
            for (x, dy) in x.rows().into_iter().zip(dy.rows()) {
                grad.iter_mut().zip(x).zip(dy).for_each(|((g, x), dy)| *g += x * dy);
            }
            if wrong && self.fault == Fault::Scale {
                grad[2] = f64::NAN;
            }
        }
        if let Some(mut dx) = dx {
            for (mut dx, dy) in dx.rows_mut().into_iter().zip(dy.rows()) {
                dx.iter_mut().zip(dy).zip(params).for_each(|((dx, dy), s)| *dx = s * dy);
            }
            if wrong && self.fault == Fault::Input {
                dx[[3, 0]] = 1.0 / 0.0;
            }
        }
    }
}

/// Trains a model with a faulty layer in the middle, with ten batches per epoch.
fn blame(fault: Fault, batch: usize, threads: usize) -> Error {
    let data = blobs(100, 1, 1.0);
    let mut model = Sequential::builder(4)
        .add_layer("affine1", Affine::new(6))
        .add_layer("swish1", Activation::new(Swish::default()))
        .add_layer("faulty1", Faulty::new(fault, batch))
        .add_layer("affine2", Affine::new(3))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .build()
        .unwrap();
    let trainer = Trainer::new().batch_size(10).epochs(3).threads(threads).validation(&data);
    { trainer }.fit(&mut model, &data).unwrap_err()
}

#[test]
fn the_guard_names_epoch_batch_and_layer_where_a_number_went_wrong_first() {
    for threads in [1, 2] {
        let message = |fault, batch| blame(fault, batch, threads).to_string();
        let not_finite = "expected a finite value at row";
        let mut random = RandomState::new(1);
        let order: Vec<usize> = (0..3).flat_map(|_| random.permutation(100)).collect();
        for (batch, place) in [
            (3, "epoch 1, batch 3"),
            (1, "epoch 1, batch 1"),
            (10, "epoch 1, batch 10"),
            (11, "epoch 2, batch 1"),
            (25, "epoch 3, batch 5"),
        ] {
            let output = message(Fault::Output, batch);
            // The fault is in the fifth sample of the batch.
            let row = order[10 * (batch - 1) + 4];
            let subject = "layer 'faulty1': output for samples of the data set";
            let expected = format!("{place}: {subject}: {not_finite} {row}, column 1, got ");
            assert!(output.starts_with(&expected), "{output}");
            let input = message(Fault::Input, batch);
            assert_eq!(
                input,
                format!(
                    "{place}: layer 'faulty1': gradient with respect to the input: {not_finite} 3, column 0, got inf"
                )
            );
            let scale = message(Fault::Scale, batch);
            assert_eq!(
                scale,
                format!(
                    "{place}: layer 'faulty1': gradient with respect to scale: {not_finite} 0, column 2, got NaN"
                )
            );
        }
    }
    let Error::Training { place, error } = blame(Fault::Output, 3, 1) else { panic!("wrong variant") };
    assert_eq!(place, "epoch 1, batch 3");
    let first = RandomState::new(1).permutation(100)[24];
    assert!(
        matches!(*error, Error::Layer { layer, error } if layer == "faulty1" && matches!(*error, Error::NotFinite { row, .. } if row == first))
    );
}

#[test]
fn an_exploding_rate_is_blamed_on_the_step() {
    // The first step makes the weights infinite, although all gradients are finite.
    let data = Samples::new(array![[1e3], [-1e3]], array![[1.0], [2.0]]).unwrap();
    let trainer = Trainer::new().batch_size(1).epochs(9).optimizer(Sgd::new(1e307));
    let message = { trainer }.fit(&mut line(), &data).unwrap_err().to_string();
    let expected = "epoch 1, after the step of batch 1: affine1.weight: expected a finite value at row 0, column 0, got ";
    assert!(message.starts_with(expected), "{message}");

    // With a rate of 10, some steps pass until an output or its square overflows.
    let trainer = Trainer::new().batch_size(1).epochs(99).optimizer(Sgd::new(10.0));
    let error = { trainer }.fit(&mut line(), &data).unwrap_err();
    assert!(matches!(error, Error::Diverged { ref place, .. } if place.starts_with("epoch 1")), "{error}");
}

#[test]
fn numbers_that_a_relu_swallows_are_found_at_the_end_of_the_epoch() {
    let data = blobs(20, 1, 1.0);
    let mut model = Sequential::builder(4)
        .add_layer("faulty1", Faulty::new(Fault::Scale, 2))
        .add_layer("relu1", Activation::new(Relu))
        .add_layer("affine1", Affine::new(3))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .build()
        .unwrap();
    let trainer = Trainer::new().batch_size(10).epochs(1).clip(Clip::Norm(1.0));
    let message = { trainer }.fit(&mut model, &data).unwrap_err().to_string();
    assert_eq!(
        message,
        "epoch 1, batch 2: layer 'faulty1': gradient with respect to scale: expected a finite value at row 0, column 2, got NaN"
    );
}

#[test]
fn an_evaluation_names_what_is_not_finite() {
    let data = Samples::new(array![[1.0], [1e300]], array![[1.0], [2.0]]).unwrap();
    let mut model = line();
    model.parameter_values_mut()[0] = 1e300;
    let message = model.evaluate(&data).unwrap_err().to_string();
    assert_eq!(
        message,
        "during evaluation: layer 'affine1': output for samples of the data set: expected a finite value at row 1, column 0, got inf"
    );
    model.parameter_values_mut()[0] = f64::NAN;
    let message = model.evaluate(&data).unwrap_err().to_string();
    let expected = "during evaluation: affine1.weight: expected a finite value at row 0, column 0, got NaN";
    assert_eq!(message, expected);
    model.parameter_values_mut()[0] = 1e-100;
    let message = model.evaluate(&data).unwrap_err().to_string();
    assert_eq!(message, "during evaluation: expected a finite loss, got inf (try a lower learning rate)");
}

#[test]
fn a_history_is_a_table_of_numbers_that_read_back_as_they_were() {
    let data = blobs(30, 1, 1.0);
    let (train, validation) = Split::fraction(0.3).stratified(true).split(&data).unwrap();
    let trainer = Trainer::new().batch_size(7).epochs(2).validation(&validation);
    let mut history = { trainer }.fit(&mut network(), &train).unwrap();
    let csv = history.to_csv();
    let lines: Vec<&str> = csv.strip_suffix("\r\n").unwrap().split("\r\n").collect();
    assert_eq!(
        lines[0],
        "epoch,train_loss,train_accuracy,validation_loss,validation_accuracy,test_loss,test_accuracy,elapsed"
    );
    assert_eq!(lines.len(), 4);
    for (line, epoch) in lines[1..].iter().zip(&history.epochs) {
        let cells: Vec<Option<f64>> = line.split(',').map(|cell| cell.parse().ok()).collect();
        let (train, validation) = (epoch.train, epoch.validation.unwrap());
        let expected = [
            Some(epoch.number as f64),
            Some(train.loss),
            train.accuracy,
            Some(validation.loss),
            validation.accuracy,
            None,
            None,
            Some(epoch.elapsed.as_secs_f64()),
        ];
        assert_eq!(cells, expected);
    }

    history.epochs.truncate(2);
    history.epochs[0].train.loss = f64::NAN;
    history.epochs[0].train.accuracy = None;
    history.epochs[0].validation.as_mut().unwrap().loss = f64::NEG_INFINITY;
    history.epochs[0].validation.as_mut().unwrap().accuracy = Some(1e-7);
    history.epochs[1].train.loss = 1e300;
    history.epochs[1].train.accuracy = Some(1.0);
    history.epochs[1].validation = None;
    for epoch in &mut history.epochs {
        epoch.elapsed = std::time::Duration::from_millis(250);
    }
    history.epochs[1].learning_rate = Some(0.125);
    (history.elapsed, history.best) = (std::time::Duration::from_secs(1), Some(1));
    let json = concat!(
        r#"{"termination":"completed","best":1,"elapsed":1.0,"epochs":["#,
        r#"{"number":0,"train":{"loss":null,"accuracy":null},"validation":{"loss":null,"accuracy":1e-7},"test":null,"metrics":[],"elapsed":0.25,"learning_rate":null},"#,
        r#"{"number":1,"train":{"loss":1e300,"accuracy":1.0},"validation":null,"test":null,"metrics":[],"elapsed":0.25,"learning_rate":0.125}]}"#
    );
    assert_eq!(history.to_json(), json);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.csv");
    history.write_csv(&path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), history.to_csv());
    history.write_json(&path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), json);
    let nowhere = folder.path().join("nowhere").join("history.csv");
    assert!(matches!(history.write_csv(&nowhere), Err(Error::Io { path, .. }) if path == nowhere));
    assert!(history.write_json(&nowhere).unwrap_err().to_string().starts_with(nowhere.to_str().unwrap()));
}

#[test]
fn a_part_of_a_data_set_trains_as_a_copy_of_it() {
    let data = blobs(60, 1, 1.0);
    let (train, _) = Split::count(20).seed(3).split(&data).unwrap();
    let run = |data: &dyn Dataset<f64>| {
        let mut model = network();
        Trainer::new().batch_size(9).epochs(3).fit(&mut model, data).unwrap();
        model.parameter_values().to_vec()
    };
    assert_eq!(run(&train), run(&train.to_samples().unwrap()));
}

#[test]
fn a_run_may_end_with_steps_of_rate_0_but_not_consist_of_them() {
    let (data, mut model) = (blobs(20, 1, 1.0), network());
    let ends = |base: f64, steps: u64| if steps < 1 { base } else { 0.0 };
    Trainer::new().batch_size(10).epochs(2).schedule(ends).fit(&mut model, &data).unwrap();
    let never = |_: f64, _: u64| 0.0;
    let error = Trainer::new().batch_size(10).epochs(2).schedule(never).fit(&mut model, &data).unwrap_err();
    assert!(error.to_string().contains("a learning rate above 0"), "{error}");
    // A run without epochs has no steps, and a run stopped by an observer is incomplete.
    Trainer::new().batch_size(10).epochs(0).schedule(never).fit(&mut model, &data).unwrap();
    let stopped = Trainer::new().batch_size(10).epochs(2).schedule(never).on_epoch(|_| Break(()));
    { stopped }.fit(&mut model, &data).unwrap();
}
