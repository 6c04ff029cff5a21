//! Runs resumed from a checkpoint end with the same bits, and incompatible runs are rejected.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use manabi::activation::{Identity, PRelu};
use manabi::init::Initializer;
use manabi::layer::{TensorSpec, TrainableActivation};
use manabi::loss::MeanSquaredError;
use manabi::optim::{Adam, Clip, CosineDecay, Momentum, Optimizer, RAdam, ReduceOnPlateau};
use manabi::random::{FromRng, Random, RandomState};
use manabi::settings::Settings;
use manabi::train::{Checkpoints, EarlyStopping, Termination};
use manabi::{
    ActFn, Activation, Affine, CrossEntropy, Error, Layer, Mish, Real, Result, Samples, Scalar, Sequential,
    Sgd, Shape, Softmax, Swish, Trainer,
};
use rand::SeedableRng;

fn data<A: Scalar>(rows: usize) -> Samples<A> {
    let x = RandomState::new(3).normal((rows, 4), 0.0, 1.0).mapv(A::of);
    let labels: Vec<usize> = x.rows().into_iter().map(|row| usize::from(row[0] * row[1] > row[2])).collect();
    Samples::labeled(x, &labels, 2).unwrap()
}

/// y = x + noise in training, with a buffer that tracks the mean of the noise: a checkpoint must restore both, as for dropout
/// and normalisation.
#[derive(Debug)]
struct Noisy;

impl<A: Scalar> Layer<A> for Noisy {
    fn kind(&self) -> &str {
        "noisy"
    }
    fn settings(&self) -> Option<Settings> {
        Some(Settings::new())
    }
    fn output_shape(&self, input: Shape) -> Result<Shape> {
        Ok(input)
    }
    fn buffers(&self, _: Shape) -> Vec<TensorSpec> {
        vec![TensorSpec::new("mean", &[1], Initializer::ZEROS)]
    }
    fn forward(&self, pass: manabi::layer::Forward<'_, A>) {
        let manabi::layer::Forward { x, mut y, training, buffers, .. } = pass;
        y.assign(&x);
        let Some(training) = training else { return y.mapv_inplace(|y| y + buffers[0]) };
        let noise = training.noise;
        for ((row, column), y) in y.indexed_iter_mut() {
            *y += A::of(f64::from(noise.bits(row, column)) / 2_f64.powi(33));
        }
        let mean = y.mean().unwrap();
        training.buffers[0] = A::of(0.9) * buffers[0] + A::of(0.1) * mean;
    }
    fn backward(&self, pass: manabi::layer::Backward<'_, A>) {
        if let Some(mut dx) = pass.dx {
            dx.assign(&pass.dy);
        }
    }
}

fn model<A: Scalar>() -> Sequential<A> {
    Sequential::builder(4)
        .add_layer("affine1", Affine::new(6))
        .add_layer("noisy1", Noisy)
        .add_layer("swish1", TrainableActivation::new(Swish::default()).per_unit(true))
        .add_layer("affine2", Affine::new(2))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .build()
        .unwrap()
}

fn bits<A: Scalar>(model: &Sequential<A>) -> Vec<u64> {
    model
        .parameter_values()
        .iter()
        .chain(model.buffer_values())
        .map(|value| value.widen().to_bits())
        .collect()
}

fn trainer<'a, A: Scalar>(epochs: usize, rule: impl Optimizer<A> + 'static) -> Trainer<'a, A> {
    Trainer::new().epochs(epochs).batch_size(7).optimizer(rule).clip(Clip::Norm(0.5)).threads(1)
}

