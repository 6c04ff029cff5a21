use super::{Optimizer, Step};
use crate::error::Result;
use crate::scalar::Scalar;
use crate::settings::check_average;

/// Lion: steps of a fixed size against the sign of an average of gradients. Weight decay is decoupled, as in
/// [`AdamW`](crate::optim::AdamW).
///
/// Formula: c = β₁·m + (1 − β₁)·g; m ← β₂·m + (1 − β₂)·g; θ ← θ − η·λ·θ − η·sign(c), with sign(0) = 0.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `learning_rate` η | step size | 0.0001 | above 0, finite |
/// | `betas` β₁, β₂ | shares of the average in the sign and in the next average | 0.9, 0.99 | at least 0, below 1 |
/// | `weight_decay` λ | weight decay, separate from the gradient | 0 | at least 0, finite |
///
/// # Errors
///
/// Training fails with [`Error::Setting`](crate::Error::Setting) before the first step if a setting is out of range.
///
/// # Source
///
/// Chen et al., *Symbolic discovery of optimization algorithms*, 2023.
///
/// # Examples
///
/// ```
/// use manabi::optim::{Lion, Stepper};
///
/// let mut params = [1.0, 1.0];
/// Stepper::new(Lion::new(0.25)).step_slices(&mut params, &mut [1e-9, 0.0])?;
/// assert_eq!(params, [0.75, 1.0]);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
pub struct Lion {
    learning_rate: f64,
    betas: (f64, f64),
    weight_decay: f64,
}

impl Lion {
    /// Creates the optimizer with the given learning rate. A third to a tenth of Adam's rate is suitable.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, betas: (0.9, 0.99), weight_decay: 0.0 }
    }

    /// Sets β₁, the share of the average in the sign, and β₂, the share of the average that each step keeps.
    pub fn betas(self, beta1: f64, beta2: f64) -> Self {
        Self { betas: (beta1, beta2), ..self }
    }

    /// Sets the weight decay λ.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }
}

impl Default for Lion {
    fn default() -> Self {
        Self::new(0.0001)
    }
}

impl<A: Scalar> Optimizer<A> for Lion {
    fn kind(&self) -> &str {
        "lion"
    }

    fn check(&self) -> Result<()> {
        check_average("beta1", self.betas.0)?;
        check_average("beta2", self.betas.1)
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn slots(&self) -> &'static [&'static str] {
        &["m"]
    }

    #[inline(never)]
    fn update(&self, step: Step<'_, A>) {
        let (decay, step) = step.decoupled();
        let (beta1, beta2) = self.betas;
        let [rate, beta1, rest1, beta2, rest2] =
            [step.learning_rate, beta1, 1.0 - beta1, beta2, 1.0 - beta2].map(A::of);
        step.each(
            #[inline(always)]
            |p, g, [m]| {
                let c = beta1 * *m + rest1 * g;
                *m = beta2 * *m + rest2 * g;
                *p = *p - decay * *p - rate * sign(c);
            },
        );
    }
}

/// Returns −1, 0 or 1 for the sign of `c`, or NaN if `c` is NaN.
#[inline(always)]
fn sign<A: Scalar>(c: A) -> A {
    let side = if c > A::zero() { A::one() } else { -A::one() };
    if c == A::zero() || c.is_nan() { c } else { side }
}
