//! Steps that must not pass in silence, and the noise of a step.

use manabi::{
    Adam, Affine, Dropout, Identity, MeanSquaredError, Momentum, Noise, Samples, Sequential, Sgd, Stepper,
    Workspace,
};
use ndarray::{Array2, array};

fn message<T>(result: manabi::Result<T>) -> String {
    result.err().expect("an error").to_string()
}

fn line(seed: u32) -> Sequential<f64> {
    let builder = Sequential::builder(1).add_layer("affine1", Affine::new(1)).seed(seed);
    builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap()
}

fn data() -> Samples<f64> {
    Samples::new(array![[1.0], [2.0]], array![[1.0], [3.0]]).unwrap()
}

/// A step by a new gradient.
fn step(stepper: &mut Stepper<f64>, model: &mut Sequential<f64>) -> manabi::Result<()> {
    let mut ws = model.workspace(2)?;
    ws.load(&data(), &[0, 1])?;
    model.gradient(&mut ws)?;
    stepper.step(model, &mut ws)
}

#[test]
fn a_gradient_serves_one_step() {
    let (mut model, mut stepper) = (line(1), Stepper::new(Momentum::new(0.1)));
    let mut ws = model.workspace(2).unwrap();
    ws.load(&data(), &[0, 1]).unwrap();
    model.gradient(&mut ws).unwrap();
    stepper.step(&mut model, &mut ws).unwrap();
    let refused = |stepper: &mut Stepper<f64>, model: &mut Sequential<f64>, ws: &mut Workspace<f64>| {
        let (params, state, gradient) =
            (model.params().to_vec(), stepper.state().clone(), ws.gradient().to_vec());
        let error = message(stepper.step(model, ws));
        assert!(error.starts_with("workspace: expected a gradient that no step has taken; "), "{error}");
        assert!(error.ends_with("got one that a step has taken"), "{error}");
        assert_eq!((model.params(), ws.gradient()), (&params[..], &gradient[..]));
        assert_eq!(*stepper.state(), state);
    };
    refused(&mut stepper, &mut model, &mut ws);
    // Neither another batch nor another stepper makes it a new one, nor a pass without a gradient.
    ws.load(&data(), &[1]).unwrap();
    refused(&mut stepper, &mut model, &mut ws);
    refused(&mut Stepper::new(Sgd::new(0.1)), &mut model, &mut ws);
    model.loss(&mut ws).unwrap();
    refused(&mut stepper, &mut model, &mut ws);

    model.gradient(&mut ws).unwrap();
    stepper.step(&mut model, &mut ws).unwrap();
    refused(&mut stepper, &mut model, &mut ws);
    ws.reuse_gradient();
    stepper.step(&mut model, &mut ws).unwrap();
    refused(&mut stepper, &mut model, &mut ws);
    ws.gradient_mut().fill(0.5);
    stepper.step(&mut model, &mut ws).unwrap();
    refused(&mut stepper, &mut model, &mut ws);
    assert_eq!(stepper.state().steps, 4);
}

#[test]
fn a_step_that_fails_takes_no_gradient() {
    let mut model = line(1);
    let mut ws = model.workspace(2).unwrap();
    ws.load(&data(), &[0, 1]).unwrap();
    model.gradient(&mut ws).unwrap();
    let mut wrong = Stepper::new(Sgd::new(0.1)).schedule(|_, _| -1.0);
    assert!(message(wrong.step(&mut model, &mut ws)).starts_with("rate of the schedule: "));
    Stepper::new(Sgd::new(0.1)).step(&mut model, &mut ws).unwrap();
}

