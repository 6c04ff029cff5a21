//! Shards and processes: the same bits for any number of processes, and errors that end all of them.

mod channels;
mod sharded;

use std::ops::ControlFlow::{Break, Continue};

use approx::assert_relative_eq;
use channels::Channels;
use manabi::activation::Identity;
use manabi::data::{Augment, Dataset};
use manabi::layer::BatchNorm;
use manabi::loss::MeanSquaredError;
use manabi::optim::{Adam, Momentum, Optimizer, Step, Stepper};
use manabi::random::{Noise, Random, RandomState};
use manabi::train::{Checkpoints, EarlyStopping, History, Processes, Termination};
use manabi::{Affine, CrossEntropy, Error, Result, Samples, Scalar, Sequential, Sgd, Softmax, Trainer};
use ndarray::{ArrayViewMut2, array};
use sharded::{CLASSES, INPUTS, data, model};

/// Gives each sample another weight. Some shards weigh nothing at all.
fn weighted<A: Scalar>(data: Samples<A>) -> Samples<A> {
    let weights: Vec<f64> =
        (0..data.len()).map(|row| if row % 7 < 3 { 0.0 } else { 0.1 * (row % 11) as f64 }).collect();
    data.with_weights(weights).unwrap()
}

/// Everything that a run determines.
#[derive(Debug, PartialEq)]
struct Outcome<A> {
    params: Vec<A>,
    buffers: Vec<A>,
    losses: Vec<[Option<f64>; 3]>,
}

fn outcome<A: Scalar>(model: &Sequential<A>, history: &History) -> Outcome<A> {
    let row = |epoch: &manabi::train::Epoch| {
        let loss = |metrics: manabi::metrics::Metrics| metrics.loss;
        [Some(epoch.train.loss), epoch.validation.map(loss), epoch.test.and_then(|test| test.accuracy)]
    };
    Outcome {
        params: model.parameter_values().to_vec(),
        buffers: model.buffer_values().to_vec(),
        losses: history.epochs.iter().map(row).collect(),
    }
}

/// Trains for three epochs. The last batch is smaller than the others, except with batch normalisation.
fn train<A: Scalar>(kind: &str, adam: bool, threads: usize, processes: Option<&dyn Processes>) -> Outcome<A> {
    let (train, test) = (data(if kind == "norm" { 90 } else { 97 }), data(1203));
    let (train, test) = if kind == "weights" { (weighted(train), weighted(test)) } else { (train, test) };
    let trainer = Trainer::new().batch_size(30).epochs(3).shards(12).threads(threads);
    let trainer = if adam { trainer.optimizer(Adam::new(0.01)) } else { trainer.optimizer(Sgd::new(0.1)) };
    let mut trainer = trainer.validation(&test).test(&train).seed(5);
    if let Some(processes) = processes {
        trainer = trainer.processes(processes);
    }
    let mut model = model::<A>(kind);
    let history = trainer.fit(&mut model, &train).unwrap();
    outcome(&model, &history)
}

fn same_bits<A: Scalar>(kind: &str, adam: bool) {
    let alone = train::<A>(kind, adam, 1, None);
    assert_eq!(train::<A>(kind, adam, 2, None), alone, "{kind}, 2 threads");
    for size in [1, 2, 3, 4, 6, 12] {
        let threads = 1 + size % 2;
        for (rank, own) in
            channels::run(size, |own| train::<A>(kind, adam, threads, Some(own))).into_iter().enumerate()
        {
            assert_eq!(own, alone, "{kind}, process {rank} of {size}");
        }
    }
}

#[test]
fn any_number_of_processes_computes_the_same_bits() {
    for kind in ["plain", "weights", "dropout", "norm", "residual", "convolution"] {
        same_bits::<f32>(kind, true);
        same_bits::<f64>(kind, false);
    }
}

/// Trains for one step of plain gradient descent and returns the parameters.
fn one_step(model: &Sequential<f64>, data: &dyn Dataset<f64>, shards: usize) -> Vec<f64> {
    let mut model = model.clone();
    let mut trainer = Trainer::new().batch_size(data.len()).epochs(1).shards(shards).optimizer(Sgd::new(0.5));
    trainer.fit(&mut model, data).unwrap();
    model.parameter_values().to_vec()
}

fn close(one: &[f64], other: &[f64]) {
    one.iter().zip(other).for_each(|(one, other)| {
        assert_relative_eq!(one, other, epsilon = 1e-14, max_relative = 1e-12);
    });
}

