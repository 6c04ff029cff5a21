//! The inside of a pass: gradients with respect to inputs and of custom losses, outputs of layers, batches from arrays.

use approx::assert_relative_eq;
use manabi::activation::Identity;
use manabi::layer::{BatchNorm, Chain, Conv2d, Dropout, Flatten, Residual};
use manabi::loss::MeanSquaredError;
use manabi::model::Workspace;
use manabi::optim::Stepper;
use manabi::random::{Random, RandomState};
use manabi::{
    Activation, Affine, CrossEntropy, Mish, Samples, Scalar, Sequential, Sgd, Softmax, Swish, Trainer,
};
use ndarray::{Array2, ArrayView2, Axis, array};

fn random(shape: (usize, usize), seed: u32) -> Array2<f64> {
    RandomState::new(seed).normal(shape, 0.0, 1.0)
}

/// Returns a model with many kinds of layers.
fn network<A: Scalar>() -> Sequential<A> {
    let inner = Chain::new().add_layer("b", Affine::new(6)).add_layer("s", Activation::new(Swish::default()));
    Sequential::builder([2, 4, 4])
        .add_layer("c", Conv2d::new(3, 3))
        .add_layer("m", Activation::new(Mish))
        .add_layer("flat", Flatten)
        .add_layer("a", Affine::new(6))
        .add_layer("n", BatchNorm::new())
        .add_layer("r", Residual::new(inner))
        .add_layer("end", Affine::new(3))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .seed(2)
        .build()
        .unwrap()
}

fn targets(rows: usize) -> Array2<f64> {
    Array2::from_shape_fn((rows, 3), |(row, column)| f64::from(u8::from(row % 3 == column)))
}

fn loss(model: &Sequential<f64>, ws: &mut Workspace<f64>, x: ArrayView2<'_, f64>) -> f64 {
    ws.load_arrays(x, targets(x.nrows()).view()).unwrap();
    model.gradient(ws).unwrap().loss
}

#[test]
fn the_gradient_with_respect_to_the_input_is_that_of_differences() {
    let (model, x) = (network::<f64>(), random((5, 32), 1));
    for threads in [1, 2] {
        let mut ws = model.workspace(5).unwrap().threads(threads);
        ws.load_arrays(x.view(), targets(5).view()).unwrap();
        let metrics = model.input_gradient(&mut ws).unwrap();
        let (dx, gradient) = (ws.dx().to_owned(), ws.gradient().to_vec());
        assert_eq!(metrics.loss, loss(&model, &mut ws, x.view()));
        assert_eq!(ws.gradient(), gradient, "the other gradient stays the same");
        for at in (0..5).flat_map(|row| [0, 7, 31].map(|column| [row, column])) {
            let shifted = |by: f64| {
                let mut x = x.clone();
                x[at] += by;
                x
            };
            let h = 1e-6;
            let slope = loss(&model, &mut ws, shifted(h).view()) - loss(&model, &mut ws, shifted(-h).view());
            assert_relative_eq!(slope / (2.0 * h), dx[at], epsilon = 1e-9, max_relative = 1e-6);
        }
    }
}

#[test]
fn a_custom_loss_equal_to_the_models_has_its_gradient() {
    let (model, x, t) = (network::<f64>(), random((6, 32), 3), targets(6));
    let mut ws = model.workspace(6).unwrap();
    ws.load_arrays(x.view(), t.view()).unwrap();
    model.input_gradient(&mut ws).unwrap();
    let (dx, gradient) = (ws.dx().to_owned(), ws.gradient().to_vec());
    ws.load_samples(x.view()).unwrap();
    // The derivative of the mean cross entropy with respect to the predictions, without the logits.
    let dy = -&t / model.forward(&mut ws, true).unwrap() / 6.0;
    model.backward(&mut ws, dy.view()).unwrap();
    ws.gradient().iter().zip(&gradient).for_each(|(a, b)| {
        assert_relative_eq!(a, b, epsilon = 1e-13, max_relative = 1e-10);
    });
    ws.dx()
        .iter()
        .zip(&dx)
        .for_each(|(a, b)| assert_relative_eq!(a, b, epsilon = 1e-13, max_relative = 1e-10));
    // A transposed gradient is not in standard layout.
    let turned = dy.t().to_owned();
    model.backward(&mut ws, turned.t()).unwrap();
    assert_relative_eq!(ws.gradient()[5], gradient[5], epsilon = 1e-13, max_relative = 1e-10);
}

