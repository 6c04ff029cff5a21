mod columns;
mod planes;

use super::{Backward, Forward, Layer, TensorSpec};
use crate::error::{Error, Result};
use crate::init::Initializer;
use crate::scalar::Scalar;
use crate::settings::{Settings, check_positive, check_share};
use crate::shape::Shape;

/// Batch normalisation, which normalises every feature to mean 0 and variance 1 over the batch, and then scales and shifts it.
///
/// In a batch of vectors, a feature is a column. In a batch of images or other samples with two or three dimensions, a feature
/// is a whole channel (the first dimension).
///
/// Formula: Y = X̂·γ + β with X̂ = (X − μ)/√(v + ε), for each feature. In training, μ and v are the mean and the variance of the
/// n values of a feature in the batch, v = Σ(x − μ)²/n. Training also updates the running mean and variance:
/// running ← (1 − m)·running + m·batch, with Σ(x − μ)²/(n − 1) as the variance of the batch. In prediction, μ and v are the
/// running mean and variance.
///
/// Derivative: dβ = Σ dY, dγ = Σ dY·X̂, dX = γ/√(v + ε)·(dY − dβ/n − X̂·dγ/n), with sums over the n values of a feature.
///
/// Shapes: any; γ = `weight`, β = `bias`, and the buffers `running_mean` and `running_var` have one value per feature.
///
/// Numerics: the mean is computed first, then the deviations from it, all in `f64` even if X is `f32`. Sums have a fixed order,
/// the same for any number of threads. If squares of `f64` values overflow, the values are scaled first. μ and v are not stored,
/// but computed again for dX.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `epsilon` ε | is added to the variance and keeps the divisor above 0 | 10⁻⁵ | above 0, finite |
/// | `momentum` m | the weight of a batch in the running mean and variance | 0.1 | 0 to 1 |
/// | `affine` | whether the layer has γ and β, which start at 1 and 0 | true | true or false |
///
/// # Errors
/// Building a model returns [`Error::Layer`] if a setting is out of range. A training step returns it if the batch has a single
/// row, which has no variance. Setting buffers returns it if a variance is negative; loading a file returns
/// [`Error::Mismatch`] in this case.
///
/// Source: Ioffe and Szegedy, *Batch normalization: accelerating deep network training by reducing internal covariate shift*,
/// 2015; settings and names as in `torch.nn.BatchNorm1d` and `BatchNorm2d`.
///
/// # Examples
/// ```
/// use manabi::layer::{BatchNorm, Forward, LayerWorkspace};
/// use manabi::Layer;
/// use ndarray::array;
///
/// let norm = BatchNorm::new().affine(false).epsilon(1e-9);
/// let (x, mut y) = (array![[3.0], [7.0]], array![[0.0], [0.0]]);
/// let running = [5.0, 4.0]; // mean and variance
/// let mut ws = LayerWorkspace::new(&norm, 1, 2)?;
/// norm.forward(Forward::new(&mut ws, &[], &running, x.view(), y.view_mut())?);
/// assert!((y - array![[-1.0], [1.0]]).iter().all(|error: &f64| error.abs() < 1e-9));
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("BatchNorm1d", "BatchNorm2d", "BatchNormalization"))]
pub struct BatchNorm {
    epsilon: f64,
    momentum: f64,
    affine: bool,
}

impl BatchNorm {
    /// Creates batch normalisation with PyTorch's default settings.
    pub fn new() -> Self {
        Self { epsilon: 1e-5, momentum: 0.1, affine: true }
    }

    /// Sets ε, which is added to the variance.
    pub fn epsilon(self, epsilon: f64) -> Self {
        Self { epsilon, ..self }
    }

    /// Sets the weight of a batch in the running mean and variance.
    pub fn momentum(self, momentum: f64) -> Self {
        Self { momentum, ..self }
    }

    /// Sets whether parameters scale and shift the normalised values.
    pub fn affine(self, affine: bool) -> Self {
        Self { affine, ..self }
    }

    /// Returns a running value, updated with the value of a batch.
    #[inline(always)]
    fn follow<A: Scalar>(&self, running: A, batch: f64) -> A {
        A::of((1.0 - self.momentum) * running.widen() + self.momentum * batch)
    }
}

impl Default for BatchNorm {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns the number of features, and the number of values of each feature in a sample.
fn features(input: Shape) -> (usize, usize) {
    let features = input.dims()[0];
    (features, input.size() / features.max(1))
}

impl<A: Scalar> Layer<A> for BatchNorm {
    fn kind(&self) -> &str {
        "batch_norm"
    }

    fn output_shape(&self, input: Shape) -> Result<Shape> {
        // ε is added to the variance in `f64`, even in a model of `f32`.
        check_positive::<f64>("epsilon", self.epsilon)?;
        check_share("momentum", self.momentum).map(|()| input)
    }

    fn parameters(&self, input: Shape) -> Vec<TensorSpec> {
        let spec = |name, start| TensorSpec::new(name, &[features(input).0], Initializer::Constant(start));
        if self.affine { vec![spec("weight", 1.0), spec("bias", 0.0)] } else { Vec::new() }
    }

    fn buffers(&self, input: Shape) -> Vec<TensorSpec> {
        let spec = |name, start| TensorSpec::new(name, &[features(input).0], Initializer::Constant(start));
        vec![spec("running_mean", 0.0), spec("running_var", 1.0)]
    }

    fn check_buffers(&self, input: Shape, buffers: &[A]) -> Result<()> {
        let variances = &buffers[features(input).0..];
        match variances.iter().position(|&variance| variance < A::zero()) {
            Some(i) => {
                Err(Error::setting(format!("running_var[{i}]"), "a variance of at least 0", variances[i]))
            }
            None => Ok(()),
        }
    }

    fn row_wise(&self, training: bool) -> bool {
        !training
    }

    fn min_rows(&self) -> usize {
        2
    }

    fn settings(&self) -> Option<Settings> {
        let settings = Settings::new().with("epsilon", self.epsilon).with("momentum", self.momentum);
        Some(settings.with("affine", self.affine))
    }

    #[inline(never)]
    fn forward(&self, pass: Forward<'_, A>) {
        match features(pass.input) {
            (_, 1) => self.forward_columns(pass),
            (channels, _) => self.forward_planes(channels, pass),
        }
    }

    #[inline(never)]
    fn backward(&self, pass: Backward<'_, A>) {
        match features(pass.input) {
            (_, 1) => self.backward_columns(pass),
            (channels, _) => self.backward_planes(channels, pass),
        }
    }
}