#[test]
fn a_state_belongs_to_one_model() {
    let untrained = line(1);
    let (mut own, mut stepper) = (untrained.clone(), Stepper::new(Adam::new(0.1)));
    step(&mut stepper, &mut own).unwrap();
    // The next fold, another seed.
    for mut other in [untrained.clone(), line(2)] {
        let (params, state) = (other.params().to_vec(), stepper.state().clone());
        let error = message(step(&mut stepper, &mut other));
        assert!(error.starts_with("model of a stepper: expected the model of the steps before"), "{error}");
        assert_eq!((other.params(), stepper.state()), (&params[..], &state));
        assert!(stepper.check(&other).is_err());
    }
    // A snapshot, and one of it, in the same place; the parameters may come from anywhere.
    let best = own.clone();
    step(&mut stepper, &mut own).unwrap();
    own = best.clone();
    step(&mut stepper, &mut own).unwrap();
    own.set_params(&[1.0, 2.0]).unwrap();
    step(&mut stepper, &mut own).unwrap();
    assert_eq!(stepper.state().steps, 4);

    let mut next = untrained.clone();
    stepper.carry_over();
    step(&mut stepper, &mut next).unwrap();
    assert_eq!(stepper.state().steps, 5);
    // It is that one's now.
    assert!(step(&mut stepper, &mut own).is_err());
    stepper.reset();
    assert_eq!(stepper.state(), Stepper::<f64>::new(Adam::new(0.1)).state());
    let (mut anew, mut alone) = (untrained.clone(), untrained.clone());
    step(&mut stepper, &mut anew).unwrap();
    step(&mut Stepper::new(Adam::new(0.1)), &mut alone).unwrap();
    assert_eq!(anew.params(), alone.params());
}

#[test]
fn a_state_that_is_put_back_knows_its_model() {
    let (mut own, mut stepper) = (line(1), Stepper::new(Adam::new(0.1)));
    step(&mut stepper, &mut own).unwrap();
    let mut restored = Stepper::new(Adam::new(0.1));
    restored.set_state(stepper.state().clone()).unwrap();
    assert!(step(&mut restored, &mut line(2)).is_err());
    step(&mut restored, &mut own).unwrap();
    step(&mut stepper.clone(), &mut own).unwrap();
}

#[test]
fn several_steppers_take_turns_on_a_model() {
    let mut model = line(1);
    let mut steppers: Vec<Stepper<f64>> = (0..4).map(|_| Stepper::new(Adam::new(0.1))).collect();
    for _ in 0..3 {
        steppers.iter_mut().for_each(|stepper| step(stepper, &mut model).unwrap());
    }
    // Folds of a model that was trained before are told apart as well.
    let (mut first, mut second, mut fine) = (model.clone(), model.clone(), Stepper::new(Adam::new(0.1)));
    step(&mut fine, &mut first).unwrap();
    assert!(step(&mut fine, &mut second).is_err());
}

fn noisy() -> (Sequential<f64>, Samples<f64>) {
    let ones = Array2::<f64>::ones((4, 6));
    let builder = Sequential::builder(6).add_layer("affine1", Affine::new(6));
    let builder = builder.add_layer("dropout1", Dropout::new(0.5)).set_output(Identity);
    (builder.set_error(MeanSquaredError).build().unwrap(), Samples::new(ones.clone(), ones).unwrap())
}

#[test]
fn every_step_draws_noise_of_its_own() {
    let (mut model, data) = noisy();
    let mut loaded = model.clone();
    let [mut ws, mut each] = [0, 1].map(|_| model.workspace(4).unwrap().seed(3));
    let [mut stepper, mut same] = [0, 1].map(|_| Stepper::new(Momentum::new(0.1)));
    ws.load(&data, &[0, 1, 2, 3]).unwrap();
    for batch in 1..6 {
        let mut gradients = Vec::new();
        for _ in 0..3 {
            model.gradient(&mut ws).unwrap();
            assert_eq!(ws.noise(), Noise::new(3, batch));
            gradients.push(ws.gradient().to_vec());
            // A pass that draws nothing changes nothing.
            model.loss(&mut ws).unwrap();
        }
        assert!(gradients.iter().all(|gradient| *gradient == gradients[0]));
        stepper.step(&mut model, &mut ws).unwrap();
        // As if the batch were loaded for every step.
        each.load(&data, &[0, 1, 2, 3]).unwrap();
        loaded.gradient(&mut each).unwrap();
        assert_eq!(each.gradient(), gradients[0]);
        same.step(&mut loaded, &mut each).unwrap();
        assert_eq!(model.params(), loaded.params());
    }
}

#[test]
fn a_loop_without_a_stepper_draws_new_noise_itself() {
    let (mut model, data) = noisy();
    let mut ws = model.workspace(4).unwrap().seed(3);
    ws.load(&data, &[0, 1, 2, 3]).unwrap();
    for batch in 1..4 {
        model.gradient(&mut ws).unwrap();
        assert_eq!(ws.noise(), Noise::new(3, batch));
        model.params_mut().iter_mut().zip(ws.gradient()).for_each(|(p, g)| *p -= 0.1 * g);
        ws.redraw();
    }
}
