//! Models from graphs that other programs wrote.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::graph::tensor;
use super::lower::lower;
use super::node::Attributes;
use super::operators;
use super::proto::{self, data_type};
use super::recognise::Functions;
use super::tensor::{Array, integers};
use super::values::{Order, Step, Values};
use crate::model::Sequential;
use crate::scalar::Scalar;
use crate::shape::Shape;

/// The maximum number of nodes. The time for a graph may grow with the square of their number.
const NODES: usize = 5_000;

/// What the name of a value stands for.
#[derive(Clone)]
pub(super) enum Named<'a> {
    /// A value that depends on the input.
    Value(usize),
    Constant(Cow<'a, proto::Tensor>),
    /// Whole numbers, of which `None` is the number of samples.
    Numbers(Vec<Option<i64>>),
    /// A value that cannot be computed. The text says why.
    Unknown(String),
}

/// Returns a computed constant.
pub(super) fn computed(array: Array) -> proto::Tensor {
    let data_type = if array.is_single { data_type::FLOAT } else { data_type::DOUBLE };
    tensor(String::new(), &array.dims, data_type, array.bytes)
}

/// The state of an import.
pub(super) struct Import<'a, A> {
    pub values: Values<A>,
    pub functions: Functions<A>,
    names: HashMap<&'a str, Named<'a>>,
    /// The number of bytes that arrays of constants may still need.
    budget: usize,
    /// The version of the operators.
    pub version: i64,
    /// The number of samples, if the file fixes it.
    pub batch: Option<i64>,
}

/// Returns the model that a graph computes. `length` is the length of the file.
pub(super) fn import<A: Scalar>(
    file: &std::path::Path,
    model: &proto::Model,
    graph: &proto::Graph,
    length: usize,
) -> crate::Result<Sequential<A>> {
    let mismatch = |problem| crate::Error::Mismatch { file: file.into(), problems: vec![problem] };
    let mut import = Import::<A>::new(model, graph, length).map_err(mismatch)?;
    import.nodes(graph).map_err(mismatch)?;
    let end = import.end(graph).map_err(mismatch)?;
    lower(file, &import.values, end)
}

impl<'a, A: Scalar> Import<'a, A> {
    fn new(model: &proto::Model, graph: &'a proto::Graph, length: usize) -> Result<Self, String> {
        if graph.node.len() > NODES {
            return Err(format!("expected at most {NODES} nodes, got {}", graph.node.len()));
        }
        let mut names = HashMap::new();
        for tensor in &graph.initializer {
            if names.insert(tensor.name.as_str(), Named::Constant(Cow::Borrowed(tensor))).is_some() {
                return Err(format!("initializer '{}': its name occurs twice", tensor.name));
            }
        }
        // In old files, initializers are also inputs.
        let mut inputs = graph.input.iter().filter(|input| !names.contains_key(input.name.as_str()));
        let (Some(input), None) = (inputs.next(), inputs.next()) else {
            let others = graph.input.iter().filter(|input| !names.contains_key(input.name.as_str()));
            return Err(format!("inputs of the graph: expected 1, got {}", others.count()));
        };
        let (batch, shape) = shape(input).map_err(|problem| format!("input '{}': {problem}", input.name))?;
        names.insert(&input.name, Named::Value(0));
        let own = |set: &&proto::OperatorSet| matches!(set.domain.as_str(), "" | "ai.onnx");
        let version = model.opset_import.iter().find(own).map_or(1, |set| set.version);
        let budget = length.saturating_mul(4).saturating_add(1 << 22);
        let (shape, order) = order(graph, &input.name, shape);
        let (values, functions) = (Values::new(shape, order), Functions::new());
        Ok(Self { values, functions, names, budget, version, batch })
    }

