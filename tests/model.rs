//! Building a model, reading and changing its parameters, and predicting.

use std::thread;

use manabi::activation::{Identity, Sigmoid};
use manabi::init::Initializer;
use manabi::loss::{BinaryCrossEntropy, MeanSquaredError};
use manabi::model::SequentialBuilder;
use manabi::random::{Random, RandomState};
use manabi::{Activation, Affine, CrossEntropy, Mish, Relu, Samples, Scalar, Sequential, Softmax, Swish};
use ndarray::{Array2, array, s};

fn article<A: Scalar>() -> SequentialBuilder<A> {
    Sequential::builder(784)
        .add_layer("affine1", Affine::new(100))
        .add_layer("swish1", Activation::new(Swish::new(1.0)))
        .add_layer("affine2", Affine::new(50))
        .add_layer("swish2", Activation::new(Swish::new(1.0)))
        .add_layer("affine3", Affine::new(10))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .seed(10)
}

#[test]
fn the_table_is_the_articles() {
    let table = "input - 0 784\n\
        affine1 affine 784 100\n\
        swish1 swish 100 100\n\
        affine2 affine 100 50\n\
        swish2 swish 50 50\n\
        affine3 affine 50 10\n\
        output softmax 10\n\
        error cross_entropy_error";
    assert_eq!(article::<f32>().build().unwrap().to_string(), table);
}

#[test]
fn first_weights_are_numpys() {
    let model = article::<f64>().build().unwrap();
    assert_eq!(model.parameter("affine1.weight").unwrap()[[0, 0]], 0.06725527477189078);
    assert_eq!(model.parameter("affine3.weight").unwrap()[[49, 9]], 0.13682214521991323);
    assert!(model.parameter("affine2.bias").unwrap().iter().all(|&b| b == 0.0));
    let names: Vec<String> = model.parameters().map(|(name, _)| name).collect();
    let expected = [
        "affine1.weight",
        "affine1.bias",
        "affine2.weight",
        "affine2.bias",
        "affine3.weight",
        "affine3.bias",
    ];
    assert_eq!(names, expected);
    assert_eq!(model.parameter_count(), 784 * 100 + 100 + 100 * 50 + 50 + 50 * 10 + 10);
}

#[test]
fn f32_and_f64_start_from_the_same_weights() {
    let (single, double) = (article::<f32>().build().unwrap(), article::<f64>().build().unwrap());
    let rounded: Vec<f32> = double.parameter_values().iter().map(|&w| w as f32).collect();
    assert_eq!(single.parameter_values(), rounded);
}

/// Returns the error of `build`.
fn refusal<A: Scalar>(builder: SequentialBuilder<A>) -> String {
    builder.build().unwrap_err().to_string()
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    let start = || Sequential::<f32>::builder(4);
    let end = |builder: SequentialBuilder<f32>| refusal(builder.set_output(Softmax).set_error(CrossEntropy));
    assert_eq!(
        end(start().add_layer("a", Affine::new(3)).add_layer("b", Affine::new(0))),
        "layer 'b': units: expected at least 1, got 0"
    );
    assert_eq!(
        end(start().add_layer("a", Affine::new(3)).add_layer("a", Affine::new(3))),
        "duplicate layer name \"a\": give each layer a unique name"
    );
    assert_eq!(
        end(start().add_layer("", Affine::new(3))),
        "layer '#1': name: expected non-empty parts without spaces, separated by dots, got ''"
    );
    assert_eq!(end(start()), "layers: expected at least 1, got 0");
    assert_eq!(
        end(Sequential::builder(0).add_layer("a", Affine::new(3))),
        "input shape: expected at least 1 in each dimension, got 0"
    );
    assert_eq!(
        end(start().add_layer("a", Affine::new(1))),
        "layer 'a': softmax: expected at least 2 classes, got 1"
    );
    let swish = Activation::new(Swish::new(f64::NAN));
    assert_eq!(
        end(start().add_layer("swish1", swish)),
        "layer 'swish1': beta: expected a finite number, got NaN"
    );
    let affine = Affine::new(3).weight_initializer(Initializer::Constant(f64::INFINITY));
    assert!(
        end(start().add_layer("a", affine)).starts_with("layer 'a': constant inf of weight: expected finite")
    );
    assert!(
        end(start().add_layer("a", Affine::new(usize::MAX)))
            .starts_with("layer 'a': out of memory: cannot allocate ")
    );
    assert!(
        end(start().add_layer("a", Affine::new(usize::MAX / 64))).contains("out of memory: cannot allocate")
    );
    let affine = || start().add_layer("a", Affine::new(3));
    assert_eq!(
        refusal(affine().set_error(CrossEntropy)),
        "output: expected one (call set_output before build), got none"
    );
    assert_eq!(
        refusal(affine().set_output(Softmax)),
        "loss: expected one (call set_error before build), got none"
    );
}

