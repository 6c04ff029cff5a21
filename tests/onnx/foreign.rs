//! Models from files without the description that this crate writes.

use std::fs;
use std::path::Path;

use manabi::activation::Identity;
use manabi::data::Samples;
use manabi::loss::MeanSquaredError;
use manabi::onnx::Export;
use manabi::optim::Adam;
use manabi::{Affine, Scalar, Sequential, Shape, Trainer};
use ndarray::Array2;

use super::models::models;
use super::runtime::python;
use super::wire::{field, file, file_of, int_attribute, ints, node, node_with, tensor};

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

/// Returns whether only the description tells a part of a model: several heads, an embedding, columns or recurrent layers.
fn needs_description(name: &str) -> bool {
    ["heads", "layer_embedding_", "layer_columns_", "layer_gru_", "layer_lstm_"]
        .iter()
        .any(|start| name.starts_with(start))
}

/// Imports the graphs of all models that the crate exports and that need no description.
fn graphs<A: Scalar>(tolerance: f64) {
    for (name, model) in models::<A>().into_iter().filter(|(name, _)| !needs_description(name)) {
        let bytes = without_description(model.to_onnx_bytes().unwrap());
        let loaded =
            Sequential::<A>::from_onnx_bytes(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let x = Array2::from_shape_fn((5, model.input_dim()), |(i, j)| {
            A::of(((i * 31 + j * 17) % 41) as f64 * 0.17 - 3.3)
        });
        let error = difference(&loaded.predict(x.view()).unwrap(), &model.predict(x.view()).unwrap());
        assert!(error <= tolerance, "{name}: {error:e}\n{loaded}");
    }
}

#[test]
fn own_graphs_f32() {
    graphs::<f32>(1e-6);
}

/// In models of f64, many parts have other forms.
#[test]
fn own_graphs_f64() {
    graphs::<f64>(1e-13);
}

#[test]
fn kinds_are_recognised() {
    for (name, model) in models::<f32>().into_iter().filter(|(name, _)| !needs_description(name)) {
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

#[test]
fn problems_of_images_say_what_is_supported() {
    let kernel = ints("kernel_shape", &[2, 2]);
    let pool = |more: Vec<u8>| node_with("MaxPool", &["x"], "y", &[kernel.clone(), more]);
    let slopes = tensor("s", &[2, 1, 1], &field(9, &[0, 0, 0, 0, 0, 0, 128, 63]));
    let cases = [
        (
            vec![pool([ints("strides", &[2, 2]), ints("pads", &[0, 0, 1, 1])].concat())],
            "attribute 'pads': expected the same numbers on both sides, got [0, 0]",
        ),
        (
            vec![pool([ints("strides", &[2, 2]), int_attribute("ceil_mode", 1)].concat())],
            "attribute 'ceil_mode': expected 0, or windows that fill the image, got 1 and images of 5×6",
        ),
        (
            vec![slopes, node("PRelu", &["x", "s"], "y")],
            "slope: expected one number, or one for each of 60 values, got the shape [2, 1, 1] (slopes of channels",
        ),
        (
            vec![node_with("Transpose", &["x"], "y", &[ints("perm", &[0, 2, 1, 3])])],
            "attribute 'perm': expected images whose channels move between first and last, got [0, 2, 1, 3]",
        ),
        (
            vec![node_with("Transpose", &["x"], "y", &[ints("perm", &[0, 2, 3, 1])])],
            "output 'y': expected the channels first, got them last",
        ),
    ];
    for (content, expected) in cases {
        let error =
            Sequential::<f32>::from_onnx_bytes(&file_of(&[1, 2, 5, 6], &content)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// Layers that use the input both before and after its normalisation would need both in one model.
#[test]
fn a_partly_normalised_input_is_an_error() {
    let shift = tensor("s", &[2], &field(9, &[0, 0, 128, 63, 0, 0, 0, 64]));
    for last in
        [node("Add", &["x", "n"], "y"), node_with("Concat", &["x", "n"], "y", &[int_attribute("axis", 1)])]
    {
        let content = [shift.clone(), node("Sub", &["x", "s"], "n"), last];
        let error = Sequential::<f32>::from_onnx_bytes(&file(&content)).unwrap_err().to_string();
        assert!(error.contains("expected layers that all use the same normalised input"), "{error}");
    }
}

/// Reads the files of `foreign.py`, and compares the outputs with those of ONNX Runtime.
#[test]
#[ignore = "requires Python with onnx, onnxruntime and skl2onnx"]
fn files_of_other_programs() {
    let folder = tempfile::tempdir().unwrap();
    python("foreign.py", folder.path());
    python("keras_models.py", folder.path());
    let count = compare(folder.path());
    assert!(count >= 34, "{count}");
}

/// The files are in this folder, written by `python tests/onnx/keras_models.py tests/onnx/files small`.
#[test]
fn small_files_of_other_programs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx/files");
    assert_eq!(compare(&folder), 4);
}

/// Compares the outputs of all files in a folder with those of ONNX Runtime. Returns the number of files.
fn compare(folder: &Path) -> usize {
    let (mut count, mut greatest) = (0, (0.0, String::new()));
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    for path in names.iter().filter(|path| path.extension().is_some_and(|own| own == "onnx")) {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let mut model = Sequential::<f32>::load_onnx(path).unwrap_or_else(|error| panic!("{error}"));
        let [x, y] = ["x", "y"].map(|own| table(&fs::read_to_string(path.with_extension(own)).unwrap()));
        let x = if name.starts_with("keras") { channels_first(&x, model.input_shape()) } else { x };
        let error = difference(&model.predict_raw(x.view()).unwrap(), &y);
        println!("{name}: {error:.1e}, {}", model.to_string().replace('\n', "; "));
        assert!(error <= 2e-6, "{name}: {error:e}");
        greatest = if error > greatest.0 { (error, name) } else { greatest };
        count += 1;
        let data = Samples::new(x, y).unwrap().with_shape(model.input_shape()).unwrap();
        Trainer::new().epochs(1).optimizer(Adam::new(1e-3)).fit(&mut model, &data).unwrap();
    }
    println!("{count} files: outputs differ by at most {:.1e} of the greatest ({})", greatest.0, greatest.1);
    count
}

/// Moves the channels of images to the first place.
fn channels_first(x: &Array2<f32>, shape: Shape) -> Array2<f32> {
    let &[channels, height, width] = shape.dims() else { return x.clone() };
    let images = x.to_shape((x.nrows(), height, width, channels)).unwrap();
    let images = images.permuted_axes([0, 3, 1, 2]);
    images.to_shape((x.nrows(), x.ncols())).unwrap().into_owned()
}

/// Reads a table with a row of numbers in each line.
fn table(text: &str) -> Array2<f32> {
    let rows: Vec<Vec<f32>> =
        text.lines().map(|line| line.split(' ').map(|number| number.parse().unwrap()).collect()).collect();
    let width = rows[0].len();
    Array2::from_shape_vec((rows.len(), width), rows.concat()).unwrap()
}
