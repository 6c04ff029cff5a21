mod columns;
mod planes;

use super::{Backward, Forward, Layer, TensorSpec};
use crate::error::{Error, Result};
use crate::init::Initializer;
use crate::scalar::Scalar;
use crate::settings::{Settings, check_positive, check_share};
use crate::shape::Shape;

/// Batch normalisation: every feature gets mean 0 and variance 1 over the batch, and is then scaled and shifted.
///
/// A feature is a column of a batch of vectors. Of images and other samples of two or three dimensions, a feature is a whole
/// channel, the first dimension.
///
/// Formula: Y = X̂·γ + β with X̂ = (X − μ)/√(v + ε), feature by feature. In training, μ and v are mean and variance of the n
/// values of a feature in the batch (v = Σ(x − μ)²/n), and the running ones follow: running ← (1 − m)·running + m·batch, the
/// variance there as Σ(x − μ)²/(n − 1). In prediction, μ and v are the running ones.
///
/// Derivative: dβ = Σ dY, dγ = Σ dY·X̂, dX = γ/√(v + ε)·(dY − dβ/n − X̂·dγ/n), the sums over the n values.
///
/// Shapes: any; γ = `weight`, β = `bias`, and the buffers `running_mean` and `running_var` have a value for each feature.
///
/// Numerics: the mean first, then the deviations from it, all in `f64` also where X is `f32`; sums in a fixed order, the same
/// for any number of threads. Where squares of `f64` values overflow, the values are scaled before. μ and v are not kept but
/// computed again for dX.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `epsilon` ε | keeps the divisor from 0 | 10⁻⁵ | above 0, finite |
/// | `momentum` m | how much a batch counts in the running statistics | 0.1 | 0 to 1 |
/// | `affine` | whether there are γ and β, at first 1 and 0 | true | |
///
/// # Errors
/// When the model is built: a setting out of range. When it trains: a batch of a single row, which has no variance. When
/// buffers are set or loaded: a negative variance.
///
/// Source: Ioffe and Szegedy, *Batch normalization: accelerating deep network training by reducing internal covariate shift*,
/// 2015; settings and names as in `torch.nn.BatchNorm1d` and `BatchNorm2d`.
///
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
    /// Creates batch normalisation with PyTorch's settings.
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

    /// Sets whether the normalised values are scaled and shifted by parameters.
    pub fn affine(self, affine: bool) -> Self {
        Self { affine, ..self }
    }

    /// Returns a running value after a batch.
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

/// Returns the number of features, and of the values that each has in a sample.
fn features(input: Shape) -> (usize, usize) {
    let features = input.dims()[0];
    (features, input.size() / features.max(1))
}

impl<A: Scalar> Layer<A> for BatchNorm {
    fn kind(&self) -> &str {
        "batch_norm"
    }

    fn output_shape(&self, input: Shape) -> Result<Shape> {
        // Added to the variance in `f64`, whatever the model's precision is.
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
