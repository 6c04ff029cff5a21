use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::{Clip, Optimizer, OptimizerState, ReduceOnPlateau, SLOTS, Schedule, Step};
use crate::error::{Error, Result};
use crate::metrics::Watch;
use crate::model::{Place, Sequential, Workspace};
use crate::parallel::{divide, least, shares};
use crate::scalar::Scalar;
use crate::settings::{check_at_least_0, check_positive};

/// An optimizer with its schedule, its other settings and its state.
///
/// A step clips the gradient, gets the learning rate from the schedule and applies the rule to the parameters. Steps after the
/// first one allocate nothing.
///
/// | setting | purpose | default | range |
/// |---|---|---|---|
/// | rule | updates the parameters | none | any [`Optimizer`] |
/// | [`schedule`](Stepper::schedule) | changes the learning rate from step to step | the rule's own rate | any [`Schedule`], or a closure |
/// | [`reduce_on_plateau`](Stepper::reduce_on_plateau) | reduces the learning rate on a plateau | none | any [`ReduceOnPlateau`] |
/// | [`clip`](Stepper::clip) | limits the gradient | none | any [`Clip`] |
/// | [`layer_rate`](Stepper::layer_rate) | scales the learning rate of a layer | 1 for every layer | at least 0, finite |
/// | [`freeze`](Stepper::freeze) | keeps parameters unchanged | none | prefixes of names |
/// | [`decay_all`](Stepper::decay_all) | extends weight decay to biases and other one-dimensional parameters | off | |
///
/// # Examples
///
/// A custom training loop:
///
/// ```
/// use manabi::activation::Identity;
/// use manabi::loss::MeanSquaredError;
/// use manabi::optim::{Adam, Clip, CosineDecay, Stepper};
/// use manabi::{Affine, Samples, Sequential};
/// use ndarray::array;
///
/// let data = Samples::new(array![[0.0], [1.0], [2.0]], array![[1.0], [3.0], [5.0]])?; // t = 2x + 1
/// let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(1));
/// let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build()?;
/// let mut ws = model.workspace(3)?;
/// let mut stepper = Stepper::new(Adam::new(0.1)).schedule(CosineDecay::new(300)).clip(Clip::Norm(1.0));
/// for _ in 0..300 {
///     ws.load(&data, &[0, 1, 2])?;
///     model.gradient(&mut ws)?;
///     stepper.step(&mut model, &mut ws)?;
/// }
/// assert!((model.parameter_values()[0] - 2.0).abs() < 1e-3 && (model.parameter_values()[1] - 1.0).abs() < 1e-3);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("optimizer state", "optimizer.step"))]
pub struct Stepper<A> {
    rule: Arc<dyn Optimizer<A>>,
    schedule: Option<Arc<dyn Schedule>>,
    plateau: Option<ReduceOnPlateau>,
    clip: Option<Clip>,
    layer_rates: Vec<(String, f64)>,
    /// The beginnings of the names of parameters that do not change.
    frozen: Vec<String>,
    decay_all: bool,
    state: OptimizerState<A>,
    /// The model to which the state belongs.
    owner: Option<u64>,
    /// Scratch space: ranges of parameters with the same treatment.
    parts: Vec<Part>,
}

/// A range of parameters with the same treatment.
#[derive(Clone, Debug)]
struct Part {
    range: Range<usize>,
    group: Group,
}

/// The treatment of parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Group {
    /// The factor of the learning rate.
    rate: f64,
    weight_decay: f64,
}

impl<A: Scalar> Stepper<A> {
    /// Creates a stepper with this rule.
    pub fn new(rule: impl Optimizer<A> + 'static) -> Self {
        let state = OptimizerState::of(&rule);
        Self {
            rule: Arc::new(rule),
            schedule: None,
            plateau: None,
            clip: None,
            layer_rates: Vec::new(),
            frozen: Vec::new(),
            decay_all: false,
            state,
            owner: None,
            parts: Vec::new(),
        }
    }

    /// Replaces the rule and resets the state.
    pub fn optimizer(self, rule: impl Optimizer<A> + 'static) -> Self {
        Self { state: OptimizerState::of(&rule), owner: None, rule: Arc::new(rule), ..self }
    }

    /// Sets the learning rate schedule.
    pub fn schedule(self, schedule: impl Schedule + 'static) -> Self {
        Self { schedule: Some(Arc::new(schedule)), ..self }
    }

