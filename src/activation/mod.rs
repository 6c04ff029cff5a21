//! Activation functions, z = f(u), and the trait for one of your own.
//!
//! [`Activation`](crate::Activation) makes a layer of a function, [`TrainableActivation`](crate::layer::TrainableActivation)
//! a layer that learns the function's parameter.
//!
//! | function | formula | use it for |
//! |---|---|---|
//! | [`Relu`] | max(u, 0) | the fastest start |
//! | [`Swish`], [`Silu`] | u·σ(βu) | deep networks; smooth |
//! | [`Mish`] | u·tanh(softplus(u)) | deep networks; smooth |
//! | [`Gelu`], [`GeluTanh`] | u·Φ(u), and its approximation | transformers, and models trained with it |
//! | [`TanhExp`] | u·tanh(eᵘ) | smooth, steeper near 0 than Mish |
//! | [`HardSwish`] | u·relu6(u + 3)/6 | Swish without an exponential |
//! | [`LeakyRelu`], [`PRelu`] | u or αu | units that must not die; PReLU learns α |
//! | [`Elu`], [`Celu`], [`Selu`] | u or α(eᵘ − 1) and its kin | mean outputs near 0; SELU normalises by itself |
//! | [`Relu6`] | min(max(u, 0), 6) | bounded outputs |
//! | [`Softplus`] | ln(1 + e^(βu))/β | positive outputs |
//! | [`Sigmoid`], [`HardSigmoid`] | 1/(1 + e⁻ᵘ) | gates, probabilities |
//! | [`Tanh`], [`HardTanh`], [`Softsign`] | between −1 and 1 | gates, bounded outputs |
//! | [`LogSigmoid`] | ln σ(u) | logarithms of probabilities |
//! | [`Identity`] | u | no activation |
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

/// An activation function z = f(u), written for one number. Its derivative comes from the function itself.
///
/// [`Activation`](crate::Activation) makes a layer of it, with the loops over arrays and their vectorisation, so that a function of
/// your own is as fast as the built-in ones. Keep to arithmetic, comparisons and the functions of [`Real`], and mark methods
/// `#[inline(always)]`: code outside the loop is compiled for the baseline instruction set and is tens of times slower.
///
/// ```
/// use manabi::{ActFn, Activation, Real};
///
/// /// z = u + sin²(u): a function for what is periodic.
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
/// let layer = Activation::new(Snake); // for f32 and f64
/// let slope = Snake.df(0.5_f64, Snake.f(0.5));
/// assert!((slope - (1.0 + (2.0_f64 * 0.5).sin())).abs() < 1e-15);
/// manabi::gradcheck::activation(&Snake).assert();
/// ```
///
/// # The derivative
///
/// [`df`](ActFn::df) runs f on [dual numbers](crate::scalar::Dual). It is as exact as the formula: where the terms of the formula's
/// derivative cancel, digits are lost. Implement `df` yourself where you know a form that does not cancel, or a shorter one, such
/// as one that uses z.
///
/// `if u < R::zero() { … } else { … }` follows the branch that u takes. At a kink, where branches meet, the derivative is the one of the
/// branch that is taken for equality. [`gradcheck`](crate::gradcheck) recognises kinks and accepts any slope between both sides there.
pub trait ActFn: Clone + Debug + Send + Sync + 'static {
    /// The kind that a model's table shows, and by which a file knows the function: one that no other has. A model with a
    /// function of your own under the kind of a built-in one cannot be saved.
    const KIND: &'static str;

    /// Returns z = f(u).
    fn f<R: Real>(&self, u: R) -> R;

    /// Returns f′(u), with z = f(u) at hand.
    #[inline(always)]
    fn df<R: Real>(&self, u: R, _z: R) -> R {
        self.f(Dual::variable(u)).derivative()
    }

    /// An error if a parameter of the function is out of its range; asked when a model is built.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Returns what a saved model says of the function, for a registry to make it again: [`Settings::new`] if there is
    /// nothing to tell. `None`, the default, if the function cannot be saved.
    ///
    /// A finite value among them that is infinite in the precision of a model is an error when the model is built.
    fn settings(&self) -> Option<Settings> {
        None
    }
}

/// Visits all built-in activation functions: for the registry, and for every test that is about all of them.
#[doc(hidden)]
pub trait ActivationVisitor {
    /// Visits a function, with what makes it from its settings.
    fn function<F: ActFn + Default + PartialEq>(&mut self, make: fn(&Settings) -> Result<F>);

    /// Visits a function that learns its parameter, with what makes it from the parameter's start.
    fn trainable<F: TrainableActFn + Default>(&mut self, make: fn(f64) -> F);
}

/// Exports the functions, and visits them in order. A function in brackets is made from the setting of that name.
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

// The one list: who adds a function adds it here, and gives the tests its values.
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

/// a·u, with 0·∞ = 0 where a setting takes the term away; NaN stays NaN.
#[inline(always)]
fn scaled<A: Real>(a: A, u: A) -> A {
    a * if a == A::zero() { u.clamp(-A::one(), A::one()) } else { u }
}
