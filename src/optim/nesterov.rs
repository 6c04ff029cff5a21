use super::{Optimizer, Step};
use crate::error::Result;
use crate::scalar::Scalar;
use crate::settings::check_average;

/// Nesterov's momentum: [`Momentum`](crate::optim::Momentum) that looks one step ahead, as if the next gradient equalled this
/// one.
///
/// Formula: v ← μ·v + g + λθ; θ ← θ − η·(g + λθ + μ·v).
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
/// Nesterov, *A method for solving a convex programming problem with convergence rate O(1/k²)*, 1983, in the form of
/// Sutskever et al., *On the importance of initialization and momentum in deep learning*, 2013. PyTorch:
/// `SGD(momentum=μ, nesterov=True)`.
///
/// # Examples
///
/// ```
/// use manabi::optim::{Nesterov, Stepper};
///
/// let (mut params, mut stepper) = ([1.0], Stepper::new(Nesterov::new(0.5).momentum(0.5)));
/// stepper.step_slices(&mut params, &mut [1.0])?;
/// stepper.step_slices(&mut params, &mut [1.0])?;
/// assert_eq!(params, [1.0 - 0.5 * 1.5 - 0.5 * 1.75]);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias = "NAG")]
pub struct Nesterov {
    learning_rate: f64,
    momentum: f64,
    weight_decay: f64,
}

impl Nesterov {
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

impl Default for Nesterov {
    fn default() -> Self {
        Self::new(0.1)
    }
}

impl<A: Scalar> Optimizer<A> for Nesterov {
    fn kind(&self) -> &str {
        "nesterov"
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
                *p -= rate * (g + momentum * *v);
            },
        );
    }
}
