//! The guarantees of every optimizer, checked by one common routine, and the features of a stepper.

use manabi::activation::{Identity, PRelu};
use manabi::layer::TrainableActivation;
use manabi::loss::MeanSquaredError;
use manabi::metrics::Watch;
use manabi::model::Workspace;
use manabi::optim::{
    AdaDelta, AdaGrad, Adam, AdamW, ByEpoch, Clip, ConstantRate, CosineDecay, ExponentialDecay, Lion,
    Momentum, NAdam, Nesterov, OneCycle, Optimizer, Plateau, PolynomialDecay, RAdam, ReduceOnPlateau,
    RmsProp, Schedule, Step, StepDecay, Stepper, WarmUp,
};
use manabi::random::{Random, RandomState};
use manabi::{Affine, Samples, Scalar, Sequential, Sgd, Trainer};
use ndarray::array;
use proptest::prelude::*;

/// Returns the gradients of some steps, with values of both signs and many magnitudes, including zeros.
fn gradients<A: Scalar>(steps: usize, length: usize, seed: u32) -> Vec<Vec<A>> {
    let mut random = RandomState::new(seed);
    let sizes = random.uniform((steps, length), -6.0, 2.0).mapv(|e| 10_f64.powf(e));
    let mut all = random.normal((steps, length), 0.0, 1.0) * sizes;
    all.column_mut(length / 2).fill(0.0);
    all.rows().into_iter().map(|row| row.iter().map(|&g| A::of(g)).collect()).collect()
}

fn start<A: Scalar>(length: usize) -> Vec<A> {
    RandomState::new(9).normal((1, length), 0.0, 1.0).iter().map(|&p| A::of(p)).collect()
}

/// Returns the parameters after steps with these gradients.
fn run<A: Scalar>(stepper: &mut Stepper<A>, mut params: Vec<A>, gradients: &[Vec<A>]) -> Vec<A> {
    for gradient in gradients {
        stepper.step_slices(&mut params, &mut gradient.clone()).unwrap();
    }
    params
}

fn bits<A: Scalar>(numbers: &[A]) -> Vec<u64> {
    numbers.iter().map(|x| x.widen().to_bits()).collect()
}