    /// Adds the values of all nodes.
    fn nodes(&mut self, graph: &'a proto::Graph) -> Result<(), String> {
        for node in &graph.node {
            let label = label(node);
            let named = match self.before(node).map_err(|problem| format!("{label}: {problem}"))? {
                Some(unknown) => Named::Unknown(unknown),
                None => match operators::node(self, node) {
                    Ok(named) => named,
                    Err(problem) => Named::Unknown(format!("{label}: {problem}")),
                },
            };
            for (i, output) in node.output.iter().enumerate().filter(|(_, output)| !output.is_empty()) {
                let other = || Named::Unknown(format!("{label}: only the first output is supported"));
                let named = if i == 0 { self.with_reason(named.clone(), &label) } else { other() };
                if self.names.insert(output, named).is_some() {
                    return Err(format!("{label}: the name of its output '{output}' occurs twice"));
                }
            }
        }
        Ok(())
    }

    /// Checks that all inputs of a node are known names. Returns the reason if one of them cannot be computed.
    fn before(&self, node: &proto::Node) -> Result<Option<String>, String> {
        let mut unknown = None;
        for input in node.input.iter().filter(|input| !input.is_empty()) {
            match self.names.get(input.as_str()) {
                Some(Named::Unknown(reason)) => unknown = Some(reason.clone()),
                Some(_) => {}
                None => {
                    let expected =
                        "expected an input of the graph, an initializer or the output of an earlier node";
                    return Err(format!("input '{input}': {expected}"));
                }
            }
        }
        Ok(unknown)
    }

    /// Gives the reason of a value that no layer computes the name of its node.
    fn with_reason(&mut self, named: Named<'a>, label: &str) -> Named<'a> {
        if let Named::Value(value) = named
            && let Step::Unknown(reason) = &self.values.get(value).step
            && !reason.starts_with("node ")
        {
            let reason = format!("{label}: {reason}");
            self.values.set_step(value, Step::Unknown(reason));
        }
        named
    }

    /// Returns the value that is the output of the model: the first output of the graph that layers compute. Classifiers of
    /// scikit-learn have the label as another output.
    fn end(&self, graph: &proto::Graph) -> Result<usize, String> {
        let mut reason = "outputs of the graph: expected 1, got none".to_owned();
        for output in &graph.output {
            match self.names.get(output.name.as_str()) {
                Some(&Named::Value(value)) => match &self.values.get(value).step {
                    Step::Unknown(unknown) => reason = unknown.clone(),
                    _ if self.values.get(value).order != Order::Same => {
                        reason =
                            format!("output '{}': expected the channels first, got them last", output.name);
                    }
                    _ => return Ok(value),
                },
                Some(Named::Unknown(unknown)) => reason = unknown.clone(),
                Some(Named::Constant(_) | Named::Numbers(_)) => {
                    reason = format!("output '{}': it is constant", output.name)
                }
                None => reason = format!("output '{}': no node computes it", output.name),
            }
        }
        Err(reason)
    }

    /// Returns what an input of a node is, or `None` if the node does not have it.
    pub fn input(&self, node: &proto::Node, index: usize) -> Option<&Named<'a>> {
        node.input.get(index).and_then(|input| self.names.get(input.as_str()))
    }

    /// Returns the value that an input of a node is.
    pub fn value(&self, node: &proto::Node, index: usize) -> Result<usize, String> {
        match self.input(node, index) {
            Some(&Named::Value(value)) => Ok(value),
            _ => Err(format!("input {index}: expected a value that depends on the input of the graph")),
        }
    }

    /// Returns the value that an input of a node is, whose elements have the same order as in the model.
    pub fn channels_first(&self, node: &proto::Node, index: usize) -> Result<usize, String> {
        let value = self.value(node, index)?;
        match self.values.get(value).order {
            Order::Same => Ok(value),
            _ => Err(format!("input {index}: expected the channels first, got them last")),
        }
    }

    /// Returns the shape of a sample in the model, and the order of its elements in the graph.
    pub fn shape_and_order(&self, value: usize) -> (Shape, Order) {
        let value = self.values.get(value);
        (value.shape, value.order)
    }

