//! The settings, sizes and values that all processes of a run must have in common.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::trainer::Trainer;
use crate::data::Dataset;
use crate::model::Sequential;
use crate::scalar::Scalar;

/// Names and values, in a fixed order.
pub(super) type Description = Vec<(String, String)>;

impl<A: Scalar> Trainer<'_, A> {
    /// Describes the run at its start, after `epochs` rows of the history.
    pub(super) fn describe(
        &self,
        model: &Sequential<A>,
        train: &dyn Dataset<A>,
        epochs: usize,
    ) -> Description {
        let mut list = Description::new();
        let mut add = |name: &str, value: String| list.push((name.into(), value));
        add("version of manabi", env!("CARGO_PKG_VERSION").into());
        add("precision", std::any::type_name::<A>().into());
        add("shards", self.shards.to_string());
        add("batch_size", self.batch_size.to_string());
        add("drop_last", self.drop_last.to_string());
        add("epochs", self.epochs.to_string());
        add("optimizer", self.stepper.settings());
        add("steps of the optimizer", self.stepper.state().steps.to_string());
        add("learning rate of the next step", format!("{:?}", self.stepper.learning_rate().ok()));
        add("seed", format!("{:?}", self.seed));
        add("noise_seed", self.noise.to_string());
        add("early_stopping", format!("{:?}", self.early_stopping));
        let metrics: Vec<&str> = self.metrics.iter().map(|metric| &*metric.name).collect();
        add("metrics", format!("{metrics:?}"));
        add("rows of the history", epochs.to_string());
        let sets = [("training", Some(train)), ("validation", self.validation), ("test", self.test)];
        for (name, data) in sets {
            let sizes = |data: &dyn Dataset<A>| {
                format!("{} of shape {} and {}", data.len(), data.input_shape(), data.target_dim())
            };
            add(&format!("samples of the {name} set"), data.map_or("none".into(), sizes));
        }
        add("input shape", model.input_shape().to_string());
        model.describe(add);
        list.extend(self.checksums(model));
        list
    }

    /// Returns a checksum of every parameter, of the buffers and of the state of the optimizer.
    pub(super) fn checksums(&self, model: &Sequential<A>) -> Description {
        let line = |name: String, values: &[A]| (name, checksum::<A>(values));
        let parameters = model.places().map(|place| {
            line(format!("parameter {}", place.full_name()), &model.parameter_values()[place.range.clone()])
        });
        let buffers = [line("buffers".into(), model.buffer_values())];
        let slots = self.stepper.state().slots.iter().enumerate();
        let slots = slots.map(|(i, slot)| line(format!("slot {i} of the optimizer"), slot));
        parameters.chain(buffers).chain(slots).collect()
    }
}

fn checksum<A: Scalar>(values: &[A]) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytemuck::cast_slice(values));
    format!("bits with checksum {:016x}", hasher.finish())
}

/// Describes the order of an epoch.
pub(super) fn of_order(order: &[usize]) -> Description {
    let mut hasher = DefaultHasher::new();
    order.hash(&mut hasher);
    vec![("order".into(), format!("{} rows with checksum {:016x}", order.len(), hasher.finish()))]
}
