//! Recurrent layers compared with PyTorch, and their gradients, conformance, errors and training.

use manabi::activation::Identity;
use manabi::init::Initializer;
use manabi::layer::{Gru, Lstm};
use manabi::loss::MeanSquaredError;
use manabi::optim::{Adam, Sgd};
use manabi::random::{Random, RandomState};
use manabi::train::Checkpoints;
use manabi::{Affine, Layer, Samples, Scalar, Sequential, Shape, Trainer, conformance, gradcheck};
use ndarray::{Array2, ArrayView2, s};

#[path = "golden/recurrent.rs"]
mod golden;
mod layer_runs;

use layer_runs::{close, run};

/// Transposes the weights between PyTorch's layout, (gates, inputs), and the model's.
fn transposed(layer: &dyn Layer<f64>, input: Shape, values: &[f64], from_pytorch: bool) -> Vec<f64> {
    let (mut all, mut rest) = (Vec::new(), values);
    for spec in layer.parameters(input) {
        let (own, others) = rest.split_at(spec.shape.iter().product());
        rest = others;
        match *spec.shape {
            [inputs, gates] => {
                assert!(spec.transposed);
                let shape = if from_pytorch { (gates, inputs) } else { (inputs, gates) };
                all.extend(ArrayView2::from_shape(shape, own).unwrap().t().iter());
            }
            _ => all.extend(own),
        }
    }
    all
}

/// Compares a layer with PyTorch, and checks its gradients and its conformance.
fn is_pytorchs<L: Layer<f32> + Layer<f64>>(name: &str, layer: &L) {
    let golden = golden::RUNS.iter().find(|run| run.layer == name).expect("there are golden values");
    let input = golden.input.into();
    let double: &dyn Layer<f64> = layer;
    let params = transposed(double, input, golden.params, true);
    let rows = golden.x.len() / input.size();
    let [x, dy] =
        [golden.x, golden.dy].map(|all| ArrayView2::from_shape((rows, all.len() / rows), all).unwrap());
    let [y, dx, gradient] = run(double, input, &params, [x, dy], 1);
    close(&format!("{name}: y"), &y, golden.y);
    close(&format!("{name}: dx"), &dx, golden.dx);
    let gradient = transposed(double, input, &gradient, false);
    close(&format!("{name}: gradient"), &gradient, golden.gradient);
    conformance::both(layer, layer, input, x, 1).unwrap().assert();
    let report = gradcheck::layer_with_shape(double, input, x, 2).unwrap();
    assert!(report.passed() && report.points >= x.len(), "{layer:?}: {report}");
}

/// Checks layers, which are written as in the golden values.
macro_rules! check {
    ($($layer:expr),* $(,)?) => {{
        let names = [$(stringify!($layer).split_whitespace().collect::<String>()),*];
        let mut names = names.iter();
        $(is_pytorchs(names.next().unwrap(), &$layer);)*
    }};
}

#[test]
fn gru_is_pytorchs() {
    check!(Gru::new(4), Gru::new(2).return_sequences(true), Gru::new(1).return_sequences(true), Gru::new(3),);
}

#[test]
fn lstm_is_pytorchs() {
    check!(
        Lstm::new(4),
        Lstm::new(2).return_sequences(true),
        Lstm::new(1).return_sequences(true),
        Lstm::new(3),
    );
}

/// Batches that threads divide in the layer itself have the same bits. They have work for more than 5 threads.
#[test]
fn the_number_of_threads_does_not_change_a_bit() {
    fn check<A: Scalar>(layer: &dyn Layer<A>, gates: usize) {
        let draw = |shape, seed| RandomState::new(seed).normal(shape, 0.0, 0.3).mapv(A::of);
        let (x, dy) = (draw((64, 24 * 5), 1), draw((64, 48), 2));
        let params = draw((1, gates * 48 * (5 + 48 + 2)), 3);
        let run =
            |threads| run(layer, [24, 5].into(), params.as_slice().unwrap(), [x.view(), dy.view()], threads);
        let one = run(1);
        assert!(one.iter().flatten().all(|value| value.is_finite()));
        for threads in [2, 3, 5] {
            assert!(run(threads) == one, "{threads} threads");
        }
        // A row has the same bits alone.
        let alone = self::run(
            layer,
            [24, 5].into(),
            params.as_slice().unwrap(),
            [x.slice(s![7..8, ..]), dy.slice(s![7..8, ..])],
            1,
        );
        assert!(alone[0] == one[0][7 * 48..8 * 48] && alone[1] == one[1][7 * 120..8 * 120]);
    }
    check::<f32>(&Gru::new(48), 3);
    check::<f64>(&Gru::new(48), 3);
    check::<f32>(&Lstm::new(48), 4);
    check::<f64>(&Lstm::new(48), 4);
}

