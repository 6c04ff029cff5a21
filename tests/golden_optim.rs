//! Optimizers, schedules and clipping compared with PyTorch, to a relative error of 10⁻¹².

use std::str::FromStr;

use approx::assert_relative_eq;
use manabi::Sgd;
use manabi::metrics::Watch;
use manabi::optim::{
    AdaDelta, AdaGrad, Adam, AdamW, Clip, ConstantRate, CosineDecay, ExponentialDecay, Lion, Momentum, NAdam,
    Nesterov, OneCycle, Optimizer, Plateau, PolynomialDecay, RAdam, ReduceOnPlateau, RmsProp, Schedule,
    StepDecay, Stepper, WarmUp,
};

/// Returns the values of every line that begins with `name`.
fn lines(name: &str) -> Vec<Vec<f64>> {
    let number = |word| f64::from_str(word).expect("a number");
    let lines = include_str!("golden/optim.txt").lines().filter_map(|line| line.strip_prefix(name));
    let rest = lines.filter_map(|rest| rest.strip_prefix(' '));
    rest.map(|rest| rest.split_whitespace().map(number).collect()).collect()
}

fn line(name: &str) -> Vec<f64> {
    let [line] = lines(name).try_into().unwrap_or_else(|_| panic!("expected exactly one line for {name}"));
    line
}

#[track_caller]
fn close(got: &[f64], expected: &[f64], what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        let close = (got - expected).abs() <= 1e-12 * expected.abs();
        assert!(close, "{what}[{i}]: expected {expected:e} as in PyTorch, got {got:e}");
    }
}

fn optimizer(name: &str, rule: impl Optimizer<f64> + 'static) {
    let (mut params, curvature) = (line("start"), line("curvature"));
    let mut stepper = Stepper::new(rule);
    let expected = lines(&format!("optimizer {name}"));
    assert_eq!(expected.len(), 20, "{name}");
    for (i, (slope, expected)) in lines("slope").iter().zip(expected).enumerate() {
        let gradient = params.iter().zip(&curvature).zip(slope).map(|((p, c), s)| c * p + s);
        let mut gradient: Vec<f64> = gradient.collect();
        stepper.step_slices(&mut params, &mut gradient).unwrap();
        close(&params, &expected, &format!("{name}, step {}", i + 1));
    }
}

#[test]
fn twenty_steps_of_every_optimizer_are_pytorchs() {
    optimizer("sgd", Sgd::default());
    optimizer("sgd-decay", Sgd::new(0.1).weight_decay(0.3));
    optimizer("momentum", Momentum::default());
    optimizer("momentum-decay", Momentum::new(0.05).momentum(0.7).weight_decay(0.3));
    optimizer("nesterov", Nesterov::default());
    optimizer("nesterov-decay", Nesterov::new(0.05).momentum(0.7).weight_decay(0.3));
    optimizer("adagrad", AdaGrad::default());
    let rule = AdaGrad::new(0.3).initial_accumulator(0.5).epsilon(1e-3).weight_decay(0.1);
    optimizer("adagrad-odd", rule);
    optimizer("rmsprop", RmsProp::default());
    optimizer("rmsprop-momentum", RmsProp::new(0.02).momentum(0.8));
    optimizer("rmsprop-centered", RmsProp::new(0.02).alpha(0.9).centered(true));
    let rule = RmsProp::new(0.02).alpha(0.9).epsilon(1e-3).centered(true).momentum(0.8).weight_decay(0.1);
    optimizer("rmsprop-odd", rule);
    optimizer("adadelta", AdaDelta::default());
    optimizer("adadelta-odd", AdaDelta::new(2.0).rho(0.7).epsilon(1e-4).weight_decay(0.1));
    optimizer("adam", Adam::default());
    optimizer("adam-amsgrad", Adam::new(0.05).betas(0.8, 0.9).amsgrad(true));
    let rule = Adam::new(0.05).betas(0.5, 0.95).epsilon(1e-3).weight_decay(0.2).amsgrad(true);
    optimizer("adam-odd", rule);
    optimizer("adamw", AdamW::default());
    let rule = AdamW::new(0.05).betas(0.8, 0.9).epsilon(1e-4).weight_decay(0.4).amsgrad(true);
    optimizer("adamw-odd", rule);
    optimizer("nadam", NAdam::default());
    optimizer("nadam-decay", NAdam::new(0.05).betas(0.8, 0.95).weight_decay(0.2).momentum_decay(0.1));
    optimizer(
        "nadam-decoupled",
        NAdam::new(0.05).epsilon(1e-4).weight_decay(0.2).decoupled_weight_decay(true),
    );
    optimizer("radam", RAdam::default());
    optimizer("radam-decay", RAdam::new(0.05).betas(0.8, 0.95).weight_decay(0.2));
    optimizer(
        "radam-decoupled",
        RAdam::new(0.05).epsilon(1e-4).weight_decay(0.2).decoupled_weight_decay(true),
    );
    optimizer("lion", Lion::default());
    optimizer("lion-odd", Lion::new(0.05).betas(0.6, 0.8).weight_decay(0.2));
}

