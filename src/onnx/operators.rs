//! The values that the nodes of a graph compute.

use std::borrow::Cow;
use std::sync::Arc;

use super::elementwise::{binary, function};
use super::import::{Import, Named};
use super::node::Attributes;
use super::proto::{self, attribute_type, data_type};
use super::tensor::{Array, integers};
use super::values::{Applied, Formula, Operand, Step};
use super::windows;
use crate::Affine;
use crate::activation::PRelu;
use crate::layer::{
    BatchNorm, Flatten, GlobalAvgPool2d, Layer, LayerNorm, Reshape, TensorSpec, TrainableActivation,
};
use crate::scalar::Scalar;
use crate::shape::Shape;

/// The tensors of a layer under their names in files.
type Tensors = Vec<(&'static str, Array)>;

/// Adds the values of a node whose inputs are all known.
pub(super) fn node<'a, A: Scalar>(
    import: &mut Import<'a, A>,
    node: &'a proto::Node,
) -> Result<Named<'a>, String> {
    let attributes = Attributes(node);
    let value = match (node.domain.as_str(), node.op_type.as_str()) {
        ("" | "ai.onnx", "Constant") => return constant(node).map(Named::Constant),
        ("" | "ai.onnx", "Identity" | "Dropout") => return same(import, node),
        ("" | "ai.onnx", "Cast") => return cast(import, node),
        ("" | "ai.onnx", operator) => standard(import, node, operator, &attributes)?,
        ("ai.onnx.ml", "Scaler") => scaler(import, node)?,
        // It turns the probabilities into a map, which has no meaning here.
        ("ai.onnx.ml", "ZipMap") => import.value(node, 0)?,
        _ => return Err(unsupported(&node.domain)),
    };
    Ok(Named::Value(value))
}

fn unsupported(domain: &str) -> String {
    match domain {
        "" | "ai.onnx" => "expected an operator that a layer computes (docs/onnx.md lists them)".into(),
        other => format!("expected an operator of the domain ai.onnx, got one of '{other}'"),
    }
}

fn standard<A: Scalar>(
    import: &mut Import<'_, A>,
    node: &proto::Node,
    operator: &str,
    attributes: &Attributes<'_>,
) -> Result<usize, String> {
    match operator {
        "Gemm" => gemm(import, node),
        "MatMul" => mat_mul(import, node),
        "Flatten" => flatten(import, node),
        "Reshape" => reshape(import, node),
        "BatchNormalization" => batch_norm(import, node),
        "LayerNormalization" => layer_norm(import, node),
        "PRelu" => prelu(import, node),
        "Softmax" | "LogSoftmax" => softmax(import, node),
        "Concat" => concat(import, node),
        "GlobalAveragePool" => global_avg_pool(import, node, true),
        "ReduceMean" => reduce_mean(import, node),
        "Clip" => clip(import, node),
        "Conv" | "ConvTranspose" | "MaxPool" | "AveragePool" => windows::node(import, node, operator),
        _ if binary(operator).is_some() => two_operands(import, node, operator),
        _ => {
            let (function, constants) = function(operator, attributes)?.ok_or_else(|| unsupported(""))?;
            let from = import.value(node, 0)?;
            let shape = import.values.get(from).shape;
            Ok(formula(import, from, shape, Formula::Unary(function, from, constants)))
        }
    }
}

/// Returns the tensor of a node that is a constant.
fn constant(node: &proto::Node) -> Result<Cow<'_, proto::Tensor>, String> {
    let attribute = node.attribute.first().ok_or("expected a value, got none")?;
    if let Some(tensor) = &attribute.t {
        return Ok(Cow::Borrowed(tensor));
    }
    let list = |dims: Vec<i64>| proto::Tensor { dims, ..Default::default() };
    let count = |size: usize| vec![size as i64];
    Ok(Cow::Owned(match (attribute.r#type, attribute.f, attribute.i) {
        (attribute_type::FLOAT, Some(value), _) => {
            proto::Tensor { data_type: data_type::FLOAT, float_data: vec![value], ..list(vec![]) }
        }
        (attribute_type::INT, _, Some(value)) => {
            proto::Tensor { data_type: data_type::INT64, int64_data: vec![value], ..list(vec![]) }
        }
        (attribute_type::FLOATS, ..) => {
            let float_data = attribute.floats.clone();
            proto::Tensor { data_type: data_type::FLOAT, float_data, ..list(count(attribute.floats.len())) }
        }
        (attribute_type::INTS, ..) => {
            let int64_data = attribute.ints.clone();
            proto::Tensor { data_type: data_type::INT64, int64_data, ..list(count(attribute.ints.len())) }
        }
        _ => return Err(format!("attribute '{}': expected numbers", attribute.name)),
    }))
}