/// Checks the guarantees of every rule: the same bits when repeated, in parts, and after saving and restoring its state, no
/// change with zero gradient and no decay, parameters that stay finite, and a name and slots that match its state.
fn conform<A: Scalar>(rule: Box<dyn Optimizer<A>>, length: usize, cut: usize, restart: usize, seed: u32) {
    let fresh = Stepper::new(rule);
    let gradients = gradients::<A>(12, length, seed);
    let mut stepper = fresh.clone();
    let whole = run(&mut stepper, start(length), &gradients);
    assert!(whole.iter().all(|p| p.is_finite()), "{:?}", fresh.rule());
    assert_eq!(bits(&run(&mut fresh.clone(), start(length), &gradients)), bits(&whole), "{:?}", fresh.rule());

    let state = stepper.state();
    assert_eq!(state.steps, 12);
    assert_eq!(state.slots.len(), stepper.rule().slots().len());
    assert_eq!(state.scalars.len(), stepper.rule().scalars().len());
    assert!(state.slots.iter().all(|slot| slot.len() == length));

    let part = |from: usize, to: usize| {
        let gradients: Vec<Vec<A>> = gradients.iter().map(|g| g[from..to].to_vec()).collect();
        run(&mut fresh.clone(), start(length)[from..to].to_vec(), &gradients)
    };
    assert_eq!(
        bits(&[part(0, cut), part(cut, length)].concat()),
        bits(&whole),
        "in parts: {:?}",
        fresh.rule()
    );

    let mut first = fresh.clone();
    let params = run(&mut first, start(length), &gradients[..restart]);
    let mut second = fresh.clone();
    second.set_state(first.state().clone()).unwrap();
    let params = run(&mut second, params, &gradients[restart..]);
    assert_eq!(bits(&params), bits(&whole), "restored: {:?}", fresh.rule());
    assert_eq!(second.state(), stepper.state(), "restored: {:?}", fresh.rule());

    if fresh.rule().weight_decay() == 0.0 {
        let still = run(&mut fresh.clone(), start(length), &vec![vec![A::zero(); length]; 3]);
        assert_eq!(still, start::<A>(length), "without a gradient: {:?}", fresh.rule());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_optimizer_conforms(length in 1_usize..70, cut in 0.0..1.0, restart in 0_usize..=12, seed: u32) {
        let cut = (length as f64 * cut) as usize;
        for rule in manabi::optim::built_in_optimizers::<f32>() {
            conform(rule, length, cut, restart, seed);
        }
        for rule in manabi::optim::built_in_optimizers::<f64>() {
            conform(rule, length, cut, restart, seed);
        }
    }
}

/// Returns Σ cᵢ·(θᵢ − tᵢ)²/2 and its gradient.
fn quadratic<A: Scalar>(params: &[A]) -> (f64, Vec<A>) {
    let curvature = |i: usize| A::of(0.2 + 0.3 * i as f64);
    let off = |i: usize| params[i] - A::of(0.5 * i as f64 - 1.0);
    let loss = (0..params.len()).map(|i| (curvature(i) * off(i) * off(i)).widen() / 2.0).sum();
    (loss, (0..params.len()).map(|i| curvature(i) * off(i)).collect())
}

fn descends<A: Scalar>(rule: Box<dyn Optimizer<A>>) {
    let mut stepper = Stepper::new(rule);
    let mut params = vec![A::of(2.0); 6];
    let before = quadratic(&params).0;
    for _ in 0..400 {
        let mut gradient = quadratic(&params).1;
        stepper.step_slices(&mut params, &mut gradient).unwrap();
    }
    let after = quadratic(&params).0;
    assert!(after < 0.01 * before, "{:?}: {before} to {after}", stepper.rule());
}

#[test]
fn every_optimizer_descends_in_both_precisions() {
    manabi::optim::built_in_optimizers::<f32>().into_iter().for_each(descends);
    manabi::optim::built_in_optimizers::<f64>().into_iter().for_each(descends);
}

#[test]
fn a_centered_variance_below_0_is_0() {
    // With equal gradients, v and m² differ only by rounding.
    for gradient in [0.1_f32, 0.3, 0.7, 1.1, 123.456] {
        let mut stepper = Stepper::new(RmsProp::new(1e-6).alpha(0.5).centered(true));
        let params = run(&mut stepper, vec![1.0], &vec![vec![gradient]; 200]);
        assert!(params[0].is_finite(), "{gradient}: {params:?}");
    }
}

/// A model of affine 3-2, PReLU and affine 2-2, with weights, biases and one further one-dimensional parameter.
fn model() -> Sequential<f64> {
    let mut model = Sequential::builder(3)
        .add_layer("affine1", Affine::new(2))
        .add_layer("prelu1", TrainableActivation::new(PRelu::new(0.25)))
        .add_layer("affine2", Affine::new(2))
        .set_output(Identity)
        .set_error(MeanSquaredError)
        .build()
        .unwrap();
    let params: Vec<f64> = start(model.parameter_count());
    model.set_parameter_values(&params).unwrap();
    model
}

fn data() -> Samples<f64> {
    let x = array![[0.5, -1.0, 2.0], [1.5, 0.3, -0.7], [-0.2, 0.9, 0.1], [0.4, 0.4, -1.2]];
    Samples::new(x, array![[1.0, 0.0], [0.5, -1.0], [0.0, 2.0], [-1.0, 0.3]]).unwrap()
}

/// Returns a workspace with the gradient of the whole data set.
fn with_gradient(model: &Sequential<f64>) -> Workspace<f64> {
    let mut ws = model.workspace(4).unwrap();
    ws.load(&data(), &[0, 1, 2, 3]).unwrap();
    model.gradient(&mut ws).unwrap();
    ws
}

#[test]
fn weight_decay_leaves_out_biases_and_what_has_one_dimension() {
    let step = |decay_all: bool| {
        let mut model = model();
        let mut ws = with_gradient(&model);
        ws.gradient_mut().fill(0.0);
        let stepper = Stepper::new(Sgd::new(0.5).weight_decay(0.5));
        let mut stepper = if decay_all { stepper.decay_all(true) } else { stepper };
        stepper.step(&mut model, &mut ws).unwrap();
        model
    };
    let before = model();
    let (some, all) = (step(false), step(true));
    for ((name, before), ((_, some), (_, all))) in
        before.parameters().zip(some.parameters().zip(all.parameters()))
    {
        let shrunk = before.mapv(|p| p - 0.5 * (0.5 * p));
        assert_eq!(all, shrunk, "{name}");
        assert_eq!(some, if name.ends_with("weight") { shrunk.view() } else { before }, "{name}");
    }
}

#[test]
fn a_layers_rate_is_a_multiple_of_the_common_one() {
    let (before, mut after) = (model(), model());
    let mut ws = with_gradient(&before);
    let rates = Stepper::new(Sgd::new(0.1)).layer_rate("affine1", 0.5).layer_rate("affine2", 0.0);
    { rates }.step(&mut after, &mut ws).unwrap();
    let mut gradient = ws.gradient().iter();
    for ((name, before), (_, after)) in before.parameters().zip(after.parameters()) {
        let rate = match name.split_once('.').unwrap().0 {
            "affine1" => 0.05,
            "affine2" => 0.0,
            _ => 0.1,
        };
        for (before, after) in before.iter().zip(after) {
            assert_eq!(*after, before - rate * gradient.next().unwrap(), "{name}");
        }
    }
}

#[test]
fn a_parameter_without_decay_or_gradient_stays_what_it_is_and_nan_stays_nan() {
    let step = |rule: Box<dyn Optimizer<f64>>, param: f64, gradient: f64| {
        let mut params = [param];
        Stepper::new(rule).step_slices(&mut params, &mut [gradient]).unwrap();
        params[0]
    };
    assert_eq!(step(Box::new(Sgd::new(0.1)), f64::INFINITY, 0.0), f64::INFINITY);
    for rule in manabi::optim::built_in_optimizers() {
        let name = format!("{rule:?}");
        assert!(step(rule, 1.0, f64::NAN).is_nan(), "{name}");
    }
}

#[test]
fn a_metric_that_is_not_finite_is_never_the_best() {
    let mut stepper = Stepper::<f64>::new(Sgd::new(0.1)).reduce_on_plateau(ReduceOnPlateau::new());
    stepper.end_epoch(1.0);
    for metric in [f64::NEG_INFINITY, f64::INFINITY, f64::NAN] {
        stepper.end_epoch(metric);
    }
    let plateau = &stepper.state().plateau;
    assert_eq!((plateau.best, plateau.waited), (Some(1.0), 3));
}

#[test]
fn a_constant_metric_is_no_improvement_whatever_its_sign() {
    for metric in [-0.5, 0.0, 0.5] {
        for watch in [Watch::least("m"), Watch::greatest("m")] {
            let (reduce, mut plateau) = (ReduceOnPlateau::new().patience(0).watch(watch), Plateau::default());
            (0..3).for_each(|_| reduce.observe(metric, &mut plateau));
            assert_eq!((plateau.best, plateau.scale), (Some(metric), 0.1 * 0.1), "{reduce:?}");
        }
    }
    // A tenth of the size is required, in the direction of the watch.
    let improves = |watch, metric| {
        let (reduce, mut plateau) = (ReduceOnPlateau::new().threshold(0.1).watch(watch), Plateau::default());
        for metric in [-0.5, metric] {
            reduce.observe(metric, &mut plateau);
        }
        plateau.waited == 0
    };
    assert_eq!([-0.56, -0.54].map(|metric| improves(Watch::least("m"), metric)), [true, false]);
    assert_eq!([-0.44, -0.46].map(|metric| improves(Watch::greatest("m"), metric)), [true, false]);
}

#[test]
fn a_cycle_may_begin_at_its_peak_and_schedules_end_at_their_end() {
    assert_eq!(OneCycle::new(10).rise(0.1).rate(1.0, 0), 1.0);
    for steps in [10, 11, u64::MAX] {
        assert_eq!(CosineDecay::new(10).end(0.25).rate(1.0, steps), 0.25, "{steps}");
        assert_eq!(PolynomialDecay::new(10).end(0.25).rate(1.0, steps), 0.25, "{steps}");
    }
}

#[test]
fn a_layer_of_rate_0_stays_as_it_is_whatever_its_gradient() {
    for rule in manabi::optim::built_in_optimizers::<f64>() {
        let (before, mut after) = (model(), model());
        let mut ws = with_gradient(&before);
        let frozen = before.parameter("affine1.weight").unwrap().len() + 2;
        ws.gradient_mut()[..frozen].fill(f64::INFINITY);
        // The last rate set for a name applies.
        let rates = Stepper::new(rule).layer_rate("affine1", 3.0).layer_rate("affine1", 0.0);
        let mut stepper = rates.layer_rate("affine2", 1e200).layer_rate("affine2", 1.0);
        stepper.step(&mut after, &mut ws).unwrap();
        assert_eq!(
            after.parameter_values()[..frozen],
            before.parameter_values()[..frozen],
            "{:?}",
            stepper.rule()
        );
        assert_ne!(
            after.parameter_values()[frozen..],
            before.parameter_values()[frozen..],
            "{:?}",
            stepper.rule()
        );
        assert!(after.parameter_values().iter().all(|p| p.abs() < 1e3), "{:?}", stepper.rule());
        assert!(stepper.state().slots.iter().all(|slot| slot[..frozen].iter().all(|&s| s == 0.0)));
    }
}

#[test]
fn a_model_is_stepped_as_its_parameters_are() {
    let run_rule = |rule: Box<dyn Optimizer<f64>>| {
        let stepper =
            Stepper::new(rule).decay_all(true).clip(Clip::Norm(1.0)).schedule(StepDecay::new(2, 0.5));
        let (mut stepper, mut alone) = (stepper.clone(), stepper);
        let mut model = model();
        let mut params = model.parameter_values().to_vec();
        for _ in 0..5 {
            let mut ws = with_gradient(&model);
            let mut gradient = ws.gradient().to_vec();
            stepper.step(&mut model, &mut ws).unwrap();
            alone.step_slices(&mut params, &mut gradient).unwrap();
            assert_eq!(bits(model.parameter_values()), bits(&params), "{:?}", stepper.rule());
            assert_eq!(ws.gradient(), gradient);
        }
    };
    manabi::optim::built_in_optimizers().into_iter().for_each(run_rule);
}

#[test]
fn the_schedule_sets_the_rate_of_every_step() {
    let mut stepper = Stepper::new(Sgd::new(0.5)).schedule(|base, steps| base / (1.0 + steps as f64));
    let mut params = [0.0];
    let mut expected = 0.0;
    for steps in 0..5 {
        assert_eq!(stepper.learning_rate().unwrap(), 0.5 / (1.0 + f64::from(steps)));
        expected -= 0.5 / (1.0 + f64::from(steps)) * 3.0;
        stepper.step_slices(&mut params, &mut [3.0]).unwrap();
        assert_eq!(params, [expected]);
    }
}

#[test]
fn a_bound_that_makes_no_sense_is_refused() {
    for bound in [-1.0, 0.0, f64::NAN, f64::INFINITY] {
        for clip in [Clip::Value(bound), Clip::Norm(bound)] {
            let mut gradient = [3.0, -4.0];
            let message = message(clip.apply(&mut gradient));
            assert!(message.starts_with("clip by "), "{message}");
            assert_eq!(gradient, [3.0, -4.0], "{clip:?}");
        }
    }
}

#[test]
fn a_gradient_whose_square_is_infinite_is_clipped() {
    for g in [1e155, 1e200, 1e307] {
        // More values than the lanes, and a remainder.
        let mut gradient = [0.0_f64; 35];
        (gradient[2], gradient[34]) = (3.0 * g, -4.0 * g);
        Clip::Norm(10.0).apply(&mut gradient).unwrap();
        let [a, b] = [gradient[2], gradient[34]];
        assert!((a - 6.0).abs() < 1e-14 && (b + 8.0).abs() < 1e-14, "{g:e}: {a} {b}");
    }
}

#[test]
fn a_gradient_that_is_not_finite_is_not_hidden_by_clipping() {
    for bad in [f64::NAN, f64::INFINITY] {
        let mut gradient = vec![3.0, bad, -4.0];
        Clip::Norm(1.0).apply(&mut gradient).unwrap();
        assert_eq!(bits(&gradient), bits(&[3.0, bad, -4.0]));
    }
    let mut gradient = vec![f32::NAN, f32::NEG_INFINITY, f32::MAX, -0.5];
    Clip::Value(1.0).apply(&mut gradient).unwrap();
    assert!(gradient[0].is_nan());
    assert_eq!(gradient[1..], [-1.0, 1.0, -0.5]);
}

proptest! {
    #[test]
    fn a_clipped_gradient_is_as_long_as_allowed(bound in 0.01..10.0, seed: u32, length in 1_usize..100) {
        let before = &gradients::<f64>(1, length, seed)[0];
        let norm = |g: &[f64]| g.iter().map(|g| g * g).sum::<f64>().sqrt();
        let mut after = before.clone();
        Clip::Norm(bound).apply(&mut after).unwrap();
        if norm(before) + 1e-6 <= bound {
            prop_assert_eq!(&after, before);
        } else {
            prop_assert!(norm(&after) <= bound * (1.0 + 1e-12));
            prop_assert!(norm(&after) >= bound * norm(before) / (norm(before) + 2e-6));
        }
    }
}

fn message<T>(result: manabi::Result<T>) -> String {
    result.err().expect("an error").to_string()
}

/// Returns the error of a step with this stepper, and checks that it changed nothing.
fn refused(mut stepper: Stepper<f64>) -> String {
    let mut model = model();
    let mut ws = with_gradient(&model);
    let (params, gradient) = (model.parameter_values().to_vec(), ws.gradient().to_vec());
    let message = message(stepper.step(&mut model, &mut ws));
    assert_eq!((model.parameter_values(), ws.gradient()), (&params[..], &gradient[..]), "{message}");
    assert_eq!(stepper.state().steps, 0);
    message
}

#[test]
fn settings_out_of_range_are_errors_that_change_nothing() {
    fn rule(rule: impl Optimizer<f64> + 'static) -> String {
        refused(Stepper::new(rule))
    }
    let average = "expected at least 0 and below 1, got 1";
    assert_eq!(rule(Adam::new(0.0)), "learning_rate: expected a finite number above 0, got 0");
    assert!(rule(Lion::new(f64::NAN)).starts_with("learning_rate: expected"));
    assert_eq!(
        rule(AdamW::new(0.1).weight_decay(-1.0)),
        "weight_decay: expected a finite number of at least 0, got -1"
    );
    assert_eq!(rule(Momentum::new(0.1).momentum(1.0)), format!("momentum: {average}"));
    assert_eq!(rule(RmsProp::new(0.1).alpha(1.0)), format!("alpha: {average}"));
    assert_eq!(rule(AdaDelta::new(0.1).rho(1.0)), format!("rho: {average}"));
    assert_eq!(rule(NAdam::new(0.1).betas(0.9, 1.0)), format!("beta2: {average}"));
    assert_eq!(rule(Lion::new(0.1).betas(1.0, 0.9)), format!("beta1: {average}"));
    assert_eq!(rule(AdaGrad::new(0.1).epsilon(0.0)), "epsilon: expected a finite number above 0, got 0");

    let sgd = || Stepper::new(Sgd::new(0.1));
    for factor in [-1.0, 3.0, f64::NAN] {
        let mut stepper = sgd().reduce_on_plateau(ReduceOnPlateau::new().patience(0).factor(factor));
        (0..3).for_each(|_| stepper.end_epoch(1.0));
        assert_eq!(stepper.state(), sgd().state());
        assert!(refused(stepper).starts_with("factor: expected above 0 and below 1"));
    }
    assert_eq!(
        refused(sgd().layer_rate("affine9", 0.5)),
        "layer_rate: expected one of affine1, prelu1, affine2, or a layer in one of these blocks, got affine9"
    );
    assert_eq!(
        refused(sgd().layer_rate("affine1", -0.5)),
        "layer_rate: expected a finite number of at least 0, got -0.5"
    );
    assert_eq!(refused(sgd().clip(Clip::Norm(0.0))), "clip by norm: expected a finite number above 0, got 0");
    assert_eq!(
        refused(sgd().schedule(|_, _| -1.0)),
        "rate of the schedule: expected a finite number of at least 0, got -1"
    );
    assert_eq!(
        refused(sgd().reduce_on_plateau(ReduceOnPlateau::new().factor(1.0))),
        "factor: expected above 0 and below 1, got 1"
    );
    let schedule = |schedule: &dyn Schedule| message(schedule.check());
    assert_eq!(schedule(&StepDecay::new(0, 0.1)), "every: expected at least 1, got 0");
    assert_eq!(schedule(&ExponentialDecay::new(0.0)), "gamma: expected a finite number above 0, got 0");
    assert_eq!(
        schedule(&PolynomialDecay::new(9).power(0.0)),
        "power: expected a finite number above 0, got 0"
    );
    assert_eq!(schedule(&CosineDecay::new(0)), "steps: expected at least 1, got 0");
    assert_eq!(
        schedule(&WarmUp::new(9, ConstantRate).start(1.5)),
        "start: expected a value from 0 to 1, got 1.5"
    );
    assert_eq!(schedule(&WarmUp::new(9, CosineDecay::new(0))), "steps: expected at least 1, got 0");
    assert_eq!(
        schedule(&OneCycle::new(9).divisor(0.5)),
        "divisor: expected a finite number of at least 1, got 0.5"
    );
    // 10⁻³⁰⁰ is above 0 in double precision, but 0 in single precision.
    let single = message(Stepper::new(Sgd::new(1e-300)).step_slices(&mut [1.0_f32], &mut [1.0]));
    assert!(single.starts_with("learning_rate: expected"), "{single}");
    // 10³⁹ is finite in double precision, but infinite in single precision.
    let single = |stepper: Stepper<f32>| message({ stepper }.step_slices(&mut [1.0], &mut [1.0]));
    assert!(single(Stepper::new(Sgd::new(0.1).weight_decay(1e39))).starts_with("weight_decay: expected"));
    let expected = "initial_accumulator: expected";
    assert!(single(Stepper::new(AdaGrad::new(0.1).initial_accumulator(1e39))).starts_with(expected));
    let expected = "rate of the schedule: expected";
    assert!(single(Stepper::new(Sgd::new(0.1)).schedule(|_, _| 1e39)).starts_with(expected));
}

#[test]
fn workspaces_and_slices_that_do_not_fit_are_errors() {
    let mut stepper = Stepper::new(Adam::new(0.1));
    let mut own = model();
    let mut empty = own.workspace(4).unwrap();
    assert_eq!(
        message(stepper.step(&mut own, &mut empty)),
        "workspace: expected a gradient (call Sequential::gradient first), got none"
    );
    let other = Sequential::<f64>::builder(3).add_layer("affine1", Affine::new(2));
    let mut other = other.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    let mut ws = with_gradient(&own);
    assert!(
        message(stepper.step(&mut other, &mut ws))
            .starts_with("workspace: expected one created by Sequential<f64>(3 -> 2, 1 layer, 8 parameters)")
    );
    stepper.step(&mut own, &mut ws).unwrap();
    let mut ws = with_gradient(&own);
    assert_eq!(
        message(stepper.step(&mut other, &mut ws)),
        "params: expected shape [15], as in the previous steps, got [8]"
    );
    assert_eq!(
        message(stepper.step_slices(&mut [0.0; 15], &mut [0.0; 3])),
        "gradient: expected shape [15], got [3]"
    );
    let named = Stepper::new(Sgd::new(0.1)).layer_rate("affine1", 0.1);
    assert_eq!(
        message({ named }.step_slices(&mut [1.0], &mut [1.0])),
        "layer_rate: expected none for parameters outside a model, got affine1"
    );
}

#[test]
fn a_state_that_does_not_fit_is_refused_and_changes_nothing() {
    let mut stepper = Stepper::new(NAdam::new(0.1));
    run(&mut stepper, start::<f64>(3), &gradients(2, 3, 1));
    let state = stepper.state().clone();
    let mut refused = |change: &dyn Fn(&mut manabi::optim::OptimizerState<f64>)| {
        let mut changed = state.clone();
        change(&mut changed);
        let message = message(stepper.set_state(changed));
        assert_eq!(*stepper.state(), state);
        message
    };
    assert_eq!(refused(&|s| s.slots.truncate(1)), "slots: expected 2 for nadam, got 1");
    assert_eq!(refused(&|s| s.scalars.clear()), "scalars: expected 1 for nadam, got 0");
    assert_eq!(refused(&|s| s.slots[1].truncate(2)), "slot v: expected shape [3], got [2]");
    assert_eq!(
        refused(&|s| s.slots[0][2] = f64::NAN),
        "slot m, element 2: expected a finite number, got NaN"
    );
    assert_eq!(
        refused(&|s| s.scalars[0] = f64::INFINITY),
        "scalar mu_product: expected a finite number, got inf"
    );
    assert_eq!(refused(&|s| s.plateau.scale = 2.0), "scale: expected a value from 0 to 1, got 2");
    assert_eq!(refused(&|s| s.plateau.best = Some(f64::NAN)), "best: expected a finite number, got NaN");
}

#[test]
fn another_optimizer_begins_anew() {
    let mut stepper = Stepper::new(Adam::new(0.1));
    run(&mut stepper, start::<f64>(3), &gradients(2, 3, 1));
    let stepper = stepper.optimizer(Momentum::new(0.1));
    assert_eq!(stepper.state(), Stepper::<f64>::new(Momentum::new(0.1)).state());
}

#[test]
fn a_trainer_steps_as_a_loop_of_ones_own() {
    let data = data();
    let stepper = Stepper::new(AdamW::new(0.05))
        .schedule(WarmUp::new(3, CosineDecay::new(9)))
        .clip(Clip::Value(0.5))
        .layer_rate("affine2", 0.5);
    let (mut trained, mut by_hand) = (model(), model());
    let trainer = Trainer::new().batch_size(2).epochs(5).order(|_, n| (0..n).collect());
    { trainer }.stepper(stepper.clone()).fit(&mut trained, &data).unwrap();
    let (mut ws, mut stepper) = (by_hand.workspace(2).unwrap(), stepper);
    for _ in 0..5 {
        for rows in [[0, 1], [2, 3]] {
            ws.load(&data, &rows).unwrap();
            by_hand.gradient(&mut ws).unwrap();
            stepper.step(&mut by_hand, &mut ws).unwrap();
        }
    }
    assert_eq!(bits(trained.parameter_values()), bits(by_hand.parameter_values()));
}

#[test]
fn a_trainers_settings_are_its_steppers() {
    let data = data();
    let fit = |trainer: Trainer<'_, f64>| {
        let mut model = model();
        { trainer }.batch_size(2).epochs(4).fit(&mut model, &data).unwrap();
        bits(model.parameter_values())
    };
    let settings = Trainer::new()
        .clip(Clip::Norm(0.1))
        .schedule(ExponentialDecay::new(0.9))
        .reduce_on_plateau(ReduceOnPlateau::new().patience(0))
        .optimizer(Adam::new(0.01));
    let stepper = Stepper::new(Adam::new(0.01))
        .clip(Clip::Norm(0.1))
        .schedule(ExponentialDecay::new(0.9))
        .reduce_on_plateau(ReduceOnPlateau::new().patience(0));
    assert_eq!(fit(settings), fit(Trainer::new().stepper(stepper)));
    assert_ne!(fit(Trainer::new().optimizer(Adam::new(0.01))), fit(Trainer::new()));
}

