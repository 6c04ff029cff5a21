use std::any::TypeId;

use ndarray::{ArrayView2, ArrayViewMut2};

use crate::error::{Error, Result, check_finite};
use crate::scalar::{Scalar, unit_of};

/// A normaliser of values: a shift and a scale, fitted on the training set and applied to any set.
///
/// Formula: x′ = (x − shift) / scale; min-max: shift = min, scale = max − min; z-score: shift = mean, scale = standard
/// deviation (of the population).
///
/// Shapes: x (samples, features). The whole set has a single shift and scale, which suits images, or each column has its own
/// ([`min_max_per_feature`](Normalizer::min_max_per_feature)), which suits tables.
///
/// Numerics: statistics are computed in `f64`, and no square overflows or underflows. If all values are equal, the spread is 0,
/// and the scale is set to 1, which maps all values to 0. The scale is also 1 if the values differ only by rounding, such as 0.3
/// and
/// 0.1 + 0.2. The criterion is scale ≤ 10·|m|·max(ε, 2⁻⁵²·√n). Here m is the mean (z-score) or (min + max)/2 (min-max), n is the
/// number of values, and ε is the rounding error of the data: 2⁻²³ for `f32`, 2⁻⁵² for `f64`, 0 for integers. Any larger scale is
/// used, even if it is tiny.
///
/// # Source
///
/// scikit-learn's `StandardScaler`, which uses a similar bound to leave features without a spread unscaled.
///
/// # Examples
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
    /// A pair of shift and scale for every column, or a single pair for all columns.
    statistics: Vec<(f64, f64)>,
    per_feature: bool,
}

