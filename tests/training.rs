//! The training loop: its measurements, their order, and the conditions that stop it.

use std::ops::ControlFlow::{Break, Continue};

use manabi::activation::Identity;
use manabi::data::{Dataset, Images};
use manabi::loss::MeanSquaredError;
use manabi::optim::Adam;
use manabi::random::{Random, RandomState};
use manabi::train::{BatchProgress, Epoch, Observer, Termination};
use manabi::{
    Activation, Affine, CrossEntropy, Normalizer, Samples, Scalar, Sequential, Sgd, Softmax, Swish, Trainer,
};
use ndarray::{Array2, Array3, ArrayViewMut2, array};

fn blobs(rows: usize) -> Samples<f64> {
    let labels: Vec<usize> = (0..rows).map(|row| row % 3).collect();
    let mut x = RandomState::new(7).normal((rows, 4), 0.0, 0.6);
    for (mut x, &label) in x.rows_mut().into_iter().zip(&labels) {
        x[label] += 2.0;
    }
    Samples::labeled(x, &labels, 3).unwrap()
}

fn network<A: Scalar>() -> Sequential<A> {
    Sequential::builder(4)
        .add_layer("affine1", Affine::new(6))
        .add_layer("swish1", Activation::new(Swish::default()))
        .add_layer("affine2", Affine::new(3))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .seed(10)
        .build()
        .unwrap()
}

#[test]
fn it_learns() {
    let data = blobs(150);
    let mut model = network();
    let history = Trainer::new().batch_size(10).epochs(20).test(&data).fit(&mut model, &data).unwrap();
    assert_eq!(history.termination, Termination::Completed);
    assert_eq!(history.epochs.len(), 21);
    let last = &history.epochs[20];
    assert!(last.train.accuracy.unwrap() > 0.95 && last.train.loss < 0.2, "{last:?}");
    assert_eq!(last.test, Some(model.evaluate(&data).unwrap()));
}

#[test]
fn row_0_is_the_untrained_model_on_the_whole_set() {
    let data = blobs(31);
    let mut model = network();
    let before = model.evaluate(&data).unwrap();
    let history = Trainer::new().batch_size(10).epochs(1).fit(&mut model, &data).unwrap();
    assert_eq!(
        (history.epochs[0].number, history.epochs[0].train, history.epochs[0].test),
        (0, before, None)
    );
}

#[test]
fn train_metrics_are_measured_before_each_update_and_weighted_by_samples() {
    let data = blobs(5);
    let mut model = network();
    let mut by_hand = model.clone();
    let history =
        Trainer::new().batch_size(2).epochs(1).order(|_, n| (0..n).collect()).fit(&mut model, &data).unwrap();
    let mut ws = by_hand.workspace(2).unwrap();
    let (mut loss, mut accuracy) = (0.0, 0.0);
    for rows in [&[0, 1][..], &[2, 3], &[4]] {
        ws.load(&data, rows).unwrap();
        let metrics = by_hand.gradient(&mut ws).unwrap();
        loss += metrics.loss * rows.len() as f64;
        accuracy += metrics.accuracy.unwrap() * rows.len() as f64;
        by_hand.parameter_values_mut().iter_mut().zip(ws.gradient()).for_each(|(p, g)| *p -= 0.1 * g);
    }
    assert_eq!(model.parameter_values(), by_hand.parameter_values());
    approx::assert_relative_eq!(history.epochs[1].train.loss, loss / 5.0, max_relative = 1e-14);
    approx::assert_relative_eq!(
        history.epochs[1].train.accuracy.unwrap(),
        accuracy / 5.0,
        max_relative = 1e-14
    );
}