/// A model cut in two trains like the whole model: the second half passes its gradient with respect to the input to the first.
#[test]
fn two_models_train_together_like_one() {
    let builder = |input: usize| Sequential::<f64>::builder(input);
    let swish = || Activation::new(Swish::default());
    let build = |builder: manabi::model::SequentialBuilder<f64>| {
        builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap()
    };
    let mut whole = build(
        builder(3).add_layer("a", Affine::new(4)).add_layer("s", swish()).add_layer("b", Affine::new(2)),
    );
    let mut first = build(builder(3).add_layer("a", Affine::new(4)).add_layer("s", swish()));
    let mut second = build(builder(4).add_layer("b", Affine::new(2)));
    first.copy_matching(&whole).unwrap();
    second.copy_matching(&whole).unwrap();
    let (x, t) = (random((7, 3), 4), random((7, 2), 5));
    let [mut ws, mut ws1, mut ws2] = [&whole, &first, &second].map(|model| model.workspace(7).unwrap());
    let [mut sgd, mut sgd1, mut sgd2] = [(); 3].map(|()| Stepper::new(Sgd::new(0.1)));
    for _ in 0..5 {
        ws.load_arrays(x.view(), t.view()).unwrap();
        model_step(&mut whole, &mut ws, &mut sgd);
        ws1.load_samples(x.view()).unwrap();
        let code = first.forward(&mut ws1, true).unwrap().to_owned();
        ws2.load_arrays(code.view(), t.view()).unwrap();
        second.input_gradient(&mut ws2).unwrap();
        first.backward(&mut ws1, ws2.dx()).unwrap();
        sgd2.step(&mut second, &mut ws2).unwrap();
        sgd1.step(&mut first, &mut ws1).unwrap();
    }
    let parts = [first.parameter_values(), second.parameter_values()].concat();
    whole
        .parameter_values()
        .iter()
        .zip(&parts)
        .for_each(|(a, b)| assert_relative_eq!(a, b, max_relative = 1e-12));
}

fn model_step(model: &mut Sequential<f64>, ws: &mut Workspace<f64>, stepper: &mut Stepper<f64>) {
    model.gradient(ws).unwrap();
    stepper.step(model, ws).unwrap();
}

#[test]
fn outputs_of_layers_are_those_of_the_model_cut_there() {
    let (model, x) = (network::<f64>(), random((4, 32), 6));
    let mut ws = model.workspace(4).unwrap();
    ws.load_samples(x.view()).unwrap();
    model.forward(&mut ws, false).unwrap();
    for layer in ["c", "m", "flat", "a", "n", "r", "end"] {
        let cut = model.cut_after(layer).unwrap();
        let cut = if matches!(layer, "c" | "m") { cut.add_layer("flatten", Flatten) } else { cut };
        let cut = cut.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
        assert_eq!(model.layer_output(&ws, layer).unwrap(), cut.predict(x.view()).unwrap(), "{layer}");
    }
    assert_eq!(ws.y(), model.predict(x.view()).unwrap());
}

#[test]
fn dropout_draws_other_values_in_every_pass_in_training() {
    let builder = Sequential::<f64>::builder(50).add_layer("d", Dropout::new(0.5));
    let model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    let (x, mut ws) = (Array2::ones((1, 50)), model.workspace(1).unwrap().seed(3));
    let mut pass = |training| {
        ws.load_samples(x.view()).unwrap();
        model.forward(&mut ws, training).unwrap().to_owned()
    };
    assert_eq!(pass(false), x);
    let (one, other) = (pass(true), pass(true));
    assert_ne!(one, other);
    assert!(one.iter().all(|&y| y == 0.0 || y == 2.0));
}

