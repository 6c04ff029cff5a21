//! Metrics of the user in the training loop: their values, what watches them, and where they are recorded.

mod channels;
mod sharded;

use std::fs;
use std::ops::ControlFlow::{self, Continue};
use std::path::Path;

use manabi::activation::{Identity, Tanh};
use manabi::loss::{Heads, MeanSquaredError};
use manabi::metrics::{
    Average, ConfusionMatrix, Watch, classes, mean_absolute_error, mean_squared_error, r_squared,
    root_mean_squared_error,
};
use manabi::optim::ReduceOnPlateau;
use manabi::random::{Random, RandomState};
use manabi::train::{Checkpoints, CsvLog, EarlyStopping, Epoch, History, Observer, Processes, Termination};
use manabi::{Activation, Affine, CrossEntropy, Error, Result, Samples, Sequential, Softmax, Trainer};
use ndarray::{Array2, ArrayView2, array, s};
use sharded::{CLASSES, data, model};

/// Samples with noise, more than one batch of an evaluation.
fn waves(rows: usize, seed: u32) -> Samples<f64> {
    let mut random = RandomState::new(seed);
    let x = random.uniform((rows, 1), -2.0, 2.0);
    let t = x.mapv(|x| (2.0 * x).sin()) + random.normal((rows, 1), 0.0, 0.5);
    let weights: Vec<f64> = (0..rows).map(|row| (row % 4) as f64).collect();
    Samples::new(x, t).unwrap().with_weights(weights).unwrap()
}

fn network() -> Sequential<f64> {
    let builder = Sequential::builder(1)
        .add_layer("a", Affine::new(20))
        .add_layer("t", Activation::new(Tanh))
        .add_layer("b", Affine::new(1));
    builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap()
}

fn f1(y: ArrayView2<'_, f32>, t: ArrayView2<'_, f32>, weights: Option<&[f64]>) -> Result<f64> {
    Ok(ConfusionMatrix::new(&classes(t)?, &classes(y)?, CLASSES, weights)?.average_f1(Average::Macro))
}

/// Compares every row with the metrics of the model's own predictions.
struct Compare<'a> {
    validation: &'a Samples<f64>,
    test: &'a Samples<f64>,
    weights: &'a [f64],
    rows: usize,
}

impl Observer<f64> for Compare<'_> {
    fn on_epoch(&mut self, epoch: &Epoch, model: &Sequential<f64>) -> ControlFlow<()> {
        let of = |data: &Samples<f64>, weights| {
            let y = model.predict(data.x()).unwrap();
            [r_squared(y.view(), data.t(), weights), mean_absolute_error(y.view(), data.t(), weights)]
                .map(|value| Some(value.unwrap()))
        };
        let validation = of(self.validation, None);
        let test = of(self.test, Some(self.weights));
        for i in 0..2 {
            assert_eq!((epoch.metrics[i].validation, epoch.metrics[i].test), (validation[i], test[i]));
        }
        assert_eq!(epoch.metrics[0].name, "R²");
        // The watched set is the validation set.
        assert_eq!((epoch.metric("R²"), epoch.metric("mae")), (validation[0], validation[1]));
        assert_eq!(epoch.metric("loss"), Some(epoch.validation.unwrap().loss));
        assert_eq!((epoch.metric("accuracy"), epoch.metric("other")), (None, None));
        self.rows += 1;
        Continue(())
    }
}

#[test]
fn values_are_those_of_the_predictions() {
    let (train, test) = (waves(60, 1), waves(1203, 2));
    let validation = Samples::new(test.x().to_owned(), test.t().to_owned()).unwrap();
    let weights: Vec<f64> = (0..1203).map(|row| (row % 4) as f64).collect();
    let mut compare = Compare { validation: &validation, test: &test, weights: &weights, rows: 0 };
    for threads in [1, 2] {
        let trainer = Trainer::new().batch_size(20).epochs(3).threads(threads).observe(&mut compare);
        let mut trainer = trainer.validation(&validation).test(&test);
        trainer = trainer.metric("R²", r_squared).metric("mae", mean_absolute_error);
        trainer.fit(&mut network(), &train).unwrap();
    }
    assert_eq!(compare.rows, 8);
}

