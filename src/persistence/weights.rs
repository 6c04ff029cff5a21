//! Conversion of a model's parameters and buffers to tensors and back.

use std::collections::BTreeMap;
use std::path::Path;

use ndarray::{ArrayD, ArrayViewD, ArrayViewMutD};
use safetensors::Dtype;

use super::container::{Outgoing, Tensor};
use crate::copy_report::CopyReport;
use crate::error::{Error, Result};
use crate::layer::TensorSpec;
use crate::scalar::{Bytes, Precision, Scalar, are_finite};

/// The suffix of the names of tensors to ignore: PyTorch's count of batches in batch normalisation.
const PASSED_OVER: &str = ".num_batches_tracked";

/// Returns the type of tensors in files for a precision.
pub(crate) fn dtype(precision: Precision) -> Dtype {
    match precision {
        Precision::F16 => Dtype::F16,
        Precision::BF16 => Dtype::BF16,
        Precision::F32 => Dtype::F32,
        Precision::F64 => Dtype::F64,
    }
}

/// Returns the precision of a tensor, or `None` if its values are not floating-point numbers of one of the precisions.
fn precision(tensor: &Tensor<'_>) -> Option<Precision> {
    let all = [Precision::F16, Precision::BF16, Precision::F32, Precision::F64];
    all.into_iter().find(|&precision| dtype(precision) == tensor.dtype)
}

