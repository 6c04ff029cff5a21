//! The place passed to a data set when a batch is gathered, and samples that change in training.

use std::sync::Mutex;

use manabi::activation::Identity;
use manabi::data::{Augment, Dataset, Place, Split, Subset};
use manabi::loss::MeanSquaredError;
use manabi::optim::Stepper;
use manabi::random::{Noise, Random, RandomState};
use manabi::{Affine, CrossEntropy, Result, Samples, Sequential, Sgd, Softmax, Trainer};
use ndarray::{Array2, ArrayViewMut2, array};

/// A width at which several threads gather a batch.
const WIDTH: usize = 700;
const BATCH: usize = 50;

fn samples(rows: usize) -> Samples<f64> {
    let x = RandomState::new(1).normal((rows, WIDTH), 0.0, 1.0);
    let labels: Vec<usize> = (0..rows).map(|row| row % 3).collect();
    Samples::labeled(x, &labels, 3).unwrap()
}

fn model() -> Sequential<f64> {
    let builder = Sequential::builder(WIDTH).add_layer("affine1", Affine::new(3));
    builder.set_output(Softmax).set_error(CrossEntropy).seed(3).build().unwrap()
}

/// Swaps neighbouring values and adds a little noise.
fn shake(sample: &mut [f64], noise: Noise) {
    if noise.bits(1, 0).is_multiple_of(2) {
        sample.chunks_exact_mut(2).for_each(|pair| pair.swap(0, 1));
    }
    let small = |i: usize| f64::from(noise.bits(0, i)) / f64::from(u32::MAX) - 0.5;
    sample.iter_mut().enumerate().for_each(|(i, x)| *x += 0.2 * small(i));
}

/// A data set that records the calls it receives.
#[derive(Debug)]
struct Told<'a> {
    data: &'a dyn Dataset<f64>,
    calls: Mutex<Vec<(Place, Vec<usize>)>>,
}

impl<'a> Told<'a> {
    fn new(data: &'a dyn Dataset<f64>) -> Self {
        Self { data, calls: Mutex::default() }
    }

    /// Returns the calls since the previous call of this method: batch by batch, in row order.
    fn calls(&self) -> Vec<(Place, Vec<usize>)> {
        let mut calls = std::mem::take(&mut *self.calls.lock().unwrap());
        calls.sort_by_key(|(place, _)| (place.training, place.epoch, place.batch, place.start));
        calls
    }
}

impl Dataset<f64> for Told<'_> {
    fn len(&self) -> usize {
        self.data.len()
    }
    fn input_dim(&self) -> usize {
        self.data.input_dim()
    }
    fn target_dim(&self) -> usize {
        self.data.target_dim()
    }
    fn gather(&self, _: &[usize], _: ArrayViewMut2<'_, f64>, _: ArrayViewMut2<'_, f64>) -> Result<()> {
        unreachable!("expected a call with the place")
    }
    fn gather_at(
        &self,
        place: Place,
        rows: &[usize],
        x: ArrayViewMut2<'_, f64>,
        t: ArrayViewMut2<'_, f64>,
    ) -> Result<()> {
        self.calls.lock().unwrap().push((place, rows.to_vec()));
        self.data.gather_at(place, rows, x, t)
    }
}

