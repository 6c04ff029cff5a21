use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use prost::Message;

use super::functions::activation;
use super::graph::{Graph, Part, tensor};
use super::layers::{layer, unknown};
use super::proto::{self, data_type};
use super::{DESCRIPTION, FINGERPRINT, PRODUCER, fingerprint};
use crate::data::Normalizer;
use crate::error::{Error, Result};
use crate::model::Sequential;
use crate::output::{Heads, Output};
use crate::persistence::file;
use crate::persistence::weights::outgoing;
use crate::scalar::{Precision, Scalar};
use crate::shape::Shape;

/// The version of the operators, which ONNX Runtime supports from version 1.12.
const OPSET: i64 = 17;
/// The version of the file format that belongs to the operators.
const IR_VERSION: i64 = 8;

/// The function that adds the nodes of a custom part.
type Custom = Arc<dyn Fn(&mut Graph, &Part, &str) -> Result<String> + Send + Sync>;

/// The options of an export to an ONNX file.
///
/// The graph is the model in prediction: dropout is gone, and batch normalisation uses its running statistics. Its only input
/// and its only output have the precision of the model. The input has the shape (batch, …), followed by the input shape of the
/// model. The output has the shape (batch, outputs).
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | [`input_name`](Export::input_name) | the name of the graph's input | `x` | any that no parameter has |
/// | [`output_name`](Export::output_name) | the name of the graph's output | `y` | any that no parameter has |
/// | [`batch`](Export::batch) | the number of samples | any number | 1 or more, or `None` |
/// | [`output`](Export::output) | whether the graph contains the output function, such as softmax | true | true or false |
/// | [`raw`](Export::raw) | whether the graph contains the normalisers | false | true or false |
/// | [`description`](Export::description) | a text for readers of the file | empty | any |
/// | [`part`](Export::part) | gives the nodes of custom parts | none | a function for each kind |
///
/// # Examples
///
/// ```
/// use manabi::onnx::Export;
/// use manabi::{Activation, Affine, CrossEntropy, Sequential, Softmax, Swish};
///
/// let model = Sequential::<f32>::builder(2)
///     .add_layer("affine1", Affine::new(3))
///     .add_layer("swish1", Activation::new(Swish::default()))
///     .add_layer("affine2", Affine::new(2))
///     .set_output(Softmax)
///     .set_error(CrossEntropy)
///     .build()?;
/// let logits = Export::new().input_name("pixels").output_name("logits").output(false).to_bytes(&model)?;
/// // The file describes the whole model, so the softmax is back.
/// assert_eq!(Sequential::<f32>::from_onnx_bytes(&logits)?.to_string(), model.to_string());
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "the setters return the changed value instead of changing it in place"]
pub struct Export {
    input: String,
    output: String,
    batch: Option<usize>,
    with_output: bool,
    raw: bool,
    description: String,
    parts: BTreeMap<String, Custom>,
}

impl Export {
    /// Creates the default options.
    pub fn new() -> Self {
        Self {
            input: "x".into(),
            output: "y".into(),
            batch: None,
            with_output: true,
            raw: false,
            description: String::new(),
            parts: BTreeMap::new(),
        }
    }

    /// Sets the name of the graph's input.
    pub fn input_name(self, name: impl Into<String>) -> Self {
        Self { input: name.into(), ..self }
    }

    /// Sets the name of the graph's output.
    pub fn output_name(self, name: impl Into<String>) -> Self {
        Self { output: name.into(), ..self }
    }

    /// Sets the number of samples that the graph accepts. `None` means any number.
    pub fn batch(self, batch: impl Into<Option<usize>>) -> Self {
        Self { batch: batch.into(), ..self }
    }

    /// Sets whether the graph contains the output function. Without it, the graph returns the logits.
    pub fn output(self, with_output: bool) -> Self {
        Self { with_output, ..self }
    }

    /// Sets whether the graph contains the normalisers of the model. With them, the graph takes raw features and returns what
    /// [`Sequential::predict_raw`] returns.
    pub fn raw(self, raw: bool) -> Self {
        Self { raw, ..self }
    }

    /// Sets the description of the model in the file.
    pub fn description(self, description: impl Into<String>) -> Self {
        Self { description: description.into(), ..self }
    }

