//! The values computed by the crate.

use manabi::activation::{Gelu as GeluFn, Sigmoid as SigmoidFn, Softplus as SoftplusFn, Tanh as TanhFn};
use manabi::{ActFn, Mish as MishFn, Real, Scalar, Swish as SwishFn};

use super::Function::{self, *};

/// Returns the value of `function` at u.
#[inline(always)]
pub fn computed<A: Scalar>(function: Function, u: A) -> A {
    fn both<A: Scalar>(f: impl ActFn, u: A, derivative: bool) -> A {
        let z = f.f(u);
        if derivative { f.df(u, z) } else { z }
    }
    match function {
        Sigmoid => both(SigmoidFn, u, false),
        Tanh => both(TanhFn, u, false),
        Softplus => both(SoftplusFn::default(), u, false),
        Swish(beta) => both(SwishFn::new(beta), u, false),
        Mish => both(MishFn, u, false),
        SigmoidDerivative => both(SigmoidFn, u, true),
        TanhDerivative => both(TanhFn, u, true),
        SoftplusDerivative => both(SoftplusFn::default(), u, true),
        SwishDerivative(beta) => both(SwishFn::new(beta), u, true),
        MishDerivative => both(MishFn, u, true),
        Exp => Real::exp(u),
        ExpM1 => Real::exp_m1(u),
        Ln => Real::ln(u),
        Ln1p => Real::ln_1p(u),
        Erf => Real::erf(u),
        Erfc => u.erfc(),
        NormalCdf => u.normal_cdf(),
        Gelu => both(GeluFn, u, false),
        GeluDerivative => both(GeluFn, u, true),
    }
}
