//! What a run begins with, what it leaves, and how it ends when it goes wrong.

use std::ops::ControlFlow;

use manabi::{
    Adam, Affine, BatchNorm, Checkpoints, CosineDecay, Dropout, EarlyStopping, Epoch, Error, ExponentialDecay,
    Identity, MeanSquaredError, Momentum, Observer, Random, RandomState, ReduceOnPlateau, Samples,
    Sequential, Sgd, Stepper, Trainer, WarmUp,
};
use ndarray::{Array2, array};

fn model(seed: u32) -> Sequential<f64> {
    Sequential::builder(3)
        .add_layer("affine1", Affine::new(4))
        .add_layer("dropout1", Dropout::new(0.25))
        .add_layer("affine2", Affine::new(2))
        .set_output(Identity)
        .set_error(MeanSquaredError)
        .seed(seed)
        .build()
        .unwrap()
}

fn data(rows: usize) -> Samples<f64> {
    let mut random = RandomState::new(3);
    Samples::new(random.normal((rows, 3), 0.0, 1.0), random.normal((rows, 2), 0.0, 1.0)).unwrap()
}

fn bits(model: &Sequential<f64>) -> Vec<u64> {
    model.params().iter().map(|value| value.to_bits()).collect()
}

fn message<T>(result: manabi::Result<T>) -> String {
    result.err().expect("an error").to_string()
}

/// Five steps an epoch, with all that a run remembers: averages, the schedule's step, a plateau, orders and noise.
fn trainer<'a>(epochs: usize) -> Trainer<'a, f64> {
    let reduce = ReduceOnPlateau::new().patience(0).threshold(0.9).factor(0.5);
    let trainer = Trainer::new().batch_size(4).epochs(epochs).optimizer(Adam::new(0.05));
    trainer.schedule(ExponentialDecay::new(0.9)).reduce_on_plateau(reduce).seed(7)
}

#[test]
fn every_fit_begins_anew() {
    let data = data(20);
    // Its rate is 0 behind the ten steps.
    let ending = || trainer(2).schedule(CosineDecay::new(10));
    let mut repeated = ending();
    for seed in [1, 1, 2, 1] {
        let (mut next, mut alone) = (model(seed), model(seed));
        let history = repeated.fit(&mut next, &data).unwrap();
        let expected = ending().fit(&mut alone, &data).unwrap();
        assert_eq!(bits(&next), bits(&alone));
        assert_eq!(history.epochs[2].train, expected.epochs[2].train);
        assert_ne!(bits(&next), bits(&model(seed)));
    }
}

#[test]
fn a_run_goes_on_by_a_word_with_the_bits_of_one() {
    let data = data(20);
    let (mut straight, mut parts) = (model(1), model(1));
    trainer(6).fit(&mut straight, &data).unwrap();
    let mut twice = trainer(2);
    twice.fit(&mut parts, &data).unwrap();
    twice.continue_fit(&mut parts, &data).unwrap();
    // A snapshot is still the model that was trained.
    let mut snapshot = parts.clone();
    parts.params_mut().fill(0.0);
    twice.continue_fit(&mut snapshot, &data).unwrap();
    assert_eq!(bits(&snapshot), bits(&straight));
}

#[test]
fn only_what_there_is_can_be_continued() {
    let data = data(20);
    let (mut own, mut other) = (model(1), model(2));
    let mut trained = trainer(2);
    let expected = "continue_fit: expected a run to go on with: fit() first, by the same optimizer, got none";
    assert_eq!(message(trained.continue_fit(&mut own, &data)), expected);
    trained.fit(&mut own, &data).unwrap();

    let (before, of_other) = (bits(&own), bits(&other));
    let refused = message(trained.continue_fit(&mut other, &data));
    assert!(refused.starts_with("model of a stepper: expected the model of the steps before"), "{refused}");
    assert!(refused.contains("carry_over()") && refused.ends_with("got another"), "{refused}");
    assert_eq!(bits(&other), of_other);
    // Nothing of a fit that is refused sticks: the run before can still be continued.
    let narrow = Samples::new(Array2::zeros((2, 2)), Array2::zeros((2, 2))).unwrap();
    assert!(message(trained.fit(&mut own, &narrow)).starts_with("training set: "));
    assert_eq!(bits(&own), before);
    trained.continue_fit(&mut own, &data).unwrap();
    let mut straight = model(1);
    trainer(4).fit(&mut straight, &data).unwrap();
    assert_eq!(bits(&own), bits(&straight));

    trained.carry_over();
    trained.continue_fit(&mut other, &data).unwrap();
    assert_ne!(bits(&other), of_other);
    let mut other_rule = trained.optimizer(Momentum::new(0.1));
    assert_eq!(message(other_rule.continue_fit(&mut other, &data)), expected);
}

