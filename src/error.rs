//! Every failure that the crate can report.

use std::fmt::Display;
use std::path::PathBuf;

use ndarray::ArrayView2;

/// The crate's result type.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong, as a value.
///
/// A message says what was expected, what came, and where, causes included, so that no error has a source besides.
/// Whatever returns an error has changed no model and no setting, unless its page says otherwise.
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
    /// A layer cannot stand where it was put, or not with these settings.
    #[error("layer '{layer}': {error}")]
    Layer {
        /// The layer's name in the model.
        layer: String,
        /// What is wrong with it.
        error: Box<Error>,
    },

    /// A setting is missing, contradictory or out of range.
    #[error("{what}: expected {expected}, got {got}")]
    Setting {
        /// The setting.
        what: String,
        /// What is allowed.
        expected: String,
        /// What came.
        got: String,
    },

    /// Two parts have the same name.
    #[error("duplicate {part} name \"{name}\": give each {part} a name of its own")]
    DuplicateName {
        /// The kind of part: a layer, a branch or a parameter.
        part: &'static str,
        /// The name.
        name: String,
    },

    /// An array has the wrong shape.
    #[error("{what}: expected shape {expected}, got {got:?}")]
    Shape {
        /// The array.
        what: String,
        /// The shape that is needed, in words or numbers.
        expected: String,
        /// The shape that came.
        got: Vec<usize>,
    },

    /// There is not enough memory for an array.
    #[error("out of memory: cannot allocate {} for {what}", in_units(*bytes))]
    OutOfMemory {
        /// The array.
        what: String,
        /// Its size.
        bytes: u128,
    },

    /// A value is NaN or infinite where a finite number is needed.
    #[error("{what}: expected a finite number at row {row}, column {column}, got {value}")]
    NotFinite {
        /// The array.
        what: String,
        /// Row of the first such value.
        row: usize,
        /// Column of the first such value.
        column: usize,
        /// The value.
        value: f64,
    },

    /// A row of an array does not make sense.
    #[error("{what}: expected {expected} at row {row}, got {got}")]
    Row {
        /// The array.
        what: String,
        /// The first such row.
        row: usize,
        /// What is allowed.
        expected: String,
        /// What came.
        got: String,
    },

    /// A class label is outside the classes of its data set.
    #[error("labels: expected a class below {classes} at row {row}, got {label}")]
    Label {
        /// Row of the first such label.
        row: usize,
        /// The label.
        label: String,
        /// The number of classes.
        classes: usize,
    },

    /// The loss is NaN or infinite, though every number that it comes from is finite: most often the learning rate is too high.
    #[error("{place}: expected a finite loss, got {loss}")]
    Diverged {
        /// Where it arose.
        place: String,
        /// The loss.
        loss: f64,
    },

    /// An error at a stage of training.
    #[error("{place}: {error}")]
    Training {
        /// The stage.
        place: String,
        /// What went wrong.
        error: Box<Error>,
    },

    /// The content of a file is not what its format demands.
    #[error("{}: at byte {offset}: {reason}", file.display())]
    Format {
        /// The file.
        file: PathBuf,
        /// Where in the (decompressed) content.
        offset: u64,
        /// What was expected and what came.
        reason: String,
    },

    /// A file is well-formed, but what it holds is not what it has to be.
    #[error("{}: does not fit: {}", file.display(), problems.join("; "))]
    Mismatch {
        /// The file.
        file: PathBuf,
        /// All that stands against it.
        problems: Vec<String>,
    },

    /// A file or folder cannot be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's word on it.
        error: std::io::Error,
    },

    /// A file could not be fetched from any mirror.
    #[error("{file}: no mirror gave it: {reason}")]
    Download {
        /// The file's name.
        file: String,
        /// What each mirror answered.
        reason: String,
    },
}

impl Error {
    /// A setting that is out of range.
    pub fn setting(what: impl Into<String>, expected: impl Into<String>, got: impl Display) -> Self {
        Self::Setting { what: what.into(), expected: expected.into(), got: got.to_string() }
    }

    /// An array of the wrong shape.
    pub fn shape(what: impl Into<String>, expected: impl Display, got: &[usize]) -> Self {
        Self::Shape { what: what.into(), expected: expected.to_string(), got: got.to_vec() }
    }

    /// A row of an array that does not make sense.
    pub fn row(what: impl Into<String>, row: usize, expected: impl Into<String>, got: impl Display) -> Self {
        Self::Row { what: what.into(), row, expected: expected.into(), got: got.to_string() }
    }

    /// A second part of the same name.
    pub(crate) fn duplicate(part: &'static str, name: &str) -> Self {
        Self::DuplicateName { part, name: name.into() }
    }

    /// An array of `T` of this shape for which there is not enough memory.
    pub(crate) fn out_of_memory<T>(what: impl Into<String>, shape: &[usize]) -> Self {
        let size = size_of::<T>() as u128;
        let bytes = shape.iter().fold(size, |bytes, &dim| bytes.saturating_mul(dim as u128));
        Self::OutOfMemory { what: what.into(), bytes }
    }

    /// The same error for an array that holds these rows of a data set: it names the data set's row.
    pub(crate) fn of_rows(self, what: &str, rows: &[usize]) -> Self {
        let what = what.to_owned();
        let origin = |row: usize| rows.get(row).copied().unwrap_or(row);
        match self {
            Self::NotFinite { row, column, value, .. } => {
                Self::NotFinite { what, row: origin(row), column, value }
            }
            Self::Row { row, expected, got, .. } => Self::Row { what, row: origin(row), expected, got },
            other => other,
        }
    }

    /// Returns whether a value or a loss that is not finite is to blame.
    #[cfg(feature = "persistence")]
    pub(crate) fn is_not_finite(&self) -> bool {
        match self {
            Self::NotFinite { .. } | Self::Diverged { .. } => true,
            Self::Training { error, .. } | Self::Layer { error, .. } => error.is_not_finite(),
            _ => false,
        }
    }

    /// The same error, with the stage of training where it arose.
    pub(crate) fn in_place(self, place: &str) -> Self {
        Self::Training { place: place.into(), error: Box::new(self) }
    }

    /// Returns the same error with the layer where it arose; inside a block, with the names of all layers around it.
    pub(crate) fn in_layer(self, layer: &str) -> Self {
        match self {
            Self::Layer { layer: inner, error } => Self::Layer { layer: format!("{layer}.{inner}"), error },
            error => Self::Layer { layer: layer.into(), error: Box::new(error) },
        }
    }
}

/// An error that names the first number of `array` that is not finite.
pub(crate) fn check_finite<T: Copy + Into<f64>>(what: &str, array: ArrayView2<'_, T>) -> Result<()> {
    // Without an early exit the loop vectorises; where the number stands is asked only if there is one.
    let bad = |&value: &T| !value.into().is_finite();
    if !array.iter().fold(false, |any, value| any | bad(value)) {
        return Ok(());
    }
    let found = array.indexed_iter().find(|(_, value)| bad(value));
    found.map_or(Ok(()), |((row, column), &value)| {
        Err(Error::NotFinite { what: what.into(), row, column, value: value.into() })
    })
}

/// A number of bytes in the largest unit of which there is at least one.
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