/// Returns the history of a run that ends by a rule, and the best row of a metric in it.
fn stopped(watch: Watch) -> (History, Vec<f64>) {
    let (train, validation) = (waves(30, 1), waves(200, 2));
    let trainer = Trainer::new().batch_size(5).epochs(200).validation(&validation);
    let trainer = trainer.metric("R²", r_squared).metric("mae", mean_absolute_error);
    let name = watch.name().to_owned();
    let mut model = network();
    let mut trainer = trainer.early_stopping(EarlyStopping::new(6).watch(watch));
    let history = trainer.fit(&mut model, &train).unwrap();
    let best = &history.epochs[history.best.unwrap()];
    // The model has the parameters of the best epoch.
    assert_eq!(model.evaluate(&validation).unwrap(), best.validation.unwrap());
    let values = history.epochs.iter().map(|epoch| epoch.metric(&name).unwrap()).collect();
    (history, values)
}

#[test]
fn early_stopping_watches_a_metric_in_its_direction() {
    for (watch, sign) in [
        (Watch::greatest("R²"), -1.0),
        (Watch::least("mae"), 1.0),
        (Watch::least("loss"), 1.0),
        // A wrong direction for once, which ends at once.
        (Watch::greatest("mae"), -1.0),
    ] {
        let (history, values) = stopped(watch);
        let mut best = 0;
        for (row, value) in values.iter().enumerate() {
            if sign * value < sign * values[best] {
                best = row;
            }
        }
        assert_eq!(history.best, Some(best));
        assert_eq!(history.termination, Termination::NoImprovement);
        assert_eq!(history.epochs.len(), best + 6 + 1);
    }
}

#[test]
fn a_plateau_watches_a_metric() {
    let train = waves(30, 1);
    let rates = |watch| {
        // The number of calls: it always rises.
        let mut calls = 0;
        let count = |_: ArrayView2<'_, f64>, _: ArrayView2<'_, f64>, _: Option<&[f64]>| {
            calls += 1;
            Ok(f64::from(calls))
        };
        let reduce = ReduceOnPlateau::new().patience(0).factor(0.5).watch(watch);
        let trainer = Trainer::new().epochs(4).validation(&train).metric("calls", count);
        let history = trainer.reduce_on_plateau(reduce).fit(&mut network(), &train).unwrap();
        history.epochs.iter().filter_map(|epoch| epoch.learning_rate).collect::<Vec<_>>()
    };
    assert_eq!(rates(Watch::greatest("calls")), [0.1; 4]);
    // The first epoch has the best value.
    assert_eq!(rates(Watch::least("calls")), [0.1, 0.1, 0.05, 0.025]);
}

