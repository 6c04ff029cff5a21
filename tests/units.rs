//! Models with normalisers: from raw features to predictions in the units of the targets, also after saving in files and
//! checkpoints.

use manabi::activation::{Identity, Tanh};
use manabi::loss::MeanSquaredError;
use manabi::optim::Adam;
use manabi::persistence::Registry;
use manabi::train::Checkpoints;
use manabi::{Activation, Affine, Normalizer, Result, Samples, Scalar, Sequential, Trainer};
use ndarray::{Array2, array};

fn model<A: Scalar>() -> Sequential<A> {
    Sequential::builder(2)
        .add_layer("affine1", Affine::new(5))
        .add_layer("tanh1", Activation::new(Tanh))
        .add_layer("affine2", Affine::new(3))
        .set_output(Identity)
        .set_error(MeanSquaredError)
        .build()
        .unwrap()
}

fn features<A: Scalar>() -> Array2<A> {
    array![[20.0, 1e5], [25.0, 3e5], [30.0, 2e5], [22.0, 7e5]].mapv(A::of)
}

fn targets<A: Scalar>() -> Array2<A> {
    array![[1.0, 1e3, -5.0], [2.0, 4e3, -5.5], [4.0, 2e3, -7.0], [3.0, 1e3, -5.0]].mapv(A::of)
}

fn normalizers<A: Scalar>() -> (Normalizer, Normalizer) {
    let inputs = Normalizer::z_score_per_feature(features::<A>().view()).unwrap();
    (inputs, Normalizer::min_max_per_feature(targets::<A>().view()).unwrap())
}

fn in_units<A: Scalar>() -> Sequential<A> {
    let ((inputs, targets), mut model) = (normalizers::<A>(), model());
    model.set_input_normalizer(inputs).unwrap();
    model.set_target_normalizer(targets).unwrap();
    model
}

fn raw_predictions<A: Scalar>() {
    let (inputs, targets) = normalizers::<A>();
    let (mut x, raw) = (features::<A>(), features::<A>());
    let plain = model::<A>();
    // Without normalisers, the values are unchanged.
    assert_eq!(plain.predict_raw(raw.view()).unwrap(), plain.predict(raw.view()).unwrap());
    assert_eq!((plain.input_normalizer(), plain.target_normalizer()), (None, None));

    inputs.apply(x.view_mut()).unwrap();
    let mut model = in_units::<A>();
    let normalised = model.predict(x.view()).unwrap();
    assert_eq!(normalised, plain.predict(x.view()).unwrap());
    let mut expected = normalised.clone();
    for (mut row, &(shift, scale)) in expected.columns_mut().into_iter().zip(targets.statistics()) {
        row.mapv_inplace(|y| y * A::of(scale) + A::of(shift));
    }
    assert_eq!(model.predict_raw(raw.view()).unwrap(), expected);
    // Columns not in standard layout.
    let transposed = raw.t().as_standard_layout().into_owned();
    assert_eq!(model.predict_raw(transposed.t()).unwrap(), expected);
    // A clone has them too. Each can be removed.
    model = model.clone();
    model.set_target_normalizer(None).unwrap();
    assert_eq!(model.predict_raw(raw.view()).unwrap(), normalised);
    model.set_input_normalizer(None).unwrap();
    assert_eq!(model.predict_raw(x.view()).unwrap(), normalised);
}

#[test]
fn raw_features_give_predictions_in_original_units() {
    raw_predictions::<f32>();
    raw_predictions::<f64>();
}

fn assert_near(got: &Array2<f64>, expected: &Array2<f64>, tolerance: f64) {
    for (got, expected) in got.iter().zip(expected) {
        assert!((got - expected).abs() <= tolerance * expected.abs(), "{got} {expected}");
    }
}

/// Denormalising restores the original units.
#[test]
fn a_regression_in_its_own_units() {
    let (inputs, targets) = normalizers::<f64>();
    let data = Samples::new(features::<f64>(), self::targets()).unwrap();
    let data = data.normalize(&inputs).unwrap().normalize_targets(&targets).unwrap();
    assert!(data.t().iter().all(|t| (0.0..=1.0).contains(t)));
    let mut model = in_units::<f64>();
    Trainer::new().batch_size(4).epochs(3000).optimizer(Adam::new(0.02)).fit(&mut model, &data).unwrap();
    let y = model.predict_raw(features().view()).unwrap();
    assert_near(&y, &self::targets(), 1e-3);
}

#[test]
fn an_inverse_undoes_what_was_applied() {
    let (inputs, _) = normalizers::<f64>();
    let mut x = features::<f64>();
    inputs.apply(x.view_mut()).unwrap();
    inputs.invert(x.view_mut()).unwrap();
    assert_near(&x, &features(), 1e-15);
    let error = |x: &mut Array2<f64>| inputs.invert(x.view_mut()).unwrap_err().to_string();
    assert!(error(&mut array![[1.0]]).contains("expected shape [2]"));
    assert!(error(&mut array![[1.0, f64::NAN]]).contains("row 0, column 1, got NaN"));
    let mut x = array![[0.0, 0.0], [0.0, 1e305]];
    assert_eq!(error(&mut x), "x in original units, row 1: expected finite values, got inf");
    assert_eq!(x[[1, 1]], 1e305);
}