#[test]
fn only_pairings_that_make_sense_are_built() {
    let start = || Sequential::<f64>::builder(2).add_layer("a", Affine::new(2));
    let (softmax, sigmoid, identity) =
        (|| start().set_output(Softmax), || start().set_output(Sigmoid), || start().set_output(Identity));
    assert!(softmax().set_error(CrossEntropy).build().is_ok());
    assert!(sigmoid().set_error(BinaryCrossEntropy).build().is_ok());
    for builder in [softmax(), sigmoid(), identity()] {
        assert!(builder.set_error(MeanSquaredError).build().is_ok());
    }
    for (builder, output) in [(sigmoid(), "sigmoid"), (identity(), "identity")] {
        let expected = format!("output: expected softmax for loss cross_entropy_error, got {output}");
        assert_eq!(refusal(builder.set_error(CrossEntropy)), expected);
    }
    for (builder, output) in [(softmax(), "softmax"), (identity(), "identity")] {
        let expected = format!("output: expected sigmoid for loss binary_cross_entropy_error, got {output}");
        assert_eq!(refusal(builder.set_error(BinaryCrossEntropy)), expected);
    }
}

#[test]
fn a_small_model_computes_what_the_formulas_say() {
    let mut model = Sequential::<f64>::builder(2)
        .add_layer("affine1", Affine::new(2))
        .add_layer("relu1", Activation::new(Relu))
        .add_layer("affine2", Affine::new(1))
        .set_output(Identity)
        .set_error(MeanSquaredError)
        .build()
        .unwrap();
    model.set_parameter_values(&[1.0, 2.0, 3.0, -4.0, 0.5, 0.25, 10.0, 100.0, -1.0]).unwrap();
    // (1, 1)·W + b = (4.5, -1.75), relu (4.5, 0), then 45 − 1.
    assert_eq!(model.predict(array![[1.0, 1.0], [0.0, 0.0]].view()).unwrap(), array![[44.0], [29.0]]);
}

#[test]
fn parameters_are_replaced_whole_or_not_at_all() {
    let mut model = article::<f64>().build().unwrap();
    let before = model.parameter_values().to_vec();
    let message = |result: manabi::Result<()>| result.unwrap_err().to_string();
    let mut weight = Array2::zeros((50, 10));
    weight[[49, 3]] = f64::NAN;
    assert_eq!(
        message(model.set_parameter("affine3.weight", &weight)),
        "affine3.weight: expected a finite value at row 49, column 3, got NaN"
    );
    assert_eq!(
        message(model.set_parameter("affine3.weight", &weight.t())),
        "affine3.weight: expected shape [50, 10], got [10, 50]"
    );
    assert!(message(model.set_parameter("affine4.weight", &weight)).contains("affine3.weight"));
    assert_eq!(
        message(model.set_parameter_values(&[1.0])),
        "parameter values: expected shape [84060], got [1]"
    );
    let mut params = before.clone();
    params[5] = f64::INFINITY;
    assert!(message(model.set_parameter_values(&params)).contains("column 5"));
    assert_eq!(model.parameter_values(), before);
    weight[[49, 3]] = 7.0;
    model.set_parameter("affine3.weight", &weight).unwrap();
    assert_eq!(model.parameter("affine3.weight").unwrap(), weight.into_dyn());
}

#[test]
fn wrong_input_is_an_error_and_changes_nothing() {
    let model = article::<f32>().build().unwrap();
    let mut ws = model.workspace(2).unwrap();
    let message = |x: &Array2<f32>| model.predict(x.view()).unwrap_err().to_string();
    assert_eq!(message(&Array2::zeros((3, 783))), "x: expected shape (any, 784), got [3, 783]");
    let mut x = Array2::zeros((3, 784));
    x[[2, 700]] = f32::NAN;
    assert_eq!(message(&x), "x: expected a finite value at row 2, column 700, got NaN");
    let mut y = Array2::from_elem((3, 10), 5.0);
    assert!(model.predict_into(x.view(), &mut ws, y.view_mut()).is_err());
    x[[2, 700]] = 0.0;
    assert!(model.predict_into(x.view(), &mut ws, y.slice_mut(s![..2, ..])).is_err());
    let other = Sequential::<f32>::builder(784)
        .add_layer("a", Affine::new(10))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .build()
        .unwrap();
    assert!(model.predict_into(x.view(), &mut other.workspace(3).unwrap(), y.view_mut()).is_err());
    assert!(y.iter().all(|&y| y == 5.0));
    let mut many = Array2::zeros((3000, 784));
    many[[2997, 1]] = f32::INFINITY;
    let (mut ws, mut y) = (ws.threads(4), Array2::from_elem((3000, 10), 5.0));
    let error = model.predict_into(many.view(), &mut ws, y.view_mut()).unwrap_err().to_string();
    assert_eq!(error, "x: expected a finite value at row 2997, column 1, got inf");
    assert!(y.iter().all(|&y| y == 5.0));
    assert!(model.loss(&mut ws).is_err(), "expected an error without a loaded batch");
    assert_eq!(model.predict(Array2::zeros((0, 784)).view()).unwrap().dim(), (0, 10));
}