#[test]
fn a_continued_fit_goes_on_with_the_optimizers_state() {
    let data = data();
    let (mut whole, mut parts) = (model(), model());
    let trainer = || {
        let trainer = Trainer::new().batch_size(2).optimizer(Adam::new(0.01));
        trainer.schedule(ExponentialDecay::new(0.9))
    };
    trainer().epochs(4).fit(&mut whole, &data).unwrap();
    let mut twice = trainer().epochs(2).continue_run(true);
    twice.fit(&mut parts, &data).unwrap();
    twice.fit(&mut parts, &data).unwrap();
    assert_eq!(bits(whole.parameter_values()), bits(parts.parameter_values()));
}

#[test]
fn a_trainer_tells_the_plateau_each_epochs_loss() {
    // The loss cannot decrease, so the rate is halved in every epoch except the first.
    let flat = Samples::new(array![[0.0]], array![[1.0]]).unwrap();
    let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(1));
    let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    let reduce = ReduceOnPlateau::new().factor(0.5).patience(0).absolute_threshold(1e6);
    let stepper = Stepper::new(Sgd::new(0.25)).reduce_on_plateau(reduce);
    let trainer = Trainer::new().batch_size(1).epochs(3).stepper(stepper);
    { trainer }.fit(&mut model, &flat).unwrap();
    // Compared with a model stepped manually at these rates.
    let mut bias = 0.0;
    for rate in [0.25, 0.25, 0.125] {
        bias -= rate * slope(bias);
    }
    assert_eq!(model.parameter_values()[1], bias);

    let rising = ReduceOnPlateau::new().watch(Watch::greatest("loss"));
    assert_eq!(
        Trainer::new().reduce_on_plateau(rising).fit(&mut model, &flat).unwrap_err().to_string(),
        "watch of reduce_on_plateau: expected the least loss, got the greatest"
    );
}

