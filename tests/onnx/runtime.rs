//! Compares the crate's outputs with ONNX Runtime's. Requires Python with `onnx`, `onnxruntime` and `numpy`, whose command is in
//! the variable `MANABI_PYTHON`:
//!
//! `MANABI_PYTHON=python3 cargo test --test onnx -- --ignored --nocapture`

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use manabi::activation::Identity;
use manabi::loss::MeanSquaredError;
use manabi::onnx::Export;
use manabi::{Affine, Normalizer, Scalar, Sequential};
use ndarray::Array2;

use super::models::{models, vary};

/// Runs a program of this folder with an argument.
pub fn python(program: &str, folder: &Path) {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx").join(program);
    let command = env::var("MANABI_PYTHON").unwrap_or_else(|_| "python3".into());
    assert!(Command::new(command).arg(program).arg(folder).status().unwrap().success());
}

/// Writes a model with inputs and outputs.
fn write<A: Scalar>(folder: &Path, name: &str, model: &Sequential<A>, export: &Export, raw: bool) {
    let x = Array2::from_shape_fn((5, model.input_dim()), |(i, j)| {
        A::of(((i * 31 + j * 17) % 41) as f64 * 0.17 - 3.3)
    });
    let y = if raw { model.predict_raw(x.view()) } else { model.predict(x.view()) }.unwrap();
    let dtype = if size_of::<A>() == 4 { "float32" } else { "float64" };
    let shape: Vec<usize> = [5].into_iter().chain(model.input_shape().dims().iter().copied()).collect();
    // The shortest text of a number is read back exactly.
    let numbers = |array: &Array2<A>| format!("{:?}", array.iter().map(|&v| v.into()).collect::<Vec<f64>>());
    let scale = y.iter().fold(0.0_f64, |most, &v| most.max(v.into().abs()));
    let (x, y) = (numbers(&x), numbers(&y));
    let json = format!(r#"{{"dtype":"{dtype}","shape":{shape:?},"scale":{scale},"x":{x},"y":{y}}}"#);
    fs::write(folder.join(format!("{name}_{dtype}.json")), json).unwrap();
    export.save(model, folder.join(format!("{name}_{dtype}.onnx"))).unwrap();
}

fn write_all<A: Scalar>(folder: &Path) {
    for (name, model) in models::<A>() {
        write(folder, &name, &model, &Export::new(), false);
        write(folder, &format!("{name}_fixed"), &model, &Export::new().batch(5), false);
    }
    let builder = Sequential::<A>::builder(3).add_layer("affine1", Affine::new(2));
    let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    vary(&mut model, 1);
    let table = Array2::from_shape_fn((4, 3), |(i, j)| (i * i + 3 * j) as f64);
    model.set_input_normalizer(Normalizer::z_score_per_feature(table.view()).unwrap()).unwrap();
    model.set_target_normalizer(Normalizer::min_max(table.view()).unwrap()).unwrap();
    write(folder, "raw", &model, &Export::new().raw(true).input_name("raw features"), true);
}

#[test]
#[ignore = "requires Python with onnx and onnxruntime"]
fn outputs_are_those_of_onnx_runtime() {
    let folder = tempfile::tempdir().unwrap();
    write_all::<f32>(folder.path());
    write_all::<f64>(folder.path());
    python("judge.py", folder.path());
}
