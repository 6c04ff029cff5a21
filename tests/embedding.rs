//! Embeddings, the check of category numbers, and columns for branches. `layers.rs` compares with PyTorch.

use manabi::activation::Identity;
use manabi::layer::{Chain, Columns, Concat, Embedding, Flatten, Forward, LayerWorkspace, Residual};
use manabi::loss::MeanSquaredError;
use manabi::optim::Adam;
use manabi::random::{Random, RandomState};
use manabi::{Activation, Affine, Error, Layer, Samples, Scalar, Sequential, Shape, Trainer};
use ndarray::{Array2, array};

fn model<A: Scalar>(input: usize, first: impl Layer<A>) -> Sequential<A> {
    let builder = Sequential::builder(input).add_layer("first", first).add_layer("flatten", Flatten);
    let builder = builder.add_layer("affine", Affine::new(1));
    builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap()
}

#[test]
fn the_first_vectors_are_normal_with_variance_1() {
    let model = model::<f64>(1, Embedding::new(6, 4));
    let drawn = RandomState::new(0).normal((6, 4), 0.0, 1.0);
    assert_eq!(model.parameter("first.weight").unwrap(), drawn.into_dyn());
}

#[test]
fn settings_out_of_range() {
    let shape = |layer: Embedding, input: Shape| {
        Layer::<f32>::output_shape(&layer, input).map_err(|error| error.to_string())
    };
    assert_eq!(shape(Embedding::new(1 << 24, 3), 5.into()).unwrap(), [5, 3].into());
    for (layer, input, message) in [
        (Embedding::new(0, 3), 5.into(), "categories: expected at least 1, got 0"),
        (Embedding::new(5, 0), 5.into(), "size: expected at least 1, got 0"),
        (
            Embedding::new((1 << 24) + 1, 1),
            5.into(),
            "categories: expected at most 16777216, up to which f32 has all whole numbers, got 16777217",
        ),
        (
            Embedding::new(5, 3),
            [5, 1].into(),
            "input shape: expected one dimension (put a Flatten layer before it), got 5x1",
        ),
    ] {
        assert_eq!(shape(layer, input).unwrap_err(), message);
    }
    let columns = |range, input: usize| {
        let shape = Layer::<f64>::output_shape(&Columns::new(range), input.into());
        shape.map_err(|error| error.to_string())
    };
    assert_eq!(columns(2..5, 5).unwrap(), 3.into());
    assert_eq!(columns(2..6, 5).unwrap_err(), "columns: expected at least one of the 5 inputs, got 2..6");
    assert!(columns(3..3, 5).is_err());
}

/// Two numbers, and two categories of 4 and 3 in the columns 2 and 3.
fn inputs<A: Scalar>() -> Concat<A> {
    let category = |column: usize, categories| {
        let chain = Chain::new().add_layer("column", Columns::new(column..column + 1));
        chain.add_layer("embedding", Embedding::new(categories, 2)).add_layer("flatten", Flatten)
    };
    Concat::new()
        .add_branch("numbers", Chain::new().add_layer("columns", Columns::new(0..2)))
        .add_branch("city", category(2, 4))
        .add_branch("colour", category(3, 3))
}

#[test]
fn wrong_categories_are_named() {
    let model = model::<f64>(4, inputs());
    let good = [0.5, -7.1, 3.0, 2.0];
    assert!(model.predict(array![good].view()).is_ok());
    assert!(model.predict(array![[0.5, -7.1, -0.0, 2.0]].view()).is_ok());
    for (column, value, layer, below) in [
        (2, 4.0, "city", 4),
        (2, -1.0, "city", 4),
        (2, 0.5, "city", 4),
        (3, 3.0, "colour", 3),
        (3, 1e300, "colour", 3),
    ] {
        let mut x = Array2::from(vec![good; 3]);
        x[[1, column]] = value;
        let message = format!(
            "layer 'first.{layer}.embedding': x: expected a whole number below {below} in column {column} at row 1, got {value}"
        );
        assert_eq!(model.predict(x.view()).unwrap_err().to_string(), message);
        // A view in another layout, and the passes of a workspace.
        assert_eq!(model.predict(x.t().as_standard_layout().t()).unwrap_err().to_string(), message);
        let mut ws = model.workspace(3).unwrap();
        ws.load_arrays(x.view(), Array2::zeros((3, 1)).view()).unwrap();
        let message = message.replace(": x:", ": samples of the data set:");
        assert_eq!(model.loss(&mut ws).unwrap_err().to_string(), message);
        assert_eq!(model.gradient(&mut ws).unwrap_err().to_string(), message);
        assert_eq!(model.forward(&mut ws, false).unwrap_err().to_string(), message);
    }
}

