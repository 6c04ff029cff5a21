use super::{Optimizer, Step, power};
use crate::error::Result;
use crate::scalar::Scalar;
use crate::settings::{check_average, check_positive};

/// Adam: [`RmsProp`](crate::optim::RmsProp) with a running average of the gradients. Both averages are corrected for their bias
/// towards 0.
///
/// Formula: g ← g + λθ; m ← β₁·m + (1 − β₁)·g; v ← β₂·v + (1 − β₂)·g²; in step t, m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ) and
/// θ ← θ − η·m̂/(√v̂ + ε). With `amsgrad`, the greatest v so far replaces v in v̂.
///
/// Numerics: factors that depend only on t are computed in `f64` and rounded once.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `learning_rate` η | step size | 0.001 | above 0, finite |
/// | `betas` β₁, β₂ | shares of the averages of gradients and of squares that each step keeps | 0.9, 0.999 | at least 0, below 1 |
/// | `epsilon` ε | keeps the divisor above 0 | 10⁻⁸ | above 0, finite |
/// | `amsgrad` | divides by the greatest average of squares so far | off | |
/// | `weight_decay` λ | weight decay, added to the gradient | 0 | at least 0, finite |
///
/// # Errors
///
/// Training fails with [`Error::Setting`](crate::Error::Setting) before the first step if a setting is out of range.
///
/// # Source
///
/// Kingma and Ba, *Adam: a method for stochastic optimization*, 2015; `amsgrad`: Reddi, Kale and Kumar, *On the
/// convergence of Adam and beyond*, 2018. PyTorch: `Adam`.
///
/// # Examples
///
/// ```
/// use manabi::optim::{Adam, Stepper};
///
/// let mut params = [1.0];
/// Stepper::new(Adam::new(0.25)).step_slices(&mut params, &mut [4.0])?;
/// assert!((params[0] - 0.75_f64).abs() < 1e-8); // the first step is η for any gradient except 0
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
pub struct Adam {
    pub(super) learning_rate: f64,
    pub(super) betas: (f64, f64),
    pub(super) epsilon: f64,
    amsgrad: bool,
    pub(super) weight_decay: f64,
}

impl Adam {
    /// Creates the optimizer with the given learning rate.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, betas: (0.9, 0.999), epsilon: 1e-8, amsgrad: false, weight_decay: 0.0 }
    }

    /// Sets β₁ and β₂, the shares of the averages of gradients and of squares that each step keeps.
    pub fn betas(self, beta1: f64, beta2: f64) -> Self {
        Self { betas: (beta1, beta2), ..self }
    }

    /// Sets ε, which keeps the divisor above 0.
    pub fn epsilon(self, epsilon: f64) -> Self {
        Self { epsilon, ..self }
    }

    /// Sets whether to divide by the greatest average of squares so far.
    pub fn amsgrad(self, amsgrad: bool) -> Self {
        Self { amsgrad, ..self }
    }

    /// Sets the weight decay λ, which is added to the gradient. [`AdamW`](crate::optim::AdamW) decouples it.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }

    /// Takes a step in which every parameter also loses the share `decay` of its value.
    #[inline(always)]
    pub(super) fn run<A: Scalar>(&self, step: Step<'_, A>, decay: A) {
        let t = step.number;
        let average = Averages::new(self.betas);
        let [rate, scale, epsilon] = [
            step.learning_rate / (1.0 - power(self.betas.0, t)),
            1.0 / (1.0 - power(self.betas.1, t)).sqrt(),
            self.epsilon,
        ]
        .map(A::of);
        match self.amsgrad {
            false => step.each(
                #[inline(always)]
                |p, g, [m, v]| {
                    average.add(g, m, v);
                    *p = *p - decay * *p - rate * *m / (v.sqrt() * scale + epsilon);
                },
            ),
            true => step.each(
                #[inline(always)]
                |p, g, [m, v, greatest]| {
                    average.add(g, m, v);
                    *greatest = if *greatest >= *v { *greatest } else { *v };
                    *p = *p - decay * *p - rate * *m / (greatest.sqrt() * scale + epsilon);
                },
            ),
        }
    }
}

/// The coefficients of the running averages of gradients and of their squares.
#[derive(Clone, Copy)]
pub(super) struct Averages<A> {
    rest1: A,
    beta2: A,
    rest2: A,
}

impl<A: Scalar> Averages<A> {
    pub(super) fn new((beta1, beta2): (f64, f64)) -> Self {
        Self { rest1: A::of(1.0 - beta1), beta2: A::of(beta2), rest2: A::of(1.0 - beta2) }
    }

    #[inline(always)]
    pub(super) fn add(&self, g: A, m: &mut A, v: &mut A) {
        *m += self.rest1 * (g - *m);
        *v = self.beta2 * *v + self.rest2 * (g * g);
    }
}

impl Default for Adam {
    fn default() -> Self {
        Self::new(0.001)
    }
}

impl<A: Scalar> Optimizer<A> for Adam {
    fn kind(&self) -> &str {
        "adam"
    }

    fn check(&self) -> Result<()> {
        check_average("beta1", self.betas.0)?;
        check_average("beta2", self.betas.1)?;
        check_positive::<A>("epsilon", self.epsilon)
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn slots(&self) -> &'static [&'static str] {
        if self.amsgrad { &["m", "v", "v_max"] } else { &["m", "v"] }
    }

    #[inline(never)]
    fn update(&self, step: Step<'_, A>) {
        self.run(step, A::zero());
    }
}
