//! Models in files: saved models are restored exactly, and mismatches are reported.

use manabi::activation::{ActivationVisitor, Identity, PRelu, TrainableActFn, built_in_activations};
use manabi::init::Initializer;
use manabi::layer::{
    Backward, BuiltInLayer, Chain, Concat, Flatten, Forward, Reshape, Residual, TensorSpec,
    TrainableActivation, built_in_layers,
};
use manabi::loss::{ElementwiseLoss, Loss, LossFn, MeanSquaredError, built_in_losses};
use manabi::output::{Output, built_in_outputs};
use manabi::persistence::Registry;
use manabi::random::{Random, RandomState};
use manabi::settings::Settings;
use manabi::{
    ActFn, Activation, Affine, CrossEntropy, Error, Layer, Mish, Normalizer, Real, Relu, Result, Scalar,
    Sequential, Shape, Softmax, Swish,
};
use ndarray::{Array2, ArrayView2, ArrayViewMut2, array};

/// Returns a model with one layer under test and parameters of all magnitudes.
fn around<A: Scalar>(
    layer: impl Layer<A> + 'static,
    output: impl Output<A> + 'static,
    loss: impl Loss<A> + 'static,
) -> Sequential<A> {
    around_shaped(4.into(), layer, output, loss)
}

/// Returns such a model with an input of this shape, which has 4 values, for the layer under test.
fn around_shaped<A: Scalar>(
    shape: Shape,
    layer: impl Layer<A> + 'static,
    output: impl Output<A> + 'static,
    loss: impl Loss<A> + 'static,
) -> Sequential<A> {
    let mut model = Sequential::builder(3)
        .add_layer("affine1", Affine::new(4).bias_initializer(Initializer::HE_NORMAL))
        .add_layer("reshape1", Reshape::new(shape))
        .add_layer("own1", layer)
        .add_layer("flatten1", Flatten)
        .add_layer("affine2", Affine::new(2).bias_initializer(Initializer::HE_UNIFORM))
        .set_output(output)
        .set_error(loss)
        .build()
        .unwrap();
    let odd = [A::min_positive_value(), -A::zero(), A::max_value(), A::epsilon(), A::of(1.0 / 3.0)];
    model.parameter_values_mut()[..5].copy_from_slice(&odd);
    let count = model.buffer_values().len();
    model.set_buffer_values(&(0..count).map(|i| A::of(1.0 / (i + 1) as f64)).collect::<Vec<_>>()).unwrap();
    model
}

fn bits<A: Scalar>(values: &[A]) -> Vec<u64> {
    values.iter().map(|value| value.widen().to_bits()).collect()
}

fn comes_back<A: Scalar>(model: &Sequential<A>, registry: &Registry<A>) {
    let bytes = model.to_bytes().unwrap();
    let loaded = Sequential::from_bytes_with_registry(&bytes, registry).unwrap();
    assert_eq!(loaded.to_string(), model.to_string());
    assert_eq!(bits(loaded.parameter_values()), bits(model.parameter_values()), "{model}");
    assert_eq!(bits(loaded.buffer_values()), bits(model.buffer_values()), "{model}");
    assert_eq!(loaded.to_bytes().unwrap(), bytes, "{model}");
    // Compare the layer alone, including its settings, because the model's extreme weights would hide differences.
    let (mut one, mut other) = (model.clone(), loaded);
    let params: Vec<A> = (0..model.parameter_count()).map(|i| A::of((i as f64).sin())).collect();
    one.set_parameter_values(&params).unwrap();
    other.set_parameter_values(&params).unwrap();
    let x = RandomState::new(2).normal((5, 3), 0.0, 2.0).mapv(A::of);
    assert_eq!(one.predict(x.view()).unwrap(), other.predict(x.view()).unwrap(), "{model}");
}

/// Creates activation layers whose settings have no short decimal form.
struct EachActivation<A>(Vec<Box<dyn Layer<A>>>);

impl<A: Scalar> ActivationVisitor for EachActivation<A> {
    fn function<F: ActFn + Default + PartialEq>(&mut self, make: fn(&Settings) -> Result<F>) {
        let settings = F::default().settings().expect("a built-in function returns its settings");
        let odd = settings.iter().map(|(name, _)| (name.to_owned(), (0.1 + 0.2).into())).collect();
        self.0.push(Box::new(Activation::new(make(&odd).unwrap())));
    }
    fn trainable<F: TrainableActFn + Default>(&mut self, make: fn(f64) -> F) {
        self.0.push(Box::new(TrainableActivation::new(make(0.3)).per_unit(true)));
    }
}