/// The last of all states is the output without `return_sequences`.
#[test]
fn the_last_state_is_the_last_of_all_states() {
    fn check(last: &dyn Layer<f64>, all: &dyn Layer<f64>) {
        let input = Shape::from([6, 2]);
        assert_eq!(last.output_shape(input).unwrap(), 3.into());
        assert_eq!(all.output_shape(input).unwrap(), [6, 3].into());
        let size = |layer: &dyn Layer<f64>| -> usize {
            layer.parameters(input).iter().map(|spec| spec.shape.iter().product::<usize>()).sum()
        };
        let params = RandomState::new(1).normal((1, size(all)), 0.0, 1.0);
        let params = params.as_slice().unwrap();
        let x = RandomState::new(2).normal((4, 12), 0.0, 1.0);
        let dy = RandomState::new(3).normal((4, 3), 0.0, 1.0);
        let mut dy_all = Array2::zeros((4, 18));
        dy_all.slice_mut(s![.., 15..]).assign(&dy);
        let [y_all, dx_all, grad_all] = run(all, input, params, [x.view(), dy_all.view()], 1);
        let [y, dx, grad] = run(last, input, params, [x.view(), dy.view()], 1);
        let y_all = Array2::from_shape_vec((4, 18), y_all).unwrap();
        assert_eq!(y_all.slice(s![.., 15..]), Array2::from_shape_vec((4, 3), y).unwrap());
        assert_eq!((dx, grad), (dx_all, grad_all));
    }
    check(&Gru::new(3), &Gru::new(3).return_sequences(true));
    check(&Lstm::new(3), &Lstm::new(3).return_sequences(true));
}

#[test]
fn wrong_shapes_and_settings_are_errors() {
    fn check(layer: &dyn Layer<f64>, input: impl Into<Shape>, expected: &str) {
        assert_eq!(layer.output_shape(input.into()).unwrap_err().to_string(), expected);
    }
    let shape =
        "input shape: expected two dimensions, (time, features) (put a Reshape layer before it), got ";
    check(&Gru::new(3), 24, &format!("{shape}24"));
    check(&Lstm::new(3), [2, 3, 4], &format!("{shape}2x3x4"));
    check(&Gru::new(0), [2, 3], "units: expected at least 1, got 0");
    check(&Lstm::new(0), [2, 3], "units: expected at least 1, got 0");
    // A file may contain any number of units.
    for units in [usize::MAX, usize::MAX / 4, 1 << 40] {
        let builder = Sequential::<f64>::builder([2, 3]).add_layer("gru1", Gru::new(units));
        assert!(builder.set_output(Identity).set_error(MeanSquaredError).build().is_err());
    }
}

#[test]
fn initial_values_are_in_the_ranges_of_their_initializers() {
    let values = |layer: Lstm| {
        let builder = Sequential::<f64>::builder([5, 9]).add_layer("lstm1", layer).set_output(Identity);
        builder.set_error(MeanSquaredError).build().unwrap()
    };
    let largest = |model: &Sequential<f64>, name: &str| {
        let values = model.parameter(&format!("lstm1.{name}")).unwrap();
        values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()))
    };
    let pytorch = Initializer::PYTORCH_RECURRENT;
    let model = values(Lstm::new(16).weight_initializer(pytorch).bias_initializer(pytorch));
    for name in ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"] {
        let largest = largest(&model, name);
        assert!((0.9 * 0.25..=0.25).contains(&largest), "{name}: {largest}");
    }
    let model = values(Lstm::new(16));
    for (name, limit) in
        [("weight_ih_l0", (6.0_f64 / 25.0).sqrt()), ("weight_hh_l0", (6.0_f64 / 32.0).sqrt())]
    {
        let largest = largest(&model, name);
        assert!((0.95 * limit..=limit).contains(&largest), "{name}: {largest}");
    }
    assert_eq!(largest(&model, "bias_ih_l0") + largest(&model, "bias_hh_l0"), 0.0);
}

/// Samples of this many steps with 2 features. The target is the sum of the first feature where the second is positive.
fn sums_of(samples: usize, time: usize) -> Samples<f32> {
    let x = RandomState::new(5).uniform((samples, 2 * time), -1.0, 1.0).mapv(|x| x as f32);
    let t = Array2::from_shape_fn((samples, 1), |(row, _)| {
        let steps = x.row(row);
        (0..time).map(|t| if steps[2 * t + 1] > 0.0 { steps[2 * t] } else { 0.0 }).sum::<f32>()
    });
    Samples::new(x, t).unwrap().with_shape([time, 2]).unwrap()
}

fn sums() -> Samples<f32> {
    sums_of(200, 8)
}

