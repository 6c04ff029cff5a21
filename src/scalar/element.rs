//! The SIMD operations that the kernels need on `f32` and `f64`.

use pulp::Simd;

/// A floating-point type that fills the lanes of a SIMD register.
///
/// Every product is computed by the fused [`mul_add`](Element::mul_add), so a sum has the same bits whether it is computed in
/// one lane or in sixteen.
pub trait Element: Copy + Send + Sync + 'static {
    /// A register of values of this type.
    type Vector<S: Simd>: Copy;
    /// Zero, the initial value of a sum and the padding of a panel.
    const ZERO: Self;
    /// One, the factor that turns a fused multiply-add into an addition.
    const ONE: Self;

    /// Returns the number of values in a register.
    #[inline(always)]
    fn lanes<S: Simd>() -> usize {
        const { size_of::<Self::Vector<S>>() / size_of::<Self>() }
    }

    /// Returns a register with `x` in every lane.
    fn splat<S: Simd>(simd: S, x: Self) -> Self::Vector<S>;
    /// Returns `a·b + c` with a single rounding.
    fn mul_add<S: Simd>(
        simd: S,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
        c: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// Returns `a·b + c` of single values, with a single rounding.
    fn fused(a: Self, b: Self, c: Self) -> Self;
    /// Loads a register from a slice, which may be shorter, and sets the remaining lanes to zero.
    fn load<S: Simd>(simd: S, from: &[Self]) -> Self::Vector<S>;
    /// Returns the value in the first lane.
    #[inline(always)]
    fn first<S: Simd>(simd: S, v: Self::Vector<S>) -> Self {
        let mut first = [Self::ZERO];
        Self::store(simd, &mut first, v);
        first[0]
    }
    /// Stores the first lanes, one for each element of the slice.
    fn store<S: Simd>(simd: S, to: &mut [Self], v: Self::Vector<S>);
    /// Splits a slice into whole registers and the remaining elements.
    fn vectors<S: Simd>(slice: &[Self]) -> (&[Self::Vector<S>], &[Self]);
    /// Splits a mutable slice into whole registers and the remaining elements.
    fn vectors_mut<S: Simd>(slice: &mut [Self]) -> (&mut [Self::Vector<S>], &mut [Self]);
}

macro_rules! element {
    ($t:ty, $v:ident, $splat:ident, $mul_add:ident, $load:ident, $store:ident, $split:ident, $split_mut:ident) => {
        impl Element for $t {
            type Vector<S: Simd> = S::$v;
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;

            #[inline(always)]
            fn splat<S: Simd>(simd: S, x: Self) -> S::$v {
                simd.$splat(x)
            }
            #[inline(always)]
            fn mul_add<S: Simd>(simd: S, a: S::$v, b: S::$v, c: S::$v) -> S::$v {
                simd.$mul_add(a, b, c)
            }
            #[inline(always)]
            fn fused(a: Self, b: Self, c: Self) -> Self {
                a.mul_add(b, c)
            }
            #[inline(always)]
            fn load<S: Simd>(simd: S, from: &[Self]) -> S::$v {
                simd.$load(from)
            }
            #[inline(always)]
            fn store<S: Simd>(simd: S, to: &mut [Self], v: S::$v) {
                simd.$store(to, v)
            }
            #[inline(always)]
            fn vectors<S: Simd>(slice: &[Self]) -> (&[S::$v], &[Self]) {
                S::$split(slice)
            }
            #[inline(always)]
            fn vectors_mut<S: Simd>(slice: &mut [Self]) -> (&mut [S::$v], &mut [Self]) {
                S::$split_mut(slice)
            }
        }
    };
}

element!(
    f32,
    f32s,
    splat_f32s,
    mul_add_f32s,
    partial_load_f32s,
    partial_store_f32s,
    as_simd_f32s,
    as_mut_simd_f32s
);
element!(
    f64,
    f64s,
    splat_f64s,
    mul_add_f64s,
    partial_load_f64s,
    partial_store_f64s,
    as_simd_f64s,
    as_mut_simd_f64s
);
