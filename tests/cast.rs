//! Models in another precision: values, predictions, settings, and parts that are not built in.

use manabi::activation::Identity;
use manabi::layer::{
    Backward, BatchNorm, Chain, Conv2d, Flatten, Forward, Layer, Residual, TrainableActivation,
};
use manabi::loss::{Heads, MeanSquaredError};
use manabi::metrics::Metrics;
use manabi::persistence::Registry;
use manabi::random::{Random, RandomState};
use manabi::settings::Settings;
use manabi::{
    Activation, Affine, CrossEntropy, Normalizer, Result, Samples, Scalar, Sequential, Shape, Softmax, Swish,
    Trainer,
};
use ndarray::array;

/// A model for images with a block, buffers and a learned activation, after some training.
fn trained() -> Sequential<f64> {
    let block =
        Chain::new().add_layer("norm", BatchNorm::new()).add_layer("conv", Conv2d::new(3, 3).padding(1));
    let mut model = Sequential::builder([1, 6, 6])
        .add_layer("conv1", Conv2d::new(3, 3).padding(1))
        .add_layer("block1", Residual::new(block))
        .add_layer("swish1", TrainableActivation::new(Swish::new(1.5)).per_unit(true))
        .add_layer("flatten", Flatten)
        .add_layer("affine1", Affine::new(3))
        .set_output(Softmax)
        .set_error(CrossEntropy.label_smoothing(0.1))
        .build()
        .unwrap();
    let x = RandomState::new(1).normal((60, 36), 0.0, 1.0);
    let labels: Vec<usize> = (0..60).map(|row| row % 3).collect();
    let data = Samples::labeled(x.clone(), &labels, 3).unwrap().with_shape([1, 6, 6]).unwrap();
    Trainer::new().batch_size(20).epochs(2).fit(&mut model, &data).unwrap();
    model.set_input_normalizer(Normalizer::z_score(x.view()).unwrap()).unwrap();
    model.set_note("classes", "a,b,c");
    model
}

#[test]
fn a_model_is_the_same_in_the_other_precision() {
    let model = trained();
    let single = model.cast::<f32>().unwrap();
    let rounded = |values: &[f64]| values.iter().map(|&value| value as f32).collect::<Vec<_>>();
    assert_eq!(single.parameter_values(), rounded(model.parameter_values()));
    assert_eq!(single.buffer_values(), rounded(model.buffer_values()));
    assert!(model.buffer_values().iter().any(|&value| value != 0.0 && value != 1.0));
    assert_eq!(single.to_string(), model.to_string());
    assert_eq!(single.input_normalizer(), model.input_normalizer());
    assert_eq!(single.note("classes"), Some("a,b,c"));
    // The descriptions in files contain the settings of every part.
    let description = |bytes: Vec<u8>| {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let start = text.find("\"__metadata__\"").unwrap();
        text[start..].split("}\",").next().unwrap().split("\"}").next().unwrap().to_owned()
    };
    let (own, of_single) = (description(model.to_bytes().unwrap()), description(single.to_bytes().unwrap()));
    assert!(own.contains("label_smoothing") && own.contains("per_unit"), "{own}");
    assert_eq!(own, of_single);

    let x = RandomState::new(2).normal((9, 36), 0.0, 1.0);
    let (y, of_single) =
        (model.predict_raw(x.view()).unwrap(), single.predict_raw(x.mapv(|x| x as f32).view()).unwrap());
    for (y, of_single) in y.iter().zip(&of_single) {
        assert!((y - f64::from(*of_single)).abs() < 1e-5, "{y} {of_single}");
    }

    // Back in f64, nothing is rounded again, and a model in its own precision is a copy.
    let double = single.cast::<f64>().unwrap();
    assert!(
        double.parameter_values().iter().zip(single.parameter_values()).all(|(a, b)| *a == f64::from(*b))
    );
    assert_eq!(double.cast::<f32>().unwrap().parameter_values(), single.parameter_values());
    let mut copy = model.cast::<f64>().unwrap();
    assert_eq!(copy.predict(x.view()).unwrap(), model.predict(x.view()).unwrap());
    copy.parameter_values_mut()[0] += 1.0;
    assert_ne!(copy.parameter_values(), model.parameter_values());
}

