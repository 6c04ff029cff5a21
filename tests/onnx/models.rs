//! A model for every built-in part.

use manabi::activation::{Identity, Sigmoid};
use manabi::init::Initializer;
use manabi::layer::{
    AvgPool2d, BatchNorm, Chain, Concat, Conv2d, ConvTranspose2d, Dropout, Flatten, GlobalAvgPool2d, Layer,
    LayerNorm, MaxPool2d, Padding, Residual, built_in_layers,
};
use manabi::loss::{BinaryCrossEntropy, Heads, Loss, MeanSquaredError};
use manabi::output::{Output, built_in_outputs};
use manabi::random::RandomState;
use manabi::{Activation, Affine, CrossEntropy, Mish, Relu, Scalar, Sequential, Shape, Softmax, Swish};

/// Values between −1 and 1 that differ from each other.
pub fn fill<A: Scalar>(random: &mut RandomState, values: &mut [A]) {
    values.iter_mut().for_each(|value| *value = A::of(2.0 * random.random_sample() - 1.0));
}

/// Gives a model parameters and buffers that are not the initial ones. Variances are positive.
pub fn vary<A: Scalar>(model: &mut Sequential<A>, seed: u32) {
    let mut random = RandomState::new(seed);
    let mut values = model.parameter_values().to_vec();
    fill(&mut random, &mut values);
    model.set_parameter_values(&values).unwrap();
    let buffers: Vec<A> = model.buffer_values().iter().map(|_| A::of(0.5 + random.random_sample())).collect();
    model.set_buffer_values(&buffers).unwrap();
}

fn build<A: Scalar>(
    input: Shape,
    layers: Vec<(&str, Box<dyn Layer<A>>)>,
    output: impl Output<A>,
    loss: impl Loss<A>,
) -> Sequential<A> {
    let start = Sequential::builder(input);
    let builder = layers.into_iter().fold(start, |builder, (name, layer)| builder.add_layer(name, layer));
    let mut model = builder.set_output(output).set_error(loss).build().unwrap();
    vary(&mut model, 7);
    model
}

/// Returns a model for every example of every built-in layer and for every output, and networks of several layers.
pub fn models<A: Scalar>() -> Vec<(String, Sequential<A>)> {
    let mut all = Vec::new();
    for built_in in built_in_layers::<A>(6) {
        for (i, layer) in built_in.examples.into_iter().enumerate() {
            let name = format!("layer_{}_{i}", layer.kind());
            let mut layers = vec![("part", layer)];
            // The input has other values than category numbers.
            if layers[0].1.kind() == "embedding" {
                layers.insert(0, ("identity", Box::new(Activation::new(Identity))));
            }
            all.push((name, build(built_in.input, layers, Identity, MeanSquaredError)));
        }
    }
    for (output, _) in built_in_outputs::<A>() {
        let name = format!("output_{}", output.kind());
        let layers: Vec<(&str, Box<dyn Layer<A>>)> = vec![("affine1", Box::new(Affine::new(4)))];
        let model = match output.kind() {
            "softmax" => build(5.into(), layers, output, CrossEntropy),
            _ => build(5.into(), layers, output, MeanSquaredError),
        };
        all.push((name, model));
    }
    all.push(("digits".into(), digits()));
    all.push(("images".into(), images()));
    all.push(("blocks".into(), blocks()));
    all.push(("heads".into(), heads()));
    all
}

fn heads<A: Scalar>() -> Sequential<A> {
    let heads = Heads::new()
        .add_head("class", 3, Softmax, CrossEntropy, 1.0)
        .add_head("number", 1, Identity, MeanSquaredError, 0.5)
        .add_head("answers", 2, Sigmoid, BinaryCrossEntropy, 1.0);
    build(5.into(), vec![("affine1", Box::new(Affine::new(6)))], heads.clone(), heads)
}

fn digits<A: Scalar>() -> Sequential<A> {
    let builder = Sequential::builder(784)
        .add_layer("affine1", Affine::new(100))
        .add_layer("swish1", Activation::new(Swish::new(1.7)))
        .add_layer("dropout1", Dropout::new(0.3))
        .add_layer("affine2", Affine::new(50))
        .add_layer("mish1", Activation::new(Mish))
        .add_layer("affine3", Affine::new(10));
    builder.set_output(Softmax).set_error(CrossEntropy).build().unwrap()
}

fn images<A: Scalar>() -> Sequential<A> {
    let bias = Initializer::GLOROT_UNIFORM;
    // The reference implementation, which computes in f64, has no groups of transposed convolutions.
    let groups = if size_of::<A>() == 4 { 3 } else { 1 };
    let conv = Conv2d::new(4, 3).padding(1).bias_initializer(bias);
    let builder = Sequential::builder([2, 9, 8])
        .add_layer("conv1", conv)
        .add_layer("norm1", BatchNorm::new().epsilon(1e-3))
        .add_layer("relu1", Activation::new(Relu))
        .add_layer("pool1", MaxPool2d::new(3).stride(2).padding(1))
        .add_layer("conv2", Conv2d::new(6, [2, 3]).padding(Padding::Same).groups(2).dilation(2))
        .add_layer("pool2", AvgPool2d::new(2).stride(1).padding(1).count_include_pad(false))
        .add_layer("up1", ConvTranspose2d::new(3, 3).stride(2).padding(1).output_padding(1).groups(groups))
        .add_layer("norm2", LayerNorm::new());
    let head = Concat::new()
        .add_branch("mean", Chain::new().add_layer("pool1", GlobalAvgPool2d))
        .add_branch("all", Chain::new().add_layer("flatten1", Flatten).add_layer("affine1", Affine::new(5)));
    let builder = builder.add_layer("head", head).add_layer("affine1", Affine::new(3));
    builder.set_output(Softmax).set_error(CrossEntropy).build().unwrap()
}

fn blocks<A: Scalar>() -> Sequential<A> {
    let alone = |units| Chain::new().add_layer("affine1", Affine::new(units));
    let inner = Residual::new(alone(4).add_layer("mish1", Activation::new(Mish)));
    let heads = Concat::new()
        .add_branch("left", alone(3))
        .add_branch("right", alone(4).add_layer("inner", inner).add_layer("norm1", LayerNorm::new()));
    let projected = Residual::new(Chain::new().add_layer("heads", heads)).projection(alone(7));
    let builder = Sequential::builder(5).add_layer("block1", Residual::new(alone(5)));
    let builder = builder.add_layer("block2", projected).add_layer("affine1", Affine::new(2));
    builder.set_output(Softmax).set_error(CrossEntropy).build().unwrap()
}
