//! Blocks (chains, residual blocks and concatenations), nested, in every use of a layer.

use manabi::activation::{Identity, PRelu};
use manabi::layer::{
    BatchNorm, Chain, Concat, Dropout, Flatten, LayerNorm, Reshape, Residual, TrainableActivation,
};
use manabi::loss::MeanSquaredError;
use manabi::ndarray::{Array2, array};
use manabi::optim::{Adam, Stepper};
use manabi::random::{Random, RandomState};
use manabi::{
    Activation, Affine, CrossEntropy, Layer, Mish, Relu, Samples, Scalar, Sequential, Shape, Softmax, Swish,
    Trainer, conformance, gradcheck,
};

fn samples(rows: usize, width: usize) -> Array2<f64> {
    RandomState::new(1).normal((rows, width), 0.2, 1.5)
}

fn affine<A: Scalar>(units: usize) -> Chain<A> {
    Chain::new()
        .add_layer("affine1", Affine::new(units))
        .add_layer("swish1", Activation::new(Swish::default()))
}

/// y = x + affine(mish(affine(x))).
fn residual<A: Scalar>(width: usize, inner: usize) -> Residual<A> {
    let chain = Chain::new()
        .add_layer("affine1", Affine::new(inner))
        .add_layer("mish1", Activation::new(Mish))
        .add_layer("affine2", Affine::new(width));
    Residual::new(chain)
}

/// A residual block with a projection that contains another residual block and a concatenation.
fn nested<A: Scalar>(width: usize) -> Residual<A> {
    let heads = Concat::new()
        .add_branch("left", affine(3))
        .add_branch("right", affine(width - 3).add_layer("inner", residual(width - 3, 5)));
    let chain = Chain::new()
        .add_layer("heads", heads)
        .add_layer("norm", LayerNorm::new())
        .add_layer("inner", residual(width, 4));
    Residual::new(chain).projection(affine(width))
}

fn model<A: Scalar>(input: usize, width: usize, with_batch: bool) -> Sequential<A> {
    let mut chain = Chain::new()
        .add_layer("affine1", Affine::new(width))
        .add_layer("dropout1", Dropout::new(0.2))
        .add_layer("prelu1", TrainableActivation::new(PRelu::default()).per_unit(true));
    if with_batch {
        chain = chain.add_layer("norm1", BatchNorm::new());
    }
    chain = chain.add_layer("affine2", Affine::new(width));
    Sequential::builder(input)
        .add_layer("first", Affine::new(width))
        .add_layer("block1", Residual::new(chain))
        .add_layer("block2", nested(width))
        .add_layer("last", Affine::new(3))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .seed(3)
        .build()
        .unwrap()
}

fn data<A: Scalar>(rows: usize, width: usize) -> Samples<A> {
    let labels: Vec<usize> = (0..rows).map(|row| row * 7 % 3).collect();
    Samples::labeled(samples(rows, width).mapv(A::of), &labels, 3).unwrap()
}

#[test]
fn every_block_keeps_every_promise() {
    fn check(single: impl Layer<f32>, double: impl Layer<f64>) {
        for rows in [2, 5] {
            conformance::both(&single, &double, 6.into(), samples(rows, 6).view(), 3).unwrap().assert();
        }
    }
    check(affine(4), affine(4));
    check(residual(6, 3), residual(6, 3));
    check(nested(7), nested(7));
    let norm = || BatchNorm::new().momentum(0.3);
    let block =
        Residual::new(affine::<f32>(6).add_layer("norm1", norm()).add_layer("drop", Dropout::new(0.3)));
    let other =
        Residual::new(affine::<f64>(6).add_layer("norm1", norm()).add_layer("drop", Dropout::new(0.3)));
    check(block, other);
    let heads =
        Concat::new().add_branch("a", affine::<f32>(2).add_layer("norm1", norm())).add_branch("b", affine(5));
    let others =
        Concat::new().add_branch("a", affine::<f64>(2).add_layer("norm1", norm())).add_branch("b", affine(5));
    check(heads, others);
    conformance::layer(&Flatten, samples(3, 6).view(), 1).unwrap().assert();
    conformance::layer(&Reshape::new([2, 3]), samples(3, 6).view(), 1).unwrap().assert();
}

