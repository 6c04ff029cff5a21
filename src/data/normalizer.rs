use ndarray::{ArrayView2, ArrayViewMut2};

use crate::error::{Error, Result, check_finite};
use crate::scalar::Scalar;

/// A shift and a scale, fitted on the training set and applied to any set.
///
/// Formula: x′ = (x − shift) / scale; min-max: shift = min, scale = max − min; z-score: shift = mean, scale = standard
/// deviation (of the population).
///
/// Shapes: x (samples, features). One shift and scale for the whole set, which suits images, or
/// ([`min_max_per_feature`](Normalizer::min_max_per_feature)) one for each column, which suits tables.
///
/// Numerics: statistics are computed in `f64`; a scale of 0 (all values equal) is taken as 1, which maps them to 0.
///
/// Errors: no value, one that is not finite, or a spread beyond the range of `f64`.
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
    /// Of every column, or the one pair of all.
    statistics: Vec<(f64, f64)>,
    per_feature: bool,
}

impl Normalizer {
    /// Maps the least value of the whole set to 0 and the greatest to 1.
    #[inline(never)]
    pub fn min_max<T: Copy + Into<f64>>(x: ArrayView2<'_, T>) -> Result<Self> {
        Self::of([min_max(check(&x)?.iter())], false)
    }

    /// Maps the least value of each column to 0 and the greatest to 1.
    #[inline(never)]
    pub fn min_max_per_feature<T: Copy + Into<f64>>(x: ArrayView2<'_, T>) -> Result<Self> {
        Self::of(check(&x)?.columns().into_iter().map(|column| min_max(column.iter())), true)
    }

    /// Gives the whole set mean 0 and standard deviation 1.
    #[inline(never)]
    pub fn z_score<T: Copy + Into<f64>>(x: ArrayView2<'_, T>) -> Result<Self> {
        Self::of([mean_std(check(&x)?.iter())], false)
    }

    /// Gives each column mean 0 and standard deviation 1.
    #[inline(never)]
    pub fn z_score_per_feature<T: Copy + Into<f64>>(x: ArrayView2<'_, T>) -> Result<Self> {
        Self::of(check(&x)?.columns().into_iter().map(|column| mean_std(column.iter())), true)
    }

    fn of(statistics: impl IntoIterator<Item = (f64, f64)>, per_feature: bool) -> Result<Self> {
        let no_spread_is_1 = |(shift, scale)| (shift, if scale == 0.0 { 1.0 } else { scale });
        let statistics: Vec<(f64, f64)> = statistics.into_iter().map(no_spread_is_1).collect();
        match statistics.iter().find(|(shift, scale)| !(shift.is_finite() && scale.is_finite())) {
            Some((_, scale)) => Err(Error::setting("spread of the training set", "a finite number", scale)),
            None => Ok(Self { statistics, per_feature }),
        }
    }

    /// Normalises an array in place; an error, and nothing changed, unless it is as wide as the training set was (where
    /// statistics are per feature) and all its numbers are finite, before and after.
    #[inline(never)]
    pub fn apply<A: Scalar>(&self, mut x: ArrayViewMut2<'_, A>) -> Result<()> {
        let columns = self.columns::<A>(x.ncols())?;
        check_finite("x", x.view())?;
        let normalised = |x: A, &(shift, scale): &(A, A)| (x - shift) / scale;
        for (number, row) in x.rows().into_iter().enumerate() {
            let mut values = row.iter().zip(&columns).map(|(&x, pair)| normalised(x, pair));
            if let Some(value) = values.find(|value| !value.is_finite()) {
                let what = format!("x normalised, in row {number}");
                return Err(Error::setting(what, "finite numbers", value));
            }
        }
        for mut row in x.rows_mut() {
            row.iter_mut().zip(&columns).for_each(|(x, pair)| *x = normalised(*x, pair));
        }
        Ok(())
    }

    /// What is subtracted, and what the difference is divided by: of every column, or the one pair that all share.
    pub fn statistics(&self) -> &[(f64, f64)] {
        &self.statistics
    }

    /// Whether there is a pair for every column.
    pub fn is_per_feature(&self) -> bool {
        self.per_feature
    }

    /// The normaliser of these statistics.
    #[cfg(feature = "persistence")]
    pub(crate) fn of_statistics(statistics: Vec<(f64, f64)>, per_feature: bool) -> Result<Self> {
        if statistics.is_empty() || !(per_feature || statistics.len() == 1) {
            let expected = if per_feature { "1 or more" } else { "1" };
            return Err(Error::setting("statistics of a normaliser", expected, statistics.len()));
        }
        Self::of(statistics, per_feature)
    }

    /// Shift and scale of each of `width` columns; an error if the statistics are of another width, or one is lost in the
    /// precision of `A`.
    pub(super) fn columns<A: Scalar>(&self, width: usize) -> Result<Vec<(A, A)>> {
        if self.per_feature && self.statistics.len() != width {
            let expected = format!("(any, {}) as in the training set", self.statistics.len());
            return Err(Error::shape("x", expected, &[width]));
        }
        let columns = self.statistics.iter().map(|&(shift, scale)| (A::of(shift), A::of(scale)));
        let columns: Vec<(A, A)> = columns.cycle().take(width).collect();
        let within = |what, right: bool, value: A| match right {
            true => Ok(()),
            false => Err(Error::setting(what, "a number within the precision's range", value)),
        };
        for &(shift, scale) in &columns {
            within("shift", shift.is_finite(), shift)?;
            within("scale", scale.is_normal(), scale)?;
        }
        Ok(columns)
    }
}

fn check<'a, 'b, T: Copy + Into<f64>>(x: &'a ArrayView2<'b, T>) -> Result<&'a ArrayView2<'b, T>> {
    if x.is_empty() {
        return Err(Error::shape("training set", "(1 or more, 1 or more)", x.shape()));
    }
    check_finite("training set", x.view())?;
    Ok(x)
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