    /// Sets the rule that reduces the learning rate, in addition to a schedule, when the metric passed to
    /// [`end_epoch`](Stepper::end_epoch) stops improving.
    pub fn reduce_on_plateau(self, reduce: ReduceOnPlateau) -> Self {
        Self { plateau: Some(reduce), ..self }
    }

    /// Sets how every gradient is clipped.
    pub fn clip(self, clip: Clip) -> Self {
        Self { clip: Some(clip), ..self }
    }

    /// Sets the factor of the learning rate for the layer with this name, and replaces an earlier factor.
    ///
    /// A layer in a block is named `block1.affine1`. The factor of a block applies to its layers that have no factor. With a
    /// factor of 0, the parameters of the layer and their optimizer state do not change for any gradient. The layer's buffers,
    /// such as a running mean, still change.
    pub fn layer_rate(mut self, layer: impl Into<String>, factor: f64) -> Self {
        let layer = layer.into();
        self.layer_rates.retain(|(other, _)| *other != layer);
        self.layer_rates.push((layer, factor));
        self
    }

    /// Freezes all parameters whose names begin with this prefix: `affine1` freezes `affine1.weight` and `affine1.bias`, and
    /// `encoder` freezes all layers whose names begin with it. The buffers of frozen layers, such as a running mean, still
    /// change.
    pub fn freeze(mut self, prefix: impl Into<String>) -> Self {
        self.frozen.push(prefix.into());
        self
    }

    /// Sets whether weight decay applies to all parameters, including parameters named `bias` and one-dimensional parameters,
    /// such as the scale of a normalisation.
    pub fn decay_all(self, decay_all: bool) -> Self {
        Self { decay_all, ..self }
    }

    /// Returns the rule.
    pub fn rule(&self) -> &dyn Optimizer<A> {
        self.rule.as_ref()
    }

    /// Returns the state.
    pub fn state(&self) -> &OptimizerState<A> {
        &self.state
    }

    /// Restores a state, so that the next step continues from it.
    ///
    /// # Errors
    ///
    /// Changes nothing and returns:
    /// - [`Error::Setting`] if the number of slots or scalars is not the rule's, a value is not finite, or the plateau's scale is
    ///   not between 0 and 1;
    /// - [`Error::Shape`] if the slots have different lengths.
    #[inline(never)]
    pub fn set_state(&mut self, state: OptimizerState<A>) -> Result<()> {
        state.check(self.rule())?;
        (self.state, self.owner) = (state, None);
        Ok(())
    }

    /// Resets the state. The next step is the first.
    pub fn restart(&mut self) {
        (self.state, self.owner) = (OptimizerState::of(self.rule.as_ref()), None);
    }

    /// Returns the state and the model to which it belongs.
    pub(crate) fn memory(&self) -> (OptimizerState<A>, Option<u64>) {
        (self.state.clone(), self.owner)
    }

    /// Restores a state and the model to which it belongs.
    pub(crate) fn recall(&mut self, memory: (OptimizerState<A>, Option<u64>)) {
        (self.state, self.owner) = memory;
    }

    /// Assigns the state to another model, so that the next step can continue with it. Clones of a model count as the same model.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Shape`] if the model has another number of parameters.
    pub fn adopt(&mut self, model: &Sequential<A>) -> Result<()> {
        self.state.check_length(model.parameter_count())?;
        self.owner = Some(model.id());
        Ok(())
    }

    /// Returns all settings except the schedule as text for comparison.
    pub(crate) fn settings(&self) -> String {
        let Self { rule, plateau, clip, layer_rates, decay_all, frozen, .. } = self;
        let frozen = if frozen.is_empty() { String::new() } else { format!(", frozen {frozen:?}") };
        format!(
            "{rule:?}, clip {clip:?}, plateau {plateau:?}, layer_rates {layer_rates:?}, decay_all {decay_all}{frozen}"
        )
    }

    /// Returns the learning rate of the next step.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`] if the schedule's rate, or its product with a layer's factor, is negative or not finite.
    pub fn learning_rate(&self) -> Result<f64> {
        let base = self.rule.learning_rate();
        let rate = self.schedule.as_ref().map_or(base, |schedule| schedule.rate(base, self.state.steps));
        check_at_least_0::<A>("rate of the schedule", rate)?;
        let greatest = self.layer_rates.iter().fold(1.0, |greatest: f64, (_, factor)| greatest.max(*factor));
        check_at_least_0::<A>("rate of a layer", rate * greatest)?;
        Ok(rate * self.state.plateau.scale)
    }