/// Interrupted runs end with the same weights, buffers and history as an uninterrupted run.
fn goes_on<'a, A: Scalar>(trainer: impl Fn(usize) -> Trainer<'a, A>) {
    let (train, folder) = (data::<A>(50), tempfile::tempdir().unwrap());
    let mut straight = model();
    let expected = trainer(9).fit(&mut straight, &train).unwrap();
    let mut history = None;
    for epochs in [1, 2, 5, 5, 9] {
        // Each part of the run uses a new model, as a new process would.
        let mut resumed = model();
        let checkpoints = Checkpoints::new(folder.path()).resume(true);
        history = Some(trainer(epochs).checkpoints(checkpoints).fit(&mut resumed, &train).unwrap());
        if epochs == 9 {
            assert_eq!(bits(&resumed), bits(&straight));
        }
    }
    let metrics = |history: &manabi::train::History| -> Vec<_> {
        history.epochs.iter().map(|epoch| (epoch.number, epoch.train, epoch.test)).collect()
    };
    let history = history.unwrap();
    assert_eq!(metrics(&history), metrics(&expected));
    assert!(history.epochs.windows(2).all(|pair| pair[0].elapsed <= pair[1].elapsed));
}

#[test]
fn a_run_in_several_sittings_has_the_bits_of_one() {
    goes_on(|epochs| trainer::<f32>(epochs, Adam::new(0.01)).seed(5));
    goes_on(|epochs| trainer::<f64>(epochs, RAdam::new(0.01)).schedule(CosineDecay::new(80)));
    goes_on(|epochs| {
        trainer::<f64>(epochs, Momentum::new(0.1)).random(&mut *Box::leak(Box::new(RandomState::new(9))))
    });
    let orders = |epoch: usize, samples: usize| (0..samples).map(|i| (i * epoch) % samples).collect();
    goes_on(|epochs| trainer::<f64>(epochs, Adam::new(0.01)).order(orders));
    let reduce = ReduceOnPlateau::new().patience(0).threshold(0.2).factor(0.5);
    let test = data::<f32>(20);
    goes_on(|epochs| trainer(epochs, Adam::new(0.05)).reduce_on_plateau(reduce.clone()).test(&test));
}

#[test]
fn the_state_of_a_stream_comes_back() {
    let mut random = RandomState::new(10);
    for draws in [0, 1, 7, 300, 311, 312, 5] {
        for _ in 0..draws {
            random.standard_normal();
        }
        let state = random.state().unwrap();
        let mut again = RandomState::new(0);
        again.set_state(&state).unwrap();
        let mut copy = random.clone();
        let numbers = |random: &mut RandomState| -> Vec<u64> {
            (0..1000).map(|_| random.standard_normal().to_bits()).collect()
        };
        assert_eq!(numbers(&mut copy), numbers(&mut again));
        assert_eq!(copy.permutation(1000), again.permutation(1000));
    }
    for wrong in [&random.state().unwrap()[1..], &[0; 10], &[700; 628]] {
        let before = random.state();
        assert!(random.set_state(wrong).is_err());
        assert_eq!(random.state(), before);
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn the_last_and_the_best_are_kept() {
    let (train, folder) = (data::<f64>(50), tempfile::tempdir().unwrap());
    let test = data::<f64>(20);
    let mut best = (f64::INFINITY, Vec::new());
    let mut model = model();
    // The learning rate is so high that the last epoch is not the best.
    let history = trainer(12, Momentum::new(2.0))
        .test(&test)
        .checkpoints(Checkpoints::new(folder.path().join("new").join("er")).keep_last(3).keep_best(true))
        .fit(&mut model, &train)
        .unwrap();
    let losses: Vec<f64> = history.epochs[1..].iter().map(|epoch| epoch.test.unwrap().loss).collect();
    for (i, &loss) in losses.iter().enumerate() {
        if loss < best.0 {
            best = (loss, vec![i + 1]);
        }
    }
    assert!(best.1[0] < 12, "{losses:?}");
    let folder = folder.path().join("new").join("er");
    let expected = [
        "best.safetensors",
        "epoch-00010.safetensors",
        "epoch-00011.safetensors",
        "epoch-00012.safetensors",
        "history.jsonl",
    ];
    assert_eq!(names(&folder), expected);
    let registry = manabi::persistence::Registry::new().layer("noisy", |_| Ok(Noisy));
    let loaded = Sequential::<f64>::load_with_registry(folder.join("best.safetensors"), &registry).unwrap();
    assert_eq!(loaded.evaluate(&test).unwrap().loss, best.0);
    // A checkpoint can also be loaded as a model.
    let loaded =
        Sequential::<f64>::load_with_registry(folder.join("epoch-00012.safetensors"), &registry).unwrap();
    assert_eq!(bits(&loaded), bits(&model));
}

/// The untrained model never counts as the best epoch.
#[test]
fn of_a_run_that_only_gets_worse_the_first_epoch_is_the_best() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(folder.path()).keep_last(9).keep_best(true);
    let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(1));
    let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    let data = Samples::new(ndarray::array![[1.0]], ndarray::array![[1.0]]).unwrap();
    let trainer = Trainer::new().batch_size(1).epochs(4).optimizer(Sgd::new(3.0)).test(&data);
    let history = { trainer }.checkpoints(checkpoints).fit(&mut model, &data).unwrap();
    assert!(history.epochs.windows(2).all(|pair| pair[0].test.unwrap().loss < pair[1].test.unwrap().loss));
    let [best, first] = ["best.safetensors", "epoch-00001.safetensors"]
        .map(|name| Sequential::<f64>::load(folder.path().join(name)).unwrap());
    assert_eq!(bits(&best), bits(&first));
}

