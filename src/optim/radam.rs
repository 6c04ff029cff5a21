use super::adam::Averages;
use super::{Adam, Optimizer, Step, power};
use crate::error::Result;
use crate::scalar::Scalar;

/// RAdam: [`Adam`] without the division by the average of squares in the first steps, when this average covers too few steps.
///
/// Formula: g ← g + λθ; m, v and m̂ as in [`Adam`]; ρ∞ = 2/(1 − β₂) − 1 and ρₜ = ρ∞ − 2t·β₂ᵗ/(1 − β₂ᵗ). While ρₜ ≤ 5,
/// θ ← θ − η·m̂; afterwards θ ← θ − η·r·m̂·√(1 − β₂ᵗ)/(√v + ε) with r = √((ρₜ − 4)(ρₜ − 2)ρ∞/((ρ∞ − 4)(ρ∞ − 2)ρₜ)). With
/// decoupled weight decay, g does not include λθ, and θ also loses ηλθ.
///
/// Numerics: factors that depend only on t are computed in `f64` and rounded once.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `learning_rate` η | step size | 0.001 | above 0, finite |
/// | `betas` β₁, β₂ | shares of the averages of gradients and of squares that each step keeps | 0.9, 0.999 | at least 0, below 1 |
/// | `epsilon` ε | keeps the divisor above 0 | 10⁻⁸ | above 0, finite |
/// | `weight_decay` λ | weight decay, added to the gradient | 0 | at least 0, finite |
/// | `decoupled_weight_decay` | separates weight decay from the gradient | off | |
///
/// # Errors
///
/// Training fails with [`Error::Setting`](crate::Error::Setting) before the first step if a setting is out of range.
///
/// # Source
///
/// Liu et al., *On the variance of the adaptive learning rate and beyond*, 2020. PyTorch: `RAdam`.
///
/// # Examples
///
/// ```
/// use manabi::optim::{RAdam, Stepper};
///
/// let mut params = [1.0];
/// Stepper::new(RAdam::new(0.25)).step_slices(&mut params, &mut [2.0])?;
/// assert!((params[0] - 0.5_f64).abs() < 1e-15); // the first step is plain gradient descent
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
    /// Creates the optimizer with the given learning rate.
    pub fn new(learning_rate: f64) -> Self {
        Self { adam: Adam::new(learning_rate), decoupled: false }
    }

    /// Sets β₁ and β₂, the shares of the averages of gradients and of squares that each step keeps.
    pub fn betas(self, beta1: f64, beta2: f64) -> Self {
        Self { adam: self.adam.betas(beta1, beta2), ..self }
    }

    /// Sets ε, which keeps the divisor above 0.
    pub fn epsilon(self, epsilon: f64) -> Self {
        Self { adam: self.adam.epsilon(epsilon), ..self }
    }

    /// Sets the weight decay λ.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { adam: self.adam.weight_decay(weight_decay), ..self }
    }

    /// Sets whether weight decay is decoupled, as in [`AdamW`](crate::optim::AdamW).
    pub fn decoupled_weight_decay(self, decoupled: bool) -> Self {
        Self { decoupled, ..self }
    }

    /// Returns r·√(1 − β₂ᵗ), or `None` if ρₜ ≤ 5.
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
