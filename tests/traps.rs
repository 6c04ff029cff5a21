//! Common pitfalls: huge values, wrong shapes in products, names with dots, and files with impossible values.

use manabi::activation::Identity;
use manabi::layer::{BatchNorm, Forward, LayerNorm, LayerWorkspace, Training};
use manabi::linalg::Engine;
use manabi::loss::MeanSquaredError;
use manabi::ndarray::{Array2, array};
use manabi::random::{Noise, Random, RandomState};
use manabi::{Affine, Layer, Sequential, Shape, gradcheck};

/// Returns the output in training.
fn normalised(layer: &dyn Layer<f64>, shape: impl Into<Shape>, x: &Array2<f64>) -> Array2<f64> {
    let shape = shape.into();
    let count = layer.buffers(shape).iter().map(|buffer| buffer.shape[0]).sum();
    let (buffers, mut next, mut y) = (vec![1.0; count], vec![1.0; count], Array2::zeros(x.dim()));
    let mut ws = LayerWorkspace::new(layer, shape, x.nrows()).unwrap();
    let pass = Forward::new(&mut ws, &[], &buffers, x.view(), y.view_mut()).unwrap();
    layer.forward(pass.training(Training::new(Noise::new(1, 1), &mut next)).unwrap());
    y
}

/// Scaling by a power of two does not change the digits of the normalised values if ε is negligible.
#[test]
fn normalisation_of_huge_values_is_that_of_small_ones() {
    let small = RandomState::new(1).normal((6, 8), 3.0, 2.0);
    let layers: [(&str, Box<dyn Layer<f64>>); 2] = [
        ("batch", Box::new(BatchNorm::new().affine(false).epsilon(1e-300))),
        ("layer", Box::new(LayerNorm::new().affine(false).epsilon(1e-300))),
    ];
    for (name, layer) in &layers {
        for shape in [Shape::from(8), [2, 2, 2].into()] {
            let expected = normalised(layer, shape, &small);
            assert!(expected.iter().all(|y| y.abs() < 3.0) && expected.iter().any(|y| y.abs() > 0.5));
            // 2⁵³⁰ ≈ 4·10¹⁵⁹ and 2⁹⁰⁰: squares overflow.
            for exponent in [530, 900] {
                let huge = small.mapv(|x| x * 2_f64.powi(exponent));
                let got = normalised(layer, shape, &huge);
                let error = (&got - &expected).mapv(f64::abs).into_iter().fold(0.0, f64::max);
                assert!(error < 1e-14, "{name} {shape} 2^{exponent}: {error:e}");
            }
        }
    }
}

/// Each column keeps its own scale, even if only one column is huge.
#[test]
fn a_huge_feature_leaves_the_others_alone() {
    let layer = BatchNorm::new().affine(false);
    let small = RandomState::new(2).normal((5, 3), 0.0, 1.0);
    let mut mixed = small.clone();
    mixed.column_mut(1).mapv_inplace(|x| x * 2_f64.powi(700));
    let (expected, got) = (normalised(&layer, 3, &small), normalised(&layer, 3, &mixed));
    assert_eq!(got.column(0), expected.column(0));
    assert_eq!(got.column(2), expected.column(2));
    assert!(got.column(1).iter().all(|y| y.is_finite()) && got.column(1).iter().any(|y| y.abs() > 0.5));
}

#[test]
fn gradients_of_image_normalisation_are_right() {
    let x = RandomState::new(1).normal((4, 12), 0.5, 1.5);
    for shape in [Shape::from([3, 2, 2]), [3, 4].into(), [2, 2, 3].into(), [1, 3, 4].into()] {
        gradcheck::layer_with_shape(&BatchNorm::new(), shape, x.view(), 0).unwrap().assert();
        gradcheck::layer_with_shape(&LayerNorm::new(), shape, x.view(), 0).unwrap().assert();
    }
}

#[test]
fn a_negative_variance_is_refused() {
    let builder = Sequential::<f64>::builder(2).add_layer("norm1", BatchNorm::new());
    let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    let error = model.set_buffer_values(&[0.0, 0.0, 1.0, -0.5]).unwrap_err().to_string();
    assert_eq!(error, "layer 'norm1': running_var[1]: expected a variance of at least 0, got -0.5");
    assert_eq!(model.buffer_values(), [0.0, 0.0, 1.0, 1.0]);

    // The same in a file. The bytes to change are found by their value.
    model.set_buffer_values(&[0.0, 0.0, 1.0, 0.5]).unwrap();
    let mut bytes = model.to_bytes().unwrap();
    let place = bytes.windows(8).rposition(|window| window == 0.5_f64.to_le_bytes()).unwrap();
    bytes[place..place + 8].copy_from_slice(&(-0.5_f64).to_le_bytes());
    let expected = "layer 'norm1': running_var[1]: expected a variance of at least 0, got -0.5";
    let error = Sequential::<f64>::from_bytes(&bytes).unwrap_err().to_string();
    assert!(error.ends_with(expected), "{error}");
    let before = (model.parameter_values().to_vec(), model.buffer_values().to_vec());
    let error = model.weights_from_bytes(&bytes).unwrap_err().to_string();
    assert!(error.ends_with(expected), "{error}");
    assert_eq!((model.parameter_values().to_vec(), model.buffer_values().to_vec()), before);
}

#[test]
#[should_panic(
    expected = "matmul: expected a (m, k), b (k, n), row (n) and c (m, n), got a (2, 3), b (2, 4), row None and c (2, 4)"
)]
fn a_product_of_wrong_shapes_tells_them() {
    let (a, b, mut c) = (Array2::<f32>::zeros((2, 3)), Array2::zeros((2, 4)), Array2::zeros((2, 4)));
    Engine::new(1).matmul(a.view(), b.view(), None, c.view_mut());
}

#[test]
#[should_panic(expected = "matmul: expected c in standard layout, got strides [1, 2]")]
fn a_product_into_another_layout_tells_it() {
    let (a, mut c) = (Array2::<f32>::zeros((2, 2)), Array2::zeros((2, 2)));
    Engine::new(1).matmul(a.view(), a.view(), None, c.view_mut().reversed_axes());
}

#[test]
fn names_may_have_points_between_their_parts() {
    let build = |names: [&str; 2]| {
        let builder = Sequential::<f64>::builder(2)
            .add_layer(names[0], Affine::new(2))
            .add_layer(names[1], Affine::new(1));
        builder.set_output(Identity).set_error(MeanSquaredError).build()
    };
    let model = build(["net.0", "net.2"]).unwrap();
    assert_eq!(model.parameter("net.2.weight").unwrap().shape(), [2, 1]);
    let loaded = Sequential::<f64>::from_bytes(&model.to_bytes().unwrap()).unwrap();
    assert_eq!(loaded.parameter_values(), model.parameter_values());
    assert!(model.predict(array![[1.0, 2.0]].view()).is_ok());
    for (names, expected) in [
        (
            ["net.", "b"],
            "layer '#1': name: expected non-empty parts without spaces, separated by dots, got 'net.'",
        ),
        (
            ["a", ".b"],
            "layer '#2': name: expected non-empty parts without spaces, separated by dots, got '.b'",
        ),
        (
            ["a", "a b"],
            "layer '#2': name: expected non-empty parts without spaces, separated by dots, got 'a b'",
        ),
        (["a", "a"], "duplicate layer name \"a\": give each layer a unique name"),
    ] {
        assert_eq!(build(names).unwrap_err().to_string(), expected);
    }
}
