use super::ActFn;
use crate::scalar::Scalar;

/// Identity.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Identity;

impl ActFn for Identity {
    const NAME: &'static str = "identity";
    fn f<A: Scalar>(&self, u: A) -> A {
        u
    }
    fn df<A: Scalar>(&self, _u: A, _z: A) -> A {
        A::one()
    }
}
