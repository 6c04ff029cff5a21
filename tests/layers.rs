//! Embedding, dropout, BatchNorm and LayerNorm compared with PyTorch, and models with these layers.

use std::collections::HashSet;

use manabi::activation::{Identity, Tanh};
use manabi::layer::{Backward, BatchNorm, Dropout, Embedding, Forward, LayerNorm, LayerWorkspace, Training};
use manabi::loss::MeanSquaredError;
use manabi::optim::Stepper;
use manabi::random::{Noise, Random, RandomState};
use manabi::{
    Activation, Affine, CrossEntropy, Layer, Mnist, Normalizer, Relu, Samples, Scalar, Sequential, Sgd,
    Softmax, Trainer, gradcheck,
};
use ndarray::{Array1, Array2, ArrayView2, Axis, arr2, s};

#[path = "golden/layers.rs"]
mod golden;

/// Returns the output of a pass. In training, the pass has noise and writes the new buffers.
fn forward<A: Scalar>(
    layer: &dyn Layer<A>,
    params: &[A],
    buffers: &[A],
    x: ArrayView2<'_, A>,
    noise: Option<Noise>,
    threads: usize,
) -> (Array2<A>, Vec<A>) {
    let mut y =
        Array2::from_elem((x.nrows(), layer.output_shape(x.ncols().into()).unwrap().size()), A::nan());
    let mut next = buffers.to_vec();
    let mut ws = LayerWorkspace::new(layer, x.ncols(), x.nrows()).unwrap().threads(threads).unwrap();
    let mut pass = Forward::new(&mut ws, params, buffers, x, y.view_mut()).unwrap();
    if let Some(noise) = noise {
        pass = pass.training(Training::new(noise, &mut next)).unwrap();
    }
    layer.forward(pass);
    (y, next)
}

/// Returns the gradients with respect to the input and the parameters.
fn backward<A: Scalar>(
    layer: &dyn Layer<A>,
    params: &[A],
    x: ArrayView2<'_, A>,
    dy: ArrayView2<'_, A>,
    noise: Noise,
    threads: usize,
) -> (Array2<A>, Vec<A>) {
    let buffers = vec![A::one(); layer.buffers(x.ncols().into()).iter().map(|buffer| buffer.shape[0]).sum()];
    let (y, _) = forward(layer, params, &buffers, x, Some(noise), threads);
    let (mut dx, mut grad) = (Array2::from_elem(x.dim(), A::nan()), vec![A::nan(); params.len()]);
    let mut ws = LayerWorkspace::new(layer, x.ncols(), x.nrows()).unwrap().threads(threads).unwrap();
    let pass = Backward::new(&mut ws, params, &buffers, [x, y.view(), dy]).unwrap().noise(noise);
    layer.backward(pass.dx(dx.view_mut()).unwrap().grad(&mut grad).unwrap());
    (dx, grad)
}

fn normal(rows: usize, columns: usize, seed: u32) -> Array2<f64> {
    RandomState::new(seed).normal((rows, columns), 0.0, 1.0)
}

fn bits<A: Scalar>(numbers: &Array2<A>) -> Vec<u64> {
    numbers.iter().map(|x| x.widen().to_bits()).collect()
}

/// Checks each value relative to itself, or relative to the largest value if values cancel.
#[track_caller]
fn close<'a>(what: &str, got: impl IntoIterator<Item = &'a f64>, expected: &[f64]) {
    let got: Vec<f64> = got.into_iter().copied().collect();
    assert_eq!(got.len(), expected.len(), "{what}");
    let size = expected.iter().fold(0.0_f64, |size, x| size.max(x.abs()));
    for (got, expected) in got.iter().zip(expected) {
        let tolerance = 1e-12 * expected.abs().max(1e-2 * size);
        assert!((got - expected).abs() <= tolerance, "{what}: expected {expected:e}, got {got:e}");
    }
}

// Embedding

#[test]
fn embedding_equals_pytorch() {
    let x = Array2::from(golden::CATEGORIES.to_vec());
    let dy = Array2::from_shape_vec((x.nrows(), 12), golden::EMBEDDING_DY.to_vec()).unwrap();
    let (layer, weight) = (Embedding::new(7, 3), golden::EMBEDDING_WEIGHT);
    assert_eq!(forward(&layer, weight, &[], x.view(), None, 1).0.as_slice().unwrap(), golden::EMBEDDING_Y);
    let (dx, gradient) = backward(&layer, weight, x.view(), dy.view(), Noise::default(), 1);
    assert!(dx.iter().all(|&dx| dx == 0.0));
    close("gradient", &gradient, golden::EMBEDDING_GRADIENT);
    assert_eq!(gradient[18..], [0.0; 3], "the last category does not occur");
}