#[test]
fn every_epoch_has_an_order_of_its_own_from_the_seed() {
    let data = blobs(20);
    let run = |seed| {
        let mut model = network();
        Trainer::new().batch_size(5).epochs(3).seed(seed).fit(&mut model, &data).unwrap();
        model.parameter_values().to_vec()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
    let mut random = RandomState::new(1);
    let mut model = network();
    let supplied =
        Trainer::new().batch_size(5).epochs(3).order(|_, n| random.permutation(n)).fit(&mut model, &data);
    supplied.unwrap();
    assert_eq!(model.parameter_values(), run(1));
}

#[test]
fn a_closure_watches_epochs_and_stops() {
    let data = blobs(20);
    let mut model = network();
    let mut seen = Vec::new();
    let watch = |epoch: &Epoch| {
        seen.push(epoch.number);
        if epoch.number == 2 { Break(()) } else { Continue(()) }
    };
    let history = Trainer::new().batch_size(5).epochs(9).on_epoch(watch).fit(&mut model, &data).unwrap();
    assert_eq!((history.termination, history.epochs.len()), (Termination::Stopped, 3));
    assert_eq!(seen, [0, 1, 2]);
}

#[derive(Default)]
struct Stopper(Vec<BatchProgress>);

impl<A: Scalar> Observer<A> for Stopper {
    fn on_batch(&mut self, progress: BatchProgress) -> std::ops::ControlFlow<()> {
        self.0.push(progress);
        if progress.epoch == 2 { Break(()) } else { Continue(()) }
    }
}

#[test]
fn an_observer_stops_between_batches() {
    let data = blobs(20);
    let mut model = network();
    let mut stopper = Stopper::default();
    let history =
        Trainer::new().batch_size(8).epochs(9).observe(&mut stopper).fit(&mut model, &data).unwrap();
    assert_eq!((history.termination, history.epochs.len()), (Termination::Stopped, 2));
    let seen: Vec<_> = stopper.0.iter().map(|p| (p.epoch, p.batch, p.batches)).collect();
    assert_eq!(seen, [(1, 1, 3), (1, 2, 3), (1, 3, 3), (2, 1, 3)]);
}

#[test]
fn wrong_settings_and_data_are_errors_and_leave_the_model() {
    let data = blobs(20);
    let mut model = network();
    let before = model.parameter_values().to_vec();
    let mut message = |mut trainer: Trainer<'_, f64>, data: &dyn Dataset<f64>| {
        trainer.fit(&mut model, data).unwrap_err().to_string()
    };
    let batch = |size| Trainer::new().batch_size(size);
    assert_eq!(message(batch(0), &data), "batch_size: expected at least 1, got 0");
    for rate in [0.0, -0.1, f64::NAN, f64::INFINITY] {
        assert!(message(batch(5).optimizer(Sgd::new(rate)), &data).starts_with("learning_rate: expected"));
    }
    let narrow = Samples::labeled(Array2::zeros((9, 3)), &[0_u8; 9], 3).unwrap();
    let misfit = "expected shape 4, the input shape of the model, got 3";
    assert_eq!(message(batch(5), &narrow), format!("samples of the training set: {misfit}"));
    assert_eq!(message(batch(5).test(&narrow), &data), format!("samples of the test set: {misfit}"));
    assert_eq!(
        message(batch(5).order(|_, _| vec![3, 20]), &data),
        "epoch 1: order: expected rows below 20, got 20"
    );
    assert_eq!(
        message(batch(5).order(|_, _| vec![]), &data),
        "epoch 1: order: expected at least 1 row, got 0"
    );
    let broken = "samples of the data set: expected a finite value at row 0, column 3, got NaN";
    assert_eq!(message(batch(1), &Broken), format!("before training: {broken}"));
    assert_eq!(model.parameter_values(), before);
}

/// A data set that violates the contract of `Dataset`.
#[derive(Debug)]
struct Broken;

impl Dataset<f64> for Broken {
    fn len(&self) -> usize {
        2
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
    ) -> manabi::Result<()> {
        x.fill(0.5);
        x[[0, 3]] = f64::NAN;
        t.fill(1.0 / 3.0);
        Ok(())
    }
}

#[test]
fn divergence_is_reported_where_it_arises() {
    let data = Samples::new(array![[1e3], [-1e3]], array![[1.0], [2.0]]).unwrap();
    let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(1));
    let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    let error =
        Trainer::new().batch_size(1).epochs(99).optimizer(Sgd::new(10.0)).fit(&mut model, &data).unwrap_err();
    assert!(error.to_string().starts_with("epoch "), "{error}");
    assert!(error.to_string().contains("expected a finite loss"), "{error}");
}

#[test]
fn samples_are_checked_at_the_door() {
    let message = |result: manabi::Result<Samples<f64>>| result.unwrap_err().to_string();
    let x = || Array2::<f64>::zeros((3, 2));
    assert_eq!(
        message(Samples::labeled(x(), &[0_u8, 1, 2], 2)),
        "labels: expected a class below 2 at row 2, got 2"
    );
    assert_eq!(message(Samples::labeled(x(), &[0_u8, 1], 2)), "t: expected shape (3, 1 or more), got [2, 2]");
    assert!(message(Samples::labeled(x(), &[0_u8; 0], 2)).starts_with("t: expected shape"));
    assert!(
        message(Samples::new(Array2::zeros((0, 2)), Array2::zeros((0, 2)))).starts_with("x: expected shape")
    );
    let mut nan = x();
    nan[[1, 1]] = f64::NAN;
    assert_eq!(message(Samples::new(nan, x())), "x: expected a finite value at row 1, column 1, got NaN");
}

