use std::collections::HashSet;

use prost::bytes::Bytes;

use super::proto::{self, attribute_type, data_type};
use crate::settings::Settings;
use crate::shape::Shape;

/// The graph of an ONNX file while a model is exported. [`Export::part`](super::Export::part) shows its use.
///
/// Every method that adds something returns the name of the value that it adds. Names are unique.
#[derive(Debug)]
pub struct Graph {
    /// Whether values are `f64`.
    is_double: bool,
    names: HashSet<String>,
    /// The name of the layer whose nodes are being added.
    layer: String,
    nodes: Vec<proto::Node>,
    constants: Vec<proto::Tensor>,
}

/// An attribute of a node.
///
/// Floating-point attributes are `f32`, also in models of `f64`. For a setting that needs more digits, use
/// [`Graph::constant`] and arithmetic operators.
///
/// # Examples
///
/// ```
/// use manabi::onnx::Attribute;
///
/// assert_eq!(Attribute::from(vec![1, 2]), Attribute::Ints(vec![1, 2]));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Attribute {
    /// A floating-point number.
    Float(f32),
    /// A whole number.
    Int(i64),
    /// A list of whole numbers.
    Ints(Vec<i64>),
    /// A text.
    Text(String),
}

impl From<f32> for Attribute {
    fn from(value: f32) -> Self {
        Self::Float(value)
    }
}

impl From<i64> for Attribute {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<Vec<i64>> for Attribute {
    fn from(values: Vec<i64>) -> Self {
        Self::Ints(values)
    }
}

impl From<&str> for Attribute {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

/// A layer, an activation or an output that is exported.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Part {
    /// The full name in the model, such as `block1.affine1`. The name of the output is `output`.
    pub name: String,
    /// The kind, such as `affine`.
    pub kind: String,
    /// The settings. They are empty if the part does not provide any.
    pub settings: Settings,
    /// The shape of an input sample.
    pub input: Shape,
    /// The shape of an output sample.
    pub output: Shape,
}

impl Part {
    /// Returns the value that contains a parameter or buffer of the layer. `name` is its name in files, such as `weight`.
    pub fn parameter(&self, name: &str) -> String {
        format!("{}.{name}", self.name)
    }
}

impl Graph {
    /// Creates a graph without nodes. The values `names` exist already.
    pub(super) fn new(is_double: bool, names: HashSet<String>) -> Self {
        Self { is_double, names, layer: String::new(), nodes: Vec::new(), constants: Vec::new() }
    }

    /// Sets the layer after which the following values are named.
    pub(super) fn set_layer(&mut self, layer: &str) {
        self.layer = layer.into();
    }

    /// Returns whether the values of the model are `f64`.
    pub fn is_double(&self) -> bool {
        self.is_double
    }

    /// Adds a node with one output, and returns the name of the output.
    pub fn node(&mut self, operator: &str, inputs: &[&str]) -> String {
        self.node_with(operator, inputs, [])
    }

    /// Adds a node with attributes and one output, and returns the name of the output.
    pub fn node_with<const N: usize>(
        &mut self,
        operator: &str,
        inputs: &[&str],
        attributes: [(&str, Attribute); N],
    ) -> String {
        let output = self.fresh(operator);
        self.nodes.push(proto::Node {
            input: inputs.iter().map(|&input| input.into()).collect(),
            output: vec![output.clone()],
            name: format!("node {output}"),
            op_type: operator.into(),
            attribute: attributes.into_iter().map(|(name, value)| attribute(name, value)).collect(),
            domain: String::new(),
        });
        output
    }

    /// Adds a constant that is a single number, rounded to the precision of the model.
    pub fn constant(&mut self, value: f64) -> String {
        self.constants(&[], &[value])
    }

    /// Adds a constant array of this shape, rounded to the precision of the model. The values are in row-major order.
    pub fn constants(&mut self, shape: &[usize], values: &[f64]) -> String {
        let bytes: Vec<u8> = match self.is_double {
            true => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            false => values.iter().flat_map(|&value| (value as f32).to_le_bytes()).collect(),
        };
        let data_type = if self.is_double { data_type::DOUBLE } else { data_type::FLOAT };
        self.tensor(shape, data_type, bytes)
    }

    /// Adds a constant list of whole numbers, such as the shape for `Reshape`.
    pub fn integers(&mut self, values: &[i64]) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensor(&[values.len()], data_type::INT64, bytes)
    }

    fn tensor(&mut self, shape: &[usize], data_type: i32, bytes: Vec<u8>) -> String {
        let name = self.fresh("constant");
        self.constants.push(tensor(name.clone(), shape, data_type, bytes.into()));
        name
    }

    /// Returns a name that no value has.
    fn fresh(&mut self, what: &str) -> String {
        let first = format!("{}/{what}", self.layer);
        let numbered = (2_u64..).map(|number| format!("{first}_{number}"));
        let mut names = std::iter::once(first.clone()).chain(numbered);
        let name = names.find(|name| !self.names.contains(name)).unwrap_or(first);
        self.names.insert(name.clone());
        name
    }

    /// Gives the value `from` the name of the graph's output, and returns the nodes and the constants.
    pub(super) fn finish(mut self, from: &str, output: &str) -> (Vec<proto::Node>, Vec<proto::Tensor>) {
        match self.nodes.last_mut() {
            Some(node) if node.output == [from] => node.output = vec![output.into()],
            _ => {
                self.node("Identity", &[from]);
                if let Some(node) = self.nodes.last_mut() {
                    node.output = vec![output.into()];
                }
            }
        }
        (self.nodes, self.constants)
    }
}

fn attribute(name: &str, value: Attribute) -> proto::Attribute {
    let empty = proto::Attribute { name: name.into(), ..Default::default() };
    match value {
        Attribute::Float(value) => {
            proto::Attribute { f: Some(value), r#type: attribute_type::FLOAT, ..empty }
        }
        Attribute::Int(value) => proto::Attribute { i: Some(value), r#type: attribute_type::INT, ..empty },
        Attribute::Ints(ints) => proto::Attribute { ints, r#type: attribute_type::INTS, ..empty },
        Attribute::Text(text) => {
            proto::Attribute { s: Some(text.into_bytes().into()), r#type: attribute_type::STRING, ..empty }
        }
    }
}

/// Returns a tensor from the little-endian bytes of its values.
pub(super) fn tensor(name: String, shape: &[usize], data_type: i32, raw_data: Bytes) -> proto::Tensor {
    let dims = shape.iter().map(|&dim| dim as i64).collect();
    proto::Tensor { name, dims, data_type, raw_data, ..Default::default() }
}