#[test]
fn rows_are_in_tables_and_logs() {
    let (train, folder) = (waves(30, 1), tempfile::tempdir().unwrap());
    let path = folder.path().join("log.csv");
    let mut log = CsvLog::create(&path).unwrap();
    let trainer = Trainer::new().epochs(2).test(&train).metric("R²", r_squared).observe(&mut log);
    let history = trainer.metric("rmse", root_mean_squared_error).fit(&mut network(), &train).unwrap();
    log.finish().unwrap();
    let csv = history.to_csv();
    let header = csv.lines().next().unwrap();
    assert!(header.ends_with("test_accuracy,validation_R²,test_R²,validation_rmse,test_rmse,elapsed"));
    assert_eq!((csv.lines().count(), history.epochs.len()), (1 + 3, 3));
    for (line, epoch) in csv.lines().skip(1).zip(&history.epochs) {
        let cells: Vec<Option<f64>> = line.split(',').map(|cell| cell.parse().ok()).collect();
        assert_eq!(cells[7..11], [None, epoch.metrics[0].test, None, epoch.metrics[1].test]);
        assert!(epoch.metrics[0].test.is_some() && cells.len() == 12);
    }
    let log = fs::read_to_string(&path).unwrap();
    assert_eq!(log.lines().count(), 1 + 3);
    let without_rate: Vec<&str> = log.lines().map(|line| line.rsplit_once(',').unwrap().0).collect();
    assert_eq!(without_rate, csv.lines().collect::<Vec<_>>());
    let last = history.epochs[2].metrics[1].test.unwrap();
    assert!(
        history.to_json().contains(&format!(r#",{{"name":"rmse","validation":null,"test":{last:?}}}],"#))
    );
}

#[test]
fn a_log_of_other_columns_stays_as_it_is() {
    let (train, folder) = (waves(30, 1), tempfile::tempdir().unwrap());
    let path = folder.path().join("log.csv");
    let run = |mut log: CsvLog, name| {
        let trainer = Trainer::new().epochs(2).test(&train).metric(name, r_squared).observe(&mut log);
        let rows = { trainer }.fit(&mut network(), &train).unwrap().epochs.len();
        (rows, log.finish())
    };
    run(CsvLog::create(&path).unwrap(), "R²").1.unwrap();
    let before = fs::read_to_string(&path).unwrap();
    // The run stops after row 0.
    let (rows, result) = run(CsvLog::append(&path).unwrap(), "mae");
    assert_eq!((rows, fs::read_to_string(&path).unwrap()), (1, before.clone()));
    let Err(Error::Io { path: of_error, error }) = result else { panic!("{result:?}") };
    assert_eq!((&of_error, error.kind()), (&path, std::io::ErrorKind::InvalidData));
    let header = before.lines().next().unwrap();
    assert_eq!(
        error.to_string(),
        format!("first line: expected the columns of the run, {}, got {header}", header.replace("R²", "mae"))
    );
    let (rows, result) = run(CsvLog::append(&path).unwrap(), "R²");
    result.unwrap();
    let after = fs::read_to_string(&path).unwrap();
    assert!(rows == 3 && after.starts_with(&before) && after.lines().count() == 1 + 3 + 3);
}

#[test]
fn a_resumed_run_has_the_same_rows() {
    let (train, validation, folder) = (waves(30, 1), waves(90, 2), tempfile::tempdir().unwrap());
    let run = |epochs, folder: Option<&Path>| {
        let mut trainer = Trainer::new().batch_size(5).epochs(epochs).validation(&validation);
        trainer = trainer.metric("R²", r_squared).metric("mae", mean_absolute_error);
        trainer = trainer.early_stopping(EarlyStopping::new(50).watch(Watch::greatest("R²")));
        let reduce = ReduceOnPlateau::new().patience(0).watch(Watch::least("mae"));
        trainer = trainer.reduce_on_plateau(reduce);
        if let Some(folder) = folder {
            let checkpoints = Checkpoints::new(folder).keep_best(true).watch(Watch::greatest("R²"));
            trainer = trainer.checkpoints(checkpoints.resume(true));
        }
        let mut model = network();
        let history = trainer.fit(&mut model, &train).unwrap();
        let rows = history.epochs.into_iter().map(|epoch| (epoch.number, epoch.validation, epoch.metrics));
        (rows.collect::<Vec<_>>(), history.best, model.parameter_values().to_vec())
    };
    let straight = run(12, None);
    let resumed = [1, 4, 7, 12].map(|epochs| run(epochs, Some(folder.path())));
    assert_eq!(resumed[3], straight);
    // The best model is that of the greatest value among the trained epochs.
    let best = Sequential::<f64>::load(folder.path().join("best.safetensors")).unwrap();
    let y = best.predict(validation.x()).unwrap();
    let weights: Vec<f64> = (0..90).map(|row| (row % 4) as f64).collect();
    let value = r_squared(y.view(), validation.t(), Some(&weights)).unwrap();
    let values = straight.0[1..].iter().map(|row| row.2[0].validation.unwrap());
    assert_eq!(value, values.fold(f64::NEG_INFINITY, f64::max));

    let trainer = Trainer::new().batch_size(5).epochs(13).validation(&validation).metric("R²", r_squared);
    let mut trainer = trainer.reduce_on_plateau(ReduceOnPlateau::new().patience(0));
    trainer = trainer.checkpoints(Checkpoints::new(folder.path()).resume(true));
    let error = trainer.fit(&mut network(), &train).unwrap_err().to_string();
    assert!(error.contains("metrics: expected R², got R², mae"), "{error}");
}

#[test]
fn any_number_of_processes_measures_the_same_bits() {
    let weights: Vec<f64> = (0..1203).map(|row| 0.5 * (row % 3) as f64).collect();
    let test = data::<f32>(1203).with_weights(weights).unwrap();
    let validation = data::<f32>(40);
    let run = |processes: Option<&dyn Processes>| {
        let trainer = Trainer::new().batch_size(30).epochs(3).shards(6).validation(&validation);
        let mut trainer = trainer.test(&test).metric("f1", f1).metric("mse", mean_squared_error);
        trainer = trainer.early_stopping(EarlyStopping::new(5).watch(Watch::greatest("f1")));
        if let Some(processes) = processes {
            trainer = trainer.processes(processes);
        }
        let mut model = model::<f32>("plain");
        let history = trainer.fit(&mut model, &data(90)).unwrap();
        let rows: Vec<_> =
            history.epochs.into_iter().map(|epoch| (epoch.validation, epoch.metrics)).collect();
        assert!(rows.iter().all(|(_, metrics)| metrics.len() == 2 && metrics[1].test.unwrap() > 0.0));
        (rows, model.parameter_values().to_vec())
    };
    let alone = run(None);
    for size in [1, 2, 3, 6] {
        assert!(
            channels::run(size, |own| run(Some(own))).iter().all(|own| *own == alone),
            "{size} processes"
        );
    }
}

#[test]
fn a_failure_ends_all_processes() {
    let errors = channels::run(2, |own| {
        let (train, mut model) = (data::<f32>(40), model::<f32>("plain"));
        let trainer = Trainer::new().batch_size(20).shards(2).epochs(2).validation(&train).processes(own);
        let mut trainer = trainer.metric("bad", |_, _, _| Err(Error::setting("it", "luck", "none")));
        trainer.fit(&mut model, &train).unwrap_err().to_string()
    });
    let message = "after epoch 0, on the validation set, metric 'bad': it: expected luck, got none";
    assert_eq!(errors, [message.to_owned(), format!("process 0: {message}")]);
}

#[test]
fn a_failure_of_another_process_ends_all_while_metrics_are_kept() {
    let mut x = data::<f32>(1203).x().to_owned();
    // The last batch belongs to process 1, and its predictions overflow.
    x.row_mut(1202).fill(f32::MAX);
    let errors = channels::run(2, |own| {
        let (train, mut model) = (data::<f32>(40), model::<f32>("plain"));
        let test = Samples::new(x.clone(), data::<f32>(1203).t().to_owned()).unwrap();
        let test = test.with_shape([1, 6, 6]).unwrap();
        let trainer = Trainer::new().batch_size(20).shards(2).epochs(2).test(&test).processes(own);
        { trainer }.metric("f1", f1).fit(&mut model, &train).unwrap_err().to_string()
    });
    assert!(errors[1].starts_with("after epoch 0, on the test set"), "{errors:?}");
    assert_eq!(errors[0], format!("process 1: {}", errors[1]));
}

#[test]
fn several_processes_resume_a_run_with_metrics() {
    let test = data::<f32>(1203);
    let run = |epochs, folder: &Path, processes: Option<&dyn Processes>| {
        let checkpoints = Checkpoints::new(folder).keep_best(true).watch(Watch::greatest("f1")).resume(true);
        let trainer = Trainer::new().batch_size(30).epochs(epochs).shards(2).test(&test);
        let mut trainer = trainer.metric("f1", f1).checkpoints(checkpoints);
        if let Some(processes) = processes {
            trainer = trainer.processes(processes);
        }
        let mut model = model::<f32>("plain");
        let history = trainer.fit(&mut model, &data(90)).unwrap();
        let rows: Vec<_> = history.epochs.into_iter().map(|epoch| (epoch.test, epoch.metrics)).collect();
        (rows, model.parameter_values().to_vec())
    };
    let [alone, folder] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let straight = run(4, alone.path(), None);
    for epochs in [2, 4] {
        let both = channels::run(2, |own| run(epochs, folder.path(), Some(own)));
        assert!(both.iter().all(|own| own.0[..] == straight.0[..=epochs]));
        assert!(epochs < 4 || both.iter().all(|own| *own == straight));
    }
    let [best, of_alone] =
        [&folder, &alone].map(|folder| fs::read(folder.path().join("best.safetensors")).unwrap());
    assert_eq!(best, of_alone);
}

#[test]
fn a_head_is_a_range_of_columns() {
    let x = RandomState::new(1).normal((30, 2), 0.0, 1.0);
    let t = Array2::from_shape_fn((30, 4), |(row, column)| match column {
        3 => x[[row, 1]],
        class => f64::from(u8::from(class == row % 3)),
    });
    let heads = Heads::new().add_head("class", 3, Softmax, CrossEntropy, 1.0).add_head(
        "number",
        1,
        Identity,
        MeanSquaredError,
        0.1,
    );
    let builder = Sequential::<f64>::builder(2).add_layer("affine1", Affine::new(4));
    let mut model = builder.set_output(heads.clone()).set_error(heads).build().unwrap();
    let data = Samples::new(x, t).unwrap();
    let trainer = Trainer::new().epochs(5).validation(&data).metric("number", |y, t, weights| {
        mean_squared_error(y.slice(s![.., 3..]), t.slice(s![.., 3..]), weights)
    });
    let history = { trainer }.fit(&mut model, &data).unwrap();
    let number = model.evaluate_heads(&data).unwrap()[1].1.loss;
    assert!((history.epochs[5].metric("number").unwrap() / number - 1.0).abs() < 1e-12);
}

#[test]
fn what_is_wrong_is_an_error_before_the_first_step() {
    let (data, mut model) = (waves(30, 1), network());
    let before = model.parameter_values().to_vec();
    let trainer = || Trainer::new().epochs(3).validation(&data).metric("mae", mean_absolute_error);
    let mut message = |mut trainer: Trainer<'_, f64>| trainer.fit(&mut model, &data).unwrap_err().to_string();
    let unknown = "expected the name of a metric: loss, accuracy, mae, got 'f1'";
    assert_eq!(
        message(trainer().early_stopping(EarlyStopping::new(3).watch(Watch::greatest("f1")))),
        format!("watch of early_stopping: {unknown}")
    );
    assert_eq!(
        message(trainer().reduce_on_plateau(ReduceOnPlateau::new().watch(Watch::greatest("f1")))),
        format!("watch of reduce_on_plateau: {unknown}")
    );
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(folder.path().join("new")).watch(Watch::greatest("f1"));
    assert_eq!(message(trainer().checkpoints(checkpoints)), format!("watch of checkpoints: {unknown}"));
    assert!(!folder.path().join("new").exists());
    let stopping = EarlyStopping::new(3).watch(Watch::greatest("accuracy"));
    assert_eq!(
        message(trainer().early_stopping(stopping)),
        "watch of early_stopping: expected softmax or sigmoid as the output for an accuracy, got identity"
    );
    for name in ["mae", "loss", "accuracy", "", "a,b", "a\"", "a\\", "a\n"] {
        let error = message(trainer().metric(name, r_squared));
        assert!(error.starts_with("name of a metric: expected a unique name other than"), "{error}");
        assert!(error.ends_with(&format!("got '{name}'")), "{error}");
    }
    assert_eq!(
        message(Trainer::new().metric("mae", mean_absolute_error)),
        "metric 'mae': expected a validation or a test set to measure, got none"
    );
    for value in [f64::NAN, f64::INFINITY] {
        assert_eq!(
            message(Trainer::new().test(&data).metric("bad", move |_, _, _| Ok(value))),
            format!(
                "after epoch 0, on the test set, metric 'bad': value: expected a finite number, got {value}"
            )
        );
    }
    assert_eq!(model.parameter_values(), before);
    let error = Trainer::new()
        .epochs(3)
        .measure_before(false)
        .test(&data)
        .metric("bad", |y, _, _| r_squared(y, array![[0.0]].view(), None))
        .fit(&mut model, &data)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "after epoch 1, on the test set, metric 'bad': t: expected shape (30, 1), got [1, 1]"
    );
}
