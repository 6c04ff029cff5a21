use super::{Adam, Optimizer, Step};
use crate::error::Result;
use crate::scalar::Scalar;

/// AdamW: [`Adam`] with decoupled weight decay, which shrinks all weights by the same factor, independently of their gradients.
///
/// Formula: θ ← θ − η·λ·θ − η·m̂/(√v̂ + ε), with m̂ and v̂ as in [`Adam`], but from g without λθ.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `learning_rate` η | step size | 0.001 | above 0, finite |
/// | `betas` β₁, β₂ | shares of the averages of gradients and of squares that each step keeps | 0.9, 0.999 | at least 0, below 1 |
/// | `epsilon` ε | keeps the divisor above 0 | 10⁻⁸ | above 0, finite |
/// | `amsgrad` | divides by the greatest average of squares so far | off | |
/// | `weight_decay` λ | weight decay, separate from the gradient | 0.01 | at least 0, finite |
///
/// # Errors
///
/// Training fails with [`Error::Setting`](crate::Error::Setting) before the first step if a setting is out of range.
///
/// # Source
///
/// Loshchilov and Hutter, *Decoupled weight decay regularization*, 2019. PyTorch: `AdamW`.
///
/// # Examples
///
/// ```
/// use manabi::optim::{AdamW, Stepper};
///
/// let mut params = [1.0];
/// Stepper::new(AdamW::new(0.25).weight_decay(0.5)).step_slices(&mut params, &mut [0.0])?;
/// assert_eq!(params, [0.875]);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("decoupled weight decay", "L2"))]
pub struct AdamW {
    adam: Adam,
}

impl AdamW {
    /// Creates the optimizer with the given learning rate.
    pub fn new(learning_rate: f64) -> Self {
        Self { adam: Adam::new(learning_rate).weight_decay(0.01) }
    }

    /// Sets β₁ and β₂, the shares of the averages of gradients and of squares that each step keeps.
    pub fn betas(self, beta1: f64, beta2: f64) -> Self {
        Self { adam: self.adam.betas(beta1, beta2) }
    }

    /// Sets ε, which keeps the divisor above 0.
    pub fn epsilon(self, epsilon: f64) -> Self {
        Self { adam: self.adam.epsilon(epsilon) }
    }

    /// Sets whether to divide by the greatest average of squares so far.
    pub fn amsgrad(self, amsgrad: bool) -> Self {
        Self { adam: self.adam.amsgrad(amsgrad) }
    }

    /// Sets the weight decay λ.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { adam: self.adam.weight_decay(weight_decay) }
    }
}

impl Default for AdamW {
    fn default() -> Self {
        Self::new(0.001)
    }
}

impl<A: Scalar> Optimizer<A> for AdamW {
    fn kind(&self) -> &str {
        "adamw"
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
        Optimizer::<A>::slots(&self.adam)
    }

    #[inline(never)]
    fn update(&self, step: Step<'_, A>) {
        let (decay, step) = step.decoupled();
        self.adam.run(step, decay);
    }
}
