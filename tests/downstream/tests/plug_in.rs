//! The user-defined activations and layers have correct derivatives and can be trained, in both precisions.

use std::time::Instant;

use downstream::{GatedResidual, Glu, LearnedSnake, MySwish, Serf, Snake, Squareplus};
use manabi::activation::Identity;
use manabi::layer::{Backward, Forward, LayerWorkspace, TrainableActivation};
use manabi::loss::MeanSquaredError;
use manabi::ndarray::{Array2, array};
use manabi::optim::Adam;
use manabi::random::{Random, RandomState};
use manabi::{
    ActFn, Activation, Affine, CrossEntropy, Layer, Samples, Scalar, Sequential, Sgd, Softmax, Swish,
    Trainer, conformance, gradcheck,
};

#[test]
fn derivatives_are_right() {
    gradcheck::activation(&Squareplus).assert();
    gradcheck::activation(&Serf).assert();
    gradcheck::activation(&MySwish).assert();
    // After some thousand periods, the difference step is not small compared with the rounding error of a period.
    gradcheck::activation_at(&Snake(0.7), (-3000..=3000).map(|i| f64::from(i) / 20.0)).assert();
    gradcheck::layer(&Glu, RandomState::new(1).normal((4, 6), 0.0, 1.0).view(), 0).unwrap().assert();
}

/// One unit learns the unknown frequency of a sine.
fn frequency_is_found<A: Scalar>() {
    let x = Array2::from_shape_fn((200, 1), |(row, _)| A::of(row as f64 / 50.0 - 2.0));
    let t = x.mapv(|x| x + A::of((1.7 * x.widen()).sin().powi(2) / 1.7));
    let data = Samples::new(x, t).unwrap();
    let builder =
        Sequential::<A>::builder(1).add_layer("snake1", TrainableActivation::new(LearnedSnake(1.0)));
    let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    gradcheck::layer(&TrainableActivation::new(LearnedSnake(1.3)), array![[0.5, -2.0], [3.0, 0.1]].view(), 0)
        .unwrap()
        .assert();
    Trainer::new().batch_size(20).epochs(100).optimizer(Adam::new(0.02)).fit(&mut model, &data).unwrap();
    let frequency = model.parameter("snake1.frequency").unwrap()[[0]].widen();
    assert!((frequency - 1.7).abs() < 1e-3, "{frequency}");
}

#[test]
fn a_frequency_is_learned_by_the_function_alone() {
    frequency_is_found::<f32>();
    frequency_is_found::<f64>();
}

/// Returns two concentric rings.
fn rings<A: Scalar>() -> Samples<A> {
    let rows = 120;
    let labels: Vec<usize> = (0..rows).map(|row| row % 2).collect();
    let noise = RandomState::new(5).normal((rows, 2), 0.0, 0.1);
    let x = Array2::from_shape_fn((rows, 2), |(row, column)| {
        let (radius, angle) = (1.0 + 1.5 * labels[row] as f64, row as f64);
        A::of(radius * if column == 0 { angle.sin() } else { angle.cos() } + noise[[row, column]])
    });
    Samples::labeled(x, &labels, 2).unwrap()
}

fn learns<A: Scalar>(layer: impl Layer<A> + 'static) {
    let data = rings::<A>();
    let mut model = Sequential::<A>::builder(2)
        .add_layer("affine1", Affine::new(16))
        .add_layer("custom1", layer)
        .add_layer("affine2", Affine::new(2))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .seed(3)
        .build()
        .unwrap();
    Trainer::new().batch_size(20).epochs(150).optimizer(Sgd::new(0.2)).fit(&mut model, &data).unwrap();
    let metrics = model.evaluate(&data).unwrap();
    assert!(metrics.accuracy.unwrap() > 0.98, "{model}\n{metrics:?}");
}

#[test]
fn they_train_in_both_precisions() {
    fn both<F: ActFn>(function: F) {
        learns::<f32>(Activation::new(function.clone()));
        learns::<f64>(Activation::new(function));
    }
    both(Squareplus);
    both(Serf);
    both(Snake(0.7));
    both(MySwish);
    learns::<f32>(Glu);
    learns::<f64>(Glu);
    learns::<f32>(GatedResidual);
    learns::<f64>(GatedResidual);
}

/// Returns the shortest time of several forward and backward passes over 100,000 values, in seconds.
fn fastest(layer: &dyn Layer<f32>) -> f64 {
    let x = RandomState::new(1).normal((1000, 100), 0.0, 3.0).mapv(|x| x as f32);
    let (dy, mut y, mut dx) = (x.clone(), x.clone(), x.clone());
    let mut ws = LayerWorkspace::new(layer, 100, 1000).unwrap();
    let mut pass = || {
        let start = Instant::now();
        layer.forward(Forward::new(&mut ws, &[], &[], x.view(), y.view_mut()).unwrap());
        let backward = Backward::new(&mut ws, &[], &[], [x.view(), y.view(), dy.view()]).unwrap();
        layer.backward(backward.dx(dx.view_mut()).unwrap());
        start.elapsed().as_secs_f64()
    };
    (0..5).map(|_| pass()).fold(f64::INFINITY, f64::min)
}

/// In a debug build, a custom swish is not optimised, but the library's swish is.
#[test]
fn what_is_built_in_is_compiled_in_the_library() {
    if cfg!(debug_assertions) {
        let (built_in, own) =
            (fastest(&Activation::new(Swish::default())), fastest(&Activation::new(MySwish)));
        assert!(own > 5.0 * built_in, "custom: {own} s, built-in: {built_in} s");
    }
}

#[test]
fn they_keep_every_promise_of_a_layer() {
    for rows in [1, 4] {
        let x = RandomState::new(1).normal((rows, 6), 0.0, 1.0);
        conformance::layer(&Glu, x.view(), 3).unwrap().assert();
        conformance::layer(&GatedResidual, x.view(), 3).unwrap().assert();
    }
}

#[test]
fn what_they_refuse_is_reported_with_the_layers_name() {
    let builder =
        Sequential::<f32>::builder(3).add_layer("glu1", Glu).set_output(Softmax).set_error(CrossEntropy);
    let message = builder.build().unwrap_err().to_string();
    assert_eq!(message, "layer 'glu1': input width: expected an even number, got 3");
    let builder = Sequential::<f32>::builder(3).add_layer("snake1", Activation::new(Snake(0.0)));
    let message = builder.set_output(Softmax).set_error(CrossEntropy).build().unwrap_err().to_string();
    assert_eq!(message, "layer 'snake1': alpha: expected a finite number other than 0, got 0");
}

#[test]
fn the_table_shows_their_names() {
    let builder =
        Sequential::<f64>::builder(4).add_layer("glu1", Glu).add_layer("snake1", Activation::new(Snake(1.0)));
    let model = builder.set_output(Softmax).set_error(CrossEntropy).build().unwrap();
    assert!(model.to_string().contains("glu1 glu 4 2\nsnake1 snake 2 2"));
    assert!(model.predict(array![[1.0, 2.0, 3.0, 4.0]].view()).is_ok());
}