    /// Gives the nodes of all layers, activations and outputs of this kind. The function adds nodes to the graph, and returns the
    /// name of the value that they compute. Its last argument is the name of their input.
    ///
    /// # Examples
    ///
    /// ```
    /// use manabi::activation::Identity;
    /// use manabi::loss::MeanSquaredError;
    /// use manabi::onnx::Export;
    /// use manabi::{ActFn, Activation, Real, Sequential};
    ///
    /// /// z = u + sin²(u)
    /// #[derive(Clone, Debug)]
    /// struct Snake;
    ///
    /// impl ActFn for Snake {
    ///     const KIND: &'static str = "snake";
    ///     #[inline(always)]
    ///     fn f<R: Real>(&self, u: R) -> R {
    ///         u + u.sin() * u.sin()
    ///     }
    /// }
    ///
    /// let builder = Sequential::<f32>::builder(2).add_layer("snake1", Activation::new(Snake));
    /// let model = builder.set_output(Identity).set_error(MeanSquaredError).build()?;
    /// let error = model.to_onnx_bytes().unwrap_err();
    /// let expected = "layer 'snake1': kind of the layer: expected a built-in one, or one whose nodes are given \
    ///                 (call onnx::Export::part), got snake";
    /// assert_eq!(error.to_string(), expected);
    ///
    /// let export = Export::new().part("snake", |graph, _part, u| {
    ///     let sine = graph.node("Sin", &[u]);
    ///     let square = graph.node("Mul", &[&sine, &sine]);
    ///     Ok(graph.node("Add", &[u, &square]))
    /// });
    /// assert!(!export.to_bytes(&model)?.is_empty());
    /// # Ok::<(), manabi::Error>(())
    /// ```
    pub fn part(
        mut self,
        kind: impl Into<String>,
        nodes: impl Fn(&mut Graph, &Part, &str) -> Result<String> + Send + Sync + 'static,
    ) -> Self {
        self.parts.insert(kind.into(), Arc::new(nodes));
        self
    }

    /// Saves a model to an ONNX file. As [`Sequential::save`], the method replaces an existing file in one step.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`to_bytes`](Export::to_bytes), and [`Error::Io`] if the file cannot be written.
    pub fn save<A: Scalar>(&self, model: &Sequential<A>, path: impl AsRef<Path>) -> Result<()> {
        file::write(path.as_ref(), &self.to_bytes(model)?)
    }

