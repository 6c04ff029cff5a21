//! Scalar types: [`Scalar`], the element type of arrays; [`Real`], the type that functions are generic over; [`Dual`], a
//! value with its derivative.

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
pub(crate) mod precision;
mod real;
mod single;
mod single_mish;
mod trigonometric;

use std::fmt::{Display, LowerExp};
use std::iter::Sum;

use ndarray::{LinalgScalar, ScalarOperand};
use num_traits::FromPrimitive;

pub(crate) use bytes::Bytes;
#[cfg(feature = "persistence")]
pub(crate) use bytes::are_finite;
pub use dual::Dual;
pub(crate) use element::Element;
#[cfg(feature = "persistence")]
pub(crate) use precision::Precision;
#[cfg(feature = "onnx")]
pub(crate) use precision::{f32_of_bf16, f32_of_f16};
pub use real::Real;

/// The element type of arrays: `f32` or `f64`.
///
/// This trait is sealed: no other type can implement it. Its arithmetic and its elementary functions come from [`Real`].
///
/// # Examples
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
    /// The operations on a scalar type that only the crate itself uses.
    pub trait Sealed: super::Element + super::Bytes + bytemuck::Pod {}
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

/// Returns the largest power of two that does not exceed `magnitude`, clamped to the normal range. In this unit the magnitude
/// is between 1 and 2, so its square neither overflows nor underflows. Dividing by the unit loses no digits.
pub(crate) fn unit_of(magnitude: f64) -> f64 {
    let magnitude = magnitude.clamp(f64::MIN_POSITIVE, f64::MAX);
    f64::from_bits(magnitude.to_bits() & f64::INFINITY.to_bits())
}