#[test]
fn gradients_of_nested_models_are_right() {
    let check = |name: &str, layer: Box<dyn Layer<f64>>| {
        let builder = Sequential::<f64>::builder(4)
            .add_layer("first", Affine::new(7))
            .add_layer("block", layer)
            .add_layer("last", Affine::new(3));
        let model = builder.set_output(Identity).set_error(MeanSquaredError).seed(3).build().unwrap();
        let data = Samples::new(samples(5, 4), RandomState::new(2).normal((5, 3), 0.0, 1.0)).unwrap();
        let report = gradcheck::model(&model, &data).unwrap();
        assert!(report.passed(), "{name}: {report}");
    };
    check("residual", Box::new(residual(7, 5)));
    check("nested", Box::new(nested(7)));
    check("two", Box::new(Chain::new().add_layer("block1", residual(7, 5)).add_layer("block2", nested(7))));
    let noisy = affine(7).add_layer("dropout1", Dropout::new(0.2)).add_layer("norm1", BatchNorm::new());
    check("noisy", Box::new(Residual::new(noisy).projection(affine(7))));
    let learned = TrainableActivation::new(PRelu::default()).per_unit(true);
    check(
        "learned",
        Box::new(Residual::new(affine(7).add_layer("prelu1", learned).add_layer("affine2", Affine::new(7)))),
    );
}

#[test]
fn a_residual_block_is_its_formula() {
    let model = Sequential::<f64>::builder(2)
        .add_layer("block1", Residual::new(Chain::new().add_layer("affine1", Affine::new(2))))
        .set_output(Identity)
        .set_error(MeanSquaredError);
    let mut model = model.build().unwrap();
    model.set_parameter("block1.affine1.weight", &array![[1.0, 2.0], [3.0, 4.0]]).unwrap();
    model.set_parameter("block1.affine1.bias", &array![0.5, -0.5]).unwrap();
    // x + x·W + b
    assert_eq!(model.predict(array![[1.0, 10.0]].view()).unwrap(), array![[32.5, 51.5]]);
    let heads = Concat::new()
        .add_branch("left", Chain::new().add_layer("affine1", Affine::new(1)))
        .add_branch("right", Chain::new().add_layer("relu1", Activation::new(Relu)));
    let builder = Sequential::<f64>::builder(2).add_layer("heads", heads);
    let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    model.set_parameter_values(&[2.0, -1.0, 0.25]).unwrap();
    assert_eq!(model.predict(array![[3.0, -4.0]].view()).unwrap(), array![[10.25, 3.0, 0.0]]);
}

#[test]
fn names_nest() {
    let model = model::<f32>(4, 7, true);
    let names: Vec<String> = model.parameters().map(|(name, _)| name).collect();
    for name in [
        "block1.prelu1.alpha",
        "block1.norm1.bias",
        "block2.heads.left.affine1.weight",
        "block2.heads.right.inner.affine2.bias",
        "block2.inner.affine1.weight",
        "block2.projection.affine1.weight",
    ] {
        assert!(names.iter().any(|other| other == name), "{name} in {names:?}");
    }
    assert_eq!(model.buffers().next().unwrap().0, "block1.norm1.running_mean");
}

