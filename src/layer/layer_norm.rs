use super::{Backward, Forward, Layer, Parameter, flat, flat_mut};
use crate::error::Result;
use crate::init::Initializer;
use crate::parallel::{PART, parts};
use crate::scalar::Scalar;
use crate::settings::{Settings, check_positive};
use crate::simd::dispatch;

/// The sums that run side by side.
const LANES: usize = 16;

/// Layer normalisation: every row with mean 0 and variance 1, then scaled and shifted. In training and prediction alike.
///
/// Formula: Y = X̂·γ + β with X̂ = (X − μ)/√(v + ε); μ and v are mean and variance of the row, v = Σ(x − μ)²/width.
///
/// Derivative: dβ = Σ dY and dγ = Σ dY·X̂ over the batch; with G = dY·γ, dX = (G − mean(G) − X̂·mean(G·X̂))/√(v + ε), the means
/// over the row.
///
/// Shapes: X, Y (batch, width); γ = `weight`, β = `bias` (width).
///
/// Numerics: the mean first, then the deviations from it, both in `f64` also where X is `f32`; sums in a fixed order, the same
/// for any instruction set and number of threads. μ and v are not kept but computed again for the gradients.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `epsilon` ε | 10⁻⁵ | above 0, finite |
/// | `affine` (whether there are γ and β, 1 and 0 to begin with) | true | |
///
/// Errors: when the model is built, for an ε out of range.
///
/// Source: Ba, Kiros and Hinton, *Layer normalization*, 2016; settings and names as in `torch.nn.LayerNorm`.
///
/// ```
/// use manabi::{Engine, Forward, Layer, LayerNorm};
/// use ndarray::array;
///
/// let norm = LayerNorm::new().affine(false).epsilon(1e-9);
/// let (x, mut y) = (array![[1.0, 3.0]], array![[0.0, 0.0]]);
/// norm.forward(Forward::new(&norm, &[], &[], x.view(), y.view_mut(), &mut Engine::new(1))?);
/// assert!((y - array![[-1.0, 1.0]]).iter().all(|error: &f64| error.abs() < 1e-9));
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerNorm {
    epsilon: f64,
    affine: bool,
}

impl LayerNorm {
    /// Layer normalisation with PyTorch's settings.
    pub fn new() -> Self {
        Self { epsilon: 1e-5, affine: true }
    }

    /// Sets what is added to the variance.
    pub fn epsilon(self, epsilon: f64) -> Self {
        Self { epsilon, ..self }
    }

    /// Sets whether the normalised numbers are scaled and shifted by parameters.
    pub fn affine(self, affine: bool) -> Self {
        Self { affine, ..self }
    }

    /// The mean of a row, and 1/√(v + ε).
    #[inline(always)]
    fn moments<A: Scalar>(&self, x: &[A]) -> (f64, f64) {
        let mean = mean([x], |[x]| x);
        let variance = self::mean([x], |[x]| (x - mean) * (x - mean));
        (mean, 1.0 / (variance + self.epsilon).sqrt())
    }
}

impl Default for LayerNorm {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: Scalar> Layer<A> for LayerNorm {
    fn kind(&self) -> &str {
        "layer_norm"
    }

    fn output_dim(&self, input_dim: usize) -> Result<usize> {
        // Added to the variance in `f64`, whatever the model's numbers are.
        check_positive::<f64>("epsilon", self.epsilon).map(|()| input_dim)
    }

    fn parameters(&self, input_dim: usize) -> Vec<Parameter> {
        let parameter = |name, start| Parameter::new(name, &[input_dim], Initializer::Constant(start));
        if self.affine { vec![parameter("weight", 1.0), parameter("bias", 0.0)] } else { Vec::new() }
    }

    fn by_row(&self, _training: bool) -> bool {
        true
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new().with("epsilon", self.epsilon).with("affine", self.affine))
    }

