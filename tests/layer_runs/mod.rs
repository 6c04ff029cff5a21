//! Runs a layer on given values, for comparisons with other libraries.

use manabi::layer::{Backward, Forward, LayerWorkspace};
use manabi::{Layer, Scalar, Shape};
use ndarray::{Array2, ArrayView2};

/// Compares values, relative to the greatest of them.
#[track_caller]
pub fn close(what: &str, got: &[f64], expected: &[f64]) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let size = expected.iter().fold(0.0_f64, |size, x| size.max(x.abs()));
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert!((got - expected).abs() <= 1e-12 * size, "{what}[{i}]: expected {expected:e}, got {got:e}");
    }
}

/// Returns the results of a layer: y, dx and the gradient.
pub fn run<A: Scalar>(
    layer: &dyn Layer<A>,
    input: Shape,
    params: &[A],
    [x, dy]: [ArrayView2<'_, A>; 2],
    threads: usize,
) -> [Vec<A>; 3] {
    let mut ws = LayerWorkspace::new(layer, input, x.nrows()).unwrap().threads(threads).unwrap();
    // The passes write every value.
    ws.fill(A::nan()).unwrap();
    let (mut y, mut dx) = (Array2::from_elem(dy.dim(), A::nan()), Array2::from_elem(x.dim(), A::nan()));
    let mut gradient = vec![A::nan(); params.len()];
    layer.forward(Forward::new(&mut ws, params, &[], x, y.view_mut()).unwrap());
    let pass = Backward::new(&mut ws, params, &[], [x, y.view(), dy]).unwrap();
    layer.backward(pass.dx(dx.view_mut()).unwrap().grad(&mut gradient).unwrap());
    [y.into_raw_vec_and_offset().0, dx.into_raw_vec_and_offset().0, gradient]
}