#[test]
fn a_data_set_is_told_epoch_batch_and_position() {
    let data = samples(120);
    let (train, test) = (Told::new(&data), Told::new(&data));
    // A view passes the place on, with the row numbers of the data set.
    let theirs: Vec<usize> = (0..120).rev().collect();
    let view = Subset::new(&train, theirs).unwrap();
    let order = |epoch: usize| RandomState::new(epoch as u32).permutation(120);
    for threads in [1, 2, 3] {
        let trainer = Trainer::new().batch_size(BATCH).epochs(2).threads(threads).seed(9);
        trainer.order(move |epoch, _| order(epoch)).test(&test).fit(&mut model(), &view).unwrap();
        let calls = train.calls();
        // The training set is evaluated before training.
        let (measured, trained): (Vec<_>, Vec<_>) = calls.into_iter().partition(|(place, _)| !place.training);
        let mut rows: Vec<usize> = measured.iter().flat_map(|(_, rows)| rows.clone()).collect();
        rows.sort_unstable();
        assert_eq!(rows, (0..120).collect::<Vec<_>>());
        for (place, _) in measured.iter().chain(&test.calls()) {
            assert_eq!((place.training, place.epoch, place.batch), (false, 0, 0));
        }
        let mut expected = Vec::new();
        for epoch in [1, 2] {
            for (batch, rows) in order(epoch).chunks(BATCH).enumerate() {
                let place = |start| (epoch, batch + 1, start);
                expected.extend(rows.iter().enumerate().map(|(start, row)| (place(start), 119 - row)));
            }
        }
        let mut got = Vec::new();
        for (place, rows) in &trained {
            assert_eq!(*place, Place::training(place.epoch, place.batch).rows_from(place.start).seed(9));
            let at = |i| (place.epoch, place.batch, place.start + i);
            got.extend(rows.iter().enumerate().map(|(i, &row)| (at(i), row)));
        }
        assert_eq!(got, expected, "{threads} threads");
        // A batch of 50 samples is large enough to be divided among threads.
        assert_eq!(trained.iter().all(|(_, rows)| rows.len() == BATCH || rows.len() == 20), threads == 1);
    }
}

#[test]
fn only_training_changes_samples() {
    let data = samples(30);
    let augmented = Augment::new(&data, shake);
    let gather = |data: &dyn Dataset<f64>, place, rows: &[usize]| {
        let (mut x, mut t) = (Array2::zeros((rows.len(), WIDTH)), Array2::zeros((rows.len(), 3)));
        data.gather_at(place, rows, x.view_mut(), t.view_mut()).unwrap();
        (x, t)
    };
    let rows = [4, 17, 4, 29];
    let plain = gather(&data, Place::evaluation(), &rows);
    assert_eq!(gather(&augmented, Place::evaluation(), &rows), plain);
    let (x, t) = gather(&augmented, Place::training(1, 1).seed(5), &rows);
    assert_eq!(t, plain.1);
    // Every value changes by the noise of its row, regardless of its position in the batch.
    let mut expected = data.x().row(17).to_vec();
    shake(&mut expected, Place::training(1, 9).seed(5).noise(17));
    assert_eq!(x.row(1).to_vec(), expected);
    assert_eq!(x.row(0), x.row(2));
    assert!(x.iter().zip(&plain.0).filter(|(changed, plain)| changed == plain).count() < 3);
    // Another epoch, seed or row produces different noise.
    for (place, row) in [
        (Place::training(2, 1).seed(5), 17),
        (Place::training(1, 1).seed(6), 17),
        (Place::training(1, 1).seed(5), 18),
    ] {
        assert_ne!(place.noise(row).bits(0, 0), Place::training(1, 1).seed(5).noise(17).bits(0, 0));
    }
    // An evaluation uses the unchanged samples, and so does a batch loaded without a place.
    let model = model();
    assert_eq!(model.evaluate(&augmented).unwrap(), model.evaluate(&data).unwrap());
    let mut ws = model.workspace(4).unwrap();
    ws.load(&augmented, &rows).unwrap();
    let as_it_is = model.loss(&mut ws).unwrap();
    ws.load_at(Place::training(1, 1), &augmented, &rows).unwrap();
    assert_ne!(model.loss(&mut ws).unwrap(), as_it_is);
    ws.load(&data, &rows).unwrap();
    assert_eq!(model.loss(&mut ws).unwrap(), as_it_is);
    let all = Subset::new(&augmented, (0..30).collect()).unwrap();
    assert_eq!(all.to_samples().unwrap(), data);
    assert_eq!((Dataset::class(&augmented, 5), Dataset::len(&augmented)), (Some(2), 30));
}

