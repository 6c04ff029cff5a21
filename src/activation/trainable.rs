use std::fmt::Debug;

use crate::error::Result;
use crate::scalar::Scalar;
use crate::settings::check_finite;

/// An activation function with a parameter p that is learned: z(u, p) and both its derivatives, for one number at a time.
///
/// [`TrainableActivation`](crate::layer::TrainableActivation) makes a layer of it; everything said of
/// [`ActFn`](crate::ActFn) holds here too.
///
/// ```
/// use manabi::activation::TrainableActFn;
/// use manabi::layer::TrainableActivation;
/// use manabi::{Scalar, gradcheck};
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
///     fn z<A: Scalar>(u: A, p: A) -> A {
///         u * (A::one() + p * u.tanh())
///     }
///     #[inline(always)]
///     fn dz_du<A: Scalar>(u: A, p: A, _z: A) -> A {
///         A::one() + p * (u.tanh() + u * u.tanh_derivative())
///     }
///     #[inline(always)]
///     fn dz_dp<A: Scalar>(u: A, _p: A, _z: A) -> A {
///         u * u.tanh()
///     }
/// }
///
/// gradcheck::layer(&TrainableActivation::new(Tilted), array![[-1.0, 0.5, 2.0]].view(), 0)?.assert();
/// # Ok::<(), manabi::Error>(())
/// ```
pub trait TrainableActFn: Clone + Debug + Send + Sync + 'static {
    /// The name that a model's table shows, and by which a file knows the function: one that no other has.
    const KIND: &'static str;

    /// The name of the parameter.
    const PARAMETER: &'static str;

    /// The name of the parameter in files.
    const SAVED_AS: &'static str = Self::PARAMETER;

    /// What the parameter is before training.
    fn start(&self) -> f64;

    /// z(u, p).
    fn z<A: Scalar>(u: A, p: A) -> A;

    /// ∂z/∂u, with z at hand.
    fn dz_du<A: Scalar>(u: A, p: A, z: A) -> A;

    /// ∂z/∂p, with z at hand.
    fn dz_dp<A: Scalar>(u: A, p: A, z: A) -> A;

    /// An error if the start is out of its range; asked when a model is built.
    fn check(&self) -> Result<()> {
        check_finite(Self::PARAMETER, self.start())
    }
}
