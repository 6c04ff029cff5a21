//! Exchanges files between the crate and PyTorch in both directions. Requires Python with `torch` and `safetensors`, whose
//! command is in the variable `MANABI_PYTHON`:
//!
//! `MANABI_PYTHON=python3 cargo test --test interop -- --ignored --nocapture`

use std::fs;
use std::path::Path;
use std::process::Command;

use manabi::activation::{
    Celu, Elu, Gelu, GeluTanh, HardSigmoid, HardSwish, HardTanh, LeakyRelu, LogSigmoid, PRelu, Relu6, Selu,
    Sigmoid, Softplus, Softsign, Tanh,
};
use manabi::init::Initializer;
use manabi::layer::TrainableActivation;
use manabi::layer::{
    BatchNorm, Chain, Concat, Conv2d, Dropout, Flatten, LayerNorm, MaxPool2d, Padding, Residual,
};
use manabi::random::{Random, RandomState};
use manabi::{Activation, Affine, CrossEntropy, Layer, Mish, Relu, Scalar, Sequential, Softmax, Swish};
use ndarray::Array2;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView, serialize};

/// Returns the networks of `interop/safetensors_torch.py`, one for each activation, with the same names, layers and settings.
fn networks<A: Scalar>(seed: u32) -> Vec<Sequential<A>> {
    macro_rules! networks {
        ($($activation:expr),+) => { vec![$(network(seed, $activation)),+] };
    }
    let prelu = TrainableActivation::new(PRelu::new(0.3)).per_unit(true);
    let mut networks =
        networks![Activation::new(Swish::default()), prelu, TrainableActivation::new(PRelu::new(0.1))];
    macro_rules! add {
        ($($function:expr),+) => { networks.extend(networks![$(Activation::new($function)),+]) };
    }
    add!(Relu, Relu6, LeakyRelu::new(0.2), Elu::new(0.7), Selu, Celu::new(0.7), Softplus::new(2.0), Softsign);
    add!(Sigmoid, LogSigmoid, Tanh, HardTanh, HardSigmoid, HardSwish, Gelu, GeluTanh, Mish);
    networks.push(nested(seed));
    networks.extend([lenet(seed), keras(seed)]);
    networks
}

/// Returns LeNet-5.
fn lenet<A: Scalar>(seed: u32) -> Sequential<A> {
    let bias = Initializer::GLOROT_UNIFORM;
    Sequential::builder([1, 28, 28])
        .add_layer("conv1", Conv2d::new(6, 5).padding(2).bias_initializer(bias))
        .add_layer("relu1", Activation::new(Relu))
        .add_layer("pool1", MaxPool2d::new(2))
        .add_layer("conv2", Conv2d::new(16, 5).bias_initializer(bias))
        .add_layer("relu2", Activation::new(Relu))
        .add_layer("pool2", MaxPool2d::new(2))
        .add_layer("flatten", Flatten)
        .add_layer("affine1", Affine::new(120))
        .add_layer("relu3", Activation::new(Relu))
        .add_layer("affine2", Affine::new(84))
        .add_layer("relu4", Activation::new(Relu))
        .add_layer("affine3", Affine::new(10))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .seed(seed)
        .build()
        .unwrap()
}

/// Returns the network of Keras's MNIST example.
fn keras<A: Scalar>(seed: u32) -> Sequential<A> {
    Sequential::builder([1, 28, 28])
        .add_layer("conv1", Conv2d::new(32, 3).padding(1).bias_initializer(Initializer::GLOROT_UNIFORM))
        .add_layer("relu1", Activation::new(Relu))
        .add_layer("conv2", Conv2d::new(64, 3).padding(Padding::Same))
        .add_layer("relu2", Activation::new(Relu))
        .add_layer("pool1", MaxPool2d::new(2))
        .add_layer("dropout1", Dropout::new(0.25))
        .add_layer("flatten", Flatten)
        .add_layer("affine1", Affine::new(128))
        .add_layer("relu3", Activation::new(Relu))
        .add_layer("dropout2", Dropout::new(0.5))
        .add_layer("affine2", Affine::new(10))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .seed(seed)
        .build()
        .unwrap()
}

/// Returns blocks nested two deep, with and without a projection.
fn nested<A: Scalar>(seed: u32) -> Sequential<A> {
    let affine = |units| Affine::new(units).bias_initializer(Initializer::GLOROT_UNIFORM);
    let alone = |units| Chain::new().add_layer("affine1", affine(units));
    let chain = alone(6)
        .add_layer("norm1", BatchNorm::new())
        .add_layer("mish1", Activation::new(Mish))
        .add_layer("affine2", affine(6));
    let heads = Concat::new()
        .add_branch("left", alone(3).add_layer("tanh1", Activation::new(Tanh)))
        .add_branch("right", alone(4).add_layer("inner", Residual::new(alone(4))));
    let projected = Residual::new(Chain::new().add_layer("heads", heads)).projection(alone(7));
    Sequential::builder(5)
        .add_layer("affine1", affine(6))
        .add_layer("block1", Residual::new(chain))
        .add_layer("block2", projected)
        .add_layer("affine2", affine(4))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .seed(seed)
        .build()
        .unwrap()
}

