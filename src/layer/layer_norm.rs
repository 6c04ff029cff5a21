use super::{Backward, Forward, Layer, TensorSpec, flat, flat_mut};
use crate::error::Result;
use crate::init::Initializer;
use crate::lanes::{Lanes, SHRINK, may_overflow};
use crate::parallel::parts;
use crate::scalar::Scalar;
use crate::settings::{Settings, check_positive};
use crate::shape::Shape;
use crate::simd::dispatch;

/// Layer normalisation, which normalises every sample to mean 0 and variance 1, and then scales and shifts it.
///
/// Training and prediction compute the same function.
///
/// Formula: Y = X̂·γ + β with X̂ = (X − μ)/√(v + ε), where μ and v are the mean and the variance of the n values of a sample,
/// v = Σ(x − μ)²/n.
///
/// Derivative: dβ = Σ dY and dγ = Σ dY·X̂, summed over the batch; dX = (G − mean(G) − X̂·mean(G·X̂))/√(v + ε) with G = dY·γ and
/// means over the sample.
///
/// Shapes: any; γ = `weight` and β = `bias` have the shape of a sample. An image is normalised as a whole.
///
/// Numerics: the mean is computed first, then the deviations from it, both in `f64` even if X is `f32`. Sums have a fixed order,
/// the same for every instruction set and any number of threads. If squares of `f64` values overflow, the values are scaled
/// first. μ and v are not stored, but computed again for the gradients.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `epsilon` ε | is added to the variance and keeps the divisor above 0 | 10⁻⁵ | above 0, finite |
/// | `affine` | whether the layer has γ and β, which start at 1 and 0 | true | true or false |
///
/// # Errors
/// Building a model returns [`Error::Layer`](crate::Error::Layer) if ε is out of range.
///
/// Source: Ba, Kiros and Hinton, *Layer normalization*, 2016; settings and names as in `torch.nn.LayerNorm`.
///
/// # Examples
/// ```
/// use manabi::layer::{Forward, LayerNorm, LayerWorkspace};
/// use manabi::Layer;
/// use ndarray::array;
///
/// let norm = LayerNorm::new().affine(false).epsilon(1e-9);
/// let (x, mut y) = (array![[1.0, 3.0]], array![[0.0, 0.0]]);
/// let mut ws = LayerWorkspace::new(&norm, 2, 1)?;
/// norm.forward(Forward::new(&mut ws, &[], &[], x.view(), y.view_mut())?);
/// assert!((y - array![[-1.0, 1.0]]).iter().all(|error: &f64| error.abs() < 1e-9));
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias = "LayerNormalization")]
pub struct LayerNorm {
    epsilon: f64,
    affine: bool,
}

impl LayerNorm {
    /// Creates layer normalisation with PyTorch's default settings.
    pub fn new() -> Self {
        Self { epsilon: 1e-5, affine: true }
    }

    /// Sets ε, which is added to the variance.
    pub fn epsilon(self, epsilon: f64) -> Self {
        Self { epsilon, ..self }
    }

    /// Sets whether parameters scale and shift the normalised values.
    pub fn affine(self, affine: bool) -> Self {
        Self { affine, ..self }
    }

    #[inline(always)]
    fn moments<A: Scalar>(&self, x: &[A]) -> Moments {
        let shrunk = |shrink: f64| {
            let mean = mean([x], |[x]| shrink * x);
            (mean, self::mean([x], |[x]| (shrink * x - mean) * (shrink * x - mean)))
        };
        let (mut shrink, (mut mean, mut variance)) = (1.0, shrunk(1.0));
        if may_overflow::<A>() && !variance.is_finite() {
            (shrink, (mean, variance)) = (SHRINK, shrunk(SHRINK));
        }
        Moments { shrink, mean, scale: 1.0 / (variance + self.epsilon * (shrink * shrink)).sqrt() }
    }
}

/// The normalisation of a sample: x̂ = (x·shrink − mean)·scale.
#[derive(Clone, Copy)]
struct Moments {
    shrink: f64,
    mean: f64,
    scale: f64,
}

impl Moments {
    /// Returns x·shrink − mean.
    #[inline(always)]
    fn deviation<A: Scalar>(self, x: A) -> f64 {
        if may_overflow::<A>() { x.widen() * self.shrink - self.mean } else { x.widen() - self.mean }
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

    fn output_shape(&self, input: Shape) -> Result<Shape> {
        // ε is added to the variance in `f64`, even in a model of `f32`.
        check_positive::<f64>("epsilon", self.epsilon).map(|()| input)
    }

    fn parameters(&self, input: Shape) -> Vec<TensorSpec> {
        let spec = |name, start| TensorSpec::new(name, input.dims(), Initializer::Constant(start));
        if self.affine { vec![spec("weight", 1.0), spec("bias", 0.0)] } else { Vec::new() }
    }

    fn row_wise(&self, _training: bool) -> bool {
        true
    }

    fn settings(&self) -> Option<Settings> {
        Some(Settings::new().with("epsilon", self.epsilon).with("affine", self.affine))
    }

    #[inline(never)]
    fn forward(&self, mut pass: Forward<'_, A>) {
        let (weight, bias) = pass.params.split_at(pass.params.len() / 2);
        let (width, x) = (pass.x.ncols(), flat(&pass.x));
        parts(pass.engine.thread_count(), flat_mut(&mut pass.y), width, &|start, y| {
            let x = &x[start..][..y.len()];
            dispatch(
                #[inline(always)]
                || {
                    for (y, x) in y.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
                        let moments = self.moments(x);
                        for (y, &x) in y.iter_mut().zip(x) {
                            *y = A::of(moments.deviation(x) * moments.scale);
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
        parts(pass.engine.thread_count(), flat_mut(dx), width, &|start, dx| {
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
    /// Writes dγ and dβ to `grad`.
    #[inline(always)]
    fn add_up<A: Scalar>(&self, x: &[A], dy: &[A], grad: &mut [A]) {
        grad.fill(A::zero());
        let width = grad.len() / 2;
        let (d_weight, d_bias) = grad.split_at_mut(width);
        for (x, dy) in x.chunks_exact(width).zip(dy.chunks_exact(width)) {
            let moments = self.moments(x);
            for (((d_weight, d_bias), &x), &dy) in d_weight.iter_mut().zip(&mut *d_bias).zip(x).zip(dy) {
                *d_weight += dy * A::of(moments.deviation(x) * moments.scale);
                *d_bias += dy;
            }
        }
    }

    /// Writes a row of dX.
    #[inline(always)]
    fn back<A: Scalar>(&self, x: &[A], dy: &[A], weight: &[A], dx: &mut [A]) {
        // `dx` contains G until the last loop overwrites it.
        dx.copy_from_slice(dy);
        for (g, &weight) in dx.iter_mut().zip(weight) {
            *g *= weight;
        }
        let moments = self.moments(x);
        let Moments { shrink, mean: center, scale } = moments;
        let shift = mean([&*dx], |[g]| g);
        let slope = mean([&*dx, x], |[g, x]| g * (shrink * x - center)) * scale * scale;
        for (g, &x) in dx.iter_mut().zip(x) {
            *g = A::of(shrink * scale * (g.widen() - shift - moments.deviation(x) * slope));
        }
    }
}

/// Returns the mean of a term over rows of the same width.
#[inline(always)]
fn mean<A: Scalar, const N: usize>(rows: [&[A]; N], term: impl Fn([f64; N]) -> f64) -> f64 {
    let mut lanes = Lanes::new();
    lanes.add(rows, |values| term(values.map(A::widen)));
    lanes.total() / rows[0].len() as f64
}
