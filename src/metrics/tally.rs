use ndarray::ArrayView2;

use super::classification::argmax;
use crate::loss::{Loss, weighted_sums};
use crate::output::OutputFunction;
use crate::scalar::Scalar;

/// The loss and the accuracy, each as the mean over samples. If the data set has
/// [weights](crate::data::Dataset::weight), both are weighted means.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Metrics {
    /// The mean loss. For a loss with class weights, this is the weighted mean.
    pub loss: f64,
    /// The share of correct predictions, or `None` if the output function is neither softmax nor sigmoid.
    ///
    /// A row of softmax outputs is correct if its greatest output has the index of the greatest target. If several are equal, the
    /// first counts as the greatest. Sigmoid outputs count separately; each is correct if it is on the same side of ½ as its
    /// target.
    pub accuracy: Option<f64>,
}

/// The sums of the losses and of the correct predictions over batches.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    rows: usize,
    loss: f64,
    /// The divisor that turns the sum of losses into a mean: the number of rows, or their total weight.
    weight: f64,
    /// The number of samples, or their total weight.
    samples: f64,
    right: Option<f64>,
}

/// The numbers that describe a tally in a message.
pub(crate) type TallyNumbers = [f64; 5];

impl Tally {
    /// Creates the tally of one batch from its logits, predictions, targets and the weights of its samples, if any.
    pub(crate) fn of<A: Scalar>(
        loss: &dyn Loss<A>,
        function: OutputFunction,
        [u, y, t]: [ArrayView2<'_, A>; 3],
        weights: Option<&[f64]>,
    ) -> Self {
        let rows = y.nrows();
        let right = right_answers(function, y, t, |row| weights.map_or(1.0, |weights| weights[row]));
        let (samples, (loss, weight)) = match weights {
            Some(weights) => (weights.iter().sum(), weighted_sums(loss, [u, y, t], weights)),
            None => (rows as f64, (loss.sum_from_logits(u, y, t), loss.weight(t))),
        };
        Self { rows, loss, weight, samples, right }
    }

    pub(crate) fn add(&mut self, batch: Self) {
        let before = if self.rows == 0 { Some(0.0) } else { self.right };
        self.right = before.zip(batch.right).map(|(a, b)| a + b);
        self.rows += batch.rows;
        self.loss += batch.loss;
        self.weight += batch.weight;
        self.samples += batch.samples;
    }

    /// Returns the share of the later of two tallies in the sum of their weights and in the sum of their rows. Without weight,
    /// the share is 0.
    pub(crate) fn shares(&self, later: &Self) -> (f64, f64) {
        let share = |a: f64, b: f64| if a + b == 0.0 { 0.0 } else { b / (a + b) };
        (share(self.weight, later.weight), share(self.rows as f64, later.rows as f64))
    }

    /// Returns the tally as numbers for a message. NaN stands for a missing count of correct predictions.
    pub(crate) fn to_numbers(self) -> TallyNumbers {
        [self.rows as f64, self.loss, self.weight, self.samples, self.right.unwrap_or(f64::NAN)]
    }

    /// Returns the tally that [`to_numbers`](Tally::to_numbers) described.
    pub(crate) fn from_numbers([rows, loss, weight, samples, right]: TallyNumbers) -> Self {
        let right = Some(right).filter(|right| !right.is_nan());
        Self { rows: rows as usize, loss, weight, samples, right }
    }

    pub(crate) fn mean(&self) -> Metrics {
        // If the total weight is 0, the mean is 0. NaN stays NaN.
        let mean = |sum: f64, weight: f64| if weight == 0.0 { 0.0 * sum } else { sum / weight };
        let accuracy = self.right.map(|right| mean(right, self.samples));
        Metrics { loss: mean(self.loss, self.weight), accuracy }
    }
}

/// Returns the sum of the weights of the rows with correct predictions. Several sigmoid outputs of a row have equal shares in it.
fn right_answers<A: Scalar>(
    function: OutputFunction,
    y: ArrayView2<'_, A>,
    t: ArrayView2<'_, A>,
    weight: impl Fn(usize) -> f64,
) -> Option<f64> {
    let columns = y.ncols();
    let [y, t] = [y, t].map(|array| array.to_slice().expect("the array is in standard layout"));
    let rows = y.chunks_exact(columns).zip(t.chunks_exact(columns)).enumerate();
    match function {
        OutputFunction::Softmax => {
            Some(rows.filter(|(_, (y, t))| argmax(y) == argmax(t)).map(|(row, _)| weight(row)).sum())
        }
        OutputFunction::Sigmoid => {
            let half = A::of(0.5);
            let right =
                |y: &[A], t: &[A]| y.iter().zip(t).filter(|&(&y, &t)| (y >= half) == (t >= half)).count();
            let sum: f64 = rows.map(|(row, (y, t))| weight(row) * right(y, t) as f64).sum();
            Some(sum / columns as f64)
        }
        _ => None,
    }
}