/// Returns every parameter and buffer as a tensor for a file in this precision, with its dimensions in reverse order if the layer
/// declares this.
pub(crate) fn outgoing<'a, A: Scalar>(
    values: impl Iterator<Item = (String, &'a TensorSpec, &'a [A])>,
    precision: Precision,
) -> Vec<(String, Outgoing<'a>)> {
    let values = values.map(move |(name, parameter, values)| {
        let bytes = Box::new(move || encode(parameter, values, precision));
        (
            name,
            Outgoing {
                dtype: dtype(precision),
                shape: saved_shape(parameter),
                length: values.len() * precision.size(),
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

/// Returns the values of a parameter as files of this precision store them.
fn encode<A: Scalar>(parameter: &TensorSpec, values: &[A], precision: Precision) -> Vec<u8> {
    match (parameter.transposed, &parameter.shape[..]) {
        (true, &[rows, _]) => bytes_of(values, precision, rows),
        (true, [_, _, _, ..]) => {
            let array = ArrayViewD::from_shape(&parameter.shape[..], values).expect(SHAPE).reversed_axes();
            bytes_of(&array.iter().copied().collect::<Vec<A>>(), precision, 1)
        }
        _ => bytes_of(values, precision, 1),
    }
}

/// Reads the values of a parameter from a tensor that fits.
pub(crate) fn decode<A: Scalar>(parameter: &TensorSpec, tensor: &Tensor<'_>, values: &mut [A]) {
    let precision = precision(tensor).expect(CHECKED);
    match (parameter.transposed, &tensor.shape[..]) {
        (true, &[rows, _]) => A::read_transposed(tensor.data, precision, rows, values),
        (true, [_, _, _, ..]) => {
            let saved = ArrayD::from_shape_vec(&tensor.shape[..], numbers(tensor)).expect(SHAPE);
            let mut array = ArrayViewMutD::from_shape(&parameter.shape[..], values).expect(SHAPE);
            array.assign(&saved.reversed_axes());
        }
        _ => A::read_transposed(tensor.data, precision, 1, values),
    }
}

/// The message of `expect` if an array is created from values that fit its shape.
const SHAPE: &str = "the number of values fits the shape";

/// The message of `expect` if values are read from a tensor whose type was checked.
const CHECKED: &str = "the type was checked";

/// Returns the bytes of the transpose of a matrix with `rows` rows. If `rows` is 1, the values keep their order.
pub(crate) fn bytes_of<A: Scalar>(values: &[A], precision: Precision, rows: usize) -> Vec<u8> {
    let mut bytes = vec![0; values.len() * precision.size()];
    A::write_transposed(values, precision, rows, &mut bytes);
    bytes
}

/// Returns the values of a tensor.
pub(crate) fn numbers<A: Scalar>(tensor: &Tensor<'_>) -> Vec<A> {
    let mut values = vec![A::zero(); tensor.shape.iter().product()];
    A::read_transposed(tensor.data, precision(tensor).expect(CHECKED), 1, &mut values);
    values
}

/// The tensors of a file beside the parameters and buffers of a model.
pub(crate) struct Matching<'a, 'b> {
    /// For each declared parameter and buffer, in the order of the declarations, the tensor that fits it.
    tensors: Fitting<'a, 'b>,
    report: CopyReport,
    /// The tensors whose type or values a model cannot have.
    invalid: Vec<String>,
}

/// For each parameter and buffer of a model, the tensor that fits it.
pub(crate) type Fitting<'a, 'b> = Vec<Option<&'b Tensor<'a>>>;

impl<'a, 'b> Matching<'a, 'b> {
    /// Finds the tensor for each parameter and buffer. If `convert` is true, an `f32` model accepts `f64` values.
    pub fn of<'c, A: Scalar>(
        declared: impl Iterator<Item = (String, &'c TensorSpec)>,
        tensors: &'b [Tensor<'a>],
        convert: bool,
    ) -> Self {
        let mut by_name: BTreeMap<&str, &Tensor<'_>> =
            tensors.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
        let (mut report, mut fitting, mut invalid) = (CopyReport::default(), Vec::new(), Vec::new());
        for (name, parameter) in declared {
            let (tensor, expected) = (by_name.remove(name.as_str()), saved_shape(parameter));
            fitting.push(None);
            match tensor {
                None => report.missing.push(name),
                Some(Tensor { shape, .. }) if *shape != expected => {
                    report.mismatched.push((name, expected, shape.clone()));
                }
                Some(tensor) => match check::<A>(tensor, convert) {
                    Ok(()) => {
                        fitting.pop();
                        fitting.push(Some(tensor));
                        report.copied.push(name);
                    }
                    Err(problem) => invalid.push(problem),
                },
            }
        }
        let unexpected = by_name.into_keys().filter(|name| !name.ends_with(PASSED_OVER));
        report.unexpected = unexpected.map(str::to_owned).collect();
        Self { tensors: fitting, report, invalid }
    }

    /// Returns the tensors and the report. The error lists all problems. If `partial` is true, names and shapes may differ.
    pub fn checked(self, file: &Path, partial: bool) -> Result<(Fitting<'a, 'b>, CopyReport)> {
        let Self { tensors, report, invalid: mut problems } = self;
        let CopyReport { missing, unexpected, mismatched, .. } = &report;
        let is_whole = missing.is_empty() && unexpected.is_empty() && mismatched.is_empty();
        if problems.is_empty() && (partial || is_whole) {
            return Ok((tensors, report));
        }
        if !partial {
            let CopyReport { missing, unexpected, mismatched, .. } = report;
            problems.extend(missing.into_iter().map(|name| format!("missing {name}")));
            let shapes = mismatched.into_iter();
            problems
                .extend(shapes.map(|(name, expected, got)| {
                    format!("{name}: expected shape {expected:?}, got {got:?}")
                }));
            problems.extend(unexpected.into_iter().map(|name| format!("unexpected {name}")));
        }
        Err(Error::Mismatch { file: file.into(), problems })
    }
}

/// Returns the tensor for each declared parameter and buffer, in the order of the declarations. The error lists all problems.
pub(crate) fn fit<'a, 'b, 'c, A: Scalar>(
    file: &Path,
    declared: impl Iterator<Item = (String, &'c TensorSpec)>,
    tensors: &'b [Tensor<'a>],
) -> Result<Fitting<'a, 'b>> {
    Ok(Matching::of::<A>(declared, tensors, false).checked(file, false)?.0)
}

/// Checks that a model of this precision can have the type and the values of a tensor.
fn check<A: Scalar>(tensor: &Tensor<'_>, convert: bool) -> Result<(), String> {
    let Tensor { name, dtype: got, data, .. } = tensor;
    let (own, saved) = (Precision::of::<A>(), precision(tensor));
    // Widening is exact. Rounding must be asked for.
    let Some(saved) = saved.filter(|saved| convert || saved.size() <= own.size()) else {
        let hint = if saved.is_some() { " (LoadOptions::convert rounds it)" } else { "" };
        return Err(format!("{name}: expected type {own}, got {got}{hint}"));
    };
    let is_rounded = saved.size() > own.size();
    if !is_rounded && are_finite(data, saved) {
        return Ok(());
    }
    let values = data.chunks_exact(saved.size()).map(|bytes| {
        let mut value = [0.0_f64];
        <f64 as Bytes>::read_transposed(bytes, saved, 1, &mut value);
        value[0]
    });
    match values.enumerate().find(|&(_, value)| !own.round(value).is_finite()) {
        None => Ok(()),
        Some((i, value)) if value.is_finite() => {
            Err(format!("{name}: expected values in the range of {own}, got {value} at index {i}"))
        }
        Some((i, value)) => Err(format!("{name}: expected finite values, got {value} at index {i}")),
    }
}
