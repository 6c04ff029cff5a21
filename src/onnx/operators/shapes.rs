//! Values with another shape or order of elements.

use super::super::import::Import;
use super::super::node::Attributes;
use super::super::proto;
use super::super::values::Order;
use super::numbers::{Number, numbers};
use super::{layer, ordered_layer};
use crate::layer::{Flatten, Reshape};
use crate::scalar::Scalar;
use crate::shape::Shape;

pub(super) fn flatten<A: Scalar>(import: &mut Import<'_, A>, node: &proto::Node) -> Result<usize, String> {
    let from = import.value(node, 0)?;
    Attributes(node).only("axis", 1, 1)?;
    flat(import, from)
}

/// Adds the value with a single dimension.
fn flat<A: Scalar>(import: &mut Import<'_, A>, from: usize) -> Result<usize, String> {
    let value = import.values.get(from);
    let (dims, size) = (value.shape.dims(), value.shape.size());
    let order = match value.order {
        // With one channel or one pixel, both orders are the same.
        Order::ChannelsLast if [1, size].contains(&dims[0]) => Order::Same,
        Order::ChannelsLast => Order::Flattened(value.shape),
        order => order,
    };
    match value.shape.rank() {
        1 => Ok(from),
        _ => ordered_layer(import, from, Flatten, Vec::new(), order),
    }
}

pub(super) fn reshape<A: Scalar>(import: &mut Import<'_, A>, node: &proto::Node) -> Result<usize, String> {
    let (from, dims) = (import.value(node, 0)?, numbers(import, node, 1)?);
    if dims.contains(&Some(0)) {
        Attributes(node).only("allowzero", 0, 0)?;
    }
    let (input, order) = import.shape_and_order(from);
    let output = reshaped(&import.graph_dims(from), &dims, import.batch).ok_or_else(|| {
        let dims: Vec<i64> = dims.iter().map(|dim| dim.unwrap_or(-1)).collect();
        format!("expected a new shape of each sample of shape {input}, got the dimensions {dims:?}")
    })?;
    match output.rank() {
        1 => flat(import, from),
        _ if output.dims() == import.graph_dims(from) => Ok(from),
        // Images with one channel have the same elements in both orders.
        _ if output == input && input.dims()[0] == 1 => Ok(import.values.add_same(from, input, Order::Same)),
        _ if order == Order::Same => layer(import, from, Reshape::new(output), Vec::new()),
        _ => Err("expected images with the channels first, or a flattened shape".into()),
    }
}

/// Returns the shape of a sample after a reshape that keeps the samples apart.
fn reshaped(input: &[usize], dims: &[Number], batch: Option<i64>) -> Option<Shape> {
    let (&first, rest) = dims.split_first()?;
    // 0 stands for the dimension of the input at the same place.
    let copied = |(i, &dim): (usize, &Number)| match dim? {
        0 => input.get(i).map(|&dim| dim as i64),
        dim => Some(dim),
    };
    let mut rest = rest.iter().enumerate().map(copied).collect::<Option<Vec<i64>>>()?;
    let known = rest.iter().filter(|&&dim| dim > 0).try_fold(1_i64, |size, &dim| size.checked_mul(dim))?;
    let size = i64::try_from(input.iter().product::<usize>()).ok()?;
    if let Some(open) = rest.iter_mut().find(|dim| **dim == -1) {
        *open = if first == Some(-1) || size % known != 0 { return None } else { size / known };
    }
    let dims: Vec<usize> = rest.iter().map(|&dim| usize::try_from(dim).ok()).collect::<Option<_>>()?;
    let shape = Shape::of_dims(&dims).filter(|shape| i64::try_from(shape.size()) == Ok(size))?;
    (matches!(first, None | Some(-1 | 0)) || first == batch).then_some(shape)
}

/// Adds the value without its dimensions of 1.
pub(super) fn squeeze<A: Scalar>(import: &mut Import<'_, A>, node: &proto::Node) -> Result<usize, String> {
    let from = import.value(node, 0)?;
    let dims = import.graph_dims(from);
    let rank = dims.len() as i64 + 1;
    let axes = match import.input(node, 1) {
        Some(_) => numbers(import, node, 1)?.into_iter().flatten().collect(),
        None => Attributes(node).ints("axes").unwrap_or_default().to_vec(),
    };
    let axes: Vec<i64> =
        axes.iter().map(|&axis| if axis < 0 { axis.saturating_add(rank) } else { axis }).collect();
    let left = (1..).zip(&dims).filter(|(axis, _)| !axes.contains(axis)).map(|(_, &dim)| dim);
    let left: Vec<usize> = left.collect();
    let is_right = axes.iter().all(|axis| (1..rank).contains(axis)) && left.len() == 1;
    if !is_right || left.iter().product::<usize>() != dims.iter().product::<usize>() {
        return Err(format!(
            "expected one dimension that is left of a sample of {dims:?}, got the axes {axes:?}"
        ));
    }
    flat(import, from)
}

/// Moves the channels of images from the end to the beginning, or back.
pub(super) fn transpose<A: Scalar>(import: &mut Import<'_, A>, node: &proto::Node) -> Result<usize, String> {
    let from = import.value(node, 0)?;
    let (shape, order) = import.shape_and_order(from);
    let permutation = Attributes(node).ints("perm").unwrap_or_default();
    match (order, permutation) {
        (Order::ChannelsLast, [0, 3, 1, 2]) => Ok(import.values.add_same(from, shape, Order::Same)),
        (Order::Same, [0, 2, 3, 1]) if shape.rank() == 3 => {
            Ok(import.values.add_same(from, shape, Order::ChannelsLast))
        }
        (_, &[0, 1, 2, 3] | &[0, 1]) => Ok(from),
        _ => Err(format!(
            "attribute 'perm': expected images whose channels move between first and last, got {permutation:?}"
        )),
    }
}