fn schedule(name: &str, schedule: impl Schedule) {
    schedule.check().unwrap();
    let expected = line(&format!("schedule {name}"));
    let got: Vec<f64> = (0..expected.len() as u64).map(|steps| schedule.rate(0.1, steps)).collect();
    // A rate near 0 is only as precise, absolutely, as the base rate.
    for (i, (got, expected)) in got.iter().zip(&expected).enumerate() {
        let close = (got - expected).abs() <= 1e-12 * expected.abs() + 1e-17;
        assert!(close, "{name} after {i} steps: expected {expected:e} as in PyTorch, got {got:e}");
    }
}

#[test]
fn schedules_are_pytorchs() {
    schedule("step", StepDecay::new(7, 0.3));
    schedule("exponential", ExponentialDecay::new(0.93));
    schedule("polynomial", PolynomialDecay::new(30));
    schedule("polynomial-odd", PolynomialDecay::new(30).power(1.7));
    schedule("cosine", CosineDecay::new(39));
    schedule("cosine-end", CosineDecay::new(39).end(0.01));
    schedule("warm-up", WarmUp::new(5, ConstantRate));
    schedule("warm-up-odd", WarmUp::new(13, ConstantRate).start(0.01));
    schedule("warm-up-cosine", WarmUp::new(10, CosineDecay::new(30)).start(0.1));
    schedule("one-cycle", OneCycle::new(41));
    schedule("one-cycle-linear", OneCycle::new(41).linear(true));
    schedule("one-cycle-odd", OneCycle::new(41).rise(0.4).divisor(10.0).final_divisor(100.0));
    schedule("one-cycle-three", OneCycle::new(41).three_phase(true).rise(0.35));
    schedule("one-cycle-three-linear", OneCycle::new(41).three_phase(true).linear(true));
}

fn plateau(name: &str, reduce: ReduceOnPlateau) {
    let mut plateau = Plateau::default();
    let scales = line("metrics").into_iter().map(|metric| {
        reduce.observe(metric, &mut plateau);
        plateau.scale
    });
    close(&scales.collect::<Vec<_>>(), &line(&format!("plateau {name}")), name);
}

#[test]
fn reductions_on_a_plateau_are_pytorchs() {
    plateau("default", ReduceOnPlateau::new());
    plateau("odd", ReduceOnPlateau::new().factor(0.5).patience(2).threshold(0.05).cooldown(3));
    plateau(
        "absolute",
        ReduceOnPlateau::new().factor(0.5).patience(1).absolute_threshold(0.01).min_scale(0.1),
    );
    plateau("maximize", ReduceOnPlateau::new().factor(0.7).patience(3).watch(Watch::greatest("metric")));
    let reduce = ReduceOnPlateau::new()
        .factor(0.7)
        .patience(0)
        .absolute_threshold(0.1)
        .cooldown(1)
        .watch(Watch::greatest("metric"));
    plateau("maximize-absolute", reduce);
}

#[test]
fn clipped_gradients_are_pytorchs() {
    for bound in [0.5, 1.5, 100.0] {
        for (name, clip) in [("value", Clip::Value(bound)), ("norm", Clip::Norm(bound))] {
            let mut gradient = line("gradient");
            clip.apply(&mut gradient).unwrap();
            close(&gradient, &line(&format!("clip {name} {bound:?}")), name);
        }
    }
}

#[test]
fn the_lines_are_read() {
    assert_eq!(line("start").len(), 5);
    assert_eq!(lines("slope").len(), 20);
    assert_relative_eq!(line("start")[0], 1.7886);
}
