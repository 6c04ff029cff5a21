//! Optimizers, learning rate schedules, and [`Stepper`] for custom training loops.
//!
//! | optimizer | based on | step |
//! |---|---|---|
//! | [`Sgd`] | | moves against the gradient: θ ← θ − η·g |
//! | [`Momentum`] | [`Sgd`] | uses a decaying sum of gradients |
//! | [`Nesterov`] | [`Momentum`] | looks one step ahead |
//! | [`AdaGrad`] | [`Sgd`] | divides each element of the gradient by the root of the sum of its squares |
//! | [`RmsProp`] | [`AdaGrad`] | uses a running average of squares instead of the sum |
//! | [`AdaDelta`] | [`RmsProp`] | has the units of the parameters |
//! | [`Adam`] | [`RmsProp`] | also averages gradients, and corrects the bias of both averages |
//! | [`AdamW`] | [`Adam`] | applies weight decay separately from the gradient |
//! | [`NAdam`] | [`Adam`] | looks one step ahead, like [`Nesterov`] |
//! | [`RAdam`] | [`Adam`] | uses the average of squares only to the extent that it is reliable |
//! | [`Lion`] | [`AdamW`] | uses only the sign of the average |
//!
//! Use [`Sgd`] to reproduce the article's results, [`Adam`] or [`AdamW`] for a quick start, and [`Momentum`] if you can tune its
//! learning rate.
//!
//! | schedule | learning rate |
//! |---|---|
//! | [`ConstantRate`] | the optimizer's own rate |
//! | [`StepDecay`], [`ExponentialDecay`], [`PolynomialDecay`], [`CosineDecay`] | decreases by a formula |
//! | [`WarmUp`] | increases to the initial rate of another schedule |
//! | [`OneCycle`] | increases, then decreases far below its initial value |
//! | [`ByEpoch`] | follows another schedule, counted in epochs |
//! | [`ReduceOnPlateau`] | decreases when a metric stops improving |
//!
//! [`Clip`] limits gradients before a step.

mod adadelta;
mod adagrad;
mod adam;
mod adamw;
mod clip;
mod lion;
mod momentum;
mod nadam;
mod nesterov;
mod plateau;
mod radam;
mod rmsprop;
mod schedule;
mod sgd;
mod state;
mod step;
mod stepper;

use std::fmt::Debug;
use std::sync::Arc;

pub use adadelta::AdaDelta;
pub use adagrad::AdaGrad;
pub use adam::Adam;
pub use adamw::AdamW;
pub use clip::Clip;
pub use lion::Lion;
pub use momentum::Momentum;
pub use nadam::NAdam;
pub use nesterov::Nesterov;
pub use plateau::{Plateau, ReduceOnPlateau};
pub use radam::RAdam;
pub use rmsprop::RmsProp;
pub use schedule::{
    ByEpoch, ConstantRate, CosineDecay, CosineRestarts, ExponentialDecay, OneCycle, PolynomialDecay,
    Schedule, StepDecay, WarmUp,
};
pub use sgd::Sgd;
pub use state::OptimizerState;
use step::SLOTS;
pub use step::Step;
pub use stepper::Stepper;

use crate::delegate::delegate;
use crate::error::Result;
use crate::scalar::Scalar;

/// An optimizer: a rule that updates the parameters from their gradient.
///
/// An optimizer contains only its settings. A [`Stepper`] keeps its state between steps: *slots*, which are vectors as long as
/// the parameters and initially zero, and *scalars*, which are single values.
///
/// # Examples
///
/// ```
/// use manabi::optim::{Optimizer, Step, Stepper};
/// use manabi::Scalar;
///
/// /// Steps of a fixed size against the signs of the summed gradients.
/// #[derive(Debug)]
/// struct SignDescent(f64);
///
/// impl<A: Scalar> Optimizer<A> for SignDescent {
///     fn kind(&self) -> &str {
///         "sign_descent"
///     }
///     fn learning_rate(&self) -> f64 {
///         self.0
///     }
///     fn slots(&self) -> &'static [&'static str] {
///         &["sum"]
///     }
///     fn update(&self, step: Step<'_, A>) {
///         let rate = A::of(step.learning_rate);
///         step.each(|p, g, [sum]| {
///             *sum += g;
///             *p -= rate * sum.signum();
///         });
///     }
/// }
///
/// let mut params = [1.0, 2.0];
/// Stepper::new(SignDescent(0.5)).step_slices(&mut params, &mut [0.1, -0.1])?;
/// assert_eq!(params, [0.5, 2.5]);
/// # Ok::<(), manabi::Error>(())
/// ```
#[doc(alias = "optimiser")]
pub trait Optimizer<A: Scalar>: Debug + Send + Sync {
    /// Returns the name of the optimizer in reports and checkpoints.
    fn kind(&self) -> &str;

