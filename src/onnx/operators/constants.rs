//! Constants, and what a graph computes from constants alone.

use std::borrow::Cow;

use super::super::import::{Import, computed};
use super::super::node::Attributes;
use super::super::proto::{self, attribute_type, data_type};
use super::super::recognise::function;
use super::super::tensor::Array;
use super::arithmetic::binary;
use super::numbers::numbers;
use super::unsupported;
use crate::scalar::Scalar;

/// A tensor of a file, or a computed one.
type Constant<'a> = Cow<'a, proto::Tensor>;

/// Returns the tensor of a node that is a constant.
pub(super) fn constant(node: &proto::Node) -> Result<Constant<'_>, String> {
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

/// Returns what a node computes from constants.
pub(super) fn node<'a, A: Scalar>(
    import: &mut Import<'a, A>,
    node: &proto::Node,
    operator: &str,
) -> Result<Constant<'a>, String> {
    let attributes = Attributes(node);
    let first = import.array(node, 0)?;
    let result = match operator {
        "Cast" => match attributes.int("to", 0)?.try_into() {
            Ok(data_type::FLOAT) => first.map(true, |value| value),
            Ok(data_type::DOUBLE) => first.map(false, |value| value),
            other => return Err(format!("attribute 'to': expected f32 or f64, got the type {other:?}")),
        },
        "Transpose" => {
            let reversed: Vec<i64> = (0..first.dims.len() as i64).rev().collect();
            first.permuted(attributes.ints("perm").unwrap_or(&reversed))?
        }
        "Reshape" => first.reshaped(&listed(import, node, "shape")?)?,
        "Squeeze" => squeezed(&first, &listed(import, node, "axes")?),
        "Unsqueeze" => unsqueezed(&first, &listed(import, node, "axes")?)?,
        "Concat" => {
            let mut all = vec![first];
            for i in 1..node.input.len() {
                all.push(import.array(node, i)?);
            }
            Array::concatenated(&all, attributes.int("axis", 0)?)?
        }
        _ if binary(operator).is_some() && node.input.len() == 2 => {
            let (function, second) =
                (binary(operator).ok_or_else(|| unsupported(""))?, import.array(node, 1)?);
            let dims = first.common_dims(&second)?;
            let size = dims.iter().try_fold(8_usize, |size, &dim| size.checked_mul(dim));
            import.charge(size.unwrap_or(usize::MAX))?;
            first.combined(&second, &dims, function)
        }
        _ => {
            let (function, _) = function(operator, &attributes)?.ok_or_else(|| unsupported(""))?;
            first.map(first.is_single, function)
        }
    };
    Ok(Cow::Owned(computed(result)))
}

/// Returns whole numbers from the second input, or from an attribute as in old versions.
fn listed<A: Scalar>(
    import: &Import<'_, A>,
    node: &proto::Node,
    attribute: &str,
) -> Result<Vec<i64>, String> {
    match import.input(node, 1) {
        Some(_) => {
            let numbers: Option<Vec<i64>> = numbers(import, node, 1)?.into_iter().collect();
            numbers.ok_or_else(|| "input 1: expected known numbers, got the number of samples".into())
        }
        None => Ok(Attributes(node).ints(attribute).unwrap_or_default().to_vec()),
    }
}

/// Returns the array without the dimensions of 1 at these axes, or without all of them.
fn squeezed(array: &Array, axes: &[i64]) -> Array {
    let rank = array.dims.len() as i64;
    let is_given = |at: i64| axes.is_empty() || axes.contains(&at) || axes.contains(&(at - rank));
    let dims = (0..).zip(&array.dims).filter(|&(at, &dim)| dim != 1 || !is_given(at)).map(|(_, &dim)| dim);
    array.with_dims(&dims.collect::<Vec<_>>())
}

/// Returns the array with dimensions of 1 at these axes.
fn unsqueezed(array: &Array, axes: &[i64]) -> Result<Array, String> {
    let rank = (array.dims.len() + axes.len()) as i64;
    let mut axes: Vec<i64> =
        axes.iter().map(|&axis| if axis < 0 { axis.saturating_add(rank) } else { axis }).collect();
    axes.sort_unstable();
    let mut dims = array.dims.clone();
    for &axis in &axes {
        match usize::try_from(axis) {
            Ok(at) if at <= dims.len() => dims.insert(at, 1),
            _ => return Err(format!("expected axes below {rank}, got {axes:?}")),
        }
    }
    Ok(array.with_dims(&dims))
}
