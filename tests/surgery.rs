//! Layers that change while the weights of the others stay, frozen parameters, averaged weights and hooks.

use std::ops::ControlFlow;

use approx::assert_relative_eq;
use manabi::activation::Identity;
use manabi::init::Initializer;
use manabi::layer::BatchNorm;
use manabi::loss::MeanSquaredError;
use manabi::optim::{Adam, Clip, CosineRestarts, Schedule, Stepper};
use manabi::random::{Random, RandomState};
use manabi::train::{BatchProgress, Checkpoints, EarlyStopping, Observer, TrainingStep, WeightAverage};
use manabi::{Activation, Affine, CrossEntropy, Samples, Scalar, Sequential, Sgd, Softmax, Swish, Trainer};
use ndarray::{Array2, array};

fn model<A: Scalar>(classes: usize) -> Sequential<A> {
    Sequential::builder(4)
        .add_layer("enc1", Affine::new(5))
        .add_layer("enc_norm", BatchNorm::new())
        .add_layer("swish", Activation::new(Swish::default()))
        .add_layer("head", Affine::new(classes))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .seed(3)
        .build()
        .unwrap()
}

fn data<A: Scalar>(rows: usize) -> Samples<A> {
    let x = RandomState::new(3).normal((rows, 4), 0.0, 1.0).mapv(A::of);
    let labels: Vec<usize> = (0..rows).map(|row| (row * row + row / 5) % 3).collect();
    Samples::labeled(x, &labels, 3).unwrap()
}

fn trained() -> Sequential<f64> {
    let mut model = model(3);
    Trainer::new().batch_size(10).epochs(2).fit(&mut model, &data(40)).unwrap();
    model
}

#[test]
fn a_new_head_keeps_the_trunk() {
    let trained = trained();
    let builder = trained.cut_after("swish").unwrap().add_layer("new", Affine::new(7)).seed(9);
    let model = builder.set_output(Softmax).set_error(CrossEntropy).build().unwrap();
    for name in ["enc1.weight", "enc1.bias", "enc_norm.weight", "enc_norm.bias"] {
        assert_eq!(model.parameter(name).unwrap(), trained.parameter(name).unwrap());
    }
    assert_eq!(model.buffer_values(), trained.buffer_values());
    assert_eq!(model.parameter("new.weight").unwrap().shape(), [5, 7]);
    assert!(model.parameter("new.weight").unwrap().iter().any(|&w| w != 0.0));
    let names: Vec<&str> = model.layers().map(|(name, _)| name).collect();
    assert_eq!(names, ["enc1", "enc_norm", "swish", "new"]);
    assert_eq!(model.layers().nth(3).unwrap().1.kind(), "affine");
    let error = trained.cut_after("tail").unwrap_err().to_string();
    assert_eq!(error, "layer: expected one of enc1, enc_norm, swish, head, got tail");
    // The cut model and the whole one are independent.
    let whole =
        trained.cut_after("head").unwrap().set_output(Softmax).set_error(CrossEntropy).build().unwrap();
    assert_eq!(whole.parameter_values(), trained.parameter_values());
}

#[test]
fn matching_values_are_copied_and_the_others_reported() {
    let (trained, mut other) = (trained(), model::<f32>(5));
    let before = other.clone();
    let report = other.copy_matching(&trained).unwrap();
    let norm = ["enc_norm.running_mean", "enc_norm.running_var"];
    assert!(norm.iter().all(|name| report.copied.iter().any(|copied| copied == name)), "{report:?}");
    assert_eq!(report.copied[..4], ["enc1.weight", "enc1.bias", "enc_norm.weight", "enc_norm.bias"]);
    let mismatched = [("head.weight".into(), vec![5, 5], vec![5, 3]), ("head.bias".into(), vec![5], vec![3])];
    assert_eq!(report.mismatched, mismatched);
    assert!(report.missing.is_empty() && report.unexpected.is_empty());
    let (own, theirs) = (other.parameter("enc1.weight").unwrap(), trained.parameter("enc1.weight").unwrap());
    assert!(own.iter().zip(theirs).all(|(&own, &theirs)| own == theirs as f32));
    assert_eq!(other.parameter("head.weight").unwrap(), before.parameter("head.weight").unwrap());

    let builder =
        Sequential::<f64>::builder(4).add_layer("enc1", Affine::new(5)).add_layer("tail", Affine::new(1));
    let mut small = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    let report = small.copy_matching(&trained).unwrap();
    assert_eq!(report.missing, ["tail.weight", "tail.bias"]);
    assert_eq!(report.unexpected.len(), trained.parameters().count() + trained.buffers().count() - 2);

    // A value that is out of range changes nothing.
    let mut large = model::<f64>(5);
    large.set_parameter("enc_norm.bias", &array![1e300, 0.0, 0.0, 0.0, 0.0]).unwrap();
    let error = other.copy_matching(&large).unwrap_err().to_string();
    assert!(
        error.starts_with("enc_norm.bias: expected values in the range of the precision, got 1e300")
            || error.contains("enc_norm.bias"),
        "{error}"
    );
    let again = before.parameter("head.weight").unwrap();
    assert_eq!(other.parameter("head.weight").unwrap(), again);
}

