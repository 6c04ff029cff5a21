use ndarray::{Array2, ArrayView2};

use super::Report;
use super::difference::Slope;
use crate::error::{Error, Result, check_finite};
use crate::layer::{Backward, Forward, Layer, Plan, Training};
use crate::linalg::Engine;
use crate::random::{Noise, Random, RandomState};

/// Checks the gradients of a layer by its parameters and by its input `x`.
///
/// The parameters are near what the layer's initializers say, moved a little, so that no factor of 1 or 0 hides. The
/// function that is differentiated is a random weighting of the outputs in training; its gradient by them is the weights.
///
/// Errors: no sample or fewer than the layer trains on, a number that is not finite, an input of a width that the layer does
/// not take.
///
/// ```
/// use manabi::{Affine, Random, RandomState, gradcheck};
///
/// let x = RandomState::new(1).normal((5, 4), 0.0, 1.0);
/// gradcheck::layer(&Affine::new(3), x.view(), 0)?.assert();
/// # Ok::<(), manabi::Error>(())
/// ```
pub fn layer(layer: &dyn Layer<f64>, x: ArrayView2<'_, f64>, seed: u32) -> Result<Report> {
    if x.is_empty() {
        return Err(Error::shape("x", "(1 or more, 1 or more)", x.shape()));
    }
    if x.nrows() < layer.least_rows() {
        return Err(Error::shape("x", format!("({} or more, any)", layer.least_rows()), x.shape()));
    }
    check_finite("x", x)?;
    let case = Case::new(layer, x, &mut RandomState::new(seed))?;
    let (grad, dx) = case.gradients((true, true));
    let mut report = Report::new();
    for (i, &at) in case.params.iter().enumerate() {
        let slope = Slope::of(|value| case.with_param(i, value), at, case.size());
        report.compare(|| format!("params[{i}]"), at, grad[i], &slope);
    }
    for ((row, column), &at) in case.x.indexed_iter() {
        let slope = Slope::of(|value| case.with_input((row, column), value), at, case.size());
        report.compare(|| format!("x[{row}, {column}]"), at, dx[[row, column]], &slope);
    }
    // A model's first layer is not asked for dx, nor a part of a batch for grad; what is asked for must be the same.
    for (i, (&grad, alone)) in grad.iter().zip(case.gradients((true, false)).0).enumerate() {
        if grad.to_bits() != alone.to_bits() {
            report.require_finite(&format!("params[{i}] without dx"), case.params[i], f64::NAN);
        }
    }
    for ((index, &dx), alone) in dx.indexed_iter().zip(case.gradients((false, true)).1) {
        if dx.to_bits() != alone.to_bits() {
            report.require_finite(&format!("x{index:?} without grad"), case.x[index], f64::NAN);
        }
    }
    Ok(report)
}

struct Case<'a> {
    layer: &'a dyn Layer<f64>,
    x: Array2<f64>,
    params: Vec<f64>,
    buffers: Vec<f64>,
    weights: Array2<f64>,
}

impl<'a> Case<'a> {
    fn new(layer: &'a dyn Layer<f64>, x: ArrayView2<'_, f64>, random: &mut RandomState) -> Result<Self> {
        let plan = Plan::of(layer, x.ncols())?;
        let mut params = Vec::with_capacity(plan.size);
        for parameter in &plan.parameters {
            parameter.draw(random, &mut params)?;
        }
        let mut buffers = Vec::with_capacity(plan.buffer_size);
        for buffer in &plan.buffers {
            buffer.draw(random, &mut buffers)?;
        }
        let moves = random.uniform((1, params.len()), -0.4, 0.4);
        params.iter_mut().zip(moves).for_each(|(param, by)| *param += by);
        let weights = random.uniform((x.nrows(), plan.output_dim), -1.0, 1.0);
        Ok(Self { layer, x: x.as_standard_layout().to_owned(), params, buffers, weights })
    }

    fn with_param(&self, i: usize, value: f64) -> f64 {
        let mut params = self.params.clone();
        params[i] = value;
        (self.output(&params, &self.x) * &self.weights).sum()
    }

    fn with_input(&self, index: (usize, usize), value: f64) -> f64 {
        let mut x = self.x.clone();
        x[index] = value;
        (self.output(&self.params, &x) * &self.weights).sum()
    }

    /// The sum of the terms' sizes.
    fn size(&self) -> f64 {
        (self.output(&self.params, &self.x) * &self.weights).mapv(f64::abs).sum()
    }

    /// What a layer leaves unwritten, or adds to what is there, is NaN; so in the gradients.
    fn output(&self, params: &[f64], x: &Array2<f64>) -> Array2<f64> {
        let mut y = Array2::from_elem(self.weights.dim(), f64::NAN);
        self.layer.forward(Forward {
            params,
            buffers: &self.buffers,
            x: x.view(),
            y: y.view_mut(),
            training: Some(Training::new(Noise::default(), &mut self.buffers.clone())),
            engine: &mut Engine::new(1),
        });
        y
    }

    /// The analytic gradients by the parameters and by the input, each where it is wanted.
    fn gradients(&self, (with_grad, with_dx): (bool, bool)) -> (Vec<f64>, Array2<f64>) {
        let mut grad = vec![f64::NAN; self.params.len()];
        let mut dx = Array2::from_elem(self.x.dim(), f64::NAN);
        let y = self.output(&self.params, &self.x);
        self.layer.backward(Backward {
            params: &self.params,
            x: self.x.view(),
            y: y.view(),
            dy: self.weights.view(),
            dx: with_dx.then(|| dx.view_mut()),
            grad: with_grad.then_some(&mut grad[..]),
            noise: Noise::default(),
            engine: &mut Engine::new(1),
        });
        (grad, dx)
    }
}
