//! A user-defined loss, optimizer, data set, observer and training loop work as intended.

use downstream::parts::{FourthPower, NoisyLine, Quantile, SignDescent, Watch, descend};
use manabi::activation::Identity;
use manabi::loss::{ElementwiseLoss, MeanSquaredError};
use manabi::ndarray::{Array2, array};
use manabi::optim::{Adam, Stepper};
use manabi::train::Termination;
use manabi::{Affine, Error, Samples, Scalar, Sequential, Trainer, gradcheck};

fn line<A: Scalar>() -> Sequential<A> {
    let builder = Sequential::builder(1).add_layer("affine1", Affine::new(1));
    builder.set_output(Identity).set_error(MeanSquaredError).seed(3).build().unwrap()
}

/// Returns a model in which only the bias can fit the targets.
fn constant<A: Scalar>(quantile: f64) -> Result<Sequential<A>, Error> {
    let builder = Sequential::builder(1).add_layer("affine1", Affine::new(1));
    builder.set_output(Identity).set_error(ElementwiseLoss::new(Quantile(quantile))).build()
}

fn least_is_the_quantile<A: Scalar>() {
    let (x, t) = (Array2::zeros((10, 1)), Array2::from_shape_fn((10, 1), |(i, _)| A::of((i * i) as f64)));
    let data = Samples::new(x, t).unwrap();
    let mut model = constant(0.75).unwrap();
    let mut trainer = Trainer::new().epochs(400).batch_size(10).optimizer(SignDescent(2.0));
    trainer.fit(&mut model, &data).unwrap();
    // Three quarters of 0, 1, 4, …, 81 are below 49.
    let bias = model.parameter("affine1.bias").unwrap()[[0]].widen();
    assert!((bias - 49.0).abs() < 0.2, "{bias}");
}

#[test]
fn the_least_quantile_loss_is_at_the_quantile() {
    least_is_the_quantile::<f32>();
    least_is_the_quantile::<f64>();
    let data = Samples::new(array![[0.3], [-1.0]], array![[1.0], [-2.0]]).unwrap();
    gradcheck::model(&constant(0.3).unwrap(), &data).unwrap().assert();
    let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(1));
    let fourth = builder.set_output(Identity).set_error(FourthPower).build().unwrap();
    gradcheck::model(&fourth, &data).unwrap().assert();
    let message = constant::<f32>(1.0).unwrap_err().to_string();
    assert_eq!(message, "quantile: expected above 0 and below 1, got 1");
}

#[test]
fn an_observer_sees_every_batch_and_ends_the_run() {
    let data = Samples::new(array![[0.0], [1.0], [2.0]], array![[1.0], [3.0], [5.0]]).unwrap();
    let (mut model, mut watch) = (line::<f64>(), Watch::default());
    let mut trainer = Trainer::new().batch_size(2).epochs(10_000).optimizer(Adam::new(0.05));
    trainer = trainer.observe(&mut watch);
    let history = trainer.fit(&mut model, &data).unwrap();
    drop(trainer);
    assert_eq!(history.termination, Termination::Stopped);
    assert_eq!(watch.batches, 2 * (history.epochs.len() - 1));
    assert_eq!(watch.epochs, history.epochs.iter().map(|epoch| epoch.train.loss).collect::<Vec<_>>());
}

#[test]
fn a_data_set_with_noise_by_place_gives_the_same_bits_for_any_number_of_threads() {
    let data = NoisyLine(20_000);
    let trained = |threads| {
        let mut model = line::<f32>();
        Trainer::new().batch_size(10_000).epochs(3).threads(threads).fit(&mut model, &data).unwrap();
        model.parameter_values().to_vec()
    };
    assert_eq!(trained(1), trained(3));
}

#[test]
fn a_loop_of_ones_own_finds_the_line() {
    let mut model = line::<f64>();
    let steps = descend(&mut model, &NoisyLine(50), Stepper::new(Adam::new(0.05)), 0.02).unwrap();
    assert!(steps > 10, "{steps}");
    // The noise is the same in every evaluation. Its mean is small, but not 0.
    let (weight, bias) = (model.parameter_values()[0], model.parameter_values()[1]);
    assert!((weight - 2.0).abs() < 0.4 && (bias + 1.0).abs() < 0.3, "{weight} {bias}");
}
