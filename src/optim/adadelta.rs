use super::{Optimizer, Step};
use crate::error::Result;
use crate::scalar::Scalar;
use crate::settings::{check_average, check_positive};

/// AdaDelta: [`RmsProp`](crate::optim::RmsProp) with the average size of its past steps in place of the learning rate.
///
/// Formula: g ← g + λθ; v ← ρ·v + (1 − ρ)·g²; δ = √(u + ε)/√(v + ε)·g; u ← ρ·u + (1 − ρ)·δ²; θ ← θ − η·δ.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `learning_rate` η | factor of the steps | 1 | above 0, finite |
/// | `rho` ρ | share of the averages that each step keeps | 0.9 | at least 0, below 1 |
/// | `epsilon` ε | keeps the divisor above 0 and sets the size of the first step | 10⁻⁶ | above 0, finite |
/// | `weight_decay` λ | weight decay, added to the gradient | 0 | at least 0, finite |
///
/// # Errors
///
/// Training fails with [`Error::Setting`](crate::Error::Setting) before the first step if a setting is out of range.
///
/// # Source
///
/// Zeiler, *ADADELTA: an adaptive learning rate method*, 2012. PyTorch: `Adadelta`.
///
/// # Examples
///
/// ```
/// use manabi::optim::{AdaDelta, Stepper};
///
/// let mut params = [1.0];
/// Stepper::new(AdaDelta::default()).step_slices(&mut params, &mut [4.0])?;
/// assert!((1.0 - params[0] - 1e-5_f64.sqrt()).abs() < 1e-8); // √(ε/(1 − ρ))
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias = "Adadelta")]
pub struct AdaDelta {
    learning_rate: f64,
    rho: f64,
    epsilon: f64,
    weight_decay: f64,
}

impl AdaDelta {
    /// Creates the optimizer with the given learning rate, which scales the steps that the rule computes.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, rho: 0.9, epsilon: 1e-6, weight_decay: 0.0 }
    }

    /// Sets ρ, the share of the averages that each step keeps.
    pub fn rho(self, rho: f64) -> Self {
        Self { rho, ..self }
    }

    /// Sets ε, which keeps the divisor above 0 and sets the size of the first step.
    pub fn epsilon(self, epsilon: f64) -> Self {
        Self { epsilon, ..self }
    }

    /// Sets the weight decay λ.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }
}

impl Default for AdaDelta {
    fn default() -> Self {
        Self::new(1.0)
    }
}

impl<A: Scalar> Optimizer<A> for AdaDelta {
    fn kind(&self) -> &str {
        "adadelta"
    }

    fn check(&self) -> Result<()> {
        check_average("rho", self.rho)?;
        check_positive::<A>("epsilon", self.epsilon)
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn slots(&self) -> &'static [&'static str] {
        &["v", "u"]
    }

    #[inline(never)]
    fn update(&self, step: Step<'_, A>) {
        let [rate, rho, rest, epsilon] =
            [step.learning_rate, self.rho, 1.0 - self.rho, self.epsilon].map(A::of);
        step.each(
            #[inline(always)]
            |p, g, [v, u]| {
                *v = rho * *v + rest * (g * g);
                let delta = (*u + epsilon).sqrt() / (*v + epsilon).sqrt() * g;
                *u = rho * *u + rest * (delta * delta);
                *p -= rate * delta;
            },
        );
    }
}
