use super::{Optimizer, Step};
use crate::error::Result;
use crate::scalar::Scalar;
use crate::settings::check_average;

/// Gradient descent with momentum: [`Sgd`](crate::Sgd) along a decaying sum of the gradients.
///
/// Formula: v ← μ·v + g + λθ; θ ← θ − η·v.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `learning_rate` η | step size | 0.1 | above 0, finite |
/// | `momentum` μ | share of the sum that each step keeps | 0.9 | at least 0, below 1 |
/// | `weight_decay` λ | weight decay, added to the gradient | 0 | at least 0, finite |
///
/// # Errors
///
/// Training fails with [`Error::Setting`](crate::Error::Setting) before the first step if a setting is out of range.
///
/// # Source
///
/// Polyak, *Some methods of speeding up the convergence of iteration methods*, 1964. PyTorch: `SGD(momentum=μ)`.
///
/// # Examples
///
/// ```
/// use manabi::optim::{Momentum, Stepper};
///
/// let (mut params, mut stepper) = ([1.0], Stepper::new(Momentum::new(0.5).momentum(0.5)));
/// stepper.step_slices(&mut params, &mut [1.0])?;
/// stepper.step_slices(&mut params, &mut [1.0])?;
/// assert_eq!(params, [1.0 - 0.5 - 0.5 * 1.5]);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("SGD with momentum", "heavy ball"))]
pub struct Momentum {
    learning_rate: f64,
    momentum: f64,
    weight_decay: f64,
}

impl Momentum {
    /// Creates the optimizer with the given learning rate and a momentum of 0.9.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, momentum: 0.9, weight_decay: 0.0 }
    }

    /// Sets μ, the share of the sum that each step keeps.
    pub fn momentum(self, momentum: f64) -> Self {
        Self { momentum, ..self }
    }

    /// Sets the weight decay λ.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }
}

impl Default for Momentum {
    fn default() -> Self {
        Self::new(0.1)
    }
}

impl<A: Scalar> Optimizer<A> for Momentum {
    fn kind(&self) -> &str {
        "momentum"
    }

    fn check(&self) -> Result<()> {
        check_average("momentum", self.momentum)
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn slots(&self) -> &'static [&'static str] {
        &["momentum"]
    }

    #[inline(never)]
    fn update(&self, step: Step<'_, A>) {
        let (rate, momentum) = (A::of(step.learning_rate), A::of(self.momentum));
        step.each(
            #[inline(always)]
            |p, g, [v]| {
                *v = momentum * *v + g;
                *p -= rate * *v;
            },
        );
    }
}