/// Returns the gradient of the loss with respect to the bias, at (0, bias).
fn slope(bias: f64) -> f64 {
    let flat = Samples::new(array![[0.0]], array![[1.0]]).unwrap();
    let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(1));
    let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    model.set_parameter_values(&[0.0, bias]).unwrap();
    let mut ws = model.workspace(1).unwrap();
    ws.load(&flat, &[0]).unwrap();
    model.gradient(&mut ws).unwrap();
    ws.gradient()[1]
}

/// A custom rule with more slots than the maximum.
#[derive(Debug)]
struct Greedy;

impl<A: Scalar> Optimizer<A> for Greedy {
    fn kind(&self) -> &str {
        "greedy"
    }
    fn learning_rate(&self) -> f64 {
        0.1
    }
    fn slots(&self) -> &'static [&'static str] {
        &["a", "b", "c", "d", "e"]
    }
    fn update(&self, _: Step<'_, A>) {}
}

#[test]
fn a_rule_with_too_many_slots_is_refused() {
    assert_eq!(refused(Stepper::new(Greedy)), "slots: expected at most 4, got 5");
}

/// A metric that equals its threshold does not count as an improvement.
#[test]
fn a_plateau_compares_with_its_threshold() {
    let is_better = |reduce: &ReduceOnPlateau, metric: f64| {
        let mut plateau = Plateau::default();
        reduce.observe(8.0, &mut plateau);
        reduce.observe(metric, &mut plateau);
        assert_eq!(plateau.best == Some(metric), plateau.waited == 0);
        plateau.waited == 0
    };
    let reduce = ReduceOnPlateau::new().absolute_threshold(0.5);
    // The last threshold applies, with its mode.
    let relative = reduce.clone().threshold(0.25);
    let rising = || Watch::greatest("metric");
    for (reduce, limit, better) in [
        (relative.clone(), 6.0, 5.999),
        (reduce.clone(), 7.5, 7.499),
        (relative.watch(rising()), 10.0, 10.001),
        (reduce.watch(rising()), 8.5, 8.501),
    ] {
        assert!(!is_better(&reduce, limit) && is_better(&reduce, better), "{reduce:?}");
    }
}

