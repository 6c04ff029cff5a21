use ndarray::ArrayView2;

use super::classification::argmax;
use crate::output::OutputFunction;
use crate::scalar::Scalar;

/// Loss and accuracy, each the mean over samples.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Metrics {
    /// The mean loss; for a loss with class weights the weighted mean.
    pub loss: f64,
    /// The share of right answers; `None` for outputs that are numbers, not classes.
    ///
    /// After a softmax an answer is right if the greatest output is where the greatest target is (the first of equals);
    /// after a sigmoid each output counts on its own, right if it is on the target's side of ½.
    pub accuracy: Option<f64>,
}

/// Sums of loss and right answers, batch by batch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    rows: usize,
    loss: f64,
    /// What the sum of losses is divided by: the rows, or what they weigh.
    weight: f64,
    right: Option<f64>,
}

impl Tally {
    /// One batch: its sum of losses and what it weighs, and its right answers counted.
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

    pub(crate) fn mean(&self) -> Metrics {
        // Where nothing has a weight the mean is 0, but NaN stays NaN.
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
    let [y, t] = [y, t].map(|array| array.to_slice().expect("a workspace is in standard layout"));
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