impl Normalizer {
    /// Fits a normaliser that maps the minimum of the whole set to 0 and the maximum to 1.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Shape`] if `x` has no values, [`Error::NotFinite`] if a value is not finite, and [`Error::Setting`] if
    /// the spread overflows `f64`.
    #[inline(never)]
    pub fn min_max<T: Copy + Into<f64> + 'static>(x: ArrayView2<'_, T>) -> Result<Self> {
        Self::of([min_max(check(&x)?.iter())], false)
    }

    /// Fits a normaliser that maps the minimum of each column to 0 and the maximum to 1.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Shape`] if `x` has no values, [`Error::NotFinite`] if a value is not finite, and [`Error::Setting`] if
    /// the spread overflows `f64`.
    #[inline(never)]
    pub fn min_max_per_feature<T: Copy + Into<f64> + 'static>(x: ArrayView2<'_, T>) -> Result<Self> {
        Self::of(check(&x)?.columns().into_iter().map(|column| min_max(column.into_iter())), true)
    }

    /// Fits a normaliser after which the whole set has mean 0 and standard deviation 1.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Shape`] if `x` has no values, [`Error::NotFinite`] if a value is not finite, and [`Error::Setting`] if
    /// the spread overflows `f64`.
    #[inline(never)]
    pub fn z_score<T: Copy + Into<f64> + 'static>(x: ArrayView2<'_, T>) -> Result<Self> {
        Self::of([mean_std(check(&x)?.iter())], false)
    }

    /// Fits a normaliser after which each column has mean 0 and standard deviation 1.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Shape`] if `x` has no values, [`Error::NotFinite`] if a value is not finite, and [`Error::Setting`] if
    /// the spread overflows `f64`.
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

    /// Normalises an array in place.
    ///
    /// # Errors
    ///
    /// Leaves the array unchanged and returns:
    ///
    /// - [`Error::Shape`] if the statistics are per feature and the number of columns differs from the training set,
    /// - [`Error::NotFinite`] if a value is not finite,
    /// - [`Error::Setting`] if a statistic is outside the range of `A`, or if a result is not finite.
    #[inline(never)]
    pub fn apply<A: Scalar>(&self, x: ArrayViewMut2<'_, A>) -> Result<()> {
        self.change(x, "normalised x", |x, (shift, scale)| (x - shift) / scale)
    }

    /// Reverses [`apply`](Normalizer::apply) in place: x = x′·scale + shift, with the rounding errors of the two operations.
    ///
    /// # Errors
    ///
    /// Leaves the array unchanged and returns the errors of [`apply`](Normalizer::apply).
    ///
    /// # Examples
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
        self.change(x, "x in original units", |x, (shift, scale)| x * scale + shift)
    }

    /// Applies a function of a value and the statistics of its column to all values. If a result is not finite, returns an error
    /// and leaves the array unchanged.
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
                let what = format!("{what}, row {number}");
                return Err(Error::setting(what, "finite values", value));
            }
        }
        for mut row in x.rows_mut() {
            row.iter_mut().zip(&columns).for_each(|(x, &pair)| *x = function(*x, pair));
        }
        Ok(())
    }

    /// Returns the pairs of shift and scale: one pair for every column, or a single pair for all columns.
    pub fn statistics(&self) -> &[(f64, f64)] {
        &self.statistics
    }

    /// Returns whether every column has its own pair of statistics.
    pub fn is_per_feature(&self) -> bool {
        self.per_feature
    }

    /// Creates a normaliser from its statistics.
    #[cfg(feature = "persistence")]
    pub(crate) fn of_statistics(statistics: Vec<(f64, f64)>, per_feature: bool) -> Result<Self> {
        if statistics.is_empty() || !(per_feature || statistics.len() == 1) {
            let expected = if per_feature { "at least 1" } else { "1" };
            return Err(Error::setting("(shift, scale) pairs of a normaliser", expected, statistics.len()));
        }
        Self::of(statistics, per_feature)
    }

    /// Returns the shift and the scale of each of `width` columns. Returns an error if the statistics belong to a different
    /// number of columns, or if a statistic overflows or underflows in `A`.
    pub(crate) fn columns<A: Scalar>(&self, width: usize) -> Result<Vec<(A, A)>> {
        if self.per_feature && self.statistics.len() != width {
            let expected = format!("[{}], as in the training set", self.statistics.len());
            return Err(Error::shape("columns to normalise", expected, &[width]));
        }
        let columns = self.statistics.iter().map(|&(shift, scale)| (A::of(shift), A::of(scale)));
        let columns: Vec<(A, A)> = columns.cycle().take(width).collect();
        let within = |what, right: bool, value: A| match right {
            true => Ok(()),
            false => Err(Error::setting(what, "a number within the range of the floating-point type", value)),
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

/// Returns the mean and the scale, by Welford's update, which stays accurate if the mean is large.
fn mean_std<'a, T: Copy + Into<f64> + 'static>(
    values: impl ExactSizeIterator<Item = &'a T> + Clone,
) -> (f64, f64) {
    let n = values.len();
    let (min, max) = ends(values.clone());
    // If squares or sums could overflow or underflow, the values are divided by a unit near the largest one first.
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

/// Returns the minimum and the maximum.
fn ends<'a, T: Copy + Into<f64> + 'a>(values: impl Iterator<Item = &'a T>) -> (f64, f64) {
    let start = (f64::INFINITY, f64::NEG_INFINITY);
    values.fold(start, |(min, max), &v| (v.into().min(min), v.into().max(max)))
}

/// Returns the scale of `count` values around `middle`, or 0 if the scale is within rounding errors.
fn spread<T: 'static>(scale: f64, middle: f64, count: usize) -> f64 {
    let of_data = if TypeId::of::<T>() == TypeId::of::<f32>() { f32::EPSILON.into() } else { 0.0 };
    // The rounding error of `f64` data and of sums.
    let of_sums = f64::EPSILON * (count as f64).sqrt();
    let rounding = middle.abs() * (10.0 * f64::max(of_data, of_sums));
    if scale <= rounding { 0.0 } else { scale }
}
