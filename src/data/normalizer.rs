use ndarray::{ArrayView2, ArrayViewMut2, Axis};

use crate::error::{Error, Result, check_finite};
use crate::scalar::Scalar;

/// A shift and a scale, fitted on the training set and applied to any set.
///
/// Formula: x′ = (x − shift) / scale; min-max: shift = min, scale = max − min; z-score: shift = mean, scale = standard
/// deviation (of the population).
///
/// Shapes: x (samples, features). One shift and scale for the whole set, which suits images, or
/// ([`per_feature`](Normalizer::min_max_per_feature)) one for each column, which suits tables.
///
/// Numerics: statistics are computed in `f64`; a scale of 0 (all values equal) is taken as 1, which maps them to 0.
///
/// Errors: no value, or one that is not finite.
///
/// ```
/// use manabi::Normalizer;
/// use ndarray::array;
///
/// let train = array![[1.0, 5.0], [3.0, 5.0]];
/// let mut test = array![[2.0, 6.0]];
/// Normalizer::min_max_per_feature(train.view())?.apply(test.view_mut())?;
/// assert_eq!(test, array![[0.5, 1.0]]);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Normalizer {
    shift: Vec<f64>,
    scale: Vec<f64>,
}

impl Normalizer {
    /// Maps the least value of the whole set to 0 and the greatest to 1.
    pub fn min_max<T: Copy + Into<f64>>(x: ArrayView2<'_, T>) -> Result<Self> {
        check(&x)?;
        Ok(Self::of([min_max(x.iter())]))
    }

    /// Maps the least value of each column to 0 and the greatest to 1.
    pub fn min_max_per_feature<T: Copy + Into<f64>>(x: ArrayView2<'_, T>) -> Result<Self> {
        check(&x)?;
        Ok(Self::of(x.axis_iter(Axis(1)).map(|column| min_max(column.iter()))))
    }

    /// Gives the whole set mean 0 and standard deviation 1.
    pub fn z_score<T: Copy + Into<f64>>(x: ArrayView2<'_, T>) -> Result<Self> {
        check(&x)?;
        Ok(Self::of([mean_std(x.iter())]))
    }

    /// Gives each column mean 0 and standard deviation 1.
    pub fn z_score_per_feature<T: Copy + Into<f64>>(x: ArrayView2<'_, T>) -> Result<Self> {
        check(&x)?;
        Ok(Self::of(x.axis_iter(Axis(1)).map(|column| mean_std(column.iter()))))
    }

    fn of(statistics: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let (shift, scale): (Vec<f64>, Vec<f64>) = statistics.into_iter().unzip();
        Self { shift, scale: scale.into_iter().map(|s| if s == 0.0 { 1.0 } else { s }).collect() }
    }

    /// Normalises an array in place; an error unless it has as many columns as the training set, or the statistics are
    /// of a whole set.
    pub fn apply<A: Scalar>(&self, mut x: ArrayViewMut2<'_, A>) -> Result<()> {
        self.check_width(x.ncols())?;
        for mut row in x.rows_mut() {
            for (x, (shift, scale)) in row.iter_mut().zip(self.columns()) {
                *x = (*x - A::of(shift)) / A::of(scale);
            }
        }
        Ok(())
    }

    /// What is subtracted, for each column: one number where all columns share it.
    pub fn shift(&self) -> &[f64] {
        &self.shift
    }

    /// What the difference is divided by, for each column: one number where all columns share it.
    pub fn scale(&self) -> &[f64] {
        &self.scale
    }

    /// Shift and scale of one column after another, without end where all columns share them.
    pub(super) fn columns(&self) -> impl Iterator<Item = (f64, f64)> {
        let turns = if self.shift.len() == 1 { usize::MAX } else { 1 };
        let pair = || self.shift.iter().copied().zip(self.scale.iter().copied());
        std::iter::repeat_with(pair).take(turns).flatten()
    }

    pub(super) fn check_width(&self, columns: usize) -> Result<()> {
        match self.shift.len() {
            1 => Ok(()),
            n if n == columns => Ok(()),
            n => Err(Error::shape("x", format!("(any, {n}) as in the training set"), &[columns])),
        }
    }
}

fn check<T: Copy + Into<f64>>(x: &ArrayView2<'_, T>) -> Result<()> {
    if x.is_empty() {
        return Err(Error::shape("training set", "(1 or more, 1 or more)", x.shape()));
    }
    check_finite("training set", x.view())
}

fn min_max<'a, T: Copy + Into<f64> + 'a>(values: impl Iterator<Item = &'a T>) -> (f64, f64) {
    let start = (f64::INFINITY, f64::NEG_INFINITY);
    let (min, max) = values.fold(start, |(min, max), &v| (v.into().min(min), v.into().max(max)));
    (min, max - min)
}

/// Welford's update, which loses nothing to a large mean.
fn mean_std<'a, T: Copy + Into<f64> + 'a>(values: impl Iterator<Item = &'a T>) -> (f64, f64) {
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for &value in values {
        let value: f64 = value.into();
        count += 1.0;
        let distance = value - mean;
        mean += distance / count;
        squares += distance * (value - mean);
    }
    (mean, f64::sqrt(squares / count))
}
