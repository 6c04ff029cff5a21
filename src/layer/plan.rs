use std::ops::Range;
use std::sync::Arc;

use ndarray::ArrayView2;

use super::scratch::MOST;
use super::tensor_spec::{check_name, check_names, total_size};
use super::{Layer, Named, Scratch, TensorSpec};
use crate::error::{Error, Result};
use crate::linalg::{THIN, halves};
use crate::parallel::{least, shares};
use crate::scalar::Scalar;
use crate::shape::Shape;

/// The number of parameters and outputs from which the weights of a stretch are large.
const HEAVY: usize = 1 << 18;
/// The number of bytes of the rows that pass light layers together, which stay in the cache.
const CACHED: usize = 2 << 20;
/// The number of values of a row from which it pays off that only a few rows pass light layers together.
const WIDE: usize = 1 << 12;

/// The declarations of a layer for one input shape.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Declared {
    pub input: Shape,
    pub output: Shape,
    pub parameters: Vec<TensorSpec>,
    /// The number of values of all parameters.
    pub size: usize,
    pub buffers: Vec<TensorSpec>,
    /// The number of values of all buffers.
    pub buffer_size: usize,
    pub scratch: Scratch,
}

impl Declared {
    pub fn of<A: Scalar>(layer: &dyn Layer<A>, input: Shape) -> Result<Self> {
        let output = layer.output_shape(input)?;
        if output.dims().contains(&0) {
            return Err(Error::setting("output shape", "at least 1 in each dimension", output));
        }
        let (parameters, buffers) = (layer.parameters(input), layer.buffers(input));
        let all = || parameters.iter().chain(&buffers);
        check_names(all().map(|spec| &spec.name))?;
        check_names(all().map(|spec| &spec.saved_as))?;
        let (size, buffer_size) = (total_size::<A>(&parameters)?, total_size::<A>(&buffers)?);
        let scratch = layer.scratch(input);
        Ok(Self { input, output, parameters, size, buffers, buffer_size, scratch })
    }
}

/// A layer and its place among the layers of a plan.
#[derive(Clone, Debug)]
pub(crate) struct Slot<A> {
    pub name: String,
    pub layer: Arc<dyn Layer<A>>,
    pub declared: Declared,
    /// The range of its parameters in the parameters of all layers.
    pub range: Range<usize>,
    /// The range of its buffers in the buffers of all layers.
    pub buffer_range: Range<usize>,
    /// The index of its first array among the kept arrays of all layers. The array for its output follows its own arrays.
    kept_at: usize,
}

impl<A: Scalar> Slot<A> {
    /// Creates the slot after `before`, or the first slot.
    #[inline(never)]
    fn new(name: &str, layer: &Arc<dyn Layer<A>>, before: Option<&Self>, input: Shape) -> Result<Self> {
        let layer = layer.placed(input)?.unwrap_or_else(|| layer.clone());
        let declared = Declared::of(layer.as_ref(), input)?;
        let behind = |start: usize, size: usize| match start.checked_add(size) {
            Some(end) => Ok(start..end),
            None => Err(Error::out_of_memory::<A>("the parameters or buffers", &[size])),
        };
        let range = behind(before.map_or(0, |slot| slot.range.end), declared.size)?;
        let buffer_range = behind(before.map_or(0, |slot| slot.buffer_range.end), declared.buffer_size)?;
        let kept_at = before.map_or(0, |slot| slot.output_at() + 1);
        Ok(Self { name: name.into(), layer, declared, range, buffer_range, kept_at })
    }

    /// Returns whether a batch can be divided by rows. Training writes buffers, which exist only once, so a layer with buffers
    /// needs the whole batch in training.
    fn divides(&self, training: bool) -> bool {
        self.layer.row_wise(training) && (self.buffer_range.is_empty() || !training) && self.arrays() <= MOST
    }

    /// Returns the index of the array for its output among the kept arrays of all layers.
    fn output_at(&self) -> usize {
        self.kept_at + self.declared.scratch.kept.len()
    }