/// Steps of a loop of one's own, over the rows in order.
fn steps(stepper: &mut Stepper<f64>, model: &mut Sequential<f64>, data: &Samples<f64>, epochs: usize) {
    let mut ws = model.workspace(4).unwrap().seed(1);
    let rows: Vec<usize> = (0..20).collect();
    for _ in 0..epochs {
        for rows in rows.chunks(4) {
            ws.load(data, rows).unwrap();
            model.gradient(&mut ws).unwrap();
            stepper.step(model, &mut ws).unwrap();
        }
    }
}

#[test]
fn a_stepper_with_a_state_is_where_a_run_begins() {
    let data = data(20);
    let fresh = || Stepper::new(Adam::new(0.05)).schedule(ExponentialDecay::new(0.9));
    let (mut by_hand, mut straight, mut stepper) = (model(1), model(1), fresh());
    let by_trainer = |epochs, stepper| {
        let trainer = Trainer::new().batch_size(4).epochs(epochs).noise_seed(1);
        trainer.order(|_, n| (0..n).collect()).stepper(stepper)
    };
    steps(&mut stepper, &mut by_hand, &data, 2);
    by_trainer(5, fresh()).fit(&mut straight, &data).unwrap();
    let mut handed = by_trainer(3, stepper.clone());
    let after_two = by_hand.clone();
    handed.fit(&mut by_hand, &data).unwrap();
    assert_eq!(bits(&by_hand), bits(&straight));
    // And again from there.
    let mut again = after_two.clone();
    handed.fit(&mut again, &data).unwrap();
    assert_eq!(bits(&again), bits(&straight));

    // Another model, also one of which this was a copy before its first step.
    for mut other in [model(2), model(1)] {
        let before = bits(&other);
        assert!(message(handed.fit(&mut other, &data)).starts_with("model of a stepper: expected"));
        assert_eq!(bits(&other), before);
        stepper.carry_over();
        by_trainer(1, stepper.clone()).fit(&mut other, &data).unwrap();
    }
    // A state put back by hand has no model yet.
    let mut put_back = fresh();
    let mut state = put_back.state().clone();
    (state.steps, state.slots) = (stepper.state().steps, stepper.state().slots.clone());
    put_back.set_state(state).unwrap();
    let mut loaded = model(2);
    loaded.set_params(after_two.params()).unwrap();
    by_trainer(3, put_back).fit(&mut loaded, &data).unwrap();
    assert_eq!(bits(&loaded), bits(&straight));
}

#[test]
fn a_stream_of_ones_own_is_drawn_further() {
    let data = data(20);
    let (mut straight, mut parts) = (model(1), model(1));
    let trainer = |epochs| Trainer::new().batch_size(4).epochs(epochs).noise_seed(1);
    // Without noise and state two runs are the halves of one.
    let plain = |model: &Sequential<f64>| {
        let mut plain = Sequential::builder(3)
            .add_layer("affine1", Affine::new(2))
            .set_output(Identity)
            .set_error(MeanSquaredError)
            .build()
            .unwrap();
        plain.set_params(&model.params()[..8]).unwrap();
        plain
    };
    (straight, parts) = (plain(&straight), plain(&parts));
    trainer(4).random(RandomState::new(9)).fit(&mut straight, &data).unwrap();
    let mut random = RandomState::new(9);
    let mut twice = trainer(2).random(&mut random);
    twice.fit(&mut parts, &data).unwrap();
    twice.fit(&mut parts, &data).unwrap();
    assert_eq!(bits(&parts), bits(&straight));
}

