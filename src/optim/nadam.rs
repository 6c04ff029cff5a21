use super::adam::Averages;
use super::{Adam, Optimizer, Step, power};
use crate::error::Result;
use crate::scalar::Real;
use crate::scalar::Scalar;
use crate::settings::check_at_least_0;

/// NAdam: [`Adam`] that looks one step ahead, like [`Nesterov`](crate::optim::Nesterov).
///
/// Formula: g ← g + λθ; m, v and v̂ as in [`Adam`]; μₜ = β₁·(1 − ½·0.96^(t·ψ)) and Πₜ = μ₁·…·μₜ;
/// θ ← θ − η·((1 − μₜ)/(1 − Πₜ)·g + μₜ₊₁/(1 − Πₜ₊₁)·m)/(√v̂ + ε). With decoupled weight decay, g does not include λθ, and θ
/// also loses ηλθ.
///
/// Numerics: factors that depend only on t are computed in `f64` and rounded once.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `learning_rate` η | step size | 0.002 | above 0, finite |
/// | `betas` β₁, β₂ | shares of the averages of gradients and of squares that each step keeps | 0.9, 0.999 | at least 0, below 1 |
/// | `epsilon` ε | keeps the divisor above 0 | 10⁻⁸ | above 0, finite |
/// | `momentum_decay` ψ | speed at which μ increases from β₁/2 to β₁ | 0.004 | at least 0, finite |
/// | `weight_decay` λ | weight decay, added to the gradient | 0 | at least 0, finite |
/// | `decoupled_weight_decay` | separates weight decay from the gradient | off | |
///
/// # Errors
///
/// Training fails with [`Error::Setting`](crate::Error::Setting) before the first step if a setting is out of range.
///
/// # Source
///
/// Dozat, *Incorporating Nesterov momentum into Adam*, 2016. PyTorch: `NAdam`.
///
/// # Examples
///
/// ```
/// use manabi::optim::{NAdam, Stepper};
///
/// let mut params = [1.0];
/// Stepper::new(NAdam::new(0.25).betas(0.0, 0.9)).step_slices(&mut params, &mut [4.0])?;
/// assert!((params[0] - 0.75_f64).abs() < 1e-8); // with β₁ = 0, this is Adam's step
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias = "Nadam")]
pub struct NAdam {
    adam: Adam,
    momentum_decay: f64,
    decoupled: bool,
}

impl NAdam {
    /// Creates the optimizer with the given learning rate.
    pub fn new(learning_rate: f64) -> Self {
        Self { adam: Adam::new(learning_rate), momentum_decay: 0.004, decoupled: false }
    }

    /// Sets β₁ and β₂, the shares of the averages of gradients and of squares that each step keeps.
    pub fn betas(self, beta1: f64, beta2: f64) -> Self {
        Self { adam: self.adam.betas(beta1, beta2), ..self }
    }

    /// Sets ε, which keeps the divisor above 0.
    pub fn epsilon(self, epsilon: f64) -> Self {
        Self { adam: self.adam.epsilon(epsilon), ..self }
    }

    /// Sets ψ, the speed at which μ increases from β₁/2 to β₁.
    pub fn momentum_decay(self, momentum_decay: f64) -> Self {
        Self { momentum_decay, ..self }
    }

    /// Sets the weight decay λ.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { adam: self.adam.weight_decay(weight_decay), ..self }
    }

    /// Sets whether weight decay is decoupled, as in [`AdamW`](crate::optim::AdamW).
    pub fn decoupled_weight_decay(self, decoupled: bool) -> Self {
        Self { decoupled, ..self }
    }

    /// Returns μₜ.
    fn mu(&self, t: f64) -> f64 {
        let shift = Real::exp(t * self.momentum_decay * Real::ln(0.96_f64));
        self.adam.betas.0 * (1.0 - 0.5 * shift)
    }
}

impl Default for NAdam {
    fn default() -> Self {
        Self::new(0.002)
    }
}

impl<A: Scalar> Optimizer<A> for NAdam {
    fn kind(&self) -> &str {
        "nadam"
    }

    fn check(&self) -> Result<()> {
        check_at_least_0::<f64>("momentum_decay", self.momentum_decay)?;
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

    fn scalars(&self) -> &'static [(&'static str, f64)] {
        &[("mu_product", 1.0)]
    }

    fn advance(&self, number: u64, scalars: &mut [f64]) {
        scalars[0] *= self.mu(number as f64);
    }

    #[inline(never)]
    fn update(&self, step: Step<'_, A>) {
        let (decay, step) = if self.decoupled { step.decoupled() } else { (A::zero(), step) };
        let (t, product, average) = (step.number, step.scalars[0], Averages::new(self.adam.betas));
        let (mu, next) = (self.mu(t as f64), self.mu(t as f64 + 1.0));
        let [now, ahead, scale, epsilon] = [
            step.learning_rate * (1.0 - mu) / (1.0 - product),
            step.learning_rate * next / (1.0 - product * next),
            1.0 / (1.0 - power(self.adam.betas.1, t)).sqrt(),
            self.adam.epsilon,
        ]
        .map(A::of);
        step.each(
            #[inline(always)]
            |p, g, [m, v]| {
                average.add(g, m, v);
                *p = *p - decay * *p - (now * g + ahead * *m) / (v.sqrt() * scale + epsilon);
            },
        );
    }
}
