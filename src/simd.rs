//! Run-time dispatch to the best available instruction set, for the crate's loops and for the loops of custom layers.

use std::sync::OnceLock;

use pulp::Arch;

/// Runs `op`, compiled for the widest vectors of this machine so that its plain loops use them.
///
/// Every instruction set computes the same bits: nothing is contracted or reassociated. Loops that call the functions of
/// [`Scalar`](crate::Scalar) should run in this function: those functions consist of fused multiply-adds, which the baseline
/// `x86_64` instruction set lacks and replaces by library calls.
///
/// Write the closure as `#[inline(always)] || …` with plain `for` loops. Code that the compiler does not inline into the
/// closure, such as a `for_each` with a large body, is compiled for the baseline instruction set. `op` is `FnMut` because a
/// closure passed as `FnOnce` is called through a shim and would be compiled for the baseline as well.
///
/// The functions sin, cos and tan read a table. A loop over them vectorises if it writes to an array on the stack, because
/// the compiler cannot know that a slice does not alias the table. Copy the array to the slice afterwards, about a hundred
/// values at a time.
///
/// # Examples
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

/// The number of values in a block.
const BLOCK: usize = 128;

/// Writes an array block by block. Each block is written on the stack first: the compiler knows that the stack array aliases
/// none of the inputs, nor the table of sines, and vectorises the loop.
#[inline(always)]
pub(crate) fn in_blocks<T: Copy + Default>(out: &mut [T], mut write: impl FnMut(usize, &mut [T])) {
    let mut block = [T::default(); BLOCK];
    for (k, out) in out.chunks_mut(BLOCK).enumerate() {
        let block = &mut block[..out.len()];
        write(BLOCK * k, block);
        out.copy_from_slice(block);
    }
}

/// Returns the instruction set in use: `"avx512"`, `"avx2"`, `"neon"`, or `"baseline"`, which every machine of the family
/// supports.
///
/// This is the best instruction set of the machine, unless the environment variable `MANABI_SIMD` names a lesser one before
/// the first use. All instruction sets return the same bits, so the variable is intended for tests and measurements.
pub fn instruction_set() -> &'static str {
    name(arch())
}

/// Returns the instruction set in use.
#[inline]
pub(crate) fn arch() -> Arch {
    static ARCH: OnceLock<Arch> = OnceLock::new();
    *ARCH.get_or_init(|| {
        let wanted = std::env::var("MANABI_SIMD").unwrap_or_default();
        candidates().into_iter().flatten().find(|&arch| name(arch) == wanted).unwrap_or_default()
    })
}

/// Returns the instruction sets below the best one.
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
