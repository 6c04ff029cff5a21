//! The error and result types of the crate.

use std::fmt::Display;
use std::path::PathBuf;

use ndarray::ArrayView2;

use crate::simd;

/// The crate's result type.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error returned by this crate.
///
/// A message says what was expected, what was found, and where. It includes the message of the cause, so
/// [`source`](std::error::Error::source) returns `None`. A function that returns an error leaves models and settings unchanged,
/// unless its documentation says otherwise.
///
/// # Examples
///
/// ```
/// use manabi::{Affine, Sequential};
///
/// let error = Sequential::<f32>::builder(784).add_layer("affine1", Affine::new(0)).build().unwrap_err();
/// assert_eq!(error.to_string(), "layer 'affine1': units: expected at least 1, got 0");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An error in a layer, such as an invalid setting or an input shape that the layer does not support.
    #[error("layer '{layer}': {error}")]
    Layer {
        /// The layer's name in the model.
        layer: String,
        /// The error in this layer.
        error: Box<Error>,
    },

    /// A setting is missing, contradictory or out of range.
    #[error("{what}: expected {expected}, got {got}")]
    Setting {
        /// The name of the setting.
        what: String,
        /// The allowed values.
        expected: String,
        /// The actual value, or `none` if it is missing.
        got: String,
    },

    /// Two parts have the same name.
    #[error("duplicate {part} name \"{name}\": give each {part} a unique name")]
    DuplicateName {
        /// The kind of part: a layer, a branch or a parameter.
        part: &'static str,
        /// The name that occurs twice.
        name: String,
    },

    /// An array has the wrong shape.
    #[error("{what}: expected shape {expected}, got {got:?}")]
    Shape {
        /// The name of the array.
        what: String,
        /// The required shape, as dimensions or in words.
        expected: String,
        /// The actual shape.
        got: Vec<usize>,
    },

    /// An array does not fit in memory.
    #[error("out of memory: cannot allocate {} for {what}", in_units(*bytes))]
    OutOfMemory {
        /// The name of the array.
        what: String,
        /// The size of the array in bytes.
        bytes: u128,
    },

    /// An array contains NaN or an infinite value.
    #[error("{what}: expected a finite value at row {row}, column {column}, got {value}")]
    NotFinite {
        /// The name of the array.
        what: String,
        /// The row of the first value that is not finite.
        row: usize,
        /// The column of the first value that is not finite.
        column: usize,
        /// The first value that is not finite.
        value: f64,
    },

    /// A row of an array is invalid.
    #[error("{what}: expected {expected} at row {row}, got {got}")]
    Row {
        /// The name of the array.
        what: String,
        /// The index of the first invalid row.
        row: usize,
        /// The allowed content of a row.
        expected: String,
        /// The actual content of the row.
        got: String,
    },

    /// A class label is negative, or not less than the number of classes.
    #[error("labels: expected a class below {classes} at row {row}, got {label}")]
    Label {
        /// The row of the first invalid label.
        row: usize,
        /// The first invalid label.
        label: String,
        /// The number of classes.
        classes: usize,
    },

    /// The loss is NaN or infinite, although all values from which it is computed are finite. The usual cause is a learning rate
    /// that is too high.
    #[error("{place}: expected a finite loss, got {loss} (try a lower learning rate)")]
    Diverged {
        /// The point of training or evaluation at which the loss was computed, such as an epoch and a batch.
        place: String,
        /// The loss.
        loss: f64,
    },

    /// An error during training or evaluation.
    #[error("{place}: {error}")]
    Training {
        /// The point of training or evaluation at which the error occurred, such as an epoch and a batch.
        place: String,
        /// The error that occurred there.
        error: Box<Error>,
    },

    /// The content of a file violates the file format.
    #[error("{}: at byte {offset}: {reason}", file.display())]
    Format {
        /// The path of the file, or the name given for data from elsewhere.
        file: PathBuf,
        /// The byte offset in the content, after decompression.
        offset: u64,
        /// The expected and the actual content.
        reason: String,
    },

    /// A field of a table is invalid.
    #[error("{}: line {line}, column '{column}': expected {expected}, got {got}", file.display())]
    Field {
        /// The path of the file, or the name given for data from elsewhere.
        file: PathBuf,
        /// The line in which the row begins. The first line of a file is 1.
        line: u64,
        /// The name of the column.
        column: String,
        /// The allowed content of the field.
        expected: String,
        /// The actual content of the field.
        got: String,
    },

    /// A file is well-formed, but its content is incompatible with its use, such as a tensor of the wrong shape.
    #[error("{}: incompatible content: {}", file.display(), problems.join("; "))]
    Mismatch {
        /// The path of the file, or the name given for data from elsewhere.
        file: PathBuf,
        /// All the problems that were found.
        problems: Vec<String>,
    },

    /// A file or folder cannot be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// The path of the file or folder.
        path: PathBuf,
        /// The error from the operating system.
        error: std::io::Error,
    },

    /// Another process of a run that several processes share has failed.
    #[error("process {rank}: {message}")]
    Process {
        /// The rank of the process.
        rank: usize,
        /// The message of its error.
        message: String,
    },

    /// A file could not be downloaded from any mirror.
    #[error("{file}: download failed: {reason}")]
    Download {
        /// The name of the file.
        file: String,
        /// The failure of each mirror.
        reason: String,
    },
}

