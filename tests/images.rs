//! Normalised images compared with PyTorch.

use manabi::Layer;
use manabi::layer::{Backward, BatchNorm, Forward, LayerNorm, LayerWorkspace, Training};
use manabi::ndarray::{Array2, ArrayView2};
use manabi::random::Noise;

#[path = "golden/images.rs"]
#[expect(clippy::approx_constant, reason = "one sample happens to be close to pi")]
mod golden;

#[track_caller]
fn close(what: &str, got: &[f64], expected: &[f64]) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let size = expected.iter().fold(0.0_f64, |size, x| size.max(x.abs()));
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert!((got - expected).abs() <= 1e-12 * size, "{what}[{i}]: expected {expected:e}, got {got:e}");
    }
}

fn check(name: &str, layer: &dyn Layer<f64>, run: &golden::Run, threads: usize) {
    let width = golden::SHAPE.iter().product();
    let rows = golden::X.len() / width;
    let matrix = |values: &'static [f64]| ArrayView2::from_shape((rows, width), values).unwrap();
    let (x, dy) = (matrix(golden::X), matrix(golden::DY));
    let mut ws = LayerWorkspace::new(layer, golden::SHAPE, rows).unwrap().threads(threads).unwrap();
    let buffers: Vec<f64> = if run.running.is_empty() { vec![] } else { vec![0.0, 0.0, 0.0, 1.0, 1.0, 1.0] };
    let (mut y, mut dx, mut next) = (Array2::zeros(x.dim()), Array2::zeros(x.dim()), buffers.clone());
    let mut gradient = vec![0.0; run.params.len()];
    let pass = Forward::new(&mut ws, run.params, &buffers, x, y.view_mut()).unwrap();
    layer.forward(pass.training(Training::new(Noise::default(), &mut next)).unwrap());
    let pass = Backward::new(&mut ws, run.params, &buffers, [x, y.view(), dy]).unwrap();
    layer.backward(pass.dx(dx.view_mut()).unwrap().grad(&mut gradient).unwrap());
    close(&format!("{name}: y"), y.as_slice().unwrap(), run.y);
    close(&format!("{name}: dx"), dx.as_slice().unwrap(), run.dx);
    close(&format!("{name}: gradient"), &gradient, run.gradient);
    close(&format!("{name}: running"), &next, run.running);
    layer.forward(Forward::new(&mut ws, run.params, &next, x, y.view_mut()).unwrap());
    close(&format!("{name}: prediction"), y.as_slice().unwrap(), run.prediction);
}

#[test]
fn batch_normalisation_of_channels_is_pytorchs() {
    for threads in [1, 2] {
        let layer = BatchNorm::new().epsilon(1e-3).momentum(0.3);
        check("batch norm", &layer, &golden::BATCH_NORM, threads);
    }
}

#[test]
fn layer_normalisation_of_images_is_pytorchs() {
    for threads in [1, 2] {
        check("layer norm", &LayerNorm::new().epsilon(1e-3), &golden::LAYER_NORM, threads);
    }
}