#[test]
fn of_equal_epochs_the_first_stays_the_best() {
    let folder = tempfile::tempdir().unwrap();
    // A model without error stays as it is: all epochs have the loss 0.
    let data = Samples::new(ndarray::Array2::<f64>::ones((4, 2)), ndarray::Array2::zeros((4, 1))).unwrap();
    let affine = Affine::new(1).weight_initializer(Initializer::ZEROS);
    let builder = Sequential::builder(2).add_layer("affine1", affine);
    let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    let best = folder.path().join("best.safetensors");
    let removed = AtomicUsize::new(0);
    trainer(3, Momentum::new(0.1))
        .batch_size(2)
        .checkpoints(Checkpoints::new(folder.path()).keep_best(true))
        .on_epoch(|epoch| {
            if epoch.number == 2 {
                fs::remove_file(&best).unwrap();
                removed.fetch_add(1, Ordering::Relaxed);
            }
            std::ops::ControlFlow::Continue(())
        })
        .fit(&mut model, &data)
        .unwrap();
    assert!(removed.into_inner() == 1 && !best.exists());
}

/// Samples that cannot be read after the first evaluation and epoch.
#[derive(Debug)]
struct Failing(Samples<f64>, AtomicUsize);

impl manabi::data::Dataset<f64> for Failing {
    fn len(&self) -> usize {
        self.0.len()
    }
    fn input_dim(&self) -> usize {
        self.0.input_dim()
    }
    fn target_dim(&self) -> usize {
        self.0.target_dim()
    }
    fn gather(
        &self,
        rows: &[usize],
        x: ndarray::ArrayViewMut2<'_, f64>,
        t: ndarray::ArrayViewMut2<'_, f64>,
    ) -> Result<()> {
        let read = self.1.fetch_add(rows.len(), Ordering::Relaxed);
        match read < 2 * self.len() {
            true => self.0.gather(rows, x, t),
            false => Err(Error::setting("disk", "one that can be read", "another")),
        }
    }
}

#[test]
fn only_a_value_that_is_not_finite_advises_to_resume() {
    let run = |data: &dyn manabi::data::Dataset<f64>, second_epoch: f64| {
        let folder = tempfile::tempdir().unwrap();
        let rate = move |base: f64, steps: u64| if steps < 5 { base } else { second_epoch };
        let trainer = Trainer::new().batch_size(10).epochs(3).optimizer(Sgd::new(0.1)).schedule(rate);
        let trained = trainer.checkpoints(Checkpoints::new(folder.path())).fit(&mut model(), data);
        assert_eq!(names(folder.path()), ["epoch-00001.safetensors", "history.jsonl"]);
        trained.unwrap_err().to_string()
    };
    let error = run(&Failing(data(50), 0.into()), 0.1);
    assert!(error.ends_with("disk: expected one that can be read, got another"), "{error}");
    assert!(!error.contains("resume"), "{error}");
    let error = run(&data::<f64>(50), 1e300);
    assert!(error.contains("the run can resume from the last good epoch in "), "{error}");
}

