//! z = f(u): the activation functions, one file each.

mod identity;
mod mish;
mod relu;
mod sigmoid;
mod softplus;
mod swish;
mod tanh;

use std::fmt::Debug;

pub use identity::Identity;
pub use mish::Mish;
pub use relu::Relu;
pub use sigmoid::Sigmoid;
pub use softplus::Softplus;
pub use swish::Swish;
pub use tanh::Tanh;

use crate::error::{Error, Result};
use crate::scalar::Scalar;

/// An activation function: f(u) and f′(u, z), for one number at a time.
///
/// [`Activation`](crate::Activation) makes a layer of it. The loops over arrays, their vectorisation and the
/// choice between `f32` and `f64` come from there, so that a function of your own is as fast as the built-in ones:
/// these are written the same way. Keep to arithmetic, comparisons and the functions of [`Scalar`].
///
/// ```
/// use manabi::{ActFn, Activation, Affine, CrossEntropy, Scalar, Sequential, Softmax};
///
/// /// z = u / (1 + |u|)
/// #[derive(Clone, Debug)]
/// struct Softsign;
///
/// impl ActFn for Softsign {
///     const NAME: &'static str = "softsign";
///     fn f<A: Scalar>(&self, u: A) -> A {
///         u / (A::one() + u.abs())
///     }
///     fn df<A: Scalar>(&self, _u: A, z: A) -> A {
///         let s = A::one() - z.abs();
///         s * s
///     }
/// }
///
/// let model = Sequential::<f32>::builder(784)
///     .add_layer("affine1", Affine::new(100))
///     .add_layer("softsign1", Activation::new(Softsign))
///     .add_layer("affine2", Affine::new(10))
///     .set_output(Softmax)
///     .set_error(CrossEntropy)
///     .build()?;
/// # assert_eq!(model.parameter_count(), 79510);
/// # Ok::<(), manabi::Error>(())
/// ```
pub trait ActFn: Clone + Debug + Send + Sync + 'static {
    /// The name that a model's table shows.
    const NAME: &'static str;

    /// z = f(u).
    fn f<A: Scalar>(&self, u: A) -> A;

    /// f′(u), with z = f(u) at hand.
    fn df<A: Scalar>(&self, u: A, z: A) -> A;

    /// An error if a parameter of the function is out of its range; asked when a model is built.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// An error unless a function's parameter is a finite number.
fn check_finite(parameter: &str, value: f64) -> Result<()> {
    if value.is_finite() { Ok(()) } else { Err(Error::setting(parameter, "a finite number", value)) }
}
