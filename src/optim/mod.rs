//! Optimizers, θ ← θ′: how a gradient changes the parameters; schedules of the learning rate; and [`Stepper`] for a loop of
//! your own.
//!
//! | optimizer | is | with |
//! |---|---|---|
//! | [`Sgd`] | θ − η·g | |
//! | [`Momentum`] | [`Sgd`] | a decaying sum of gradients |
//! | [`Nesterov`] | [`Momentum`] | a look one step ahead |
//! | [`AdaGrad`] | [`Sgd`] | each gradient divided by the root of the sum of its squares |
//! | [`RmsProp`] | [`AdaGrad`] | a running average instead of the sum |
//! | [`AdaDelta`] | [`RmsProp`] | steps in the units of the parameters |
//! | [`Adam`] | [`RmsProp`] | an average of gradients, both averages without bias |
//! | [`AdamW`] | [`Adam`] | weight decay apart from the gradient |
//! | [`NAdam`] | [`Adam`] | a look one step ahead, as [`Nesterov`] |
//! | [`RAdam`] | [`Adam`] | a division only as far as the average of squares can be trusted |
//! | [`Lion`] | [`AdamW`] | only the sign of the average |
//!
//! Take [`Sgd`] for the article's results, [`Adam`] or [`AdamW`] for a quick start, and [`Momentum`] where you can tune its
//! rate.
//!
//! | schedule | learning rate |
//! |---|---|
//! | [`ConstantRate`] | the optimizer's own |
//! | [`StepDecay`], [`ExponentialDecay`], [`PolynomialDecay`], [`CosineDecay`] | falls by a formula |
//! | [`WarmUp`] | rises to another schedule |
//! | [`OneCycle`] | rises, then falls far |
//! | [`ByEpoch`] | another schedule, counted in epochs |
//! | [`ReduceOnPlateau`] | falls where a metric no longer improves |
//!
//! [`Clip`] bounds gradients before a step.

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
    ByEpoch, ConstantRate, CosineDecay, ExponentialDecay, OneCycle, PolynomialDecay, Schedule, StepDecay,
    WarmUp,
};
pub use sgd::Sgd;
use step::SLOTS;
pub use step::Step;
pub use stepper::{OptimizerState, Stepper};

use crate::delegate::delegate;
use crate::error::Result;
use crate::scalar::Scalar;

/// An optimizer: the rule by which a gradient changes the parameters.
///
/// A rule is its settings. What it remembers from step to step, a [`Stepper`] keeps for it: vectors as long as the
/// parameters, its *slots*, all zeros to begin with, and single numbers, its *scalars*.
///
/// ```
/// use manabi::optim::{Optimizer, Step, Stepper};
/// use manabi::Scalar;
///
/// /// Steps of one size, against the signs of the gradients' running sum.
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
    /// The name in reports and checkpoints.
    fn kind(&self) -> &str;

    /// An error if a setting is out of range; asked before every step, as are learning rate (above 0) and weight decay
    /// (at least 0), which need not be checked here.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// The base rate, which a [`Schedule`] scales.
    fn learning_rate(&self) -> f64;

    /// The weight decay λ.
    fn weight_decay(&self) -> f64 {
        0.0
    }

    /// The names of the slots, at most 4.
    fn slots(&self) -> &'static [&'static str] {
        &[]
    }

    /// The names of the scalars, and how they begin.
    fn scalars(&self) -> &'static [(&'static str, f64)] {
        &[]
    }

    /// Changes the scalars, once per step before the parameters; steps are counted from 1.
    fn advance(&self, _number: u64, _scalars: &mut [f64]) {}

    /// Changes the parameters, or a part of them, by one step.
    ///
    /// Every number must be treated alone: then it does not matter into which parts a step is divided.
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

/// Returns every built-in optimizer, with its plain settings and with others: the list to which who adds one adds it.
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

/// bⁿ by squaring, the same bits on every machine.
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
