//! Models with several heads: compared with PyTorch (`golden/heads.py`) and with differences, saved and loaded, and errors.

mod golden_lines;

use std::collections::HashMap;

use golden_lines::matrix;
use manabi::activation::{Identity, Sigmoid, Softplus, Tanh};
use manabi::loss::{BinaryCrossEntropy, Heads, Huber, Loss, MeanSquaredError};
use manabi::output::{ElementwiseOutput, Output, OutputFunction};
use manabi::persistence::Registry;
use manabi::random::{Random, RandomState};
use manabi::{
    Activation, Affine, CrossEntropy, Result, Samples, Scalar, Sequential, Sgd, Softmax, Trainer, gradcheck,
};
use ndarray::{Array2, ArrayView2, ArrayViewMut2};

/// Returns the lines of the golden file by name.
fn golden() -> HashMap<&'static str, Vec<f64>> {
    golden_lines::lines(include_str!("golden/heads.txt"))
}

/// Checks that the values are equal to within 1e-12 of the largest value.
#[track_caller]
fn close(got: &[f64], want: &[f64]) {
    assert_eq!(got.len(), want.len());
    let greatest = want.iter().fold(0.0_f64, |greatest, want| greatest.max(want.abs()));
    assert!(greatest > 0.0, "nothing to compare");
    for (got, want) in got.iter().zip(want) {
        assert!((got - want).abs() <= 1e-12 * greatest, "expected {want:e}, got {got:e}");
    }
}

fn heads<A: Scalar>() -> Heads<A> {
    Heads::new()
        .add_head("class", 3, Softmax, CrossEntropy.label_smoothing(0.0), 1.0)
        .add_head("number", 1, Identity, MeanSquaredError, 0.3)
        .add_head("answers", 2, Sigmoid, BinaryCrossEntropy, 2.0)
}

fn model<A: Scalar>(heads: Heads<A>) -> Result<Sequential<A>> {
    Sequential::builder(4)
        .add_layer("affine1", Affine::new(5))
        .add_layer("tanh1", Activation::new(Tanh))
        .add_layer("affine2", Affine::new(6))
        .set_output(heads.clone())
        .set_error(heads)
        .seed(3)
        .build()
}

fn data() -> Samples<f64> {
    let golden = golden();
    Samples::new(matrix(&golden["x"], 4), matrix(&golden["t"], 6)).unwrap()
}

#[test]
fn training_and_metrics_are_pytorchs() {
    let (golden, data) = (golden(), data());
    let mut model = model(heads()).unwrap();
    model.set_parameter_values(&golden["params"]).unwrap();
    let mut trainer = Trainer::new().batch_size(8).epochs(5).optimizer(Sgd::new(golden["learning_rate"][0]));
    trainer = trainer.order(|_, n| (0..n).collect());
    let history = trainer.fit(&mut model, &data).unwrap();
    let losses: Vec<f64> = history.epochs[1..].iter().map(|epoch| epoch.train.loss).collect();
    close(&losses, &golden["steps"]);
    close(model.parameter_values(), &golden["trained"]);
    let each = model.evaluate_heads(&data).unwrap();
    let names: Vec<&str> = each.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["class", "number", "answers"]);
    close(&each.iter().map(|(_, metrics)| metrics.loss).collect::<Vec<_>>(), &golden["losses"]);
    let accuracies: Vec<f64> = each.iter().filter_map(|(_, metrics)| metrics.accuracy).collect();
    close(&accuracies, &golden["accuracies"]);
    assert_eq!(each[1].1.accuracy, None);
    let all = model.evaluate(&data).unwrap();
    close(&[all.loss], &[each[0].1.loss + 0.3 * each[1].1.loss + 2.0 * each[2].1.loss]);
    assert_eq!(all.accuracy, None);
}