    /// Returns the content of the file that [`save`](Export::save) writes.
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::NotFinite`] if a parameter or buffer is not finite,
    /// - [`Error::Setting`] (inside [`Error::Layer`] for a layer) if a custom part has no nodes, if a custom part has the kind of
    ///   a built-in part, if a setting is not finite, or if `batch` is 0,
    /// - [`Error::DuplicateName`] if the input or the output has the name of another value.
    #[inline(never)]
    pub fn to_bytes<A: Scalar>(&self, model: &Sequential<A>) -> Result<Vec<u8>> {
        model.check_params()?;
        if self.batch == Some(0) {
            return Err(Error::setting("batch", "at least 1, or None", 0));
        }
        let description = model.description()?.to_json()?;
        let graph = self.graph(model)?;
        let entry = |key: &str, value| proto::Entry { key: key.into(), value };
        let print = fingerprint(&graph);
        let file = proto::Model {
            ir_version: IR_VERSION,
            producer_name: PRODUCER.into(),
            producer_version: env!("CARGO_PKG_VERSION").into(),
            doc_string: self.description.clone(),
            graph: Some(graph),
            opset_import: vec![proto::OperatorSet { domain: String::new(), version: OPSET }],
            metadata_props: vec![entry(DESCRIPTION, description), entry(FINGERPRINT, print)],
        };
        Ok(file.encode_to_vec())
    }

    /// Returns the function for a custom kind.
    pub(super) fn custom(&self, kind: &str) -> Option<&Custom> {
        self.parts.get(kind)
    }

    fn graph<A: Scalar>(&self, model: &Sequential<A>) -> Result<proto::Graph> {
        let data_type = if size_of::<A>() == 4 { data_type::FLOAT } else { data_type::DOUBLE };
        let parameters = outgoing(model.values(), Precision::of::<A>())
            .into_iter()
            .map(|(name, parameter)| tensor(name, &parameter.shape, data_type, (parameter.bytes)().into()));
        let mut initializer: Vec<proto::Tensor> = parameters.collect();
        let mut names: HashSet<String> = initializer.iter().map(|tensor| tensor.name.clone()).collect();
        for name in [&self.input, &self.output] {
            if !names.insert(name.clone()) || name.is_empty() {
                return Err(Error::duplicate("value", name));
            }
        }
        let mut graph = Graph::new(data_type == data_type::DOUBLE, names);
        let last = self.nodes(&mut graph, model)?;
        let (node, constants) = graph.finish(&last, &self.output);
        initializer.extend(constants);
        let value = |name: &str, dims: &[usize]| self.value(name, dims, data_type);
        let input = vec![value(&self.input, model.input_shape().dims())];
        let output = vec![value(&self.output, &[model.output_dim()])];
        Ok(proto::Graph { node, name: PRODUCER.into(), initializer, input, output })
    }

    /// Declares the input or the output of the graph.
    fn value(&self, name: &str, dims: &[usize], elem_type: i32) -> proto::ValueInfo {
        let known = |dim: usize| proto::Dimension { dim_value: Some(dim as i64), dim_param: None };
        let any = proto::Dimension { dim_value: None, dim_param: Some("batch".into()) };
        let first = self.batch.map_or(any, known);
        let dim = std::iter::once(first).chain(dims.iter().copied().map(known)).collect();
        let tensor = proto::TensorType { elem_type, shape: Some(proto::TensorShape { dim }) };
        proto::ValueInfo { name: name.into(), r#type: Some(proto::Type { tensor_type: Some(tensor) }) }
    }

    /// Adds all nodes, and returns the last value.
    fn nodes<A: Scalar>(&self, graph: &mut Graph, model: &Sequential<A>) -> Result<String> {
        let (mut value, mut shape) = (self.input.clone(), model.input_shape());
        if let Some(normalizer) = model.input_normalizer().filter(|_| self.raw) {
            value = normalise(graph, normalizer, shape.dims(), &value);
        }
        for (name, own) in model.layers() {
            let added = layer(self, graph, &(name.to_owned(), own), &value, shape);
            (value, shape) = added.map_err(|error| error.in_layer(name))?;
        }
        graph.set_layer("output");
        if shape.rank() > 1 {
            value = graph.node_with("Flatten", &[&value], [("axis", 1_i64.into())]);
        }
        if self.with_output {
            value = self.output_nodes(graph, model.output(), shape.size().into(), &value)?;
        }
        Ok(match model.target_normalizer().filter(|_| self.raw) {
            Some(normalizer) => restore(graph, normalizer, model.output_dim(), &value),
            None => value,
        })
    }

    fn output_nodes<A: Scalar>(
        &self,
        graph: &mut Graph,
        output: &dyn Output<A>,
        shape: Shape,
        u: &str,
    ) -> Result<String> {
        if let Some(heads) = output.heads() {
            return self.head_nodes(graph, heads, u);
        }
        let (kind, settings) = (output.kind().to_owned(), output.settings().unwrap_or_default());
        let part = Part { name: "output".into(), kind, settings, input: shape, output: shape };
        match self.custom(&part.kind) {
            Some(custom) => custom(graph, &part, u),
            None if part.kind == "softmax" => Ok(graph.node_with("Softmax", &[u], [("axis", 1_i64.into())])),
            None => activation(graph, &part, u)?.ok_or_else(|| unknown("output", &part.kind)),
        }
    }

    /// Adds the nodes of the outputs of heads, each on its columns.
    fn head_nodes<A: Scalar>(&self, graph: &mut Graph, heads: &Heads<A>, u: &str) -> Result<String> {
        let mut outputs = Vec::new();
        for ((_, columns), (output, _)) in heads.columns().zip(heads.parts()) {
            let ends = [columns.start as i64, columns.end as i64, 1];
            let [start, end, axis] = ends.map(|number| graph.integers(&[number]));
            let own = graph.node("Slice", &[u, &start, &end, &axis]);
            outputs.push(self.output_nodes(graph, output, columns.len().into(), &own)?);
        }
        let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
        Ok(graph.node_with("Concat", &outputs, [("axis", 1_i64.into())]))
    }
}

impl Default for Export {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Export");
        out.field("input", &self.input).field("output", &self.output).field("batch", &self.batch);
        out.field("with_output", &self.with_output).field("raw", &self.raw);
        out.field("parts", &self.parts.keys()).finish_non_exhaustive()
    }
}

/// Adds the shifts and the scales of a normaliser as constants for values of this shape.
fn statistics(graph: &mut Graph, normalizer: &Normalizer, dims: &[usize]) -> [String; 2] {
    let dims = if normalizer.is_per_feature() { dims } else { &[1] };
    let (shifts, scales): (Vec<f64>, Vec<f64>) = normalizer.statistics().iter().copied().unzip();
    [graph.constants(dims, &shifts), graph.constants(dims, &scales)]
}

/// Adds (x − shift)/scale.
fn normalise(graph: &mut Graph, normalizer: &Normalizer, dims: &[usize], x: &str) -> String {
    graph.set_layer("input");
    let [shift, scale] = statistics(graph, normalizer, dims);
    let shifted = graph.node("Sub", &[x, &shift]);
    graph.node("Div", &[&shifted, &scale])
}

/// Adds y·scale + shift.
fn restore(graph: &mut Graph, normalizer: &Normalizer, width: usize, y: &str) -> String {
    let [shift, scale] = statistics(graph, normalizer, &[width]);
    let scaled = graph.node("Mul", &[y, &scale]);
    graph.node("Add", &[&scaled, &shift])
}

/// Exporting to ONNX (feature `onnx`). See [`onnx`](crate::onnx).
impl<A: Scalar> Sequential<A> {
    /// Saves the model to an ONNX file with the default options of [`Export`].
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Export::save`].
    pub fn save_onnx(&self, path: impl AsRef<Path>) -> Result<()> {
        Export::new().save(self, path)
    }

    /// Returns the content of the file that [`save_onnx`](Sequential::save_onnx) writes.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Export::to_bytes`].
    pub fn to_onnx_bytes(&self) -> Result<Vec<u8>> {
        Export::new().to_bytes(self)
    }
}
