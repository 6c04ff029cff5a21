use super::history::Epoch;
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::metrics::Watch;
use crate::model::Sequential;
use crate::scalar::Scalar;
use crate::settings::{check_at_least_0, check_count};

/// A rule that ends a training run when it stops improving, and restores the parameters of the best epoch.
///
/// Formula: a row of the history is better if its loss is below best − `min_delta`. With another metric as the [`Watch`], it is
/// better if the metric is below best − `min_delta` or, if the greatest value is the best, above best + `min_delta`. The run ends
/// after `patience` epochs in a row that are not better. [`Epoch::watched`] selects the data set. Row 0, the untrained model, is
/// the first best row.
///
/// When the run ends, even with an error, the model gets the parameters and buffers of the best epoch
/// ([`History::best`](crate::train::History::best)), unless `restore_best` is off. They are copied whenever an epoch is better.
/// The optimizer keeps the state of the last step.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `patience` | epochs in a row without improvement that end the run | none | 1 or more |
/// | [`min_delta`](EarlyStopping::min_delta) | required improvement | 0 | at least 0, finite |
/// | [`watch`](EarlyStopping::watch) | the metric that decides | the least loss | a metric of the run |
/// | [`restore_best`](EarlyStopping::restore_best) | restores the best epoch when the run ends | true | |
///
/// # Errors
///
/// Training fails before the first step with:
/// - [`Error::Setting`] if a setting is out of range, or if the run does not measure the watched metric;
/// - [`Error::Mismatch`] if the run resumes from a checkpoint without the parameters of the best epoch according to this rule.
///
/// # Source
///
/// Prechelt, *Early stopping – but when?*, 1998. Keras: `EarlyStopping`, whose `restore_best_weights` is off by default.
///
/// # Examples
///
/// ```
/// use manabi::activation::Identity;
/// use manabi::loss::MeanSquaredError;
/// use manabi::train::{EarlyStopping, Termination};
/// use manabi::{Affine, Samples, Sequential, Sgd, Trainer};
/// use ndarray::array;
///
/// let train = Samples::new(array![[1.0], [2.0]], array![[1.0], [2.0]])?;
/// let validation = Samples::new(array![[1.0]], array![[0.5]])?;
/// let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(1));
/// let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build()?;
/// model.set_parameter_values(&[0.0, 0.0])?;
/// let mut trainer = Trainer::new().batch_size(2).epochs(1000).optimizer(Sgd::new(0.01));
/// trainer = trainer.validation(&validation).early_stopping(EarlyStopping::new(5));
/// let history = trainer.fit(&mut model, &train)?;
/// assert_eq!(history.termination, Termination::NoImprovement);
/// let best = history.best.unwrap();
/// assert_eq!(history.epochs.len(), best + 5 + 1);
/// assert_eq!(model.evaluate(&validation)?, history.epochs[best].validation.unwrap());
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias = "patience")]
pub struct EarlyStopping {
    patience: usize,
    min_delta: f64,
    pub(super) watch: Watch,
    restore_best: bool,
}

impl EarlyStopping {
    /// Creates a rule that ends the run after `patience` epochs in a row without a lower loss.
    pub fn new(patience: usize) -> Self {
        Self { patience, min_delta: 0.0, watch: Watch::default(), restore_best: true }
    }

    /// Sets the required improvement over the best epoch.
    pub fn min_delta(self, min_delta: f64) -> Self {
        Self { min_delta, ..self }
    }

    /// Sets the metric that decides which epoch is better.
    pub fn watch(self, watch: Watch) -> Self {
        Self { watch, ..self }
    }

    /// Sets whether the model gets the parameters and buffers of its best epoch when the run ends. Otherwise it keeps the
    /// parameters and buffers of the last step.
    pub fn restore_best(self, restore_best: bool) -> Self {
        Self { restore_best, ..self }
    }

    pub(super) fn check(&self) -> Result<()> {
        check_count("patience", self.patience)?;
        check_at_least_0::<f64>("min_delta", self.min_delta)
    }
}

/// The parameters and buffers of an epoch.
#[cfg(feature = "persistence")]
pub(super) struct Kept<A> {
    pub epoch: usize,
    pub params: Vec<A>,
    pub buffers: Vec<A>,
}

/// The best epoch of a run so far.
pub(super) struct Best<A> {
    rule: EarlyStopping,
    cost: f64,
    number: Option<usize>,
    /// The number of epochs since the best one.
    waited: usize,
    params: Vec<A>,
    buffers: Vec<A>,
}

impl<A: Scalar> Best<A> {
    pub(super) fn new(rule: EarlyStopping) -> Self {
        let (params, buffers) = (Vec::new(), Vec::new());
        Self { rule, cost: f64::INFINITY, number: None, waited: 0, params, buffers }
    }

    pub(super) fn number(&self) -> Option<usize> {
        self.number
    }

    /// Returns whether the patience is exhausted.
    pub(super) fn is_stale(&self) -> bool {
        self.waited >= self.rule.patience
    }

    /// Records an epoch, and copies the model if this epoch is the best so far.
    pub(super) fn observe(&mut self, epoch: &Epoch, model: &Sequential<A>) {
        self.judge(epoch);
        if self.waited == 0 && self.rule.restore_best {
            model.parameter_values().clone_into(&mut self.params);
            model.buffer_values().clone_into(&mut self.buffers);
        }
    }

    fn judge(&mut self, epoch: &Epoch) {
        let cost = epoch.cost(&self.rule.watch);
        if self.number.is_none() || cost < self.cost - self.rule.min_delta {
            (self.cost, self.number, self.waited) = (cost, Some(epoch.number), 0);
        } else {
            self.waited += 1;
        }
    }

    /// Returns the best epoch with its parameters and buffers if they are to be restored.
    #[cfg(feature = "persistence")]
    pub(super) fn kept(&self) -> Option<Kept<A>> {
        let (params, buffers) = (self.params.clone(), self.buffers.clone());
        self.number.filter(|_| self.rule.restore_best).map(|epoch| Kept { epoch, params, buffers })
    }

    /// Records the epochs of a resumed run and the copy of the best one from its checkpoint.
    #[cfg(feature = "persistence")]
    pub(super) fn resume(&mut self, epochs: &[Epoch], kept: Option<Kept<A>>) -> Result<(), String> {
        epochs.iter().for_each(|epoch| self.judge(epoch));
        let (Some(best), true) = (self.number, self.rule.restore_best) else { return Ok(()) };
        match kept {
            Some(kept) if kept.epoch == best => (self.params, self.buffers) = (kept.params, kept.buffers),
            other => {
                let got =
                    other.map_or("none".into(), |kept| format!("the parameters of epoch {}", kept.epoch));
                return Err(format!("early stopping: expected the parameters of epoch {best}, got {got}"));
            }
        }
        Ok(())
    }

    /// Restores the parameters and buffers of the best epoch.
    pub(super) fn restore(&self, model: &mut Sequential<A>) -> Result<()> {
        if self.number.is_none() || !self.rule.restore_best {
            return Ok(());
        }
        model.set_parameter_values(&self.params)?;
        model.set_buffer_values(&self.buffers)
    }
}
