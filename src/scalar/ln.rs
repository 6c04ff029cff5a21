//! ln x and ln (1 + x) by argument reduction: ln x = k·ln 2 + ln (1 + f), with √½ ≤ 1 + f < √2.

use super::kernel::Kernel;

#[inline(always)]
pub fn ln<A: Kernel>(x: A) -> A {
    let subnormal = x < A::MIN_POSITIVE;
    let (k, f) = A::split(if subnormal { x * A::NORMALIZE.0 } else { x });
    let k = if subnormal { k - A::NORMALIZE.1 } else { k };
    at_ends(x, join(k, f, A::ZERO))
}

#[inline(always)]
pub fn ln_1p<A: Kernel>(x: A) -> A {
    let y = A::ONE + x;
    // The rounding error of y, exactly.
    let lost = if x > A::ONE { A::ONE - (y - x) } else { x - (y - A::ONE) };
    let (k, f) = A::split(y);
    at_ends(y, join(k, f, lost / y)).copysign(x)
}

/// Returns k·ln 2 + ln (1 + f) + c, adding the small terms first.
#[inline(always)]
fn join<A: Kernel>(k: A, f: A, c: A) -> A {
    k.mul_add(A::LN2_HIGH, f - (below(f) - k.mul_add(A::LN2_LOW, c)))
}

/// Returns f − ln (1 + f) for √½ ≤ 1 + f ≤ √2.
///
/// With s = f/(2 + f), ln (1 + f) = 2 artanh s and 2s = f − s·f.
#[inline(always)]
pub fn below<A: Kernel>(f: A) -> A {
    let s = f / (A::TWO + f);
    let z = s * s;
    let half = A::HALF * f * f;
    (-s).mul_add(z.mul_add(A::artanh_tail(z), half), half)
}

#[inline(always)]
fn at_ends<A: Kernel>(x: A, y: A) -> A {
    let y = if x < A::INFINITY { y } else { x };
    let y = if x == A::ZERO { -A::INFINITY } else { y };
    if x < A::ZERO { A::NAN } else { y }
}
