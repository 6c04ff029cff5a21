//! Activation functions, z = f(u), and the traits for custom ones.
//!
//! [`Activation`](crate::Activation) turns a function into a layer.
//! [`TrainableActivation`](crate::layer::TrainableActivation) turns a function into a layer that learns the function's parameter.
//!
//! | function | formula | use it for |
//! |---|---|---|
//! | [`Relu`] | max(u, 0) | a fast first choice |
//! | [`Swish`], [`Silu`] | u·σ(βu) | deep networks; smooth |
//! | [`Mish`] | u·tanh(softplus(u)) | deep networks; smooth |
//! | [`Gelu`], [`GeluTanh`] | u·Φ(u), and its approximation | transformers, and models trained with it |
//! | [`TanhExp`] | u·tanh(eᵘ) | smooth, steeper near 0 than Mish |
//! | [`HardSwish`] | u·relu6(u + 3)/6 | Swish without an exponential |
//! | [`LeakyRelu`], [`PRelu`] | u or αu | a slope other than 0 for negative u; PReLU learns α |
//! | [`Elu`], [`Celu`], [`Selu`] | u or α(eᵘ − 1), and variants | mean outputs near 0; SELU is self-normalising |
//! | [`Relu6`] | min(max(u, 0), 6) | bounded outputs |
//! | [`Softplus`] | ln(1 + e^(βu))/β | positive outputs |
//! | [`Sigmoid`], [`HardSigmoid`] | 1/(1 + e⁻ᵘ) | gates, probabilities |
//! | [`Tanh`], [`HardTanh`], [`Softsign`] | values between −1 and 1 | gates, bounded outputs |
//! | [`LogSigmoid`] | ln σ(u) | logarithms of probabilities |
//! | [`Identity`] | u | no activation |
//!
//! # Examples
//!
//! ```
//! use manabi::activation::{ActFn, Mish, Swish};
//!
//! assert_eq!(Swish::new(1.0).f(0.0), 0.0);
//! assert!((Mish.f(1.0_f64) - 0.865_098_388_267_310_3).abs() < 1e-15);
//! ```

mod celu;
mod elu;
mod gelu;
mod gelu_tanh;
mod hard_sigmoid;
mod hard_swish;
mod hard_tanh;
mod identity;
mod leaky_relu;
mod log_sigmoid;
mod mish;
mod prelu;
mod relu;
mod relu6;
mod selu;
mod sigmoid;
mod softplus;
mod softsign;
mod swish;
mod tanh;
mod tanh_exp;
mod trainable;

use std::fmt::Debug;

pub use prelu::PRelu;
pub use swish::Silu;
pub use trainable::TrainableActFn;

use crate::error::Result;
use crate::scalar::{Dual, Real};
use crate::settings::Settings;

