//! Values side by side.

use super::super::import::Import;
use super::super::node::Attributes;
use super::super::proto;
use super::super::tensor::Array;
use super::super::values::{Applied, Formula, Operand, Order, Step};
use super::affine::affine;
use crate::scalar::Scalar;
use crate::shape::Shape;

pub(super) fn concat<A: Scalar>(import: &mut Import<'_, A>, node: &proto::Node) -> Result<usize, String> {
    let parts: Vec<usize> = (0..node.input.len()).map(|i| import.value(node, i)).collect::<Result<_, _>>()?;
    let &first = parts.first().ok_or("expected inputs, got none")?;
    let (first, order) = (import.values.get(first).shape, import.values.get(first).order);
    let axis = Attributes(node).int("axis", 1)?;
    let rank = first.rank() as i64;
    // The axis of the channels.
    let expected = if order == Order::ChannelsLast { rank } else { 1 };
    if axis != expected && axis != expected - rank - 1 {
        return Err(format!("attribute 'axis': expected {expected}, got {axis}"));
    }
    if let Some(logit) = two_classes(import, &parts) {
        return two_logits(import, logit);
    }
    let mut dims = first.dims().to_vec();
    dims[0] = 0;
    for &part in &parts {
        let value = import.values.get(part);
        if value.order != order || matches!(order, Order::Flattened(_)) {
            return Err("expected images with the channels at the same place".into());
        }
        let shape = value.shape;
        if shape.rank() != first.rank() || shape.dims()[1..] != first.dims()[1..] {
            return Err(format!(
                "expected equal shapes except for the first dimension, got {first} and {shape}"
            ));
        }
        dims[0] = dims[0].saturating_add(shape.dims()[0]);
        if let Step::Unknown(reason) = &value.step {
            return Err(reason.clone());
        }
    }
    let shape = Shape::of_dims(&dims).ok_or("expected 1 to 3 dimensions")?;
    let parent = parts.iter().fold(parts[0], |all, &part| import.values.common(all, part));
    Ok(import.values.add_ordered(parent, (shape, order), Formula::Other, Step::Concat(parts)))
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
    let weight = Array::of(is_single, &[2, 1], [0.0, 1.0]);
    let logits = affine(import, logit, weight, None)?;
    Ok(import.values.add(logits, 2.into(), Formula::Other, Step::Softmax(logits)))
}