fn network_of(time: usize, units: [usize; 2]) -> Sequential<f32> {
    Sequential::builder([time, 2])
        .add_layer("lstm1", Lstm::new(units[0]).return_sequences(true))
        .add_layer("gru1", Gru::new(units[1]))
        .add_layer("affine1", Affine::new(1))
        .set_output(Identity)
        .set_error(MeanSquaredError)
        .build()
        .unwrap()
}

fn network() -> Sequential<f32> {
    network_of(8, [12, 10])
}

/// A network and samples with work for several threads in every layer, also in a quarter of a batch.
fn wide() -> (Sequential<f32>, Samples<f32>) {
    (network_of(24, [48, 48]), sums_of(128, 24))
}

fn trainer<'a>(epochs: usize) -> Trainer<'a, f32> {
    Trainer::new().batch_size(32).epochs(epochs).optimizer(Adam::new(0.01))
}

#[test]
fn a_recurrent_network_learns() {
    let history = trainer(20).fit(&mut network(), &sums()).unwrap();
    let losses: Vec<f64> = history.epochs.iter().map(|epoch| epoch.train.loss).collect();
    assert!(losses[20] < 0.2 * losses[0], "{losses:?}");
}

/// Trains on batches of 64 samples, and returns the parameters.
fn trained(shards: usize, threads: usize) -> Vec<f32> {
    let (mut model, data) = wide();
    // The steps of Adam would depend on the rounding of small gradients.
    let trainer = trainer(1).batch_size(64).optimizer(Sgd::new(0.1));
    trainer.shards(shards).threads(threads).fit(&mut model, &data).unwrap();
    model.parameter_values().to_vec()
}

#[test]
fn training_has_the_same_bits_on_any_number_of_threads() {
    let one = trained(1, 1);
    assert!(one != wide().0.parameter_values());
    for threads in [2, 3] {
        assert!(trained(1, threads) == one, "{threads} threads");
    }
}

/// Later predictions in a workspace use packed copies of the weights.
#[test]
fn predictions_have_the_same_bits_on_any_number_of_threads() {
    let (model, data) = wide();
    let predict = |threads| {
        let mut ws = model.workspace(64).unwrap().threads(threads);
        let mut y = [(); 3].map(|()| Array2::from_elem((128, 1), f32::NAN));
        y.iter_mut().for_each(|y| model.predict_into(data.x(), &mut ws, y.view_mut()).unwrap());
        y.map(|y| y.mapv(f32::to_bits))
    };
    let one = predict(1);
    assert!(one[0] == model.predict(data.x()).unwrap().mapv(f32::to_bits));
    for threads in [1, 2, 3] {
        assert!(predict(threads).iter().all(|y| *y == one[0]), "{threads} threads");
    }
}

/// A batch that is divided into shards leads to the same step, up to rounding, and to the same bits on any number of threads.
#[test]
fn shards_lead_to_the_same_steps() {
    let (whole, sharded) = (trained(1, 1), trained(4, 1));
    assert!(sharded == trained(4, 3));
    assert!(sharded != whole && sharded.iter().zip(&whole).all(|(a, b)| (a - b).abs() < 1e-3));
}

/// A saved model has the names and shapes of PyTorch, and loading it returns the same bits.
#[test]
fn a_file_has_pytorchs_names_and_shapes() {
    let model = network();
    let bytes = model.to_bytes().unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let shape = |name: &str| file.tensor(name).unwrap().shape().to_vec();
    assert_eq!(shape("lstm1.weight_ih_l0"), [48, 2]);
    assert_eq!(shape("lstm1.weight_hh_l0"), [48, 12]);
    assert_eq!(shape("lstm1.bias_ih_l0"), [48]);
    assert_eq!(shape("gru1.weight_ih_l0"), [30, 12]);
    assert_eq!(shape("gru1.weight_hh_l0"), [30, 10]);
    assert_eq!(shape("gru1.bias_hh_l0"), [30]);
    let loaded = Sequential::<f32>::from_bytes(&bytes).unwrap();
    assert_eq!(loaded.parameter_values(), model.parameter_values());
    assert_eq!(loaded.to_bytes().unwrap(), bytes);
}

#[test]
fn a_resumed_run_has_the_bits_of_an_uninterrupted_one() {
    let (data, folder) = (sums(), tempfile::tempdir().unwrap());
    let (mut whole, mut first, mut second) = (network(), network(), network());
    trainer(4).fit(&mut whole, &data).unwrap();
    trainer(2).checkpoints(Checkpoints::new(folder.path())).fit(&mut first, &data).unwrap();
    let resumed = Checkpoints::new(folder.path()).resume(true);
    trainer(4).checkpoints(resumed).fit(&mut second, &data).unwrap();
    assert_eq!(second.parameter_values(), whole.parameter_values());
}