#[test]
fn shards_sum_to_the_gradient_of_the_batch() {
    for kind in ["plain", "dropout", "residual", "convolution"] {
        let model = model(kind);
        let whole = one_step(&model, &data(50), 1);
        for shards in [2, 3, 7, 50, 90] {
            close(&one_step(&model, &data(50), shards), &whole);
        }
    }
    let (model, data) = (model("weights"), weighted(data(50)));
    let whole = one_step(&model, &data, 1);
    [2, 3, 7, 50, 90].iter().for_each(|&shards| close(&one_step(&model, &data, shards), &whole));
}

#[test]
fn shards_are_weighted_by_what_their_losses_divide_by() {
    let builder = Sequential::<f64>::builder(INPUTS).add_layer("a", Affine::new(CLASSES));
    let loss = CrossEntropy.class_weights([0.1, 5.0, 0.0]);
    let model = builder.set_output(Softmax).set_error(loss).build().unwrap();
    let x = RandomState::new(3).normal((20, INPUTS), 0.0, 1.0);
    // Some shards weigh nothing at all.
    let labels = [2, 2, 2, 2, 0, 0, 1, 1, 1, 0, 2, 2, 1, 0, 0, 2, 2, 2, 2, 2_usize];
    let data = Samples::labeled(x, &labels, CLASSES).unwrap();
    let whole = one_step(&model, &data, 1);
    [2, 5, 10, 20].iter().for_each(|&shards| close(&one_step(&model, &data, shards), &whole));
}

#[test]
fn buffers_are_means_over_the_rows() {
    let builder = Sequential::<f64>::builder(1).add_layer("n", BatchNorm::new());
    let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    let x = array![[1.0], [3.0], [10.0], [20.0], [60.0]];
    let data = Samples::new(x.clone(), x).unwrap();
    let mut trainer = Trainer::new().batch_size(5).epochs(1).shards(2).order(|_, n| (0..n).collect());
    trainer.fit(&mut model, &data).unwrap();
    // Rows 0 and 1 have the mean 2 and the unbiased variance 2; rows 2 to 4 have the mean 30 and the variance 700.
    let mean = 0.1 * (2.0 * 2.0 + 3.0 * 30.0) / 5.0;
    let variance = 0.9 + 0.1 * (2.0 * 2.0 + 3.0 * 700.0) / 5.0;
    close(&model.buffer_values()[..2], &[mean, variance]);
}

#[test]
fn augmented_samples_do_not_depend_on_processes() {
    let shake = |x: &mut [f32], noise: Noise| x[0] += noise.bits(0, 0) as f32 / u32::MAX as f32;
    let run = |processes: Option<&dyn Processes>| {
        let (samples, mut model) = (data::<f32>(60), model::<f32>("dropout"));
        let augmented = Augment::new(&samples, shake);
        let mut trainer = Trainer::new().batch_size(25).epochs(2).shards(5).prefetch(2);
        if let Some(processes) = processes {
            trainer = trainer.processes(processes);
        }
        let history = trainer.fit(&mut model, &augmented).unwrap();
        outcome(&model, &history)
    };
    let alone = run(None);
    assert!(channels::run(3, |own| run(Some(own))).iter().all(|own| *own == alone));
}

/// A data set that reads only the rows that it must, counts them, and fails at one of them.
#[derive(Debug)]
struct Fragile {
    samples: Samples<f32>,
    bad: Option<usize>,
    read: std::sync::Mutex<Vec<usize>>,
}

impl Fragile {
    fn new(rows: usize, bad: Option<usize>) -> Self {
        Self { samples: data(rows), bad, read: Vec::new().into() }
    }
}

impl Dataset<f32> for Fragile {
    fn len(&self) -> usize {
        self.samples.len()
    }
    fn input_dim(&self) -> usize {
        INPUTS
    }
    fn target_dim(&self) -> usize {
        CLASSES
    }
    fn gather(&self, rows: &[usize], x: ArrayViewMut2<'_, f32>, t: ArrayViewMut2<'_, f32>) -> Result<()> {
        self.read.lock().unwrap().extend(rows);
        match rows.iter().find(|&&row| Some(row) == self.bad) {
            Some(row) => Err(Error::setting("sample", "a readable file", format!("none for row {row}"))),
            None => self.samples.gather(rows, x, t),
        }
    }
}

