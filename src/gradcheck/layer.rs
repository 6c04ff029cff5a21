use ndarray::{Array2, ArrayView2};

use super::Report;
use super::difference::Slope;
use crate::error::{Error, Result, check_finite};
use crate::layer::{Backward, Declared, Forward, Layer, LayerWorkspace, Training};
use crate::random::{Noise, Random, RandomState};
use crate::shape::Shape;

/// Checks the gradients of a layer with respect to its parameters and its input `x`.
///
/// The parameters are the layer's initial values plus small random changes, because factors of 0 or 1 can hide errors. The
/// function to differentiate is a randomly weighted sum of the outputs in training. Its gradient with respect to the outputs is
/// the weights.
///
/// # Errors
/// Returns [`Error::Shape`] if `x` is empty or has fewer rows than the layer needs in training, and [`Error::NotFinite`] if a
/// value of `x` is not finite. Returns the error of the layer if it does not support inputs of this shape, if a setting is out of
/// range, or if its declarations are invalid.
///
/// # Panics
/// Panics if the layer panics.
///
/// # Examples
/// ```
/// use manabi::random::{Random, RandomState};
/// use manabi::{Affine, gradcheck};
///
/// let x = RandomState::new(1).normal((5, 4), 0.0, 1.0);
/// gradcheck::layer(&Affine::new(3), x.view(), 0)?.assert();
/// # Ok::<(), manabi::Error>(())
/// ```
pub fn layer(layer: &dyn Layer<f64>, x: ArrayView2<'_, f64>, seed: u32) -> Result<Report> {
    layer_with_shape(layer, x.ncols().into(), x, seed)
}

/// Checks the gradients of a layer, like [`layer`], for samples of the shape `input`, such as images. Each row of `x` is a
/// sample.
///
/// # Errors
/// Returns the errors of [`layer`], and [`Error::Shape`] if the width of `x` is not the size of `input`.
///
/// # Panics
/// Panics if the layer panics.
///
/// # Examples
/// ```
/// use manabi::layer::BatchNorm;
/// use manabi::random::{Random, RandomState};
/// use manabi::gradcheck;
///
/// let x = RandomState::new(1).normal((3, 8), 0.0, 1.0);
/// gradcheck::layer_with_shape(&BatchNorm::new(), [2, 2, 2].into(), x.view(), 0)?.assert();
/// # Ok::<(), manabi::Error>(())
/// ```
pub fn layer_with_shape(
    layer: &dyn Layer<f64>,
    input: Shape,
    x: ArrayView2<'_, f64>,
    seed: u32,
) -> Result<Report> {
    if x.is_empty() || x.ncols() != input.size() {
        return Err(Error::shape("x", format!("(at least 1, {})", input.size().max(1)), x.shape()));
    }
    if x.nrows() < layer.min_rows() {
        return Err(Error::shape("x", format!("(at least {}, any)", layer.min_rows()), x.shape()));
    }
    check_finite("x", x)?;
    let placed = layer.placed(input)?;
    let case = Case::new(placed.as_deref().unwrap_or(layer), input, x, &mut RandomState::new(seed))?;
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
    // A model requests only grad from its first layer, and only dx for a part of a batch. Each must be the same as with both.
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
    input: Shape,
    x: Array2<f64>,
    params: Vec<f64>,
    buffers: Vec<f64>,
    weights: Array2<f64>,
}

impl<'a> Case<'a> {
    fn new(
        layer: &'a dyn Layer<f64>,
        input: Shape,
        x: ArrayView2<'_, f64>,
        random: &mut RandomState,
    ) -> Result<Self> {
        let plan = Declared::of(layer, input)?;
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
        let weights = random.uniform((x.nrows(), plan.output.size()), -1.0, 1.0);
        // Check now that the scratch space fits in memory.
        LayerWorkspace::<f64>::new(layer, input, x.nrows())?.fill(f64::NAN)?;
        Ok(Self { layer, input, x: x.as_standard_layout().to_owned(), params, buffers, weights })
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

    /// Returns the sum of the absolute values of the terms.
    fn size(&self) -> f64 {
        (self.output(&self.params, &self.x) * &self.weights).mapv(f64::abs).sum()
    }

    /// Creates a workspace filled with NaN, to detect reads of unwritten memory.
    fn workspace(&self) -> LayerWorkspace<f64> {
        let ws = LayerWorkspace::new(self.layer, self.input, self.x.nrows());
        let mut ws = ws.expect("the declarations are valid");
        ws.fill(f64::NAN).expect("a few samples fit in memory");
        ws
    }

    fn output(&self, params: &[f64], x: &Array2<f64>) -> Array2<f64> {
        self.output_in(&mut self.workspace(), params, x)
    }

    fn output_in(&self, ws: &mut LayerWorkspace<f64>, params: &[f64], x: &Array2<f64>) -> Array2<f64> {
        let mut y = Array2::from_elem(self.weights.dim(), f64::NAN);
        let mut buffers = self.buffers.clone();
        let training = Training::new(Noise::default(), &mut buffers);
        let pass = Forward::new(ws, params, &self.buffers, x.view(), y.view_mut());
        let pass = pass.and_then(|pass| pass.training(training));
        self.layer.forward(pass.expect("arrays of the declared shapes"));
        y
    }

    /// Returns the analytic gradients with respect to the parameters and to the input, NaN if not requested.
    fn gradients(&self, (with_grad, with_dx): (bool, bool)) -> (Vec<f64>, Array2<f64>) {
        let mut grad = vec![f64::NAN; self.params.len()];
        let mut dx = Array2::from_elem(self.x.dim(), f64::NAN);
        let mut ws = self.workspace();
        let y = self.output_in(&mut ws, &self.params, &self.x);
        let arrays = [self.x.view(), y.view(), self.weights.view()];
        let mut pass = Backward::new(&mut ws, &self.params, &self.buffers, arrays);
        if with_dx {
            pass = pass.and_then(|pass| pass.dx(dx.view_mut()));
        }
        if with_grad {
            pass = pass.and_then(|pass| pass.grad(&mut grad));
        }
        self.layer.backward(pass.expect("arrays of the declared shapes"));
        (grad, dx)
    }
}
