//! Normalisations and other layers that keep the shape.

use super::super::import::Import;
use super::super::node::Attributes;
use super::super::proto;
use super::super::tensor::Array;
use super::super::values::{Formula, Step};
use super::layer;
use crate::activation::PRelu;
use crate::layer::{BatchNorm, LayerNorm, TrainableActivation};
use crate::scalar::Scalar;

pub(super) fn batch_norm<A: Scalar>(import: &mut Import<'_, A>, node: &proto::Node) -> Result<usize, String> {
    let attributes = Attributes(node);
    attributes.only("training_mode", 0, 0)?;
    let from = import.channels_first(node, 0)?;
    let momentum = 1.0 - attributes.float("momentum", 0.9)?;
    let norm = BatchNorm::new().epsilon(attributes.float("epsilon", f64::from(1e-5_f32))?).momentum(momentum);
    let mut tensors = Vec::new();
    for (i, name) in [(1, "weight"), (2, "bias"), (3, "running_mean"), (4, "running_var")] {
        tensors.push((name, import.array(node, i)?));
    }
    layer(import, from, norm, tensors)
}

pub(super) fn layer_norm<A: Scalar>(import: &mut Import<'_, A>, node: &proto::Node) -> Result<usize, String> {
    let attributes = Attributes(node);
    let from = import.channels_first(node, 0)?;
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

pub(super) fn prelu<A: Scalar>(import: &mut Import<'_, A>, node: &proto::Node) -> Result<usize, String> {
    let (from, slope) = (import.channels_first(node, 0)?, import.array(node, 1)?);
    let function = TrainableActivation::new(PRelu::default());
    let shape = import.values.get(from).shape;
    let values = slope.values();
    let per_unit = values.windows(2).any(|pair| pair[0] != pair[1]);
    if per_unit && slope.size() != shape.size() {
        let expected = format!("slope: expected one number, or one for each of {} values", shape.size());
        return Err(format!(
            "{expected}, got the shape {:?} (slopes of channels are not supported)",
            slope.dims
        ));
    }
    let first = values.first().copied();
    let slope = match per_unit {
        true => slope.with_dims(shape.dims()),
        false => Array::of(slope.is_single, &[1], first),
    };
    layer(import, from, function.per_unit(per_unit), vec![("weight", slope)])
}

pub(super) fn softmax<A: Scalar>(import: &mut Import<'_, A>, node: &proto::Node) -> Result<usize, String> {
    let from = import.channels_first(node, 0)?;
    let shape = import.values.get(from).shape;
    let axis = Attributes(node).int("axis", if import.version < 13 { 1 } else { -1 })?;
    if shape.rank() != 1 || !matches!(axis, 1 | -1) {
        return Err(format!(
            "expected axis 1 of samples with 1 dimension, got axis {axis} of the shape {shape}"
        ));
    }
    Ok(import.values.add(from, shape, Formula::Other, Step::Softmax(from)))
}