/// Checks blocks wide enough to divide their rows among threads: within a row-wise section and, with batch normalisation,
/// around one.
#[test]
fn threads_change_no_bit() {
    fn bits<A: Scalar>(threads: usize, with_batch: bool) -> Vec<u64> {
        let mut model = model::<A>(20, 64, with_batch);
        let data = data::<A>(600, 20);
        Trainer::new()
            .batch_size(256)
            .epochs(2)
            .optimizer(Adam::new(0.01))
            .threads(threads)
            .fit(&mut model, &data)
            .unwrap();
        let mut ws = model.workspace(100).unwrap().threads(threads);
        let mut y = Array2::zeros((600, 3));
        model.predict_into(data.x(), &mut ws, y.view_mut()).unwrap();
        model
            .parameter_values()
            .iter()
            .chain(model.buffer_values())
            .chain(&y)
            .map(|x| x.widen().to_bits())
            .collect()
    }
    for with_batch in [false, true] {
        let (single, double) = (bits::<f32>(1, with_batch), bits::<f64>(1, with_batch));
        for threads in [2, 3, 5] {
            assert!(
                bits::<f32>(threads, with_batch) == single,
                "f32, {threads} threads, batch norm {with_batch}"
            );
            assert!(
                bits::<f64>(threads, with_batch) == double,
                "f64, {threads} threads, batch norm {with_batch}"
            );
        }
    }
}

/// Compares a chain with the same layers added one by one.
#[test]
fn nesting_changes_no_bit() {
    let layers = || {
        Chain::<f64>::new()
            .add_layer("affine1", Affine::new(64))
            .add_layer("swish1", Activation::new(Swish::default()))
            .add_layer("affine2", Affine::new(64))
    };
    let train = |builder: manabi::model::SequentialBuilder<f64>, threads: usize| {
        let builder = builder.add_layer("last", Affine::new(3)).set_output(Softmax).set_error(CrossEntropy);
        let mut model = builder.seed(5).build().unwrap();
        Trainer::new().batch_size(256).epochs(2).threads(threads).fit(&mut model, &data(600, 20)).unwrap();
        model.parameter_values().to_vec()
    };
    for threads in [1, 2] {
        let flat = Sequential::builder(20)
            .add_layer("affine1", Affine::new(64))
            .add_layer("swish1", Activation::new(Swish::default()))
            .add_layer("affine2", Affine::new(64));
        let once = Sequential::builder(20).add_layer("inner", layers());
        let twice = Sequential::builder(20).add_layer("outer", Chain::new().add_layer("inner", layers()));
        let flat = train(flat, threads);
        assert_eq!(train(once, threads), flat);
        assert_eq!(train(twice, threads), flat);
    }
}

