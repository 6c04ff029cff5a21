use crate::error::{Error, Result};
use crate::parallel::MOST_THREADS;

/// Trains a model on every fold of a data set, side by side on the cores of the machine, and returns the results in order.
///
/// `fit` builds a new model, trains it on the first part of a fold and measures it on the second one. It gets the number of the
/// fold, from 0, and both parts, and can return anything. Each call has its own model, trainer and normalisers, so that nothing
/// leaks from one fold to another. The results have the same bits as if the folds ran one after another. Use
/// [`threads(1)`](crate::Trainer::threads) in the trainer, because the folds already share the cores.
///
/// The data sets of the folds come from [`KFold`](crate::data::KFold) or [`TimeSeriesSplit`](crate::data::TimeSeriesSplit).
///
/// # Errors
///
/// Returns [`Error::Training`] with the number of the fold if `fit` returns an error; if several do, with the first of these.
///
/// # Source
///
/// scikit-learn's `cross_validate`.
///
/// # Examples
///
/// ```
/// use manabi::data::KFold;
/// use manabi::prelude::*;
/// use manabi::train::cross_validate;
/// use ndarray::Array2;
///
/// let x = Array2::from_shape_fn((60, 1), |(row, _)| row as f64 / 60.0);
/// let data = Samples::new(x.clone(), x.mapv(|x| 2.0 * x + 1.0))?;
/// let folds = KFold::new(5).split(&data)?;
/// let results = cross_validate(&folds, |_, (train, validation)| {
///     let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(1));
///     let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build()?;
///     let history = Trainer::new().batch_size(8).epochs(100).threads(1).fit(&mut model, train)?;
///     Ok((history, model.evaluate(validation)?))
/// })?;
/// assert_eq!(results.len(), 5);
/// assert!(results.iter().all(|(_, score)| score.loss < 1e-3));
/// # Ok::<(), manabi::Error>(())
/// ```
#[doc(alias("cross_val_score", "k-fold"))]
pub fn cross_validate<F: Sync, R: Send>(
    folds: &[F],
    fit: impl Fn(usize, &F) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let run = |fold| fit(fold, &folds[fold]).map_err(|error: Error| error.in_place(&format!("fold {fold}")));
    side_by_side(folds.len(), run).into_iter().collect()
}

/// Returns the results of `run` for the numbers below `count`, in order.
fn side_by_side<R: Send>(count: usize, run: impl Fn(usize) -> R + Sync) -> Vec<R> {
    if MOST_THREADS < 2 {
        return (0..count).map(run).collect();
    }
    let (mut results, run) = ((0..count).map(|_| None).collect::<Vec<_>>(), &run);
    rayon_core::scope(|scope| {
        for (number, result) in results.iter_mut().enumerate() {
            scope.spawn(move |_| *result = Some(run(number)));
        }
    });
    results.into_iter().map(|result| result.expect("every number has run")).collect()
}