#[test]
fn what_a_killed_process_left_is_cleared() {
    let (train, folder) = (data::<f32>(50), tempfile::tempdir().unwrap());
    let own = [
        "epoch-00003.safetensors.1-0.unfinished",
        "best.safetensors.27-3.unfinished",
        "history.jsonl.27-4.unfinished",
    ];
    let others = [
        "best.safetensors.notes.unfinished",
        "epoch-notes.unfinished",
        "epoch-x.safetensors",
        "notes.unfinished",
    ];
    for name in own.iter().chain(&others) {
        fs::write(folder.path().join(name), "half").unwrap();
    }
    fs::create_dir(folder.path().join("epoch-folder.unfinished")).unwrap();
    let checkpoints = Checkpoints::new(folder.path()).keep_last(1);
    trainer(2, Adam::new(0.01)).checkpoints(checkpoints).fit(&mut model::<f32>(), &train).unwrap();
    let mut left =
        [&["epoch-00002.safetensors", "epoch-folder.unfinished", "history.jsonl"], &others[..]].concat();
    left.sort_unstable();
    assert_eq!(names(folder.path()), left);
}

#[test]
fn what_cannot_be_saved_is_told_before_the_first_step() {
    #[derive(Clone, Debug)]
    struct Endless;
    impl ActFn for Endless {
        const KIND: &'static str = "endless";
        fn f<A: Real>(&self, u: A) -> A {
            u
        }
        fn df<A: Real>(&self, _u: A, _z: A) -> A {
            A::one()
        }
        fn settings(&self) -> Option<Settings> {
            Some(Settings::new().with("limit", f64::INFINITY))
        }
    }
    let model = Sequential::<f32>::builder(4)
        .add_layer("affine1", Affine::new(2))
        .add_layer("endless1", Activation::new(Endless))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let trainer = trainer(2, Adam::new(0.01)).checkpoints(Checkpoints::new(folder.path()));
    let error = refused(folder.path(), trainer, model, 50);
    assert_eq!(error, "layer 'endless1': limit: expected a finite number, got inf");
}

/// A run whose order is a function of the epoch can only be resumed with such a function.
#[test]
fn an_order_of_ones_own_is_no_stream() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let drawn = |epochs| trainer(epochs, Adam::new(0.01)).checkpoints(Checkpoints::new(folder).resume(true));
    let ordered = |epochs| drawn(epochs).order(|_, n| (0..n).collect());
    ordered(2).fit(&mut model::<f32>(), &data(50)).unwrap();
    let error = refused(folder, drawn(3), model::<f32>(), 50);
    let expected = "order: expected a function of the epoch, as in the checkpoint, got a stream";
    assert_eq!(error, format!("…/epoch-00002.safetensors: incompatible content: {expected}"));
    ordered(3).fit(&mut model::<f32>(), &data(50)).unwrap();
}

/// Returns the error of a run resumed from `folder`, and checks that the model is unchanged.
fn refused<A: Scalar>(
    folder: &Path,
    mut trainer: Trainer<'_, A>,
    mut model: Sequential<A>,
    rows: usize,
) -> String {
    let before = bits(&model);
    let files: Vec<_> = names(folder).iter().map(|name| fs::read(folder.join(name)).unwrap()).collect();
    let error = trainer.fit(&mut model, &data(rows)).unwrap_err().to_string();
    assert_eq!(bits(&model), before);
    assert_eq!(
        names(folder).iter().map(|name| fs::read(folder.join(name)).unwrap()).collect::<Vec<_>>(),
        files
    );
    error.replace(&folder.display().to_string(), "…")
}