#[test]
fn heads_stay_heads() {
    let heads = Heads::new().add_head("class", 3, Softmax, CrossEntropy, 1.0);
    let heads = heads.add_head("number", 1, Identity, MeanSquaredError, 0.25);
    let builder = Sequential::<f32>::builder(2).add_layer("affine1", Affine::new(4));
    let model = builder.set_output(heads.clone()).set_error(heads).build().unwrap();
    let (x, t) = (array![[1.0, -0.5], [0.25, 2.0]], array![[1.0, 0.0, 0.0, 2.0], [0.0, 1.0, 0.0, 0.0]]);
    let single = Samples::new(x.mapv(|x| x as f32), t.mapv(|t| t as f32)).unwrap();
    let double = Samples::new(x, t).unwrap();
    let cast = model.cast::<f64>().unwrap();
    let close = |a: Metrics, b: Metrics| {
        assert!((a.loss / b.loss - 1.0).abs() < 1e-6, "{a:?} {b:?}");
        assert_eq!(a.accuracy, b.accuracy);
    };
    close(cast.evaluate(&double).unwrap(), model.evaluate(&single).unwrap());
    let (heads, of_cast) = (model.evaluate_heads(&single).unwrap(), cast.evaluate_heads(&double).unwrap());
    assert_eq!((of_cast[0].0.as_str(), of_cast[1].0.as_str()), ("class", "number"));
    heads.iter().zip(&of_cast).for_each(|(a, b)| close(a.1, b.1));
}

/// y = c·x, with the setting c.
#[derive(Debug)]
struct Scale(f64);

impl<A: Scalar> Layer<A> for Scale {
    fn kind(&self) -> &str {
        "scale"
    }
    fn settings(&self) -> Option<Settings> {
        Some(Settings::new().with("c", self.0))
    }
    fn output_shape(&self, input: Shape) -> Result<Shape> {
        Ok(input)
    }
    fn forward(&self, pass: Forward<'_, A>) {
        let Forward { x, mut y, .. } = pass;
        y.assign(&x);
        y.mapv_inplace(|y| y * A::of(self.0));
    }
    fn backward(&self, pass: Backward<'_, A>) {
        if let Some(mut dx) = pass.dx {
            dx.assign(&pass.dy);
            dx.mapv_inplace(|dx| dx * A::of(self.0));
        }
    }
}

#[test]
fn a_custom_layer_comes_from_the_registry() {
    let builder =
        Sequential::<f64>::builder(2).add_layer("scale1", Scale(0.1)).add_layer("a", Affine::new(1));
    let model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    let error = model.cast::<f32>().unwrap_err().to_string();
    assert!(error.starts_with("model: incompatible content: layer 'scale1'"), "{error}");
    let registry = Registry::<f32>::new().layer("scale", |settings| Ok(Scale(settings.number("c")?)));
    let single = model.cast_with_registry(&registry).unwrap();
    let (y, of_single) = (model.predict_row(&[1.0, 2.0]).unwrap(), single.predict_row(&[1.0, 2.0]).unwrap());
    assert!((y[0] - f64::from(of_single[0])).abs() < 1e-6);
}

#[test]
fn values_out_of_range_are_an_error() {
    let builder = Sequential::<f64>::builder(1).add_layer("a", Activation::new(Swish::default()));
    let mut model = builder
        .add_layer("b", Affine::new(1))
        .set_output(Identity)
        .set_error(MeanSquaredError)
        .build()
        .unwrap();
    model.set_parameter("b.weight", &array![[1e39]]).unwrap();
    let error = model.cast::<f32>().unwrap_err().to_string();
    assert!(error.starts_with("b.weight: expected values in the range of the precision, got 1"), "{error}");
}
