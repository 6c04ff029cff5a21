//! Operators that compute every element on its own.

use super::super::import::{Import, Named};
use super::super::node::Attributes;
use super::super::proto;
use super::super::recognise::Found;
use super::super::tensor::Array;
use super::super::values::{Applied, Formula, Operand, Step};
use super::{check_tensors, features, unsupported};
use crate::layer::LayerNorm;
use crate::scalar::Scalar;

/// Returns the function of an operator with two operands. Comparisons are 1 or 0.
pub(super) fn binary(operator: &str) -> Option<fn(f64, f64) -> f64> {
    Some(match operator {
        "Add" | "Sum" => |a, b| a + b,
        "Sub" => |a, b| a - b,
        "Mul" => |a, b| a * b,
        "Div" => |a, b| a / b,
        "Pow" => |a: f64, b: f64| if b == b.trunc() && b.abs() < 16.0 { a.powi(b as i32) } else { a.powf(b) },
        "Min" => f64::min,
        "Max" => f64::max,
        "Greater" => |a, b| f64::from(a > b),
        "GreaterOrEqual" => |a, b| f64::from(a >= b),
        "Less" => |a, b| f64::from(a < b),
        "LessOrEqual" => |a, b| f64::from(a <= b),
        _ => return None,
    })
}

pub(super) fn clip<A: Scalar>(import: &mut Import<'_, A>, node: &proto::Node) -> Result<usize, String> {
    let attributes = Attributes(node);
    let from = import.value(node, 0)?;
    let mut limit = |name: &str, index: usize, open: f64| match import.input(node, index) {
        None => attributes.float(name, open),
        Some(_) => import.array(node, index)?.single().ok_or_else(|| format!("{name}: expected one number")),
    };
    let (low, high) = (limit("min", 1, f64::MIN)?, limit("max", 2, f64::MAX)?);
    let function = Box::new(move |u: f64| u.max(low).min(high));
    Ok(formula(import, from, from, Formula::Unary(function, from, vec![low, high])))
}

/// Adds the elements of one of two values. The first input chooses.
pub(super) fn choice<A: Scalar>(import: &mut Import<'_, A>, node: &proto::Node) -> Result<usize, String> {
    let mut operands = [Operand::Number(0.0); 3];
    for (i, operand) in operands.iter_mut().enumerate() {
        *operand = self::operand(import, node, i)?.0;
    }
    let (parent, like) = together(import, &operands)?;
    Ok(formula(import, parent, like, Formula::Where(operands)))
}

pub(super) fn two_operands<A: Scalar>(
    import: &mut Import<'_, A>,
    node: &proto::Node,
    operator: &str,
) -> Result<usize, String> {
    if node.input.len() != 2 {
        return Err(format!("expected 2 inputs, got {}", node.input.len()));
    }
    let function = binary(operator).ok_or_else(|| unsupported(""))?;
    let ((left, a), (right, b)) = (operand(import, node, 0)?, operand(import, node, 1)?);
    let operands = [left, right];
    let (parent, like) = together(import, &operands)?;
    let value = formula(import, parent, like, Formula::Binary(function, operands));
    if import.values.is_known(value) {
        return Ok(value);
    }
    let step = match (operands, a.or(b)) {
        ([Operand::Value(a), Operand::Value(b)], _) => {
            let is_sum =
                matches!(operator, "Add" | "Sum") && [a, b].iter().all(|&part| is_like(import, part, like));
            (is_sum && import.values.is_known(a) && import.values.is_known(b))
                .then_some(Ok(Step::Sum([a, b])))
        }
        ([Operand::Value(from), _], Some(array)) => Some(features::step(import, from, operator, 0, &array)),
        ([_, Operand::Value(from)], Some(array)) => Some(features::step(import, from, operator, 1, &array)),
        _ => None,
    };
    match step {
        Some(Ok(step)) => import.values.set_step(value, step),
        Some(Err(reason)) => import.values.set_step(value, Step::Unknown(reason)),
        None => {}
    }
    Ok(value)
}