#[test]
fn an_optimizer_within_another_checks_its_settings() {
    let refused = |rule: Box<dyn Optimizer<f64>>| refused(Stepper::new(rule));
    let average = "expected at least 0 and below 1, got 1";
    let nesterov = Nesterov::new(0.1).momentum(1.0);
    assert_eq!(refused(Box::new(nesterov)), format!("momentum: {average}"));
    for rule in [
        Box::new(AdamW::new(0.1).betas(1.0, 0.9)) as Box<dyn Optimizer<f64>>,
        Box::new(RAdam::new(0.1).betas(1.0, 0.9)),
        Box::new(NAdam::new(0.1).betas(1.0, 0.9)),
    ] {
        assert_eq!(refused(rule), format!("beta1: {average}"));
    }
    let cycle = |rise, three_phase| OneCycle::new(10).rise(rise).three_phase(three_phase);
    assert!(cycle(0.7, false).check().is_ok() && cycle(0.5, true).check().is_ok());
    assert!(message(cycle(0.7, true).check()).starts_with("rise: expected at most 0.5"));
    assert!(message(ByEpoch::new(0, ConstantRate).check()).starts_with("steps_per_epoch: "));
}

#[test]
fn another_optimizer_may_step_another_model() {
    let (mut first, mut second) = (model(), model());
    let mut stepper = Stepper::new(Adam::new(0.1));
    let (mut ws, mut other) = (with_gradient(&first), with_gradient(&second));
    stepper.step(&mut first, &mut ws).unwrap();
    assert!(stepper.step(&mut second, &mut other).is_err());
    let mut stepper = stepper.optimizer(Adam::new(0.1));
    stepper.step(&mut second, &mut other).unwrap();
    assert_eq!(bits(first.parameter_values()), bits(second.parameter_values()));
}

