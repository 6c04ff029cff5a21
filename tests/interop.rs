//! Files between the crate and PyTorch, both ways. Needs a Python with `torch` and `safetensors`, named by the variable
//! `MANABI_PYTHON`:
//!
//! `MANABI_PYTHON=python3 cargo test --test interop -- --ignored --nocapture`

use std::fs;
use std::path::Path;
use std::process::Command;

use manabi::{
    Activation, Affine, Builder, Celu, CrossEntropy, Elu, Gelu, GeluTanh, HardSigmoid, HardSwish, HardTanh,
    Initializer, LeakyRelu, LogSigmoid, Mish, PRelu, Random, RandomState, Relu, Relu6, Scalar, Selu,
    Sequential, Sigmoid, Softmax, Softplus, Softsign, Swish, Tanh, Trainable,
};
use ndarray::Array2;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView, serialize};

/// The network of `interop/safetensors_torch.py`: the same names, layers and settings.
fn network<A: Scalar>(seed: u32) -> Sequential<A> {
    let affine = |units| {
        let affine = Affine::new(units).weight_initializer(Initializer::GLOROT_UNIFORM);
        affine.bias_initializer(Initializer::GLOROT_UNIFORM)
    };
    let mut count = 3;
    let mut next = |builder: Builder<A>| {
        count += 1;
        (builder.add_layer(format!("affine{count}"), affine(6)), format!("activation{count}"))
    };
    let mut builder = Sequential::<A>::builder(5)
        .add_layer("affine1", affine(7))
        .add_layer("silu1", Activation::new(Swish::default()))
        .add_layer("affine2", affine(6))
        .add_layer("prelu2", Trainable::new(PRelu::new(0.3)).per_unit())
        .add_layer("affine3", affine(6))
        .add_layer("prelu3", Trainable::new(PRelu::new(0.1)));
    macro_rules! add {
        ($($function:expr),+) => {
            $(
                let (with_affine, name) = next(builder);
                builder = with_affine.add_layer(name, Activation::new($function));
            )+
        };
    }
    add!(Relu, Relu6, LeakyRelu::new(0.2), Elu::new(0.7), Selu, Celu::new(0.7), Softplus::new(2.0), Softsign);
    add!(Sigmoid, LogSigmoid, Tanh, HardTanh, HardSigmoid, HardSwish, Gelu, GeluTanh, Mish);
    let builder = builder.add_layer("last", affine(4)).set_output(Softmax).set_error(CrossEntropy);
    builder.seed(seed).build().unwrap()
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

/// Leaves a model and its predictions for PyTorch.
fn leave<A: Scalar>(folder: &Path, name: &str) {
    let model = network::<A>(1);
    model.save(folder.join(format!("{name}.safetensors"))).unwrap();
    let x = RandomState::new(2).normal((20, 5), 0.0, 2.0).mapv(A::of);
    let y = model.predict(x.view()).unwrap();
    write(&folder.join(format!("{name}_samples.safetensors")), [("x", &x), ("y", &y)]);
}

/// Takes PyTorch's model and compares the predictions.
fn take<A: Scalar>(folder: &Path, name: &str, tolerance: f64) {
    let mut model = network::<A>(3);
    let before = model.params().to_vec();
    model.load_weights(folder.join(format!("{name}_torch.safetensors"))).unwrap();
    // All but the slopes of PReLU, which start alike.
    assert!(model.params().iter().zip(&before).filter(|(new, old)| new == old).count() <= 7);
    let samples = folder.join(format!("{name}_torch_samples.safetensors"));
    let (x, y) = (read::<A>(&samples, "x"), read::<A>(&samples, "y"));
    let own = model.predict(x.view()).unwrap();
    let differences = own.iter().zip(&y).map(|(a, b)| (a.widen() - b.widen()).abs());
    let difference = differences.fold(0.0, f64::max);
    println!("{name}: the crate's predictions differ by {difference:.1e}");
    assert!(difference <= tolerance);
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
