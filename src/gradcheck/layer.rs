use ndarray::{Array2, ArrayView2};

use super::Report;
use super::difference::Slope;
use crate::error::{Error, Result, check_finite};
use crate::layer::{Backward, Declared, Forward, Layer, LayerWorkspace, Training};
use crate::random::{Noise, Random, RandomState};
use crate::shape::Shape;

/// Checks the gradients of a layer by its parameters and by its input `x`.
///
/// The parameters are near what the layer's initializers say, moved a little, so that no factor of 1 or 0 hides. The
/// function that is differentiated is a random weighting of the outputs in training; its gradient by them is the weights.
///
/// Errors: no sample or fewer than the layer trains on, a number that is not finite, an input of a width that the layer does
/// not take.
///
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

/// Checks the gradients of a layer for samples of this shape, a row of `x` each: [`layer`] for images.
///
/// # Errors
/// Those of [`layer`].
///
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
        return Err(Error::shape("x", format!("(1 or more, {})", input.size().max(1)), x.shape()));
    }
    if x.nrows() < layer.min_rows() {
        return Err(Error::shape("x", format!("({} or more, any)", layer.min_rows()), x.shape()));
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

    /// The sum of the terms' sizes.
    fn size(&self) -> f64 {
        (self.output(&self.params, &self.x) * &self.weights).mapv(f64::abs).sum()
    }

    /// Makes a workspace in which everything is NaN, so that what a layer reads without having written it shows.
    fn workspace(&self) -> LayerWorkspace<f64> {
        let ws = LayerWorkspace::new(self.layer, self.input, self.x.nrows());
        let mut ws = ws.expect("the layer was described before");
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

    /// The analytic gradients by the parameters and by the input, each where it is wanted.
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
