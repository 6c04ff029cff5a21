use super::{Dataset, Subset};
use crate::error::{Error, Result};
use crate::random::RandomState;
use crate::scalar::Scalar;
use crate::settings::check_fraction;

/// A random division of a data set into a training part and a held-out part for validation.
///
/// Formula: the held-out samples are the first k samples of a random permutation, k = ⌊fraction·n + ½⌋. With
/// [`stratified`](Split::stratified), they are the first k꜀ samples of each class c in the permutation. k꜀ is k·n꜀/n rounded
/// down, plus 1 for the classes with the largest remainders, so that the sum is k. Among classes with equal remainders, the seed
/// decides, with the same probability for each class.
///
/// Both parts are views with their rows in ascending order. [`Trainer`](crate::Trainer) draws its own order for every epoch.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | [`fraction`](Split::fraction) | the fraction of samples to hold out | none | above 0 and below 1, with neither part empty |
/// | or [`count`](Split::count) | the number of samples to hold out | none | from 1 to n − 1 |
/// | [`stratified`](Split::stratified) | whether to keep class proportions | `false` | `true` needs a class for every sample |
/// | [`seed`](Split::seed) | the seed of the permutation | 0 | any |
///
/// # Source
///
/// scikit-learn's `train_test_split`, which rounds up and returns the samples in random order.
///
/// # Examples
///
/// ```
/// use manabi::data::{Dataset, Split};
/// use manabi::Samples;
/// use ndarray::Array2;
///
/// let labels = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1];
/// let data = Samples::labeled(Array2::<f64>::zeros((10, 3)), &labels, 2)?;
/// let (train, validation) = Split::fraction(0.5).stratified(true).split(&data)?;
/// let ones = |rows: &[usize]| rows.iter().filter(|&&row| labels[row] == 1).count();
/// assert_eq!((train.len(), ones(train.rows())), (5, 2));
/// assert_eq!((validation.len(), ones(validation.rows())), (5, 2));
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("train_test_split", "validation split", "stratify"))]
pub struct Split {
    part: Part,
    stratified: bool,
    seed: u32,
}

/// The size of the held-out part.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Fraction(f64),
    Count(usize),
}

impl Split {
    /// Creates a split that holds out this fraction of the samples.
    pub fn fraction(fraction: f64) -> Self {
        Self { part: Part::Fraction(fraction), stratified: false, seed: 0 }
    }

    /// Creates a split that holds out this number of samples.
    pub fn count(count: usize) -> Self {
        Self { part: Part::Count(count), stratified: false, seed: 0 }
    }

    /// Sets whether both parts have the same proportion of every class, to within one sample.
    pub fn stratified(self, stratified: bool) -> Self {
        Self { stratified, ..self }
    }

    /// Sets the seed of the permutation and of the choice between classes with equal remainders.
    pub fn seed(self, seed: u32) -> Self {
        Self { seed, ..self }
    }

    /// Returns the training part and the held-out part.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`] if the fraction or the count is out of range, if a part would be empty, or if the split is
    /// stratified and a sample has no class.
    #[inline(never)]
    pub fn split<'a, A: Scalar>(&self, data: &'a dyn Dataset<A>) -> Result<(Subset<'a, A>, Subset<'a, A>)> {
        let (kept, held_out) = self.rows(data.len(), || classes(data))?;
        Ok((Subset::new(data, kept)?, Subset::new(data, held_out)?))
    }

    /// Returns the rows of the training part and of the held-out part. A stratified split asks for the class of every sample as
    /// an index among the classes that occur.
    pub(super) fn rows(
        &self,
        samples: usize,
        classes: impl FnOnce() -> Result<Vec<usize>>,
    ) -> Result<(Vec<usize>, Vec<usize>)> {
        let count = self.held_out(samples)?;
        let classes = if self.stratified { classes()? } else { vec![0; samples] };
        let mut random = RandomState::new(self.seed);
        let order = random.permutation(samples);
        let mut quotas = quotas(&classes, count, &mut random);
        let mut is_held_out = vec![false; samples];
        for row in order {
            let quota = &mut quotas[classes[row]];
            is_held_out[row] = *quota > 0;
            *quota = quota.saturating_sub(1);
        }
        Ok((0..samples).partition(|&row| !is_held_out[row]))
    }

    /// Returns the number of samples to hold out, or an error if one of the parts would be empty.
    fn held_out(&self, samples: usize) -> Result<usize> {
        let (what, count) = match self.part {
            Part::Count(count) => ("count", count),
            Part::Fraction(fraction) => {
                check_fraction("fraction", fraction)?;
                ("number of held-out samples", (fraction * samples as f64).round() as usize)
            }
        };
        match count >= 1 && count < samples {
            true => Ok(count),
            false => Err(Error::setting(
                what,
                format!("at least 1 and below {samples}, the number of samples"),
                count,
            )),
        }
    }
}

/// Returns the class of every sample as an index among the classes that occur.
pub(super) fn classes<A: Scalar>(data: &dyn Dataset<A>) -> Result<Vec<usize>> {
    let class = |row| {
        data.class(row)
            .ok_or_else(|| Error::setting(format!("row {row}"), "a class for the stratified split", "none"))
    };
    let classes = (0..data.len()).map(class).collect::<Result<Vec<usize>>>()?;
    Ok(ranks(&classes))
}

/// Returns every number as an index among the numbers that occur, in ascending order.
pub(super) fn ranks(numbers: &[usize]) -> Vec<usize> {
    let mut distinct = numbers.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    numbers.iter().map(|number| distinct.partition_point(|other| other < number)).collect()
}

/// Returns the number of held-out samples for each class, `count` in total. Classes with equal remainders are in random order.
/// Otherwise the same classes would get the remaining samples in every split.
fn quotas(classes: &[usize], count: usize, random: &mut RandomState) -> Vec<usize> {
    let mut sizes = vec![0_usize; classes.iter().max().map_or(0, |most| most + 1)];
    classes.iter().for_each(|&class| sizes[class] += 1);
    // The arithmetic is exact. A product of two numbers of samples may need more than 64 bits.
    let exact = |size: usize| (count as u128 * size as u128, classes.len() as u128);
    let share = |&size: &usize| {
        let (all, parts) = exact(size);
        (all / parts) as usize
    };
    let cost = |size: usize| {
        let (all, parts) = exact(size);
        all % parts
    };
    let mut quotas: Vec<usize> = sizes.iter().map(share).collect();
    let mut by_cost = random.permutation(sizes.len());
    by_cost.sort_by_key(|&class| std::cmp::Reverse(cost(sizes[class])));
    let missing = count - quotas.iter().sum::<usize>();
    by_cost[..missing].iter().for_each(|&class| quotas[class] += 1);
    quotas
}
