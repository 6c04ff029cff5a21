//! The values of tensors in a file.

use prost::bytes::Bytes;
use safetensors::Dtype;

use super::proto::{self, data_type};
use crate::persistence::container;
use crate::scalar::{Bytes as _, Precision, f32_of_bf16, f32_of_f16};

/// The maximum number of dimensions of a tensor.
const DIMENSIONS: usize = 8;

/// An array of floating-point numbers, in row-major order and little-endian.
#[derive(Clone, Debug)]
pub(super) struct Array {
    pub dims: Vec<usize>,
    /// Whether the numbers are `f32`. Otherwise, they are `f64`.
    pub is_single: bool,
    /// The bytes, whose number agrees with the dimensions and the type.
    pub bytes: Bytes,
}

impl Array {
    /// Reads a tensor. Numbers of 16 bits are widened to `f32`.
    pub fn read(tensor: &proto::Tensor) -> Result<Self, String> {
        let (dims, size) = dims(tensor)?;
        if size == 0 {
            return Err(format!("expected at least one value, got the dimensions {dims:?}"));
        }
        let raw = &tensor.raw_data;
        // Before anything is copied.
        let least =
            raw.len() / 8 + tensor.float_data.len() + tensor.double_data.len() + tensor.int32_data.len();
        if size < least {
            return Err(format!("expected {size} values as in its dimensions, got {least} or more"));
        }
        let bytes = match tensor.data_type {
            data_type::FLOAT | data_type::DOUBLE if !raw.is_empty() => raw.clone(),
            data_type::FLOAT => tensor.float_data.iter().flat_map(|value| value.to_le_bytes()).collect(),
            data_type::DOUBLE => tensor.double_data.iter().flat_map(|value| value.to_le_bytes()).collect(),
            data_type::FLOAT16 => halves(tensor).map(f32_of_f16).flat_map(f32::to_le_bytes).collect(),
            data_type::BFLOAT16 => halves(tensor).map(f32_of_bf16).flat_map(f32::to_le_bytes).collect(),
            other => return Err(format!("expected floating-point values, got the type {other}")),
        };
        let is_single = tensor.data_type != data_type::DOUBLE;
        let width = if is_single { 4 } else { 8 };
        check_length(size, width, bytes.len())?;
        Ok(Self { dims, is_single, bytes })
    }

    /// Returns an array of these values, whose number agrees with the dimensions. They are rounded to `f32` if the array is
    /// single.
    pub fn of(is_single: bool, dims: &[usize], values: impl IntoIterator<Item = f64>) -> Self {
        let values = values.into_iter();
        let bytes: Vec<u8> = match is_single {
            true => values.flat_map(|value| (value as f32).to_le_bytes()).collect(),
            false => values.flat_map(f64::to_le_bytes).collect(),
        };
        Self { dims: dims.into(), is_single, bytes: bytes.into() }
    }

    /// Returns an array that is filled with a value.
    pub fn filled(is_single: bool, size: usize, value: f32) -> Self {
        let bytes = match is_single {
            true => value.to_le_bytes().repeat(size),
            false => f64::from(value).to_le_bytes().repeat(size),
        };
        Self { dims: vec![size], is_single, bytes: bytes.into() }
    }

    /// Returns the number of values.
    pub fn size(&self) -> usize {
        self.bytes.len() / if self.is_single { 4 } else { 8 }
    }

    /// Returns the values.
    pub fn values(&self) -> Vec<f64> {
        let mut values = vec![0.0; self.size()];
        self.transpose_into(1, &mut values);
        values
    }

    /// Reads the transpose of a matrix with this number of rows.
    fn transpose_into(&self, rows: usize, values: &mut [f64]) {
        let precision = if self.is_single { Precision::F32 } else { Precision::F64 };
        f64::read_transposed(&self.bytes, precision, rows, values);
    }

    /// Returns the value if there is only one.
    pub fn single(&self) -> Option<f64> {
        if self.size() == 1 { self.values().first().copied() } else { None }
    }

    /// Returns the same values with other dimensions.
    pub fn with_dims(&self, dims: &[usize]) -> Self {
        Self { dims: dims.into(), ..self.clone() }
    }

    /// Returns the array as a tensor with this name.
    pub fn named(&self, name: String) -> container::Tensor<'_> {
        let dtype = if self.is_single { Dtype::F32 } else { Dtype::F64 };
        container::Tensor { name, dtype, shape: self.dims.clone(), data: &self.bytes }
    }
}

/// Reads a tensor of whole numbers.
pub(super) fn integers(tensor: &proto::Tensor) -> Result<Vec<i64>, String> {
    let (_, size) = dims(tensor)?;
    let raw = &tensor.raw_data;
    // Before anything is copied.
    let least = raw.len() / 8 + tensor.int64_data.len() + tensor.int32_data.len();
    if size < least {
        return Err(format!("expected {size} values as in its dimensions, got {least} or more"));
    }
    let values: Vec<i64> = match tensor.data_type {
        data_type::INT64 if !raw.is_empty() => {
            raw.as_chunks().0.iter().map(|&bytes| i64::from_le_bytes(bytes)).collect()
        }
        data_type::INT64 => tensor.int64_data.clone(),
        data_type::INT32 if !raw.is_empty() => {
            raw.as_chunks().0.iter().map(|&bytes| i32::from_le_bytes(bytes).into()).collect()
        }
        data_type::INT32 => tensor.int32_data.iter().map(|&value| value.into()).collect(),
        other => return Err(format!("expected whole numbers, got the type {other}")),
    };
    check_length(size, 1, values.len())?;
    Ok(values)
}

/// Returns the dimensions and the number of values, which has no upper limit here.
fn dims(tensor: &proto::Tensor) -> Result<(Vec<usize>, usize), String> {
    if tensor.data_location != 0 || !tensor.external_data.is_empty() {
        return Err(
            "expected values in the file, got values in another file (save the model as one file)".into()
        );
    }
    let wrong = || format!("expected at most {DIMENSIONS} dimensions of at least 0, got {:?}", tensor.dims);
    if tensor.dims.len() > DIMENSIONS {
        return Err(wrong());
    }
    let dims = tensor.dims.iter().map(|&dim| usize::try_from(dim).map_err(|_| wrong()));
    let dims = dims.collect::<Result<Vec<_>, _>>()?;
    let size = dims.iter().try_fold(1_usize, |size, &dim| size.checked_mul(dim)).ok_or_else(wrong)?;
    Ok((dims, size))
}

/// Checks that the number of bytes agrees with the dimensions.
fn check_length(size: usize, width: usize, got: usize) -> Result<(), String> {
    match size.checked_mul(width) {
        Some(expected) if expected == got => Ok(()),
        _ => Err(format!("expected {size} values as in its dimensions, got {}", got / width)),
    }
}

/// Returns the bits of values of 16 bits.
fn halves(tensor: &proto::Tensor) -> impl Iterator<Item = u16> {
    let raw = tensor.raw_data.as_chunks().0.iter().map(|&bytes| u16::from_le_bytes(bytes));
    // The typed form stores the bits as whole numbers.
    raw.chain(tensor.int32_data.iter().map(|&bits| bits as u16))
}
