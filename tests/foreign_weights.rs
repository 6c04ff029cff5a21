//! Weights of other programs: other names, other precisions, parts, and several files. `tests/golden/weights.py` wrote the files.

use std::fs;
use std::path::{Path, PathBuf};

use manabi::layer::BatchNorm;
use manabi::model::CopyReport;
use manabi::persistence::{LoadOptions, Precision};
use manabi::{Activation, Affine, CrossEntropy, Error, Result, Scalar, Sequential, Softmax, Swish};
use ndarray::Array2;
use proptest::prelude::*;
use safetensors::{Dtype, SafeTensors};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/weights").join(name)
}

/// Returns PyTorch's model, with other names of two layers and other weights.
fn model<A: Scalar>() -> Sequential<A> {
    Sequential::builder(3)
        .add_layer("affine1", Affine::new(4))
        .add_layer("bn", BatchNorm::new())
        .add_layer("act", Activation::new(Swish::default()))
        .add_layer("affine2", Affine::new(2))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .build()
        .unwrap()
}

/// Maps PyTorch's names to those of the model.
fn named() -> LoadOptions {
    LoadOptions::new().strip_prefix("module.").rename("fc1", "affine1").rename("fc2", "affine2")
}

const NAMES: [&str; 8] = [
    "affine1.weight",
    "affine1.bias",
    "bn.weight",
    "bn.bias",
    "affine2.weight",
    "affine2.bias",
    "bn.running_mean",
    "bn.running_var",
];

