use super::ActFn;
use crate::scalar::Scalar;

/// Sigmoid.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sigmoid;

impl ActFn for Sigmoid {
    const NAME: &'static str = "sigmoid";
    fn f<A: Scalar>(&self, u: A) -> A {
        u.sigmoid()
    }
    fn df<A: Scalar>(&self, _u: A, z: A) -> A {
        z * (A::one() - z)
    }
}
