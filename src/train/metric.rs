//! Metrics of the user, measured on the validation and the test set.

use ndarray::ArrayView2;

use super::group::Group;
use super::trainer::Trainer;
use crate::buffer::{lengthen, matrix};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::metrics::{ACCURACY, LOSS, Watch};
use crate::model::evaluate::{ROWS, batches};
use crate::model::{Sequential, Workspace};
use crate::output::OutputFunction;
use crate::scalar::Scalar;
use crate::settings::{check, check_finite};

/// A function of predictions, targets and weights.
type Function<'a, A> =
    dyn FnMut(ArrayView2<'_, A>, ArrayView2<'_, A>, Option<&[f64]>) -> Result<f64> + Send + 'a;

/// A metric with its name.
pub(super) struct Metric<'a, A> {
    pub name: String,
    pub function: Box<Function<'a, A>>,
}

impl<A: Scalar> Trainer<'_, A> {
    /// Checks the names of the metrics, and that every rule watches one of them, the loss or the accuracy.
    pub(super) fn check_metrics(&self, model: &Sequential<A>) -> Result<()> {
        let names = || self.metrics.iter().map(|metric| metric.name.as_str());
        for (i, name) in names().enumerate() {
            let is_taken = [LOSS, ACCURACY].contains(&name) || names().take(i).any(|other| other == name);
            let is_plain = !name.chars().any(|c| c.is_control() || [',', '"', '\\'].contains(&c));
            let expected =
                "a unique name other than loss and accuracy, without commas, quotation marks and backslashes";
            check(
                !is_taken && is_plain && !name.is_empty(),
                "name of a metric",
                expected,
                format!("'{name}'"),
            )?;
        }
        if let (Some(metric), None, None) = (self.metrics.first(), self.validation, self.test) {
            let expected = "a validation or a test set to measure";
            return Err(Error::setting(format!("metric '{}'", metric.name), expected, "none"));
        }
        let rules = [
            ("early_stopping", self.early_stopping.as_ref().map(|rule| &rule.watch)),
            ("reduce_on_plateau", self.stepper.watch()),
            #[cfg(feature = "persistence")]
            ("checkpoints", self.checkpoints.as_ref().map(|checkpoints| &checkpoints.watch)),
        ];
        rules.into_iter().try_for_each(|(rule, watch)| match watch {
            Some(watch) => self.check_watch(rule, watch, model),
            None => Ok(()),
        })
    }

    fn check_watch(&self, rule: &str, watch: &Watch, model: &Sequential<A>) -> Result<()> {
        let what = format!("watch of {rule}");
        match watch.name() {
            LOSS => check(!watch.is_greatest(), &what, "the least loss", "the greatest"),
            ACCURACY => {
                let output = model.output();
                let has_it = matches!(output.function(), OutputFunction::Softmax | OutputFunction::Sigmoid);
                check(has_it, &what, "softmax or sigmoid as the output for an accuracy", output.kind())?;
                check(watch.is_greatest(), &what, "the greatest accuracy", "the least")
            }
            name => {
                let names: Vec<&str> = [LOSS, ACCURACY]
                    .into_iter()
                    .chain(self.metrics.iter().map(|metric| &*metric.name))
                    .collect();
                let expected = format!("the name of a metric: {}", names.join(", "));
                check(names.contains(&name), &what, &expected, format!("'{name}'"))
            }
        }
    }
}

/// The predictions of a data set, with the targets and the weights of their samples. With several processes, process 0 holds all
/// rows, and every other process holds those that it has computed.
pub(super) struct Predictions<A> {
    y: Vec<A>,
    t: Vec<A>,
    weights: Vec<f64>,
    /// The number of rows that are filled.
    filled: usize,
}

impl<A: Scalar> Predictions<A> {
    pub fn new() -> Self {
        Self { y: Vec::new(), t: Vec::new(), weights: Vec::new(), filled: 0 }
    }

