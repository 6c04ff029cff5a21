//! One dispatch to the best instruction set found at run time.

/// Runs `op` compiled for the widest vectors of this machine, so that the plain loops in it use them.
///
/// Every path computes the same bits: nothing is contracted or reassociated.
#[inline]
pub fn dispatch<R>(op: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(op)
}