fn layers_come_back<A: Scalar>() {
    let mut odd = EachActivation::<A>(Vec::new());
    built_in_activations(&mut odd);
    odd.0.push(Box::new(Activation::new(Swish::new(-1e-300))));
    let check = |layer: Box<dyn Layer<A>>, input| {
        comes_back(&around_shaped(input, layer, Identity, MeanSquaredError), &Registry::new());
    };
    for BuiltInLayer { input, examples, .. } in built_in_layers(4) {
        examples.into_iter().for_each(|layer| check(layer, input));
    }
    odd.0.into_iter().for_each(|layer| check(layer, 4.into()));
}

#[test]
fn every_layer_comes_back() {
    layers_come_back::<f32>();
    layers_come_back::<f64>();
}

fn outputs_and_losses_come_back<A: Scalar>() {
    for (output, _) in built_in_outputs::<A>() {
        let losses = built_in_losses::<A>(2).into_iter().flat_map(|(examples, _)| examples);
        for loss in losses.filter(|loss| loss.accepts(output.function())) {
            comes_back(&around::<A>(Affine::new(3), output.clone(), loss), &Registry::new());
        }
    }
}

#[test]
fn every_output_and_loss_comes_back() {
    outputs_and_losses_come_back::<f32>();
    outputs_and_losses_come_back::<f64>();
}

/// z = tanh(αu), which returns its α as a setting only if `TELLS`.
#[derive(Clone, Debug)]
struct Sloped<const TELLS: bool>(f64);

impl<const TELLS: bool> ActFn for Sloped<TELLS> {
    const KIND: &'static str = if TELLS { "sloped" } else { "secretive" };
    fn f<A: Real>(&self, u: A) -> A {
        (A::of(self.0) * u).tanh()
    }
    fn df<A: Real>(&self, u: A, _z: A) -> A {
        A::of(self.0) * (A::of(self.0) * u).tanh_derivative()
    }
    fn settings(&self) -> Option<Settings> {
        TELLS.then(|| Settings::new().with("alpha", self.0))
    }
}

/// y = x + s, with a matrix parameter that is stored without transposition, a buffer, and settings of every kind.
#[derive(Debug, PartialEq)]
struct Odd {
    count: usize,
    weights: Vec<f64>,
    mode: String,
}

impl<A: Scalar> Layer<A> for Odd {
    fn kind(&self) -> &str {
        "odd"
    }
    fn output_shape(&self, input: Shape) -> Result<Shape> {
        Ok(input)
    }
    fn parameters(&self, input: Shape) -> Vec<TensorSpec> {
        vec![TensorSpec::new("cube", &[self.count, 2, input.size()], Initializer::HE_NORMAL).transposed()]
    }
    fn buffers(&self, input: Shape) -> Vec<TensorSpec> {
        vec![TensorSpec::new("mean", &[2, input.size()], Initializer::ZEROS)]
    }
    fn settings(&self) -> Option<Settings> {
        let settings = Settings::new().with("count", self.count).with("weights", self.weights.clone());
        Some(settings.with("mode", self.mode.as_str()).with("flag", true))
    }
    fn forward(&self, pass: Forward<'_, A>) {
        let Forward { params, x, mut y, .. } = pass;
        y.zip_mut_with(&x, |y, &x| *y = x + params[1]);
    }
    fn backward(&self, _: Backward<'_, A>) {
        unreachable!("this layer is not trained")
    }
}

fn odd() -> Odd {
    Odd { count: 3, weights: vec![0.1, -2.0, 1e300], mode: "a \"b\"\n".into() }
}

fn odd_registry<A: Scalar>() -> Registry<A> {
    Registry::new().layer("odd", |settings| {
        assert!(settings.flag("flag")?);
        let (weights, mode) = (settings.numbers("weights")?.to_vec(), settings.text("mode")?.into());
        Ok(Odd { count: settings.count("count")?, weights, mode })
    })
}