#[test]
fn nested_changes_draw_other_noise() {
    let data = Samples::new(Array2::zeros((8, 1)), Array2::zeros((8, 1))).unwrap();
    let write =
        |sample: &mut [f64], noise: Noise| sample[0] = 2.0 * sample[0] + f64::from(noise.bits(0, 0) >> 31);
    let inner = Augment::new(&data, write);
    let (mut x, mut t) = (Array2::zeros((8, 1)), Array2::zeros((8, 1)));
    let rows: Vec<usize> = (0..8).collect();
    Augment::new(&inner, write).gather_at(Place::training(1, 1), &rows, x.view_mut(), t.view_mut()).unwrap();
    let same = x.iter().filter(|&&x| x == 0.0 || x == 3.0).count();
    assert!((1..8).contains(&same), "{x}");
}

/// Returns the parameters after some epochs.
fn trained<'a>(trainer: Trainer<'a, f64>, data: &dyn Dataset<f64>) -> Vec<f64> {
    let mut model = model();
    let mut trainer = trainer.batch_size(BATCH);
    trainer.fit(&mut model, data).unwrap();
    model.parameter_values().to_vec()
}

#[test]
fn the_number_of_threads_changes_no_bit_of_a_changed_sample() {
    let data = samples(220);
    let augmented = Augment::new(&data, shake);
    // Augment a part of the samples, and take a part of the augmented samples.
    let (part, _) = Split::fraction(0.2).split(&data).unwrap();
    let augmented_part = Augment::new(&part, shake);
    let (part_of_augmented, held_out) = Split::fraction(0.2).split(&augmented).unwrap();
    let sets: [&dyn Dataset<f64>; 3] = [&augmented, &augmented_part, &part_of_augmented];
    for set in sets {
        let run = |threads| trained(Trainer::new().epochs(3).threads(threads).validation(&held_out), set);
        let one = run(1);
        assert_eq!(one, run(2));
        assert_eq!(one, run(3));
        let seeded = |noise| trained(Trainer::new().epochs(3).noise_seed(noise), set);
        assert_eq!(one, seeded(1));
        assert_ne!(one, seeded(2));
    }
    // The row numbers of a view are the row numbers of the underlying data set.
    assert_ne!(trained(Trainer::new(), &augmented_part), trained(Trainer::new(), &part_of_augmented));
    // Evaluation does not change the samples, so the measured values do not change either.
    let losses = |validation: &dyn Dataset<f64>| {
        let mut trainer = Trainer::new().batch_size(BATCH).epochs(3).validation(validation);
        let history = trainer.fit(&mut model(), &augmented).unwrap();
        history.epochs.iter().map(|epoch| epoch.validation.unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(losses(&augmented), losses(&data));
}

#[cfg(feature = "persistence")]
#[test]
fn a_run_in_two_sittings_changes_the_same_samples() {
    use manabi::train::Checkpoints;
    let data = samples(120);
    let augmented = Augment::new(&data, shake);
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = || Checkpoints::new(folder.path()).resume(true);
    trained(Trainer::new().epochs(2).checkpoints(checkpoints()), &augmented);
    let resumed = trained(Trainer::new().epochs(5).checkpoints(checkpoints()), &augmented);
    assert_eq!(resumed, trained(Trainer::new().epochs(5), &augmented));
    assert_ne!(resumed, trained(Trainer::new().epochs(5), &data));
}

#[test]
fn a_loop_of_ones_own_trains_as_trainer_does() {
    let data = samples(120);
    let augmented = Augment::new(&data, shake);
    let mut own = model();
    let mut ws = own.workspace(BATCH).unwrap().seed(1);
    let mut stepper = Stepper::new(Sgd::default());
    let mut random = RandomState::new(1);
    for epoch in 1..=2 {
        for (i, rows) in random.permutation(120).chunks(BATCH).enumerate() {
            ws.load_at(Place::training(epoch, i + 1), &augmented, rows).unwrap();
            own.gradient(&mut ws).unwrap();
            stepper.step(&mut own, &mut ws).unwrap();
        }
    }
    assert_eq!(own.parameter_values(), trained(Trainer::new().epochs(2), &augmented));
}

#[test]
fn errors_name_the_row_of_the_data_set() {
    let line = || {
        let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(1));
        builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap()
    };
    let x = Array2::from_shape_fn((20, 1), |(row, _)| row as f64);
    let data = Samples::new(x.clone(), x).unwrap();
    let run = |data: &dyn Dataset<f64>, order: Vec<usize>| {
        let mut trainer = Trainer::new().batch_size(2).epochs(1).order(move |_, _| order.clone());
        trainer.fit(&mut line(), data).unwrap_err().to_string()
    };
    // The change fails for one sample.
    let fails =
        |sample: &mut [f64], _: Noise| sample[0] = if sample[0] == 11.0 { f64::NAN } else { sample[0] };
    let broken = Augment::new(&data, fails);
    let view = Subset::new(&broken, vec![19, 3, 7, 15, 2, 11]).unwrap();
    assert_eq!(
        run(&view, vec![0, 1, 2, 5, 3, 4]),
        "epoch 1, batch 2: samples of the data set: expected a finite value at row 11, column 0, got NaN"
    );
    let view = Subset::new(&view, vec![5, 0]).unwrap();
    assert_eq!(
        run(&view, vec![1, 0]),
        "epoch 1, batch 1: samples of the data set: expected a finite value at row 11, column 0, got NaN"
    );

    // Invalid outputs.
    let mut x = Array2::<f64>::ones((600, 1));
    x[[570, 0]] = 1e300;
    let far = Samples::new(x, Array2::zeros((600, 1))).unwrap();
    let mut steep = line();
    steep.parameter_values_mut()[0] = 1e10;
    let reversed = Subset::new(&far, (0..600).rev().collect()).unwrap();
    let named = "layer 'affine1': output for samples of the data set: expected a finite value at row 570, column 0, got inf";
    for data in [&far as &dyn Dataset<f64>, &reversed] {
        assert_eq!(steep.evaluate(data).unwrap_err().to_string(), format!("during evaluation: {named}"));
    }

    let t = Samples::labeled(far.x().to_owned(), &[0; 600], 2).unwrap();
    let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(2));
    let mut steep = builder.set_output(Softmax).set_error(CrossEntropy).build().unwrap();
    steep.parameter_values_mut().copy_from_slice(&[1e10, -1e10, 0.0, 0.0]);
    let reversed = Subset::new(&t, (0..600).rev().collect()).unwrap();
    let named = "rows starting at 0: predictions for samples of the data set: expected a finite value at row 570, column 0, got NaN";
    let error = steep.confusion_matrix(&reversed).unwrap_err().to_string();
    assert_eq!(error, named);

    // Targets that the loss rejects.
    let t = Array2::from_shape_fn((9, 2), |(row, column)| if row == 6 { 0.7 } else { [1.0, 0.0][column] });
    let soft = Samples::new(Array2::zeros((9, 1)), t).unwrap();
    let view = Subset::new(&soft, vec![1, 6]).unwrap();
    let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(2));
    let model = builder.set_output(Softmax).set_error(CrossEntropy).build().unwrap();
    let mut ws = model.workspace(2).unwrap();
    ws.load(&view, &[1, 0]).unwrap();
    let expected = "targets of the data set: expected a distribution (values of at least 0 with sum 1) at row 6, got [0.7, 0.7]";
    assert_eq!(model.loss(&mut ws).unwrap_err().to_string(), expected);
    assert_eq!(model.gradient(&mut ws).unwrap_err().to_string(), expected);
    // A smaller batch does not report the rows of the previous batch.
    ws.load(&soft, &[6]).unwrap();
    assert_eq!(model.loss(&mut ws).unwrap_err().to_string(), expected);
    ws.load(&soft, &[5]).unwrap();
    assert!(model.loss(&mut ws).is_ok());
    // The loss itself knows only the rows of its array.
    let error = manabi::loss::Loss::check_targets(&CrossEntropy, array![[1.0, 0.0], [0.7, 0.7]].view())
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "targets: expected a distribution (values of at least 0 with sum 1) at row 1, got [0.7, 0.7]"
    );
}
