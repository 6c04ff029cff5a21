use std::ops::Range;

use ndarray::ArrayViewMut2;

use super::columns::{Block, COLUMNS, columns};
use super::{Backward, Forward, Layer, Parameter, flat};
use crate::error::{Error, Result};
use crate::init::Initializer;
use crate::parallel::PART;
use crate::scalar::Scalar;
use crate::settings::{Settings, check_positive};
use crate::simd::dispatch;

/// Batch normalisation: every column with mean 0 and variance 1, then scaled and shifted.
///
/// Formula: Y = X̂·γ + β with X̂ = (X − μ)/√(v + ε), column by column. In training, μ and v are mean and variance of the batch
/// (v = Σ(x − μ)²/n), and the running ones follow: running ← (1 − m)·running + m·batch, the variance there as Σ(x − μ)²/(n − 1).
/// In prediction, μ and v are the running ones.
///
/// Derivative: dβ = Σ dY, dγ = Σ dY·X̂, dX = γ/√(v + ε)·(dY − dβ/n − X̂·dγ/n), the sums over the batch.
///
/// Shapes: X, Y (batch, width); γ = `weight`, β = `bias`, and the buffers `running_mean` and `running_var` (width).
///
/// Numerics: the mean first, then the deviations from it, all in `f64` also where X is `f32`; sums from the first row to the
/// last, the same for any number of threads. μ and v are not kept but computed again for dX.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `epsilon` ε | 10⁻⁵ | above 0, finite |
/// | `momentum` m | 0.1 | 0 to 1 |
/// | `affine` (whether there are γ and β, 1 and 0 to begin with) | true | |
///
/// Errors: when the model is built, for a setting out of range; when a model trains, for a batch of a single row,
/// which has no variance.
///
/// Source: Ioffe and Szegedy, *Batch normalization: accelerating deep network training by reducing internal covariate shift*,
/// 2015; settings and names as in `torch.nn.BatchNorm1d`.
///
/// ```
/// use manabi::{BatchNorm, Engine, Forward, Layer};
/// use ndarray::array;
///
/// let norm = BatchNorm::new().affine(false).epsilon(1e-9);
/// let (x, mut y) = (array![[3.0], [7.0]], array![[0.0], [0.0]]);
/// let running = [5.0, 4.0]; // mean and variance
/// norm.forward(Forward::new(&norm, &[], &running, x.view(), y.view_mut(), &mut Engine::new(1))?);
/// assert!((y - array![[-1.0], [1.0]]).iter().all(|error: &f64| error.abs() < 1e-9));
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchNorm {
    epsilon: f64,
    momentum: f64,
    affine: bool,
}

impl BatchNorm {
    /// Batch normalisation with PyTorch's settings.
    pub fn new() -> Self {
        Self { epsilon: 1e-5, momentum: 0.1, affine: true }
    }

    /// Sets what is added to the variance.
    pub fn epsilon(self, epsilon: f64) -> Self {
        Self { epsilon, ..self }
    }

    /// Sets how much a batch counts in the running mean and variance.
    pub fn momentum(self, momentum: f64) -> Self {
        Self { momentum, ..self }
    }

    /// Sets whether the normalised numbers are scaled and shifted by parameters.
    pub fn affine(self, affine: bool) -> Self {
        Self { affine, ..self }
    }

    /// The running numbers behind a batch.
    #[inline(always)]
    fn follow<A: Scalar>(&self, running: &mut [A], batch: &Block, factor: f64) {
        for (running, &batch) in running.iter_mut().zip(batch) {
            *running = A::of((1.0 - self.momentum) * running.widen() + self.momentum * (factor * batch));
        }
    }

    /// 1/√(v + ε).
    #[inline(always)]
    fn scale(&self, mut variance: Block) -> Block {
        for v in &mut variance {
            *v = 1.0 / (*v + self.epsilon).sqrt();
        }
        variance
    }
}

impl Default for BatchNorm {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: Scalar> Layer<A> for BatchNorm {
    fn kind(&self) -> &str {
        "batch_norm"
    }

    fn output_dim(&self, input_dim: usize) -> Result<usize> {
        // Added to the variance in `f64`, whatever the model's numbers are.
        check_positive::<f64>("epsilon", self.epsilon)?;
        match (0.0..=1.0).contains(&self.momentum) {
            true => Ok(input_dim),
            false => Err(Error::setting("momentum", "0 to 1", self.momentum)),
        }
    }

    fn parameters(&self, input_dim: usize) -> Vec<Parameter> {
        let parameter = |name, start| Parameter::new(name, &[input_dim], Initializer::Constant(start));
        if self.affine { vec![parameter("weight", 1.0), parameter("bias", 0.0)] } else { Vec::new() }
    }

    fn buffers(&self, input_dim: usize) -> Vec<Parameter> {
        let buffer = |name, start| Parameter::new(name, &[input_dim], Initializer::Constant(start));
        vec![buffer("running_mean", 0.0), buffer("running_var", 1.0)]
    }

    fn by_row(&self, training: bool) -> bool {
        !training
    }

    fn least_rows(&self) -> usize {
        2
    }

    fn settings(&self) -> Option<Settings> {
        let settings = Settings::new().with("epsilon", self.epsilon).with("momentum", self.momentum);
        Some(settings.with("affine", self.affine))
    }

