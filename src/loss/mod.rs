//! How wrong a prediction is: predictions and targets to the loss and its gradient.

mod binary_cross_entropy;
mod cross_entropy;
mod mean_squared_error;

use std::fmt::Debug;

use ndarray::{ArrayView2, ArrayViewMut2, Zip};

pub use binary_cross_entropy::BinaryCrossEntropy;
pub use cross_entropy::CrossEntropy;
pub use mean_squared_error::MeanSquaredError;

use crate::output::{Link, Output};
use crate::scalar::Scalar;

/// A loss (the article's *error*): [`CrossEntropy`], [`BinaryCrossEntropy`], [`MeanSquaredError`], or your own.
///
/// Arrays are (batch, outputs) in standard layout: the predictions `y`, the targets `t`.
pub trait Loss<A: Scalar>: Debug + Send + Sync {
    /// The name that a model's table shows.
    fn name(&self) -> &str;

    /// Whether the loss makes sense for outputs of this meaning.
    fn accepts(&self, link: Link) -> bool;

    /// The sum over the rows of each row's loss.
    fn sum(&self, y: ArrayView2<'_, A>, t: ArrayView2<'_, A>) -> f64;

    /// Writes the gradient of the mean loss by the logits to `du`.
    ///
    /// A loss that knows its gradient by the logits of this output writes it directly; any other writes the gradient by
    /// `y` and lets [`Output::backward`] turn it.
    fn gradient(
        &self,
        output: &dyn Output<A>,
        y: ArrayView2<'_, A>,
        t: ArrayView2<'_, A>,
        du: ArrayViewMut2<'_, A>,
    );
}

/// (y − t)/n: the gradient by the logits wherever output and loss are made for each other.
fn difference<A: Scalar>(y: ArrayView2<'_, A>, t: ArrayView2<'_, A>, n: usize, du: ArrayViewMut2<'_, A>) {
    let n = A::of(n as f64);
    Zip::from(du).and(y).and(t).for_each(|du, &y, &t| *du = (y - t) / n);
}

/// ln(max(y, 10⁻⁷)), but NaN for NaN.
fn floored_ln(y: f64) -> f64 {
    (if y < 1e-7 { 1e-7 } else { y }).ln()
}