fn same<'a, A: Scalar>(import: &Import<'a, A>, node: &proto::Node) -> Result<Named<'a>, String> {
    if node.op_type == "Dropout" && node.input.get(2).is_some_and(|input| !input.is_empty()) {
        return Err("expected a model for prediction, got dropout with the input training_mode".into());
    }
    import.input(node, 0).cloned().ok_or_else(|| "input 0: expected one, got none".into())
}

/// Returns the same value in another precision. The precision of the model is the only one.
fn cast<'a, A: Scalar>(import: &Import<'a, A>, node: &proto::Node) -> Result<Named<'a>, String> {
    match Attributes(node).int("to", 0)? {
        to if to == i64::from(data_type::FLOAT) || to == i64::from(data_type::DOUBLE) => same(import, node),
        other => Err(format!("attribute 'to': expected f32 or f64, got the type {other}")),
    }
}

/// Adds the output of a layer.
pub(super) fn layer<A: Scalar>(
    import: &mut Import<'_, A>,
    from: usize,
    layer: impl Layer<A>,
    tensors: Tensors,
) -> Result<usize, String> {
    applied(import, from, layer, tensors, false)
}

/// Adds the output of a layer. If it takes a bias, an addition may replace its bias.
pub(super) fn applied<A: Scalar>(
    import: &mut Import<'_, A>,
    from: usize,
    layer: impl Layer<A>,
    tensors: Tensors,
    takes_bias: bool,
) -> Result<usize, String> {
    let input = import.values.get(from).shape;
    let output = layer.output_shape(input).map_err(|error| error.to_string())?;
    check_tensors::<A>(layer.parameters(input).into_iter().chain(layer.buffers(input)), &tensors)?;
    let applied = Applied { from, layer: Arc::new(layer), tensors, takes_bias };
    Ok(import.values.add(from, output, Formula::Other, Step::Layer(applied)))
}