#[test]
fn any_layout_and_any_chunking_give_the_same_bits() {
    let model = article::<f64>().build().unwrap();
    let x = RandomState::new(4).uniform((37, 784), 0.0, 1.0);
    let y = model.predict(x.view()).unwrap();
    let columns = x.t().as_standard_layout().to_owned();
    assert_eq!(model.predict(columns.t()).unwrap(), y);
    for rows in [1, 2, 5, 36, 37, 50] {
        let mut chunked = Array2::zeros((37, 10));
        model.predict_into(x.view(), &mut model.workspace(rows).unwrap(), chunked.view_mut()).unwrap();
        assert_eq!(chunked, y, "{rows} rows at a time");
    }
}

#[test]
fn many_threads_share_one_model() {
    let model = article::<f32>().build().unwrap();
    let x = RandomState::new(4).uniform((8, 784), 0.0, 1.0).mapv(|v| v as f32);
    let y = model.predict(x.view()).unwrap();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut ws = model.workspace(3).unwrap();
                let mut mine = Array2::zeros((8, 10));
                for _ in 0..20 {
                    model.predict_into(x.view(), &mut ws, mine.view_mut()).unwrap();
                    assert_eq!(mine, y);
                }
            });
        }
    });
}

#[test]
fn a_clone_is_independent() {
    let mut model = article::<f64>().build().unwrap();
    let snapshot = model.clone();
    model.parameter_values_mut().fill(0.0);
    assert_eq!(snapshot.parameter_values()[0], 0.06725527477189078);
}

#[test]
fn layers_are_chosen_at_run_time() {
    for (name, expected) in [("swish", "swish1 swish 3 3"), ("mish", "mish1 mish 3 3")] {
        let layer: Box<dyn manabi::Layer<f64>> = match name {
            "swish" => Box::new(Activation::new(Swish::default())),
            _ => Box::new(Activation::new(Mish)),
        };
        // The same applies to outputs and losses.
        let output: Box<dyn manabi::output::Output<f64>> = Box::new(Identity);
        let loss: Box<dyn manabi::loss::Loss<f64>> = Box::new(MeanSquaredError);
        let builder = || Sequential::builder(3).add_layer(format!("{name}1"), Activation::new(Mish));
        let model =
            Sequential::builder(3).add_layer(format!("{name}1"), layer).set_output(output).set_error(loss);
        assert!(model.build().unwrap().to_string().contains(expected));
        let refused = builder()
            .set_output(Identity)
            .set_error(Box::new(CrossEntropy) as Box<dyn manabi::loss::Loss<f64>>);
        assert!(refused.build().is_err());
    }
}

#[test]
fn any_number_of_threads_will_do() {
    let model = article::<f64>().build().unwrap();
    let x = Array2::from_shape_fn((300, 784), |(row, column)| (row * column % 7) as f64);
    let mut y = [Array2::zeros((300, 10)), Array2::zeros((300, 10))];
    for (threads, y) in [1, usize::MAX].into_iter().zip(&mut y) {
        let mut ws = model.workspace(300).unwrap().threads(threads);
        model.predict_into(x.view(), &mut ws, y.view_mut()).unwrap();
    }
    assert_eq!(y[0], y[1]);
}

#[test]
fn a_weight_that_is_not_a_number_is_noticed() {
    fn notice(layer: impl manabi::Layer<f64> + 'static) {
        let builder =
            Sequential::<f64>::builder(2).add_layer("affine1", Affine::new(3)).add_layer("layer", layer);
        let mut model = builder.set_output(Softmax).set_error(CrossEntropy).build().unwrap();
        model.parameter_values_mut()[4] = f64::NAN;
        let error = model.predict(array![[1.0, 1.0]].view()).unwrap_err();
        assert!(error.to_string().starts_with("prediction: expected a finite value at row 0"), "{error}");
        let data = manabi::Samples::labeled(array![[1.0, 1.0]], &[2_u8], 3).unwrap();
        let error = manabi::Trainer::new().batch_size(1).fit(&mut model, &data).unwrap_err();
        assert_eq!(error.to_string(), "affine1.weight: expected a finite value at row 1, column 1, got NaN");
        assert!(model.evaluate(&data).is_err());
    }
    notice(Activation::new(Relu));
    notice(Activation::new(Swish::default()));
    notice(Activation::new(Mish));
}