#[test]
fn a_checkpoint_of_another_run_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let resume = || Checkpoints::new(folder).resume(true);
    let adam = || trainer(3, Adam::new(0.01)).checkpoints(resume());
    adam().fit(&mut model::<f32>(), &data(50)).unwrap();
    let start = "…/epoch-00003.safetensors: incompatible content: ";

    let error = refused(folder, trainer(4, Adam::new(0.02)).checkpoints(resume()), model::<f32>(), 50);
    assert!(error.starts_with(&format!("{start}optimizer: expected Adam {{ learning_rate: 0.02")), "{error}");
    let error = refused(folder, trainer(4, Momentum::new(0.1)).checkpoints(resume()), model::<f32>(), 50);
    assert!(error.starts_with(&format!("{start}optimizer: expected Momentum")), "{error}");
    let error = refused(folder, adam().batch_size(8).noise_seed(9), model::<f32>(), 50);
    let end = "; use another folder for another run";
    assert_eq!(error, format!("{start}batch_size: expected 8, got 7; noise_seed: expected 9, got 1{end}"));
    let error = refused(folder, adam(), model::<f32>(), 51);
    assert_eq!(error, format!("{start}samples of the training set: expected 51, got 50{end}"));
    let test = data(20);
    let error = refused(folder, adam().test(&test), model::<f32>(), 50);
    assert_eq!(error, format!("{start}samples of the test set: expected 20, got none{end}"));
    let error = refused(folder, adam().schedule(CosineDecay::new(30)), model::<f32>(), 50);
    assert!(error.starts_with(&format!("{start}learning rate after 24 steps: expected 0.00")), "{error}");
    assert!(error.ends_with("got 0.01"), "{error}");
    let double = trainer(4, Adam::new(0.01)).checkpoints(resume());
    let error = refused(folder, double, model::<f64>(), 50);
    assert!(error.contains("precision: expected f64, got f32"), "{error}");
    let other = Sequential::<f32>::builder(4)
        .add_layer("affine1", Affine::new(6))
        .add_layer("prelu1", TrainableActivation::new(PRelu::default()))
        .add_layer("mish1", Activation::new(Mish))
        .add_layer("affine2", Affine::new(2))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .build()
        .unwrap();
    let error = refused(folder, adam(), other, 50);
    let layer = "layer 2 of the model: expected {\"name\":\"prelu1\",\"kind\":\"prelu\",";
    assert!(error.starts_with(&format!("{start}{layer}")) && error.ends_with(end), "{error}");
    let error = refused(
        folder,
        trainer(4, Adam::new(0.01)).checkpoints(Checkpoints::new(folder)),
        model::<f32>(),
        50,
    );
    let expected = "checkpoints: expected none in the folder (call resume(true) to continue from them), got …/epoch-00003.safetensors";
    assert_eq!(error, expected);
    let error = refused(folder, adam().checkpoints(resume().keep_last(0)), model::<f32>(), 50);
    assert_eq!(error, "keep_last: expected at least 1, got 0");
    let error = refused(folder, adam().order(|_, n| (0..n).collect()), model::<f32>(), 50);
    let expected = "order: expected a stream, as in the checkpoint, got a function of the epoch";
    assert_eq!(error, format!("{start}{expected}"));
    let rng = FromRng(rand::rngs::SmallRng::seed_from_u64(1));
    let error = refused(folder, adam().random(rng), model::<f32>(), 50);
    let expected = "random with checkpoints: expected a stream whose state can be saved, such as RandomState, got another stream";
    assert_eq!(error, expected);
}

#[test]
fn notes_do_not_decide_whether_a_run_resumes() {
    let folder = tempfile::tempdir().unwrap();
    let run = |epochs, note: &str| {
        let mut model = model::<f32>();
        model.set_note("date", note);
        let checkpoints = Checkpoints::new(folder.path()).resume(true);
        trainer(epochs, Adam::new(0.01)).checkpoints(checkpoints).fit(&mut model, &data(50)).unwrap();
        model
    };
    run(2, "Monday");
    let resumed = run(3, "Tuesday");
    let mut straight = model::<f32>();
    trainer(3, Adam::new(0.01)).fit(&mut straight, &data(50)).unwrap();
    assert_eq!(bits(&resumed), bits(&straight));
    assert_eq!(resumed.note("date"), Some("Tuesday"));
}

