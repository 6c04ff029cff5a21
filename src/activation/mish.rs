use super::ActFn;
use crate::scalar::Scalar;

/// Mish.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mish;

impl ActFn for Mish {
    const NAME: &'static str = "mish";
    fn f<A: Scalar>(&self, u: A) -> A {
        u * u.softplus().tanh()
    }
    fn df<A: Scalar>(&self, u: A, _z: A) -> A {
        let t = u.softplus().tanh();
        t + u * (A::one() - t * t) * u.sigmoid()
    }
}
