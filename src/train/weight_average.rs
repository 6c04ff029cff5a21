use std::ops::ControlFlow;

use super::history::Epoch;
use super::observer::{Observer, TrainingStep};
use crate::error::{Error, Result};
use crate::model::Sequential;
use crate::scalar::Scalar;
use crate::settings::check_average;

/// A running average of the parameters and buffers of a model during training, which often predicts better than the last values.
///
/// Formula: an exponential moving average (EMA) starts with the values after the first step, and becomes d·average + (1 −
/// d)·value after every later step. An equal average (stochastic weight averaging, SWA) is the mean of the values after every
/// epoch from a given one on.
///
/// Pass it to [`Trainer::observe`](crate::Trainer::observe) by mutable reference, and [`apply`](WeightAverage::apply) it to the
/// model after the run. It is not part of checkpoints.
///
/// Numerics: computed in `f64` and stored in the precision of the model. The average of the buffers of batch normalisation is not
/// quite what the averaged weights would produce.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `decay` d of [`ema`](WeightAverage::ema) | weight of the earlier values | none | at least 0 and below 1, such as 0.999 |
/// | `first` of [`swa`](WeightAverage::swa) | the first epoch that counts | none | any |
///
/// # Source
///
/// Polyak and Juditsky, *Acceleration of stochastic approximation by averaging*, 1992; Izmailov et al., *Averaging weights leads
/// to wider optima and better generalization*, 2018. PyTorch: `AveragedModel`.
///
/// # Examples
///
/// ```
/// use manabi::prelude::*;
/// use manabi::train::WeightAverage;
/// use ndarray::array;
///
/// let data = Samples::new(array![[0.0], [1.0], [2.0]], array![[1.0], [3.0], [5.0]])?; // t = 2x + 1
/// let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(1));
/// let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build()?;
/// let mut average = WeightAverage::ema(0.9)?;
/// Trainer::new().batch_size(1).epochs(300).observe(&mut average).fit(&mut model, &data)?;
/// average.apply(&mut model)?;
/// assert!((model.parameter_values()[0] - 2.0).abs() < 1e-6);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[doc(alias("EMA", "SWA", "Polyak averaging", "AveragedModel"))]
pub struct WeightAverage<A> {
    rule: Rule,
    params: Vec<A>,
    buffers: Vec<A>,
    /// The number of values in the average.
    count: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    Exponential(f64),
    Equal { first: usize },
}

impl<A: Scalar> WeightAverage<A> {
    /// Creates an exponential moving average over steps.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`] if `decay` is out of range.
    pub fn ema(decay: f64) -> Result<Self> {
        check_average("decay", decay)?;
        Ok(Self::of(Rule::Exponential(decay)))
    }

    /// Creates an equal average over epochs, from epoch `first` on.
    pub fn swa(first: usize) -> Self {
        Self::of(Rule::Equal { first })
    }

    fn of(rule: Rule) -> Self {
        Self { rule, params: Vec::new(), buffers: Vec::new(), count: 0 }
    }

    /// Returns the number of steps or epochs in the average.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Sets the parameters and buffers of a model to their averages.
    ///
    /// # Errors
    ///
    /// Returns the following errors and leaves the model unchanged:
    ///
    /// - [`Error::Setting`] if the average is empty,
    /// - [`Error::Shape`] if the model has another number of parameters or buffers,
    /// - [`Error::NotFinite`] if a value is not finite.
    pub fn apply(&self, model: &mut Sequential<A>) -> Result<()> {
        if self.count == 0 {
            return Err(Error::setting("weight average", "at least 1 observed step or epoch", 0));
        }
        // A second model, so that an error leaves the first one unchanged.
        let mut averaged = model.clone();
        averaged.set_parameter_values(&self.params)?;
        averaged.set_buffer_values(&self.buffers)?;
        *model = averaged;
        Ok(())
    }

    /// Adds the values of a model. They get this weight, and the average so far the rest.
    fn add(&mut self, model: &Sequential<A>, weight: f64) {
        if self.count == 0 {
            model.parameter_values().clone_into(&mut self.params);
            model.buffer_values().clone_into(&mut self.buffers);
        } else {
            mix(&mut self.params, model.parameter_values(), weight);
            mix(&mut self.buffers, model.buffer_values(), weight);
        }
        self.count += 1;
    }
}

fn mix<A: Scalar>(averages: &mut [A], values: &[A], weight: f64) {
    for (average, value) in averages.iter_mut().zip(values) {
        let (old, new) = (average.widen(), value.widen());
        *average = A::of(old + (new - old) * weight);
    }
}

impl<A: Scalar> Observer<A> for WeightAverage<A> {
    fn on_step(&mut self, step: &TrainingStep<'_, A>) -> ControlFlow<()> {
        if let Rule::Exponential(decay) = self.rule {
            self.add(step.model, 1.0 - decay);
        }
        ControlFlow::Continue(())
    }

    fn on_epoch(&mut self, epoch: &Epoch, model: &Sequential<A>) -> ControlFlow<()> {
        if let Rule::Equal { first } = self.rule
            && epoch.number >= first.max(1)
        {
            self.add(model, 1.0 / (self.count + 1) as f64);
        }
        ControlFlow::Continue(())
    }
}