fn dense() -> Sequential<f32> {
    let builder = Sequential::builder(INPUTS).add_layer("a", Affine::new(CLASSES));
    builder.set_output(Softmax).set_error(CrossEntropy).build().unwrap()
}

#[test]
fn a_process_gathers_only_its_own_rows() {
    let all = channels::run(4, |own| {
        let data = Fragile::new(64, None);
        let trainer = Trainer::new().batch_size(16).epochs(1).shards(8).processes(own);
        trainer.observe(Skip).fit(&mut dense(), &data).unwrap();
        data.read.into_inner().unwrap()
    });
    let mut rows = all.concat();
    rows.sort_unstable();
    // Once before training, where the last process evaluates the only batch, and once in training.
    assert_eq!(rows, (0..64).flat_map(|row| [row, row]).collect::<Vec<_>>());
    assert!(all[..3].iter().all(|rows| rows.len() == 16));
}

struct Skip;
impl<A: Scalar> manabi::train::Observer<A> for Skip {}

#[test]
fn errors_name_the_process_and_the_cause() {
    let run = |own: &Channels, bad: Option<usize>| {
        let mut trainer = Trainer::new().batch_size(20).epochs(4).shards(6).processes(own);
        trainer = trainer.order(|_, n| (0..n).rev().collect());
        trainer.fit(&mut dense(), &Fragile::new(1500, bad)).unwrap_err().to_string()
    };
    // Batches of an evaluation have 500 rows, so that process 1 evaluates row 700. Process 2 trains on it first.
    let errors = channels::run(3, |own| run(own, (own.rank() == 1).then_some(700)));
    let cause =
        "before training, rows starting at 500: sample: expected a readable file, got none for row 700";
    assert_eq!(errors[1], cause);
    assert_eq!(errors[0], format!("process 1: {cause}"));
    assert_eq!(errors[2], errors[0]);
    // Row 1499 is the first of the order; process 0 trains on it, but process 2 evaluates it.
    let errors = channels::run(3, |own| run(own, (own.rank() == 0).then_some(1499)));
    let cause = "epoch 1, batch 1: sample: expected a readable file, got none for row 1499";
    assert_eq!(errors, [cause.into(), format!("process 0: {cause}"), format!("process 0: {cause}")]);
}

#[test]
fn what_differs_between_processes_is_named() {
    let errors = |change: &(dyn Fn(usize, Trainer<'static, f32>) -> Trainer<'static, f32> + Sync),
                  rows: &(dyn Fn(usize) -> usize + Sync),
                  last: &(dyn Fn(usize) -> Sequential<f32> + Sync)| {
        channels::run(2, |own| {
            // The channels outlive the run.
            let trainer = change(own.rank(), Trainer::new().shards(4).epochs(1));
            let mut trainer: Trainer<'_, f32> = trainer;
            trainer = trainer.processes(own);
            trainer.fit(&mut last(own.rank()), &data::<f32>(rows(own.rank()))).unwrap_err().to_string()
        })
    };
    let plain = |_: usize| model::<f32>("plain");
    let same = |_: usize, trainer| trainer;
    let found = errors(&|rank, trainer| trainer.batch_size(10 + rank), &|_| 30, &plain);
    assert_eq!(found[1], "batch_size of process 1: expected 10, as on process 0, got 11");
    assert_eq!(found[0], format!("process 1: {}", found[1]));
    let found = errors(&|rank, trainer| trainer.seed(rank as u32), &|_| 30, &plain);
    assert_eq!(found[1], "seed of process 1: expected Some(0), as on process 0, got Some(1)");
    let found = errors(&same, &|rank| 30 + rank, &plain);
    let sizes = "expected 30 of shape 1x6x6 and 3, as on process 0, got 31 of shape 1x6x6 and 3";
    assert_eq!(found[1], format!("samples of the training set of process 1: {sizes}"));
    let found = errors(&same, &|_| 30, &|rank| model(["plain", "norm"][rank]));
    assert!(found[1].starts_with("layer 'a' of process 1: expected Affine"), "{}", found[1]);
    let found = errors(&same, &|_| 30, &|rank| {
        let mut model = model::<f32>("plain");
        model.parameter_values_mut()[0] += rank as f32;
        model
    });
    assert!(found[1].starts_with("parameter a.weight of process 1: expected bits with"), "{}", found[1]);
}

/// Gradient descent with an error on one process.
#[derive(Debug)]
struct Faulty(bool);

impl<A: Scalar> Optimizer<A> for Faulty {
    fn kind(&self) -> &str {
        "faulty"
    }
    fn learning_rate(&self) -> f64 {
        0.1
    }
    fn update(&self, step: Step<'_, A>) {
        step.params.iter_mut().zip(step.gradient).for_each(|(w, &g)| *w -= A::of(0.1) * g);
        if self.0 && step.number == 4 {
            *step.params.last_mut().unwrap() += A::of(1e-3);
        }
    }
}

#[test]
fn parameters_that_drift_apart_are_an_error() {
    let errors = channels::run(2, |own| {
        // The settings are the same, but the step is not.
        let faulty = Faulty(own.rank() == 1);
        let stepper = Stepper::new(Hidden(faulty));
        let mut trainer = Trainer::new().batch_size(10).shards(2).epochs(5).stepper(stepper).processes(own);
        trainer.fit(&mut model::<f32>("plain"), &data(30)).unwrap_err().to_string()
    });
    let expected = "after epoch 2: parameter end.bias of process 1: expected bits with checksum";
    assert!(errors[1].starts_with(expected), "{}", errors[1]);
    assert_eq!(errors[0], format!("process 1: {}", errors[1]));
}

struct Hidden(Faulty);
impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hidden")
    }
}
impl<A: Scalar> Optimizer<A> for Hidden {
    fn kind(&self) -> &str {
        "hidden"
    }
    fn learning_rate(&self) -> f64 {
        0.1
    }
    fn update(&self, step: Step<'_, A>) {
        self.0.update(step);
    }
}

