//! The values of a graph that depend on its input.

use std::sync::Arc;

use super::tensor::Array;
use crate::layer::Layer;
use crate::shape::Shape;

/// A value that depends on the input of the graph.
pub(super) struct Value<A> {
    /// The nearest earlier value through which every path from the input leads. The input is its own parent.
    pub parent: usize,
    /// The number of parents up to the input.
    depth: usize,
    /// The shape of a sample in the model.
    pub shape: Shape,
    pub order: Order,
    pub formula: Formula,
    pub step: Step<A>,
}

/// The order of the elements of a sample in the graph.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Order {
    /// The same as in the model, whose images have the channels first.
    Same,
    /// An image with the channels last.
    ChannelsLast,
    /// A flattened image of this shape, whose channels were last.
    Flattened(Shape),
}

/// The formula of a single element, if the value has one.
pub(super) enum Formula {
    /// The elements depend on each other in another way.
    Other,
    /// The mean over a sample of another value.
    Mean(usize),
    /// A function of another value, with the numbers that are its settings.
    Unary(Box<dyn Fn(f64) -> f64>, usize, Vec<f64>),
    /// An operator with two operands.
    Binary(fn(f64, f64) -> f64, [Operand; 2]),
    /// The second operand if the first is not 0, otherwise the third.
    Where([Operand; 3]),
}

/// An operand of a formula.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operand {
    Value(usize),
    Number(f64),
    /// One of [`Values::vectors`].
    Vector(usize),
}

/// The way in which a model computes a value from an earlier one.
pub(super) enum Step<A> {
    /// The input of the graph.
    Input,
    /// The input after (x − shift)/scale, for each feature or with the same numbers for all.
    Normalised(Vec<f64>, Vec<f64>),
    /// No layer computes the value. The text says why.
    Unknown(String),
    /// The same as another value.
    Same(usize),
    Layer(Applied<A>),
    Scaled(Scaled),
    /// The softmax of another value.
    Softmax(usize),
    Sum([usize; 2]),
    /// The values side by side.
    Concat(Vec<usize>),
}

/// A layer, its input and its tensors under their names in files.
pub(super) struct Applied<A> {
    pub from: usize,
    pub layer: Arc<dyn Layer<A>>,
    pub tensors: Vec<(&'static str, Array)>,
}

/// Another value after x·scale + shift, for each channel or feature.
pub(super) struct Scaled {
    pub from: usize,
    pub scale: Vec<f64>,
    pub shift: Vec<f64>,
}

/// All values, in the order of the nodes.
pub(super) struct Values<A> {
    list: Vec<Value<A>>,
    /// The constants in formulas that have a number for every feature.
    pub vectors: Vec<Array>,
}

impl<A> Values<A> {
    /// Creates the list with the input of the graph as value 0.
    pub fn new(shape: Shape, order: Order) -> Self {
        let input = Value { parent: 0, depth: 0, shape, order, formula: Formula::Other, step: Step::Input };
        Self { list: vec![input], vectors: Vec::new() }
    }

    pub fn get(&self, index: usize) -> &Value<A> {
        &self.list[index]
    }

    pub fn depth(&self, index: usize) -> usize {
        self.list[index].depth
    }

    /// Adds a value whose elements have the same order as in the model, and returns its index.
    pub fn add(&mut self, parent: usize, shape: Shape, formula: Formula, step: Step<A>) -> usize {
        self.add_ordered(parent, (shape, Order::Same), formula, step)
    }

    /// Adds a value, and returns its index.
    pub fn add_ordered(
        &mut self,
        parent: usize,
        (shape, order): (Shape, Order),
        formula: Formula,
        step: Step<A>,
    ) -> usize {
        let depth = self.depth(parent) + 1;
        self.list.push(Value { parent, depth, shape, order, formula, step });
        self.list.len() - 1
    }

    /// Adds the same value in another order.
    pub fn add_same(&mut self, from: usize, shape: Shape, order: Order) -> usize {
        let formula = Formula::Unary(Box::new(|u| u), from, Vec::new());
        self.add_ordered(from, (shape, order), formula, Step::Same(from))
    }

    pub fn set_step(&mut self, index: usize, step: Step<A>) {
        self.list[index].step = step;
    }

    /// Returns whether layers compute the value.
    pub fn is_known(&self, index: usize) -> bool {
        !matches!(self.list[index].step, Step::Unknown(_))
    }

    /// Returns the nearest value through which all paths to both values lead.
    pub fn common(&self, mut a: usize, mut b: usize) -> usize {
        while a != b {
            let later = if self.depth(a) >= self.depth(b) { &mut a } else { &mut b };
            *later = self.list[*later].parent;
        }
        a
    }
}
