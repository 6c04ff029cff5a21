//! Affine layers.

use super::super::import::Import;
use super::super::node::Attributes;
use super::super::proto;
use super::super::tensor::Array;
use super::super::values::Order;
use super::layer;
use crate::Affine;
use crate::scalar::Scalar;

/// Adds an affine layer with weights of the shape (outputs, inputs).
pub(super) fn affine<A: Scalar>(
    import: &mut Import<'_, A>,
    from: usize,
    mut weight: Array,
    bias: Option<Array>,
) -> Result<usize, String> {
    let &[units, inputs] = &weight.dims[..] else {
        return Err(format!("weight: expected 2 dimensions, got {:?}", weight.dims));
    };
    match import.values.get(from).order {
        Order::Same => {}
        Order::Flattened(image) if image.size() == inputs => {
            let &[channels, height, width] = image.dims() else { return Err("expected an image".into()) };
            let own = weight.with_dims(&[units, height, width, channels]);
            weight = own.permuted(&[0, 3, 1, 2])?.with_dims(&[units, inputs]);
        }
        _ => return Err("expected flattened images, got images with the channels last".into()),
    }
    let bias = bias.unwrap_or_else(|| Array::filled(weight.is_single, units, 0.0));
    layer(import, from, Affine::new(units), vec![("weight", weight), ("bias", bias)])
}

pub(super) fn gemm<A: Scalar>(import: &mut Import<'_, A>, node: &proto::Node) -> Result<usize, String> {
    let attributes = Attributes(node);
    attributes.one("alpha")?;
    attributes.one("beta")?;
    attributes.only("transA", 0, 0)?;
    let (from, weight) = (import.value(node, 0)?, import.array(node, 1)?);
    let weight = if attributes.int("transB", 0)? == 0 { transposed(&weight)? } else { weight };
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

pub(super) fn mat_mul<A: Scalar>(import: &mut Import<'_, A>, node: &proto::Node) -> Result<usize, String> {
    let (from, weight) = (import.value(node, 0)?, import.array(node, 1)?);
    affine(import, from, transposed(&weight)?, None)
}

fn transposed(weight: &Array) -> Result<Array, String> {
    match weight.dims[..] {
        [_, _] => weight.permuted(&[1, 0]),
        _ => Err(format!("weight: expected 2 dimensions, got {:?}", weight.dims)),
    }
}
