use std::ops::{ControlFlow, RangeInclusive};

use super::observer::{BatchProgress, Observer};
use super::trainer::Trainer;
use crate::data::Dataset;
use crate::error::Result;
use crate::model::Sequential;
use crate::scalar::{Real, Scalar};
use crate::settings::{check, check_positive};

/// The losses at growing learning rates, from [`Trainer::search_rate`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[doc(alias("learning rate finder", "lr_find", "range test"))]
pub struct RateSearch {
    /// The learning rate of every step.
    pub rates: Vec<f64>,
    /// The loss of every step's batch, measured before the step.
    pub losses: Vec<f64>,
}

/// The weight of the earlier losses in a smoothed loss.
const SMOOTHING: f64 = 0.9;
/// The search ends when the smoothed loss is this many times as high as the lowest one.
const DIVERGED: f64 = 4.0;

/// An exponential moving average that starts without bias.
#[derive(Default)]
struct Average {
    sum: f64,
    weight: f64,
}

impl Average {
    fn next(&mut self, value: f64) -> f64 {
        self.sum = SMOOTHING * self.sum + (1.0 - SMOOTHING) * value;
        self.weight = SMOOTHING * self.weight + (1.0 - SMOOTHING);
        self.sum / self.weight
    }
}

impl RateSearch {
    /// Returns the losses smoothed by an exponential moving average, which starts without bias.
    pub fn smoothed(&self) -> Vec<f64> {
        let mut average = Average::default();
        self.losses.iter().map(|&loss| average.next(loss)).collect()
    }

    /// Returns the rate at which the smoothed loss falls fastest, which is a good first choice, or `None` if it never falls.
    ///
    /// Formula: the rate in the middle of the ten consecutive steps with the greatest fall. The first tenth of the steps does not
    /// count, because the average is not smooth yet.
    pub fn suggestion(&self) -> Option<f64> {
        const SPAN: usize = 10;
        let (smoothed, first) = (self.smoothed(), self.losses.len() / 10);
        let falls = smoothed.windows(SPAN + 1).map(|span| span[SPAN] - span[0]).enumerate().skip(first);
        let steepest = falls.filter(|&(_, fall)| fall < 0.0).min_by(|a, b| a.1.total_cmp(&b.1));
        steepest.map(|(start, _)| self.rates[start + SPAN / 2])
    }
}

impl<A: Scalar> Trainer<'_, A> {
    /// Trains a copy of the model for some steps at learning rates that grow from the first to the last, and returns the loss of
    /// every step. It ends early when the loss explodes. The trainer's optimizer, batches and seeds are used, but not its
    /// schedule.
    ///
    /// Formula: the rate of step i of n is low·(high/low)^(i/(n − 1)).
    ///
    /// | parameter | purpose | default | range |
    /// |---|---|---|---|
    /// | `rates` | the lowest and the highest rate, such as `1e-5..=10.0` | none | above 0, finite, ascending |
    /// | `steps` | the number of steps n | none | 2 or more, such as 100 |
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`](crate::Error::Setting) if a parameter is out of range, and the errors of [`fit`](Trainer::fit)
    /// before the first step. A loss that is not finite ends the search, but is no error.
    ///
    /// # Source
    ///
    /// L. N. Smith, *Cyclical learning rates for training neural networks*, 2017.
    ///
    /// # Examples
    ///
    /// ```
    /// use manabi::prelude::*;
    /// use ndarray::Array2;
    ///
    /// let x = Array2::from_shape_fn((200, 2), |(row, column)| ((row * (column + 3)) % 17) as f64 / 17.0);
    /// let labels: Vec<usize> = x.rows().into_iter().map(|x| usize::from(x[0] > x[1])).collect();
    /// let data = Samples::labeled(x, &labels, 2)?;
    /// let builder = Sequential::<f64>::builder(2).add_layer("affine1", Affine::new(2));
    /// let model = builder.set_output(Softmax).set_error(CrossEntropy).build()?;
    /// let search = Trainer::new().batch_size(20).search_rate(&model, &data, 1e-3..=1e4, 100)?;
    /// let rate = search.suggestion().unwrap();
    /// assert!(rate > 0.01 && rate < 1000.0);
    /// # Ok::<(), manabi::Error>(())
    /// ```
    pub fn search_rate(
        &self,
        model: &Sequential<A>,
        train: &dyn Dataset<A>,
        rates: RangeInclusive<f64>,
        steps: usize,
    ) -> Result<RateSearch> {
        let (low, high) = (*rates.start(), *rates.end());
        check_positive::<A>("rates", low)?;
        check_positive::<A>("rates", high)?;
        check(low < high, "rates", "a lower rate before a higher one", format!("{low}..={high}"))?;
        check(steps >= 2, "steps", "at least 2", steps)?;
        let growth = Real::ln(high / low) / (steps - 1) as f64;
        let rate = move |_: f64, step: u64| (low * Real::exp(growth * step as f64)).min(high);
        let mut stepper = self.stepper.clone();
        stepper.restart();
        let mut record = Record::new(steps);
        let batches = train.len().div_ceil(self.rows(train.len()).max(1)).max(1);
        let mut trial =
            Trainer::new().batch_size(self.batch_size).drop_last(self.drop_last).shards(self.shards);
        trial = trial.stepper(stepper.schedule(rate)).epochs(steps.div_ceil(batches)).threads(self.threads);
        trial = trial.seed(self.seed.unwrap_or(1)).noise_seed(self.noise).prefetch(self.prefetch);
        trial = trial.measure_before(false).observe(&mut record);
        let result = trial.fit(&mut model.clone(), train);
        drop(trial);
        match result {
            Err(error) if !error.is_not_finite() => Err(error),
            _ => Ok(record.search),
        }
    }
}

/// Records the rate and the loss of every step.
struct Record {
    search: RateSearch,
    steps: usize,
    average: Average,
    /// The lowest smoothed loss so far.
    lowest: f64,
}

impl Record {
    fn new(steps: usize) -> Self {
        let search = RateSearch { rates: Vec::new(), losses: Vec::new() };
        Self { search, steps, average: Average::default(), lowest: f64::INFINITY }
    }
}

impl<A: Scalar> Observer<A> for Record {
    fn on_batch(&mut self, progress: BatchProgress) -> ControlFlow<()> {
        self.search.rates.push(progress.learning_rate);
        self.search.losses.push(progress.loss);
        let smoothed = self.average.next(progress.loss);
        self.lowest = self.lowest.min(smoothed);
        match self.search.rates.len() == self.steps || smoothed > DIVERGED * self.lowest {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}