#[test]
fn images_stay_bytes_and_are_normalised_in_single_precision() {
    let pixels = Array3::from_shape_fn((2, 16, 16), |(i, r, c)| if i == 0 { (16 * r + c) as u8 } else { 7 });
    let images = Images::new(pixels, vec![1, 0], 2).unwrap();
    let images = images.clone().normalize(&Normalizer::min_max(images.pixels()).unwrap()).unwrap();
    let (mut x, mut t) = (Array2::<f64>::zeros((2, 256)), Array2::zeros((2, 2)));
    images.gather(&[1, 0], x.view_mut(), t.view_mut()).unwrap();
    assert!((0..256).all(|i| x[[1, i]] == f64::from(i as f32 / 255.0)));
    assert_eq!(t, array![[1.0, 0.0], [0.0, 1.0]]);
    // The values are divided by the scale, not multiplied by its inverse, which may round differently.
    for scale in 1..=300 {
        let scaled =
            images.clone().normalize(&Normalizer::min_max(array![[0, scale]].view()).unwrap()).unwrap();
        scaled.gather(&[1, 0], x.view_mut(), t.view_mut()).unwrap();
        assert!((0..256).all(|i| x[[1, i]] == f64::from(i as f32 / scale as f32)), "{scale}");
    }
    // A spread so small that the normalised bytes overflow.
    let narrow = Normalizer::min_max(array![[0.0, 1.2e-38]].view()).unwrap();
    let message = images.normalize(&narrow).unwrap_err().to_string();
    assert_eq!(message, "normalised pixel 0: expected a finite value, got infinity");
    let message = |pixels: Array3<u8>, labels| Images::new(pixels, labels, 2).unwrap_err().to_string();
    assert!(message(Array3::zeros((2, 1, 1)), vec![0, 2]).contains("at row 1, got 2"));
    assert!(message(Array3::zeros((2, 1, 1)), vec![0]).contains("labels: expected shape [2]"));
    assert!(message(Array3::zeros((0, 1, 1)), vec![]).contains("pixels: expected shape"));
}

#[test]
fn normalizers_are_fitted_once_and_applied_to_any_set() {
    let train = array![[1.0, 10.0, 3.0], [2.0, 30.0, 3.0], [3.0, 20.0, 3.0]];
    let apply = |normalizer: Normalizer, mut x: Array2<f64>| {
        normalizer.apply(x.view_mut()).unwrap();
        x
    };
    let test = array![[2.0, 0.0, 4.0]];
    assert_eq!(
        apply(Normalizer::min_max(train.view()).unwrap(), test.clone()),
        array![[1.0 / 29.0, -1.0 / 29.0, 3.0 / 29.0]]
    );
    // A column of equal values is shifted, not scaled.
    assert_eq!(
        apply(Normalizer::min_max_per_feature(train.view()).unwrap(), test.clone()),
        array![[0.5, -0.5, 1.0]]
    );
    let z = apply(Normalizer::z_score_per_feature(train.view()).unwrap(), train.clone());
    approx::assert_relative_eq!(z.column(0).sum(), 0.0, epsilon = 1e-14);
    approx::assert_relative_eq!(z.column(1).mapv(|v| v * v).sum() / 3.0, 1.0, max_relative = 1e-14);
    let z = apply(Normalizer::z_score(train.view()).unwrap(), train.clone());
    approx::assert_relative_eq!(z.mapv(|v| v * v).sum() / 9.0, 1.0, max_relative = 1e-14);
    let normalizer = Normalizer::min_max_per_feature(train.view()).unwrap();
    assert!(normalizer.apply(array![[1.0, 2.0]].view_mut()).unwrap_err().to_string().contains("[3]"));
    assert!(Normalizer::min_max(Array2::<f64>::zeros((0, 3)).view()).is_err());
    // A spread so small that a later value overflows.
    let narrow = Normalizer::min_max(array![[0.0, 1e-300]].view()).unwrap();
    let mut x = array![[0.0, 1e308]];
    let message = narrow.apply(x.view_mut()).unwrap_err().to_string();
    assert_eq!(message, "normalised x, row 0: expected finite values, got inf");
    for scale in [1e-40, 1e-50] {
        let lost = Normalizer::min_max(array![[0.0, scale]].view()).unwrap();
        let message = lost.apply(array![[0.0_f32]].view_mut()).unwrap_err().to_string();
        assert!(
            message.starts_with("scale: expected a number within the range of the floating-point type"),
            "{message}"
        );
    }
    assert_eq!(x, array![[0.0, 1e308]]);
    assert!(Normalizer::z_score(array![[f64::NAN]].view()).is_err());
}