#[test]
fn a_broken_checkpoint_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let adam = || trainer(2, Adam::new(0.01)).checkpoints(Checkpoints::new(folder).resume(true));
    adam().fit(&mut model::<f32>(), &data(50)).unwrap();
    let path = folder.join("epoch-00002.safetensors");
    let whole = fs::read(&path).unwrap();
    for length in (0..whole.len()).step_by(64) {
        fs::write(&path, &whole[..length]).unwrap();
        let error = refused(folder, adam(), model::<f32>(), 50);
        assert!(error.starts_with("…/epoch-00002.safetensors: at byte "), "{error}");
    }
    // A model's file is not a checkpoint, and neither is a file with a missing slot.
    model::<f32>().save(&path).unwrap();
    let error = refused(folder, adam(), model::<f32>(), 50);
    assert_eq!(error, "…/epoch-00002.safetensors: incompatible content: expected a checkpoint, got a model");
    let text = whole.iter().map(|&byte| byte as char).collect::<String>().replacen("slot1", "slot2", 1);
    fs::write(&path, text.chars().map(|c| c as u8).collect::<Vec<u8>>()).unwrap();
    let error = refused(folder, adam(), model::<f32>(), 50);
    assert_eq!(error, "…/epoch-00002.safetensors: incompatible content: slots: expected 2 for adam, got 1");
    fs::write(&path, &whole).unwrap();
    let later = folder.join("epoch-00009.safetensors");
    fs::write(&later, whole).unwrap();
    let error = refused(folder, adam(), model::<f32>(), 50);
    let expected =
        "incompatible content: file name: expected epoch-00002.safetensors, according to its content";
    assert_eq!(error, format!("…/epoch-00009.safetensors: {expected}"));
    fs::remove_file(later).unwrap();
    adam().epochs(3).fit(&mut model::<f32>(), &data(50)).unwrap();
}

/// The size of a checkpoint does not grow with the number of epochs.
#[test]
fn checkpoints_of_a_long_run_are_as_small_as_of_a_short_one() {
    let (train, folder) = (data::<f32>(7), tempfile::tempdir().unwrap());
    let run = |epochs, checkpoints| trainer(epochs, Sgd::new(0.01)).test(&train).checkpoints(checkpoints);
    let checkpoints = || Checkpoints::new(folder.path()).keep_last(1000);
    let expected = run(200, checkpoints()).fit(&mut model::<f32>(), &train).unwrap();
    let size = |name: &str| folder.path().join(name).metadata().unwrap().len();
    let (early, late) = (size("epoch-00002.safetensors"), size("epoch-00200.safetensors"));
    assert!(late < early + 200, "{early} {late}");
    let all = size("history.jsonl");
    assert!(all < 201 * 300, "{all}");
    let history = run(200, checkpoints().resume(true)).fit(&mut model::<f32>(), &train).unwrap();
    assert_eq!(history.epochs, expected.epochs);
}