#[test]
fn one_row_is_predicted_like_many() {
    let (model, x) = (trained(), RandomState::new(5).normal((3, 4), 0.0, 1.0));
    let all = model.predict(x.view()).unwrap();
    for (row, y) in x.rows().into_iter().zip(all.rows()) {
        assert_eq!(model.predict_row(row.as_slice().unwrap()).unwrap(), y.to_vec());
    }
    assert_eq!(model.predict_row(&[1.0]).unwrap_err().to_string(), "x: expected shape (any, 4), got [1, 1]");
}

#[test]
fn frozen_parameters_do_not_change() {
    let mut model = model::<f64>(3);
    let before = model.clone();
    let mut trainer = Trainer::new().batch_size(10).epochs(2).optimizer(Adam::new(0.01)).freeze("enc");
    trainer.fit(&mut model, &data(40)).unwrap();
    for (name, value) in model.parameters() {
        assert_eq!(value == before.parameter(&name).unwrap(), name.starts_with("enc"), "{name}");
    }
    let error = Trainer::new().freeze("decoder").fit(&mut model, &data(40)).unwrap_err().to_string();
    let names = "enc1, enc_norm, swish, head";
    assert_eq!(
        error,
        format!("freeze: expected the beginning of a parameter's name, such as one of {names}, got decoder")
    );
}

/// Records the values after every step and every epoch.
#[derive(Default)]
struct Record {
    steps: Vec<Vec<f64>>,
    epochs: Vec<Vec<f64>>,
    rates: Vec<f64>,
    norms: Vec<f64>,
    batches: usize,
}

impl Observer<f64> for Record {
    fn on_step(&mut self, step: &TrainingStep<'_, f64>) -> ControlFlow<()> {
        self.steps.push([step.model.parameter_values(), step.model.buffer_values()].concat());
        self.rates.push(step.progress.learning_rate);
        self.norms.push(step.gradient_norm());
        self.on_batch(step.progress)
    }
    fn on_batch(&mut self, progress: BatchProgress) -> ControlFlow<()> {
        self.batches += 1;
        assert_eq!(progress.batches, 4);
        ControlFlow::Continue(())
    }
    fn on_epoch(&mut self, _: &manabi::train::Epoch, model: &Sequential<f64>) -> ControlFlow<()> {
        self.epochs.push([model.parameter_values(), model.buffer_values()].concat());
        ControlFlow::Continue(())
    }
}

#[test]
fn hooks_see_every_step() {
    let (mut model, mut record) = (model(3), Record::default());
    let rate = |_: f64, steps: u64| 0.1 / (steps + 1) as f64;
    let mut trainer = Trainer::new().batch_size(10).epochs(3).schedule(rate).clip(Clip::Norm(0.05));
    trainer = trainer.observe(&mut record);
    let history = trainer.fit(&mut model, &data(40)).unwrap();
    drop(trainer);
    assert_eq!(record.batches, 12);
    assert_eq!(record.rates, (0..12).map(|steps| rate(0.0, steps)).collect::<Vec<_>>());
    assert!(
        record.norms.iter().all(|&norm| norm <= 0.05 * (1.0 + 1e-12) && norm > 0.01),
        "{:?}",
        record.norms
    );
    assert_eq!(record.steps[11][..model.parameter_count()], *model.parameter_values());
    let rates: Vec<_> = history.epochs.iter().map(|epoch| epoch.learning_rate).collect();
    assert_eq!(rates, [None, Some(0.1 / 4.0), Some(0.1 / 8.0), Some(0.1 / 12.0)]);
}