#[test]
fn a_workspace_does_not_mix_batches() {
    let model = article::<f64>().build().unwrap();
    let data = manabi::Samples::labeled(Array2::from_elem((3, 784), 0.5), &[1_u8, 2, 3], 10).unwrap();
    let mut ws = model.workspace(3).unwrap();
    ws.load(&data, &[0, 1, 2]).unwrap();
    let loss = model.loss(&mut ws).unwrap();
    let mut y = Array2::zeros((2, 10));
    model.predict_into(Array2::zeros((2, 784)).view(), &mut ws, y.view_mut()).unwrap();
    let error = model.loss(&mut ws).unwrap_err();
    assert_eq!(
        error.to_string(),
        "workspace: expected a loaded batch (call Workspace::load first), got none"
    );
    assert_eq!(ws.t().nrows(), 0);
    ws.load(&data, &[0, 1, 2]).unwrap();
    assert_eq!(model.loss(&mut ws).unwrap(), loss);
    assert!(
        ws.load(&data, &[3]).is_err() && ws.load(&data, &[]).is_err() && ws.load(&data, &[0; 4]).is_err()
    );
    assert!(model.workspace(usize::MAX).is_err());
}

#[test]
fn targets_must_suit_the_loss() {
    let x = || array![[1.0, 2.0]];
    let start = || Sequential::<f64>::builder(2).add_layer("a", Affine::new(2));
    let message = |model: Sequential<f64>, t: Array2<f64>| {
        let data = manabi::Samples::new(x(), t).unwrap();
        model.evaluate(&data).unwrap_err().to_string()
    };
    let softmax = start().set_output(Softmax).set_error(CrossEntropy).build().unwrap();
    let expected = "during evaluation, rows starting at 0: targets of the data set: expected a distribution";
    assert!(message(softmax, array![[3.0, -2.0]]).starts_with(expected));
    let sigmoid = start().set_output(Sigmoid).set_error(BinaryCrossEntropy).build().unwrap();
    assert!(message(sigmoid, array![[0.0, 1.5]]).contains("expected values from 0 to 1"));
}

#[test]
fn names_cannot_be_confused() {
    let build = |name| {
        let builder = Sequential::<f64>::builder(2).add_layer(name, Affine::new(2));
        builder.set_output(Softmax).set_error(CrossEntropy).build().map(|_| ())
    };
    assert!(build("affine_1").is_ok());
    assert!(build("a.b").is_ok());
    for name in ["", ".", "a.", ".b", "a..b", "a b", " ", "a\n"] {
        assert!(build(name).unwrap_err().to_string().contains("parts without spaces"));
    }
}

#[test]
fn predictions_of_any_layout_go_to_any_layout() {
    let model = article::<f64>().build().unwrap();
    let x = RandomState::new(1).uniform((5, 784), 0.0, 1.0);
    let expected = model.predict(x.view()).unwrap();
    let mut ws = model.workspace(2).unwrap();
    let turned = x.t().as_standard_layout().into_owned();
    for x in [x.view(), turned.t()] {
        let (mut rows, mut columns) = (Array2::zeros((5, 10)), Array2::zeros((10, 5)));
        model.predict_into(x, &mut ws, rows.view_mut()).unwrap();
        model.predict_into(x, &mut ws, columns.view_mut().reversed_axes()).unwrap();
        assert_eq!((&rows, &columns.t().to_owned()), (&expected, &expected));
    }
}

#[test]
fn a_workspace_with_a_seed_begins_with_its_first_batch() {
    let model = article::<f64>().build().unwrap();
    let data = Samples::labeled(Array2::zeros((2, 784)), &[0, 1], 10).unwrap();
    let mut ws = model.workspace(2).unwrap();
    let bits = |ws: &manabi::model::Workspace<f64>| ws.batch_noise().bits(0, 0);
    ws.load(&data, &[0, 1]).unwrap();
    let first = bits(&ws);
    ws.load(&data, &[0, 1]).unwrap();
    assert_ne!(bits(&ws), first);
    let mut ws = ws.seed(0);
    ws.load(&data, &[0, 1]).unwrap();
    assert_eq!(bits(&ws), first);
}
