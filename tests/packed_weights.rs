//! Predictions with packed copies of the weights have the same bits as without, and the copies never outlive the parameters.

use std::sync::Barrier;
use std::thread;

use manabi::activation::Identity;
use manabi::linalg::Engine;
use manabi::loss::MeanSquaredError;
use manabi::optim::{Adam, Stepper};
use manabi::random::{Random, RandomState};
use manabi::{Affine, Samples, Scalar, Sequential};
use ndarray::{Array2, ArrayView2, Ix1, Ix2};

fn affine<A: Scalar>(inputs: usize, outputs: usize) -> Sequential<A> {
    let builder = Sequential::builder(inputs).add_layer("affine1", Affine::new(outputs));
    let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    let bias = RandomState::new(3).normal((1, outputs), 0.0, 1.0).mapv(A::of);
    model.set_parameter("affine1.bias", &bias.row(0)).unwrap();
    model
}

/// Returns the predictions by a product without copies.
fn product<A: Scalar>(model: &Sequential<A>, x: ArrayView2<'_, A>) -> Array2<A> {
    let weight = model.parameter("affine1.weight").unwrap().into_dimensionality::<Ix2>().unwrap();
    let bias = model.parameter("affine1.bias").unwrap().into_dimensionality::<Ix1>().unwrap();
    let mut y = Array2::zeros((x.nrows(), weight.ncols()));
    Engine::new(1).matmul(x, weight, Some(bias.as_slice().unwrap()), y.view_mut());
    y
}

fn bits<A: Scalar>(y: &Array2<A>) -> Vec<u64> {
    y.iter().map(|y| y.widen().to_bits()).collect()
}

fn sizes<A: Scalar>() {
    let mut random = RandomState::new(1);
    // One to three blocks of k. The columns fill registers, leave a tail, or leave half a register. A single row uses the copies
    // of matrices of a megabyte and more.
    for (inputs, outputs) in
        [(30, 437), (600, 500), (1100, 403), (513, 560), (60, 35), (7, 1000), (1100, 600)]
    {
        let model = affine::<A>(inputs, outputs);
        for threads in [1, 2, 3, 5] {
            let mut ws = model.workspace(120).unwrap().threads(threads);
            for rows in [120, 1, 2, 3, 4, 5, 7, 8, 9, 13, 32, 47, 48, 49, 100, 119, 250] {
                let x = random.normal((rows, inputs), 0.0, 1.0).mapv(A::of);
                let expected = bits(&product(&model, x.view()));
                let mut y = Array2::zeros((rows, outputs));
                for call in 0..3 {
                    model.predict_into(x.view(), &mut ws, y.view_mut()).unwrap();
                    let place = format!("{rows}x{inputs}x{outputs}, {threads} threads, call {call}");
                    assert_eq!(bits(&y), expected, "{place}");
                }
            }
        }
    }
}

#[test]
fn predictions_have_the_same_bits_in_f32() {
    sizes::<f32>();
}

#[test]
fn predictions_have_the_same_bits_in_f64() {
    sizes::<f64>();
}

#[test]
fn every_change_of_the_parameters_is_seen() {
    let x = RandomState::new(1).normal((20, 40), 0.0, 1.0);
    let data = Samples::new(x.clone(), Array2::zeros((20, 500))).unwrap();
    let mut model = affine::<f64>(40, 500);
    let mut ws = model.workspace(20).unwrap().threads(2);
    let mut others = model.workspace(20).unwrap();
    let mut y = Array2::zeros((20, 500));
    let mut check = |model: &Sequential<f64>| {
        for ws in [&mut ws, &mut others] {
            for _ in 0..3 {
                model.predict_into(x.view(), ws, y.view_mut()).unwrap();
                assert_eq!(bits(&y), bits(&product(model, x.view())));
            }
        }
    };
    check(&model);
    let weight = |value: f64| Array2::from_elem((40, 500), value);
    model.set_parameter("affine1.weight", &weight(0.5)).unwrap();
    check(&model);
    model.parameter_values_mut()[7] = 3.0;
    check(&model);
    let values = model.parameter_values().iter().map(|value| 2.0 * value).collect::<Vec<_>>();
    model.set_parameter_values(&values).unwrap();
    check(&model);
    // A clone shares the copies until either changes.
    let mut clone = model.clone();
    check(&clone);
    clone.parameter_values_mut()[0] = -1.0;
    check(&clone);
    check(&model);
    model.set_parameter("affine1.weight", &weight(0.25)).unwrap();
    check(&clone);
    check(&model);
    clone.weights_from_bytes(&model.to_bytes().unwrap()).unwrap();
    check(&clone);
    let mut stepper = Stepper::new(Adam::new(0.1));
    let mut training = model.workspace(20).unwrap();
    training.load(&data, &(0..20).collect::<Vec<_>>()).unwrap();
    model.gradient(&mut training).unwrap();
    stepper.step(&mut model, &mut training).unwrap();
    check(&model);
    // Training in the workspace of predictions, and predictions in the workspace of training.
    let mut ws = model.workspace(20).unwrap();
    for _ in 0..4 {
        ws.load(&data, &(0..20).collect::<Vec<_>>()).unwrap();
        model.gradient(&mut ws).unwrap();
        stepper.step(&mut model, &mut ws).unwrap();
        for _ in 0..3 {
            let mut y = Array2::zeros((20, 500));
            model.predict_into(x.view(), &mut ws, y.view_mut()).unwrap();
            assert_eq!(bits(&y), bits(&product(&model, x.view())));
        }
    }
}

#[test]
fn threads_that_pack_at_the_same_time_predict_the_same() {
    let model = affine::<f32>(600, 700);
    let x = RandomState::new(1).normal((10, 600), 0.0, 1.0).mapv(|x| x as f32);
    let (expected, barrier) = (bits(&product(&model, x.view())), Barrier::new(4));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let (mut ws, mut y) = (model.workspace(10).unwrap(), Array2::zeros((10, 700)));
                for _ in 0..5 {
                    barrier.wait();
                    model.predict_into(x.view(), &mut ws, y.view_mut()).unwrap();
                    assert_eq!(bits(&y), expected);
                }
            });
        }
    });
}

#[test]
fn a_workspace_serves_models_of_the_same_shape_in_turns() {
    let models: Vec<_> = [1.0, 2.0]
        .map(|factor| {
            let mut model = affine::<f32>(40, 450);
            model.parameter_values_mut().iter_mut().for_each(|value| *value *= factor);
            model
        })
        .into();
    let x = Array2::from_elem((9, 40), 0.5);
    let (mut ws, mut y) = (models[0].workspace(9).unwrap(), Array2::zeros((9, 450)));
    for turn in [0, 0, 1, 0, 1, 1, 1, 0, 0] {
        models[turn].predict_into(x.view(), &mut ws, y.view_mut()).unwrap();
        assert_eq!(bits(&y), bits(&product(&models[turn], x.view())), "turn of model {turn}");
    }
}