#[test]
fn a_schedule_that_teaches_nothing_is_an_error() {
    let data = data(20);
    let refused = |mut trainer: Trainer<'_, f64>, model: &mut Sequential<f64>| {
        let before = bits(model);
        let error = message(trainer.fit(model, &data));
        assert_eq!(bits(model), before);
        error
    };
    let nothing = "schedule: expected a rate above 0 in one of the 10 steps to come, after 0, \
        got 0 in all of them: nothing would be learned";
    assert_eq!(refused(trainer(2).schedule(|_, _| 0.0), &mut model(1)), nothing);
    // In the precision of the parameters it is 0 as well.
    assert_eq!(refused(trainer(2).schedule(|_, _| 1e-320 / 1e10), &mut model(1)), nothing);

    let mut ended = trainer(2).schedule(CosineDecay::new(10));
    let mut own = model(1);
    ended.fit(&mut own, &data).unwrap();
    let before = bits(&own);
    let error = message(ended.continue_fit(&mut own, &data));
    assert!(error.starts_with("schedule: expected a rate above 0 in one of the 10 steps to come, after 10"));
    assert_eq!(bits(&own), before);

    // A run without steps, or with one that has a rate, is one.
    trainer(0).schedule(|_, _| 0.0).fit(&mut own, &data).unwrap();
    trainer(1).schedule(|base, step| if step < 4 { 0.0 } else { base }).fit(&mut own, &data).unwrap();
    trainer(1).schedule(WarmUp::new(5, CosineDecay::new(9))).fit(&mut own, &data).unwrap();
    assert_ne!(bits(&own), before);
}

/// Keeps the parameters of every epoch.
#[derive(Default)]
struct Keep(Vec<Vec<u64>>);

impl Observer<f64> for Keep {
    fn on_epoch(&mut self, _: &Epoch, model: &Sequential<f64>) -> ControlFlow<()> {
        self.0.push(bits(model));
        ControlFlow::Continue(())
    }
}

fn line() -> Sequential<f64> {
    let builder = Sequential::builder(1).add_layer("affine1", Affine::new(1));
    let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    model.params_mut().fill(0.0);
    model
}

/// Ten good epochs of two steps, then one that throws the weights beyond all bounds.
fn diverging(validation: &Samples<f64>) -> Trainer<'_, f64> {
    let rate = |base: f64, step: u64| if step < 20 { base } else { 1e300 };
    let trainer = Trainer::new().batch_size(1).epochs(40).optimizer(Sgd::new(0.05)).schedule(rate);
    trainer.validation(validation)
}

#[test]
fn a_run_that_diverges_leaves_the_best_epoch() {
    let train = Samples::new(array![[1.0], [2.0]], array![[2.0], [4.0]]).unwrap();
    let run = |trainer: Trainer<'_, f64>| {
        let (mut model, mut keep) = (line(), Keep::default());
        let error = { trainer }.observe(&mut keep).fit(&mut model, &train).unwrap_err();
        let good = keep.0.iter().position(|params| *params == bits(&model));
        assert_eq!(keep.0.len(), 11);
        (error, good, model)
    };
    // Without early stopping the error alone.
    let (plain, good, _) = run(diverging(&train));
    assert!(plain.to_string().starts_with("epoch 11, batch 2: "), "{plain}");
    assert_eq!(good, None);

    let (error, good, model) = run(diverging(&train).early_stopping(EarlyStopping::new(30)));
    assert_eq!((error.to_string(), good), (plain.to_string(), Some(10)));
    assert!(model.evaluate(&train).unwrap().loss < 0.1 * line().evaluate(&train).unwrap().loss);

    let (_, good, _) = run(diverging(&train).early_stopping(EarlyStopping::new(30).keep_last()));
    assert_eq!(good, None);

    // The best one need not be the last: this validation set's loss rises from some epoch on.
    let other = Samples::new(array![[1.0]], array![[0.7]]).unwrap();
    let (error, good, model) = run(diverging(&other).early_stopping(EarlyStopping::new(30)));
    assert_eq!(error.to_string(), plain.to_string());
    assert!(matches!(good, Some(1..10)), "{good:?}");
    assert!(model.evaluate(&other).unwrap().loss < line().evaluate(&other).unwrap().loss);
}