    /// Makes room for the rows of this process, which are filled from the first one.
    pub fn begin(&mut self, data: &dyn Dataset<A>, group: &Group<'_>) -> Result<()> {
        let rows = if group.rank == 0 { data.len() } else { rows_of(group, data, group.rank) };
        self.filled = 0;
        // Too many values are an error of the allocation.
        let length = rows.saturating_mul(data.target_dim());
        lengthen("the predictions for metrics", &mut self.y, length)?;
        lengthen("the targets for metrics", &mut self.t, length)?;
        lengthen("the weights for metrics", &mut self.weights, rows)
    }

    /// Adds the batch in a workspace.
    pub fn push(&mut self, ws: &Workspace<A>) {
        let (y, t) = (ws.y(), ws.t());
        let (start, end) = (self.filled, self.filled + y.nrows());
        let place = start * y.ncols()..end * y.ncols();
        for (to, from) in [(&mut self.y, y), (&mut self.t, t)] {
            to[place.clone()].copy_from_slice(from.to_slice().expect("the array is in standard layout"));
        }
        match ws.weights() {
            Some(weights) => self.weights[start..end].copy_from_slice(weights),
            None => self.weights[start..end].fill(1.0),
        }
        self.filled = end;
    }

    /// Returns the values of the metrics, which process 0 computes for all processes, so that they have the same bits on all.
    pub fn measure(
        &mut self,
        metrics: &mut [Metric<'_, A>],
        data: &dyn Dataset<A>,
        group: &mut Group<'_>,
        place: &str,
    ) -> Result<Vec<f64>> {
        let columns = data.target_dim();
        collect(&mut self.y, columns, data, group)?;
        collect(&mut self.t, columns, data, group)?;
        collect(&mut self.weights, 1, data, group)?;
        let mut values = Vec::new();
        let own = match group.rank {
            0 => self.values(metrics, data, place).map(|own| values = own),
            _ => Ok(()),
        };
        let shared = group.share(own.map(|()| bytemuck::cast_slice(&values)))?;
        Ok(bytemuck::allocation::pod_collect_to_vec(&shared[0]))
    }

    fn values(&self, metrics: &mut [Metric<'_, A>], data: &dyn Dataset<A>, place: &str) -> Result<Vec<f64>> {
        let (rows, columns) = (data.len(), data.target_dim());
        let weights =
            Some(&self.weights[..rows]).filter(|weights| weights.iter().any(|&weight| weight != 1.0));
        let value = |metric: &mut Metric<'_, A>| {
            let value =
                (metric.function)(matrix(&self.y, rows, columns), matrix(&self.t, rows, columns), weights)?;
            check_finite("value", value).map(|()| value)
        };
        let named = |metric: &mut Metric<'_, A>| {
            value(metric).map_err(|error| error.in_place(&format!("{place}, metric '{}'", metric.name)))
        };
        metrics.iter_mut().map(named).collect()
    }
}

/// Returns the number of rows that a process evaluates.
fn rows_of<A: Scalar>(group: &Group<'_>, data: &dyn Dataset<A>, rank: usize) -> usize {
    let part = group.part_of(batches(data), rank);
    data.len().min(part.end * ROWS) - data.len().min(part.start * ROWS)
}

/// Sends the rows of all processes to process 0, which has room for them in order after its own.
fn collect<A: Scalar, T: bytemuck::Pod>(
    values: &mut [T],
    columns: usize,
    data: &dyn Dataset<A>,
    group: &mut Group<'_>,
) -> Result<()> {
    if group.processes().is_none() {
        return Ok(());
    }
    let length = |rank| rows_of(group, data, rank) * columns;
    let lengths: Vec<usize> = (0..group.size).map(length).collect();
    let mut send = vec![&[][..]; group.size];
    let mut receive: Vec<&mut [u8]> = (0..group.size).map(|_| &mut [][..]).collect();
    if group.rank == 0 {
        let mut rest = values;
        for (to, length) in receive.iter_mut().zip(lengths) {
            *to = bytemuck::cast_slice_mut(rest.split_off_mut(..length).expect("there is room for all rows"));
        }
    } else {
        send[0] = bytemuck::cast_slice(&values[..lengths[group.rank]]);
    }
    group.exchange(&send, &mut receive)
}