fn samples(name: &str) -> Array2<f64> {
    let bytes = fs::read(golden("samples.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let tensor = file.tensor(name).unwrap();
    let values = tensor.data().as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect();
    Array2::from_shape_vec((tensor.shape()[0], tensor.shape()[1]), values).unwrap()
}

/// Returns all values of a model, and its predictions of the samples.
fn content<A: Scalar>(model: &Sequential<A>) -> (Vec<A>, Array2<f64>) {
    let values = [model.parameter_values(), model.buffer_values()].concat();
    (values, model.predict(samples("x").mapv(A::of).view()).unwrap().mapv(|y| y.into()))
}

/// Returns the greatest difference.
fn distance(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    a.iter().zip(b).fold(0.0, |most, (a, b)| most.max((a - b).abs()))
}

fn message<T>(result: Result<T>) -> String {
    let error = result.map(drop).expect_err("an error");
    assert!(matches!(error, Error::Mismatch { .. } | Error::Format { .. } | Error::Io { .. }), "{error:?}");
    error.to_string()
}

/// Returns the error of loading, after checking that the model has not changed.
fn refused<A: Scalar>(options: &LoadOptions, path: impl AsRef<Path>) -> String {
    let mut model = model::<A>();
    let before = content(&model).0;
    let error = message(options.load_into(&mut model, path));
    assert_eq!(content(&model).0, before);
    error
}

#[test]
fn every_precision_gives_the_predictions_of_pytorch() {
    for (name, double, single) in [("double", 1e-15, 1e-6), ("half", 1e-15, 1e-6), ("bfloat", 1e-15, 1e-6)] {
        let path = golden(&format!("{name}.safetensors"));
        let mut other = model::<f64>();
        let report = named().load_into(&mut other, &path).unwrap();
        assert_eq!(report.copied, NAMES);
        assert!(report.missing.is_empty() && report.unexpected.is_empty() && report.mismatched.is_empty());
        assert!(distance(&content(&other).1, &samples(name)) < double);
        let mut other = model::<f32>();
        named().convert(true).load_into(&mut other, &path).unwrap();
        assert!(distance(&content(&other).1, &samples(name)) < single);
    }
    // Without this difference, the comparison would prove little.
    assert!(distance(&samples("double"), &samples("half")) > 1e-5);
    assert!(distance(&samples("double"), &samples("bfloat")) > 1e-4);
}

/// PyTorch rounds to the same bits.
#[test]
fn saving_in_half_rounds_as_pytorch() {
    let mut double = model::<f64>();
    named().load_into(&mut double, golden("double.safetensors")).unwrap();
    let mut single = model::<f32>();
    named().convert(true).load_into(&mut single, golden("double.safetensors")).unwrap();
    for (name, precision, dtype) in
        [("half", Precision::F16, Dtype::F16), ("bfloat", Precision::BF16, Dtype::BF16)]
    {
        let expected = fs::read(golden(&format!("{name}.safetensors"))).unwrap();
        let expected = SafeTensors::deserialize(&expected).unwrap();
        for bytes in [double.to_bytes_in(precision).unwrap(), single.to_bytes_in(precision).unwrap()] {
            let saved = SafeTensors::deserialize(&bytes).unwrap();
            for name in NAMES {
                let theirs = format!("module.{}", name.replace("affine", "fc"));
                let (own, theirs) = (saved.tensor(name).unwrap(), expected.tensor(&theirs).unwrap());
                assert_eq!(own.dtype(), dtype);
                assert_eq!((own.shape(), own.data()), (theirs.shape(), theirs.data()), "{name}");
            }
            // Reading is exact, so that saving again gives the same bytes.
            let again = Sequential::<f32>::from_bytes(&bytes).unwrap();
            assert_eq!(again.to_bytes_in(precision).unwrap(), bytes);
            let again = Sequential::<f64>::from_bytes(&bytes).unwrap();
            assert_eq!(again.to_bytes_in(precision).unwrap(), bytes);
        }
    }
}

#[test]
fn whole_models_change_their_precision() {
    let double = model::<f64>();
    let single = Sequential::<f32>::from_bytes(&double.to_bytes_in(Precision::F32).unwrap()).unwrap();
    let rounded: Vec<f32> = double.parameter_values().iter().map(|&value| value as f32).collect();
    assert_eq!(single.parameter_values(), rounded);
    assert_eq!(double.to_bytes_in(Precision::F64).unwrap(), double.to_bytes().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wide.safetensors");
    single.save_in(&path, Precision::F64).unwrap();
    let again = Sequential::<f64>::load(&path).unwrap();
    assert!(again.parameter_values().iter().zip(&rounded).all(|(&a, &b)| a == f64::from(b)));
    let expected = "affine1.weight: expected type F32, got F64 (LoadOptions::convert rounds it)";
    assert!(message(Sequential::<f32>::load(&path)).contains(expected));
    assert!(refused::<f32>(&LoadOptions::new(), &path).contains(expected));
}

#[test]
fn values_out_of_range_are_refused() {
    let mut double = model::<f64>();
    for (value, precision) in [(65520.0, Precision::F16), (-1e39, Precision::BF16), (1e39, Precision::F32)] {
        double.parameter_values_mut()[2] = value;
        let error = double.to_bytes_in(precision).unwrap_err().to_string();
        let expected = format!("affine1.weight: expected values in the range of {precision}, got ");
        assert!(error.starts_with(&expected), "{error}");
    }
    // The greatest values that round to a finite one.
    for (value, precision) in
        [(65519.9, Precision::F16), (-3.39e38, Precision::BF16), (3.4e38, Precision::F32)]
    {
        double.parameter_values_mut()[2] = value;
        double.to_bytes_in(precision).unwrap();
    }
    double.parameter_values_mut()[2] = -1e39;
    let bytes = double.to_bytes().unwrap();
    let mut single = model::<f32>();
    let before = content(&single).0;
    let error = message(LoadOptions::new().convert(true).bytes_into(&mut single, &bytes));
    // PyTorch's layout is transposed: row 0, column 2 here is row 2, column 0 there.
    assert!(error.contains("affine1.weight: expected values in the range of F32, got -1000"), "{error}");
    assert!(error.ends_with("at index 6"), "{error}");
    assert_eq!(content(&single).0, before);
}

#[test]
fn names_are_mapped_in_order() {
    let path = golden("half.safetensors");
    let by_function =
        LoadOptions::new().map(|name| name.replace("module.fc", "affine").replace("module.", ""));
    let (mut first, mut second) = (model::<f32>(), model::<f32>());
    by_function.load_into(&mut first, &path).unwrap();
    named().load_into(&mut second, &path).unwrap();
    assert_eq!(content(&first), content(&second));

    let error = refused::<f32>(&LoadOptions::new(), &path);
    assert!(
        error.contains("missing affine1.weight") && error.contains("unexpected module.fc1.weight"),
        "{error}"
    );
    // Before the prefix is removed, no layer has the name fc1. A name that only begins with fc stays.
    let wrong = LoadOptions::new().rename("fc1", "affine1").strip_prefix("module.").rename("fc", "affine");
    let error = refused::<f32>(&wrong, &path);
    assert!(error.contains("missing affine1.weight") && error.contains("unexpected fc1.weight"), "{error}");
    let one = named().rename("affine1.weight", "affine1.other");
    let error = refused::<f32>(&one, &path);
    assert!(error.ends_with("missing affine1.weight; unexpected affine1.other"), "{error}");
    let same = LoadOptions::new().map(|name| name.rsplit('.').next().unwrap_or_default().to_owned());
    let error = refused::<f32>(&same, &path);
    assert!(error.contains("are both renamed to weight"), "{error}");
    assert_eq!(format!("{:?}", named()), "LoadOptions { names: 3 changes, convert: false, partial: false }");
}

#[test]
fn parts_are_loaded_with_a_report() {
    let path = golden("double.safetensors");
    let mut other = Sequential::<f64>::builder(3)
        .add_layer("fc1", Affine::new(4))
        .add_layer("head", Affine::new(7))
        .add_layer("fc2", Affine::new(3))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .build()
        .unwrap();
    let before = other.clone();
    let options = LoadOptions::new().strip_prefix("module.");
    let error = message(options.clone().load_into(&mut other, &path));
    for problem in
        ["missing head.weight", "fc2.weight: expected shape [3, 7], got [2, 4]", "unexpected bn.bias"]
    {
        assert!(error.contains(problem), "{error}");
    }
    assert_eq!(other.parameter_values(), before.parameter_values());

    let report = options.partial(true).load_into(&mut other, &path).unwrap();
    let CopyReport { copied, missing, unexpected, mismatched, .. } = report;
    assert_eq!(copied, ["fc1.weight", "fc1.bias"]);
    assert_eq!(missing, ["head.weight", "head.bias"]);
    assert_eq!(unexpected, ["bn.bias", "bn.running_mean", "bn.running_var", "bn.weight"]);
    assert_eq!(mismatched[0], ("fc2.weight".into(), vec![3, 7], vec![2, 4]));
    assert_eq!(mismatched[1], ("fc2.bias".into(), vec![3], vec![2]));
    let mut whole = model::<f64>();
    named().load_into(&mut whole, &path).unwrap();
    assert_eq!(other.parameter("fc1.weight").unwrap(), whole.parameter("affine1.weight").unwrap());
    for name in ["head.weight", "head.bias", "fc2.weight", "fc2.bias"] {
        assert_eq!(other.parameter(name).unwrap(), before.parameter(name).unwrap());
    }

    // Values and types that a model cannot have are errors in a part as well.
    let partial = LoadOptions::new().strip_prefix("module.").partial(true);
    assert!(refused::<f32>(&partial.clone(), &path).contains("bn.weight: expected type F32, got F64"));
    let mut negative = whole.clone();
    let first = negative.buffer_values().len() / 2;
    let bytes = negative.to_bytes().unwrap();
    negative.parameter_values_mut()[0] = 7.0;
    let changed = bytes.windows(8).position(|bytes| *bytes == whole.buffer_values()[first].to_le_bytes());
    let mut bytes = bytes.clone();
    bytes[changed.unwrap() + 7] |= 0x80;
    let error = message(partial.bytes_into(&mut negative, &bytes));
    assert!(error.contains("layer 'bn'"), "{error}");
    assert_eq!(negative.parameter_values()[0], 7.0);
}

/// Buffers that are not in a file keep their values.
#[test]
fn a_part_may_have_no_buffers() {
    let mut other = model::<f64>();
    named().load_into(&mut other, golden("double.safetensors")).unwrap();
    let before = content(&other).0;
    let shard = golden("model-00001-of-00002.safetensors");
    let report = named().partial(true).load_into(&mut other, shard).unwrap();
    assert_eq!(report.copied, NAMES[..2]);
    assert_eq!(report.missing, NAMES[2..]);
    assert_eq!(content(&other).0, before);
}

#[test]
fn shards_are_read_through_their_index() {
    let (mut first, mut second) = (model::<f64>(), model::<f64>());
    named().load_into(&mut first, golden("model.safetensors.index.json")).unwrap();
    named().load_into(&mut second, golden("double.safetensors")).unwrap();
    assert_eq!(content(&first), content(&second));

    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let index = fs::read_to_string(golden("model.safetensors.index.json")).unwrap();
    let shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
    let error_of = |index: &str| {
        fs::write(at("index.json"), index).unwrap();
        refused::<f64>(&named(), at("index.json"))
    };
    assert!(error_of(&index).contains(shards[0]));
    for shard in shards {
        fs::copy(golden(shard), at(shard)).unwrap();
    }
    fs::write(at("index.json"), &index).unwrap();
    named().load_into(&mut model::<f64>(), at("index.json")).unwrap();

    // A tensor that is not in its file, and one that the index leaves out.
    let moved = index.replacen(shards[0], shards[1], 1);
    assert!(error_of(&moved).contains("incompatible content: missing module.fc1."), "{}", error_of(&moved));
    let one = format!(r#"{{"weight_map":{{"module.fc1.weight":"{}"}}}}"#, shards[0]);
    let error = error_of(&one);
    assert!(error.contains("missing affine1.bias") && !error.contains("missing affine1.weight"), "{error}");
    for outside in ["../model.safetensors", "/etc/passwd", "a/b", "", "..", ".", "a/"] {
        let error = error_of(&index.replacen(shards[0], outside, 1));
        assert!(error.contains(&format!("expected a file in the same folder, got {outside:?}")), "{error}");
    }
    for wrong in ["", "{}", "[]", r#"{"weight_map":[]}"#, r#"{"weight_map":{"a":1}}"#, &"[".repeat(100_000)] {
        assert!(error_of(wrong).contains("index of safetensors files: "), "{}", error_of(wrong));
    }
    fs::write(at(shards[1]), &fs::read(golden(shards[1])).unwrap()[..100]).unwrap();
    let error = error_of(&index);
    assert!(error.contains(shards[1]) && error.contains("at byte"), "{error}");
}

#[test]
fn files_of_torch_save_are_recognised() {
    let error = refused::<f32>(&LoadOptions::new(), golden("plain.pt"));
    assert!(error.contains("at byte 0: not a safetensors file, but one of torch.save"), "{error}");
    assert!(
        error.contains("safetensors.torch.save_file, and read that file with load_weights or LoadOptions")
    );
    let old = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.";
    assert!(message(model::<f32>().weights_from_bytes(old)).contains("torch.save"));
    let error = message(Sequential::<f32>::load(golden("half.safetensors")));
    assert!(error.contains("use load_weights to load weights alone, and LoadOptions if"), "{error}");
}

#[test]
fn other_types_and_values_are_refused() {
    let bytes = fs::read(golden("half.safetensors")).unwrap();
    let (mut other, all) = (model::<f64>(), named().convert(true).partial(true));
    let before = content(&other).0;
    for dtype in ["I16", "U16"] {
        let text = String::from_utf8_lossy(&bytes[8..16 + 700]).contains("F16");
        assert!(text);
        let start = bytes.windows(5).position(|bytes| bytes == b"\"F16\"").unwrap();
        let mut bytes = bytes.clone();
        bytes[start + 1..start + 4].copy_from_slice(dtype.as_bytes());
        let error = message(all.bytes_into(&mut other, &bytes));
        assert!(error.ends_with(&format!("expected type F64, got {dtype}")), "{error}");
    }
    let end = bytes.len();
    for (value, text) in [(0x7c00_u16, "inf"), (0xfc00, "-inf"), (0x7e00, "NaN"), (0x7c01, "NaN")] {
        let mut bytes = bytes.clone();
        bytes[end - 2..].copy_from_slice(&value.to_le_bytes());
        let error = message(all.bytes_into(&mut other, &bytes));
        assert!(error.contains(&format!("expected finite values, got {text} at index ")), "{error}");
    }
    assert_eq!(content(&other).0, before);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// After any change of a file, loading succeeds or leaves the model unchanged.
    #[test]
    fn changed_bytes_never_panic(
        which in 0..3_usize,
        changes in prop::collection::vec((0..700_usize, any::<u8>()), 1..4),
        partial in any::<bool>(),
    ) {
        let mut bytes = fs::read(golden(["half.safetensors", "bfloat.safetensors", "double.safetensors"][which])).unwrap();
        for (place, value) in changes {
            bytes[place] = value;
        }
        let mut other = model::<f32>();
        let before = content(&other).0;
        match named().convert(true).partial(partial).bytes_into(&mut other, &bytes) {
            Ok(_) => prop_assert!(content(&other).0.iter().all(|value| value.is_finite())),
            Err(_) => prop_assert_eq!(content(&other).0, before),
        }
    }
}
