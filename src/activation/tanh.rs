use super::ActFn;
use crate::scalar::Scalar;

/// Tanh.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tanh;

impl ActFn for Tanh {
    const NAME: &'static str = "tanh";
    fn f<A: Scalar>(&self, u: A) -> A {
        u.tanh()
    }
    fn df<A: Scalar>(&self, _u: A, z: A) -> A {
        A::one() - z * z
    }
}