/// Returns an operand of a formula, with its array if it is a constant.
fn operand<A: Scalar>(
    import: &mut Import<'_, A>,
    node: &proto::Node,
    index: usize,
) -> Result<(Operand, Option<Array>), String> {
    if let Some(&Named::Value(value)) = import.input(node, index) {
        return Ok((Operand::Value(value), None));
    }
    let array = import.array(node, index)?;
    let operand = match array.single() {
        Some(number) => Operand::Number(number),
        None => {
            import.values.vectors.push(array.clone());
            Operand::Vector(import.values.vectors.len() - 1)
        }
    };
    Ok((operand, Some(array)))
}

/// Returns the nearest value through which all paths to the operands lead, and an operand that has the shape of the result.
fn together<A: Scalar>(import: &Import<'_, A>, operands: &[Operand]) -> Result<(usize, usize), String> {
    let values: Vec<usize> = operands
        .iter()
        .filter_map(|operand| match operand {
            Operand::Value(value) => Some(*value),
            _ => None,
        })
        .collect();
    let &first = values.first().ok_or("expected a value that depends on the input of the graph")?;
    let size = |value: usize| import.values.get(value).shape.size();
    let like = values.iter().fold(first, |like, &value| if size(value) > size(like) { value } else { like });
    for &value in &values {
        // The mean over a sample is a single number.
        let is_mean =
            size(value) == 1 && import.values.get(value).shape.rank() == import.values.get(like).shape.rank();
        if !is_mean && !is_like(import, value, like) {
            let [left, right] = [value, like].map(|value| import.graph_dims(value));
            return Err(format!("expected samples of the same shape, got {left:?} and {right:?}"));
        }
    }
    Ok((values.iter().fold(first, |all, &value| import.values.common(all, value)), like))
}

/// Returns whether two values have the same shape and the same order.
fn is_like<A: Scalar>(import: &Import<'_, A>, a: usize, b: usize) -> bool {
    import.shape_and_order(a) == import.shape_and_order(b)
}

/// Adds a value with a formula and the shape of the value `like`, and recognises the layer that computes it.
pub(super) fn formula<A: Scalar>(
    import: &mut Import<'_, A>,
    parent: usize,
    like: usize,
    formula: Formula,
) -> usize {
    let unknown = Step::Unknown("expected a part of an activation function that the crate has".into());
    let value = import.values.add_ordered(parent, import.shape_and_order(like), formula, unknown);
    let Some((from, found)) = import.functions.recognise(&import.values, value) else { return value };
    if import.shape_and_order(from) != import.shape_and_order(value) {
        return value;
    }
    match step(import, from, found) {
        Ok(step) => import.values.set_step(value, step),
        Err(reason) => import.values.set_step(value, Step::Unknown(reason)),
    }
    value
}

/// Returns the step of a recognised layer.
fn step<A: Scalar>(import: &mut Import<'_, A>, from: usize, found: Found<A>) -> Result<Step<A>, String> {
    let shape = import.values.get(from).shape;
    let is_whole = |import: &Import<'_, A>, vector: usize| {
        let dims = &import.values.vectors[vector].dims;
        let problem = || format!("expected numbers for samples of {shape}, got the shape {dims:?}");
        if features::is_whole(import.values.get(from), dims) { Ok(()) } else { Err(problem()) }
    };
    let (layer, tensors) = match found {
        Found::Nothing => return Ok(Step::Same(from)),
        Found::Activation(layer) => (layer, Vec::new()),
        Found::Trainable(layer, name, vector, sign) => {
            is_whole(import, vector)?;
            let array = &import.values.vectors[vector];
            let values = array.map(array.is_single, |value| sign * value).with_dims(shape.dims());
            import.charge(values.bytes.len())?;
            (layer, vec![(name, values)])
        }
        Found::LayerNorm { epsilon, weight, bias } => {
            import.charge(shape.size().saturating_mul(16))?;
            weight.into_iter().chain(bias).try_for_each(|vector| is_whole(import, vector))?;
            let tensor = |vector: Option<usize>, value: f32| match vector {
                Some(vector) => import.values.vectors[vector].with_dims(shape.dims()),
                None => Array::filled(size_of::<A>() == 4, shape.size(), value).with_dims(shape.dims()),
            };
            let tensors = vec![("weight", tensor(weight, 1.0)), ("bias", tensor(bias, 0.0))];
            (std::sync::Arc::new(LayerNorm::new().epsilon(epsilon)) as _, tensors)
        }
    };
    check_tensors::<A>(layer.parameters(shape).into_iter(), &tensors)?;
    Ok(Step::Layer(Applied { from, layer, tensors }))
}