    /// Returns the dimensions of a sample in the graph.
    pub fn graph_dims(&self, value: usize) -> Vec<usize> {
        let mut dims = self.values.get(value).shape.dims().to_vec();
        if self.values.get(value).order == Order::ChannelsLast {
            dims.rotate_left(1);
        }
        dims
    }

    /// Takes memory from the budget.
    pub fn charge(&mut self, bytes: usize) -> Result<(), String> {
        let few = || "expected initializers that are used once, got many uses of a large one".to_owned();
        self.budget = self.budget.checked_sub(bytes).ok_or_else(few)?;
        Ok(())
    }

    /// Returns the numbers of the tensor that an input of a node is.
    pub fn array(&mut self, node: &proto::Node, index: usize) -> Result<Array, String> {
        let Some(Named::Constant(tensor)) = self.input(node, index) else {
            return Err(format!("input {index}: expected a constant"));
        };
        let array = Array::read(tensor).map_err(|problem| format!("input {index}: {problem}"))?;
        self.charge(array.bytes.len())?;
        Ok(array)
    }
}

/// Returns the description of a node in messages.
fn label(node: &proto::Node) -> String {
    format!("node '{}' ({})", node.name, node.op_type)
}

/// Returns the number of samples, if it is fixed, and the shape of a sample.
fn shape(input: &proto::ValueInfo) -> Result<(Option<i64>, Shape), String> {
    let tensor = input.r#type.as_ref().and_then(|own| own.tensor_type.as_ref());
    let tensor = tensor.ok_or("expected a tensor")?;
    let floats = [data_type::FLOAT, data_type::DOUBLE, data_type::FLOAT16, data_type::BFLOAT16];
    if !floats.contains(&tensor.elem_type) {
        return Err(format!("expected floating-point values, got the type {}", tensor.elem_type));
    }
    let dims = tensor.shape.as_ref().map_or(&[][..], |shape| &shape.dim);
    let known = |dim: &proto::Dimension| dim.dim_value.filter(|n| (1..=i64::from(i32::MAX)).contains(n));
    let sample: Option<Vec<usize>> =
        dims.iter().skip(1).map(|dim| known(dim).and_then(|n| usize::try_from(n).ok())).collect();
    let shape = sample.and_then(|sample| Shape::of_dims(&sample));
    let wrong = "expected the shape (batch, …) with 1 to 3 known dimensions of a sample";
    Ok((dims.first().and_then(known), shape.ok_or(wrong)?))
}

/// Returns the shape of the model's input, and the order of the elements in the graph's input. Images have the channels last if
/// the graph moves them to the first place before it uses the images in any other way than element by element.
fn order(graph: &proto::Graph, input: &str, shape: Shape) -> (Shape, Order) {
    let &[height, width, channels] = shape.dims() else { return (shape, Order::Same) };
    let mut names = HashSet::from([input]);
    for node in &graph.node {
        if !node.input.first().is_some_and(|first| names.contains(first.as_str())) {
            continue;
        }
        match node.op_type.as_str() {
            "Transpose" if Attributes(node).ints("perm") == Some(&[0, 3, 1, 2]) => {
                return ([channels, height, width].into(), Order::ChannelsLast);
            }
            // With one channel, a reshape has the same effect.
            "Reshape" if channels == 1 => {
                let given =
                    |tensor: &&proto::Tensor| node.input.get(1) == Some(&tensor.name) && tensor.dims == [4];
                let dims = graph.initializer.iter().find(given).and_then(|tensor| integers(tensor).ok());
                let image = [1, height, width].map(|dim| dim as i64);
                if dims.is_some_and(|dims| dims.get(1..) == Some(&image[..])) {
                    return ([1, height, width].into(), Order::ChannelsLast);
                }
            }
            "Cast" | "Identity" | "Sub" | "Div" | "Mul" | "Add" => {
                names.extend(node.output.iter().map(String::as_str))
            }
            _ => {}
        }
    }
    (shape, Order::Same)
}
