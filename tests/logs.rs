//! Rows of a run in a CSV file, and the progress bar.

use std::fs;

use manabi::loss::MeanSquaredError;
use manabi::train::{CsvLog, History, ProgressBar};
use manabi::{Affine, Error, Result, Samples, Sequential, Trainer, activation::Identity};
use ndarray::array;

fn run(epochs: usize, log: &mut CsvLog, check: impl FnMut() + Send) -> Result<History> {
    let data = Samples::new(array![[1.0], [2.0]], array![[1.0], [2.0]]).unwrap();
    let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(1));
    let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    let mut check = check;
    Trainer::new()
        .batch_size(1)
        .epochs(epochs)
        .schedule(|rate: f64, step: u64| rate / (step / 2 + 1) as f64)
        .validation(&data)
        .observe(log)
        .on_epoch(move |_| check())
        .fit(&mut model, &data)
}

#[test]
fn rows_are_those_of_the_history_and_the_rate() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    fs::write(&path, "old").unwrap();
    let mut log = CsvLog::create(&path).unwrap();
    let mut rows = 0;
    let history = run(3, &mut log, || {
        // Each row is in the file when the epoch ends.
        rows += 1;
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.ends_with("\r\n"));
        assert_eq!(text.lines().count(), 1 + rows);
    });
    log.finish().unwrap();
    let history = history.unwrap();
    let rates = ["learning_rate", "", "0.1", "0.05", "0.03333333333333333"];
    let csv = history.to_csv();
    let expected: Vec<String> =
        csv.lines().zip(rates).map(|(row, rate)| format!("{row},{rate}\r\n")).collect();
    assert_eq!(fs::read_to_string(&path).unwrap(), expected.concat());
    assert_eq!(rows, 4);

    // A second run goes on below.
    let mut log = CsvLog::append(&path).unwrap();
    run(1, &mut log, || {}).unwrap();
    log.finish().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with(&expected.concat()));
    assert_eq!(text.lines().filter(|line| line.starts_with("epoch,")).count(), 1);
    assert_eq!(text.lines().count(), 5 + 2);
    CsvLog::append(folder.path().join("new.csv")).unwrap().finish().unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("new.csv")).unwrap().lines().count(), 0);
}

#[test]
fn a_file_that_cannot_be_written_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let none = folder.path().join("none/log.csv");
    assert!(matches!(CsvLog::create(&none), Err(Error::Io { path, .. }) if path == none));
    assert!(matches!(CsvLog::append(folder.path()), Err(Error::Io { path, .. }) if path == folder.path()));
    #[cfg(target_os = "linux")]
    {
        let mut log = CsvLog::create("/dev/full").unwrap();
        // The run stops after row 0.
        assert_eq!(run(3, &mut log, || {}).unwrap().epochs.len(), 1);
        assert!(
            matches!(log.finish(), Err(Error::Io { path, .. }) if path == std::path::Path::new("/dev/full"))
        );
    }
}

#[test]
fn a_progress_bar_changes_no_results() {
    let data = Samples::new(array![[1.0], [2.0]], array![[1.0], [2.0]]).unwrap();
    let fit = |trainer: Trainer<'_, f64>| {
        let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(1));
        let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
        trainer.batch_size(1).epochs(3).fit(&mut model, &data).unwrap();
        model.parameter_values().to_vec()
    };
    assert_eq!(fit(Trainer::new().observe(ProgressBar::new())), fit(Trainer::new()));
}
