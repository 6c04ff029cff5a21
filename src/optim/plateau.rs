use crate::error::{Error, Result};
use crate::settings::{check_at_least_0, check_finite, check_fraction, check_share};

/// Lowers the learning rate when a metric, told once an epoch, no longer gets better.
///
/// Formula: after more than `patience` epochs in a row that are not better than the best, the rate is multiplied by
/// `factor`, but not below `min_scale` of the scheduled rate. Better is below best·(1 − `threshold`), or as
/// [`absolute_threshold`](ReduceOnPlateau::absolute_threshold) and [`maximize`](ReduceOnPlateau::maximize) say; a NaN is
/// not. For `cooldown` epochs after a reduction none counts as worse.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `factor` | 0.1 | above 0, below 1 |
/// | `patience` | 10 | any |
/// | `threshold` | 10⁻⁴ | at least 0, finite; or [`absolute_threshold`](ReduceOnPlateau::absolute_threshold) |
/// | `cooldown` | 0 | any |
/// | `min_scale` | 0 | 0 to 1 |
/// | `maximize` | off | |
///
/// [`Trainer`](crate::Trainer) tells it the loss on the validation set, without one on the test set, without one on the
/// training set.
///
/// Errors: when training starts, for a setting out of range.
///
/// Source: PyTorch's `ReduceLROnPlateau`, whose `min_lr` is here a share of the rate.
///
/// ```
/// use manabi::optim::{Plateau, ReduceOnPlateau};
///
/// let (reduce, mut plateau) = (ReduceOnPlateau::new().factor(0.5).patience(1), Plateau::default());
/// for loss in [3.0, 2.0, 2.0, 2.5] {
///     reduce.observe(loss, &mut plateau);
/// }
/// assert_eq!(plateau.scale, 0.5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("ReduceLROnPlateau", "learning rate scheduler"))]
pub struct ReduceOnPlateau {
    factor: f64,
    patience: u64,
    threshold: f64,
    absolute: bool,
    cooldown: u64,
    min_scale: f64,
    maximize: bool,
}

/// What [`ReduceOnPlateau`] remembers.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Plateau {
    /// What the learning rate is multiplied by; 1 to begin with.
    pub scale: f64,
    /// The best metric so far, if there is one.
    pub best: Option<f64>,
    /// Epochs since then, or since the last reduction.
    pub waited: u64,
    /// Epochs of the cooldown to come.
    pub cooling: u64,
}

impl Default for Plateau {
    fn default() -> Self {
        Self { scale: 1.0, best: None, waited: 0, cooling: 0 }
    }
}

impl ReduceOnPlateau {
    /// A tenth of the rate after ten epochs without a lower metric.
    pub fn new() -> Self {
        Self {
            factor: 0.1,
            patience: 10,
            threshold: 1e-4,
            absolute: false,
            cooldown: 0,
            min_scale: 0.0,
            maximize: false,
        }
    }

    /// Sets what a reduction multiplies the rate by.
    pub fn factor(self, factor: f64) -> Self {
        Self { factor, ..self }
    }

    /// Sets how many epochs in a row may bring nothing better.
    pub fn patience(self, patience: u64) -> Self {
        Self { patience, ..self }
    }

    /// Sets by which share of the best a metric must be better than it.
    pub fn threshold(self, threshold: f64) -> Self {
        Self { threshold, absolute: false, ..self }
    }

    /// Sets by how much a metric must be better than the best.
    pub fn absolute_threshold(self, threshold: f64) -> Self {
        Self { threshold, absolute: true, ..self }
    }

    /// Sets how many epochs after a reduction do not count.
    pub fn cooldown(self, cooldown: u64) -> Self {
        Self { cooldown, ..self }
    }

    /// Sets the share of the rate that is always left.
    pub fn min_scale(self, min_scale: f64) -> Self {
        Self { min_scale, ..self }
    }

    /// Takes higher metrics for better. A [`Trainer`](crate::Trainer) tells the loss, so this is for loops of your own.
    pub fn maximize(self, maximize: bool) -> Self {
        Self { maximize, ..self }
    }

    /// Takes an epoch's metric into account.
    pub fn observe(&self, metric: f64, plateau: &mut Plateau) {
        if self.is_better(metric, plateau.best) {
            (plateau.best, plateau.waited) = (Some(metric), 0);
        } else {
            plateau.waited = plateau.waited.saturating_add(1);
        }
        if plateau.cooling > 0 {
            plateau.cooling -= 1;
            plateau.waited = 0;
        }
        if plateau.waited > self.patience {
            plateau.scale = (plateau.scale * self.factor).max(self.min_scale);
            (plateau.cooling, plateau.waited) = (self.cooldown, 0);
        }
    }

    fn is_better(&self, metric: f64, best: Option<f64>) -> bool {
        let Some(best) = best.filter(|_| metric.is_finite()) else { return metric.is_finite() };
        match (self.maximize, self.absolute) {
            (false, false) => metric < best * (1.0 - self.threshold),
            (false, true) => metric < best - self.threshold,
            (true, false) => metric > best * (1.0 + self.threshold),
            (true, true) => metric > best + self.threshold,
        }
    }

    /// An error if this waits for a metric to rise: that of a trainer is the loss.
    pub(super) fn check_falls(&self) -> Result<()> {
        match self.maximize {
            true => Err(Error::setting("reduce_on_plateau of a trainer", "one that minimizes", "maximize")),
            false => Ok(()),
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        check_fraction("factor", self.factor)?;
        check_at_least_0::<f64>("threshold", self.threshold)?;
        check_share("min_scale", self.min_scale)
    }
}

impl Default for ReduceOnPlateau {
    fn default() -> Self {
        Self::new()
    }
}

impl Plateau {
    pub(super) fn check(&self) -> Result<()> {
        check_share("scale", self.scale)?;
        self.best.map_or(Ok(()), |best| check_finite("best", best))
    }
}
