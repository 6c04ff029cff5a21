/// The metric that decides which epoch of a run is better, by name, with its direction.
///
/// [`EarlyStopping`](crate::train::EarlyStopping), [`ReduceOnPlateau`](crate::optim::ReduceOnPlateau) and `Checkpoints` each have
/// a setting `watch`. The default is the least loss.
///
/// | name | metric | direction |
/// |---|---|---|
/// | `loss` | the loss | least |
/// | `accuracy` | the accuracy, with a softmax or sigmoid output | greatest |
/// | any other | the [`Trainer::metric`](crate::Trainer::metric) with this name | either |
///
/// The metric is that of the validation set, or without one of the test set, or without both of the training set, as
/// [`Epoch::watched`](crate::train::Epoch::watched) describes.
///
/// # Examples
///
/// ```
/// use manabi::metrics::Watch;
/// use manabi::optim::ReduceOnPlateau;
/// use manabi::train::EarlyStopping;
///
/// let stopping = EarlyStopping::new(10).watch(Watch::greatest("accuracy"));
/// let reduce = ReduceOnPlateau::new().watch(Watch::least("mean absolute error"));
/// # let _ = (stopping, reduce);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias("monitor", "mode", "maximize", "minimize"))]
pub struct Watch {
    name: String,
    greatest: bool,
}

impl Watch {
    /// Watches the metric with this name. The least value is the best.
    pub fn least(name: impl Into<String>) -> Self {
        Self { name: name.into(), greatest: false }
    }

    /// Watches the metric with this name. The greatest value is the best.
    pub fn greatest(name: impl Into<String>) -> Self {
        Self { name: name.into(), greatest: true }
    }

    /// Returns the name of the metric.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns whether the greatest value is the best.
    pub fn is_greatest(&self) -> bool {
        self.greatest
    }

    /// Returns the value to minimise for a value of the metric.
    pub(crate) fn cost(&self, value: f64) -> f64 {
        if self.greatest { -value } else { value }
    }
}

impl Default for Watch {
    fn default() -> Self {
        Self::least(LOSS)
    }
}

/// The name of the loss among metrics.
pub(crate) const LOSS: &str = "loss";

/// The name of the accuracy among metrics.
pub(crate) const ACCURACY: &str = "accuracy";