#[test]
fn arrays_train_like_a_data_set() {
    let (x, t) = (random((9, 3), 7), random((9, 2), 8));
    let builder = Sequential::<f64>::builder(3).add_layer("a", Affine::new(2));
    let model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    let mut trained = model.clone();
    let data = Samples::new(x.clone(), t.clone()).unwrap();
    let mut trainer = Trainer::new().batch_size(9).epochs(3).order(|_, n| (0..n).collect());
    trainer.fit(&mut trained, &data).unwrap();
    let (mut own, mut ws, mut sgd) =
        (model.clone(), model.workspace(9).unwrap(), Stepper::new(Sgd::default()));
    for _ in 0..3 {
        ws.load_arrays(x.view(), t.view()).unwrap();
        model_step(&mut own, &mut ws, &mut sgd);
    }
    assert_eq!(own.parameter_values(), trained.parameter_values());
    // Views that are not in standard layout, and fewer rows than the workspace has room for.
    let (columns, part) = (x.t().to_owned(), ndarray::s![..4, ..]);
    ws.load_arrays(columns.t().slice(part), t.slice(part)).unwrap();
    assert_eq!(
        own.loss(&mut ws).unwrap(),
        own.evaluate(&Samples::new(x.slice(part).to_owned(), t.slice(part).to_owned()).unwrap()).unwrap()
    );
}

#[test]
fn what_is_missing_is_named() {
    let (model, x, t) = (network::<f64>(), random((4, 32), 6), targets(4));
    let mut ws = model.workspace(4).unwrap();
    let text = |result: manabi::Result<()>| result.unwrap_err().to_string();
    let none = "workspace: expected a loaded batch (call Workspace::load first), got none";
    assert_eq!(text(model.forward(&mut ws, false).map(|_| ())), none);
    ws.load_samples(x.view()).unwrap();
    assert_eq!(text(model.gradient(&mut ws).map(|_| ())), none);
    let pass = "workspace: expected a pass over the batch (call Sequential::forward first), got none";
    assert_eq!(text(model.layer_output(&ws, "a").map(|_| ())), pass);
    model.forward(&mut ws, false).unwrap();
    let layer = "layer: expected one of c, m, flat, a, n, r, end, got r.b";
    assert_eq!(text(model.layer_output(&ws, "r.b").map(|_| ())), layer);
    let training = "workspace: expected a forward pass in training over the batch (call Sequential::forward with true first), got none";
    assert_eq!(text(model.backward(&mut ws, t.view())), training);
    model.forward(&mut ws, true).unwrap();
    assert_eq!(
        text(model.backward(&mut ws, t.slice(ndarray::s![..3, ..]))),
        "dy: expected shape (4, 3), got [3, 3]"
    );
    let finite = "dy: expected a finite value at row 0, column 0, got NaN";
    assert_eq!(text(model.backward(&mut ws, t.mapv(|_| f64::NAN).view())), finite);
    assert_eq!(
        text(ws.load_samples(random((5, 32), 1).view())),
        "x: expected shape (1 to 4, 32), got [5, 32]"
    );
    assert_eq!(text(model.forward(&mut ws, false).map(|_| ())), none);
    assert_eq!(text(ws.load_arrays(x.view(), t.t())), "t: expected shape (4, 3), got [3, 4]");
    let one = x.index_axis(Axis(0), 0).insert_axis(Axis(0)).to_owned();
    ws.load_samples(one.view()).unwrap();
    let few = "layer 'n': rows of a batch: expected at least 2 in training, got 1";
    assert_eq!(text(model.forward(&mut ws, true).map(|_| ())), few);
    assert_eq!(
        ws.load_samples(array![[1.0]].view()).unwrap_err().to_string(),
        "x: expected shape (1 to 4, 32), got [1, 1]"
    );
}