/// Checks that the tensors have the declared shapes and the precision of the model.
fn check_tensors<A>(
    specs: impl Iterator<Item = TensorSpec>,
    tensors: &[(&'static str, Array)],
) -> Result<(), String> {
    for mut spec in specs {
        let found = tensors.iter().find(|(name, _)| *name == spec.saved_as);
        let (name, array) = found.ok_or_else(|| format!("{}: expected one, got none", spec.saved_as))?;
        if spec.transposed {
            spec.shape.reverse();
        }
        if array.dims != spec.shape {
            return Err(format!("{name}: expected shape {:?}, got {:?}", spec.shape, array.dims));
        }
        if size_of::<A>() == 4 && !array.is_single {
            return Err(format!("{name}: expected f32 values, got f64 (load the file as a model of f64)"));
        }
    }
    Ok(())
}

/// Adds an affine layer with weights of the shape (outputs, inputs).
fn affine<A: Scalar>(
    import: &mut Import<'_, A>,
    from: usize,
    weight: Array,
    bias: Option<Array>,
) -> Result<usize, String> {
    let &[units, _] = &weight.dims[..] else {
        return Err(format!("weight: expected 2 dimensions, got {:?}", weight.dims));
    };
    let takes_bias = bias.is_none();
    let bias = bias.unwrap_or_else(|| Array::filled(weight.is_single, units, 0.0));
    let tensors = vec![("weight", weight), ("bias", bias)];
    applied(import, from, Affine::new(units), tensors, takes_bias)
}

fn gemm<A: Scalar>(import: &mut Import<'_, A>, node: &proto::Node) -> Result<usize, String> {
    let attributes = Attributes(node);
    attributes.one("alpha")?;
    attributes.one("beta")?;
    attributes.only("transA", 0, 0)?;
    let (from, weight) = (import.value(node, 0)?, import.array(node, 1)?);
    let weight = if attributes.int("transB", 0)? == 0 { weight.transposed() } else { weight };
    let units = weight.dims.first().copied().unwrap_or(0);
    let bias = match import.input(node, 2) {
        None => None,
        Some(_) => {
            let bias = import.array(node, 2)?;
            match (bias.single(), bias.size() == units) {
                (Some(value), false) => Some(Array::filled(bias.is_single, units, value as f32)),
                _ => Some(bias.with_dims(&[bias.size()])),
            }
        }
    };
    affine(import, from, weight, bias)
}

fn mat_mul<A: Scalar>(import: &mut Import<'_, A>, node: &proto::Node) -> Result<usize, String> {
    let (from, weight) = (import.value(node, 0)?, import.array(node, 1)?);
    affine(import, from, weight.transposed(), None)
}

fn flatten<A: Scalar>(import: &mut Import<'_, A>, node: &proto::Node) -> Result<usize, String> {
    let from = import.value(node, 0)?;
    Attributes(node).only("axis", 1, 1)?;
    match import.values.get(from).shape.rank() {
        1 => Ok(from),
        _ => layer(import, from, Flatten, Vec::new()),
    }
}

fn reshape<A: Scalar>(import: &mut Import<'_, A>, node: &proto::Node) -> Result<usize, String> {
    let (from, dims) = (import.value(node, 0)?, integers(import.constant(node, 1)?)?);
    if dims.contains(&0) {
        Attributes(node).only("allowzero", 0, 0)?;
    }
    let input = import.values.get(from).shape;
    let output = reshaped(input, &dims, import.batch).ok_or_else(|| {
        format!("expected a new shape of each sample of shape {input}, got the dimensions {dims:?}")
    })?;
    match output.rank() {
        _ if output == input => Ok(from),
        1 => layer(import, from, Flatten, Vec::new()),
        _ => layer(import, from, Reshape::new(output), Vec::new()),
    }
}

/// Returns the shape of a sample after a reshape that keeps the samples apart.
fn reshaped(input: Shape, dims: &[i64], batch: Option<i64>) -> Option<Shape> {
    let (&first, rest) = dims.split_first()?;
    // 0 stands for the dimension of the input at the same place.
    let copied = |(i, &dim): (usize, &i64)| match dim {
        0 => input.dims().get(i).map(|&dim| dim as i64),
        dim => Some(dim),
    };
    let mut rest = rest.iter().enumerate().map(copied).collect::<Option<Vec<i64>>>()?;
    let known = rest.iter().filter(|&&dim| dim > 0).try_fold(1_i64, |size, &dim| size.checked_mul(dim))?;
    let size = i64::try_from(input.size()).ok()?;
    if let Some(open) = rest.iter_mut().find(|dim| **dim == -1) {
        *open = if first == -1 || size % known != 0 { return None } else { size / known };
    }
    let dims: Vec<usize> = rest.iter().map(|&dim| usize::try_from(dim).ok()).collect::<Option<_>>()?;
    let shape = Shape::of_dims(&dims).filter(|shape| shape.size() == input.size())?;
    (matches!(first, -1 | 0) || Some(first) == batch).then_some(shape)
}

fn batch_norm<A: Scalar>(import: &mut Import<'_, A>, node: &proto::Node) -> Result<usize, String> {
    let attributes = Attributes(node);
    attributes.only("training_mode", 0, 0)?;
    let from = import.value(node, 0)?;
    let momentum = 1.0 - attributes.float("momentum", 0.9)?;
    let norm = BatchNorm::new().epsilon(attributes.float("epsilon", f64::from(1e-5_f32))?).momentum(momentum);
    let mut tensors = Vec::new();
    for (i, name) in [(1, "weight"), (2, "bias"), (3, "running_mean"), (4, "running_var")] {
        tensors.push((name, import.array(node, i)?));
    }
    layer(import, from, norm, tensors)
}

fn layer_norm<A: Scalar>(import: &mut Import<'_, A>, node: &proto::Node) -> Result<usize, String> {
    let attributes = Attributes(node);
    let from = import.value(node, 0)?;
    let shape = import.values.get(from).shape;
    let axis = attributes.int("axis", -1)?;
    if axis != 1 && axis != -(shape.rank() as i64) {
        return Err(format!("attribute 'axis': expected 1, the whole sample of shape {shape}, got {axis}"));
    }
    let weight = import.array(node, 1)?;
    let bias = match import.input(node, 2) {
        Some(_) => import.array(node, 2)?,
        None => Array::filled(weight.is_single, weight.size(), 0.0).with_dims(&weight.dims),
    };
    let norm = LayerNorm::new().epsilon(attributes.float("epsilon", f64::from(1e-5_f32))?);
    layer(import, from, norm, vec![("weight", weight), ("bias", bias)])
}

fn prelu<A: Scalar>(import: &mut Import<'_, A>, node: &proto::Node) -> Result<usize, String> {
    let (from, slope) = (import.value(node, 0)?, import.array(node, 1)?);
    let function = TrainableActivation::new(PRelu::default());
    let shape = import.values.get(from).shape;
    let per_unit = slope.size() > 1;
    // The dimension of the batch is 1.
    let own = slope.dims.strip_prefix(&[1][..]).filter(|own| own.len() == shape.rank());
    let slope = if per_unit { slope.with_dims(own.unwrap_or(&slope.dims)) } else { slope.with_dims(&[1]) };
    layer(import, from, function.per_unit(per_unit), vec![("weight", slope)])
}

fn softmax<A: Scalar>(import: &mut Import<'_, A>, node: &proto::Node) -> Result<usize, String> {
    let from = import.value(node, 0)?;
    let shape = import.values.get(from).shape;
    let axis = Attributes(node).int("axis", if import.version < 13 { 1 } else { -1 })?;
    if shape.rank() != 1 || !matches!(axis, 1 | -1) {
        return Err(format!(
            "expected axis 1 of samples with 1 dimension, got axis {axis} of the shape {shape}"
        ));
    }
    Ok(import.values.add(from, shape, Formula::Other, Step::Softmax(from)))
}

fn concat<A: Scalar>(import: &mut Import<'_, A>, node: &proto::Node) -> Result<usize, String> {
    let parts: Vec<usize> = (0..node.input.len()).map(|i| import.value(node, i)).collect::<Result<_, _>>()?;
    let shapes: Vec<Shape> = parts.iter().map(|&part| import.values.get(part).shape).collect();
    let first = *shapes.first().ok_or("expected inputs, got none")?;
    let axis = Attributes(node).int("axis", 1)?;
    if axis != 1 && axis != -(first.rank() as i64) {
        return Err(format!("attribute 'axis': expected 1, got {axis}"));
    }
    if let Some(logit) = two_classes(import, &parts) {
        return two_logits(import, logit);
    }
    let mut dims = first.dims().to_vec();
    dims[0] = 0;
    for shape in &shapes {
        if shape.rank() != first.rank() || shape.dims()[1..] != first.dims()[1..] {
            return Err(format!(
                "expected equal shapes except for the first dimension, got {first} and {shape}"
            ));
        }
        dims[0] = dims[0].saturating_add(shape.dims()[0]);
    }
    let shape = Shape::of_dims(&dims).ok_or("expected 1 to 3 dimensions")?;
    let parent = parts.iter().fold(parts[0], |all, &part| import.values.common(all, part));
    let known = parts.iter().map(|&part| &import.values.get(part).step);
    if let Some(Step::Unknown(reason)) = known.into_iter().find(|step| matches!(step, Step::Unknown(_))) {
        return Err(reason.clone());
    }
    Ok(import.values.add(parent, shape, Formula::Other, Step::Concat(parts)))
}

/// Returns z if the values are 1 − σ(z) and σ(z), as in scikit-learn's classifiers with two classes.
fn two_classes<A: Scalar>(import: &Import<'_, A>, parts: &[usize]) -> Option<usize> {
    let &[no, yes] = parts else { return None };
    let Formula::Binary(operator, [Operand::Number(1.0), Operand::Value(value)]) =
        import.values.get(no).formula
    else {
        return None;
    };
    let Step::Layer(Applied { from, layer, .. }) = &import.values.get(yes).step else { return None };
    let is_single = import.values.get(yes).shape == Shape::from(1);
    let is_it = value == yes && operator(1.0, 0.25) == 0.75 && layer.kind() == "sigmoid" && is_single;
    is_it.then_some(*from)
}

/// Adds the softmax of the logits 0 and z, which is 1 − σ(z) and σ(z).
fn two_logits<A: Scalar>(import: &mut Import<'_, A>, logit: usize) -> Result<usize, String> {
    let is_single = size_of::<A>() == 4;
    let zeros = Array::filled(is_single, 1, 0.0).bytes;
    let bytes = [zeros, Array::filled(is_single, 1, 1.0).bytes].concat().into();
    let weight = Array { dims: vec![2, 1], is_single, bytes };
    let logits = affine(import, logit, weight, None)?;
    Ok(import.values.add(logits, 2.into(), Formula::Other, Step::Softmax(logits)))
}

/// Adds the mean of every channel, with one row and one column of pixels or without.
fn global_avg_pool<A: Scalar>(
    import: &mut Import<'_, A>,
    node: &proto::Node,
    keeps: bool,
) -> Result<usize, String> {
    let from = import.value(node, 0)?;
    let mean = layer(import, from, GlobalAvgPool2d, Vec::new())?;
    let channels = import.values.get(mean).shape.size();
    if keeps { layer(import, mean, Reshape::new([channels, 1, 1]), Vec::new()) } else { Ok(mean) }
}

fn reduce_mean<A: Scalar>(import: &mut Import<'_, A>, node: &proto::Node) -> Result<usize, String> {
    let attributes = Attributes(node);
    let axes = match import.input(node, 1) {
        Some(_) => integers(import.constant(node, 1)?)?,
        None => attributes.ints("axes").unwrap_or_default().to_vec(),
    };
    let rank = import.values.get(import.value(node, 0)?).shape.rank();
    if rank != 3 || !matches!(axes[..], [2 | -2, 3 | -1] | [3 | -1, 2 | -2]) {
        return Err(format!("expected the axes 2 and 3 of images, got {axes:?}"));
    }
    global_avg_pool(import, node, attributes.int("keepdims", 1)? != 0)
}

fn clip<A: Scalar>(import: &mut Import<'_, A>, node: &proto::Node) -> Result<usize, String> {
    let attributes = Attributes(node);
    let from = import.value(node, 0)?;
    let mut limit = |name: &str, index: usize, open: f64| match import.input(node, index) {
        None => attributes.float(name, open),
        Some(_) => import.array(node, index)?.single().ok_or_else(|| format!("{name}: expected one number")),
    };
    let (low, high) = (limit("min", 1, f64::MIN)?, limit("max", 2, f64::MAX)?);
    let function = Box::new(move |u: f64| u.max(low).min(high));
    let shape = import.values.get(from).shape;
    Ok(formula(import, from, shape, Formula::Unary(function, from, vec![low, high])))
}

/// Adds the features after (x − offset)·scale.
fn scaler<A: Scalar>(import: &mut Import<'_, A>, node: &proto::Node) -> Result<usize, String> {
    let from = import.value(node, 0)?;
    let list = |name: &str| -> Vec<f64> {
        let floats = Attributes(node).get(name).map_or(&[][..], |attribute| &attribute.floats);
        floats.iter().map(|&value| value.into()).collect()
    };
    let from = normalised(import, from, &list("offset"), |(shift, scale), n| (shift + n * scale, scale))?;
    normalised(import, from, &list("scale"), |(shift, scale), n| (shift, scale / n))
}

/// Adds the input after another step of its normalisation. `with` returns the new shift and scale.
fn normalised<A: Scalar>(
    import: &mut Import<'_, A>,
    from: usize,
    numbers: &[f64],
    with: impl Fn((f64, f64), f64) -> (f64, f64),
) -> Result<usize, String> {
    let earlier = import.values.get(from);
    let (shape, width) = (earlier.shape, earlier.shape.size());
    let pairs: Vec<(f64, f64)> = match &earlier.step {
        Step::Input if numbers.len() == width => vec![(0.0, 1.0); width],
        Step::Normalised(shift, scale) if numbers.len() == width => {
            shift.iter().copied().zip(scale.iter().copied()).collect()
        }
        _ => {
            let expected = "expected one number, the bias of a layer before it, or numbers for all features of the input";
            return Err(format!("{expected}, got {} numbers", numbers.len()));
        }
    };
    let pairs = pairs.into_iter().zip(numbers).map(|(pair, &number)| with(pair, number));
    let (shift, scale) = pairs.unzip();
    Ok(import.values.add(0, shape, Formula::Other, Step::Normalised(shift, scale)))
}

fn two_operands<A: Scalar>(
    import: &mut Import<'_, A>,
    node: &proto::Node,
    operator: &str,
) -> Result<usize, String> {
    if node.input.len() != 2 {
        return Err(format!("expected 2 inputs, got {}", node.input.len()));
    }
    let is_value = |import: &Import<'_, A>, i| matches!(import.input(node, i), Some(Named::Value(_)));
    match (is_value(import, 0), is_value(import, 1)) {
        (true, true) => values(import, node, operator),
        (true, false) => with_constant(import, node, operator, 0),
        (false, true) => with_constant(import, node, operator, 1),
        (false, false) => Err("expected a value that depends on the input of the graph".into()),
    }
}

/// Adds an operator with a value at the input `at` and a constant at the other.
fn with_constant<A: Scalar>(
    import: &mut Import<'_, A>,
    node: &proto::Node,
    operator: &str,
    at: usize,
) -> Result<usize, String> {
    let (from, array) = (import.value(node, at)?, import.array(node, 1 - at)?);
    let function = binary(operator).ok_or_else(|| unsupported(""))?;
    if let Some(number) = array.single().filter(|_| !is_bias(import, from, operator, &array)) {
        let operands = match at {
            0 => [Operand::Value(from), Operand::Number(number)],
            _ => [Operand::Number(number), Operand::Value(from)],
        };
        let shape = import.values.get(from).shape;
        return Ok(formula(import, from, shape, Formula::Binary(function, operands)));
    }
    if is_bias(import, from, operator, &array) {
        return with_bias(import, from, &array);
    }
    let numbers = array.values();
    match (operator, at) {
        ("Add", _) => normalised(import, from, &numbers, |(shift, scale), n| (shift - n * scale, scale)),
        ("Sub", 0) => normalised(import, from, &numbers, |(shift, scale), n| (shift + n * scale, scale)),
        ("Mul", _) => normalised(import, from, &numbers, |(shift, scale), n| (shift, scale / n)),
        ("Div", 0) => normalised(import, from, &numbers, |(shift, scale), n| (shift, scale * n)),
        _ => Err(format!("expected a single number, got the shape {:?}", array.dims)),
    }
}

/// Returns whether the array is the bias of the layer that computes the value.
fn is_bias<A: Scalar>(import: &Import<'_, A>, value: usize, operator: &str, array: &Array) -> bool {
    let value = import.values.get(value);
    let Step::Layer(Applied { takes_bias: true, .. }) = value.step else { return false };
    // The bias of an image has one row and one column of pixels.
    let mut dims: Vec<usize> = value.shape.dims().iter().map(|_| 1).collect();
    dims[0] = value.shape.dims()[0];
    let own =
        array.dims.strip_prefix(&[1][..]).filter(|rest| rest.len() == dims.len()).unwrap_or(&array.dims);
    operator == "Add" && *own == dims
}

/// Adds the value with another bias of its layer.
fn with_bias<A: Scalar>(import: &mut Import<'_, A>, value: usize, bias: &Array) -> Result<usize, String> {
    let earlier = import.values.get(value);
    let Step::Layer(Applied { from, layer, tensors, .. }) = &earlier.step else {
        return Err("expected a layer without a bias before it".into());
    };
    let (from, shape, mut tensors) = (*from, earlier.shape, tensors.clone());
    let layer = layer.clone();
    tensors.retain(|(name, _)| *name != "bias");
    tensors.push(("bias", bias.with_dims(&[bias.size()])));
    let specs = layer.parameters(import.values.get(from).shape);
    check_tensors::<A>(specs.into_iter(), &tensors)?;
    let step = Step::Layer(Applied { from, layer, tensors, takes_bias: false });
    Ok(import.values.add(from, shape, Formula::Other, step))
}

/// Adds an operator with two values.
fn values<A: Scalar>(
    import: &mut Import<'_, A>,
    node: &proto::Node,
    operator: &str,
) -> Result<usize, String> {
    let (a, b) = (import.value(node, 0)?, import.value(node, 1)?);
    let [left, right] = [a, b].map(|value| import.values.get(value).shape);
    if left != right {
        return Err(format!("expected samples of the same shape, got {left} and {right}"));
    }
    let function = binary(operator).ok_or_else(|| unsupported(""))?;
    let parent = import.values.common(a, b);
    let sum = formula(import, parent, left, Formula::Binary(function, [a, b].map(Operand::Value)));
    let is_known = |value| !matches!(import.values.get(value).step, Step::Unknown(_));
    if matches!(operator, "Add" | "Sum") && !is_known(sum) && is_known(a) && is_known(b) {
        import.values.set_step(sum, Step::Sum([a, b]));
    }
    Ok(sum)
}

/// Adds a value with a formula, and recognises the activation that computes it.
fn formula<A: Scalar>(import: &mut Import<'_, A>, parent: usize, shape: Shape, formula: Formula) -> usize {
    let unknown = Step::Unknown("expected a part of an activation function that the crate has".into());
    let value = import.values.add(parent, shape, formula, unknown);
    if let Some((from, layer)) = import.functions.recognise(&import.values, value) {
        import.values.set_step(
            value,
            match layer {
                Some(layer) => Step::Layer(Applied { from, layer, tensors: Vec::new(), takes_bias: false }),
                None => Step::Same(from),
            },
        );
    }
    value
}