#[test]
fn the_rate_of_a_layer_must_fit_the_precision() {
    let stepper = |rate, factor| Stepper::<f32>::new(Sgd::new(rate)).layer_rate("affine1", factor);
    assert!(stepper(1e30, 1e-30).learning_rate().is_ok());
    assert!(message(stepper(1e30, 1e30).learning_rate()).starts_with("rate of a layer: "));
}

/// An optimizer with the given slots.
#[derive(Debug)]
struct Slots(&'static [&'static str]);

impl Optimizer<f64> for Slots {
    fn kind(&self) -> &str {
        "slots"
    }
    fn learning_rate(&self) -> f64 {
        0.1
    }
    fn slots(&self) -> &'static [&'static str] {
        self.0
    }
    fn update(&self, step: Step<'_, f64>) {
        step.each(|p, g, []| *p -= 0.1 * g);
    }
}

/// An optimizer without a state.
#[derive(Debug)]
struct Stateless;

impl Optimizer<f64> for Stateless {
    fn kind(&self) -> &str {
        "stateless"
    }
    fn learning_rate(&self) -> f64 {
        0.1
    }
    fn update(&self, step: Step<'_, f64>) {
        step.each(|p, g, []| *p -= 0.1 * g);
    }
}

#[test]
fn an_optimizer_has_no_state_by_default() {
    assert_eq!((Stateless.slots(), Stateless.scalars(), Stateless.weight_decay()), (&[][..], &[][..], 0.0));
    let text = format!("{:?}", Stepper::new(Stateless));
    assert!(text.contains("Stepper") && text.contains("Stateless"), "{text}");
    let text = format!("{:?}", Trainer::new().optimizer(Stateless));
    assert!(text.contains("Trainer") && text.contains("batch_size: 100"), "{text}");
}

