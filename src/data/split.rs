use super::{Dataset, Subset};
use crate::error::{Error, Result};
use crate::random::RandomState;
use crate::scalar::Scalar;
use crate::settings::check_fraction;

/// Divides a data set in two: samples to learn from, and samples held out to validate with.
///
/// Formula: the held-out samples are the first k of a random permutation, k = ⌊fraction·n + ½⌋. When
/// [`stratified`](Split::stratified) they are the first k꜀ of each class c in it: k꜀ = k·n꜀/n, rounded down, and one more for
/// the classes that rounding costs most until the sum is k. Where it costs several classes the same, the seed decides which of
/// them come first, each as likely as another.
///
/// Both parts are views, their rows in ascending order; [`Trainer`](crate::Trainer) draws an order of its own for every epoch.
///
/// | setting | default | range |
/// |---|---|---|
/// | [`fraction`](Split::fraction) or [`count`](Split::count) | none | above 0, below 1; or 1 to all samples but 1 |
/// | [`stratified`](Split::stratified) | off | a data set that knows the class of every sample |
/// | [`seed`](Split::seed) | 0 | any |
///
/// Errors: a setting out of range, a part that would be empty, a sample without a class.
///
/// Source: scikit-learn's `train_test_split`, which rounds up and orders at random.
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

/// How much is held out.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Fraction(f64),
    Count(usize),
}

impl Split {
    /// Holds out this share of the samples.
    pub fn fraction(fraction: f64) -> Self {
        Self { part: Part::Fraction(fraction), stratified: false, seed: 0 }
    }

    /// Holds out so many samples.
    pub fn count(count: usize) -> Self {
        Self { part: Part::Count(count), stratified: false, seed: 0 }
    }

    /// Gives both parts the same share of every class, to within a sample.
    pub fn stratified(self, stratified: bool) -> Self {
        Self { stratified, ..self }
    }

    /// Sets the seed of the permutation, and of the choice between classes with equal claims.
    pub fn seed(self, seed: u32) -> Self {
        Self { seed, ..self }
    }

    /// The samples to learn from, and those held out.
    #[inline(never)]
    pub fn split<'a, A: Scalar>(&self, data: &'a dyn Dataset<A>) -> Result<(Subset<'a, A>, Subset<'a, A>)> {
        let samples = data.len();
        let count = self.held_out(samples)?;
        let classes = if self.stratified { classes(data)? } else { vec![0; samples] };
        let mut random = RandomState::new(self.seed);
        let order = random.permutation(samples);
        let mut quotas = quotas(&classes, count, &mut random);
        let mut is_held_out = vec![false; samples];
        for row in order {
            let quota = &mut quotas[classes[row]];
            is_held_out[row] = *quota > 0;
            *quota = quota.saturating_sub(1);
        }
        let (held_out, kept) = (0..samples).partition(|&row| is_held_out[row]);
        Ok((Subset::new(data, kept)?, Subset::new(data, held_out)?))
    }

    /// The number of samples to hold out, which leaves neither part empty.
    fn held_out(&self, samples: usize) -> Result<usize> {
        let (what, count) = match self.part {
            Part::Count(count) => ("count", count),
            Part::Fraction(fraction) => {
                check_fraction("fraction", fraction)?;
                ("samples of the fraction", (fraction * samples as f64).round() as usize)
            }
        };
        match count >= 1 && count < samples {
            true => Ok(count),
            false => Err(Error::setting(
                what,
                format!("at least 1, and fewer than the {samples} there are"),
                count,
            )),
        }
    }
}

/// The class of every sample, counted anew among those that there are.
fn classes<A: Scalar>(data: &dyn Dataset<A>) -> Result<Vec<usize>> {
    let class = |row| data.class(row).ok_or_else(|| Error::setting(format!("row {row}"), "a class", "none"));
    let classes = (0..data.len()).map(class).collect::<Result<Vec<usize>>>()?;
    let mut distinct = classes.clone();
    distinct.sort_unstable();
    distinct.dedup();
    Ok(classes.iter().map(|class| distinct.partition_point(|other| other < class)).collect())
}

/// Returns how many samples of each class are held out, `count` in all. Classes that rounding costs the same come in a random
/// order: otherwise the same classes would have the last samples in every split.
fn quotas(classes: &[usize], count: usize, random: &mut RandomState) -> Vec<usize> {
    let mut sizes = vec![0_usize; classes.iter().max().map_or(0, |most| most + 1)];
    classes.iter().for_each(|&class| sizes[class] += 1);
    // Exact, in integers: a product of two counts of samples may be beyond 64 bits.
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