fn network<A: Scalar>(seed: u32, activation: impl Layer<A> + 'static) -> Sequential<A> {
    let affine = |units| Affine::new(units).bias_initializer(Initializer::GLOROT_UNIFORM);
    Sequential::builder(5)
        .add_layer("affine1", affine(6))
        .add_layer("activation1", activation)
        .add_layer("norm1", BatchNorm::new().epsilon(1e-3))
        .add_layer("dropout1", Dropout::new(0.3))
        .add_layer("norm2", LayerNorm::new())
        .add_layer("affine2", affine(4))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .seed(seed)
        .build()
        .unwrap()
}

fn write<A: Scalar>(path: &Path, arrays: [(&str, &Array2<A>); 2]) {
    let dtype = if size_of::<A>() == 4 { Dtype::F32 } else { Dtype::F64 };
    let bytes = arrays.map(|(_, array)| -> Vec<u8> {
        match dtype {
            Dtype::F32 => array.iter().flat_map(|value| (value.widen() as f32).to_le_bytes()).collect(),
            _ => array.iter().flat_map(|value| value.widen().to_le_bytes()).collect(),
        }
    });
    let views = arrays.iter().zip(&bytes).map(|((name, array), bytes)| {
        (*name, TensorView::new(dtype, array.shape().to_vec(), bytes).unwrap())
    });
    fs::write(path, serialize(views, None).unwrap()).unwrap();
}

fn read<A: Scalar>(path: &Path, name: &str) -> Array2<A> {
    let bytes = fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let tensor = file.tensor(name).unwrap();
    let values: Vec<A> = match tensor.dtype() {
        Dtype::F32 => {
            tensor.data().as_chunks().0.iter().map(|&b| A::of(f32::from_le_bytes(b).into())).collect()
        }
        _ => tensor.data().as_chunks().0.iter().map(|&b| A::of(f64::from_le_bytes(b))).collect(),
    };
    Array2::from_shape_vec((tensor.shape()[0], tensor.shape()[1]), values).unwrap()
}

/// Writes models and their predictions for PyTorch.
fn leave<A: Scalar>(folder: &Path, name: &str) {
    for (i, mut model) in networks::<A>(1).into_iter().enumerate() {
        let statistics = (1..=model.buffer_values().len()).map(|i| A::of(i as f64 / 7.0));
        model.set_buffer_values(&statistics.collect::<Vec<A>>()).unwrap();
        model.save(folder.join(format!("{name}_{i}.safetensors"))).unwrap();
        let mut x = RandomState::new(2).normal((20, model.input_dim()), 0.0, 2.0);
        if model.input_shape().rank() == 3 {
            // To a convolution, images of noise look alike unless their contrast differs.
            x.rows_mut().into_iter().enumerate().for_each(|(i, mut row)| row *= i as f64 / 40.0);
        }
        let x = x.mapv(A::of);
        let y = model.predict(x.view()).unwrap();
        write(&folder.join(format!("{name}_{i}_samples.safetensors")), [("x", &x), ("y", &y)]);
    }
}

/// Reads PyTorch's models and compares the predictions.
fn take<A: Scalar>(folder: &Path, name: &str, tolerance: f64) {
    let mut greatest: f64 = 0.0;
    for (i, mut model) in networks::<A>(3).into_iter().enumerate() {
        let weight = model.parameter("affine1.weight").unwrap().to_owned();
        model.load_weights(folder.join(format!("{name}_{i}_torch.safetensors"))).unwrap();
        assert_ne!(model.parameter("affine1.weight").unwrap(), weight);
        let samples = folder.join(format!("{name}_{i}_torch_samples.safetensors"));
        let (x, y) = (read::<A>(&samples, "x"), read::<A>(&samples, "y"));
        let own = model.predict(x.view()).unwrap();
        let differences = own.iter().zip(&y).map(|(a, b)| (a.widen() - b.widen()).abs());
        greatest = differences.fold(greatest, f64::max);
    }
    println!("{name}: the crate's predictions differ by {greatest:.1e}");
    assert!(greatest <= tolerance);
}

#[test]
#[ignore = "needs Python with torch and safetensors"]
fn pytorch_and_the_crate_read_each_others_files() {
    let folder = tempfile::tempdir().unwrap();
    leave::<f64>(folder.path(), "float64");
    leave::<f32>(folder.path(), "float32");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/safetensors_torch.py");
    let python = std::env::var("MANABI_PYTHON").unwrap_or_else(|_| "python3".into());
    assert!(Command::new(python).arg(script).arg(folder.path()).status().unwrap().success());
    take::<f64>(folder.path(), "float64", 1e-12);
    take::<f32>(folder.path(), "float32", 1e-5);
}
