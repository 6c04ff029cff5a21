#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::metrics::Watch;
use crate::settings::{check_at_least_0, check_finite, check_fraction, check_share};

/// A rule that reduces the learning rate when a metric, observed once per epoch, stops improving.
///
/// Formula: after more than `patience` epochs in a row without improvement, the rate is multiplied by `factor`, down to at least
/// `min_scale` times the scheduled rate. A metric improves if it is below best − `threshold`·|best|.
/// [`absolute_threshold`](ReduceOnPlateau::absolute_threshold) and the direction of [`watch`](ReduceOnPlateau::watch) change this
/// comparison. A metric that is not finite is no improvement. The first `cooldown` epochs after a reduction do not count
/// towards the patience.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `factor` | factor of a reduction | 0.1 | above 0, below 1 |
/// | `patience` | tolerated epochs in a row without improvement | 10 | any |
/// | `threshold` | required improvement, as a share of the best metric | 10⁻⁴ | at least 0, finite; or an absolute threshold |
/// | `cooldown` | epochs after a reduction that do not count | 0 | any |
/// | `min_scale` | least share of the scheduled rate | 0 | 0 to 1 |
/// | `watch` | the metric, and whether its least or its greatest value is the best | the least loss | a metric of the run |
///
/// [`Trainer`](crate::Trainer) passes the metric on the validation set. Without a validation set it passes the metric on the test
/// set, and without either the metric on the training set. In a custom loop, [`Stepper::end_epoch`](super::Stepper::end_epoch)
/// gets the metric, and the name of the [`Watch`] has no meaning.
///
/// # Errors
///
/// Training fails with [`Error::Setting`] before the first step if a setting is out of range.
/// [`Trainer::fit`](crate::Trainer::fit) also returns it if the run does not measure the watched metric.
///
/// # Source
///
/// PyTorch's `ReduceLROnPlateau`, whose `mode` is the direction of `watch`. `min_scale` replaces its `min_lr` and is a share of
/// the rate. PyTorch compares with best·(1 ∓ `threshold`), so that a negative metric improves even if it does not change.
///
/// # Examples
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
#[derive(Clone, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("ReduceLROnPlateau", "learning rate scheduler"))]
pub struct ReduceOnPlateau {
    factor: f64,
    patience: u64,
    threshold: f64,
    absolute: bool,
    cooldown: u64,
    min_scale: f64,
    pub(super) watch: Watch,
}

/// The state of [`ReduceOnPlateau`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Plateau {
    /// The factor of the learning rate, initially 1.
    pub scale: f64,
    /// The best metric so far, or `None` before the first finite one.
    pub best: Option<f64>,
    /// The number of epochs without improvement that count towards the patience.
    pub waited: u64,
    /// The number of cooldown epochs that remain.
    pub cooling: u64,
}

impl Default for Plateau {
    fn default() -> Self {
        Self { scale: 1.0, best: None, waited: 0, cooling: 0 }
    }
}

impl ReduceOnPlateau {
    /// Creates a rule that reduces the rate to a tenth after more than ten epochs in a row without a lower metric.
    pub fn new() -> Self {
        Self {
            factor: 0.1,
            patience: 10,
            threshold: 1e-4,
            absolute: false,
            cooldown: 0,
            min_scale: 0.0,
            watch: Watch::default(),
        }
    }

    /// Sets the factor by which a reduction multiplies the rate.
    pub fn factor(self, factor: f64) -> Self {
        Self { factor, ..self }
    }

    /// Sets the number of epochs in a row without improvement that are tolerated.
    pub fn patience(self, patience: u64) -> Self {
        Self { patience, ..self }
    }

    /// Sets the required improvement as a share of the best metric.
    pub fn threshold(self, threshold: f64) -> Self {
        Self { threshold, absolute: false, ..self }
    }

    /// Sets the required improvement as a difference from the best metric.
    pub fn absolute_threshold(self, threshold: f64) -> Self {
        Self { threshold, absolute: true, ..self }
    }

    /// Sets the number of epochs after a reduction that do not count towards the patience.
    pub fn cooldown(self, cooldown: u64) -> Self {
        Self { cooldown, ..self }
    }

    /// Sets the least share of the scheduled rate.
    pub fn min_scale(self, min_scale: f64) -> Self {
        Self { min_scale, ..self }
    }

    /// Sets the metric, and whether its least or its greatest value is the best.
    pub fn watch(self, watch: Watch) -> Self {
        Self { watch, ..self }
    }

    /// Updates the state with the metric of an epoch.
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
        // The sign moves the bound of a negative metric in the same direction as that of a positive one.
        let share = self.threshold * best.signum();
        match (self.watch.is_greatest(), self.absolute) {
            (false, false) => metric < best * (1.0 - share),
            (false, true) => metric < best - self.threshold,
            (true, false) => metric > best * (1.0 + share),
            (true, true) => metric > best + self.threshold,
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