#[test]
fn averages_are_those_of_the_recorded_values() {
    let (mut ema, mut swa) = (WeightAverage::ema(0.75).unwrap(), WeightAverage::swa(2));
    let (mut model, mut record) = (model(3), Record::default());
    let mut trainer = Trainer::new().batch_size(10).epochs(4);
    trainer = trainer.observe(&mut ema).observe(&mut swa).observe(&mut record);
    trainer.fit(&mut model, &data(40)).unwrap();
    drop(trainer);
    let mut expected = record.steps[0].clone();
    for step in &record.steps[1..] {
        expected.iter_mut().zip(step).for_each(|(average, value)| *average = 0.75 * *average + 0.25 * value);
    }
    let close = |average: &WeightAverage<f64>, expected: &[f64]| {
        let mut averaged = model.clone();
        average.apply(&mut averaged).unwrap();
        let values = [averaged.parameter_values(), averaged.buffer_values()].concat();
        values
            .iter()
            .zip(expected)
            .for_each(|(a, b)| assert_relative_eq!(a, b, epsilon = 1e-15, max_relative = 1e-13));
    };
    close(&ema, &expected);
    // Row 0 of the history, then epochs 1 to 4.
    let mean = |i: usize| record.epochs[2..].iter().map(|values| values[i]).sum::<f64>() / 3.0;
    close(&swa, &(0..expected.len()).map(mean).collect::<Vec<_>>());
    assert_eq!((ema.count(), swa.count()), (16, 3));
}

#[test]
fn invalid_averages_are_errors() {
    let text = |error: manabi::Error| error.to_string();
    let decay = WeightAverage::<f64>::ema(1.0).map_err(text).unwrap_err();
    assert_eq!(decay, "decay: expected at least 0 and below 1, got 1");
    let mut model = model::<f64>(3);
    let before = model.parameter_values().to_vec();
    let empty = WeightAverage::swa(1).apply(&mut model).map_err(text).unwrap_err();
    assert_eq!(empty, "weight average: expected at least 1 observed step or epoch, got 0");
    let mut average = WeightAverage::ema(0.5).unwrap();
    Trainer::new().batch_size(10).epochs(1).observe(&mut average).fit(&mut self::model(5), &wide()).unwrap();
    assert!(
        average.apply(&mut model).map_err(text).unwrap_err().starts_with("parameter values: expected shape")
    );
    assert_eq!(model.parameter_values(), before);
}

fn wide() -> Samples<f64> {
    Samples::labeled(Array2::ones((20, 4)), &[1; 20], 5).unwrap()
}

#[test]
fn closures_of_epochs_may_return_nothing() {
    let mut numbers = Vec::new();
    let mut trainer = Trainer::new().batch_size(10).epochs(2).on_epoch(|epoch| numbers.push(epoch.number));
    trainer.fit(&mut model::<f64>(3), &data(40)).unwrap();
    drop(trainer);
    assert_eq!(numbers, [0, 1, 2]);
}

#[test]
fn without_row_0_the_run_is_the_same_also_resumed() {
    let (with, without) = (&mut model::<f64>(3), &mut model::<f64>(3));
    let validation = data(30);
    let trainer = || {
        Trainer::new().batch_size(10).epochs(5).validation(&validation).early_stopping(EarlyStopping::new(5))
    };
    let all = trainer().fit(with, &data(40)).unwrap();
    let rest = trainer().measure_before(false).fit(without, &data(40)).unwrap();
    assert_eq!(with.parameter_values(), without.parameter_values());
    let losses =
        |epochs: &[manabi::train::Epoch]| epochs.iter().map(|e| (e.number, e.train.loss)).collect::<Vec<_>>();
    assert_eq!(losses(&all.epochs[1..]), losses(&rest.epochs));

    let folder = tempfile::tempdir().unwrap();
    let run = |epochs| {
        let mut model = model::<f64>(3);
        let checkpoints = Checkpoints::new(folder.path()).resume(true).keep_best(true);
        let mut trainer = trainer().epochs(epochs).measure_before(false).checkpoints(checkpoints);
        let history = trainer.fit(&mut model, &data(40)).unwrap();
        (model.parameter_values().to_vec(), losses(&history.epochs))
    };
    run(1);
    run(3);
    let (values, rows) = run(5);
    assert_eq!((&values[..], rows), (without.parameter_values(), losses(&rest.epochs)));
    let mut model = model::<f64>(3);
    let error =
        trainer().checkpoints(Checkpoints::new(folder.path()).resume(true)).fit(&mut model, &data(40));
    assert!(error.unwrap_err().to_string().contains("file name: expected epoch-00004"));
}

