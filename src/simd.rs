//! One dispatch to the best instruction set found at run time, also for the loops of your own layers.

/// Runs `op` compiled for the widest vectors of this machine, so that the plain loops in it use them.
///
/// Every path computes the same bits: nothing is contracted or reassociated. Write the closure as
/// `#[inline(always)] || …`. It is taken as `FnMut` because calling it as `FnOnce` would go through a shim that is
/// not always inlined, and then the loop would be compiled for the baseline instruction set.
///
/// ```
/// use manabi::simd;
///
/// let (x, mut y) = ([1.0_f32; 100], [0.0; 100]);
/// simd::dispatch(
///     #[inline(always)]
///     || y.iter_mut().zip(&x).for_each(|(y, x)| *y = 2.0 * x),
/// );
/// assert_eq!(y, [2.0; 100]);
/// ```
#[inline]
pub fn dispatch<R>(op: impl FnMut() -> R) -> R {
    pulp::Arch::new().dispatch(Op(op))
}

struct Op<F>(F);

impl<R, F: FnMut() -> R> pulp::WithSimd for Op<F> {
    type Output = R;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(mut self, _: S) -> R {
        (self.0)()
    }
}