/// An activation function z = f(u) of a single value. By default, its derivative is computed from `f` by automatic
/// differentiation.
///
/// [`Activation`](crate::Activation) turns it into a layer and provides vectorised loops over arrays, so that a custom function
/// is as fast as the built-in ones. Use only arithmetic, comparisons and the functions of [`Real`], and mark methods
/// `#[inline(always)]`: code outside the loop is compiled for the baseline instruction set and is tens of times slower.
///
/// # The derivative
///
/// [`df`](ActFn::df) evaluates `f` on [dual numbers](crate::scalar::Dual). The result is as exact as the formula: it loses digits
/// if the terms of the formula's derivative cancel. Implement `df` if you know a form that does not cancel, or a shorter form,
/// such as one that uses z.
///
/// `if u < R::zero() { … } else { … }` has the derivative of the branch that u takes. At a kink, two branches meet, and the
/// derivative is the derivative of the branch taken for equality. [`gradcheck`](crate::gradcheck) recognises kinks and accepts
/// any slope between the slopes of both sides.
///
/// # Examples
///
/// ```
/// use manabi::{ActFn, Activation, Real};
///
/// /// z = u + sin²(u), for periodic data.
/// #[derive(Clone, Debug)]
/// struct Snake;
///
/// impl ActFn for Snake {
///     const KIND: &'static str = "snake";
///     #[inline(always)]
///     fn f<R: Real>(&self, u: R) -> R {
///         u + u.sin() * u.sin()
///     }
/// }
///
/// let layer = Activation::new(Snake); // works for f32 and f64
/// let slope = Snake.df(0.5_f64, Snake.f(0.5));
/// assert!((slope - (1.0 + (2.0_f64 * 0.5).sin())).abs() < 1e-15);
/// manabi::gradcheck::activation(&Snake).assert();
/// ```
pub trait ActFn: Clone + Debug + Send + Sync + 'static {
    /// The kind: the unique name of the function in a model's table and in files. A model cannot be saved if a custom function in
    /// it has the kind of a built-in one.
    const KIND: &'static str;

    /// Returns z = f(u).
    fn f<R: Real>(&self, u: R) -> R;

    /// Returns f′(u), given z = f(u).
    #[inline(always)]
    fn df<R: Real>(&self, u: R, _z: R) -> R {
        self.f(Dual::variable(u)).derivative()
    }

    /// Checks the parameters of the function. This method is called when a model is built.
    ///
    /// # Errors
    ///
    /// Returns an error, usually [`Error::Setting`](crate::Error::Setting), if a parameter is out of range. The default
    /// implementation returns `Ok`.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Returns the settings that a saved model stores, from which a registry recreates the function. Returns [`Settings::new`]
    /// if the function has no settings. Returns `None`, the default, if the function cannot be saved.
    ///
    /// Building a model returns an error if a finite setting is infinite in the precision of the model.
    fn settings(&self) -> Option<Settings> {
        None
    }
}

/// A visitor of all built-in activation functions, for the registry and for tests that cover every function.
#[doc(hidden)]
pub trait ActivationVisitor {
    /// Visits a function; `make` creates it from its settings.
    fn function<F: ActFn + Default + PartialEq>(&mut self, make: fn(&Settings) -> Result<F>);

    /// Visits a function that learns its parameter; `make` creates it from the initial value of the parameter.
    fn trainable<F: TrainableActFn + Default>(&mut self, make: fn(f64) -> F);
}

/// Exports the functions and visits them in order. `Function(setting)` is created from the setting with that name.
macro_rules! built_in {
    ($($module:ident::$function:ident $(($setting:ident))?),+; trainable $($trainable:ident),+) => {
        $(pub use $module::$function;)+

        /// Visits every built-in activation function.
        #[doc(hidden)]
        pub fn built_in_activations(visitor: &mut impl ActivationVisitor) {
            $(visitor.function::<$function>(built_in!(@make $function $($setting)?));)+
            $(visitor.trainable($trainable::new);)+
        }
    };
    (@make $function:ident) => { |_| Ok($function) };
    (@make $function:ident $setting:ident) => { |settings| settings.number(stringify!($setting)).map($function::new) };
}

// The only list of functions. A new function needs an entry here and its limits in `tests/gradients.rs`.
built_in! {
    identity::Identity,
    relu::Relu,
    relu6::Relu6,
    leaky_relu::LeakyRelu(alpha),
    elu::Elu(alpha),
    selu::Selu,
    celu::Celu(alpha),
    softplus::Softplus(beta),
    softsign::Softsign,
    sigmoid::Sigmoid,
    log_sigmoid::LogSigmoid,
    tanh::Tanh,
    hard_tanh::HardTanh,
    hard_sigmoid::HardSigmoid,
    hard_swish::HardSwish,
    gelu::Gelu,
    gelu_tanh::GeluTanh,
    swish::Swish(beta),
    mish::Mish,
    tanh_exp::TanhExp;
    trainable PRelu, Swish
}

/// Returns a·u, with 0·∞ = 0, because a setting of 0 removes the term. NaN stays NaN.
#[inline(always)]
fn scaled<A: Real>(a: A, u: A) -> A {
    a * if a == A::zero() { u.clamp(-A::one(), A::one()) } else { u }
}