#[test]
fn the_history_is_that_of_the_checkpoint() {
    let (train, folder) = (data::<f64>(50), tempfile::tempdir().unwrap());
    let at = |name: &str| folder.path().join(name);
    let run = |epochs| {
        let checkpoints = Checkpoints::new(folder.path()).keep_last(9).resume(true);
        trainer(epochs, Adam::new(0.01)).checkpoints(checkpoints)
    };
    let lines = || fs::read_to_string(at("history.jsonl")).unwrap().lines().count();
    let mut straight = model();
    trainer(6, Adam::new(0.01)).fit(&mut straight, &train).unwrap();
    run(4).fit(&mut model(), &train).unwrap();
    let whole = fs::read(at("history.jsonl")).unwrap();
    assert_eq!(lines(), 5);

    let error = |start: &str| {
        let error = refused(folder.path(), run(5), model(), 50);
        assert!(error.starts_with(&format!("…/history.jsonl: {start}")), "{error}");
    };
    fs::remove_file(at("history.jsonl")).unwrap();
    error("No such file");
    fs::write(at("history.jsonl"), &whole[..whole.len() / 2]).unwrap();
    error("incompatible content: row 2 of the history: EOF");
    fs::write(at("history.jsonl"), whole.split_inclusive(|&byte| byte == b'\n').next().unwrap()).unwrap();
    error("incompatible content: rows of the history: expected 5, got 1");
    fs::write(at("history.jsonl"), String::from_utf8_lossy(&whole).replace("seconds\":", "seconds\":1"))
        .unwrap();
    error(
        "incompatible content: last row of the history: expected the last row of the checkpoint, got a row of a different run",
    );

    // A killed process may leave rows or part of a row after the last checkpoint, and a user may return to an earlier checkpoint.
    for rest in ["", "{\"train\":{\"lo", "\0\0\0\0", "not JSON\n{}\n"] {
        fs::write(at("history.jsonl"), [&whole[..], rest.as_bytes()].concat()).unwrap();
        let mut resumed = model();
        let history = run(6).fit(&mut resumed, &train).unwrap();
        assert_eq!((bits(&resumed), history.epochs.len(), lines()), (bits(&straight), 7, 7));
        for name in ["epoch-00005.safetensors", "epoch-00006.safetensors"] {
            fs::remove_file(at(name)).unwrap();
        }
    }
    // A history deleted during the run is written again.
    let history = at("history.jsonl");
    let mut losing = run(6).on_epoch(|epoch| {
        if epoch.number == 5 {
            fs::remove_file(&history).unwrap();
        }
        std::ops::ControlFlow::Continue(())
    });
    losing.fit(&mut model(), &train).unwrap();
    assert_eq!(lines(), 7);
    // A history without a checkpoint is ignored.
    for number in 1..=6 {
        fs::remove_file(at(&format!("epoch-{number:05}.safetensors"))).unwrap();
    }
    run(2).fit(&mut model(), &train).unwrap();
    assert_eq!(lines(), 3);
}

#[test]
fn no_changed_byte_makes_it_panic() {
    let folder = tempfile::tempdir().unwrap();
    let adam = |epochs| {
        let stopping = EarlyStopping::new(9);
        let trainer = trainer(epochs, Adam::new(0.01)).reduce_on_plateau(ReduceOnPlateau::new());
        trainer.early_stopping(stopping).checkpoints(Checkpoints::new(folder.path()).resume(true))
    };
    let train = data::<f64>(21);
    adam(1).fit(&mut model(), &train).unwrap();
    let path = folder.path().join("epoch-00001.safetensors");
    let whole = fs::read(&path).unwrap();
    let mut taken = 0;
    for (place, change) in (0..whole.len()).step_by(23).zip([1_u8, 0x10, 0x80, 0xff].into_iter().cycle()) {
        let mut changed = whole.clone();
        changed[place] ^= change;
        fs::write(&path, &changed).unwrap();
        let mut untouched = model();
        match adam(2).fit(&mut untouched, &train) {
            Ok(_) => taken += 1,
            Err(Error::Mismatch { .. } | Error::Format { .. }) => {
                assert_eq!(bits(&untouched), bits(&model::<f64>()))
            }
            // Values so large that the next steps overflow.
            Err(_) => {}
        }
        let _ = fs::remove_file(folder.path().join("epoch-00002.safetensors"));
    }
    // A change of one or two ulp results in a different checkpoint, not a corrupt one.
    assert!(taken > 0 && taken < whole.len() / 23, "{taken}");
}

#[test]
fn a_schedule_may_end_with_the_run() {
    // With 8 steps per epoch, the schedule has no valid rate from step 16.
    let ends = |base: f64, step: u64| if step < 16 { base } else { -1.0 };
    let (train, folder) = (data::<f64>(50), tempfile::tempdir().unwrap());
    let run = |epochs| trainer(epochs, Adam::new(0.01)).schedule(ends);
    let (mut straight, mut resumed) = (model(), model());
    run(2).fit(&mut straight, &train).unwrap();
    for epochs in [1, 2, 2] {
        resumed = model();
        let checkpoints = Checkpoints::new(folder.path()).resume(true);
        run(epochs).checkpoints(checkpoints).fit(&mut resumed, &train).unwrap();
    }
    assert_eq!(bits(&resumed), bits(&straight));
    let mut further = run(3).checkpoints(Checkpoints::new(folder.path()).resume(true));
    let error = further.fit(&mut model(), &train).unwrap_err().to_string();
    assert!(error.contains("rate of the schedule: expected"), "{error}");
}