    #[inline(never)]
    fn forward(&self, pass: Forward<'_, A>) {
        let Forward { params, buffers, x, y, training, engine } = pass;
        let ((rows, width), x) = (x.dim(), flat(&x));
        let threads = engine.threads().min(x.len() / PART);
        let (weight, bias) = params.split_at(params.len() / 2);
        let (mean, variance) = buffers.split_at(width);
        let is_training = training.is_some();
        let next = training.map_or([&mut [][..], &mut []], |training| {
            let (mean, variance) = training.buffers.split_at_mut(width);
            [mean, variance]
        });
        columns(threads, 0..width, Some(y), next, &|block, mut y, mut next| {
            dispatch(
                #[inline(always)]
                || {
                    let (mean, variance) = match is_training {
                        true => moments(x, width, block.clone()),
                        false => (load(mean, &block, 0.0), load(variance, &block, 1.0)),
                    };
                    let [next_mean, next_variance] = &mut next;
                    self.follow(next_mean, &mean, 1.0);
                    self.follow(next_variance, &variance, rows as f64 / (rows.max(2) - 1) as f64);
                    let (scale, weight) = (self.scale(variance), load(weight, &block, 1.0));
                    let bias = load(bias, &block, 0.0);
                    for (y, x) in rows_of(&mut y).zip(x.chunks_exact(width)) {
                        let x = &x[block.clone()];
                        for (((((y, &x), &mean), &scale), &weight), &bias) in
                            y.iter_mut().zip(x).zip(&mean).zip(&scale).zip(&weight).zip(&bias)
                        {
                            *y = A::of((x.widen() - mean) * scale * weight + bias);
                        }
                    }
                },
            );
        });
    }

    #[inline(never)]
    fn backward(&self, pass: Backward<'_, A>) {
        let Backward { params, x, dy, dx, grad, engine, .. } = pass;
        let ((rows, width), x, dy) = (x.dim(), flat(&x), flat(&dy));
        let threads = engine.threads().min(x.len() / PART);
        let weight = &params[..params.len() / 2];
        let grad = grad.unwrap_or_default();
        let (d_weight, d_bias) = grad.split_at_mut(grad.len() / 2);
        columns(threads, 0..width, dx, [d_weight, d_bias], &|block, mut dx, mut grad| {
            dispatch(
                #[inline(always)]
                || {
                    let (mean, variance) = moments(x, width, block.clone());
                    let scale = self.scale(variance);
                    let (mut d_weight, mut d_bias) = ([0.0; COLUMNS], [0.0; COLUMNS]);
                    for (x, dy) in x.chunks_exact(width).zip(dy.chunks_exact(width)) {
                        let (x, dy) = (&x[block.clone()], &dy[block.clone()]);
                        for (((((d_weight, d_bias), &x), &dy), &mean), &scale) in
                            d_weight.iter_mut().zip(&mut d_bias).zip(x).zip(dy).zip(&mean).zip(&scale)
                        {
                            *d_weight += dy.widen() * ((x.widen() - mean) * scale);
                            *d_bias += dy.widen();
                        }
                    }
                    let [to_weight, to_bias] = &mut grad;
                    store(to_weight, &d_weight);
                    store(to_bias, &d_bias);
                    let mut factor = load(weight, &block, 1.0);
                    for i in 0..COLUMNS {
                        factor[i] *= scale[i];
                        // From here on they are dγ/n, with 1/√(v + ε) of X̂ in it, and dβ/n.
                        d_weight[i] *= scale[i] / rows as f64;
                        d_bias[i] /= rows as f64;
                    }
                    for (dx, (x, dy)) in
                        rows_of(&mut dx).zip(x.chunks_exact(width).zip(dy.chunks_exact(width)))
                    {
                        let (x, dy) = (&x[block.clone()], &dy[block.clone()]);
                        for ((((((dx, &x), &dy), &mean), &factor), &d_weight), &d_bias) in
                            dx.iter_mut().zip(x).zip(dy).zip(&mean).zip(&factor).zip(&d_weight).zip(&d_bias)
                        {
                            *dx = A::of(factor * (dy.widen() - d_bias - (x.widen() - mean) * d_weight));
                        }
                    }
                },
            );
        });
    }
}

/// Mean and variance of some columns of a matrix of this width.
#[inline(always)]
fn moments<A: Scalar>(x: &[A], width: usize, block: Range<usize>) -> (Block, Block) {
    let rows = (x.len() / width) as f64;
    let (mut mean, mut variance) = ([0.0; COLUMNS], [0.0; COLUMNS]);
    for x in x.chunks_exact(width) {
        for (sum, &x) in mean.iter_mut().zip(&x[block.clone()]) {
            *sum += x.widen();
        }
    }
    for mean in &mut mean {
        *mean /= rows;
    }
    for x in x.chunks_exact(width) {
        for ((sum, &mean), &x) in variance.iter_mut().zip(&mean).zip(&x[block.clone()]) {
            let deviation = x.widen() - mean;
            *sum += deviation * deviation;
        }
    }
    for variance in &mut variance {
        *variance /= rows;
    }
    (mean, variance)
}

/// A block of a slice, or of this number where there is no slice.
#[inline(always)]
fn load<A: Scalar>(from: &[A], block: &Range<usize>, or: f64) -> Block {
    let mut numbers = [or; COLUMNS];
    for (number, from) in numbers.iter_mut().zip(from.get(block.clone()).unwrap_or_default()) {
        *number = from.widen();
    }
    numbers
}

/// Writes a block where there is a place for it.
#[inline(always)]
fn store<A: Scalar>(to: &mut [A], numbers: &Block) {
    for (to, &number) in to.iter_mut().zip(numbers) {
        *to = A::of(number);
    }
}

/// The rows of some columns, where there are any.
#[inline(always)]
fn rows_of<'a, A>(columns: &'a mut Option<ArrayViewMut2<'_, A>>) -> impl Iterator<Item = &'a mut [A]> {
    let rows = columns.iter_mut().flat_map(|columns| columns.rows_mut());
    rows.map(|row| row.into_slice().expect("a row lies in one piece"))
}
