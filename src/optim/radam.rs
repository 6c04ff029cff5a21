use super::adam::Averages;
use super::{Adam, Optimizer, Step, power};
use crate::error::Result;
use crate::scalar::Scalar;

/// RAdam: [`Adam`] that in its first steps, while the average of squares rests on too few of them, does not divide by it.
///
/// Formula: with g + λθ for g, Adam's m, v and m̂; with ρ∞ = 2/(1 − β₂) − 1 and ρₜ = ρ∞ − 2t·β₂ᵗ/(1 − β₂ᵗ), while ρₜ ≤ 5,
/// θ ← θ − η·m̂; then θ ← θ − η·r·m̂·√(1 − β₂ᵗ)/(√v + ε) with
/// r = √((ρₜ − 4)(ρₜ − 2)ρ∞/((ρ∞ − 4)(ρ∞ − 2)ρₜ)). With `decoupled`, θ besides loses ηλθ, and g is the gradient alone.
///
/// Numerics: what depends on t alone is computed in `f64` and rounded once.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `learning_rate` η | 0.001 | above 0, finite |
/// | `betas` β₁, β₂ | 0.9, 0.999 | at least 0, below 1 |
/// | `epsilon` ε | 10⁻⁸ | above 0, finite |
/// | `weight_decay` λ | 0 | at least 0, finite |
/// | `decoupled` | off | |
///
/// Errors: when training starts, for a setting out of range.
///
/// Source: Liu et al., *On the variance of the adaptive learning rate and beyond*, 2020. PyTorch: `RAdam`.
///
/// ```
/// use manabi::optim::{RAdam, Stepper};
///
/// let mut params = [1.0];
/// Stepper::new(RAdam::new(0.25)).step_slices(&mut params, &mut [2.0])?;
/// assert!((params[0] - 0.5_f64).abs() < 1e-15); // the first steps are gradient descent's
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias = "RectifiedAdam")]
pub struct RAdam {
    adam: Adam,
    decoupled: bool,
}

impl RAdam {
    /// RAdam with this learning rate.
    pub fn new(learning_rate: f64) -> Self {
        Self { adam: Adam::new(learning_rate), decoupled: false }
    }

    /// Sets the shares β₁ and β₂ that a step keeps of the averages of gradients and of squares.
    pub fn betas(self, beta1: f64, beta2: f64) -> Self {
        Self { adam: self.adam.betas(beta1, beta2), ..self }
    }

    /// Sets ε, which keeps the divisor from 0.
    pub fn epsilon(self, epsilon: f64) -> Self {
        Self { adam: self.adam.epsilon(epsilon), ..self }
    }

    /// Sets the weight decay λ.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { adam: self.adam.weight_decay(weight_decay), ..self }
    }

    /// Decouples the weight decay, as in [`AdamW`](crate::optim::AdamW).
    pub fn decoupled_weight_decay(self, decoupled: bool) -> Self {
        Self { decoupled, ..self }
    }

    /// r·√(1 − β₂ᵗ); `None` while ρₜ ≤ 5.
    fn rectification(&self, t: u64) -> Option<f64> {
        let beta = self.adam.betas.1;
        let (kept, limit) = (power(beta, t), 2.0 / (1.0 - beta) - 1.0);
        let rho = limit - 2.0 * t as f64 * kept / (1.0 - kept);
        let r = || (rho - 4.0) * (rho - 2.0) * limit / ((limit - 4.0) * (limit - 2.0) * rho);
        (rho > 5.0).then(|| (r() * (1.0 - kept)).sqrt())
    }
}

impl Default for RAdam {
    fn default() -> Self {
        Self::new(0.001)
    }
}

impl<A: Scalar> Optimizer<A> for RAdam {
    fn kind(&self) -> &str {
        "radam"
    }

    fn check(&self) -> Result<()> {
        Optimizer::<A>::check(&self.adam)
    }

    fn learning_rate(&self) -> f64 {
        self.adam.learning_rate
    }

    fn weight_decay(&self) -> f64 {
        self.adam.weight_decay
    }

    fn slots(&self) -> &'static [&'static str] {
        &["m", "v"]
    }

    #[inline(never)]
    fn update(&self, step: Step<'_, A>) {
        let (decay, step) = if self.decoupled { step.decoupled() } else { (A::zero(), step) };
        let (average, epsilon) = (Averages::new(self.adam.betas), A::of(self.adam.epsilon));
        let rate = step.learning_rate / (1.0 - power(self.adam.betas.0, step.number));
        match self.rectification(step.number) {
            None => {
                let rate = A::of(rate);
                step.each(
                    #[inline(always)]
                    |p, g, [m, v]| {
                        average.add(g, m, v);
                        *p = *p - decay * *p - rate * *m;
                    },
                );
            }
            Some(rectification) => {
                let rate = A::of(rate * rectification);
                step.each(
                    #[inline(always)]
                    |p, g, [m, v]| {
                        average.add(g, m, v);
                        *p = *p - decay * *p - rate * *m / (v.sqrt() + epsilon);
                    },
                );
            }
        }
    }
}
