//! The matrix products: all of them pass through here, so that the engine beneath can change.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};

use crate::scalar::Scalar;

/// C = A·B, plus `start` in every row where it is given.
///
/// Shapes: A (m, k), B (k, n), C (m, n), `start` (n).
pub fn matmul<A: Scalar>(
    a: ArrayView2<'_, A>,
    b: ArrayView2<'_, A>,
    start: Option<&[A]>,
    mut c: ArrayViewMut2<'_, A>,
) {
    let beta = match start {
        Some(row) => {
            c.rows_mut().into_iter().for_each(|mut c| c.iter_mut().zip(row).for_each(|(c, &r)| *c = r));
            A::one()
        }
        None => A::zero(),
    };
    general_mat_mul(A::one(), &a, &b, beta, &mut c);
}

/// The sums of the columns of `a`, added from the first row to the last.
///
/// Shapes: `a` (m, n), `sums` (n).
pub fn column_sums<A: Scalar>(a: ArrayView2<'_, A>, sums: &mut [A]) {
    sums.fill(A::zero());
    for row in a.rows() {
        sums.iter_mut().zip(row).for_each(|(sum, &a)| *sum += a);
    }
}