impl Error {
    /// Creates an [`Error::Setting`].
    pub fn setting(what: impl Into<String>, expected: impl Into<String>, got: impl Display) -> Self {
        Self::Setting { what: what.into(), expected: expected.into(), got: got.to_string() }
    }

    /// Creates an [`Error::Shape`].
    pub fn shape(what: impl Into<String>, expected: impl Display, got: &[usize]) -> Self {
        Self::Shape { what: what.into(), expected: expected.to_string(), got: got.to_vec() }
    }

    /// Creates an [`Error::Row`].
    pub fn row(what: impl Into<String>, row: usize, expected: impl Into<String>, got: impl Display) -> Self {
        Self::Row { what: what.into(), row, expected: expected.into(), got: got.to_string() }
    }

    /// Creates an [`Error::DuplicateName`].
    pub(crate) fn duplicate(part: &'static str, name: &str) -> Self {
        Self::DuplicateName { part, name: name.into() }
    }

    /// Creates an [`Error::OutOfMemory`] for an array of `T` with this shape.
    pub(crate) fn out_of_memory<T>(what: impl Into<String>, shape: &[usize]) -> Self {
        let size = size_of::<T>() as u128;
        let bytes = shape.iter().fold(size, |bytes, &dim| bytes.saturating_mul(dim as u128));
        Self::OutOfMemory { what: what.into(), bytes }
    }

    /// Returns the same error with `what` as the name of the array, and with the row of the data set instead of the row of the
    /// batch. `rows` contains the row of the data set for each row of the batch.
    pub(crate) fn of_rows(self, what: &str, rows: &[usize]) -> Self {
        let what = what.to_owned();
        let origin = |row: usize| rows.get(row).copied().unwrap_or(row);
        match self {
            Self::NotFinite { row, column, value, .. } => {
                Self::NotFinite { what, row: origin(row), column, value }
            }
            Self::Row { row, expected, got, .. } => Self::Row { what, row: origin(row), expected, got },
            Self::Layer { layer, error } => {
                Self::Layer { layer, error: Box::new(error.of_rows(&what, rows)) }
            }
            other => other,
        }
    }

    /// Returns whether the cause is a value or a loss that is not finite.
    pub(crate) fn is_not_finite(&self) -> bool {
        match self {
            Self::NotFinite { .. } | Self::Diverged { .. } => true,
            Self::Training { error, .. } | Self::Layer { error, .. } => error.is_not_finite(),
            _ => false,
        }
    }

    /// Wraps the error in an [`Error::Training`] with this place.
    pub(crate) fn in_place(self, place: &str) -> Self {
        Self::Training { place: place.into(), error: Box::new(self) }
    }

    /// Wraps the error in an [`Error::Layer`] with the name of the layer. If the error already names a layer inside a block, the
    /// two names are joined by a dot.
    pub(crate) fn in_layer(self, layer: &str) -> Self {
        match self {
            Self::Layer { layer: inner, error } => Self::Layer { layer: format!("{layer}.{inner}"), error },
            error => Self::Layer { layer: layer.into(), error: Box::new(error) },
        }
    }
}

/// Returns an error that names the first value of `array` that is not finite, or `Ok` if all values are finite.
pub(crate) fn check_finite<T: Copy + Into<f64>>(what: &str, array: ArrayView2<'_, T>) -> Result<()> {
    // A loop without an early exit is vectorised. The position is searched only if a value is not finite.
    let bad = |&value: &T| !value.into().is_finite();
    let any_bad = match array.as_slice() {
        Some(values) => simd::dispatch(
            #[inline(always)]
            || {
                let mut any = false;
                for value in values {
                    any |= bad(value);
                }
                any
            },
        ),
        None => array.iter().fold(false, |any, value| any | bad(value)),
    };
    if !any_bad {
        return Ok(());
    }
    let found = array.indexed_iter().find(|(_, value)| bad(value));
    found.map_or(Ok(()), |((row, column), &value)| {
        Err(Error::NotFinite { what: what.into(), row, column, value: value.into() })
    })
}

/// Formats a number of bytes in the largest unit in which it is at least 1.
fn in_units(bytes: u128) -> String {
    const UNITS: [&str; 7] = ["bytes", "kB", "MB", "GB", "TB", "PB", "EB"];
    let (mut amount, mut unit) = (bytes as f64, 0);
    while amount >= 1000.0 && unit + 1 < UNITS.len() {
        amount /= 1000.0;
        unit += 1;
    }
    match (unit, amount >= 1e6) {
        (0, _) => format!("{bytes} bytes"),
        (_, true) => format!("{amount:.1e} {}", UNITS[unit]),
        (_, false) => format!("{amount:.1} {}", UNITS[unit]),
    }
}
