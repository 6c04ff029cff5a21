//! The operators of the built-in layers.

use super::export::Export;
use super::functions::activation;
use super::graph::{Attribute, Graph, Part};
use super::proto::data_type;
use crate::error::{Error, Result};
use crate::layer::Layer;
use crate::scalar::Scalar;
use crate::settings::{Setting, Settings};
use crate::shape::Shape;

/// A layer with its full name.
type Named<'a, A> = (String, &'a dyn Layer<A>);

/// Adds the nodes of a layer whose input is the value `x` with samples of the shape `input`. Returns the output and its shape.
pub(super) fn layer<A: Scalar>(
    export: &Export,
    graph: &mut Graph,
    (name, layer): &Named<'_, A>,
    x: &str,
    input: Shape,
) -> Result<(String, Shape)> {
    let output = layer.output_shape(input)?;
    let (kind, settings) = (layer.kind().to_owned(), layer.settings().unwrap_or_default());
    let part = Part { name: name.clone(), kind, settings, input, output };
    graph.set_layer(name);
    if let Some(custom) = export.custom(&part.kind) {
        return Ok((custom(graph, &part, x)?, output));
    }
    let inner = || inner(name, *layer);
    let y = match part.kind.as_str() {
        "chain" => chain(export, graph, name, &inner(), (x, input))?,
        "residual" => residual(export, graph, &part, &inner(), x)?,
        "concat" => concat(export, graph, &part, &inner(), x)?,
        _ => match simple(graph, &part, x)? {
            Some(y) => y,
            None => activation(graph, &part, x)?.ok_or_else(|| unknown("layer", &part.kind))?,
        },
    };
    Ok((y, output))
}

/// Returns the error about a custom part without nodes.
pub(super) fn unknown(what: &str, kind: &str) -> Error {
    let expected = "a built-in one, or one whose nodes are given (call onnx::Export::part)";
    Error::setting(format!("kind of the {what}"), expected, kind)
}

/// Returns the layers inside a block with their full names.
fn inner<'a, A: Scalar>(block: &str, layer: &'a dyn Layer<A>) -> Vec<Named<'a, A>> {
    layer.inner_layers().into_iter().map(|(name, layer)| (format!("{block}.{name}"), layer)).collect()
}

/// Returns the name of a layer inside a block, without the name of the block.
fn short<'a>(block: &str, name: &'a str) -> &'a str {
    name.strip_prefix(block).and_then(|rest| rest.strip_prefix('.')).unwrap_or(name)
}

