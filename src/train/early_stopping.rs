use super::history::Epoch;
use crate::error::{Error, Result};
use crate::model::Sequential;
use crate::output::OutputFunction;
use crate::scalar::Scalar;
use crate::settings::{check_at_least_0, check_count};

/// Ends a training run when it brings nothing better any more, and gives the model back the parameters of its best epoch.
///
/// Formula: a row of the history is better if its loss is below best − `min_delta`, or its accuracy above best + `min_delta`;
/// the run ends after `patience` epochs in a row that are not. What counts is the validation set, without one the test set,
/// without one the training set: [`Epoch::watched`]. The untrained model, row 0, is the first best one.
///
/// However the run ends, also by an error, the model has the parameters and buffers of the best epoch then
/// ([`History::best`](crate::train::History::best)); they are copied whenever an epoch is better. What the optimizer
/// remembers stays that of the last step.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `patience` | none | 1 or more |
/// | [`min_delta`](EarlyStopping::min_delta) | 0 | at least 0, finite |
/// | [`watch_accuracy`](EarlyStopping::watch_accuracy) | false: the loss counts | models for classes |
/// | [`restore_best`](EarlyStopping::restore_best) | true | |
///
/// Errors: when training starts, for a setting out of range or for accuracy where the output is not softmax or sigmoid; when it
/// goes on from a checkpoint without the parameters of the epoch that was best by this rule.
///
/// Source: Prechelt, *Early stopping – but when?*, 1998. Keras: `EarlyStopping`, whose `restore_best_weights` is off unless
/// asked for.
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
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias = "patience")]
pub struct EarlyStopping {
    patience: usize,
    min_delta: f64,
    watch_accuracy: bool,
    restore_best: bool,
}

impl EarlyStopping {
    /// Ends the run after so many epochs in a row without a lower loss.
    pub fn new(patience: usize) -> Self {
        Self { patience, min_delta: 0.0, watch_accuracy: false, restore_best: true }
    }

    /// Sets by how much an epoch must be better than the best.
    pub fn min_delta(self, min_delta: f64) -> Self {
        Self { min_delta, ..self }
    }

    /// Sets whether the accuracy counts instead of the loss.
    pub fn watch_accuracy(self, watch_accuracy: bool) -> Self {
        Self { watch_accuracy, ..self }
    }

    /// Sets whether the model gets the parameters of its best epoch when the run ends. Otherwise it keeps those of the last
    /// step.
    pub fn restore_best(self, restore_best: bool) -> Self {
        Self { restore_best, ..self }
    }

    pub(super) fn check<A: Scalar>(&self, model: &Sequential<A>) -> Result<()> {
        check_count("patience", self.patience)?;
        check_at_least_0::<f64>("min_delta", self.min_delta)?;
        let output = model.output();
        match self.watch_accuracy
            && !matches!(output.function(), OutputFunction::Softmax | OutputFunction::Sigmoid)
        {
            true => Err(Error::setting("watch_accuracy", "softmax or sigmoid as the output", output.kind())),
            false => Ok(()),
        }
    }

    /// What is to be as low as possible.
    fn cost(&self, epoch: &Epoch) -> f64 {
        let metrics = epoch.watched();
        if self.watch_accuracy { -metrics.accuracy.unwrap_or(f64::NEG_INFINITY) } else { metrics.loss }
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
    /// Epochs since then.
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

    /// Whether there is no improvement any more.
    pub(super) fn is_stale(&self) -> bool {
        self.waited >= self.rule.patience
    }

    /// Takes an epoch into account.
    pub(super) fn observe(&mut self, epoch: &Epoch, model: &Sequential<A>) {
        self.judge(epoch);
        if self.waited == 0 && self.rule.restore_best {
            model.parameter_values().clone_into(&mut self.params);
            model.buffer_values().clone_into(&mut self.buffers);
        }
    }

    fn judge(&mut self, epoch: &Epoch) {
        let cost = self.rule.cost(epoch);
        if self.number.is_none() || cost < self.cost - self.rule.min_delta {
            (self.cost, self.number, self.waited) = (cost, Some(epoch.number), 0);
        } else {
            self.waited += 1;
        }
    }

    /// The best epoch with its parameters and buffers, where they are to be restored.
    #[cfg(feature = "persistence")]
    pub(super) fn kept(&self) -> Option<Kept<A>> {
        let (params, buffers) = (self.params.clone(), self.buffers.clone());
        self.number.filter(|_| self.rule.restore_best).map(|epoch| Kept { epoch, params, buffers })
    }

    /// Takes the epochs of a run that goes on into account, and what its checkpoint kept of the best one.
    #[cfg(feature = "persistence")]
    pub(super) fn resume(&mut self, epochs: &[Epoch], kept: Option<Kept<A>>) -> Result<(), String> {
        epochs.iter().for_each(|epoch| self.judge(epoch));
        let (Some(best), true) = (self.number, self.rule.restore_best) else { return Ok(()) };
        match kept {
            Some(kept) if kept.epoch == best => (self.params, self.buffers) = (kept.params, kept.buffers),
            other => {
                let got = other.map_or("none".into(), |kept| format!("those of epoch {}", kept.epoch));
                return Err(format!("early stopping: expected the parameters of epoch {best}, got {got}"));
            }
        }
        Ok(())
    }

    /// Gives the model what it had after the best epoch.
    pub(super) fn restore(&self, model: &mut Sequential<A>) -> Result<()> {
        if self.number.is_none() || !self.rule.restore_best {
            return Ok(());
        }
        model.set_parameter_values(&self.params)?;
        model.set_buffer_values(&self.buffers)
    }
}
