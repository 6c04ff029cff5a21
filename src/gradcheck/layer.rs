use ndarray::{Array2, ArrayView2};

use super::Report;
use super::difference::Slope;
use crate::error::Result;
use crate::layer::{Backward, Forward, Layer};
use crate::linalg::Engine;
use crate::random::{Random, RandomState};

/// Checks the gradients of a layer by its parameters, which start as its initializers say, and by its input `x`.
///
/// The function that is differentiated is a random weighting of the outputs; its gradient by them is the weights.
///
/// ```
/// use manabi::{Affine, Random, RandomState, gradcheck};
///
/// let x = RandomState::new(1).normal((5, 4), 0.0, 1.0);
/// gradcheck::layer(&Affine::new(3), x.view(), 0)?.assert();
/// # Ok::<(), manabi::Error>(())
/// ```
///
/// Errors: a layer that does not take inputs of this width.
pub fn layer(layer: &dyn Layer<f64>, x: ArrayView2<'_, f64>, seed: u32) -> Result<Report> {
    let mut random = RandomState::new(seed);
    let parameters = layer.parameters(x.ncols());
    let params: Vec<f64> = parameters.iter().flat_map(|parameter| parameter.draw(&mut random)).collect();
    let weights = random.uniform((x.nrows(), layer.output_dim(x.ncols())?), -1.0, 1.0);
    let case = Case { layer, x: x.as_standard_layout().to_owned(), params, weights };
    let (grad, dx) = case.gradients();
    let mut report = Report::new();
    for (i, &gradient) in grad.iter().enumerate() {
        let slope = Slope::of(|value| case.with_param(i, value), case.params[i]);
        report.compare(|| format!("params[{i}]"), case.params[i], gradient, &slope);
    }
    for ((index, &at), &gradient) in case.x.indexed_iter().zip(&dx) {
        let slope = Slope::of(|value| case.with_input(index, value), at);
        report.compare(|| format!("x[{}, {}]", index.0, index.1), at, gradient, &slope);
    }
    Ok(report)
}

struct Case<'a> {
    layer: &'a dyn Layer<f64>,
    x: Array2<f64>,
    params: Vec<f64>,
    weights: Array2<f64>,
}

impl Case<'_> {
    fn with_param(&self, i: usize, value: f64) -> f64 {
        let mut params = self.params.clone();
        params[i] = value;
        self.value(&params, &self.x)
    }

    fn with_input(&self, index: (usize, usize), value: f64) -> f64 {
        let mut x = self.x.clone();
        x[index] = value;
        self.value(&self.params, &x)
    }

    fn value(&self, params: &[f64], x: &Array2<f64>) -> f64 {
        (self.output(params, x) * &self.weights).sum()
    }

    fn output(&self, params: &[f64], x: &Array2<f64>) -> Array2<f64> {
        let mut y = Array2::zeros(self.weights.dim());
        self.layer.forward(Forward { params, x: x.view(), y: y.view_mut(), engine: &mut Engine::new(1) });
        y
    }

    /// The analytic gradients by the parameters and by the input.
    fn gradients(&self) -> (Vec<f64>, Array2<f64>) {
        // What a layer leaves unwritten shows.
        let mut grad = vec![f64::NAN; self.params.len()];
        let mut dx = Array2::from_elem(self.x.dim(), f64::NAN);
        let y = self.output(&self.params, &self.x);
        self.layer.backward(Backward {
            params: &self.params,
            x: self.x.view(),
            y: y.view(),
            dy: self.weights.view(),
            dx: Some(dx.view_mut()),
            grad: &mut grad,
            engine: &mut Engine::new(1),
        });
        (grad, dx)
    }
}
