//! z = f(u): the activation functions, one file each.

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

pub use celu::Celu;
pub use elu::Elu;
pub use gelu::Gelu;
pub use gelu_tanh::GeluTanh;
pub use hard_sigmoid::HardSigmoid;
pub use hard_swish::HardSwish;
pub use hard_tanh::HardTanh;
pub use identity::Identity;
pub use leaky_relu::LeakyRelu;
pub use log_sigmoid::LogSigmoid;
pub use mish::Mish;
pub use prelu::PRelu;
pub use relu::Relu;
pub use relu6::Relu6;
pub use selu::Selu;
pub use sigmoid::Sigmoid;
pub use softplus::Softplus;
pub use softsign::Softsign;
pub use swish::{Silu, Swish};
pub use tanh::Tanh;
pub use tanh_exp::TanhExp;
pub use trainable::TrainableActFn;

use crate::error::Result;
use crate::scalar::Scalar;
use crate::settings::{Settings, of_no_fields};

/// An activation function: f(u) and f′(u, z), for one number at a time.
///
/// [`Activation`](crate::Activation) makes a layer of it. The loops over arrays, their vectorisation and the
/// choice between `f32` and `f64` come from there, so that a function of your own is as fast as the built-in ones:
/// these are written the same way. Keep to arithmetic, comparisons and the functions of [`Scalar`], and mark both methods
/// `#[inline(always)]`: what the compiler leaves outside the loop is compiled for the baseline instruction set, there to be
/// tens of times slower.
///
/// ```
/// use manabi::{ActFn, Activation, Affine, CrossEntropy, Scalar, Sequential, Softmax};
///
/// /// z = 1.7159·tanh(⅔u), z′ = ⅔(1.7159 − z²/1.7159)
/// #[derive(Clone, Debug)]
/// struct ScaledTanh;
///
/// impl ActFn for ScaledTanh {
///     const NAME: &'static str = "scaled_tanh";
///     #[inline(always)]
///     fn f<A: Scalar>(&self, u: A) -> A {
///         A::of(1.7159) * (A::of(2.0 / 3.0) * u).tanh()
///     }
///     #[inline(always)]
///     fn df<A: Scalar>(&self, _u: A, z: A) -> A {
///         A::of(2.0 / 3.0) * (A::of(1.7159) - z * z / A::of(1.7159))
///     }
/// }
///
/// let model = Sequential::<f32>::builder(784)
///     .add_layer("affine1", Affine::new(100))
///     .add_layer("tanh1", Activation::new(ScaledTanh))
///     .add_layer("affine2", Affine::new(10))
///     .set_output(Softmax)
///     .set_error(CrossEntropy)
///     .build()?;
/// # assert_eq!(model.parameter_count(), 79510);
/// # Ok::<(), manabi::Error>(())
/// ```
pub trait ActFn: Clone + Debug + Send + Sync + 'static {
    /// The name that a model's table shows, and by which a file knows the function: one that no other has. A model with a
    /// function of your own under the name of a built-in one cannot be saved.
    const NAME: &'static str;

    /// z = f(u).
    fn f<A: Scalar>(&self, u: A) -> A;

    /// f′(u), with z = f(u) at hand.
    fn df<A: Scalar>(&self, u: A, z: A) -> A;

    /// An error if a parameter of the function is out of its range; asked when a model is built.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// What a saved model says of the function, for a registry to make it again; `None` if it does not tell.
    ///
    /// A function without fields has nothing to say, and one with fields says nothing unless it implements this; so must one whose
    /// settings are parameters of its type, such as a `const`. A finite number in it that is infinite as a number of the model is
    /// an error when one is built.
    fn settings(&self) -> Option<Settings> {
        of_no_fields(self)
    }
}

/// The lesser of the two; NaN stays NaN.
#[inline(always)]
fn min<A: Scalar>(u: A, high: A) -> A {
    if u > high { high } else { u }
}

/// The greater of the two; NaN stays NaN.
#[inline(always)]
fn max<A: Scalar>(u: A, low: A) -> A {
    if u < low { low } else { u }
}

/// a·u, with 0·∞ = 0 where a setting takes the term away; NaN stays NaN.
#[inline(always)]
fn scaled<A: Scalar>(a: A, u: A) -> A {
    a * if a == A::zero() { clamp(u, -A::one(), A::one()) } else { u }
}

/// The nearest value within the two; NaN stays NaN.
#[inline(always)]
fn clamp<A: Scalar>(u: A, low: A, high: A) -> A {
    min(max(u, low), high)
}
