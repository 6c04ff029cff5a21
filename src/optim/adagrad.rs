use super::{Optimizer, Step};
use crate::error::Result;
use crate::scalar::Scalar;
use crate::settings::{check_at_least_0, check_positive};

/// AdaGrad: [`Sgd`](crate::Sgd) with each element of the gradient divided by the root of the sum of its squares, so that rare
/// gradients have more effect.
///
/// Formula: g ← g + λθ; v ← v + g²; θ ← θ − η·g/(√(a + v) + ε).
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `learning_rate` η | step size | 0.01 | above 0, finite |
/// | `initial_accumulator` a | initial sum of squares | 0 | at least 0, finite |
/// | `epsilon` ε | keeps the divisor above 0 | 10⁻¹⁰ | above 0, finite |
/// | `weight_decay` λ | weight decay, added to the gradient | 0 | at least 0, finite |
///
/// # Errors
///
/// Training fails with [`Error::Setting`](crate::Error::Setting) before the first step if a setting is out of range.
///
/// # Source
///
/// Duchi, Hazan and Singer, *Adaptive subgradient methods for online learning and stochastic optimization*, 2011.
/// PyTorch: `Adagrad`; use a [`Schedule`](crate::optim::Schedule) instead of its `lr_decay`.
///
/// # Examples
///
/// ```
/// use manabi::optim::{AdaGrad, Stepper};
///
/// let mut params = [1.0];
/// Stepper::new(AdaGrad::new(0.5)).step_slices(&mut params, &mut [4.0])?;
/// assert!((params[0] - 0.5_f64).abs() < 1e-9); // the first step is η for any gradient except 0
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias = "Adagrad")]
pub struct AdaGrad {
    learning_rate: f64,
    initial_accumulator: f64,
    epsilon: f64,
    weight_decay: f64,
}

impl AdaGrad {
    /// Creates the optimizer with the given learning rate.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, initial_accumulator: 0.0, epsilon: 1e-10, weight_decay: 0.0 }
    }

    /// Sets a, the initial sum of squares.
    pub fn initial_accumulator(self, initial_accumulator: f64) -> Self {
        Self { initial_accumulator, ..self }
    }

    /// Sets ε, which keeps the divisor above 0.
    pub fn epsilon(self, epsilon: f64) -> Self {
        Self { epsilon, ..self }
    }

    /// Sets the weight decay λ.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }
}

impl Default for AdaGrad {
    fn default() -> Self {
        Self::new(0.01)
    }
}

impl<A: Scalar> Optimizer<A> for AdaGrad {
    fn kind(&self) -> &str {
        "adagrad"
    }

    fn check(&self) -> Result<()> {
        check_at_least_0::<A>("initial_accumulator", self.initial_accumulator)?;
        check_positive::<A>("epsilon", self.epsilon)
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn slots(&self) -> &'static [&'static str] {
        &["v"]
    }

    #[inline(never)]
    fn update(&self, step: Step<'_, A>) {
        let [rate, start, epsilon] = [step.learning_rate, self.initial_accumulator, self.epsilon].map(A::of);
        step.each(
            #[inline(always)]
            |p, g, [v]| {
                *v += g * g;
                *p -= rate * g / ((start + *v).sqrt() + epsilon);
            },
        );
    }
}