/// The formula of PyTorch's `CosineAnnealingWarmRestarts` with T_0 = 4, T_mult = 3, eta_min = 0.02 and a rate of 0.3.
#[test]
fn restarts_are_those_of_pytorch() {
    let schedule = CosineRestarts::new(4).growth(3).end(0.02);
    let pi = std::f64::consts::PI;
    for steps in 0..18_u64 {
        let (at, length) = if steps < 4 {
            (steps, 4.0)
        } else if steps < 16 {
            (steps - 4, 12.0)
        } else {
            (steps - 16, 36.0)
        };
        let expected = 0.02 + 0.28 * (1.0 + (pi * at as f64 / length).cos()) / 2.0;
        assert_relative_eq!(schedule.rate(0.3, steps), expected, max_relative = 1e-14);
    }
    assert_eq!(CosineRestarts::new(5).rate(1.0, 5 * 1_000_000_000_000), 1.0);
    let error = Stepper::<f64>::new(Sgd::default()).schedule(CosineRestarts::new(4).growth(0));
    let error = error.check_model(&model(3)).unwrap_err().to_string();
    assert_eq!(error, "growth: expected at least 1, got 0");
}

#[test]
fn pytorchs_initial_weights_are_within_its_bounds() {
    let affine =
        Affine::new(200).weight_initializer(Initializer::PYTORCH).bias_initializer(Initializer::PYTORCH);
    let builder = Sequential::<f64>::builder(100).add_layer("a", affine);
    let model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    for name in ["a.weight", "a.bias"] {
        let values = model.parameter(name).unwrap();
        // The bound is 1/√fan_in, for biases too.
        let most = values.iter().fold(0.0_f64, |most, w| most.max(w.abs()));
        assert!(most <= 0.1 && most > 0.098, "{name}: {most}");
        let variance = values.iter().map(|w| w * w).sum::<f64>() / values.len() as f64;
        assert_relative_eq!(variance, 0.01 / 3.0, max_relative = 0.15);
    }
}

#[test]
fn a_search_finds_a_rate_and_changes_nothing() {
    let (model, data) = (model::<f64>(3), data(200));
    let trainer = Trainer::new().batch_size(20);
    let search = trainer.search_rate(&model, &data, 1e-4..=1e6, 80).unwrap();
    let ratio = (1e10_f64).powf(1.0 / 79.0);
    for (i, rate) in search.rates.iter().enumerate() {
        assert_relative_eq!(*rate, 1e-4 * ratio.powi(i as i32), max_relative = 1e-10);
    }
    // It ends before the last rates, which make the loss explode.
    assert!(search.rates.len() < 80 && search.losses.len() == search.rates.len());
    let rate = search.suggestion().unwrap();
    assert!(rate > 1e-3 && rate < 1e2, "{rate}");
    assert_eq!(search, trainer.search_rate(&model, &data, 1e-4..=1e6, 80).unwrap());
    // The average starts without bias.
    assert_relative_eq!(search.smoothed()[0], search.losses[0], max_relative = 1e-15);
    let text = |rates, steps| trainer.search_rate(&model, &data, rates, steps).unwrap_err().to_string();
    assert_eq!(text(1.0..=0.1, 10), "rates: expected a lower rate before a higher one, got 1..=0.1");
    assert_eq!(text(0.0..=0.1, 10), "rates: expected a finite number above 0, got 0");
    assert_eq!(text(0.1..=1.0, 1), "steps: expected at least 2, got 1");
}
