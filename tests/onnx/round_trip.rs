//! Saving a model and loading it returns the same model with the same bits.

use manabi::activation::Identity;
use manabi::layer::{Dropout, LayerNorm, Residual};
use manabi::loss::MeanSquaredError;
use manabi::onnx::Export;
use manabi::{
    ActFn, Activation, Affine, CrossEntropy, Error, Normalizer, Real, Scalar, Sequential, Softmax, Swish,
};
use ndarray::{Array2, array};

use super::models::models;

fn same<A: Scalar>(name: &str, model: &Sequential<A>, bytes: &[u8]) {
    let loaded = Sequential::<A>::from_onnx_bytes(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(loaded.to_bytes().unwrap(), model.to_bytes().unwrap(), "{name}");
    let x = Array2::from_shape_fn((3, model.input_dim()), |(i, j)| A::of((i * 7 + j) as f64 * 0.1 - 1.0));
    assert_eq!(loaded.predict(x.view()).unwrap(), model.predict(x.view()).unwrap(), "{name}");
}

fn all_same<A: Scalar>() {
    let models = models::<A>();
    assert!(models.len() > 70, "{}", models.len());
    for (name, model) in models {
        same(&name, &model, &model.to_onnx_bytes().unwrap());
        let export = Export::new().input_name("in").output_name("out").batch(3).output(false).raw(true);
        same(&name, &model, &export.to_bytes(&model).unwrap());
    }
}

#[test]
fn every_part_keeps_its_bits_f32() {
    all_same::<f32>();
}

#[test]
fn every_part_keeps_its_bits_f64() {
    all_same::<f64>();
}

#[test]
fn normalisers_are_in_the_file() {
    let builder = Sequential::<f64>::builder(2).add_layer("affine1", Affine::new(1));
    let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    let table = array![[1.0, 7.0], [3.0, 8.0]];
    model.set_input_normalizer(Normalizer::z_score_per_feature(table.view()).unwrap()).unwrap();
    model.set_target_normalizer(Normalizer::min_max(array![[3.0], [9.0]].view()).unwrap()).unwrap();
    let loaded =
        Sequential::<f64>::from_onnx_bytes(&Export::new().raw(true).to_bytes(&model).unwrap()).unwrap();
    assert_eq!(loaded.predict_raw(table.view()).unwrap(), model.predict_raw(table.view()).unwrap());
}

#[test]
fn a_file_replaces_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    for units in [2, 3] {
        let builder = Sequential::<f32>::builder(2).add_layer("affine1", Affine::new(units));
        let model = builder.set_output(Softmax).set_error(CrossEntropy).build().unwrap();
        model.save_onnx(&path).unwrap();
        assert_eq!(Sequential::<f32>::load_onnx(&path).unwrap().to_string(), model.to_string());
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let missing = Sequential::<f32>::load_onnx(folder.path().join("none.onnx")).unwrap_err();
    assert!(matches!(missing, Error::Io { .. }));
}

/// Layers without nodes, and names that occur twice.
#[test]
fn difficult_graphs() {
    let builder = Sequential::<f32>::builder([2, 2])
        .add_layer("x", Dropout::new(0.5))
        .add_layer("x/Add", Residual::new(manabi::layer::Chain::new().add_layer("n", LayerNorm::new())));
    let model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    same("names", &model, &model.to_onnx_bytes().unwrap());

    let builder = Sequential::<f32>::builder(2).add_layer("dropout1", Dropout::new(0.5));
    let model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    same("no nodes", &model, &model.to_onnx_bytes().unwrap());
}

#[test]
fn wrong_options() {
    let builder = Sequential::<f32>::builder(2).add_layer("affine1", Affine::new(2));
    let model = builder.set_output(Softmax).set_error(CrossEntropy).build().unwrap();
    let error = |export: Export| export.to_bytes(&model).unwrap_err().to_string();
    assert_eq!(error(Export::new().batch(0)), "batch: expected at least 1, or None, got 0");
    let twice = "duplicate value name \"y\": give each value a unique name";
    assert_eq!(error(Export::new().input_name("y")), twice);
    let twice = "duplicate value name \"affine1.bias\": give each value a unique name";
    assert_eq!(error(Export::new().output_name("affine1.bias")), twice);
}

/// z = 2u
#[derive(Clone, Debug)]
struct Twice;

impl ActFn for Twice {
    const KIND: &'static str = "twice";
    #[inline(always)]
    fn f<R: Real>(&self, u: R) -> R {
        u + u
    }
}

#[test]
fn custom_parts_have_nodes() {
    let builder = Sequential::<f32>::builder(2)
        .add_layer("affine1", Affine::new(2))
        .add_layer(
            "block1",
            Residual::new(manabi::layer::Chain::new().add_layer("twice1", Activation::new(Twice))),
        )
        .add_layer("swish1", Activation::new(Swish::default()));
    let model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    let error = model.to_onnx_bytes().unwrap_err().to_string();
    assert!(error.starts_with("layer 'block1.twice1': kind of the layer: expected"), "{error}");
    let export = Export::new().part("twice", |graph, _, u| Ok(graph.node("Add", &[u, u])));
    let bytes = export.to_bytes(&model).unwrap();
    let error = Sequential::<f32>::from_onnx_bytes(&bytes).unwrap_err().to_string();
    assert!(error.contains("'twice' is not in the registry"), "{error}");
}
