//! Numbers: [`Scalar`], which arrays are made of; [`Real`], which functions are written for; [`Dual`], which carries a
//! derivative.

mod bytes;
mod derivative;
mod double;
mod double_mish;
mod dual;
mod element;
mod erf;
mod exp;
mod gamma;
mod hyperbolic;
mod kernel;
mod ln;
mod logistic;
mod pair;
mod power;
mod real;
mod single;
mod single_mish;
mod trigonometric;

use std::fmt::{Display, LowerExp};
use std::iter::Sum;

use ndarray::{LinalgScalar, ScalarOperand};
use num_traits::FromPrimitive;

use bytes::Bytes;
#[cfg(feature = "persistence")]
pub(crate) use bytes::are_finite;
pub use dual::Dual;
pub(crate) use element::Element;
pub use real::Real;

/// A number that arrays are made of: `f32` or `f64`. The trait is sealed: no other type can implement it.
///
/// Its arithmetic and its elementary functions are those of [`Real`].
///
/// ```
/// use manabi::Scalar;
/// use manabi::scalar::Real;
///
/// fn mean<A: Scalar>(values: &[A]) -> A {
///     values.iter().copied().sum::<A>() / A::of(values.len() as f64)
/// }
///
/// assert_eq!(mean(&[1.0_f32, 2.0]), 1.5);
/// ```
pub trait Scalar:
    Sealed + Real + FromPrimitive + LinalgScalar + ScalarOperand + Sum + Display + LowerExp + Default + Into<f64>
{
}

mod sealed {
    /// What the crate itself needs of a number.
    pub trait Sealed: super::Element + super::Bytes {}
}
use sealed::Sealed;

macro_rules! scalar {
    ($t:ty) => {
        impl Sealed for $t {}

        impl Scalar for $t {}
    };
}
scalar!(f32);
scalar!(f64);

/// Returns the greatest power of two that is not above a magnitude, kept within the range of normal numbers: in this unit the
/// magnitude is from 1 to 2, and its square stays in the range. To divide by it loses no digit.
pub(crate) fn unit_of(magnitude: f64) -> f64 {
    let magnitude = magnitude.clamp(f64::MIN_POSITIVE, f64::MAX);
    f64::from_bits(magnitude.to_bits() & f64::INFINITY.to_bits())
}