#[test]
fn a_stop_on_one_process_stops_all() {
    for at_batch in [false, true] {
        let rows = channels::run(3, |own| {
            struct Stop(bool, bool, usize);
            impl manabi::train::Observer<f32> for Stop {
                fn on_batch(&mut self, progress: manabi::train::BatchProgress) -> std::ops::ControlFlow<()> {
                    self.2 += 1;
                    if self.0 && self.1 && progress.epoch == 2 { Break(()) } else { Continue(()) }
                }
                fn on_epoch(
                    &mut self,
                    epoch: &manabi::train::Epoch,
                    _: &Sequential<f32>,
                ) -> std::ops::ControlFlow<()> {
                    if self.0 && !self.1 && epoch.number == 2 { Break(()) } else { Continue(()) }
                }
            }
            let mut trainer = Trainer::new().batch_size(10).shards(3).epochs(5).processes(own);
            if own.rank() == 2 {
                trainer = trainer.observe(Stop(true, at_batch, 0));
            }
            let mut model = model::<f32>("plain");
            let history = trainer.fit(&mut model, &data(30)).unwrap();
            assert_eq!(history.termination, Termination::Stopped);
            (history.epochs.len(), model.parameter_values().to_vec())
        });
        assert_eq!(rows[0].0, if at_batch { 2 } else { 3 });
        assert!(rows.iter().all(|own| *own == rows[0]));
    }
}

#[test]
fn too_few_shards_are_an_error() {
    let errors = channels::run(3, |own| {
        let mut trainer = Trainer::new().shards(2).processes(own);
        trainer.fit(&mut model::<f32>("plain"), &data(30)).unwrap_err().to_string()
    });
    assert_eq!(errors[1], "shards: expected at least 3, the number of processes, got 2");
    let error = Trainer::new().shards(0).fit(&mut model::<f32>("plain"), &data(30)).unwrap_err();
    assert_eq!(error.to_string(), "shards: expected at least 1, got 0");
    let error =
        Trainer::new().shards(20).batch_size(30).fit(&mut model::<f32>("norm"), &data(30)).unwrap_err();
    assert_eq!(error.to_string(), "layer 'n': rows of a batch: expected at least 2 in training, got 1");
}

