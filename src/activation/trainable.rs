use std::fmt::Debug;

use crate::error::Result;
use crate::scalar::{Dual, Real};
use crate::settings::check_finite;

/// An activation function z = f(u, p) with a learned parameter p. By default, both derivatives are computed from the function by
/// automatic differentiation.
///
/// [`TrainableActivation`](crate::layer::TrainableActivation) turns it into a layer. The advice on speed and kinks at
/// [`ActFn`](crate::ActFn) applies here too.
///
/// # Examples
///
/// ```
/// use manabi::activation::TrainableActFn;
/// use manabi::layer::TrainableActivation;
/// use manabi::{Real, gradcheck};
/// use ndarray::array;
///
/// /// z = u·(1 + p·tanh u)
/// #[derive(Clone, Debug)]
/// struct Tilted;
///
/// impl TrainableActFn for Tilted {
///     const KIND: &'static str = "tilted";
///     const PARAMETER: &'static str = "tilt";
///     fn start(&self) -> f64 {
///         0.1
///     }
///     #[inline(always)]
///     fn z<R: Real>(u: R, p: R) -> R {
///         u * (R::one() + p * u.tanh())
///     }
/// }
///
/// gradcheck::layer(&TrainableActivation::new(Tilted), array![[-1.0, 0.5, 2.0]].view(), 0)?.assert();
/// # Ok::<(), manabi::Error>(())
/// ```
pub trait TrainableActFn: Clone + Debug + Send + Sync + 'static {
    /// The kind: the unique name of the function in a model's table and in files.
    const KIND: &'static str;

    /// The name of the parameter.
    const PARAMETER: &'static str;

    /// The name of the parameter in files.
    const SAVED_AS: &'static str = Self::PARAMETER;

    /// Returns the initial value of the parameter.
    fn start(&self) -> f64;

    /// Returns z(u, p).
    fn z<R: Real>(u: R, p: R) -> R;

    /// Returns ∂z/∂u, given z = z(u, p).
    #[inline(always)]
    fn dz_du<R: Real>(u: R, p: R, _z: R) -> R {
        Self::z(Dual::variable(u), Dual::constant(p)).derivative()
    }

    /// Returns ∂z/∂p, given z = z(u, p).
    #[inline(always)]
    fn dz_dp<R: Real>(u: R, p: R, _z: R) -> R {
        Self::z(Dual::constant(u), Dual::variable(p)).derivative()
    }

    /// Checks the initial value of the parameter. This method is called when a model is built.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`](crate::Error::Setting) if the initial value is not finite.
    fn check(&self) -> Result<()> {
        check_finite(Self::PARAMETER, self.start())
    }
}
