//! The numbers of a model as tensors, and back.

use std::collections::BTreeMap;
use std::path::Path;

use ndarray::{ArrayViewD, ArrayViewMutD, IxDyn};
use safetensors::Dtype;

use super::container::{Outgoing, Tensor};
use crate::error::{Error, Result};
use crate::layer::Parameter;
use crate::model::Sequential;
use crate::scalar::Scalar;

/// What PyTorch counts in a batch normalisation and does not use; such tensors are passed over.
const PASSED_OVER: &str = ".num_batches_tracked";

/// The type that files have for a precision.
pub(super) fn dtype<A>() -> Dtype {
    if size_of::<A>() == 4 { Dtype::F32 } else { Dtype::F64 }
}

/// Every parameter and buffer, its dimensions in reverse order where the layer says so.
pub(super) fn outgoing<A: Scalar>(model: &Sequential<A>) -> Vec<(String, Outgoing<'_>)> {
    let values = model.values().map(|(name, parameter, values)| {
        let values = array(parameter, values);
        let (shape, length) = (values.shape().to_vec(), size_of::<A>() * values.len());
        let bytes = Box::new(move || encode(values.iter()));
        (name, Outgoing { dtype: dtype::<A>(), shape, length, bytes })
    });
    values.collect()
}

/// Numbers as bytes.
pub(super) fn encode<'a, A: Scalar>(values: impl Iterator<Item = &'a A>) -> Vec<u8> {
    match dtype::<A>() {
        Dtype::F32 => values.flat_map(|value| (value.widen() as f32).to_le_bytes()).collect(),
        _ => values.flat_map(|value| value.widen().to_le_bytes()).collect(),
    }
}

/// Bytes as numbers.
pub(super) fn decode(tensor: &Tensor<'_>) -> impl Iterator<Item = f64> {
    let (bytes, is_single) = (tensor.data, tensor.dtype == Dtype::F32);
    bytes.chunks_exact(if is_single { 4 } else { 8 }).map(move |chunk| match *chunk {
        [a, b, c, d] => f32::from_le_bytes([a, b, c, d]).into(),
        _ => f64::from_le_bytes(chunk.try_into().expect("a chunk of 8")),
    })
}

/// Which tensor belongs to which parameter or buffer of the model, in its order; an error that lists whatever does not fit.
pub(super) fn fit<'a, 'b, A: Scalar>(
    file: &Path,
    model: &Sequential<A>,
    tensors: &'b [Tensor<'a>],
) -> Result<Vec<&'b Tensor<'a>>> {
    let mut by_name: BTreeMap<&str, &Tensor<'_>> =
        tensors.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
    let (mut fitting, mut problems) = (Vec::new(), Vec::new());
    for (name, parameter) in model.declared() {
        match by_name.remove(name.as_str()) {
            None => problems.push(format!("missing {name}")),
            Some(tensor) => match check::<A>(parameter, tensor) {
                Ok(()) => fitting.push(tensor),
                Err(problem) => problems.push(problem),
            },
        }
    }
    let unexpected = by_name.into_keys().filter(|name| !name.ends_with(PASSED_OVER));
    problems.extend(unexpected.map(|name| format!("unexpected {name}")));
    match problems.is_empty() {
        true => Ok(fitting),
        false => Err(Error::Mismatch { file: file.into(), problems }),
    }
}

/// Whether shape, type and numbers of a tensor are right for a parameter.
fn check<A: Scalar>(parameter: &Parameter, tensor: &Tensor<'_>) -> Result<(), String> {
    let Tensor { name, dtype: got, shape, .. } = tensor;
    let mut expected = parameter.shape.clone();
    if parameter.transposed {
        expected.reverse();
    }
    if *shape != expected {
        return Err(format!("{name}: expected shape {expected:?}, got {shape:?}"));
    }
    // To widen a number is exact. To round it is for whoever loads to decide.
    let is_right = *got == dtype::<A>() || (*got == Dtype::F32 && dtype::<A>() == Dtype::F64);
    if !is_right {
        return Err(format!("{name}: expected type {}, got {got}", dtype::<A>()));
    }
    match decode(tensor).enumerate().find(|(_, value)| !value.is_finite()) {
        Some((i, value)) => Err(format!("{name}: expected finite numbers, got {value} as number {i}")),
        None => Ok(()),
    }
}

/// Copies tensors that fit into the model.
pub(super) fn fill<A: Scalar>(model: &mut Sequential<A>, tensors: &[&Tensor<'_>]) {
    for ((parameter, values), tensor) in model.values_mut().zip(tensors) {
        for (value, new) in array_mut(parameter, values).iter_mut().zip(decode(tensor)) {
            *value = A::of(new);
        }
    }
}

/// A parameter as it lies in files.
fn array<'a, A>(parameter: &Parameter, values: &'a [A]) -> ArrayViewD<'a, A> {
    let array = ArrayViewD::from_shape(IxDyn(&parameter.shape), values).expect("as long as the shape says");
    if parameter.transposed { array.reversed_axes() } else { array }
}

fn array_mut<'a, A>(parameter: &Parameter, values: &'a mut [A]) -> ArrayViewMutD<'a, A> {
    let array =
        ArrayViewMutD::from_shape(IxDyn(&parameter.shape), values).expect("as long as the shape says");
    if parameter.transposed { array.reversed_axes() } else { array }
}