#[test]
fn a_run_resumes_on_another_number_of_processes() {
    for kind in ["dropout", "norm"] {
        let run = |epochs, folder: Option<&std::path::Path>, processes: Option<&dyn Processes>| {
            let (train, test) = (data::<f32>(90), data(40));
            let mut trainer = Trainer::new().batch_size(30).shards(6).epochs(epochs).validation(&test);
            trainer = trainer.optimizer(Momentum::new(0.05)).early_stopping(EarlyStopping::new(4));
            if let Some(folder) = folder {
                trainer = trainer.checkpoints(Checkpoints::new(folder).resume(true).keep_best(true));
            }
            if let Some(processes) = processes {
                trainer = trainer.processes(processes);
            }
            let mut model = model::<f32>(kind);
            let history = trainer.fit(&mut model, &train).unwrap();
            outcome(&model, &history)
        };
        let straight = run(9, None, None);
        let folder = tempfile::tempdir().unwrap();
        let mut epochs = 0;
        for (size, more) in [(3, 2), (1, 1), (2, 3), (6, 3)] {
            epochs += more;
            let last = channels::run(size, |own| run(epochs, Some(folder.path()), Some(own)));
            assert!(last.iter().all(|own| *own == last[0]));
            if epochs == 9 {
                assert_eq!(last[0], straight, "{kind}");
            }
        }
    }
}

#[test]
fn a_folder_that_one_process_does_not_see_is_an_error() {
    let [one, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let run = |epochs, own: &Channels, folder: &std::path::Path| {
        let mut trainer = Trainer::new().batch_size(30).shards(2).epochs(epochs).processes(own);
        trainer = trainer.checkpoints(Checkpoints::new(folder).resume(true));
        trainer.fit(&mut model::<f32>("plain"), &data(60)).map_err(|error| error.to_string())
    };
    channels::run(2, |own| run(1, own, one.path()).unwrap());
    let errors = channels::run(2, |own| run(2, own, [&one, &other][own.rank()].path()).unwrap_err());
    let expected =
        "last checkpoint of process 1: expected epoch-00001.safetensors, as on process 0, got none";
    assert_eq!(errors, [format!("process 1: {expected}"), expected.into()]);
}

#[test]
fn batches_that_are_gathered_ahead_change_nothing() {
    let run = |ahead, shards, bad| {
        let (data, mut model) = (Fragile::new(70, bad), dense());
        let mut trainer = Trainer::new().batch_size(16).epochs(3).shards(shards).prefetch(ahead);
        let history = trainer.fit(&mut model, &data).map_err(|error| error.to_string());
        (model.parameter_values().to_vec(), history.map(|history| outcome(&model, &history)))
    };
    for shards in [1, 3] {
        assert_eq!(run(1, shards, None), run(0, shards, None));
        assert_eq!(run(100, shards, None), run(0, shards, None));
    }
    // The row fails in the evaluation before training.
    assert_eq!(run(2, 1, Some(13)), run(0, 1, Some(13)));
}

#[test]
fn a_stop_ends_the_thread_that_gathers_ahead() {
    let mut model = dense();
    let mut batches = 0;
    struct Third<'a>(&'a mut usize);
    impl manabi::train::Observer<f32> for Third<'_> {
        fn on_batch(&mut self, _: manabi::train::BatchProgress) -> std::ops::ControlFlow<()> {
            *self.0 += 1;
            if *self.0 == 3 { Break(()) } else { Continue(()) }
        }
    }
    let data = Fragile::new(1000, None);
    Trainer::new().batch_size(10).prefetch(4).observe(Third(&mut batches)).fit(&mut model, &data).unwrap();
    // Two passes of the evaluation, three batches, and at most four ahead.
    assert!(data.read.into_inner().unwrap().len() <= 1000 + 10 * 8);
    assert_eq!(batches, 3);
}

#[test]
fn agreement_returns_the_first_error() {
    let results = channels::run(3, |own| {
        let result = match own.rank() {
            0 => Ok(()),
            rank => Err(Error::setting("file", "text", rank)),
        };
        let agreed = own.agree(result).map_err(|error| error.to_string());
        let mut bytes = [own.rank() as u8 + 1];
        own.broadcast(1, &mut bytes).unwrap();
        let error = own.broadcast(3, &mut bytes).unwrap_err().to_string();
        assert_eq!(error, "root: expected a rank below 3, got 3");
        let error = own.gather(&[1, 2], &mut [0; 5]).unwrap_err().to_string();
        assert_eq!(error, "all: expected shape [3·2], got [5]");
        own.barrier().unwrap();
        (agreed, bytes[0], own.agree(Ok(())).is_ok())
    });
    let text = |rank| format!("file: expected text, got {rank}");
    let expected = [format!("process 1: {}", text(1)), text(1), text(2)];
    assert!(results.iter().zip(expected).all(|(own, text)| *own == (Err(text), 2, true)), "{results:?}");
}
