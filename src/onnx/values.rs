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
    /// The shape of a sample.
    pub shape: Shape,
    pub formula: Formula,
    pub step: Step<A>,
}

/// The formula of a single element, if the value has one.
pub(super) enum Formula {
    /// The elements depend on each other, or on arrays of parameters.
    Other,
    /// A function of another value, with the numbers that are its settings.
    Unary(Box<dyn Fn(f64) -> f64>, usize, Vec<f64>),
    /// An operator with two operands.
    Binary(fn(f64, f64) -> f64, [Operand; 2]),
}

/// An operand of a formula.
#[derive(Clone, Copy)]
pub(super) enum Operand {
    Value(usize),
    Number(f64),
}

/// The way in which a model computes a value from an earlier one.
pub(super) enum Step<A> {
    /// The input of the graph.
    Input,
    /// The input after (x − shift)/scale, for each feature.
    Normalised(Vec<f64>, Vec<f64>),
    /// No layer computes the value. The text says why.
    Unknown(String),
    /// The same as another value.
    Same(usize),
    Layer(Applied<A>),
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
    /// Whether the bias is 0, so that an addition can replace it.
    pub takes_bias: bool,
}

/// All values, in the order of the nodes.
pub(super) struct Values<A>(Vec<Value<A>>);

impl<A> Values<A> {
    /// Creates the list with the input of the graph as value 0.
    pub fn new(input: Shape) -> Self {
        let step = Step::Input;
        Self(vec![Value { parent: 0, depth: 0, shape: input, formula: Formula::Other, step }])
    }

    pub fn get(&self, index: usize) -> &Value<A> {
        &self.0[index]
    }

    pub fn depth(&self, index: usize) -> usize {
        self.0[index].depth
    }

    /// Adds a value, and returns its index.
    pub fn add(&mut self, parent: usize, shape: Shape, formula: Formula, step: Step<A>) -> usize {
        let depth = self.depth(parent) + 1;
        self.0.push(Value { parent, depth, shape, formula, step });
        self.0.len() - 1
    }

    pub fn set_step(&mut self, index: usize, step: Step<A>) {
        self.0[index].step = step;
    }

    /// Returns the nearest value through which all paths to both values lead.
    pub fn common(&self, mut a: usize, mut b: usize) -> usize {
        while a != b {
            let later = if self.depth(a) >= self.depth(b) { &mut a } else { &mut b };
            *later = self.0[*later].parent;
        }
        a
    }
}