#[test]
fn a_last_step_into_infinity_is_an_error() {
    let data = Samples::new(array![[1e20_f32]], array![[1.0]]).unwrap();
    let builder = Sequential::<f32>::builder(1).add_layer("affine1", Affine::new(1));
    let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    model.parameter_values_mut().fill(1e-12);
    let trainer = Trainer::new().batch_size(1).epochs(1).optimizer(Sgd::new(1e30)).fit(&mut model, &data);
    let message = trainer.unwrap_err().to_string();
    assert!(
        message.starts_with("epoch 1, after the step of batch 1: affine1.weight: expected a finite value"),
        "{message}"
    );
}

/// The square of the gradient is infinite in `f32`, so no further step would change the weight.
#[test]
fn an_optimizer_that_remembers_infinity_is_an_error() {
    let data = Samples::new(array![[1e11_f32], [0.1]], array![[2e11], [0.2]]).unwrap();
    let builder = Sequential::<f32>::builder(1).add_layer("affine1", Affine::new(1));
    let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    let trainer = Trainer::new().batch_size(1).epochs(3).optimizer(Adam::new(0.01)).fit(&mut model, &data);
    assert_eq!(
        trainer.unwrap_err().to_string(),
        "after epoch 1: slot v of affine1.weight: expected a finite value at row 0, column 0, got inf"
    );
}

#[test]
fn a_data_set_that_fails_ends_the_run_with_its_error() {
    #[derive(Debug)]
    struct Failing;
    impl Dataset<f64> for Failing {
        fn len(&self) -> usize {
            2
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
            _: ArrayViewMut2<'_, f64>,
            _: ArrayViewMut2<'_, f64>,
        ) -> manabi::Result<()> {
            Err(manabi::Error::setting("disk", "free space", "none"))
        }
    }
    let error = Trainer::new().batch_size(1).fit(&mut network(), &Failing).unwrap_err();
    assert_eq!(error.to_string(), "before training, rows starting at 0: disk: expected free space, got none");
}

#[test]
fn a_continued_fit_goes_on_with_the_orders() {
    let data = blobs(20);
    let (mut whole, mut parts) = (network::<f64>(), network::<f64>());
    Trainer::new().batch_size(5).epochs(4).fit(&mut whole, &data).unwrap();
    let mut trainer = Trainer::new().batch_size(5).epochs(2).continue_run(true);
    trainer.fit(&mut parts, &data).unwrap();
    trainer.fit(&mut parts, &data).unwrap();
    assert_eq!(whole.parameter_values(), parts.parameter_values());
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    fn run<A: Scalar>(threads: usize) -> (Vec<A>, f64) {
        let mnist = manabi::Mnist::synthetic(700, 600, 4).unwrap();
        let mut model = Sequential::<A>::builder(784)
            .add_layer("affine1", Affine::new(130))
            .add_layer("swish1", Activation::new(Swish::default()))
            .add_layer("affine2", Affine::new(10))
            .set_output(Softmax)
            .set_error(CrossEntropy)
            .build()
            .unwrap();
        let trainer = Trainer::new().batch_size(90).epochs(2).test(&mnist.test).threads(threads);
        let history = { trainer }.optimizer(Sgd::new(1e-4)).fit(&mut model, &mnist.train).unwrap();
        (model.parameter_values().to_vec(), history.epochs[2].test.unwrap().loss)
    }
    let (single, double) = (run::<f32>(1), run::<f64>(1));
    for threads in [2, 3, 5] {
        assert_eq!(run::<f32>(threads), single);
        assert_eq!(run::<f64>(threads), double);
    }
}

#[test]
fn only_whole_batches_are_taken_with_drop_last() {
    struct Rows(Vec<usize>);
    impl Observer<f64> for Rows {
        fn on_batch(&mut self, progress: BatchProgress) -> std::ops::ControlFlow<()> {
            self.0.push(progress.batches);
            Continue(())
        }
    }
    for (samples, size, batches) in [(7, 2, 3), (11, 3, 3), (8, 4, 2), (3, 5, 1)] {
        let x = Array2::from_shape_fn((samples, 1), |(row, _)| row as f64 / 10.0);
        let data = Samples::new(x.clone(), x).unwrap();
        let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(1));
        let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
        let mut rows = Rows(Vec::new());
        let trainer = Trainer::new().batch_size(size).epochs(1).drop_last(true);
        let history = trainer.observe(&mut rows).fit(&mut model, &data).unwrap();
        assert_eq!(rows.0, vec![batches; batches], "{samples} by {size}");
        assert!(history.elapsed > std::time::Duration::ZERO);
    }
}
