use super::split::classes;
use super::{Dataset, Subset};
use crate::error::{Error, Result};
use crate::random::RandomState;
use crate::scalar::Scalar;
use crate::settings::check_count;

/// The division of a data set for cross-validation: every sample is held out once.
///
/// Formula: a random permutation of the samples is cut into k folds whose sizes differ by at most 1. Fold i is held out from the
/// i-th training part. With [`stratified`](KFold::stratified), the samples are ordered by class before they are dealt to the
/// folds in turn, so that the numbers of samples of a class also differ by at most 1. With [`groups`](KFold::groups), all samples
/// of a group are in the same fold: the largest group goes to the smallest fold, then the next one. With
/// [`repeats`](KFold::repeats), all this is done several times with different permutations.
///
/// Both parts are views with their rows in ascending order.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `folds` | the number of parts | none | 2 to the number of samples or groups |
/// | [`stratified`](KFold::stratified) | whether to keep class proportions | `false` | `true` needs a class for every sample |
/// | [`groups`](KFold::groups) | samples that must stay together | none | one number per sample; not with `stratified` |
/// | [`repeats`](KFold::repeats) | the number of permutations | 1 | 1 or more |
/// | [`seed`](KFold::seed) | the seed of the permutations | 0 | any |
///
/// # Source
///
/// scikit-learn's `KFold` with `shuffle`, `StratifiedKFold`, `GroupKFold` and `RepeatedKFold`.
///
/// # Examples
///
/// ```
/// use manabi::data::{Dataset, KFold};
/// use manabi::Samples;
/// use ndarray::Array2;
///
/// let labels = [0, 0, 0, 0, 0, 0, 1, 1, 1];
/// let data = Samples::labeled(Array2::<f64>::zeros((9, 3)), &labels, 2)?;
/// for (train, validation) in KFold::new(3).stratified(true).split(&data)? {
///     let ones = validation.rows().iter().filter(|&&row| labels[row] == 1).count();
///     assert_eq!((train.len(), validation.len(), ones), (6, 3, 1));
/// }
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("cross-validation", "StratifiedKFold", "GroupKFold", "RepeatedKFold"))]
pub struct KFold {
    folds: usize,
    stratified: bool,
    groups: Option<Vec<usize>>,
    repeats: usize,
    seed: u32,
}

/// The training part and the held-out part of a fold.
pub(super) type Pair<'a, A> = (Subset<'a, A>, Subset<'a, A>);

impl KFold {
    /// Creates a division into this number of folds.
    pub fn new(folds: usize) -> Self {
        Self { folds, stratified: false, groups: None, repeats: 1, seed: 0 }
    }

    /// Sets whether all folds have the same proportion of every class, to within one sample.
    pub fn stratified(self, stratified: bool) -> Self {
        Self { stratified, ..self }
    }

    /// Sets the group of every sample. All samples of a group are in the same fold, for example all records of a patient.
    pub fn groups(self, groups: impl Into<Vec<usize>>) -> Self {
        Self { groups: Some(groups.into()), ..self }
    }

    /// Sets how many times the samples are divided, each time with another permutation.
    pub fn repeats(self, repeats: usize) -> Self {
        Self { repeats, ..self }
    }

    /// Sets the seed of the permutations.
    pub fn seed(self, seed: u32) -> Self {
        Self { seed, ..self }
    }

    /// Returns the training part and the held-out part of every fold, repetition by repetition.
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::Setting`] if a number is out of range, if the division is both stratified and by groups, or if it is stratified
    ///   and a sample has no class,
    /// - [`Error::Shape`] if the number of groups is not the number of samples.
    #[inline(never)]
    pub fn split<'a, A: Scalar>(&self, data: &'a dyn Dataset<A>) -> Result<Vec<Pair<'a, A>>> {
        check_count("repeats", self.repeats)?;
        let units = self.units(data)?;
        let count =
            if self.groups.is_some() { units.iter().max().map_or(0, |most| most + 1) } else { data.len() };
        if self.folds < 2 || self.folds > count {
            let what = if self.groups.is_some() { "groups" } else { "samples" };
            let expected = format!("2 to {count}, the number of {what}");
            return Err(Error::setting("folds", expected, self.folds));
        }
        let mut random = RandomState::new(self.seed);
        let mut pairs = Vec::new();
        for _ in 0..self.repeats {
            let order = random.permutation(data.len());
            let folds = match self.groups {
                Some(_) => by_group(&units, &order, self.folds),
                None => in_turns(&units, order, self.folds),
            };
            for fold in 0..self.folds {
                let (held_out, kept) = (0..data.len()).partition(|&row| folds[row] == fold);
                pairs.push((Subset::new(data, kept)?, Subset::new(data, held_out)?));
            }
        }
        Ok(pairs)
    }

    /// Returns the group or the class of every sample, as an index among those that occur.
    fn units<A: Scalar>(&self, data: &dyn Dataset<A>) -> Result<Vec<usize>> {
        match (&self.groups, self.stratified) {
            (Some(_), true) => Err(Error::setting("groups", "none in a stratified division", "some")),
            (Some(groups), _) if groups.len() != data.len() => {
                Err(Error::shape("groups", format!("[{}], one per sample", data.len()), &[groups.len()]))
            }
            (Some(groups), _) => Ok(super::split::ranks(groups)),
            (None, true) => classes(data),
            (None, false) => Ok(vec![0; data.len()]),
        }
    }
}

/// Deals the samples to the folds in turn, class by class. Returns the fold of every sample.
fn in_turns(classes: &[usize], mut order: Vec<usize>, folds: usize) -> Vec<usize> {
    order.sort_by_key(|&row| classes[row]);
    let mut fold_of = vec![0; order.len()];
    order.iter().enumerate().for_each(|(turn, &row)| fold_of[row] = turn % folds);
    fold_of
}

/// Gives the largest group to the smallest fold, then the next one. Returns the fold of every sample. Of groups with the same
/// size, the one that comes first in the order is first.
fn by_group(groups: &[usize], order: &[usize], folds: usize) -> Vec<usize> {
    let count = groups.iter().max().map_or(0, |most| most + 1);
    let (mut sizes, mut first) = (vec![0_usize; count], vec![usize::MAX; count]);
    for (place, &row) in order.iter().enumerate() {
        sizes[groups[row]] += 1;
        first[groups[row]] = first[groups[row]].min(place);
    }
    let mut by_size: Vec<usize> = (0..count).collect();
    by_size.sort_by_key(|&group| (std::cmp::Reverse(sizes[group]), first[group]));
    let (mut filled, mut fold_of) = (vec![0_usize; folds], vec![0; count]);
    for group in by_size {
        let smallest = (0..folds).min_by_key(|&fold| filled[fold]).unwrap_or(0);
        filled[smallest] += sizes[group];
        fold_of[group] = smallest;
    }
    groups.iter().map(|&group| fold_of[group]).collect()
}
