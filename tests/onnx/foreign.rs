//! Models from files without the description that this crate writes.

use std::fs;

use manabi::activation::Identity;
use manabi::data::Samples;
use manabi::loss::MeanSquaredError;
use manabi::onnx::Export;
use manabi::optim::Adam;
use manabi::{Affine, Scalar, Sequential, Trainer};
use ndarray::Array2;

use super::models::models;
use super::runtime::python;

/// Returns the file without the name of the description, so that the graph alone defines the model.
fn without_description(mut bytes: Vec<u8>) -> Vec<u8> {
    let name = b"manabi.nodes";
    let at = bytes.windows(name.len()).rposition(|own| own == name).unwrap();
    bytes[at] = b'M';
    bytes
}

/// Returns the greatest difference, relative to the greatest value.
fn difference<A: Scalar>(a: &Array2<A>, b: &Array2<A>) -> f64 {
    let most = b.iter().fold(1e-300, |most: f64, &value| most.max(value.into().abs()));
    let differences = a.iter().zip(b).map(|(&a, &b)| (a.into() - b.into()).abs());
    differences.fold(0.0, |most, own| if own <= most { most } else { own }) / most
}

/// Imports the graphs of all models that the crate exports, except for those that have no layer in this form.
fn graphs<A: Scalar>(tolerance: f64, except: &[&str]) {
    for (name, model) in models::<A>() {
        let bytes = without_description(model.to_onnx_bytes().unwrap());
        match Sequential::<A>::from_onnx_bytes(&bytes) {
            Err(error) => assert!(except.iter().any(|own| name.starts_with(own)), "{name}: {error}"),
            Ok(loaded) => {
                assert!(!except.contains(&name.as_str()), "{name}");
                let x = Array2::from_shape_fn((5, model.input_dim()), |(i, j)| {
                    A::of(((i * 31 + j * 17) % 41) as f64 * 0.17 - 3.3)
                });
                let error = difference(&loaded.predict(x.view()).unwrap(), &model.predict(x.view()).unwrap());
                assert!(error <= tolerance, "{name}: {error:e}\n{loaded}");
            }
        }
    }
}

#[test]
fn own_graphs_f32() {
    graphs::<f32>(1e-6, &["layer_trainable_swish_1", "heads"]);
}

/// In models of f64, normalisations and their ε have other forms.
#[test]
fn own_graphs_f64() {
    let except = [
        "layer_trainable_swish_1",
        "layer_batch_norm",
        "layer_layer_norm",
        "layer_chain",
        "images",
        "blocks",
        "heads",
    ];
    graphs::<f64>(1e-13, &except);
}

#[test]
fn kinds_are_recognised() {
    for (name, model) in models::<f32>() {
        let bytes = without_description(model.to_onnx_bytes().unwrap());
        let kind = name.strip_prefix("layer_").and_then(|name| name.rsplit_once('_')).map(|(kind, _)| kind);
        // With its default setting, CELU is ELU. Flatten does nothing with samples of one dimension. Chains have no operator.
        let other = [
            "dropout",
            "dropout_2d",
            "trainable_swish",
            "reshape",
            "sigmoid",
            "identity",
            "celu",
            "flatten",
            "chain",
        ];
        let Some(kind) = kind.filter(|kind| !other.contains(kind)) else { continue };
        let table = Sequential::<f32>::from_onnx_bytes(&bytes).unwrap().to_string();
        assert!(table.contains(&format!(" {kind} ")), "{name}: {table}");
    }
}

#[test]
fn problems_name_the_node() {
    let builder = Sequential::<f64>::builder(2).add_layer("affine1", Affine::new(2));
    let model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    let bytes = without_description(Export::new().to_bytes(&model).unwrap());
    let error = Sequential::<f32>::from_onnx_bytes(&bytes).unwrap_err().to_string();
    let expected = "bytes: incompatible content: node 'node affine1/Gemm' (Gemm): weight: expected f32 values, got f64 \
                    (load the file as a model of f64)";
    assert_eq!(error, expected);
}

/// Reads the files of `foreign.py`, and compares the outputs with those of ONNX Runtime.
#[test]
#[ignore = "requires Python with onnx, onnxruntime and skl2onnx"]
fn files_of_other_programs() {
    let folder = tempfile::tempdir().unwrap();
    python("foreign.py", folder.path());
    let (mut count, mut greatest) = (0, (0.0, String::new()));
    let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    for path in names.iter().filter(|path| path.extension().is_some_and(|own| own == "onnx")) {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let mut model = Sequential::<f32>::load_onnx(path).unwrap_or_else(|error| panic!("{error}"));
        let [x, y] = ["x", "y"].map(|own| table(&fs::read_to_string(path.with_extension(own)).unwrap()));
        let error = difference(&model.predict_raw(x.view()).unwrap(), &y);
        println!("{name}: {error:.1e}, {}", model.to_string().replace('\n', "; "));
        assert!(error <= 2e-6, "{name}: {error:e}");
        greatest = if error > greatest.0 { (error, name) } else { greatest };
        count += 1;
        let data = Samples::new(x, y).unwrap().with_shape(model.input_shape()).unwrap();
        Trainer::new().epochs(1).optimizer(Adam::new(1e-3)).fit(&mut model, &data).unwrap();
    }
    assert!(count >= 24, "{count}");
    println!("{count} files: outputs differ by at most {:.1e} of the greatest ({})", greatest.0, greatest.1);
}

/// Reads a table with a row of numbers in each line.
fn table(text: &str) -> Array2<f32> {
    let rows: Vec<Vec<f32>> =
        text.lines().map(|line| line.split(' ').map(|number| number.parse().unwrap()).collect()).collect();
    let width = rows[0].len();
    Array2::from_shape_vec((rows.len(), width), rows.concat()).unwrap()
}
