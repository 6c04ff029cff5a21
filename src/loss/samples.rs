//! The weights of samples: a loss and its gradient as a weighted mean over rows.

use ndarray::{ArrayView2, ArrayViewMut2, Axis};

use super::Loss;
use crate::scalar::Scalar;

/// Returns the sum of the losses of all rows and the divisor, both with a weight for each row.
pub(crate) fn weighted_sums<A: Scalar>(
    loss: &dyn Loss<A>,
    [u, y, t]: [ArrayView2<'_, A>; 3],
    weights: &[f64],
) -> (f64, f64) {
    let row_sums = weights.iter().enumerate().map(|(i, weight)| {
        let [u, y, t] = [u, y, t].map(|array| row(array, i));
        weight * loss.sum_from_logits(u, y, t)
    });
    (row_sums.sum(), weighted_divisor(loss, t, weights))
}

/// Turns the gradient of the mean loss into the gradient of the weighted mean.
pub(crate) fn weigh_gradient<A: Scalar>(
    loss: &dyn Loss<A>,
    t: ArrayView2<'_, A>,
    weights: &[f64],
    mut du: ArrayViewMut2<'_, A>,
) {
    let (before, after) = (loss.weight(t), weighted_divisor(loss, t, weights));
    for (mut du, weight) in du.rows_mut().into_iter().zip(weights) {
        let scale = A::of(if after == 0.0 { 0.0 } else { weight * (before / after) });
        du.iter_mut().for_each(|du| *du *= scale);
    }
}

fn weighted_divisor<A: Scalar>(loss: &dyn Loss<A>, t: ArrayView2<'_, A>, weights: &[f64]) -> f64 {
    weights.iter().enumerate().map(|(i, weight)| weight * loss.weight(row(t, i))).sum()
}

/// Returns one row as a batch.
fn row<A>(array: ArrayView2<'_, A>, i: usize) -> ArrayView2<'_, A> {
    array.split_at(Axis(0), i).1.split_at(Axis(0), 1).0
}
