use super::ActFn;
use crate::scalar::Scalar;

/// Relu.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Relu;

impl ActFn for Relu {
    const NAME: &'static str = "relu";
    fn f<A: Scalar>(&self, u: A) -> A {
        if u < A::zero() { A::zero() } else { u }
    }
    fn df<A: Scalar>(&self, u: A, _z: A) -> A {
        if u > A::zero() { A::one() } else { A::zero() }
    }
}