    /// Returns the range of its kept arrays among the kept arrays of all layers, counted from index `before`.
    pub fn kept(&self, before: usize) -> Range<usize> {
        self.kept_at - before..self.output_at() - before
    }

    /// Returns the maximum number of arrays that a pass writes for the layer. A forward pass also writes the output, and a
    /// backward pass the gradient with respect to the output.
    fn arrays(&self) -> usize {
        let Scratch { kept, gradients, .. } = &self.declared.scratch;
        kept.len().max(gradients.len()) + 1
    }

    /// Returns whether few parameters serve many outputs, as in layers for images. A few rows at a time then pass the layer as
    /// fast as a whole batch.
    fn is_light(&self) -> bool {
        self.declared.size <= self.output_size()
    }

    /// Returns the width of the input if the weights may be divided among threads instead of the rows of a batch.
    ///
    /// Each thread then works with roughly the weights that it updates, so that the weights need not move between cores in every
    /// step. A layer with at least inputs × outputs parameters is assumed to multiply by them.
    fn divides_weights(&self) -> Option<usize> {
        let inputs = self.declared.input.size();
        (self.is_dense() && halves(0, inputs)).then_some(inputs)
    }

    /// Returns whether there is a parameter for each pair of an input and an output.
    fn is_dense(&self) -> bool {
        let Declared { input, output, size, .. } = &self.declared;
        *size >= input.size().saturating_mul(output.size())
    }

    /// Returns whether the weights are so large that packing them takes long. In training, threads that each pass some rows would
    /// pack all weights each; if they share the products instead, they pack them together.
    fn is_heavy(&self) -> bool {
        self.is_dense() && self.declared.size >= HEAVY
    }

    /// Returns the number of values of a row that the layer writes: its output and what it keeps.
    fn values(&self) -> usize {
        let kept = self.declared.scratch.kept.iter();
        kept.fold(self.output_size(), |sum, &width| sum.saturating_add(width))
    }

    pub fn output_size(&self) -> usize {
        self.declared.output.size()
    }
}

/// Consecutive layers that a batch passes together. The batch is divided by rows if this is worthwhile; otherwise, each layer
/// processes the whole batch.
#[derive(Clone, Debug)]
pub(super) struct Stretch {
    pub layers: Range<usize>,
    by_rows: bool,
    training: bool,
    /// The number of multiplications per row.
    work: usize,
    /// The input width of a layer whose weights may be divided instead of rows, in a forward pass.
    weights: Option<usize>,
    /// The number of values that a row has in all layers together, if all layers are light.
    values: Option<usize>,
}

impl Stretch {
    fn of<A: Scalar>(index: usize, slot: &Slot<A>, training: bool) -> Self {
        let weights = if training { slot.divides_weights() } else { None };
        let work = slot.declared.size + slot.output_size();
        let by_rows = slot.divides(training) && !(training && slot.is_heavy());
        let values = slot.is_light().then(|| slot.values());
        Self { layers: index..index + 1, by_rows, training, work, weights, values }
    }

    /// Returns whether a batch can pass the next stretch together with this one.
    fn joins(&self, next: &Self, arrays: usize) -> bool {
        let ends = next.values.is_none() && self.is_wide();
        let by_weights = self.weights.is_some() || next.weights.is_some();
        self.by_rows && next.by_rows && !by_weights && !ends && arrays <= MOST
    }

    /// Returns whether all layers are light and a row has many values.
    fn is_wide(&self) -> bool {
        self.values.is_some_and(|values| values >= WIDE)
    }

    /// Returns the number of rows that pass the layers together, so that the outputs of a layer are still cached when the next
    /// layer reads them.
    pub fn rows<A>(&self) -> usize {
        match self.values {
            Some(values) if self.by_rows && self.is_wide() => (CACHED / size_of::<A>() / values).max(1),
            _ => usize::MAX,
        }
    }

