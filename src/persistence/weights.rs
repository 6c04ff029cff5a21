//! Conversion of a model's parameters and buffers to tensors and back.

use std::collections::BTreeMap;
use std::path::Path;

use ndarray::{ArrayD, ArrayViewD, ArrayViewMutD};
use safetensors::Dtype;

use super::container::{Outgoing, Tensor};
use crate::error::{Error, Result};
use crate::layer::TensorSpec;
use crate::scalar::{Scalar, are_finite};

/// The suffix of the names of tensors to ignore: PyTorch's count of batches in batch normalisation.
const PASSED_OVER: &str = ".num_batches_tracked";

/// Returns the type of tensors in files for the precision `A`.
pub(crate) fn dtype<A>() -> Dtype {
    if size_of::<A>() == 4 { Dtype::F32 } else { Dtype::F64 }
}

/// Returns every parameter and buffer as a tensor for a file, with its dimensions in reverse order if the layer declares this.
pub(crate) fn outgoing<'a, A: Scalar>(
    values: impl Iterator<Item = (String, &'a TensorSpec, &'a [A])>,
) -> Vec<(String, Outgoing<'a>)> {
    let values = values.map(|(name, parameter, values)| {
        let bytes = Box::new(move || encode(parameter, values));
        (
            name,
            Outgoing {
                dtype: dtype::<A>(),
                shape: saved_shape(parameter),
                length: size_of_val(values),
                bytes,
            },
        )
    });
    values.collect()
}

/// Returns the shape that a parameter has in files.
fn saved_shape(parameter: &TensorSpec) -> Vec<usize> {
    let mut shape = parameter.shape.clone();
    if parameter.transposed {
        shape.reverse();
    }
    shape
}

/// Returns the values of a parameter as files store them.
fn encode<A: Scalar>(parameter: &TensorSpec, values: &[A]) -> Vec<u8> {
    match (parameter.transposed, &parameter.shape[..]) {
        (true, &[rows, _]) => bytes_of(values, rows),
        (true, [_, _, _, ..]) => {
            let array = ArrayViewD::from_shape(&parameter.shape[..], values).expect(SHAPE).reversed_axes();
            bytes_of(&array.iter().copied().collect::<Vec<A>>(), 1)
        }
        _ => bytes_of(values, 1),
    }
}

/// Reads the values of a parameter from a tensor that fits.
pub(crate) fn decode<A: Scalar>(parameter: &TensorSpec, tensor: &Tensor<'_>, values: &mut [A]) {
    let is_single = tensor.dtype == Dtype::F32;
    match (parameter.transposed, &tensor.shape[..]) {
        (true, &[rows, _]) => A::read_transposed(tensor.data, is_single, rows, values),
        (true, [_, _, _, ..]) => {
            let saved = ArrayD::from_shape_vec(&tensor.shape[..], numbers(tensor)).expect(SHAPE);
            let mut array = ArrayViewMutD::from_shape(&parameter.shape[..], values).expect(SHAPE);
            array.assign(&saved.reversed_axes());
        }
        _ => A::read_transposed(tensor.data, is_single, 1, values),
    }
}

/// The message of `expect` if an array is created from values that fit its shape.
const SHAPE: &str = "the number of values fits the shape";

/// Returns the bytes of the transpose of a matrix with `rows` rows. If `rows` is 1, the values keep their order.
pub(crate) fn bytes_of<A: Scalar>(values: &[A], rows: usize) -> Vec<u8> {
    let mut bytes = vec![0; size_of_val(values)];
    A::write_transposed(values, rows, &mut bytes);
    bytes
}

/// Returns the values of a tensor.
pub(crate) fn numbers<A: Scalar>(tensor: &Tensor<'_>) -> Vec<A> {
    let mut values = vec![A::zero(); tensor.shape.iter().product()];
    A::read_transposed(tensor.data, tensor.dtype == Dtype::F32, 1, &mut values);
    values
}

/// Returns the tensor for each declared parameter and buffer, in the order of the declarations. The error lists all problems.
pub(crate) fn fit<'a, 'b, 'c, A: Scalar>(
    file: &Path,
    declared: impl Iterator<Item = (String, &'c TensorSpec)>,
    tensors: &'b [Tensor<'a>],
) -> Result<Vec<&'b Tensor<'a>>> {
    let mut by_name: BTreeMap<&str, &Tensor<'_>> =
        tensors.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
    let (mut fitting, mut problems) = (Vec::new(), Vec::new());
    for (name, parameter) in declared {
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

/// Checks that the shape, the type and the values of a tensor fit a parameter.
fn check<A: Scalar>(parameter: &TensorSpec, tensor: &Tensor<'_>) -> Result<(), String> {
    let Tensor { name, dtype: got, shape, .. } = tensor;
    let expected = saved_shape(parameter);
    if *shape != expected {
        return Err(format!("{name}: expected shape {expected:?}, got {shape:?}"));
    }
    // Widening is exact. Rounding is left to the user.
    let is_right = *got == dtype::<A>() || (*got == Dtype::F32 && dtype::<A>() == Dtype::F64);
    if !is_right {
        return Err(format!("{name}: expected type {}, got {got}", dtype::<A>()));
    }
    if are_finite(tensor.data, *got == Dtype::F32) {
        return Ok(());
    }
    let (i, value) = first_not_finite(tensor).expect("a value is not finite");
    Err(format!("{name}: expected finite values, got {value} at index {i}"))
}

/// Returns the first value of a tensor that is not finite, and its index.
fn first_not_finite(tensor: &Tensor<'_>) -> Option<(usize, f64)> {
    let values: Box<dyn Iterator<Item = f64>> = match tensor.dtype == Dtype::F32 {
        true => Box::new(tensor.data.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes).into())),
        false => Box::new(tensor.data.as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes))),
    };
    values.enumerate().find(|(_, value)| !value.is_finite())
}
