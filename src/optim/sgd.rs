use super::{Optimizer, Step};
use crate::scalar::Scalar;

/// Stochastic gradient descent.
///
/// Formula: θ ← θ − η·(g + λθ).
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `learning_rate` η | step size | 0.1 | above 0, finite |
/// | `weight_decay` λ | weight decay, added to the gradient | 0 | at least 0, finite |
///
/// # Errors
///
/// Training fails with [`Error::Setting`](crate::Error::Setting) before the first step if a setting is out of range.
///
/// # Source
///
/// Robbins and Monro, *A stochastic approximation method*, 1951.
///
/// # Examples
///
/// ```
/// use manabi::optim::Stepper;
/// use manabi::Sgd;
///
/// let mut params = [1.0];
/// Stepper::new(Sgd::new(0.5)).step_slices(&mut params, &mut [0.5])?;
/// assert_eq!(params, [0.75]);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("SGD", "gradient descent"))]
pub struct Sgd {
    learning_rate: f64,
    weight_decay: f64,
}

impl Sgd {
    /// Creates the optimizer with the given learning rate.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, weight_decay: 0.0 }
    }

    /// Sets the weight decay λ.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }
}

impl Default for Sgd {
    fn default() -> Self {
        Self::new(0.1)
    }
}

impl<A: Scalar> Optimizer<A> for Sgd {
    fn kind(&self) -> &str {
        "sgd"
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    #[inline(never)]
    fn update(&self, step: Step<'_, A>) {
        let rate = A::of(step.learning_rate);
        step.each(
            #[inline(always)]
            |p, g, []| *p -= rate * g,
        );
    }
}