    /// Updates the model from the gradient in the workspace. Clipping changes this gradient in place.
    ///
    /// # Errors
    ///
    /// Leaves the model and the state unchanged and returns:
    /// - the errors of [`check_model`](Stepper::check_model) and [`learning_rate`](Stepper::learning_rate);
    /// - [`Error::Setting`] if the workspace does not fit the model, contains no gradient, or contains a gradient that a step has
    ///   used ([`step_again`](Stepper::step_again) uses it again);
    /// - [`Error::OutOfMemory`] if the state does not fit in memory.
    #[inline(never)]
    pub fn step(&mut self, model: &mut Sequential<A>, ws: &mut Workspace<A>) -> Result<()> {
        if ws.is_taken() {
            let expected = "one computed after the last step (call step_again to reuse a gradient)";
            return Err(Error::setting("gradient", expected, "the gradient of the last step"));
        }
        self.step_again(model, ws)
    }

    /// Updates the model like [`step`](Stepper::step), but also from a gradient that a step has used. Clipping applies again to
    /// the gradient in the workspace.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`step`](Stepper::step), except for the error about a used gradient.
    #[inline(never)]
    pub fn step_again(&mut self, model: &mut Sequential<A>, ws: &mut Workspace<A>) -> Result<()> {
        self.check_model(model)?;
        model.check_workspace(ws)?;
        if ws.gradient().len() != model.parameter_count() {
            return Err(Error::setting("workspace", "a gradient (call Sequential::gradient first)", "none"));
        }
        // Check before the gradient counts as used.
        self.learning_rate()?;
        self.state.begin(self.rule.slots().len(), model.parameter_count())?;
        self.divide(model);
        let threads = ws.thread_count();
        self.run(model.parameter_values_mut(), ws.take_gradient(), threads)?;
        self.owner = Some(model.id());
        model.update_buffers(ws)
    }

    /// Updates parameters outside a model from their gradient. Clipping changes this gradient in place. Weight decay applies to
    /// all parameters.
    ///
    /// # Errors
    ///
    /// Changes nothing and returns:
    /// - [`Error::Setting`] if a setting is out of range or a [`layer_rate`](Stepper::layer_rate) is set, because slices have no
    ///   layers;
    /// - the errors of [`learning_rate`](Stepper::learning_rate);
    /// - [`Error::Shape`] if the slices have different lengths, or another length than in the previous steps;
    /// - [`Error::OutOfMemory`] if the state does not fit in memory.
    #[inline(never)]
    pub fn step_slices(&mut self, params: &mut [A], gradient: &mut [A]) -> Result<()> {
        if let Some((layer, _)) = self.layer_rates.first() {
            return Err(Error::setting("layer_rate", "none for parameters outside a model", layer));
        }
        self.check_settings()?;
        self.state.check_length(params.len())?;
        if gradient.len() != params.len() {
            return Err(Error::shape("gradient", format!("[{}]", params.len()), &[gradient.len()]));
        }
        let group = Group { rate: 1.0, weight_decay: self.rule.weight_decay() };
        self.parts.clear();
        self.parts.push(Part { range: 0..params.len(), group });
        self.run(params, gradient, 1)
    }

    /// Ends an epoch and passes its loss, or another metric, to [`reduce_on_plateau`](Stepper::reduce_on_plateau).
    ///
    /// If a setting of the reduction is out of range, this does nothing and the next step returns the error.
    pub fn end_epoch(&mut self, metric: f64) {
        if let Some(reduce) = self.plateau.as_ref().filter(|reduce| reduce.check().is_ok()) {
            reduce.observe(metric, &mut self.state.plateau);
        }
    }

    /// Checks whether this stepper can train the model.
    ///
    /// # Errors
    ///
    /// Returns:
    /// - [`Error::Setting`] if a setting is out of range, a [`layer_rate`](Stepper::layer_rate) names a layer that the model does
    ///   not have, or the state belongs to another model;
    /// - [`Error::Shape`] if the state belongs to another number of parameters.
    pub fn check_model(&self, model: &Sequential<A>) -> Result<()> {
        self.check_settings()?;
        for (name, _) in &self.layer_rates {
            let is_layer = model.layer_names().any(|layer| layer == name);
            if !is_layer && !model.places().any(|place| place.is_within(name)) {
                let names: Vec<&str> = model.layer_names().collect();
                let expected = format!("one of {}, or a layer in one of these blocks", names.join(", "));
                return Err(Error::setting("layer_rate", expected, name));
            }
        }
        for prefix in &self.frozen {
            if !model.places().any(|place| place.full_name().starts_with(prefix)) {
                let names: Vec<&str> = model.layer_names().collect();
                let expected =
                    format!("the beginning of a parameter's name, such as one of {}", names.join(", "));
                return Err(Error::setting("freeze", expected, prefix));
            }
        }
        self.state.check_length(model.parameter_count())?;
        match self.owner {
            Some(owner) if owner != model.id() => {
                let expected =
                    "the model of the previous steps (call adopt to continue or restart to start over)";
                Err(Error::setting("model", expected, "another model"))
            }
            _ => Ok(()),
        }
    }