#[test]
fn the_gradient_with_respect_to_the_logits_is_pytorchs() {
    let (golden, data, heads) = (golden(), data(), heads());
    let mut model = model(heads.clone()).unwrap();
    model.set_parameter_values(&golden["params"]).unwrap();
    let mut ws = model.workspace(8).unwrap();
    ws.load_arrays(data.x(), data.t()).unwrap();
    let y = model.forward(&mut ws, false).unwrap().to_owned();
    let u = model.layer_output(&ws, "affine2").unwrap();
    let mut du = Array2::from_elem(u.dim(), f64::NAN);
    heads.gradient(&heads, u, y.view(), data.t(), du.view_mut());
    close(du.as_slice().unwrap(), &golden["gradient"]);
    let columns: Vec<_> = heads.columns().collect();
    assert_eq!(columns, [("class", 0..3), ("number", 3..4), ("answers", 4..6)]);
}

#[test]
fn gradients_are_the_losses_differences() {
    let weighted = data().with_weights([0.5, 2.0, 0.0, 1.0, 3.25, 0.75, 1.5, 0.125]).unwrap();
    gradcheck::model(&model(heads()).unwrap(), &data()).unwrap().assert();
    gradcheck::model(&model(heads()).unwrap(), &weighted).unwrap().assert();
    // Losses with weights of their own, and gradients through output functions.
    let weights = CrossEntropy.class_weights([0.5, 2.0, 1.0]).label_smoothing(0.1);
    let other = Heads::new()
        .add_head("class", 3, Softmax, weights, 1.5)
        .add_head("number", 1, ElementwiseOutput::new(Softplus::default()), Huber::new(0.7), 1.0)
        .add_head("answers", 2, Sigmoid, MeanSquaredError, 0.7);
    gradcheck::model(&model(other.clone()).unwrap(), &weighted).unwrap().assert();
    // Another loss on the outputs of heads.
    let builder = Sequential::builder(4).add_layer("affine1", Affine::new(6)).set_output(other);
    let model = builder.set_error(Huber::new(0.7)).build().unwrap();
    gradcheck::model(&model, &data()).unwrap().assert();
}

#[test]
fn weights_of_samples_reach_each_head() {
    let (data, model) = (data(), model(heads()).unwrap());
    let weighted = data.clone().with_weights([1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]).unwrap();
    let some = manabi::data::Subset::new(&data, vec![0, 7]).unwrap();
    let (one, other) = (model.evaluate_heads(&weighted).unwrap(), model.evaluate_heads(&some).unwrap());
    for ((_, one), (_, other)) in one.iter().zip(&other) {
        close(&[one.loss], &[other.loss]);
        assert_eq!(one.accuracy, other.accuracy);
    }
}

fn saved_and_loaded<A: Scalar>() {
    let model = model::<A>(heads()).unwrap();
    let x = RandomState::new(2).normal((3, 4), 0.0, 1.0).mapv(A::of);
    let loaded = Sequential::<A>::from_bytes(&model.to_bytes().unwrap()).unwrap();
    assert_eq!(loaded.predict(x.view()).unwrap(), model.predict(x.view()).unwrap());
    assert_eq!(loaded.to_bytes().unwrap(), model.to_bytes().unwrap());
}

#[test]
fn a_saved_model_has_the_same_heads() {
    saved_and_loaded::<f32>();
    saved_and_loaded::<f64>();
}