#[test]
fn layers_of_ones_own_come_back() {
    let model = around::<f32>(Activation::new(Sloped::<true>(0.7)), Softmax, CrossEntropy);
    let make = |settings: &Settings| Ok(Sloped::<true>(settings.number("alpha")?));
    comes_back(&model, &Registry::new().activation(make));
    comes_back(&around::<f32>(odd(), Softmax, CrossEntropy), &odd_registry());
    comes_back(&around::<f64>(odd(), Softmax, CrossEntropy), &odd_registry());
}

/// z = 2u, with the name selected by a type parameter.
#[derive(Clone, Debug)]
struct Impostor<const N: usize>;

const BUILT_IN: [&str; 3] = ["mish", "swish", "affine"];

impl<const N: usize> ActFn for Impostor<N> {
    const KIND: &'static str = BUILT_IN[N];
    fn f<A: Real>(&self, u: A) -> A {
        u + u
    }
    fn df<A: Real>(&self, _u: A, _z: A) -> A {
        A::of(2.0)
    }
    fn settings(&self) -> Option<Settings> {
        Some(if N == 1 { Settings::new().with("beta", 1.0) } else { Settings::new() })
    }
}

/// An output and a loss with the names of built-in parts.
#[derive(Debug)]
struct Half;

impl<A: Scalar> Output<A> for Half {
    fn kind(&self) -> &str {
        "identity"
    }
    fn function(&self) -> manabi::output::OutputFunction {
        manabi::output::OutputFunction::Identity
    }
    fn forward(&self, u: ArrayView2<'_, A>, mut y: ArrayViewMut2<'_, A>) {
        y.zip_mut_with(&u, |y, &u| *y = A::of(0.5) * u);
    }
    fn backward(&self, _u: ArrayView2<'_, A>, _: ArrayView2<'_, A>, _: ArrayViewMut2<'_, A>) {}
}

impl<A: Scalar> Loss<A> for Half {
    fn kind(&self) -> &str {
        "mean_squared_error"
    }
    fn accepts(&self, _: manabi::output::OutputFunction) -> bool {
        true
    }
    fn sum(&self, _: ArrayView2<'_, A>, _: ArrayView2<'_, A>) -> f64 {
        0.5
    }
    fn gradient(
        &self,
        _: &dyn Output<A>,
        _: ArrayView2<'_, A>,
        _: ArrayView2<'_, A>,
        _: ArrayView2<'_, A>,
        _: ArrayViewMut2<'_, A>,
    ) {
    }
}

#[test]
fn what_has_the_name_of_something_built_in_is_told_apart() {
    let error = |what: &str, rename: &str, name: &str| {
        let reason = "because loading would create the built-in part";
        format!(
            "kind of the custom {what}: expected one that no built-in part has, {reason} (change {rename}), got {name}"
        )
    };
    let layer = |name: &str| format!("layer 'own1': {}", error("layer", "Layer::kind or ActFn::KIND", name));
    let identity = |own: Box<dyn Layer<f64>>| around(own, Identity, MeanSquaredError);
    for (model, name) in [
        (around::<f64>(Activation::new(Impostor::<0>), Identity, MeanSquaredError), "mish"),
        (around::<f64>(Activation::new(Impostor::<1>), Identity, MeanSquaredError), "swish"),
        (around::<f64>(Activation::new(Impostor::<2>), Identity, MeanSquaredError), "affine"),
        (identity(Box::new(Activation::new(Impostor::<0>))), "mish"),
    ] {
        assert_eq!(error_of(model.to_bytes()), layer(name));
        let path = tempfile::tempdir().unwrap().path().join("model");
        assert_eq!(error_of(model.save(&path)), layer(name));
        assert!(!path.exists());
    }
    let output = around::<f64>(Activation::new(Mish), Half, MeanSquaredError);
    assert_eq!(error_of(output.to_bytes()), error("output", "Output::kind", "identity"));
    let loss = around::<f64>(Activation::new(Mish), Identity, Box::new(Half) as Box<dyn Loss<f64>>);
    assert_eq!(error_of(loss.to_bytes()), error("loss", "Loss::kind", "mean_squared_error"));

    // Built-in parts in one or two boxes still count as built-in.
    let boxed: Box<dyn Layer<f64>> = Box::new(Box::new(Activation::new(Mish)) as Box<dyn Layer<f64>>);
    let output: Box<dyn Output<f64>> = Box::new(Identity);
    let loss: Box<dyn Loss<f64>> = Box::new(MeanSquaredError);
    comes_back(&around(boxed, output, loss), &Registry::new());

    // An existing file with such a part loads with the registry that contains the part, but cannot be saved again under its name.
    let bytes = identity(Box::new(Activation::new(Mish))).to_bytes().unwrap();
    let registry = Registry::<f64>::new().activation(|_| Ok(Impostor::<0>));
    let loaded = Sequential::<f64>::from_bytes_with_registry(&bytes, &registry).unwrap();
    assert_eq!(error_of(loaded.to_bytes()), layer("mish"));
    let folder = tempfile::tempdir().unwrap();
    let data = manabi::Samples::new(Array2::<f64>::ones((4, 3)), Array2::ones((4, 2))).unwrap();
    let checkpoints = manabi::train::Checkpoints::new(folder.path());
    let trained = manabi::Trainer::new().batch_size(2).checkpoints(checkpoints).fit(&mut { loaded }, &data);
    assert_eq!(error_of(trained), layer("mish"));
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}

fn error_of<T>(result: Result<T>) -> String {
    result.err().expect("an error").to_string()
}

#[test]
fn what_the_registry_has_not_is_named() {
    let model = Sequential::<f32>::builder(3)
        .add_layer("odd1", odd())
        .add_layer("sloped1", Activation::new(Sloped::<true>(0.7)))
        .add_layer("relu1", Activation::new(Relu))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .build()
        .unwrap();
    let expected = "bytes: incompatible content: layer 'odd1': kind 'odd' is not in the registry: \
                    add it to a Registry and call load_with_registry; layer 'sloped1': kind 'sloped' is not in the registry: \
                    add it to a Registry and call load_with_registry";
    assert_eq!(error_of(Sequential::<f32>::from_bytes(&model.to_bytes().unwrap())), expected);
}

#[test]
fn settings_that_are_not_told_are_asked_for() {
    let model = around::<f32>(Activation::new(Sloped::<false>(0.7)), Softmax, CrossEntropy);
    let bytes = model.to_bytes().unwrap();
    let registry = Registry::<f32>::new().activation(|_| Ok(Sloped::<false>(0.7)));
    let expected = "bytes: incompatible content: layer 'own1': kind 'secretive' was saved without settings: implement its \
                    method settings() and save the model again";
    assert_eq!(error_of(Sequential::from_bytes_with_registry(&bytes, &registry)), expected);
    // The weights can still be loaded.
    let mut other = around::<f32>(Activation::new(Sloped::<false>(0.7)), Softmax, CrossEntropy);
    other.parameter_values_mut().fill(1.0);
    other.weights_from_bytes(&bytes).unwrap();
    assert_eq!(bits(other.parameter_values()), bits(model.parameter_values()));
}

/// |y − t|³, without settings.
#[derive(Clone, Debug)]
struct Cubic;

impl LossFn for Cubic {
    const KIND: &'static str = "cubic";
    fn f<R: Real>(&self, y: R, t: R) -> R {
        (y - t).abs().powi(3)
    }
}

/// A loss that is always 0, without settings.
#[derive(Debug)]
struct Nothing;

impl<A: Scalar> Loss<A> for Nothing {
    fn kind(&self) -> &str {
        "nothing"
    }
    fn accepts(&self, _: manabi::output::OutputFunction) -> bool {
        true
    }
    fn sum(&self, _: ArrayView2<'_, A>, _: ArrayView2<'_, A>) -> f64 {
        0.0
    }
    fn gradient(
        &self,
        _: &dyn Output<A>,
        _: ArrayView2<'_, A>,
        _: ArrayView2<'_, A>,
        _: ArrayView2<'_, A>,
        mut du: ArrayViewMut2<'_, A>,
    ) {
        du.fill(A::zero());
    }
}

#[test]
fn losses_without_settings_are_refused_on_loading() {
    let without = |kind: &str| {
        format!(
            "bytes: incompatible content: loss: kind '{kind}' was saved without settings: implement its method settings() \
             and save the model again"
        )
    };
    let registry = Registry::<f32>::new().elementwise_loss(|_| Ok(Cubic)).loss("nothing", |_| Ok(Nothing));
    let load = |model: Sequential<f32>| {
        error_of(Sequential::from_bytes_with_registry(&model.to_bytes().unwrap(), &registry))
    };
    let cubic = around::<f32>(Activation::new(Relu), Identity, ElementwiseLoss::new(Cubic));
    assert_eq!(load(cubic), without("cubic"));
    assert_eq!(load(around::<f32>(Activation::new(Relu), Identity, Nothing)), without("nothing"));
}

#[test]
fn blocks_with_custom_layers_are_saved() {
    let sloped = || Chain::<f64>::new().add_layer("sloped1", Activation::new(Sloped::<true>(0.7)));
    let registry =
        Registry::<f64>::new().activation(|settings| Ok(Sloped::<true>(settings.number("alpha")?)));
    let whole = |block: Box<dyn Layer<f64>>| {
        let model = around::<f64>(block, Identity, MeanSquaredError);
        comes_back(&model, &registry);
        let error = error_of(Sequential::<f64>::from_bytes(&model.to_bytes().unwrap()));
        assert!(error.contains("kind 'sloped' is not in the registry"), "{error}");
    };
    whole(Box::new(sloped()));
    whole(Box::new(Residual::new(sloped())));
    whole(Box::new(Concat::new().add_branch("left", sloped()).add_branch("right", sloped())));
    let impostor = Chain::<f64>::new().add_layer("own2", Activation::new(Impostor::<0>));
    let error = error_of(around::<f64>(impostor, Identity, MeanSquaredError).to_bytes());
    assert!(error.starts_with("layer 'own1.own2': kind of the custom layer"), "{error}");
}

/// y = x, with a buffer of as many dimensions as told.
#[derive(Debug)]
struct Deep(usize);

impl<A: Scalar> Layer<A> for Deep {
    fn kind(&self) -> &str {
        "deep"
    }
    fn settings(&self) -> Option<Settings> {
        Some(Settings::new().with("dimensions", self.0 as f64))
    }
    fn output_shape(&self, input: Shape) -> Result<Shape> {
        Ok(input)
    }
    fn buffers(&self, _: Shape) -> Vec<TensorSpec> {
        vec![TensorSpec::new("deep", &vec![1; self.0], Initializer::ZEROS)]
    }
    fn forward(&self, mut pass: Forward<'_, A>) {
        pass.y.assign(&pass.x);
    }
    fn backward(&self, pass: Backward<'_, A>) {
        if let Some(mut dx) = pass.dx {
            dx.assign(&pass.dy);
        }
    }
}

#[test]
fn a_tensor_of_8_dimensions_is_saved_and_one_of_9_is_refused() {
    let registry = Registry::<f64>::new().layer("deep", |settings| Ok(Deep(settings.count("dimensions")?)));
    comes_back(&around(Deep(8), Identity, MeanSquaredError), &registry);
    let error = error_of(around::<f64>(Deep(9), Identity, MeanSquaredError).to_bytes());
    assert_eq!(error, "own1.deep: expected shape at most 8 dimensions, got [1, 1, 1, 1, 1, 1, 1, 1, 1]");
}

#[test]
fn a_registry_that_makes_something_else_is_found_out() {
    let model = around::<f32>(Activation::new(Sloped::<true>(0.7)), Softmax, CrossEntropy);
    let registry = Registry::<f32>::new().activation(|_| Ok(Sloped::<true>(0.5)));
    let error = error_of(Sequential::from_bytes_with_registry(&model.to_bytes().unwrap(), &registry));
    assert!(error.starts_with("bytes: incompatible content: layer 'own1': kind 'sloped' with"), "{error}");
    assert!(error.contains("Number(0.5)") && error.contains("Number(0.7)"), "{error}");
}

#[test]
fn a_setting_that_is_not_finite_cannot_be_saved() {
    let model = around::<f32>(Odd { weights: vec![1.0, f64::NAN], ..odd() }, Softmax, CrossEntropy);
    assert_eq!(error_of(model.to_bytes()), "layer 'own1': weights: expected a finite number, got NaN");
}

#[test]
fn weights_lie_as_pytorch_keeps_them() {
    let mut model = around::<f32>(Activation::new(Relu), Softmax, CrossEntropy);
    let weight = array![[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0], [9.0, 10.0, 11.0, 12.0]];
    model.set_parameter("affine1.weight", &weight).unwrap();
    let bytes = model.to_bytes().unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut names = file.names();
    names.sort_unstable();
    assert_eq!(names, ["affine1.bias", "affine1.weight", "affine2.bias", "affine2.weight"]);
    let tensor = file.tensor("affine1.weight").unwrap();
    assert_eq!(tensor.shape(), [4, 3]);
    let numbers: Vec<f32> =
        tensor.data().as_chunks().0.iter().map(|&chunk| f32::from_le_bytes(chunk)).collect();
    assert_eq!(numbers, [1.0, 5.0, 9.0, 2.0, 6.0, 10.0, 3.0, 7.0, 11.0, 4.0, 8.0, 12.0]);
}

#[test]
fn weights_of_all_shapes_come_back() {
    fn shape<A: Scalar>(inputs: usize, units: usize) {
        let mut model = Sequential::<A>::builder(inputs)
            .add_layer("affine1", Affine::new(units))
            .set_output(Identity)
            .set_error(MeanSquaredError)
            .build()
            .unwrap();
        for (i, value) in model.parameter_values_mut().iter_mut().enumerate() {
            *value = if i % 7 == 0 { A::min_positive_value() / A::of(3.0) } else { A::of((i as f64).sin()) };
        }
        let bytes = model.to_bytes().unwrap();
        let loaded = Sequential::<A>::from_bytes(&bytes).unwrap();
        assert_eq!(bits(loaded.parameter_values()), bits(model.parameter_values()), "{inputs} × {units}");
        let mut other = Sequential::<A>::from_bytes(&bytes).unwrap();
        other.parameter_values_mut().fill(A::one());
        other.weights_from_bytes(&bytes).unwrap();
        assert_eq!(bits(other.parameter_values()), bits(model.parameter_values()), "{inputs} × {units}");
        // One row per unit, as in PyTorch.
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let tensor = file.tensor("affine1.weight").unwrap();
        for (i, chunk) in tensor.data().chunks_exact(size_of::<A>()).enumerate() {
            let got = match *chunk {
                [a, b, c, d] => f32::from_le_bytes([a, b, c, d]).into(),
                _ => f64::from_le_bytes(chunk.try_into().unwrap()),
            };
            assert_eq!(
                got.to_bits(),
                model.parameter_values()[i % inputs * units + i / inputs].widen().to_bits()
            );
        }
        // A value that is not finite is found at any position.
        for at in [0, inputs * units / 2, inputs * units - 1] {
            let start = bytes.len() - tensor.data().len() + at * size_of::<A>();
            let mut broken = bytes.clone();
            broken[start..start + size_of::<A>()].fill(0xFF);
            let expected = format!("affine1.weight: expected finite values, got NaN at index {at}");
            let error = error_of(Sequential::<A>::from_bytes(&broken));
            assert_eq!(error, format!("bytes: incompatible content: {expected}"));
        }
    }
    for (inputs, units) in [(1, 1), (1, 40), (40, 1), (15, 16), (16, 17), (33, 31), (64, 48), (3, 100)] {
        shape::<f32>(inputs, units);
        shape::<f64>(inputs, units);
    }
}

/// Returns the shortest time of several attempts.
fn least<T>(mut run: impl FnMut() -> T) -> std::time::Duration {
    let once = || {
        let start = std::time::Instant::now();
        std::hint::black_box(run());
        start.elapsed()
    };
    std::iter::repeat_with(once).take(7).min().unwrap()
}

/// Loading copies whole blocks and takes about seven times as long as reading the file. Value by value, it takes ninety times as
/// long.
#[test]
fn a_large_model_loads_about_as_fast_as_its_file_is_read() {
    let model = Sequential::<f32>::builder(784)
        .add_layer("affine1", Affine::new(2400))
        .add_layer("affine2", Affine::new(1600))
        .set_output(Identity)
        .set_error(MeanSquaredError)
        .build()
        .unwrap();
    let (folder, mut same) = (tempfile::tempdir().unwrap(), model.clone());
    let path = folder.path().join("model");
    model.save(&path).unwrap();
    let read = least(|| std::fs::read(&path).unwrap());
    let load = least(|| Sequential::<f32>::load(&path).unwrap());
    let weights = least(|| same.load_weights(&path).unwrap());
    let save = least(|| model.to_bytes().unwrap());
    let size = path.metadata().unwrap().len() as f64 / 1e6;
    println!("{size:.1} MB: read {read:?}, load {load:?}, load_weights {weights:?}, to_bytes {save:?}");
    assert!(
        load < 25 * read && weights < 25 * read && save < 25 * read,
        "{read:?} {load:?} {weights:?} {save:?}"
    );
}

#[test]
fn the_description_is_stable() {
    let mut model = Sequential::<f64>::builder(2)
        .add_layer("affine1", Affine::new(1))
        .add_layer("prelu1", TrainableActivation::new(PRelu::default()).per_unit(true))
        .set_output(Identity)
        .set_error(MeanSquaredError)
        .build()
        .unwrap();
    let normalizer = Normalizer::z_score_per_feature(array![[1.0, 0.1], [3.0, 0.3]].view()).unwrap();
    let plain = model.to_bytes().unwrap();
    model.set_input_normalizer(normalizer.clone()).unwrap();
    model.set_target_normalizer(Normalizer::min_max(array![[1.0, 3.0]].view()).unwrap()).unwrap();
    let bytes = model.to_bytes().unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let expected = r#"{"version":2,"input_dim":2,"layers":[{"name":"affine1","kind":"affine","settings":{"units":1.0}},{"name":"prelu1","kind":"prelu","settings":{"alpha":0.25,"per_unit":true}}],"output":{"kind":"identity","settings":{}},"loss":{"kind":"mean_squared_error","settings":{}},"normalizer":{"per_feature":true,"statistics":[[2.0,1.0],[0.2,0.09999999999999998]]},"target_normalizer":{"per_feature":false,"statistics":[[1.0,2.0]]}}"#;
    assert_eq!(header.metadata().as_ref().unwrap()["manabi"], expected);
    assert_eq!(Normalizer::from_bytes(&bytes).unwrap(), normalizer);
    assert_eq!(
        error_of(Normalizer::from_bytes(&plain)),
        "bytes: incompatible content: missing normaliser of the inputs"
    );
}

#[test]
fn single_goes_into_double_and_not_back() {
    let single = around::<f32>(odd(), Softmax, CrossEntropy);
    let widened: Vec<f64> = single.parameter_values().iter().map(|&value| value.into()).collect();
    let loaded =
        Sequential::<f64>::from_bytes_with_registry(&single.to_bytes().unwrap(), &odd_registry()).unwrap();
    assert_eq!(loaded.parameter_values(), widened);
    let bytes = loaded.to_bytes().unwrap();
    let mut other = around::<f32>(odd(), Softmax, CrossEntropy);
    let error = error_of(other.weights_from_bytes(&bytes));
    assert!(error.starts_with(
        "bytes: incompatible content: affine1.weight: expected type F32, got F64 (LoadOptions::convert rounds it); affine1.bias:"
    ));
    assert_eq!(bits(other.parameter_values()), bits(single.parameter_values()));
}

#[test]
fn missing_and_unexpected_names_are_listed() {
    let bytes = around::<f32>(odd(), Softmax, CrossEntropy).to_bytes().unwrap();
    let mut other = around::<f32>(TrainableActivation::new(PRelu::default()), Softmax, CrossEntropy);
    let before = bits(other.parameter_values());
    let error = error_of(other.weights_from_bytes(&bytes));
    let expected =
        "bytes: incompatible content: missing own1.weight; unexpected own1.cube; unexpected own1.mean";
    assert_eq!(error, expected);
    assert_eq!(bits(other.parameter_values()), before);
}

#[test]
fn a_file_is_replaced_as_a_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let normalizer = Normalizer::min_max(array![[0.0, 255.0]].view()).unwrap();
    let mut model = around::<f64>(Affine::new(7), Softmax, CrossEntropy);
    model.set_input_normalizer(normalizer).unwrap();
    model.save(&path).unwrap();
    let first = std::fs::read(&path).unwrap();
    assert_eq!(first, model.to_bytes().unwrap());
    model.parameter_values_mut()[3] = f64::NAN;
    let error = error_of(model.save(&path));
    assert_eq!(error, "affine1.weight: expected a finite value at row 0, column 3, got NaN");
    assert_eq!(std::fs::read(&path).unwrap(), first);
    model.parameter_values_mut()[3] = 0.5;
    model.save(&path).unwrap();
    let loaded = Sequential::<f64>::load(&path).unwrap();
    assert_eq!(bits(loaded.parameter_values()), bits(model.parameter_values()));
    let mut again = around::<f64>(Affine::new(7), Softmax, CrossEntropy);
    again.load_weights(&path).unwrap();
    assert_eq!(bits(again.parameter_values()), bits(model.parameter_values()));
    let names: Vec<_> = folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["model.safetensors"]);

    let nowhere = folder.path().join("none").join("model.safetensors");
    assert!(matches!(model.save(&nowhere), Err(Error::Io { path, .. }) if path == nowhere));
    assert!(matches!(Sequential::<f64>::load(&nowhere), Err(Error::Io { path, .. }) if path == nowhere));
    assert!(matches!(Sequential::<f64>::load(folder.path()), Err(Error::Io { .. })));
}

