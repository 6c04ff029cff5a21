//! The error function.

use super::exp::exp;
use super::kernel::Kernel;

/// A polynomial near 0, and beyond 1 from the other end: erf x = 1 − e^(−x²)·t·P(t), t = 1/(1 + x/2).
#[inline(always)]
pub fn erf<A: Kernel>(x: A) -> A {
    let w = x.abs();
    let z = w * w;
    let near = x + x * A::erf_head(z);
    let t = A::ONE / (A::ONE + A::HALF * w);
    let far = A::ONE - exp(-z) * (t * A::erfc_tail(t));
    if w < A::ONE { near } else { far.copysign(x) }
}
