//! Pictures of runs.

use super::{Epoch, History, RateSearch};
use crate::error::{Error, Result};
use crate::metrics::LOSS;
use crate::plot::{Axes, Curve, range_of};

impl History {
    /// Returns an SVG picture of the losses on the training, validation and test sets over the epochs (feature `plot`).
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`] if the history is empty.
    ///
    /// # Examples
    ///
    /// ```
    /// use manabi::prelude::*;
    /// use ndarray::array;
    ///
    /// let data = Samples::new(array![[0.0], [1.0]], array![[1.0], [3.0]])?;
    /// let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(1));
    /// let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build()?;
    /// let history = Trainer::new().batch_size(2).epochs(20).fit(&mut model, &data)?;
    /// assert!(history.to_svg()?.starts_with("<svg"));
    /// # Ok::<(), manabi::Error>(())
    /// ```
    pub fn to_svg(&self) -> Result<String> {
        self.metric_to_svg(LOSS)
    }

    /// Returns an SVG picture of a metric on the data sets on which it was measured over the epochs (feature `plot`): `loss`,
    /// `accuracy`, or a [`Trainer::metric`](crate::Trainer::metric).
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`] if the history is empty or has no finite value of the metric.
    pub fn metric_to_svg(&self, name: &str) -> Result<String> {
        let (Some(first), Some(last)) = (self.epochs.first(), self.epochs.last()) else {
            return Err(Error::setting("history", "at least 1 epoch", 0));
        };
        let curve = |(i, set): (usize, _)| -> Curve {
            let point = |epoch: &Epoch| {
                let value = epoch.values(name)[i].filter(|value| value.is_finite());
                value.map(|value| (epoch.number as f64, value))
            };
            (set, self.epochs.iter().filter_map(point).collect())
        };
        let sets = ["training", "validation", "test"].into_iter().enumerate();
        let curves: Vec<Curve> = sets.map(curve).filter(|curve| !curve.1.is_empty()).collect();
        if curves.is_empty() {
            return Err(Error::setting("history", format!("a finite value of '{name}'"), "none"));
        }
        let y_range = range_of(curves.iter().flat_map(|curve| curve.1.iter().map(|point| point.1)));
        let end = (last.number as f64).max(first.number as f64 + 1.0);
        let x_range = first.number as f64..end;
        Axes { x: "epoch", y: name, x_range, y_range, is_log: false }.draw(&curves)
    }
}

impl RateSearch {
    /// Returns an SVG picture of the smoothed loss over the learning rates, which have a logarithmic axis (feature `plot`).
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`] if the search has no steps.
    pub fn to_svg(&self) -> Result<String> {
        let (Some(first), Some(last)) = (self.rates.first(), self.rates.last()) else {
            return Err(Error::setting("search of a rate", "at least 1 step", 0));
        };
        let points = self.rates.iter().map(|rate| rate.log10()).zip(self.smoothed()).collect::<Vec<_>>();
        let y_range = range_of(points.iter().map(|point| point.1));
        let x_range = first.log10()..last.log10().max(first.log10() + 1.0);
        Axes { x: "learning rate", y: "loss", x_range, y_range, is_log: true }.draw(&[("loss", points)])
    }
}