    /// Returns the number of threads among which the rows of a forward pass are divided.
    pub fn shares(&self, rows: usize, threads: usize) -> usize {
        let by_weights = self.weights.is_some_and(|inputs| halves(rows, inputs));
        // In a prediction, a few rows pass large weights so quickly that the threads would wait for memory if each read all
        // weights. In training, the weights have no packed copies.
        let by_columns = !self.training && rows <= THIN && self.work >= HEAVY;
        if by_weights || by_columns { 1 } else { self.shares_back(rows, threads) }
    }

    /// Returns the number of threads among which the rows of a backward pass are divided.
    pub fn shares_back(&self, rows: usize, threads: usize) -> usize {
        let threads = if self.by_rows { threads.min(rows) } else { 1 };
        shares(threads, self.work.saturating_mul(rows), least::STRETCH)
    }
}

/// A sequence of layers, planned for one input shape.
#[derive(Clone, Debug)]
pub(crate) struct Plan<A> {
    pub slots: Vec<Slot<A>>,
    /// The layers that a batch passes together, in prediction and in training.
    stretches: [Vec<Stretch>; 2],
    pub scratch: Scratch,
}

impl<A: Scalar> Plan<A> {
    pub fn new(layers: &[Named<A>], input: Shape) -> Result<Self> {
        if layers.is_empty() {
            return Err(Error::setting("layers", "at least 1", 0));
        }
        let mut slots: Vec<Slot<A>> = Vec::with_capacity(layers.len());
        for (i, (name, layer)) in layers.iter().enumerate() {
            check_name(name).map_err(|error| error.in_layer(&format!("#{}", i + 1)))?;
            if slots.iter().any(|slot| slot.name == *name) {
                return Err(Error::duplicate("layer", name));
            }
            let before = slots.last();
            let input = before.map_or(input, |slot| slot.declared.output);
            let slot = Slot::new(name, layer, before, input).map_err(|error| error.in_layer(name))?;
            slots.push(slot);
        }
        let plan = Self::of(slots);
        // If the names of layers contain dots, parameters of different layers can have the same full name.
        plan.check_full_names(|spec| &spec.name)?;
        plan.check_full_names(|spec| &spec.saved_as)?;
        Ok(plan)
    }

    fn check_full_names(&self, name: impl Fn(&TensorSpec) -> &String) -> Result<()> {
        let specs = self.slots.iter().flat_map(|slot| {
            let Declared { parameters, buffers, .. } = &slot.declared;
            parameters.iter().chain(buffers).map(move |spec| (slot, spec))
        });
        let names: Vec<String> = specs.map(|(slot, spec)| format!("{}.{}", slot.name, name(spec))).collect();
        check_names(names.iter())
    }

    fn of(slots: Vec<Slot<A>>) -> Self {
        let stretches = [false, true].map(|training| stretches(&slots, training));
        Self { stretches, scratch: scratch(&slots), slots }
    }

    /// Returns the plan with an unnamed layer added at the end.
    pub fn with_end(mut self, layer: &Arc<dyn Layer<A>>) -> Result<Self> {
        let slot = Slot::new("", layer, self.slots.last(), self.output())?;
        self.slots.push(slot);
        Ok(Self::of(self.slots))
    }

    pub fn input(&self) -> Shape {
        self.slots[0].declared.input
    }

    pub fn output(&self) -> Shape {
        self.last().declared.output
    }

    pub fn last(&self) -> &Slot<A> {
        self.slots.last().expect("a plan has layers")
    }

    /// Returns the declarations of all parameters with their full names.
    pub fn parameters(&self) -> impl Iterator<Item = TensorSpec> {
        self.slots.iter().flat_map(|slot| slot.declared.parameters.iter().map(|spec| spec.within(&slot.name)))
    }

    /// Returns the declarations of all buffers with their full names.
    pub fn buffers(&self) -> impl Iterator<Item = TensorSpec> {
        self.slots.iter().flat_map(|slot| slot.declared.buffers.iter().map(|spec| spec.within(&slot.name)))
    }