#[test]
fn four_slots_are_the_most() {
    let mut four = Stepper::new(Slots(&["a", "b", "c", "d"]));
    assert!(four.step_slices(&mut [1.0], &mut [1.0]).is_ok());
    assert!(
        refused(Stepper::new(Slots(&["a", "b", "c", "d", "e"]))).starts_with("slots: expected at most 4")
    );
}

#[test]
fn a_state_without_slots_belongs_to_no_step() {
    let mut stepper = Stepper::<f64>::new(Adam::new(0.1));
    stepper.step_slices(&mut [1.0], &mut [1.0]).unwrap();
    let mut state = stepper.state().clone();
    state.slots.clear();
    assert!(message(stepper.set_state(state.clone())).starts_with("slots: expected 2 for adam"));
    state.steps = 0;
    state.slots = vec![vec![0.0]];
    assert!(message(stepper.set_state(state)).starts_with("slots: expected 2 for adam"));
}

#[test]
fn a_run_begins_with_the_memory_of_its_stepper() {
    let data = data();
    let mut stepper = Stepper::new(Adam::new(0.01));
    let mut start = model();
    let mut ws = with_gradient(&start);
    stepper.step(&mut start, &mut ws).unwrap();
    let mut trainer = Trainer::new().batch_size(2).epochs(2).stepper(stepper);
    let [first, second] = [0, 1].map(|_| {
        let mut model = start.clone();
        trainer.fit(&mut model, &data).unwrap();
        bits(model.parameter_values())
    });
    assert_eq!(first, second);
    let mut model = start.clone();
    Trainer::new().batch_size(2).epochs(2).optimizer(Adam::new(0.01)).fit(&mut model, &data).unwrap();
    assert_ne!(first, bits(model.parameter_values()));
}
