//! θ ← θ′: what turns a gradient into a step.
//!
//! The rules, in the order in which each derives from a simpler one:
//!
//! | rule | is | and |
//! |---|---|---|
//! | [`Sgd`] | θ − η·g | |
//! | [`Momentum`] | `Sgd` | along a decaying sum of gradients |
//! | [`Nesterov`] | `Momentum` | one step ahead |
//! | [`AdaGrad`] | `Sgd` | each number's gradient divided by the root of the sum of its squares |
//! | [`RmsProp`] | `AdaGrad` | with a running average instead of the sum |
//! | [`AdaDelta`] | `RmsProp` | in the units of its own steps |
//! | [`Adam`] | `RmsProp` | on an average of gradients, both averages freed of their bias |
//! | [`AdamW`] | `Adam` | weights shrink apart from the gradient |
//! | [`NAdam`] | `Adam` | one step ahead, as `Nesterov` |
//! | [`RAdam`] | `Adam` | divided only as far as the average of squares can be trusted |
//! | [`Lion`] | `AdamW` | only the sign of the average counts |

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
    ByEpoch, Constant, CosineDecay, ExponentialDecay, OneCycle, PolynomialDecay, Schedule, StepDecay, WarmUp,
};
pub use sgd::Sgd;
use step::SLOTS;
pub use step::Step;
pub use stepper::{OptimizerState, Stepper};

use crate::error::{Error, Result};
use crate::scalar::Scalar;

/// An optimizer: the rule by which a gradient changes the parameters.
///
/// Built in, each derived from a simpler one: [`Sgd`], [`Momentum`], [`Nesterov`]; [`AdaGrad`], [`RmsProp`], [`AdaDelta`];
/// [`Adam`], [`AdamW`], [`NAdam`], [`RAdam`]; [`Lion`].
///
/// A rule is its settings. What it remembers from step to step, a [`Stepper`] keeps for it: vectors as long as the
/// parameters, its *slots*, all zeros to begin with, and single numbers, its *scalars*.
///
/// ```
/// use manabi::{Optimizer, Scalar, Step, Stepper};
///
/// /// Steps of one size, against the signs of the gradients' running sum.
/// #[derive(Debug)]
/// struct SignDescent(f64);
///
/// impl<A: Scalar> Optimizer<A> for SignDescent {
///     fn name(&self) -> &str {
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
pub trait Optimizer<A: Scalar>: Debug + Send + Sync {
    /// The name in reports and checkpoints.
    fn name(&self) -> &str;

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

/// An optimizer chosen at run time.
impl<A: Scalar> Optimizer<A> for Box<dyn Optimizer<A>> {
    fn name(&self) -> &str {
        (**self).name()
    }
    fn check(&self) -> Result<()> {
        (**self).check()
    }
    fn learning_rate(&self) -> f64 {
        (**self).learning_rate()
    }
    fn weight_decay(&self) -> f64 {
        (**self).weight_decay()
    }
    fn slots(&self) -> &'static [&'static str] {
        (**self).slots()
    }
    fn scalars(&self) -> &'static [(&'static str, f64)] {
        (**self).scalars()
    }
    fn advance(&self, number: u64, scalars: &mut [f64]) {
        (**self).advance(number, scalars);
    }
    fn update(&self, step: Step<'_, A>) {
        (**self).update(step);
    }
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

/// An error unless `value` is at least 0 and finite, also when rounded to the parameters' precision.
fn check_at_least_0<A: Scalar>(what: &str, value: f64) -> Result<()> {
    check(value >= 0.0 && A::of(value).is_finite(), what, "a finite number of at least 0", value)
}

/// An error unless `value` is a share of the past that a running average can keep.
fn check_average(what: &str, value: f64) -> Result<()> {
    check((0.0..1.0).contains(&value), what, "at least 0 and below 1", value)
}

fn check_at_most_1(what: &str, value: f64) -> Result<()> {
    check((0.0..=1.0).contains(&value), what, "0 to 1", value)
}

fn check(right: bool, what: &str, expected: &str, got: f64) -> Result<()> {
    if right { Ok(()) } else { Err(Error::setting(what, expected, got)) }
}
