//! Whole numbers that a graph computes, such as the shape for a reshape.

use std::borrow::Cow;

use super::super::import::{Import, Named, computed};
use super::super::node::Attributes;
use super::super::proto::{self, data_type};
use super::super::tensor::{Array, integers};
use crate::scalar::Scalar;

/// A whole number, or `None` for the number of samples.
pub(in super::super) type Number = Option<i64>;

/// The maximum length of a list, which suffices for shapes.
const LENGTH: usize = 16;

/// Returns whether a node computes whole numbers.
pub(super) fn are_numbers<A: Scalar>(import: &Import<'_, A>, node: &proto::Node) -> bool {
    let whole = [data_type::INT32, data_type::INT64];
    (0..node.input.len()).any(|i| match import.input(node, i) {
        Some(Named::Numbers(_)) => true,
        Some(Named::Constant(tensor)) => i == 0 && whole.contains(&tensor.data_type),
        _ => false,
    })
}

/// Returns the whole numbers that an input of a node is.
pub(super) fn numbers<A: Scalar>(
    import: &Import<'_, A>,
    node: &proto::Node,
    index: usize,
) -> Result<Vec<Number>, String> {
    let numbers = match import.input(node, index) {
        Some(Named::Numbers(numbers)) => return Ok(numbers.clone()),
        Some(Named::Constant(tensor)) => {
            check_length(tensor.dims.iter().fold(1, |size, &dim| size.saturating_mul(dim.max(0) as usize)))?;
            integers(tensor)
        }
        _ => Err("expected whole numbers".into()),
    };
    let numbers = numbers.map_err(|problem| format!("input {index}: {problem}"))?;
    Ok(numbers.into_iter().map(Some).collect())
}

/// Returns the whole numbers that an input of a node is, none of which is the number of samples.
fn known<A: Scalar>(import: &Import<'_, A>, node: &proto::Node, index: usize) -> Result<Vec<i64>, String> {
    let numbers: Option<Vec<i64>> = numbers(import, node, index)?.into_iter().collect();
    numbers.ok_or_else(|| format!("input {index}: expected known numbers, got the number of samples"))
}

fn check_length(length: usize) -> Result<(), String> {
    if length <= LENGTH {
        Ok(())
    } else {
        Err(format!("expected at most {LENGTH} whole numbers, got {length}"))
    }
}

/// Returns the shape of a value or of a constant.
pub(super) fn shape<A: Scalar>(import: &Import<'_, A>, node: &proto::Node) -> Result<Vec<Number>, String> {
    let dims = match import.input(node, 0) {
        Some(&Named::Value(value)) => {
            let sample = import.graph_dims(value).into_iter().map(|dim| Some(dim as i64));
            std::iter::once(import.batch).chain(sample).collect()
        }
        Some(Named::Constant(tensor)) => tensor.dims.iter().copied().map(Some).collect::<Vec<Number>>(),
        _ => return Err("input 0: expected a value or a constant".into()),
    };
    let attributes = Attributes(node);
    let end = attributes.int("end", i64::MAX)?;
    Ok(slice(&dims, attributes.int("start", 0)?, end))
}

/// Returns the numbers from `start` up to `end`. Negative places count from the end.
fn slice(numbers: &[Number], start: i64, end: i64) -> Vec<Number> {
    let length = numbers.len() as i64;
    let place = |at: i64| if at < 0 { at.saturating_add(length) } else { at }.clamp(0, length) as usize;
    numbers.get(place(start)..place(end)).unwrap_or_default().to_vec()
}

/// Returns what a node computes from whole numbers.
pub(super) fn node<'a, A: Scalar>(
    import: &Import<'a, A>,
    node: &proto::Node,
    operator: &str,
) -> Result<Named<'a>, String> {
    let first = numbers(import, node, 0);
    let result = match operator {
        "Cast" => return cast(node, first?),
        // Lists and single numbers are the same here.
        "Squeeze" | "Unsqueeze" | "Reshape" => first?,
        "Gather" => gather(&first?, &known(import, node, 1)?)?,
        "Slice" => {
            let steps = if node.input.len() > 4 { known(import, node, 4)? } else { vec![1] };
            match (&known(import, node, 1)?[..], &known(import, node, 2)?[..], &steps[..]) {
                (&[start], &[end], [1]) => slice(&first?, start, end),
                _ => return Err("expected a slice of one axis with step 1".into()),
            }
        }
        "Concat" => {
            let mut all = Vec::new();
            for i in 0..node.input.len() {
                all.extend(numbers(import, node, i)?);
                check_length(all.len())?;
            }
            all
        }
        "ReduceProd" => {
            let product = known(import, node, 0)?.into_iter().try_fold(1_i64, i64::checked_mul);
            vec![Some(product.ok_or("expected a smaller product")?)]
        }
        "Add" | "Sub" | "Mul" | "Div" => arithmetic(operator, &first?, &numbers(import, node, 1)?)?,
        _ => return Err("expected an operator of shapes (docs/onnx.md lists them)".into()),
    };
    Ok(Named::Numbers(result))
}

/// Returns the same numbers, or floating-point numbers.
fn cast<'a>(node: &proto::Node, numbers: Vec<Number>) -> Result<Named<'a>, String> {
    let to = Attributes(node).int("to", 0)?;
    if [data_type::INT32, data_type::INT64].map(i64::from).contains(&to) {
        return Ok(Named::Numbers(numbers));
    }
    let values: Option<Vec<f64>> = numbers.iter().map(|number| number.map(|n| n as f64)).collect();
    let values = values.ok_or("expected known numbers, got the number of samples")?;
    let array = match i32::try_from(to) {
        Ok(data_type::FLOAT) => Array::of(true, &[values.len()], values),
        Ok(data_type::DOUBLE) => Array::of(false, &[values.len()], values),
        _ => return Err(format!("attribute 'to': expected whole numbers, f32 or f64, got the type {to}")),
    };
    Ok(Named::Constant(Cow::Owned(computed(array))))
}

fn gather(numbers: &[Number], places: &[i64]) -> Result<Vec<Number>, String> {
    let length = numbers.len() as i64;
    let place = |&at: &i64| usize::try_from(if at < 0 { at.saturating_add(length) } else { at }).ok();
    let found = places.iter().map(|at| place(at).and_then(|at| numbers.get(at).copied()));
    let found: Option<Vec<Number>> = found.collect();
    found.ok_or_else(|| format!("expected indices below {length}, got {places:?}"))
}

/// Returns the result of an operator for pairs of numbers, or with one number for all. Nothing is computed with the number of
/// samples.
fn arithmetic(operator: &str, a: &[Number], b: &[Number]) -> Result<Vec<Number>, String> {
    let length = a.len().max(b.len());
    let of = |list: &[Number], i: usize| list.get(if list.len() == 1 { 0 } else { i }).copied();
    let result = (0..length).map(|i| match (of(a, i)?, of(b, i)?) {
        (Some(a), Some(b)) => match operator {
            "Add" => a.checked_add(b),
            "Sub" => a.checked_sub(b),
            "Mul" => a.checked_mul(b),
            _ => a.checked_div(b),
        },
        _ => None,
    });
    let result: Option<Vec<i64>> = result.collect();
    let result = result.ok_or("expected lists of the same length of known numbers")?;
    Ok(result.into_iter().map(Some).collect())
}
