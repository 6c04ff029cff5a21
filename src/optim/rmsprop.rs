use super::{Optimizer, Step};
use crate::error::Result;
use crate::scalar::Scalar;
use crate::settings::{check_average, check_positive};

/// RMSProp: [`AdaGrad`](crate::optim::AdaGrad) with a running average of the squares instead of their sum, so that the steps
/// do not shrink to 0.
///
/// Formula: g ← g + λθ; v ← α·v + (1 − α)·g²; with `centered`, m ← α·m + (1 − α)·g and s = v − m², otherwise s = v;
/// b ← μ·b + g/(√s + ε); θ ← θ − η·b.
///
/// Numerics: if rounding makes v − m² negative, as it can for equal gradients, 0 replaces it.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `learning_rate` η | step size | 0.01 | above 0, finite |
/// | `alpha` α | share of the averages that each step keeps | 0.99 | at least 0, below 1 |
/// | `epsilon` ε | keeps the divisor above 0 | 10⁻⁸ | above 0, finite |
/// | `centered` | divides by the standard deviation instead of the root mean square | off | |
/// | `momentum` μ | share of the accumulated steps that each step keeps | 0 | at least 0, below 1 |
/// | `weight_decay` λ | weight decay, added to the gradient | 0 | at least 0, finite |
///
/// # Errors
///
/// Training fails with [`Error::Setting`](crate::Error::Setting) before the first step if a setting is out of range.
///
/// # Source
///
/// Hinton, *Neural networks for machine learning*, lecture 6e, 2012; centered: Graves, *Generating sequences with
/// recurrent neural networks*, 2013. PyTorch: `RMSprop`.
///
/// # Examples
///
/// ```
/// use manabi::optim::{RmsProp, Stepper};
///
/// let mut params = [1.0];
/// Stepper::new(RmsProp::new(0.5).alpha(0.75)).step_slices(&mut params, &mut [4.0])?;
/// assert!((params[0] - 0.0_f64).abs() < 1e-7); // a step of η/√(1 − α)
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias = "RMSprop")]
pub struct RmsProp {
    learning_rate: f64,
    alpha: f64,
    epsilon: f64,
    centered: bool,
    momentum: f64,
    weight_decay: f64,
}

impl RmsProp {
    /// Creates the optimizer with the given learning rate.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, alpha: 0.99, epsilon: 1e-8, centered: false, momentum: 0.0, weight_decay: 0.0 }
    }

    /// Sets α, the share of the averages that each step keeps.
    pub fn alpha(self, alpha: f64) -> Self {
        Self { alpha, ..self }
    }

    /// Sets ε, which keeps the divisor above 0.
    pub fn epsilon(self, epsilon: f64) -> Self {
        Self { epsilon, ..self }
    }

    /// Sets whether to divide by the standard deviation instead of the root mean square.
    pub fn centered(self, centered: bool) -> Self {
        Self { centered, ..self }
    }

    /// Sets μ, the share of the accumulated steps that each step keeps.
    pub fn momentum(self, momentum: f64) -> Self {
        Self { momentum, ..self }
    }

    /// Sets the weight decay λ.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }
}

impl Default for RmsProp {
    fn default() -> Self {
        Self::new(0.01)
    }
}

impl<A: Scalar> Optimizer<A> for RmsProp {
    fn kind(&self) -> &str {
        "rmsprop"
    }

    fn check(&self) -> Result<()> {
        check_average("alpha", self.alpha)?;
        check_positive::<A>("epsilon", self.epsilon)?;
        check_average("momentum", self.momentum)
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn slots(&self) -> &'static [&'static str] {
        match (self.centered, self.momentum > 0.0) {
            (false, false) => &["v"],
            (false, true) => &["v", "momentum"],
            (true, false) => &["v", "m"],
            (true, true) => &["v", "m", "momentum"],
        }
    }

    #[inline(never)]
    fn update(&self, step: Step<'_, A>) {
        let [rate, alpha, rest, epsilon, momentum] =
            [step.learning_rate, self.alpha, 1.0 - self.alpha, self.epsilon, self.momentum].map(A::of);
        let rule = Rule { rate, alpha, rest, epsilon, momentum };
        match (self.centered, self.momentum > 0.0) {
            (false, false) => step.each(
                #[inline(always)]
                |p, g, [v]| *p -= rate * rule.scale(g, v),
            ),
            (false, true) => step.each(
                #[inline(always)]
                |p, g, [v, b]| rule.push(p, b, rule.scale(g, v)),
            ),
            (true, false) => step.each(
                #[inline(always)]
                |p, g, [v, m]| *p -= rate * rule.scale_centered(g, v, m),
            ),
            (true, true) => step.each(
                #[inline(always)]
                |p, g, [v, m, b]| rule.push(p, b, rule.scale_centered(g, v, m)),
            ),
        }
    }
}

/// The settings in the parameters' precision, and the update of one element.
struct Rule<A> {
    rate: A,
    alpha: A,
    rest: A,
    epsilon: A,
    momentum: A,
}

impl<A: Scalar> Rule<A> {
    #[inline(always)]
    fn scale(&self, g: A, v: &mut A) -> A {
        *v = self.alpha * *v + self.rest * (g * g);
        g / (v.sqrt() + self.epsilon)
    }

    #[inline(always)]
    fn scale_centered(&self, g: A, v: &mut A, m: &mut A) -> A {
        *v = self.alpha * *v + self.rest * (g * g);
        *m += self.rest * (g - *m);
        let variance = *v - *m * *m;
        // Unlike `max`, this comparison keeps a NaN.
        let variance = if variance < A::zero() { A::zero() } else { variance };
        g / (variance.sqrt() + self.epsilon)
    }

    #[inline(always)]
    fn push(&self, p: &mut A, b: &mut A, scaled: A) {
        *b = self.momentum * *b + scaled;
        *p -= self.rate * *b;
    }
}