fn error_of<T>(result: Result<T>) -> String {
    result.err().expect("an error").to_string()
}

#[test]
fn a_normaliser_that_does_not_fit_is_refused() {
    let (inputs, targets) = normalizers::<f32>();
    let mut model = in_units::<f32>();
    let error = error_of(model.set_input_normalizer(targets.clone()));
    assert_eq!(
        error,
        "normaliser of the inputs: expected shape [2], the width of the model's inputs, got [3]"
    );
    let error = error_of(model.set_target_normalizer(inputs.clone()));
    assert_eq!(
        error,
        "normaliser of the targets: expected shape [3], the width of the model's targets, got [2]"
    );
    let error = error_of(model.predict_raw(array![[1.0, 2.0, 3.0]].view()));
    assert_eq!(error, "x: expected shape (any, 2), got [1, 3]");
    let beyond = Normalizer::min_max(array![[0.0, 1e300]].view()).unwrap();
    assert!(error_of(model.set_target_normalizer(beyond)).starts_with("scale: expected a number within"));
    assert_eq!((model.input_normalizer(), model.target_normalizer()), (Some(&inputs), Some(&targets)));
    // A single pair for all columns fits any width.
    let all = Normalizer::min_max(array![[0.0, 255.0]].view()).unwrap();
    model.set_input_normalizer(all.clone()).unwrap();
    model.set_target_normalizer(all).unwrap();
    let x = features::<f32>().mapv(|x| if x > 1e3 { f32::NAN } else { x });
    assert!(error_of(model.predict_raw(x.view())).contains("row 0, column 1, got NaN"));
    assert!(error_of(model.predict_raw(array![[1.0]].view())).contains("x: expected shape (any, 2)"));
}

#[test]
fn files_keep_both_however_often_they_are_saved() {
    let (inputs, targets) = normalizers::<f64>();
    let model = in_units::<f64>();
    let bytes = model.to_bytes().unwrap();
    let loaded = Sequential::<f64>::from_bytes(&bytes).unwrap();
    let again =
        Sequential::<f64>::from_bytes_with_registry(&loaded.to_bytes().unwrap(), &Registry::new()).unwrap();
    for loaded in [&loaded, &again] {
        assert_eq!((loaded.input_normalizer(), loaded.target_normalizer()), (Some(&inputs), Some(&targets)));
        let raw = features();
        assert_eq!(loaded.predict_raw(raw.view()).unwrap(), model.predict_raw(raw.view()).unwrap());
    }
    assert_eq!(again.to_bytes().unwrap(), bytes);
    // Loading only the weights keeps the normalisers.
    let mut other = self::model::<f64>();
    other.weights_from_bytes(&bytes).unwrap();
    assert_eq!((other.input_normalizer(), other.parameter_values()), (None, model.parameter_values()));

    // The error for a normaliser of a different width names the normaliser.
    let change = |from: &str, to: &str| {
        let text: String = bytes.iter().map(|&byte| byte as char).collect();
        assert!(text.contains(from), "{text}");
        let changed: Vec<u8> = text.replacen(from, to, 1).chars().map(|c| c as u8).collect();
        error_of(Sequential::<f64>::from_bytes(&changed))
    };
    let swapped = change("\\\"normalizer\\\":", "\\\"normalizer\\\" ");
    assert!(swapped.contains("description: "), "{swapped}");
    let narrow = r#"\"target_normalizer\":{\"per_feature\":true,\"statistics\":[[1.0,3.0],[1000.0,3000.0]]}"#;
    let padding = r#"\"target_normalizer\":{\"per_feature\":true,\"statistics\":[[1.0,3.0],[1000.0,3000.0],[-7.0,2.0]]}"#;
    let narrow = format!("{narrow}{}", " ".repeat(padding.len() - narrow.len()));
    let error = change(padding, &narrow);
    assert!(
        error.contains("normaliser of the targets: expected a normaliser that fits the model"),
        "{error}"
    );
}

#[test]
fn checkpoints_keep_both() {
    let (inputs, targets) = normalizers::<f64>();
    let data = Samples::new(features::<f64>(), self::targets()).unwrap();
    let data = data.normalize(&inputs).unwrap().normalize_targets(&targets).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let run = |epochs| {
        let checkpoints = Checkpoints::new(folder.path()).keep_best(true).resume(true);
        Trainer::new().batch_size(2).epochs(epochs).optimizer(Adam::new(0.01)).checkpoints(checkpoints)
    };
    run(2).fit(&mut in_units(), &data).unwrap();
    for name in ["epoch-00002.safetensors", "best.safetensors"] {
        let loaded = Sequential::<f64>::load(folder.path().join(name)).unwrap();
        assert_eq!((loaded.input_normalizer(), loaded.target_normalizer()), (Some(&inputs), Some(&targets)));
    }
    let mut resumed = in_units();
    run(3).fit(&mut resumed, &data).unwrap();
    assert_eq!((resumed.input_normalizer(), resumed.target_normalizer()), (Some(&inputs), Some(&targets)));
    // A run on data in other units is a different run.
    let mut other = in_units();
    other.set_target_normalizer(None).unwrap();
    let error = error_of(run(4).fit(&mut other, &data));
    let expected = "normaliser of the targets of the model: expected null, got {\"per_feature\":";
    assert!(error.contains(expected), "{error}");
}