    /// Checks that the slots are finite. The error names the first value that is not finite.
    pub(crate) fn check_finite(&self, model: &Sequential<A>) -> Result<()> {
        for (name, slot) in self.rule.slots().iter().zip(&self.state.slots) {
            for place in model.places() {
                place.check_finite(&format!("slot {name} of {}", place.full_name()), slot)?;
            }
        }
        Ok(())
    }

    /// Returns the metric that [`end_epoch`](Stepper::end_epoch) expects, or `None` without a reduction on a plateau.
    pub(crate) fn watch(&self) -> Option<&Watch> {
        self.plateau.as_ref().map(|plateau| &plateau.watch)
    }

    fn check_settings(&self) -> Result<()> {
        check_positive::<A>("learning_rate", self.rule.learning_rate())?;
        check_at_least_0::<A>("weight_decay", self.rule.weight_decay())?;
        self.rule.check()?;
        if self.rule.slots().len() > SLOTS {
            return Err(Error::setting("slots", format!("at most {SLOTS}"), self.rule.slots().len()));
        }
        self.schedule.as_ref().map_or(Ok(()), |schedule| schedule.check())?;
        self.plateau.as_ref().map_or(Ok(()), |plateau| plateau.check())?;
        self.clip.map_or(Ok(()), |clip| clip.check::<A>())?;
        self.layer_rates.iter().try_for_each(|(_, factor)| check_at_least_0::<A>("layer_rate", *factor))
    }

    /// Divides the parameters into the fewest ranges with the same treatment.
    fn divide(&mut self, model: &Sequential<A>) {
        self.parts.clear();
        for place in model.places() {
            let (group, range) = (self.group(&place), place.range);
            match self.parts.last_mut() {
                Some(part) if part.group == group => part.range.end = range.end,
                _ => self.parts.push(Part { range, group }),
            }
        }
    }

    fn group(&self, place: &Place<'_>) -> Group {
        // Inside a block, the factor of the innermost layer applies.
        let own = self.layer_rates.iter().filter(|(name, _)| place.is_within(name));
        let factor = own.max_by_key(|(name, _)| name.len()).map_or(1.0, |(_, factor)| *factor);
        let is_frozen = self.frozen.iter().any(|prefix| place.full_name().starts_with(prefix));
        let decays = self.decay_all || (!place.spec.is_bias() && place.spec.shape.len() > 1);
        Group {
            rate: if is_frozen { 0.0 } else { factor },
            weight_decay: if decays { self.rule.weight_decay() } else { 0.0 },
        }
    }

    /// Takes a step, range by range, on up to `threads` threads. The slices must have the right length.
    fn run(&mut self, params: &mut [A], gradient: &mut [A], threads: usize) -> Result<()> {
        let rate = self.learning_rate()?;
        self.state.begin(self.rule.slots().len(), params.len())?;
        if let Some(clip) = self.clip {
            clip.apply(gradient)?;
        }
        let OptimizerState { steps, slots, scalars, .. } = &mut self.state;
        *steps = steps.saturating_add(1);
        self.rule.advance(*steps, scalars);
        // Skip a factor of 0: its product with an infinite gradient would be NaN.
        for Part { range, group } in self.parts.iter().filter(|part| part.group.rate > 0.0) {
            let mut slots = slots.iter_mut().map(|slot| &mut slot[range.clone()]);
            let step = Step {
                number: *steps,
                learning_rate: rate * group.rate,
                weight_decay: group.weight_decay,
                scalars,
                params: &mut params[range.clone()],
                gradient: &gradient[range.clone()],
                slots: std::array::from_fn(|_| slots.next().unwrap_or_default()),
            };
            let threads = shares(threads, range.len(), least::PARAMETERS);
            divide(step, threads, &|part| self.rule.update(part));
        }
        Ok(())
    }
}

impl<A> fmt::Debug for Stepper<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Stepper");
        out.field("rule", &self.rule).field("clip", &self.clip).field("layer_rates", &self.layer_rates);
        out.field("steps", &self.state.steps).finish_non_exhaustive()
    }
}