#[test]
fn training_names_the_row_of_the_data_set() {
    let mut x = Array2::from_shape_fn((50, 4), |(i, j)| ((i + j) % 3) as f64);
    x[[37, 3]] = 7.0;
    let data = Samples::new(x, Array2::zeros((50, 1))).unwrap();
    let mut model = model::<f64>(4, inputs());
    let error = Trainer::new().batch_size(7).fit(&mut model, &data).unwrap_err().to_string();
    let end = "layer 'first.colour.embedding': samples of the data set: expected a whole number below 3 in column 3 at row 37, got 7";
    assert!(error.ends_with(end), "{error}");
}

#[test]
fn values_of_other_layers_count_as_the_nearest() {
    let chain = Chain::new()
        .add_layer("identity", Activation::new(Identity))
        .add_layer("embedding", Embedding::new(3, 1));
    let embedding = |x: f64| {
        let mut ws = LayerWorkspace::new(&chain, 1, 1).unwrap();
        let (x, mut y) = (array![[x]], array![[0.0]]);
        chain.forward(Forward::new(&mut ws, &[10.0, 11.0, 12.0], &[], x.view(), y.view_mut()).unwrap());
        y[[0, 0]]
    };
    for (x, y) in [(-5.0, 10.0), (0.4, 10.0), (0.6, 11.0), (1.5, 12.0), (2.5, 12.0), (f64::INFINITY, 12.0)] {
        assert_eq!(embedding(x), y, "{x}");
    }
    assert!(embedding(f64::NAN).is_nan());
    // No column reaches an embedding behind another layer, so that every value passes.
    let model = model::<f64>(1, chain.clone());
    assert!(model.predict(array![[0.3]].view()).is_ok());
}

#[test]
fn blocks_and_images_pass_the_check() {
    // A residual block receives the columns unchanged.
    let inner = Chain::new().add_layer("embedding", Embedding::new(2, 1)).add_layer("flatten", Flatten);
    let model = model::<f32>(3, Residual::new(inner));
    let error = model.predict(array![[0.0, 1.0, 2.0]].view()).unwrap_err();
    assert!(matches!(&error, Error::Layer { layer, .. } if layer == "first.embedding"), "{error}");
    // A chain whose input has several dimensions.
    let inner = Chain::new().add_layer("flatten", Flatten).add_layer("embedding", Embedding::new(2, 1));
    let builder = Sequential::<f32>::builder([1, 1, 2]).add_layer("chain", inner);
    let model = builder.set_output(Identity).set_error(MeanSquaredError).build();
    let model = match model {
        Ok(model) => model,
        Err(error) => panic!("{error}"),
    };
    let error = model.predict(array![[0.0, 3.0]].view()).unwrap_err();
    assert!(error.to_string().contains("in column 1 at row 0, got 3"), "{error}");
}

/// t = v(city)·x, which no model without the category can learn.
#[test]
fn a_table_is_learned() {
    let mut random = RandomState::new(3);
    let numbers = random.normal((300, 2), 0.0, 1.0);
    let x =
        Array2::from_shape_fn(
            (300, 4),
            |(i, j)| if j < 2 { numbers[[i, j]] } else { (i * (j + 2) / 3 % 3) as f64 },
        );
    let effects = [-2.0, 0.5, 3.0];
    let t = Array2::from_shape_fn((300, 1), |(i, _)| effects[x[[i, 2]] as usize] + 0.5 * x[[i, 0]]);
    let data = Samples::new(x, t).unwrap();
    let mut model = model::<f64>(4, inputs());
    Trainer::new().epochs(60).batch_size(20).optimizer(Adam::new(0.03)).fit(&mut model, &data).unwrap();
    let loss = model.evaluate(&data).unwrap().loss;
    assert!(loss < 1e-3, "{loss}");
}
