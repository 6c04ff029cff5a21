//! How wrong a prediction is: predictions and targets to the loss and its gradient.

mod binary_cross_entropy;
mod cross_entropy;
mod mean_squared_error;

use std::fmt::Debug;

use ndarray::{ArrayView1, ArrayView2, ArrayViewMut2, Zip};

pub use binary_cross_entropy::BinaryCrossEntropy;
pub use cross_entropy::CrossEntropy;
pub use mean_squared_error::MeanSquaredError;

use crate::error::{Error, Result};
use crate::output::{Link, Output};
use crate::scalar::Scalar;
use crate::settings::{Settings, of_no_fields};

/// A loss (the article's *error*): [`CrossEntropy`], [`BinaryCrossEntropy`], [`MeanSquaredError`], or your own.
///
/// Arrays are (batch, outputs) in standard layout: the predictions `y`, the targets `t`. All arrays of one call have the
/// same shape; whoever calls a loss sees to that.
///
/// ```
/// use manabi::{Link, Loss, Output, Scalar};
/// use ndarray::{ArrayView2, ArrayViewMut2, Zip};
///
/// /// The sum over the outputs of ln cosh(y − t), between squared and absolute error.
/// #[derive(Debug)]
/// struct LogCosh;
///
/// impl<A: Scalar> Loss<A> for LogCosh {
///     fn name(&self) -> &str {
///         "log_cosh"
///     }
///     fn accepts(&self, _: Link) -> bool {
///         true
///     }
///     fn sum(&self, y: ArrayView2<'_, A>, t: ArrayView2<'_, A>) -> f64 {
///         y.iter().zip(t).map(|(&y, &t)| (y - t).widen().cosh().ln()).sum()
///     }
///     fn gradient(
///         &self,
///         output: &dyn Output<A>,
///         y: ArrayView2<'_, A>,
///         t: ArrayView2<'_, A>,
///         mut du: ArrayViewMut2<'_, A>,
///     ) {
///         let rows = A::of(y.nrows() as f64);
///         Zip::from(&mut du).and(y).and(t).for_each(|du, &y, &t| *du = (y - t).tanh() / rows);
///         output.backward(y, du);
///     }
/// }
/// ```
pub trait Loss<A: Scalar>: Debug + Send + Sync {
    /// The name that a model's table shows.
    fn name(&self) -> &str;

    /// Whether the loss makes sense for outputs of this meaning.
    fn accepts(&self, link: Link) -> bool;

    /// An error if the loss makes no sense for these targets; asked for every batch.
    fn check(&self, _t: ArrayView2<'_, A>) -> Result<()> {
        Ok(())
    }

    /// What a saved model says of the loss, for a registry to make it again; `None` if it does not tell.
    ///
    /// A loss without fields has nothing to say, and one with fields says nothing unless it implements this.
    fn settings(&self) -> Option<Settings> {
        of_no_fields(self)
    }

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

/// An error that names the first row of targets which `is_right` does not accept.
fn check_rows<A: Scalar>(
    t: ArrayView2<'_, A>,
    expected: &str,
    is_right: impl Fn(ArrayView1<'_, A>) -> bool,
) -> Result<()> {
    match t.rows().into_iter().position(|row| !is_right(row)) {
        Some(row) => Err(Error::setting(format!("targets in row {row} of the batch"), expected, t.row(row))),
        None => Ok(()),
    }
}