/// y = 2u.
#[derive(Clone, Debug)]
struct Double(&'static str);

impl Output<f64> for Double {
    fn kind(&self) -> &str {
        self.0
    }
    fn function(&self) -> OutputFunction {
        OutputFunction::Other
    }
    fn settings(&self) -> Option<manabi::settings::Settings> {
        Some(manabi::settings::Settings::new())
    }
    fn forward(&self, u: ArrayView2<'_, f64>, mut y: ArrayViewMut2<'_, f64>) {
        y.assign(&u.mapv(|u| 2.0 * u));
    }
    fn backward(&self, _: ArrayView2<'_, f64>, _: ArrayView2<'_, f64>, mut d: ArrayViewMut2<'_, f64>) {
        d.mapv_inplace(|d| 2.0 * d);
    }
}

#[test]
fn custom_parts_of_heads_need_a_registry() {
    let with = |kind| heads().add_head("double", 1, Double(kind), MeanSquaredError, 1.0);
    let build = |heads: Heads<f64>| {
        let builder = Sequential::builder(4).add_layer("affine1", Affine::new(7));
        builder.set_output(heads.clone()).set_error(heads).build().unwrap()
    };
    let model = build(with("double"));
    gradcheck::model(&model, &{
        let x = data();
        let t =
            ndarray::concatenate![ndarray::Axis(1), x.t(), x.x().slice_axis(ndarray::Axis(1), (0..1).into())];
        Samples::new(x.x().to_owned(), t).unwrap()
    })
    .unwrap()
    .assert();
    let bytes = model.to_bytes().unwrap();
    let error = Sequential::<f64>::from_bytes(&bytes).unwrap_err().to_string();
    assert!(
        error.contains("head 'double'") && error.contains("kind 'double' is not in the registry"),
        "{error}"
    );
    let registry = Registry::new().output("double", |_| Ok(Double("double")));
    let loaded = Sequential::<f64>::from_bytes_with_registry(&bytes, &registry).unwrap();
    assert_eq!(loaded.parameter_values(), model.parameter_values());
    // Loading would create the built-in softmax.
    let error = build(with("softmax")).to_bytes().unwrap_err().to_string();
    assert!(error.contains("kind of the custom output"), "{error}");
}

#[test]
fn heads_that_do_not_fit_are_errors() {
    let text = |heads: Heads<f64>| model(heads).unwrap_err().to_string();
    let two = || Heads::new().add_head("a", 4, Softmax, CrossEntropy, 1.0);
    assert!(text(Heads::new()).contains("heads: expected at least 1, got 0"), "{}", text(Heads::new()));
    let short = text(two());
    assert!(
        short.ends_with("sum of the widths of the heads: expected 6, the number of outputs, got 4"),
        "{short}"
    );
    let twice = text(two().add_head("a", 2, Softmax, CrossEntropy, 1.0));
    assert!(twice.ends_with("name of a head: expected a unique name, got 'a'"), "{twice}");
    let wrong = text(two().add_head("b", 2, Sigmoid, CrossEntropy, 1.0));
    assert!(
        wrong
            .ends_with("output of head 'b': expected one that loss cross_entropy_error accepts, got sigmoid"),
        "{wrong}"
    );
    let negative = text(two().add_head("b", 2, Softmax, CrossEntropy, -1.0));
    assert!(
        negative.ends_with("weight of head 'b': expected a finite number of at least 0, got -1"),
        "{negative}"
    );
    let narrow = text(two().add_head("b", 1, Softmax, CrossEntropy, 1.0));
    assert!(narrow.ends_with("softmax of head 'b': expected at least 2 classes, got 1"), "{narrow}");
    let empty = text(two().add_head("b", 2, Identity, MeanSquaredError, 1.0).add_head(
        "c",
        0,
        Identity,
        MeanSquaredError,
        1.0,
    ));
    assert!(empty.ends_with("width of head 'c': expected at least 1, got 0"), "{empty}");

    let other = heads::<f64>().add_head("more", 1, Identity, MeanSquaredError, 1.0);
    let builder = Sequential::<f64>::builder(4).add_layer("affine1", Affine::new(6));
    let shuffled = Heads::new()
        .add_head("number", 1, Identity, MeanSquaredError, 0.3)
        .add_head("class", 3, Softmax, CrossEntropy, 1.0)
        .add_head("answers", 2, Sigmoid, BinaryCrossEntropy, 2.0);
    let error = builder.clone().set_output(shuffled).set_error(heads()).build().unwrap_err().to_string();
    assert_eq!(error, "output: expected the same heads as the loss, got heads");
    let error = builder.clone().set_output(Softmax).set_error(heads()).build().unwrap_err().to_string();
    assert_eq!(error, "output: expected the same heads as the loss, got softmax");
    assert!(builder.set_output(heads()).set_error(other).build().is_err());

    let model = model(heads()).unwrap();
    let mut t = data().t().to_owned();
    t[[5, 1]] = 0.5;
    let error = model.evaluate(&Samples::new(data().x().to_owned(), t).unwrap()).unwrap_err().to_string();
    assert!(error.contains("for head 'class' at row 5"), "{error}");
    let plain = Sequential::<f64>::builder(4).add_layer("affine1", Affine::new(6)).set_output(Softmax);
    let plain = plain.set_error(CrossEntropy).build().unwrap();
    let error = plain.evaluate_heads(&data()).unwrap_err().to_string();
    assert_eq!(error, "loss: expected heads, got cross_entropy_error");
}