#[test]
fn what_another_process_left_is_no_obstacle() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    // Processes in containers often have the same process id.
    for count in 0..100 {
        let left = format!("model.safetensors.{}-{count}.unfinished", std::process::id());
        std::fs::write(folder.path().join(left), "left").unwrap();
    }
    let model = around::<f64>(Affine::new(7), Softmax, CrossEntropy);
    model.save(&path).unwrap();
    assert_eq!(Sequential::<f64>::load(&path).unwrap().parameter_values(), model.parameter_values());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 101);
}

#[test]
fn a_loaded_model_can_be_trained() {
    let model = around::<f32>(Affine::new(5), Softmax, CrossEntropy);
    let mut loaded = Sequential::<f32>::from_bytes(&model.to_bytes().unwrap()).unwrap();
    loaded.parameter_values_mut().iter_mut().enumerate().for_each(|(i, p)| *p = (i as f32).sin());
    let data = manabi::Samples::labeled(Array2::from_elem((4, 3), 1.0), &[0_u8, 1, 1, 1], 2).unwrap();
    let history = manabi::Trainer::new().batch_size(2).epochs(30).fit(&mut loaded, &data).unwrap();
    assert!(history.epochs[30].train.loss < history.epochs[0].train.loss);
}

#[test]
fn layers_that_need_training_and_weighted_losses_come_back() {
    let builder = || {
        Sequential::<f64>::builder(3)
            .add_layer("dropout0", manabi::layer::Dropout::new(0.25))
            .add_layer("affine1", Affine::new(4))
            .add_layer("norm1", manabi::layer::BatchNorm::new().momentum(0.3).epsilon(1e-3))
            .add_layer("norm2", manabi::layer::BatchNorm::new().affine(false))
            .add_layer("norm3", manabi::layer::LayerNorm::new().epsilon(1e-4))
            .add_layer("norm4", manabi::layer::LayerNorm::new().affine(false))
    };
    let weighted = CrossEntropy.label_smoothing(0.1).class_weights([1.0, 2.0, 0.5, 1.5]);
    let models = [
        builder().set_output(Softmax).set_error(weighted.clone().mean_over_samples(true)),
        builder().set_output(Softmax).set_error(weighted),
        builder().set_output(Softmax).set_error(CrossEntropy.label_smoothing(0.2)),
        builder()
            .set_output(manabi::activation::Sigmoid)
            .set_error(manabi::loss::BinaryCrossEntropy.pos_weight([1.0, 2.0, 3.0, 4.0])),
        builder().set_output(manabi::activation::Identity).set_error(manabi::loss::Huber::new(0.7)),
        builder().set_output(manabi::activation::Identity).set_error(manabi::loss::MeanAbsoluteError),
    ];
    for model in models {
        let mut model = model.build().unwrap();
        let buffers: Vec<f64> = (0..model.buffer_values().len()).map(|i| 0.5 + i as f64).collect();
        model.set_buffer_values(&buffers).unwrap();
        let loaded = Sequential::<f64>::from_bytes(&model.to_bytes().unwrap()).unwrap();
        assert_eq!(
            (loaded.parameter_values(), loaded.buffer_values()),
            (model.parameter_values(), model.buffer_values())
        );
        assert_eq!(format!("{loaded}"), format!("{model}"));
        // Equal bytes imply equal settings.
        assert_eq!(loaded.to_bytes().unwrap(), model.to_bytes().unwrap());
    }
}