    #[inline(never)]
    fn forward(&self, mut pass: Forward<'_, A>) {
        let (weight, bias) = pass.params.split_at(pass.params.len() / 2);
        let (width, x) = (pass.x.ncols(), flat(&pass.x));
        parts(pass.engine.threads(), flat_mut(&mut pass.y), width, PART, &|start, y| {
            let x = &x[start..][..y.len()];
            dispatch(
                #[inline(always)]
                || {
                    for (y, x) in y.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
                        let (mean, scale) = self.moments(x);
                        for (y, &x) in y.iter_mut().zip(x) {
                            *y = A::of((x.widen() - mean) * scale);
                        }
                        for ((y, &weight), &bias) in y.iter_mut().zip(weight).zip(bias) {
                            *y = *y * weight + bias;
                        }
                    }
                },
            );
        });
    }

    #[inline(never)]
    fn backward(&self, mut pass: Backward<'_, A>) {
        let (width, x, dy) = (pass.x.ncols(), flat(&pass.x), flat(&pass.dy));
        let weight = &pass.params[..pass.params.len() / 2];
        if let Some(grad) = pass.grad.filter(|grad| !grad.is_empty()) {
            dispatch(
                #[inline(always)]
                || self.add_up(x, dy, grad),
            );
        }
        let Some(dx) = &mut pass.dx else { return };
        parts(pass.engine.threads(), flat_mut(dx), width, PART, &|start, dx| {
            let (x, dy) = (&x[start..][..dx.len()], &dy[start..][..dx.len()]);
            dispatch(
                #[inline(always)]
                || {
                    let rows = x.chunks_exact(width).zip(dy.chunks_exact(width));
                    for (dx, (x, dy)) in dx.chunks_exact_mut(width).zip(rows) {
                        self.back(x, dy, weight, dx);
                    }
                },
            );
        });
    }
}

impl LayerNorm {
    /// dγ and dβ.
    #[inline(always)]
    fn add_up<A: Scalar>(&self, x: &[A], dy: &[A], grad: &mut [A]) {
        grad.fill(A::zero());
        let width = grad.len() / 2;
        let (d_weight, d_bias) = grad.split_at_mut(width);
        for (x, dy) in x.chunks_exact(width).zip(dy.chunks_exact(width)) {
            let (mean, scale) = self.moments(x);
            for (((d_weight, d_bias), &x), &dy) in d_weight.iter_mut().zip(&mut *d_bias).zip(x).zip(dy) {
                *d_weight += dy * A::of((x.widen() - mean) * scale);
                *d_bias += dy;
            }
        }
    }

    /// A row of dX.
    #[inline(always)]
    fn back<A: Scalar>(&self, x: &[A], dy: &[A], weight: &[A], dx: &mut [A]) {
        // G lies in dX until it is used up.
        dx.copy_from_slice(dy);
        for (g, &weight) in dx.iter_mut().zip(weight) {
            *g *= weight;
        }
        let (center, scale) = self.moments(x);
        let shift = mean([&*dx], |[g]| g);
        let slope = mean([&*dx, x], |[g, x]| g * (x - center)) * scale * scale;
        for (g, &x) in dx.iter_mut().zip(x) {
            *g = A::of(scale * (g.widen() - shift - (x.widen() - center) * slope));
        }
    }
}

/// The mean of a term over some rows of the same width, side by side.
#[inline(always)]
fn mean<A: Scalar, const N: usize>(rows: [&[A]; N], term: impl Fn([f64; N]) -> f64) -> f64 {
    let parts = rows.map(|row| row.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for k in 0..parts[0].0.len() {
        let chunks = parts.map(|(chunks, _)| &chunks[k]);
        for i in 0..LANES {
            sums[i] += term(chunks.map(|chunk| chunk[i].widen()));
        }
    }
    let rest = parts.map(|(_, rest)| rest);
    let rest: f64 = (0..rest[0].len()).map(|i| term(rest.map(|rest| rest[i].widen()))).sum();
    sums.into_iter().fold(rest, |total, sum| total + sum) / rows[0].len() as f64
}
