//! One dispatch to the best instruction set found at run time, also for the loops of your own layers.

use std::sync::OnceLock;

use pulp::Arch;

/// Runs `op` compiled for the widest vectors of this machine, so that the plain loops in it use them.
///
/// Every path computes the same bits: nothing is contracted or reassociated. A loop that calls the functions of
/// [`Scalar`](crate::Scalar) should be in here: the baseline set of `x86_64` has none of the fused multiply-adds that they are
/// made of, and calls a library for each. Write the closure as
/// `#[inline(always)] || …` with plain `for` loops in it: what the compiler does not inline into it, such as `for_each`
/// with much to do, is compiled for the baseline instruction set. (So would be a closure taken as `FnOnce`, which is called
/// through a shim; hence `FnMut`.)
///
/// A loop over sin, cos or tan, which read a table, is vectorised where it writes to an array on the stack: the compiler cannot
/// know that a slice is not the table. Copy the array to the slice afterwards, a hundred values or so at a time.
///
/// ```
/// use manabi::simd;
///
/// let (x, mut y) = ([1.0_f32; 100], [0.0; 100]);
/// simd::dispatch(
///     #[inline(always)]
///     || {
///         for (y, x) in y.iter_mut().zip(&x) {
///             *y = 2.0 * x;
///         }
///     },
/// );
/// assert_eq!(y, [2.0; 100]);
/// ```
#[inline]
pub fn dispatch<R>(op: impl FnMut() -> R) -> R {
    arch().dispatch(Op(op))
}

/// The values of a block.
const BLOCK: usize = 128;

/// Writes an array block by block, each first on the stack: there the compiler knows that it is apart from all that is read, also
/// from the table of sines, and makes vector code of the loop.
#[inline(always)]
pub(crate) fn in_blocks<T: Copy + Default>(out: &mut [T], mut write: impl FnMut(usize, &mut [T])) {
    let mut block = [T::default(); BLOCK];
    for (k, out) in out.chunks_mut(BLOCK).enumerate() {
        let block = &mut block[..out.len()];
        write(BLOCK * k, block);
        out.copy_from_slice(block);
    }
}

/// The instruction set in use: `"avx512"`, `"avx2"`, `"neon"` or, for the one that every machine of the family has,
/// `"baseline"`.
///
/// It is the best that the machine has, unless the environment variable `MANABI_SIMD` names a lesser one before the
/// first use. Results are the same bits with each, so the variable is for tests and measurements.
pub fn instruction_set() -> &'static str {
    name(arch())
}

/// The instruction set in use.
#[inline]
pub(crate) fn arch() -> Arch {
    static ARCH: OnceLock<Arch> = OnceLock::new();
    *ARCH.get_or_init(|| {
        let wanted = std::env::var("MANABI_SIMD").unwrap_or_default();
        candidates().into_iter().flatten().find(|&arch| name(arch) == wanted).unwrap_or_default()
    })
}

/// The instruction sets below the best one.
fn candidates() -> [Option<Arch>; 2] {
    #[cfg(target_arch = "x86_64")]
    let wide = pulp::x86::V3::try_new().map(Arch::V3);
    #[cfg(not(target_arch = "x86_64"))]
    let wide = None;
    [Some(Arch::Scalar), wide]
}

fn name(arch: Arch) -> &'static str {
    match arch {
        #[cfg(target_arch = "x86_64")]
        Arch::V4(_) => "avx512",
        #[cfg(target_arch = "x86_64")]
        Arch::V3(_) => "avx2",
        #[cfg(target_arch = "aarch64")]
        Arch::Neon(_) => "neon",
        _ => "baseline",
    }
}

struct Op<F>(F);

impl<R, F: FnMut() -> R> pulp::WithSimd for Op<F> {
    type Output = R;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(mut self, _: S) -> R {
        (self.0)()
    }
}