#[test]
fn learning_rates_reach_into_blocks() {
    let data = data::<f64>(30, 4);
    let train = |stepper: Stepper<f64>| {
        let mut model = model::<f64>(4, 7, false);
        let before = model.clone();
        Trainer::new().batch_size(30).epochs(1).stepper(stepper).fit(&mut model, &data).unwrap();
        let changed = model.parameters().zip(before.parameters()).filter(|((_, now), (_, then))| now != then);
        changed.map(|((name, _), _)| name).collect::<Vec<_>>()
    };
    let stepper = || Stepper::new(Adam::new(0.01));
    let frozen = train(stepper().layer_rate("block2", 0.0));
    assert!(
        frozen.iter().all(|name| !name.starts_with("block2."))
            && frozen.contains(&"block1.affine1.weight".into())
    );
    let one = train(stepper().layer_rate("block2", 0.0).layer_rate("block2.inner", 1.0));
    let inside: Vec<_> = one.iter().filter(|name| name.starts_with("block2.")).collect();
    assert!(!inside.is_empty() && inside.iter().all(|name| name.starts_with("block2.inner.")), "{inside:?}");
    let mut model = model::<f64>(4, 7, false);
    let error =
        Trainer::new().stepper(stepper().layer_rate("block2.inn", 0.0)).fit(&mut model, &data).unwrap_err();
    let expected = "layer_rate: expected one of first, block1, block2, last, or a layer in one of these blocks, got block2.inn";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn files_bring_blocks_back() {
    for with_batch in [false, true] {
        let mut before = model::<f32>(4, 7, with_batch);
        Trainer::new().batch_size(10).epochs(2).fit(&mut before, &data(40, 4)).unwrap();
        let after = Sequential::<f32>::from_bytes(&before.to_bytes().unwrap()).unwrap();
        assert_eq!(
            (after.parameter_values(), after.buffer_values()),
            (before.parameter_values(), before.buffer_values())
        );
        assert_eq!(
            (after.to_string(), after.to_bytes().unwrap()),
            (before.to_string(), before.to_bytes().unwrap())
        );
        let x = samples(9, 4).mapv(|x| x as f32);
        assert_eq!(after.predict(x.view()).unwrap(), before.predict(x.view()).unwrap());
    }
}

#[test]
fn a_resumed_run_has_the_bits_of_a_straight_one() {
    let folder = tempfile::tempdir().unwrap();
    let data = data::<f64>(40, 4);
    let trainer = |epochs| Trainer::new().batch_size(8).epochs(epochs).optimizer(Adam::new(0.01));
    let (mut first, mut second, mut straight) = (model(4, 7, true), model(4, 7, true), model(4, 7, true));
    let checkpoints = manabi::train::Checkpoints::new(folder.path());
    trainer(2).checkpoints(checkpoints.clone()).fit(&mut first, &data).unwrap();
    trainer(5).checkpoints(checkpoints.resume(true)).fit(&mut second, &data).unwrap();
    trainer(5).fit(&mut straight, &data).unwrap();
    assert_eq!(second.parameter_values(), straight.parameter_values());
    assert_eq!(second.buffer_values(), straight.buffer_values());
}

#[test]
fn wrong_shapes_name_the_layer_the_shapes_and_the_cure() {
    fn error(input: impl Into<Shape>, layer: impl Layer<f32>) -> String {
        let builder = Sequential::<f32>::builder(input).add_layer("layer1", layer);
        builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap_err().to_string()
    }
    assert_eq!(
        error([1, 28, 28], Affine::new(3)),
        "layer 'layer1': input shape: expected one dimension (put a Flatten layer before it), got 1x28x28"
    );
    assert_eq!(
        error([2, 3], Reshape::new([4, 2])),
        "layer 'layer1': input shape: expected 8 values to reshape to 4x2, got 2x3"
    );
    assert_eq!(
        error(3, Residual::new(affine(4))),
        "layer 'layer1': output shape of the chain: expected 3, the input shape (add a projection to change the shape), got 4"
    );
    assert_eq!(
        error(3, Residual::new(affine(4)).projection(affine(5))),
        "layer 'layer1': output shape of the chain: expected 5, the output shape of the projection, got 4"
    );
    assert_eq!(
        error(3, Residual::new(Chain::new().add_layer("affine1", Affine::new(0)))),
        "layer 'layer1.affine1': units: expected at least 1, got 0"
    );
    let uneven = Chain::new().add_layer("reshape1", Reshape::new([2, 3]));
    let concat = Concat::new().add_branch("a", uneven).add_branch("b", affine(3));
    assert_eq!(
        error(6, concat),
        "layer 'layer1.b': output shape: expected 2x3 except for the first dimension, got 3"
    );
    assert_eq!(error(6, Chain::new()), "layer 'layer1': layers: expected at least 1, got 0");
    assert_eq!(error(6, Concat::new()), "layer 'layer1': branches: expected at least 1, got 0");
    let twice = Concat::new().add_branch("a", affine(3)).add_branch("a", affine(3));
    assert_eq!(
        error(6, twice),
        "layer 'layer1': duplicate branch name \"a\": give each branch a unique name"
    );
    assert_eq!(error([0, 3], Flatten), "input shape: expected at least 1 in each dimension, got 0x3");
}

#[test]
fn tables_show_shapes() {
    let model = Sequential::<f32>::builder([1, 4, 2])
        .add_layer("norm1", BatchNorm::new())
        .add_layer("flatten", Flatten)
        .add_layer("affine1", Affine::new(2))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .build()
        .unwrap();
    let table = "input - 0 1x4x2\nnorm1 batch_norm 1x4x2 1x4x2\nflatten flatten 1x4x2 8\naffine1 affine 8 2\n\
        output softmax 2\nerror cross_entropy_error";
    assert_eq!(model.to_string(), table);
    assert_eq!(format!("{model:?}"), "Sequential<f32>(1x4x2 -> 2, 3 layers, 20 parameters)");
}
