//! The one number bound of the crate.

mod element;

use std::fmt::{Debug, Display, LowerExp};
use std::iter::Sum;

pub(crate) use element::Element;
use ndarray::{LinalgScalar, ScalarOperand};
use num_traits::float::FloatCore;
use num_traits::{Float, FromPrimitive, NumAssign};

/// `f32` or `f64`.
pub trait Scalar:
    Element
    + FloatCore
    + NumAssign
    + FromPrimitive
    + LinalgScalar
    + ScalarOperand
    + Sum
    + Debug
    + Display
    + LowerExp
    + Default
    + Into<f64>
    + Send
    + Sync
    + 'static
{
    /// The nearest value to `x`.
    fn of(x: f64) -> Self;
    /// The same value as `f64`.
    fn widen(self) -> f64;
    /// √x, correctly rounded.
    fn sqrt(self) -> Self;
    /// eˣ.
    fn exp(self) -> Self;
    /// eˣ − 1.
    fn exp_m1(self) -> Self;
    /// ln x.
    fn ln(self) -> Self;
    /// ln (1 + x).
    fn ln_1p(self) -> Self;
    /// 1 / (1 + e⁻ˣ).
    fn sigmoid(self) -> Self;
    /// tanh x.
    fn tanh(self) -> Self;
    /// ln (1 + eˣ).
    fn softplus(self) -> Self;
}

macro_rules! scalar {
    ($t:ty) => {
        impl Scalar for $t {
            fn of(x: f64) -> Self {
                x as $t
            }
            fn widen(self) -> f64 {
                self.into()
            }
            fn sqrt(self) -> Self {
                Float::sqrt(self)
            }
            fn exp(self) -> Self {
                Float::exp(self)
            }
            fn exp_m1(self) -> Self {
                Float::exp_m1(self)
            }
            fn ln(self) -> Self {
                Float::ln(self)
            }
            fn ln_1p(self) -> Self {
                Float::ln_1p(self)
            }
            fn sigmoid(self) -> Self {
                let e = Float::exp(-Float::abs(self));
                if self < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
            }
            fn tanh(self) -> Self {
                Float::tanh(self)
            }
            fn softplus(self) -> Self {
                Float::max(self, 0.0) + Float::ln_1p(Float::exp(-Float::abs(self)))
            }
        }
    };
}
scalar!(f32);
scalar!(f64);
