use std::fmt::Debug;

use crate::error::Result;
use crate::scalar::{Dual, Real};
use crate::settings::check_finite;

/// An activation function z = f(u, p) with a parameter p that is learned. Both derivatives come from the function itself.
///
/// [`TrainableActivation`](crate::layer::TrainableActivation) makes a layer of it. What [`ActFn`](crate::ActFn) says of speed and of
/// kinks holds here too.
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
    /// The kind that a model's table shows, and by which a file knows the function: one that no other has.
    const KIND: &'static str;

    /// The name of the parameter.
    const PARAMETER: &'static str;

    /// The name of the parameter in files.
    const SAVED_AS: &'static str = Self::PARAMETER;

    /// Returns the parameter before training.
    fn start(&self) -> f64;

    /// Returns z(u, p).
    fn z<R: Real>(u: R, p: R) -> R;

    /// Returns ∂z/∂u, with z at hand.
    #[inline(always)]
    fn dz_du<R: Real>(u: R, p: R, _z: R) -> R {
        Self::z(Dual::variable(u), Dual::constant(p)).derivative()
    }

    /// Returns ∂z/∂p, with z at hand.
    #[inline(always)]
    fn dz_dp<R: Real>(u: R, p: R, _z: R) -> R {
        Self::z(Dual::constant(u), Dual::variable(p)).derivative()
    }

    /// An error if the start is out of its range; asked when a model is built.
    fn check(&self) -> Result<()> {
        check_finite(Self::PARAMETER, self.start())
    }
}
