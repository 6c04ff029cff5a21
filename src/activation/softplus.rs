use super::ActFn;
use crate::scalar::Scalar;

/// Softplus.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Softplus;

impl ActFn for Softplus {
    const NAME: &'static str = "softplus";
    fn f<A: Scalar>(&self, u: A) -> A {
        u.softplus()
    }
    fn df<A: Scalar>(&self, u: A, _z: A) -> A {
        u.sigmoid()
    }
}