    /// Checks the settings. [`Stepper`] calls this before every step.
    ///
    /// `Stepper` itself checks that the learning rate is above 0 and that the weight decay is at least 0.
    ///
    /// # Errors
    ///
    /// Returns an error, such as [`Error::Setting`](crate::Error::Setting), if a setting is out of range. The default
    /// implementation returns none.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Returns the base learning rate, which a [`Schedule`] can change.
    fn learning_rate(&self) -> f64;

    /// Returns the weight decay λ.
    fn weight_decay(&self) -> f64 {
        0.0
    }

    /// Returns the names of the slots, at most 4.
    fn slots(&self) -> &'static [&'static str] {
        &[]
    }

    /// Returns the names and the initial values of the scalars.
    fn scalars(&self) -> &'static [(&'static str, f64)] {
        &[]
    }

    /// Updates the scalars, once per step and before the parameters. Steps are numbered from 1.
    fn advance(&self, _number: u64, _scalars: &mut [f64]) {}

    /// Updates all parameters or a part of them in one step.
    ///
    /// The update of an element must not depend on other elements, because a step can be divided into any parts.
    fn update(&self, step: Step<'_, A>);
}

delegate!([A: Scalar] Optimizer<A>, for [Box<dyn Optimizer<A>>, Arc<dyn Optimizer<A>>], {
    fn kind(&self) -> &str;
    fn check(&self) -> Result<()>;
    fn learning_rate(&self) -> f64;
    fn weight_decay(&self) -> f64;
    fn slots(&self) -> &'static [&'static str];
    fn scalars(&self) -> &'static [(&'static str, f64)];
    fn advance(&self, number: u64, scalars: &mut [f64]);
    fn update(&self, step: Step<'_, A>);
});

/// Returns every built-in optimizer with several settings. Add new optimizers to this list.
#[doc(hidden)]
pub fn built_in_optimizers<A: Scalar>() -> Vec<Box<dyn Optimizer<A>>> {
    vec![
        Box::new(Sgd::new(0.1)),
        Box::new(Sgd::new(0.1).weight_decay(0.01)),
        Box::new(Momentum::new(0.05)),
        Box::new(Momentum::new(0.05).momentum(0.5).weight_decay(0.01)),
        Box::new(Nesterov::new(0.05)),
        Box::new(Nesterov::new(0.05).momentum(0.5).weight_decay(0.01)),
        Box::new(AdaGrad::new(0.5)),
        Box::new(AdaGrad::new(0.5).initial_accumulator(0.1).epsilon(1e-6).weight_decay(0.01)),
        Box::new(RmsProp::new(0.02)),
        Box::new(RmsProp::new(0.02).momentum(0.5)),
        Box::new(RmsProp::new(0.02).centered(true)),
        Box::new(RmsProp::new(0.02).centered(true).momentum(0.5).weight_decay(0.01)),
        Box::new(AdaDelta::new(10.0)),
        Box::new(AdaDelta::new(10.0).rho(0.5).weight_decay(0.01)),
        Box::new(Adam::new(0.05)),
        Box::new(Adam::new(0.05).betas(0.5, 0.9).amsgrad(true).weight_decay(0.01)),
        Box::new(AdamW::new(0.05)),
        Box::new(AdamW::new(0.05).amsgrad(true)),
        Box::new(NAdam::new(0.05)),
        Box::new(NAdam::new(0.05).weight_decay(0.01).decoupled_weight_decay(true)),
        Box::new(RAdam::new(0.05)),
        Box::new(RAdam::new(0.05).weight_decay(0.01).decoupled_weight_decay(true)),
        Box::new(Lion::new(0.01)),
        Box::new(Lion::new(0.01).weight_decay(0.01)),
    ]
}

/// Returns bⁿ by repeated squaring, with the same bits on every machine.
fn power(mut b: f64, mut n: u64) -> f64 {
    let mut product = 1.0;
    while n > 0 {
        if n % 2 == 1 {
            product *= b;
        }
        b *= b;
        n /= 2;
    }
    product
}