/// Adds the nodes of a sequence of layers.
fn chain<A: Scalar>(
    export: &Export,
    graph: &mut Graph,
    block: &str,
    layers: &[Named<'_, A>],
    (x, input): (&str, Shape),
) -> Result<String> {
    let (mut value, mut shape) = (x.to_owned(), input);
    for named in layers {
        let added = layer(export, graph, named, &value, shape);
        (value, shape) = added.map_err(|error| error.in_layer(short(block, &named.0)))?;
    }
    Ok(value)
}

fn residual<A: Scalar>(
    export: &Export,
    graph: &mut Graph,
    part: &Part,
    inner: &[Named<'_, A>],
    x: &str,
) -> Result<String> {
    let (layers, projection) = inner.split_at(part.settings.layers("layers")?.len().min(inner.len()));
    let y = chain(export, graph, &part.name, layers, (x, part.input))?;
    let added = chain(export, graph, &part.name, projection, (x, part.input))?;
    graph.set_layer(&part.name);
    Ok(graph.node("Add", &[&y, &added]))
}

fn concat<A: Scalar>(
    export: &Export,
    graph: &mut Graph,
    part: &Part,
    mut inner: &[Named<'_, A>],
    x: &str,
) -> Result<String> {
    let mut outputs = Vec::new();
    for branch in part.settings.layers("branches")? {
        let count = branch.settings.as_ref().map_or(Ok(0), |own| own.layers("layers").map(<[_]>::len))?;
        let (own, others) = inner.split_at(count.min(inner.len()));
        outputs.push(chain(export, graph, &part.name, own, (x, part.input))?);
        inner = others;
    }
    graph.set_layer(&part.name);
    let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
    Ok(graph.node_with("Concat", &outputs, [("axis", 1_i64.into())]))
}

/// Adds the nodes of a layer that is neither a block nor an activation. Returns `None` for any other layer.
fn simple(graph: &mut Graph, part: &Part, x: &str) -> Result<Option<String>> {
    Ok(Some(match part.kind.as_str() {
        "affine" => {
            let inputs = [x, &part.parameter("weight"), &part.parameter("bias")];
            graph.node_with("Gemm", &inputs, [("transB", 1_i64.into())])
        }
        "dropout" | "dropout_2d" => x.into(),
        "flatten" => graph.node_with("Flatten", &[x], [("axis", 1_i64.into())]),
        "reshape" => reshape(graph, part.output, x),
        "embedding" => embedding(graph, part, x)?,
        "columns" => {
            let ends = [part.settings.count("start")? as i64, part.settings.count("end")? as i64, 1];
            let [start, end, axis] = ends.map(|number| graph.integers(&[number]));
            graph.node("Slice", &[x, &start, &end, &axis])
        }
        "batch_norm" => batch_norm(graph, part, x)?,
        "layer_norm" => layer_norm(graph, part, x)?,
        "conv_1d" | "conv_2d" => convolution(graph, "Conv", part, x)?,
        "conv_transpose_2d" => convolution(graph, "ConvTranspose", part, x)?,
        "max_pool_1d" | "max_pool_2d" => max_pool(graph, part, x)?,
        "avg_pool_1d" | "avg_pool_2d" => avg_pool(graph, part, x)?,
        "global_avg_pool_2d" => global_avg_pool(graph, x),
        "gru" => recurrent(graph, "GRU", &[1, 0, 2], part, x)?,
        "lstm" => recurrent(graph, "LSTM", &[0, 3, 1, 2], part, x)?,
        _ => return Ok(None),
    }))
}

/// Adds the vectors of the nearest categories.
fn embedding(graph: &mut Graph, part: &Part, x: &str) -> Result<String> {
    let most = part.settings.count("categories")?.saturating_sub(1);
    let ends = [0.0, most as f64].map(|end| graph.constant(end));
    let whole = graph.node("Round", &[x]);
    let within = graph.node("Clip", &[&whole, &ends[0], &ends[1]]);
    let rows = graph.node_with("Cast", &[&within], [("to", i64::from(data_type::INT64).into())]);
    Ok(graph.node_with("Gather", &[&part.parameter("weight"), &rows], [("axis", 0_i64.into())]))
}

fn reshape(graph: &mut Graph, shape: Shape, x: &str) -> String {
    let dims: Vec<i64> = std::iter::once(-1).chain(shape.dims().iter().map(|&dim| dim as i64)).collect();
    let dims = graph.integers(&dims);
    graph.node("Reshape", &[x, &dims])
}

/// Returns the values of the weight and the bias, which are 1 and 0 if the layer has none.
fn scale_and_shift(graph: &mut Graph, part: &Part, shape: &[usize]) -> Result<[String; 2]> {
    if part.settings.flag("affine")? {
        return Ok(["weight", "bias"].map(|name| part.parameter(name)));
    }
    let size = shape.iter().product();
    Ok([1.0, 0.0].map(|value| graph.constants(shape, &vec![value; size])))
}

/// Returns ε as the attribute, and the rest of it, which is not 0 only in models of `f64`.
fn epsilon(graph: &Graph, part: &Part) -> Result<(f32, f64)> {
    let epsilon = part.settings.number("epsilon")?;
    let attribute = epsilon as f32;
    Ok((attribute, if graph.is_double() { epsilon - f64::from(attribute) } else { 0.0 }))
}

fn batch_norm(graph: &mut Graph, part: &Part, x: &str) -> Result<String> {
    let [scale, shift] = scale_and_shift(graph, part, &part.input.dims()[..1])?;
    let (mean, mut variance) = (part.parameter("running_mean"), part.parameter("running_var"));
    let (epsilon, rest) = epsilon(graph, part)?;
    if rest != 0.0 {
        let rest = graph.constant(rest);
        variance = graph.node("Add", &[&variance, &rest]);
    }
    let inputs = [x, &scale, &shift, &mean, &variance];
    Ok(graph.node_with("BatchNormalization", &inputs, [("epsilon", epsilon.into())]))
}

fn layer_norm(graph: &mut Graph, part: &Part, x: &str) -> Result<String> {
    let (epsilon, rest) = epsilon(graph, part)?;
    if rest != 0.0 {
        return layer_norm_composed(graph, part, x);
    }
    let [scale, shift] = scale_and_shift(graph, part, part.input.dims())?;
    let attributes = [("axis", 1_i64.into()), ("epsilon", epsilon.into())];
    Ok(graph.node_with("LayerNormalization", &[x, &scale, &shift], attributes))
}

fn layer_norm_composed(graph: &mut Graph, part: &Part, x: &str) -> Result<String> {
    let axes: Vec<i64> = (1..=part.input.rank() as i64).collect();
    let mean = graph.node_with("ReduceMean", &[x], [("axes", axes.clone().into())]);
    let deviation = graph.node("Sub", &[x, &mean]);
    let square = graph.node("Mul", &[&deviation, &deviation]);
    let variance = graph.node_with("ReduceMean", &[&square], [("axes", axes.into())]);
    let epsilon = graph.constant(part.settings.number("epsilon")?);
    let sum = graph.node("Add", &[&variance, &epsilon]);
    let spread = graph.node("Sqrt", &[&sum]);
    let normalised = graph.node("Div", &[&deviation, &spread]);
    if !part.settings.flag("affine")? {
        return Ok(normalised);
    }
    let scaled = graph.node("Mul", &[&normalised, &part.parameter("weight")]);
    Ok(graph.node("Add", &[&scaled, &part.parameter("bias")]))
}

/// Returns a height and a width from the settings, or the length of a signal.
fn extent(settings: &Settings, name: &str) -> Result<Vec<i64>> {
    Ok(settings.numbers(name)?.iter().map(|&n| n as i64).collect())
}

/// Returns the pixels that are added at the top and on the left, and then those at the bottom and on the right.
fn pads(settings: &Settings) -> Result<Vec<i64>> {
    if !matches!(settings.get("padding"), Some(Setting::Text(_))) {
        return Ok(extent(settings, "padding")?.repeat(2));
    }
    let (kernel, dilation) = (extent(settings, "kernel")?, extent(settings, "dilation")?);
    let all: Vec<i64> =
        kernel.iter().zip(dilation).map(|(kernel, dilation)| (kernel - 1) * dilation).collect();
    Ok(all.iter().map(|all| all / 2).chain(all.iter().map(|all| all - all / 2)).collect())
}

/// Returns the attributes of a window.
fn window(settings: &Settings) -> Result<[(&'static str, Attribute); 3]> {
    let list = |name| extent(settings, name).map(Attribute::Ints);
    let (kernel, strides) = (list("kernel")?, list("stride")?);
    Ok([("kernel_shape", kernel), ("strides", strides), ("pads", pads(settings)?.into())])
}

fn dilations(settings: &Settings) -> Result<(&'static str, Attribute)> {
    Ok(("dilations", extent(settings, "dilation")?.into()))
}

fn convolution(graph: &mut Graph, operator: &str, part: &Part, x: &str) -> Result<String> {
    let (weight, bias) = (part.parameter("weight"), part.parameter("bias"));
    let inputs = [x, &weight, &bias];
    let inputs = if part.settings.flag("bias")? { &inputs[..] } else { &inputs[..2] };
    let [kernel, strides, pads] = window(&part.settings)?;
    let group = ("group", Attribute::Int(part.settings.count("groups")? as i64));
    let dilations = dilations(&part.settings)?;
    if operator == "Conv" {
        return Ok(graph.node_with(operator, inputs, [kernel, strides, pads, dilations, group]));
    }
    let more = ("output_padding", Attribute::Ints(extent(&part.settings, "output_padding")?));
    Ok(graph.node_with(operator, inputs, [kernel, strides, pads, dilations, group, more]))
}

fn max_pool(graph: &mut Graph, part: &Part, x: &str) -> Result<String> {
    let [kernel, strides, pads] = window(&part.settings)?;
    Ok(graph.node_with("MaxPool", &[x], [kernel, strides, pads, dilations(&part.settings)?]))
}

fn avg_pool(graph: &mut Graph, part: &Part, x: &str) -> Result<String> {
    let [kernel, strides, pads] = window(&part.settings)?;
    let counted = i64::from(part.settings.flag("count_include_pad")?);
    let counted = ("count_include_pad", Attribute::Int(counted));
    Ok(graph.node_with("AveragePool", &[x], [kernel, strides, pads, counted]))
}

/// Adds the mean of each channel. ONNX Runtime has no `GlobalAveragePool` for `f64`.
fn global_avg_pool(graph: &mut Graph, x: &str) -> String {
    if graph.is_double() {
        let attributes = [("axes", vec![2_i64, 3].into()), ("keepdims", 0_i64.into())];
        return graph.node_with("ReduceMean", &[x], attributes);
    }
    let mean = graph.node("GlobalAveragePool", &[x]);
    graph.node_with("Flatten", &[&mean], [("axis", 1_i64.into())])
}

/// Adds a recurrent layer whose gates ONNX has in the given order.
fn recurrent(graph: &mut Graph, operator: &str, order: &[i64], part: &Part, x: &str) -> Result<String> {
    let units = part.settings.count("units")? as i64;
    let rows: Vec<i64> = order.iter().flat_map(|gate| gate * units..(gate + 1) * units).collect();
    let (rows, first) = (graph.integers(&rows), graph.integers(&[0]));
    let [weight_ih, weight_hh, bias_ih, bias_hh] =
        ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
            .map(|name| graph.node("Gather", &[&part.parameter(name), &rows]));
    let bias = graph.node_with("Concat", &[&bias_ih, &bias_hh], [("axis", 0_i64.into())]);
    // The first dimension has an entry for each direction. There is one.
    let [weight_ih, weight_hh, bias] =
        [weight_ih, weight_hh, bias].map(|value| graph.node("Unsqueeze", &[&value, &first]));
    let zeros = first_state(graph, units, x);
    // ONNX has the steps before the samples.
    let x = graph.node_with("Transpose", &[x], [("perm", vec![1, 0, 2].into())]);
    // The lengths of the sequences are left out.
    let inputs = [&*x, &weight_ih, &weight_hh, &bias, "", &zeros, &zeros];
    let hidden_size = ("hidden_size", units.into());
    let states = match operator {
        // The reset gate acts on the sum with its bias.
        "GRU" => {
            graph.node_with(operator, &inputs[..6], [hidden_size, ("linear_before_reset", 1_i64.into())])
        }
        _ => graph.node_with(operator, &inputs, [hidden_size]),
    };
    let states = if part.settings.flag("return_sequences")? {
        graph.node_with("Transpose", &[&states], [("perm", vec![2, 0, 1, 3].into())])
    } else {
        let last = graph.integers(&[part.input.dims()[0] as i64 - 1]);
        graph.node("Gather", &[&states, &last])
    };
    Ok(reshape(graph, part.output, &states))
}

/// Adds the state before the first step. tract needs it if the number of samples is not fixed.
fn first_state(graph: &mut Graph, units: i64, x: &str) -> String {
    let (first, one, units) = (graph.integers(&[0]), graph.integers(&[1]), graph.integers(&[units]));
    let shape = graph.node("Shape", &[x]);
    let samples = graph.node("Gather", &[&shape, &first]);
    let shape = graph.node_with("Concat", &[&one, &samples, &units], [("axis", 0_i64.into())]);
    let zero = graph.constant(0.0);
    graph.node("Expand", &[&zero, &shape])
}
