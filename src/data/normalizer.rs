use std::any::TypeId;

use ndarray::{ArrayView2, ArrayViewMut2};

use crate::error::{Error, Result, check_finite};
use crate::scalar::{Scalar, unit_of};

/// A shift and a scale, fitted on the training set and applied to any set.
///
/// Formula: x′ = (x − shift) / scale; min-max: shift = min, scale = max − min; z-score: shift = mean, scale = standard
/// deviation (of the population).
///
/// Shapes: x (samples, features). One shift and scale for the whole set, which suits images, or
/// ([`min_max_per_feature`](Normalizer::min_max_per_feature)) one for each column, which suits tables.
///
/// Numerics: statistics are computed in `f64`, and no square overflows or underflows. Values that are all equal have no
/// spread: their scale is taken as 1, which maps them to 0. The same holds for values that differ only by rounding, such as
/// 0.3 and 0.1 + 0.2, where scale ≤ 10·|m|·max(ε, 2⁻⁵²·√n). Here m is the mean (z-score) or (min + max)/2 (min-max), n is the
/// number of values, and ε is the rounding of the data: 2⁻²³ for `f32`, 2⁻⁵² for `f64`, 0 for integers. Any greater spread
/// counts, however small it is.
///
/// # Errors
///
/// No value, a value that is not finite ([`Error::NotFinite`]), or a spread beyond the range of `f64`.
///
/// Source: scikit-learn's `StandardScaler`, which leaves features without a spread unscaled by a similar bound.
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
#[doc(alias("StandardScaler", "MinMaxScaler", "standardization"))]
pub struct Normalizer {
    /// Of every column, or the one pair of all.
    statistics: Vec<(f64, f64)>,
    per_feature: bool,
}

impl Normalizer {
    /// Maps the least value of the whole set to 0 and the greatest to 1.
    #[inline(never)]
    pub fn min_max<T: Copy + Into<f64> + 'static>(x: ArrayView2<'_, T>) -> Result<Self> {
        Self::of([min_max(check(&x)?.iter())], false)
    }

    /// Maps the least value of each column to 0 and the greatest to 1.
    #[inline(never)]
    pub fn min_max_per_feature<T: Copy + Into<f64> + 'static>(x: ArrayView2<'_, T>) -> Result<Self> {
        Self::of(check(&x)?.columns().into_iter().map(|column| min_max(column.into_iter())), true)
    }

    /// Gives the whole set mean 0 and standard deviation 1.
    #[inline(never)]
    pub fn z_score<T: Copy + Into<f64> + 'static>(x: ArrayView2<'_, T>) -> Result<Self> {
        Self::of([mean_std(check(&x)?.iter())], false)
    }

    /// Gives each column mean 0 and standard deviation 1.
    #[inline(never)]
    pub fn z_score_per_feature<T: Copy + Into<f64> + 'static>(x: ArrayView2<'_, T>) -> Result<Self> {
        Self::of(check(&x)?.columns().into_iter().map(|column| mean_std(column.into_iter())), true)
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
    pub fn apply<A: Scalar>(&self, x: ArrayViewMut2<'_, A>) -> Result<()> {
        self.change(x, "normalised", |x, (shift, scale)| (x - shift) / scale)
    }

    /// Undoes [`apply`](Normalizer::apply) in place: x = x′·scale + shift, with the rounding of the two operations. The errors
    /// are those of `apply`.
    ///
    /// ```
    /// use manabi::Normalizer;
    /// use ndarray::array;
    ///
    /// let prices = Normalizer::min_max(array![[100.0], [300.0]].view())?;
    /// let mut y = array![[0.0], [0.5], [1.5]];
    /// prices.invert(y.view_mut())?;
    /// assert_eq!(y, array![[100.0], [200.0], [400.0]]);
    /// # Ok::<(), manabi::Error>(())
    /// ```
    #[inline(never)]
    pub fn invert<A: Scalar>(&self, x: ArrayViewMut2<'_, A>) -> Result<()> {
        self.change(x, "in original units", |x, (shift, scale)| x * scale + shift)
    }

    /// Applies a function of the values and of their columns' statistics, unless a result is not finite.
    fn change<A: Scalar>(
        &self,
        mut x: ArrayViewMut2<'_, A>,
        what: &str,
        function: impl Fn(A, (A, A)) -> A,
    ) -> Result<()> {
        let columns = self.columns::<A>(x.ncols())?;
        check_finite("x", x.view())?;
        for (number, row) in x.rows().into_iter().enumerate() {
            let mut values = row.iter().zip(&columns).map(|(&x, &pair)| function(x, pair));
            if let Some(value) = values.find(|value| !value.is_finite()) {
                let what = format!("x {what}, in row {number}");
                return Err(Error::setting(what, "finite numbers", value));
            }
        }
        for mut row in x.rows_mut() {
            row.iter_mut().zip(&columns).for_each(|(x, &pair)| *x = function(*x, pair));
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
    pub(crate) fn columns<A: Scalar>(&self, width: usize) -> Result<Vec<(A, A)>> {
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
            within("scale", scale.is_finite() && scale.abs() >= A::min_positive_value(), scale)?;
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

fn min_max<'a, T: Copy + Into<f64> + 'static>(values: impl ExactSizeIterator<Item = &'a T>) -> (f64, f64) {
    let count = values.len();
    let (min, max) = ends(values);
    (min, spread::<T>(max - min, 0.5 * min + 0.5 * max, count))
}

/// Welford's update, which loses nothing to a large mean.
fn mean_std<'a, T: Copy + Into<f64> + 'static>(
    values: impl ExactSizeIterator<Item = &'a T> + Clone,
) -> (f64, f64) {
    let n = values.len();
    let (min, max) = ends(values.clone());
    // Where squares or sums might leave the range, the values are taken in a unit of their own; elsewhere as they are.
    let greatest = max.max(-min);
    let unit = if (1e-70..1e140).contains(&greatest) { 1.0 } else { unit_of(greatest) };
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for &value in values {
        let value = value.into() / unit;
        count += 1.0;
        let distance = value - mean;
        mean += distance / count;
        squares += distance * (value - mean);
    }
    (mean * unit, spread::<T>(f64::sqrt(squares / count) * unit, mean * unit, n))
}

/// The least and the greatest value.
fn ends<'a, T: Copy + Into<f64> + 'a>(values: impl Iterator<Item = &'a T>) -> (f64, f64) {
    let start = (f64::INFINITY, f64::NEG_INFINITY);
    values.fold(start, |(min, max), &v| (v.into().min(min), v.into().max(max)))
}

/// The scale of `count` values around `middle`, or 0 where rounding explains it.
fn spread<T: 'static>(scale: f64, middle: f64, count: usize) -> f64 {
    let of_data = if TypeId::of::<T>() == TypeId::of::<f32>() { f32::EPSILON.into() } else { 0.0 };
    // The rounding of `f64` data, and of the sums over them.
    let of_sums = f64::EPSILON * (count as f64).sqrt();
    let rounding = middle.abs() * (10.0 * f64::max(of_data, of_sums));
    if scale <= rounding { 0.0 } else { scale }
}
