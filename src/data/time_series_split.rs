use super::k_fold::Pair;
use super::{Dataset, Subset};
use crate::error::{Error, Result};
use crate::scalar::Scalar;

/// The chronological division of a data set for cross-validation: every part is held out from a model that was trained on earlier
/// samples only.
///
/// Formula: with n samples in chronological order, k folds and h = ⌊n/(k + 1)⌋, fold i (from 0) holds out the h samples that
/// begin at n − (k − i)·h. Its training part consists of the samples before these, without the last
/// [`gap`](TimeSeriesSplit::gap), or of the last [`most`](TimeSeriesSplit::most) of them.
///
/// Both parts are views with their rows in ascending order.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `folds` | the number of held-out parts | none | 1 to n − 1 |
/// | [`gap`](TimeSeriesSplit::gap) | samples between the two parts | 0 | leaves at least one sample for training |
/// | [`most`](TimeSeriesSplit::most) | the maximum number of training samples | all earlier ones | 1 or more |
///
/// # Source
///
/// scikit-learn's `TimeSeriesSplit`.
///
/// # Examples
///
/// ```
/// use manabi::data::TimeSeriesSplit;
/// use manabi::Samples;
/// use ndarray::Array2;
///
/// let data = Samples::new(Array2::<f64>::zeros((7, 1)), Array2::zeros((7, 1)))?;
/// let folds = TimeSeriesSplit::new(2).split(&data)?;
/// let rows: Vec<_> = folds.iter().map(|(train, validation)| (train.rows(), validation.rows())).collect();
/// assert_eq!(rows, [(&[0, 1, 2][..], &[3, 4][..]), (&[0, 1, 2, 3, 4], &[5, 6])]);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("chronological split", "walk-forward"))]
pub struct TimeSeriesSplit {
    folds: usize,
    gap: usize,
    most: usize,
}

impl TimeSeriesSplit {
    /// Creates a division with this number of held-out parts.
    pub fn new(folds: usize) -> Self {
        Self { folds, gap: 0, most: usize::MAX }
    }

    /// Sets the number of samples to leave out between the two parts, for example if a target looks several samples ahead.
    pub fn gap(self, gap: usize) -> Self {
        Self { gap, ..self }
    }

    /// Sets the maximum number of training samples.
    pub fn most(self, most: usize) -> Self {
        Self { most, ..self }
    }

    /// Returns the training part and the held-out part of every fold, from the earliest to the latest.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`] if a number is out of range.
    #[inline(never)]
    pub fn split<'a, A: Scalar>(&self, data: &'a dyn Dataset<A>) -> Result<Vec<Pair<'a, A>>> {
        let Self { folds, gap, most } = *self;
        let samples = data.len();
        if folds == 0 || folds >= samples {
            return Err(Error::setting("folds", format!("1 to {}", samples.saturating_sub(1)), folds));
        }
        let held_out = samples / (folds + 1);
        let first = samples - folds * held_out;
        if gap >= first {
            return Err(Error::setting(
                "gap",
                format!("below {first}, the samples before the first fold"),
                gap,
            ));
        }
        if most == 0 {
            return Err(Error::setting("most", "at least 1", most));
        }
        let pair = |fold: usize| {
            let (start, end) = (first + fold * held_out, first + fold * held_out - gap);
            let train = Subset::new(data, (end.saturating_sub(most)..end).collect())?;
            Ok((train, Subset::new(data, (start..start + held_out).collect())?))
        };
        (0..folds).map(pair).collect()
    }
}
