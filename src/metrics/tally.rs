use ndarray::ArrayView2;

use super::classification::argmax;
use crate::output::OutputFunction;
use crate::scalar::Scalar;

/// The loss and the accuracy, each as the mean over samples.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Metrics {
    /// The mean loss. For a loss with class weights, this is the weighted mean.
    pub loss: f64,
    /// The share of correct predictions, or `None` if the output function is neither softmax nor sigmoid.
    ///
    /// A row of softmax outputs is correct if its greatest output has the index of the greatest target. If several are equal, the first
    /// counts as the greatest. Sigmoid outputs count separately; each is correct if it is on the same side of ½ as its target.
    pub accuracy: Option<f64>,
}

/// The sums of the losses and of the correct predictions over batches.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    rows: usize,
    loss: f64,
    /// The divisor that turns the sum of losses into a mean: the number of rows, or their total weight.
    weight: f64,
    right: Option<f64>,
}

impl Tally {
    /// Creates the tally of one batch from its sum of losses and its weight, and counts its correct predictions.
    pub(crate) fn of<A: Scalar>(
        loss: f64,
        weight: f64,
        function: OutputFunction,
        y: ArrayView2<'_, A>,
        t: ArrayView2<'_, A>,
    ) -> Self {
        Self { rows: y.nrows(), loss, weight, right: right_answers(function, y, t) }
    }

    pub(crate) fn add(&mut self, batch: Self) {
        let before = if self.rows == 0 { Some(0.0) } else { self.right };
        self.right = before.zip(batch.right).map(|(a, b)| a + b);
        self.rows += batch.rows;
        self.loss += batch.loss;
        self.weight += batch.weight;
    }

    /// Returns the share of the later of two tallies in the sum of their weights and in the sum of their rows. Without weight,
    /// the share is 0.
    pub(crate) fn shares(&self, later: &Self) -> (f64, f64) {
        let share = |a: f64, b: f64| if a + b == 0.0 { 0.0 } else { b / (a + b) };
        (share(self.weight, later.weight), share(self.rows as f64, later.rows as f64))
    }

    /// Returns the tally as numbers for a message. NaN stands for a missing count of correct predictions.
    pub(crate) fn to_numbers(self) -> [f64; 4] {
        [self.rows as f64, self.loss, self.weight, self.right.unwrap_or(f64::NAN)]
    }

    /// Returns the tally that [`to_numbers`](Tally::to_numbers) described.
    pub(crate) fn from_numbers([rows, loss, weight, right]: [f64; 4]) -> Self {
        Self { rows: rows as usize, loss, weight, right: Some(right).filter(|right| !right.is_nan()) }
    }

    pub(crate) fn mean(&self) -> Metrics {
        // If the total weight is 0, the mean is 0. NaN stays NaN.
        let loss = if self.weight == 0.0 { 0.0 * self.loss } else { self.loss / self.weight };
        Metrics { loss, accuracy: self.right.map(|right| right / self.rows as f64) }
    }
}

fn right_answers<A: Scalar>(
    function: OutputFunction,
    y: ArrayView2<'_, A>,
    t: ArrayView2<'_, A>,
) -> Option<f64> {
    let columns = y.ncols();
    let [y, t] = [y, t].map(|array| array.to_slice().expect("the array is in standard layout"));
    match function {
        OutputFunction::Softmax => {
            let rows = y.chunks_exact(columns).zip(t.chunks_exact(columns));
            Some(rows.filter(|(y, t)| argmax(y) == argmax(t)).count() as f64)
        }
        OutputFunction::Sigmoid => {
            let half = A::of(0.5);
            let right = y.iter().zip(t).filter(|&(&y, &t)| (y >= half) == (t >= half)).count();
            Some(right as f64 / columns as f64)
        }
        _ => None,
    }
}