#[test]
fn the_error_of_a_run_that_is_kept_tells_where_to_resume() {
    let train = Samples::new(array![[1.0], [2.0]], array![[2.0], [4.0]]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(folder.path()).resume();
    let mut keep = Keep::default();
    let trainer = diverging(&train).checkpoints(checkpoints.clone()).observe(&mut keep);
    let error = { trainer }.fit(&mut line(), &train).unwrap_err();
    let path = folder.path().join("epoch-00010.safetensors");
    let end = format!("; the last good epoch is kept: resume from {}", path.display());
    let text = error.to_string();
    assert!(text.starts_with("epoch 11, batch 2: ") && text.ends_with(&end), "{text}");
    let Error::Interrupted { error, checkpoint } = error else { panic!("of another kind") };
    assert!(matches!(*error, Error::Diverged { .. } | Error::Training { .. }), "{error:?}");
    assert_eq!(checkpoint, path);
    assert_eq!(bits(&Sequential::load(&path).unwrap()), keep.0[10]);

    // From there a run goes on: as far as the epoch that went wrong, and with early stopping the best epoch comes back.
    let mut resumed = line();
    let trainer = diverging(&train).checkpoints(checkpoints).epochs(10);
    assert_eq!({ trainer }.fit(&mut resumed, &train).unwrap().epochs.len(), 11);
    assert_eq!(bits(&resumed), keep.0[10]);

    // Before the first epoch is through there is nothing to resume from.
    let empty = tempfile::tempdir().unwrap();
    let trainer = diverging(&train).schedule(|_, _| 1e300).checkpoints(Checkpoints::new(empty.path()));
    let text = message({ trainer }.fit(&mut line(), &train));
    assert!(text.starts_with("epoch 1, batch 2: ") && !text.contains("resume"), "{text}");
}

#[test]
fn a_batch_has_at_most_all_samples() {
    let data = data(20);
    let run = |trainer: Trainer<'_, f64>| {
        let mut model = model(1);
        { trainer }.epochs(3).fit(&mut model, &data).unwrap();
        bits(&model)
    };
    let whole = run(Trainer::new().batch_size(20));
    assert_eq!(run(Trainer::new()), whole);
    assert_eq!(run(Trainer::new().batch_size(usize::MAX)), whole);
    assert_eq!(run(Trainer::new().batch_size(21).drop_last()), whole);
    assert_ne!(run(Trainer::new().batch_size(19)), whole);
    let error = message(Trainer::new().batch_size(0).fit(&mut model(1), &data));
    assert_eq!(error, "batch_size: expected at least 1, got 0");
}

#[test]
fn a_smaller_last_batch_can_be_left_out() {
    let data = data(21);
    let in_order = |take: usize| move |_: usize, n: usize| (0..n.min(take)).collect::<Vec<_>>();
    let run = |trainer: Trainer<'_, f64>| {
        let mut model = model(1);
        let history = { trainer }.batch_size(4).epochs(2).fit(&mut model, &data).unwrap();
        (bits(&model), history.epochs[2].train)
    };
    // The last row is as if it were not there, in the weights and in the metrics.
    let without = run(Trainer::new().order(in_order(20)));
    assert_eq!(run(Trainer::new().order(in_order(21)).drop_last()), without);
    assert_eq!(run(Trainer::new().order(in_order(20)).drop_last()), without);
    assert_ne!(run(Trainer::new().order(in_order(21))), without);
    // The only batch of an epoch stays.
    assert_eq!(run(Trainer::new().order(in_order(3)).drop_last()), run(Trainer::new().order(in_order(3))));

    let norm = || {
        let builder = Sequential::<f64>::builder(3).add_layer("norm1", BatchNorm::new());
        builder.add_layer("affine1", Affine::new(2)).set_output(Identity).set_error(MeanSquaredError)
    };
    let mut model = norm().build().unwrap();
    let error = message(Trainer::new().batch_size(4).epochs(1).fit(&mut model, &data));
    assert_eq!(
        error,
        "last batch of epoch 1 (drop_last() leaves it out where others are larger): \
        layer 'norm1': rows of a batch: expected at least 2 in training, got 1"
    );
    let history = Trainer::new().batch_size(4).drop_last().epochs(3).fit(&mut model, &data).unwrap();
    assert_eq!(history.epochs.len(), 4);
}

#[test]
fn what_is_left_out_is_compared_when_a_run_goes_on() {
    let (data, folder) = (data(21), tempfile::tempdir().unwrap());
    let run = |trainer: Trainer<'_, f64>| {
        { trainer }.checkpoints(Checkpoints::new(folder.path()).resume()).fit(&mut model(1), &data)
    };
    run(trainer(1).drop_last()).unwrap();
    let error = message(run(trainer(2)));
    assert!(error.ends_with("does not fit: drop_last: expected false, got true"), "{error}");
    run(trainer(2).drop_last()).unwrap();
    // A batch of all samples is one, whatever its size was called.
    let folder = tempfile::tempdir().unwrap();
    let run = |size| {
        let trainer = trainer(2).batch_size(size).checkpoints(Checkpoints::new(folder.path()).resume());
        { trainer }.fit(&mut model(1), &data)
    };
    run(21).unwrap();
    run(100).unwrap();
    assert!(message(run(20)).ends_with("batch_size: expected 20, got 21"));
}
