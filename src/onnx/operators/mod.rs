//! The values that the nodes of a graph compute.

mod affine;
mod arithmetic;
mod concat;
mod constants;
mod features;
mod norms;
mod numbers;
mod shapes;
mod windows;

use std::sync::Arc;

use super::import::{Import, Named};
use super::node::Attributes;
use super::proto::{self, data_type};
use super::recognise::function;
use super::tensor::Array;
use super::values::{Applied, Formula, Order, Step};
use crate::layer::{Layer, TensorSpec};
use crate::scalar::Scalar;

/// The tensors of a layer under their names in files.
type Tensors = Vec<(&'static str, Array)>;

/// Adds the values of a node whose inputs are all known.
pub(super) fn node<'a, A: Scalar>(
    import: &mut Import<'a, A>,
    node: &'a proto::Node,
) -> Result<Named<'a>, String> {
    let operator = match (node.domain.as_str(), node.op_type.as_str()) {
        ("" | "ai.onnx", operator) => operator,
        ("ai.onnx.ml", "Scaler") => return features::scaler(import, node).map(Named::Value),
        // It turns the probabilities into a map, which has no meaning here.
        ("ai.onnx.ml", "ZipMap") => return import.value(node, 0).map(Named::Value),
        _ => return Err(unsupported(&node.domain)),
    };
    match operator {
        "Constant" => return constants::constant(node).map(Named::Constant),
        "Identity" | "Dropout" => return same(import, node),
        "Shape" => return numbers::shape(import, node).map(Named::Numbers),
        _ => {}
    }
    let is_value = |i| matches!(import.input(node, i), Some(Named::Value(_)));
    if (0..node.input.len()).any(is_value) {
        return match operator {
            "Cast" => cast(import, node),
            _ => standard(import, node, operator).map(Named::Value),
        };
    }
    if numbers::are_numbers(import, node) {
        return numbers::node(import, node, operator);
    }
    constants::node(import, node, operator).map(Named::Constant)
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
) -> Result<usize, String> {
    match operator {
        "Gemm" => affine::gemm(import, node),
        "MatMul" => affine::mat_mul(import, node),
        "Flatten" => shapes::flatten(import, node),
        "Reshape" => shapes::reshape(import, node),
        "Squeeze" => shapes::squeeze(import, node),
        "Transpose" => shapes::transpose(import, node),
        "BatchNormalization" => norms::batch_norm(import, node),
        "LayerNormalization" => norms::layer_norm(import, node),
        "PRelu" => norms::prelu(import, node),
        "Softmax" | "LogSoftmax" => norms::softmax(import, node),
        "Concat" => concat::concat(import, node),
        "ReduceMean" => windows::reduce_mean(import, node),
        "Clip" => arithmetic::clip(import, node),
        "Where" => arithmetic::choice(import, node),
        "GlobalAveragePool" | "Conv" | "ConvTranspose" | "MaxPool" | "AveragePool" => {
            windows::node(import, node, operator)
        }
        _ if arithmetic::binary(operator).is_some() => arithmetic::two_operands(import, node, operator),
        _ => {
            let function = function(operator, &Attributes(node))?;
            let (function, constants) = function.ok_or_else(|| unsupported(""))?;
            let from = import.value(node, 0)?;
            Ok(arithmetic::formula(import, from, from, Formula::Unary(function, from, constants)))
        }
    }
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

/// Adds the output of a layer. Its elements have the same order in the graph and in the model.
fn layer<A: Scalar>(
    import: &mut Import<'_, A>,
    from: usize,
    layer: impl Layer<A>,
    tensors: Tensors,
) -> Result<usize, String> {
    ordered_layer(import, from, layer, tensors, Order::Same)
}

/// Adds the output of a layer, whose elements have this order in the graph.
fn ordered_layer<A: Scalar>(
    import: &mut Import<'_, A>,
    from: usize,
    layer: impl Layer<A>,
    tensors: Tensors,
    order: Order,
) -> Result<usize, String> {
    let input = import.values.get(from).shape;
    let output = layer.output_shape(input).map_err(|error| error.to_string())?;
    check_tensors::<A>(layer.parameters(input).into_iter().chain(layer.buffers(input)), &tensors)?;
    let applied = Applied { from, layer: Arc::new(layer), tensors };
    Ok(import.values.add_ordered(from, (output, order), Formula::Other, Step::Layer(applied)))
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