// Dropout

#[test]
fn dropout_is_the_mask_of_the_noise() {
    fn check<A: Scalar>() {
        for p in [0.0, 0.1, 0.5, 0.75, 0.999] {
            let (layer, noise) = (Dropout::new(p), Noise::new(10, 7));
            let (x, dy) = (normal(37, 29, 1).mapv(A::of), normal(37, 29, 2).mapv(A::of));
            let mask = Array2::from_shape_fn(x.dim(), |(row, column)| {
                let is_dropped = f64::from(noise.bits(row, column)) < (p * 2_f64.powi(32)).floor();
                if is_dropped { A::zero() } else { A::of(1.0 / (1.0 - p)) }
            });
            assert_eq!(forward(&layer, &[], &[], x.view(), Some(noise), 1).0, &x * &mask, "{p}");
            assert_eq!(backward(&layer, &[], x.view(), dy.view(), noise, 1).0, &dy * &mask, "{p}");
        }
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn dropout_drops_its_share_and_keeps_the_mean() {
    let x = Array2::<f64>::ones((1000, 1000));
    for p in [0.1, 0.25, 0.5, 0.9] {
        let y = forward(&Dropout::new(p), &[], &[], x.view(), Some(Noise::new(3, 1)), 1).0;
        let scale = 1.0 / (1.0 - p);
        assert!(y.iter().all(|&y| y == 0.0 || y == scale));
        // Five standard deviations: of a million draws in total, of a thousand for a row or a column.
        let spread = |n: f64| 5.0 * (p * (1.0 - p) / n).sqrt();
        let zeros = y.mapv(|y| f64::from(y == 0.0));
        assert!((zeros.mean().unwrap() - p).abs() < spread(1e6), "{p}: {}", zeros.mean().unwrap());
        assert!((y.mean().unwrap() - 1.0).abs() < scale * spread(1e6));
        for axis in [Axis(0), Axis(1)] {
            let shares: Array1<f64> = zeros.mean_axis(axis).unwrap();
            assert!(shares.iter().all(|share| (share - p).abs() < spread(1e3)), "{p}");
        }
        // Neighbouring values are independent.
        let (left, right) = (zeros.slice(s![.., 1..]), zeros.slice(s![.., ..-1]));
        assert!(((&left * &right).mean().unwrap() - p * p).abs() < spread(1e6));
        let (above, below) = (zeros.slice(s![1.., ..]), zeros.slice(s![..-1, ..]));
        assert!(((&above * &below).mean().unwrap() - p * p).abs() < spread(1e6));
    }
}

#[test]
fn dropout_is_the_identity_in_prediction() {
    let x = normal(5, 7, 1);
    assert_eq!(forward(&Dropout::new(0.9), &[], &[], x.view(), None, 1).0, x);
    assert_eq!(forward(&Dropout::new(0.0), &[], &[], x.view(), Some(Noise::new(1, 1)), 1).0, x);
}

#[test]
fn dropout_has_the_same_bits_with_any_number_of_threads() {
    let (layer, noise) = (Dropout::new(0.3), Noise::new(4, 5));
    let (x, dy) = (normal(301, 77, 1), normal(301, 77, 2));
    let run = |threads| {
        let y = forward(&layer, &[], &[], x.view(), Some(noise), threads).0;
        (bits(&y), bits(&backward(&layer, &[], x.view(), dy.view(), noise, threads).0))
    };
    let one = run(1);
    for threads in [2, 3, 5] {
        assert_eq!(run(threads), one, "{threads} threads");
    }
}

/// Parts of a batch that pass through several layers on separate threads draw the same noise as the whole batch.
#[test]
fn a_network_with_dropout_trains_alike_on_any_number_of_threads() {
    let x = normal(256, 300, 1).mapv(|x| x as f32);
    let labels: Vec<usize> = (0..256).map(|i| i % 10).collect();
    let data = Samples::labeled(x, &labels, 10).unwrap();
    let run = |threads| {
        let mut model = Sequential::<f32>::builder(300)
            .add_layer("affine1", Affine::new(200))
            .add_layer("dropout1", Dropout::new(0.3))
            .add_layer("affine2", Affine::new(200))
            .add_layer("relu2", Activation::new(Relu))
            .add_layer("affine3", Affine::new(10))
            .set_output(Softmax)
            .set_error(CrossEntropy)
            .build()
            .unwrap();
        Trainer::new().batch_size(64).epochs(2).threads(threads).fit(&mut model, &data).unwrap();
        model.parameter_values().to_vec()
    };
    let one = run(1);
    for threads in [2, 3] {
        assert!(run(threads) == one, "{threads} threads");
    }
}

#[test]
fn the_seed_of_a_trainer_is_that_of_the_noise_too() {
    let data = Samples::new(normal(20, 4, 1), normal(20, 1, 2)).unwrap();
    let run = |trainer: Trainer<'_, f64>| {
        let builder = Sequential::builder(4).add_layer("dropout1", Dropout::new(0.5));
        let builder = builder.add_layer("affine1", Affine::new(1)).set_output(Identity);
        let mut model = builder.set_error(MeanSquaredError).build().unwrap();
        trainer.batch_size(5).epochs(2).optimizer(Sgd::new(0.01)).fit(&mut model, &data).unwrap();
        model.parameter_values().to_vec()
    };
    let seeded = run(Trainer::new().seed(5));
    assert_eq!(seeded, run(Trainer::new().random(RandomState::new(5)).noise_seed(5)));
    assert_ne!(seeded, run(Trainer::new().random(RandomState::new(5)).noise_seed(6)));
}

#[test]
fn every_batch_seed_and_layer_has_a_mask_of_its_own() {
    let noises = [Noise::new(1, 1), Noise::new(1, 2), Noise::new(2, 1), Noise::new(1, 1).layer(0)];
    let x = Array2::<f64>::ones((10, 20));
    let mask = |&noise: &Noise| bits(&forward(&Dropout::new(0.5), &[], &[], x.view(), Some(noise), 1).0);
    assert_eq!(noises.iter().map(mask).collect::<HashSet<_>>().len(), noises.len());
    assert_eq!(mask(&noises[0]), mask(&noises[0]));
}

#[test]
fn a_models_mask_is_that_of_its_noise() {
    let (p, ones) = (0.5, Array2::<f64>::ones((4, 6)));
    let model = Sequential::builder(6)
        .add_layer("dropout0", Dropout::new(p))
        .add_layer("dropout1", Dropout::new(p))
        .set_output(Identity)
        .set_error(MeanSquaredError)
        .build()
        .unwrap();
    let data = Samples::new(ones.clone(), ones.clone()).unwrap();
    let mut ws = model.workspace(4).unwrap().seed(3);
    for batch in 1..4 {
        ws.load(&data, &[0, 1, 2, 3]).unwrap();
        assert_eq!(ws.batch_noise(), Noise::new(3, batch));
        model.gradient(&mut ws).unwrap();
        let expected = Array2::from_shape_fn((4, 6), |(row, column)| {
            let is_kept = |layer| ws.batch_noise().layer(layer).bits(row, column) >= 1 << 31;
            if is_kept(0) && is_kept(1) { 4.0 } else { 0.0 }
        });
        assert_eq!(ws.y(), expected);
        model.loss(&mut ws).unwrap();
        assert_eq!(ws.y(), ones);
    }
    assert_eq!(model.predict(ones.view()).unwrap(), ones);
}

#[test]
fn settings_out_of_range_are_errors() {
    fn message(layer: impl Layer<f32> + 'static) -> String {
        let builder = Sequential::builder(2).add_layer("layer1", layer);
        builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap_err().to_string()
    }
    for p in [-0.1, 1.0, 2.0, f64::NAN] {
        let expected = format!("layer 'layer1': p: expected at least 0 and below 1, got {p}");
        assert_eq!(message(Dropout::new(p)), expected);
    }
    for epsilon in [0.0, -1.0, f64::INFINITY, f64::NAN] {
        let expected = format!("layer 'layer1': epsilon: expected a finite number above 0, got {epsilon}");
        assert_eq!(message(BatchNorm::new().epsilon(epsilon)), expected);
        assert_eq!(message(LayerNorm::new().epsilon(epsilon)), expected);
    }
    for momentum in [-0.1, 1.1, f64::NAN] {
        let expected = format!("layer 'layer1': momentum: expected a value from 0 to 1, got {momentum}");
        assert_eq!(message(BatchNorm::new().momentum(momentum)), expected);
    }
}

// BatchNorm and LayerNorm

fn layer_of(run: &golden::Run) -> Box<dyn Layer<f64>> {
    match run.name {
        "batch_norm" => {
            Box::new(BatchNorm::new().epsilon(run.epsilon).momentum(run.momentum).affine(run.affine))
        }
        name => {
            assert_eq!(name, "layer_norm");
            Box::new(LayerNorm::new().epsilon(run.epsilon).affine(run.affine))
        }
    }
}

#[test]
fn twenty_steps_are_pytorchs() {
    let (x, t) = (arr2(&golden::X), arr2(&golden::T));
    assert_eq!(golden::RUNS.len(), 7);
    for run in golden::RUNS {
        let (layer, name) = (layer_of(run), format!("{} {} {}", run.name, run.epsilon, run.momentum));
        let mut params = if run.affine { [golden::WEIGHT, golden::BIAS].concat() } else { Vec::new() };
        let mut buffers = match layer.buffers(3.into()).len() {
            0 => Vec::new(),
            _ => vec![0.0, 0.0, 0.0, 1.0, 1.0, 1.0],
        };
        let mut steps = run.steps.iter().enumerate();
        for _ in 0..golden::EPOCHS {
            let batches = x.axis_chunks_iter(Axis(0), golden::BATCH);
            for (x, t) in batches.zip(t.axis_chunks_iter(Axis(0), golden::BATCH)) {
                let (i, expected) = steps.next().unwrap();
                let (y, next) = forward(&layer, &params, &buffers, x, Some(Noise::default()), 1);
                let dy = &y - &t;
                let (dx, mut grad) = backward(&layer, &params, x, dy.view(), Noise::default(), 1);
                let pass = match i {
                    0 => Some(&run.first),
                    1 => Some(&run.second),
                    19 => Some(&run.last),
                    _ => None,
                };
                if let Some(pass) = pass {
                    close(&format!("{name}: y {i}"), &y, pass.y);
                    close(&format!("{name}: dx {i}"), &dx, pass.dx);
                    close(&format!("{name}: gradient {i}"), &grad, pass.gradient);
                }
                let mut stepper = Stepper::new(Sgd::new(golden::LEARNING_RATE));
                stepper.step_slices(&mut params, &mut grad).unwrap();
                buffers = next;
                close(&format!("{name}: step {i}"), params.iter().chain(&buffers), expected);
            }
        }
        assert!(steps.next().is_none());
        let y = forward(&layer, &params, &buffers, x.view(), None, 1).0;
        close(&format!("{name}: prediction"), &y, run.prediction);
    }
}

#[test]
fn a_network_trains_as_in_pytorch() {
    let mut model = Sequential::<f64>::builder(3)
        .add_layer("norm0", BatchNorm::new().momentum(0.3))
        .add_layer("affine1", Affine::new(5))
        .add_layer("norm1", BatchNorm::new().epsilon(1e-3))
        .add_layer("tanh1", Activation::new(Tanh))
        .add_layer("affine2", Affine::new(4))
        .add_layer("norm2", LayerNorm::new())
        .add_layer("tanh2", Activation::new(Tanh))
        .add_layer("affine3", Affine::new(2))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .build()
        .unwrap();
    let named = |model: &Sequential<f64>| {
        let all = model.parameters().chain(model.buffers());
        all.map(|(name, values)| (name, values.iter().copied().collect())).collect::<Vec<(_, Vec<f64>)>>()
    };
    for (name, values) in named(&model) {
        let start = golden::NETWORK_START.iter().find(|(start, _)| *start == name).expect(&name).1;
        assert_eq!(start.len(), values.len(), "{name}");
        if !name.contains("running") {
            let shape = model.parameter(&name).unwrap().raw_dim();
            let value = ndarray::ArrayViewD::from_shape(shape, start).unwrap();
            model.set_parameter(&name, &value).unwrap();
        }
    }
    let data = Samples::labeled(arr2(&golden::X), &golden::LABELS, 2).unwrap();
    let mut losses = Vec::new();
    let mut ws = model.workspace(golden::BATCH).unwrap();
    let mut stepper = Stepper::new(Sgd::new(golden::LEARNING_RATE));
    let rows: Vec<usize> = (0..data.x().nrows()).collect();
    for _ in 0..golden::EPOCHS {
        for rows in rows.chunks(golden::BATCH) {
            ws.load(&data, rows).unwrap();
            losses.push(model.gradient(&mut ws).unwrap().loss);
            stepper.step(&mut model, &mut ws).unwrap();
        }
    }
    close("losses", &losses, golden::NETWORK_LOSSES);
    let end = named(&model);
    assert_eq!(end.len(), golden::NETWORK_END.len());
    for (name, values) in &end {
        close(name, values, golden::NETWORK_END.iter().find(|(end, _)| end == name).unwrap().1);
    }
    close("prediction", &model.predict(data.x()).unwrap(), golden::NETWORK_PREDICTION);
}

#[test]
fn names_and_starts_are_pytorchs() {
    let names = |parameters: Vec<manabi::layer::TensorSpec>| -> Vec<String> {
        parameters.into_iter().map(|parameter| parameter.name).collect()
    };
    let norm = BatchNorm::new();
    assert_eq!(names(Layer::<f32>::parameters(&norm, 4.into())), ["weight", "bias"]);
    assert_eq!(names(Layer::<f32>::buffers(&norm, 4.into())), ["running_mean", "running_var"]);
    assert_eq!(names(Layer::<f32>::parameters(&LayerNorm::new(), 4.into())), ["weight", "bias"]);
    assert!(Layer::<f32>::parameters(&norm.affine(false), 4.into()).is_empty());
    assert!(Layer::<f32>::parameters(&LayerNorm::new().affine(false), 4.into()).is_empty());
    assert!(Layer::<f32>::buffers(&LayerNorm::new(), 4.into()).is_empty());
    let builder = Sequential::<f32>::builder(2).add_layer("norm1", norm);
    let model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    assert_eq!(model.parameter_values(), [1.0, 1.0, 0.0, 0.0]);
    assert_eq!(model.buffer_values(), [0.0, 0.0, 1.0, 1.0]);
}

/// Far from 0, a variance computed as E[x²] − E[x]² would lose all digits, and a mean in `f32` would be too coarse.
#[test]
fn numbers_far_from_zero_keep_their_digits() {
    fn check<A: Scalar>(offset: f64, tolerance: f64) {
        let near = normal(1000, 70, 1).mapv(|x| (x * 1024.0).round() / 1024.0);
        let far = near.mapv(|x| A::of(x + offset));
        for (layer, params) in
            [(&BatchNorm::new() as &dyn Layer<A>, 140), (&LayerNorm::new() as &dyn Layer<A>, 140)]
        {
            let mut params = vec![A::one(); params];
            params[70..].fill(A::zero());
            let buffers = vec![A::one(); if layer.kind() == "batch_norm" { 140 } else { 0 }];
            let noise = Some(Noise::default());
            let (y, _) = forward(layer, &params, &buffers, far.view(), noise, 1);
            let (expected, _) = forward(layer, &params, &buffers, near.mapv(A::of).view(), noise, 1);
            for (y, expected) in y.iter().zip(&expected) {
                assert!(
                    (y.widen() - expected.widen()).abs() < tolerance,
                    "{}: {y}, {expected}",
                    layer.kind()
                );
            }
        }
    }
    // Exactly representable in both precisions.
    check::<f32>(4096.0, 1e-6);
    check::<f64>(1e9, 1e-6);
}

#[test]
fn a_constant_column_is_its_bias_and_passes_nothing_back() {
    let (mut x, dy) = (normal(8, 3, 1), normal(8, 3, 2));
    x.column_mut(1).fill(7.3);
    let params = [1.0, 2.0, 3.0, 0.5, -0.25, 0.0];
    let y = forward(&BatchNorm::new(), &params, &[1.0; 6], x.view(), Some(Noise::default()), 1).0;
    assert!(y.column(1).iter().all(|y| (y + 0.25).abs() < 1e-9), "{y}");
    let (dx, grad) = backward(&BatchNorm::new(), &params, x.view(), dy.view(), Noise::default(), 1);
    assert!(dx.iter().chain(&grad).all(|x| x.is_finite()));
    assert!(dx.column(1).sum().abs() < 1e-9);
}

#[test]
fn a_column_knows_nothing_of_its_neighbours() {
    // Full and partial blocks of columns.
    let (rows, width) = (31, 200);
    let x = normal(rows, width, 1);
    let dy = normal(rows, width, 2);
    let (weight, bias) = (normal(1, width, 3), normal(1, width, 4));
    let params = |at: std::ops::Range<usize>| -> Vec<f64> {
        weight.slice(s![0, at.clone()]).iter().chain(bias.slice(s![0, at])).copied().collect()
    };
    let layer = BatchNorm::new();
    let noise = Noise::default();
    let all = 0..width;
    let (y, next) = forward(&layer, &params(all.clone()), &vec![0.5; 2 * width], x.view(), Some(noise), 1);
    let (dx, grad) = backward(&layer, &params(all.clone()), x.view(), dy.view(), noise, 1);
    let predicted = forward(&layer, &params(all), &vec![0.5; 2 * width], x.view(), None, 1).0;
    for column in 0..width {
        let one = column..column + 1;
        let (x, dy) = (x.slice(s![.., one.clone()]).to_owned(), dy.slice(s![.., one.clone()]).to_owned());
        let params = params(one);
        let (y_one, next_one) = forward(&layer, &params, &[0.5; 2], x.view(), Some(noise), 1);
        let (dx_one, grad_one) = backward(&layer, &params, x.view(), dy.view(), noise, 1);
        assert_eq!(y.column(column), y_one.column(0));
        assert_eq!(dx.column(column), dx_one.column(0));
        assert_eq!([next[column], next[width + column]], next_one[..]);
        assert_eq!([grad[column], grad[width + column]], grad_one[..]);
        let predicted_one = forward(&layer, &params, &[0.5; 2], x.view(), None, 1).0;
        assert_eq!(predicted.column(column), predicted_one.column(0));
    }
}

#[test]
fn a_batch_of_one_row_is_an_error_before_anything_changes() {
    let builder = || {
        let builder = Sequential::<f64>::builder(3).add_layer("norm1", BatchNorm::new());
        builder.set_output(Identity).set_error(MeanSquaredError)
    };
    let mut model = builder().build().unwrap();
    let data = Samples::new(normal(7, 3, 1), normal(7, 3, 2)).unwrap();
    let mut ws = model.workspace(7).unwrap();
    ws.load(&data, &[4]).unwrap();
    let message = "layer 'norm1': rows of a batch: expected at least 2 in training, got 1";
    assert_eq!(model.gradient(&mut ws).unwrap_err().to_string(), message);
    // In prediction, one row is enough.
    assert!(model.loss(&mut ws).is_ok());
    let before = (model.parameter_values().to_vec(), model.buffer_values().to_vec());
    let error = Trainer::new().batch_size(1).fit(&mut model, &data).unwrap_err();
    assert_eq!(error.to_string(), message);
    let error = Trainer::new().batch_size(3).epochs(1).fit(&mut model, &data).unwrap_err();
    let place = "last batch of epoch 1 (drop_last leaves out a smaller last batch)";
    assert_eq!(error.to_string(), format!("{place}: {message}"));
    assert_eq!((model.parameter_values().to_vec(), model.buffer_values().to_vec()), before);
    Trainer::new().batch_size(5).epochs(1).fit(&mut model, &data).unwrap();
    assert_ne!(model.buffer_values(), before.1);
    assert!(gradcheck::layer(&BatchNorm::new(), normal(1, 3, 1).view(), 0).is_err());
    let one_row = Samples::new(normal(1, 3, 1), normal(1, 3, 2)).unwrap();
    assert!(gradcheck::model(&model, &one_row).is_err());
}

#[test]
fn derivatives() {
    let x = normal(6, 5, 1) * 2.0 + 0.5;
    let layers: Vec<Box<dyn Layer<f64>>> = vec![
        Box::new(Dropout::new(0.4)),
        Box::new(BatchNorm::new()),
        Box::new(BatchNorm::new().affine(false)),
        Box::new(BatchNorm::new().epsilon(0.5).momentum(0.3)),
        Box::new(LayerNorm::new()),
        Box::new(LayerNorm::new().affine(false)),
        Box::new(LayerNorm::new().epsilon(0.5)),
    ];
    for layer in layers {
        gradcheck::layer(&layer, x.view(), 3).unwrap().assert();
    }
    let mut model = Sequential::<f64>::builder(5)
        .add_layer("dropout0", Dropout::new(0.2))
        .add_layer("affine1", Affine::new(6))
        .add_layer("norm1", BatchNorm::new())
        .add_layer("tanh1", Activation::new(Tanh))
        .add_layer("dropout1", Dropout::new(0.4))
        .add_layer("affine2", Affine::new(4))
        .add_layer("norm2", LayerNorm::new())
        .add_layer("tanh2", Activation::new(Tanh))
        .add_layer("affine3", Affine::new(3))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .seed(5)
        .build()
        .unwrap();
    let moves = RandomState::new(6).uniform((1, model.parameter_count()), -0.3, 0.3);
    model.parameter_values_mut().iter_mut().zip(moves).for_each(|(param, by)| *param += by);
    let data = Samples::labeled(x, &[0_u8, 1, 2, 0, 1, 2], 3).unwrap();
    let report = gradcheck::model(&model, &data).unwrap();
    report.assert();
    assert_eq!(report.points, model.parameter_count());
}

// Models

fn digits() -> (manabi::data::Images, manabi::data::Images) {
    let Mnist { train, test } = Mnist::synthetic(1030, 250, 0).unwrap();
    let normalizer = Normalizer::min_max(train.pixels()).unwrap();
    (train.normalize(&normalizer).unwrap(), test.normalize(&normalizer).unwrap())
}

fn network() -> Sequential<f32> {
    Sequential::builder(784)
        .add_layer("affine1", Affine::new(70))
        .add_layer("norm1", BatchNorm::new())
        .add_layer("relu1", Activation::new(Relu))
        .add_layer("dropout1", Dropout::new(0.2))
        .add_layer("affine2", Affine::new(40))
        .add_layer("norm2", LayerNorm::new())
        .add_layer("relu2", Activation::new(Relu))
        .add_layer("dropout2", Dropout::new(0.1))
        .add_layer("affine3", Affine::new(10))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .seed(10)
        .build()
        .unwrap()
}

#[test]
fn a_network_with_all_of_them_trains_to_the_same_bits_with_any_number_of_threads() {
    let (train, test) = digits();
    let run = |threads, noise| {
        let mut model = network();
        // The last batch has 30 rows.
        let trainer = Trainer::new().epochs(8).batch_size(100).optimizer(Sgd::new(0.1)).threads(threads);
        let history = trainer.noise_seed(noise).test(&test).fit(&mut model, &train).unwrap();
        let metrics: Vec<_> = history.epochs.iter().map(|epoch| (epoch.train, epoch.test)).collect();
        (model.parameter_values().to_vec(), model.buffer_values().to_vec(), metrics)
    };
    let one = run(1, 1);
    for threads in [2, 3] {
        assert!(run(threads, 1) == one, "{threads} threads");
    }
    assert_ne!(run(1, 2).0, one.0);
    let accuracy = one.2[8].1.unwrap().accuracy.unwrap();
    assert!(accuracy > 0.75, "{accuracy}");
    // The running statistics have changed from their initial values.
    assert!(one.1.iter().all(|&x| x.is_finite() && x != 0.0 && x != 1.0));
}

#[test]
fn predictions_are_the_same_in_batches_of_any_size() {
    let (train, test) = digits();
    let mut model = network();
    Trainer::new().epochs(1).fit(&mut model, &train).unwrap();
    let rows: Vec<usize> = (0..250).collect();
    let mut ws = model.workspace(250).unwrap();
    ws.load(&test, &rows).unwrap();
    model.loss(&mut ws).unwrap();
    let all = ws.y().to_owned();
    for (size, threads) in [(1, 1), (7, 1), (7, 3), (100, 2), (250, 3)] {
        let mut ws = model.workspace(size).unwrap().threads(threads);
        for rows in rows.chunks(size) {
            ws.load(&test, rows).unwrap();
            model.loss(&mut ws).unwrap();
            assert_eq!(ws.y(), all.slice(s![rows[0]..rows[0] + rows.len(), ..]), "{size} rows");
        }
    }
    let before = model.buffer_values().to_vec();
    model.evaluate(&test).unwrap();
    assert_eq!(model.buffer_values(), before);
}