#[test]
fn names_of_layers_and_files_cannot_be_confused_with_the_checkpoints_own() {
    let (train, folder) = (data::<f64>(50), tempfile::tempdir().unwrap());
    let model = || {
        let builder = Sequential::<f64>::builder(4).add_layer("checkpoint/random", Affine::new(2));
        builder.set_output(Softmax).set_error(CrossEntropy).build().unwrap()
    };
    fs::write(folder.path().join("epoch-7.safetensors"), "a user's own").unwrap();
    let run = |epochs| {
        trainer(epochs, Adam::new(0.01))
            .checkpoints(Checkpoints::new(folder.path()).keep_last(1).resume(true))
    };
    let (mut straight, mut resumed) = (model(), model());
    trainer(3, Adam::new(0.01)).fit(&mut straight, &train).unwrap();
    run(2).fit(&mut resumed, &train).unwrap();
    let mut resumed = model();
    run(3).fit(&mut resumed, &train).unwrap();
    assert_eq!(bits(&resumed), bits(&straight));
    let last = Checkpoints::new(folder.path()).last().unwrap().unwrap();
    assert_eq!(bits(&Sequential::<f64>::load(last).unwrap()), bits(&straight));
    assert!(folder.path().join("epoch-7.safetensors").exists());
}

#[test]
fn a_checkpoint_that_cannot_be_written_ends_the_run() {
    let (train, folder) = (data::<f32>(50), tempfile::tempdir().unwrap());
    let file = folder.path().join("file");
    fs::write(&file, "no folder").unwrap();
    let mut run = trainer(2, Adam::new(0.01)).checkpoints(Checkpoints::new(&file));
    assert!(matches!(run.fit(&mut model::<f32>(), &train), Err(Error::Io { path, .. }) if path == file));
}

#[test]
fn early_stopping_goes_on_waiting_where_it_was() {
    let (train, validation) = (data::<f64>(50), data::<f64>(20));
    let patient =
        |epochs, rule| trainer(epochs, Adam::new(0.05)).validation(&validation).early_stopping(rule);
    let [keeping, restoring] = [EarlyStopping::new(3).restore_best(false), EarlyStopping::new(3)];
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    for (rule, folder) in [keeping, restoring.clone()].into_iter().zip(&folders) {
        let mut straight = model();
        let expected = patient(200, rule.clone()).fit(&mut straight, &train).unwrap();
        assert_eq!(expected.termination, Termination::NoImprovement);
        let end = expected.epochs.len() - 1;
        // The run stops after the best epoch. The third call has nothing left to do.
        for epochs in [end - 1, 200, 200] {
            let mut resumed = model();
            let checkpoints = Checkpoints::new(folder.path()).resume(true);
            let history =
                patient(epochs, rule.clone()).checkpoints(checkpoints).fit(&mut resumed, &train).unwrap();
            if epochs == 200 {
                assert_eq!((history.termination, history.best), (expected.termination, expected.best));
                assert_eq!(history.epochs.len(), expected.epochs.len());
                assert_eq!(bits(&resumed), bits(&straight));
            }
        }
    }
    // Parameters that were not kept cannot be restored.
    let [kept_nothing, kept_another] = [
        (&folders[0], restoring, "got none"),
        (
            &folders[1],
            EarlyStopping::new(3).min_delta(1e9),
            "expected the parameters of epoch 0, got the parameters of",
        ),
    ];
    for (folder, rule, problem) in [kept_nothing, kept_another] {
        let mut sitting = patient(200, rule).checkpoints(Checkpoints::new(folder.path()).resume(true));
        let mut untouched = model();
        let message = sitting.fit(&mut untouched, &train).unwrap_err().to_string();
        assert!(message.contains("early stopping: ") && message.contains(problem), "{message}");
        assert_eq!(bits(&untouched), bits(&model::<f64>()));
    }
}