    pub(super) fn stretches(&self, training: bool) -> &[Stretch] {
        &self.stretches[usize::from(training)]
    }

    /// Returns the index of the array for the output of a layer among all kept arrays.
    pub fn output_at(&self, index: usize) -> usize {
        self.slots[index].output_at()
    }

    /// Returns the input shape and the output shape of a range of layers.
    pub(super) fn shapes(&self, layers: &Range<usize>) -> (Shape, Shape) {
        (self.slots[layers.start].declared.input, self.slots[layers.end - 1].declared.output)
    }

    /// Returns the index of the gradient with respect to the output of a layer among all kept gradients.
    pub fn gradient_at(&self, index: usize) -> usize {
        self.gradients(&(0..index + 1))
    }

    /// Returns whether a workspace for one of the plans can be used for the other.
    pub fn fits(&self, other: &Self) -> bool {
        let shapes = |plan: &Self| [plan.input(), plan.output()];
        shapes(self) == shapes(other) && self.scratch == other.scratch
    }

    /// Returns the range of the kept arrays of a range of layers, without the output of the last layer.
    pub(super) fn kept(&self, layers: &Range<usize>) -> Range<usize> {
        self.slots[layers.start].kept_at..self.slots[layers.end - 1].output_at()
    }

    /// Returns the number of kept gradients of a range of layers, without the gradient with respect to the last output.
    pub(super) fn gradients(&self, layers: &Range<usize>) -> usize {
        let own = self.slots[layers.clone()].iter().map(|slot| slot.declared.scratch.gradients.len());
        own.sum::<usize>() + layers.len() - 1
    }

    /// Checks the values of all layers that receive columns of a model's input `x` unchanged, if the first layer receives these
    /// `columns`. Returns the columns that the output consists of, if it does.
    pub fn check_input(&self, x: ArrayView2<'_, A>, columns: Range<usize>) -> Result<Option<Range<usize>>> {
        let mut columns = Some(columns);
        for slot in &self.slots {
            let Some(own) = columns else { break };
            let checked = slot.layer.check_input(slot.declared.input, x, own);
            columns = checked.map_err(|error| error.in_layer(&slot.name))?;
        }
        Ok(columns)
    }

    /// Checks the buffers of every layer.
    pub fn check_buffers(&self, buffers: &[A]) -> Result<()> {
        self.slots.iter().try_for_each(|slot| {
            let own = &buffers[slot.buffer_range.clone()];
            let checked = slot.layer.check_buffers(slot.declared.input, own);
            checked.map_err(|error| error.in_layer(&slot.name))
        })
    }
}

/// Groups neighbouring layers that a batch can pass together.
fn stretches<A: Scalar>(slots: &[Slot<A>], training: bool) -> Vec<Stretch> {
    let (mut all, mut arrays): (Vec<Stretch>, usize) = (Vec::new(), 0);
    for (index, slot) in slots.iter().enumerate() {
        let next = Stretch::of(index, slot, training);
        arrays += slot.arrays();
        match all.last_mut() {
            Some(last) if last.joins(&next, arrays) => {
                last.layers.end = next.layers.end;
                last.work = last.work.saturating_add(next.work);
                last.values = last.values.zip(next.values).map(|(a, b)| a.saturating_add(b));
            }
            _ => {
                arrays = slot.arrays();
                all.push(next);
            }
        }
    }
    all
}

/// Returns the scratch of all layers together: their own arrays, and an array for the output of every layer except the last.
fn scratch<A: Scalar>(slots: &[Slot<A>]) -> Scratch {
    let mut all = Scratch::NONE;
    for (index, slot) in slots.iter().enumerate() {
        let Scratch { kept, gradients, temporary } = &slot.declared.scratch;
        let between = (index + 1 < slots.len()).then(|| slot.output_size());
        all.kept.extend(kept.iter().copied().chain(between));
        all.gradients.extend(gradients.iter().copied().chain(between));
        all.temporary = all.temporary.max(*temporary);
    }
    all
}
