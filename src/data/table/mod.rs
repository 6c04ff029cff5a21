//! Tables from CSV files: numbers, categories and missing values.
//!
//! | type | content |
//! |---|---|
//! | [`Table`] | the fields of a CSV file as text, with the names of the columns |
//! | [`Schema`] | the columns to use, with their types: inputs ([`Number`], [`Category`]) and targets |
//! | [`Encoder`] | a schema fitted on training rows, which turns any rows into numbers |
//!
//! The encoder keeps what it learned from the training rows: means, spreads, replacements of missing values, and categories. It
//! encodes a table, or a single row for a prediction, in the same way. Its text ([`Encoder::to_text`]) can be saved with the
//! model as a [note](crate::Sequential::set_note).
//!
//! # Examples
//!
//! ```
//! use manabi::data::table::{Category, Encoder, Missing, Number, Schema, Table};
//! use manabi::prelude::*;
//!
//! let file = "age,city,bought\n31,Oslo,no\n,Rome,yes\n55,Oslo,yes\n24,Rome,no\n";
//! let table = Table::from_reader("people.csv", file.as_bytes(), b',')?;
//! let schema = Schema::new().number("age", Number::z_score().missing(Missing::Mean));
//! let encoder = schema.category("city", Category::one_hot()).target_category("bought").fit(&table)?;
//!
//! let builder = Sequential::<f64>::builder(encoder.input_dim()).add_layer("affine1", Affine::new(2));
//! let mut model = builder.set_output(Softmax).set_error(CrossEntropy).build()?;
//! Trainer::new().fit(&mut model, &encoder.samples(&table)?)?;
//! model.set_note("table", encoder.to_text());
//!
//! let encoder = Encoder::from_text(model.note("table").unwrap())?;
//! let y = model.predict_row(&encoder.row(&[("city", "Rome"), ("age", "40")])?)?;
//! assert_eq!((encoder.classes(), y.len()), (&["no".to_owned(), "yes".into()][..], 2));
//! # Ok::<(), manabi::Error>(())
//! ```

mod encoder;
mod schema;
mod text;

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use csv::{ErrorKind, Position, ReaderBuilder, StringRecord, Trim};

pub use encoder::Encoder;
pub use schema::{Category, Missing, Number, Schema};

use super::Split;
use super::split::ranks;
use crate::error::{Error, Result};

/// The maximum number of characters of a field in an error.
const SHOWN: usize = 40;

/// A table of texts: the names of the columns and the fields of every row.
///
/// A CSV file is in UTF-8. Its first line has the names of the columns. Fields in quotes can contain delimiters and line breaks.
/// Spaces around a field are removed. Empty lines are skipped, even if the table has a single column.
///
/// # Examples
///
/// ```
/// use manabi::data::table::Table;
///
/// let table = Table::from_reader("two.csv", "name; size\n\"a; b\"; 3\n".as_bytes(), b';')?;
/// assert_eq!((table.len(), table.field(0, "name")?, table.field(0, "size")?), (1, "a; b", "3"));
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Debug)]
#[doc(alias("DataFrame", "read_csv"))]
pub struct Table {
    /// The path of the file, or the name given for data from elsewhere.
    file: PathBuf,
    columns: StringRecord,
    rows: Vec<StringRecord>,
}

impl Table {
    /// Reads a CSV file whose fields are separated by commas.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Io`] if the file cannot be read, and the errors of [`from_reader`](Table::from_reader).
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|error| Error::Io { path: path.into(), error })?;
        Self::from_reader(path, file, b',')
    }

    /// Reads a CSV file whose fields are separated by this delimiter, such as `b';'`. Errors contain the path `file`.
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::Io`] if the reader fails,
    /// - [`Error::Format`] if the content is empty or not in UTF-8, or if a row has more or fewer fields than the first line,
    /// - [`Error::Mismatch`] if two columns have the same name.
    pub fn from_reader(file: impl AsRef<Path>, mut reader: impl Read, delimiter: u8) -> Result<Self> {
        let file = file.as_ref();
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map_err(|error| Error::Io { path: file.into(), error })?;
        let mut reader = ReaderBuilder::new().delimiter(delimiter).trim(Trim::All).from_reader(&bytes[..]);
        let columns = reader.headers().map_err(|error| invalid(file, &bytes, error))?.clone();
        if columns.is_empty() {
            let reason = "expected a line with the names of the columns, got an empty file".into();
            return Err(Error::Format { file: file.into(), offset: 0, reason });
        }
        let record = |record: csv::Result<StringRecord>| {
            let mut record = record.map_err(|error| invalid(file, &bytes, error))?;
            let begin = record.position().map(|position| begin(&bytes, position));
            record.set_position(begin);
            Ok(record)
        };
        let rows = reader.records().map(record).collect::<Result<_>>()?;
        Self::checked(Self { file: file.into(), columns, rows })
    }

    /// Creates a table from the names of its columns and its rows, without spaces around names and fields. Errors contain `file`
    /// as its name, and the first row is line 1.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Row`] if a row has more or fewer fields than there are columns, and [`Error::Mismatch`] if two columns
    /// have the same name.
    pub fn from_rows<S: AsRef<str>, R: AsRef<[S]>>(
        file: impl AsRef<Path>,
        columns: &[&str],
        rows: impl IntoIterator<Item = R>,
    ) -> Result<Self> {
        let columns: StringRecord = columns.iter().map(|name| name.trim()).collect();
        let record = |(row, fields): (usize, R)| {
            let fields = fields.as_ref();
            if fields.len() != columns.len() {
                let expected = format!("{} fields, one for each column", columns.len());
                return Err(Error::row("rows of the table", row, expected, fields.len()));
            }
            let mut record: StringRecord = fields.iter().map(|field| field.as_ref().trim()).collect();
            let mut position = Position::new();
            position.set_line(row as u64 + 1);
            record.set_position(Some(position));
            Ok(record)
        };
        let rows = rows.into_iter().enumerate().map(record).collect::<Result<_>>()?;
        Self::checked(Self { file: file.as_ref().into(), columns, rows })
    }

    fn checked(self) -> Result<Self> {
        let mut places = HashMap::new();
        for (place, name) in self.columns.iter().enumerate() {
            if let Some(first) = places.insert(name, place) {
                return Err(self.mismatch(format!(
                    "expected a unique name for each column, got '{name}' for the columns {} and {}",
                    first + 1,
                    place + 1
                )));
            }
        }
        Ok(self)
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns whether the table has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns the names of the columns.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter()
    }

    /// Returns the text of a field.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Mismatch`] if there is no column with this name, and [`Error::Setting`] if there is no such row.
    pub fn field(&self, row: usize, column: &str) -> Result<&str> {
        let place = self.place(column)?;
        let found = self.rows.get(row).and_then(|fields| fields.get(place));
        found.ok_or_else(|| Error::setting("row", format!("an index below {}", self.len()), row))
    }

    /// Returns the table with only these rows, in this order.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`] if there is no such row.
    pub fn select(&self, rows: &[usize]) -> Result<Self> {
        let select = |&row: &usize| {
            let found = self.rows.get(row).cloned();
            found.ok_or_else(|| Error::setting("row", format!("an index below {}", self.len()), row))
        };
        let rows = rows.iter().map(select).collect::<Result<_>>()?;
        Ok(Self { file: self.file.clone(), columns: self.columns.clone(), rows })
    }

    /// Returns the training rows and the held-out rows of a split. A stratified split keeps the proportions of the texts in the
    /// column `class`.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Split::split`], and [`Error::Mismatch`] if there is no column `class`.
    ///
    /// # Examples
    ///
    /// ```
    /// use manabi::data::Split;
    /// use manabi::data::table::Table;
    ///
    /// let rows = [["1", "a"], ["2", "a"], ["3", "b"], ["4", "b"]];
    /// let table = Table::from_rows("numbers", &["number", "letter"], rows)?;
    /// let (train, test) = table.split(&Split::fraction(0.5).stratified(true), "letter")?;
    /// assert_eq!((train.field(0, "letter")?, test.field(0, "letter")?), ("a", "a"));
    /// # Ok::<(), manabi::Error>(())
    /// ```
    #[doc(alias = "train_test_split")]
    pub fn split<'a>(&self, split: &Split, class: impl Into<Option<&'a str>>) -> Result<(Self, Self)> {
        let place = class.into().map(|class| self.place(class)).transpose()?;
        let classes = || {
            let missing = || Error::setting("class", "a column for the stratified split", "none");
            let place = place.ok_or_else(missing)?;
            let mut known = HashMap::new();
            let class = |fields: &StringRecord| {
                let next = known.len();
                *known.entry(fields.get(place).unwrap_or_default().to_owned()).or_insert(next)
            };
            Ok(ranks(&self.rows.iter().map(class).collect::<Vec<_>>()))
        };
        let (kept, held_out) = split.rows(self.len(), classes)?;
        Ok((self.select(&kept)?, self.select(&held_out)?))
    }

    /// Returns the place of a column.
    fn place(&self, name: &str) -> Result<usize> {
        self.columns.iter().position(|column| column == name).ok_or_else(|| {
            let columns: Vec<&str> = self.columns.iter().collect();
            self.mismatch(format!("column '{name}': expected one of '{}', got none", columns.join("', '")))
        })
    }

    /// Returns the fields of a column, each with its row.
    fn column(&self, name: &str) -> Result<impl Iterator<Item = (usize, &str)> + Clone> {
        let place = self.place(name)?;
        let fields = self.rows.iter().map(move |fields| fields.get(place).unwrap_or_default());
        Ok(fields.enumerate())
    }

    /// Returns the error for a field in this row.
    fn wrong(&self, row: usize, column: &str, expected: impl Into<String>, got: &str) -> Error {
        let line = self.rows.get(row).and_then(StringRecord::position).map_or(0, Position::line);
        let got = match got {
            "" => "nothing".into(),
            _ if got.chars().nth(SHOWN).is_some() => {
                format!("'{}…'", got.chars().take(SHOWN).collect::<String>())
            }
            _ => format!("'{got}'"),
        };
        Error::Field { file: self.file.clone(), line, column: column.into(), expected: expected.into(), got }
    }

    /// Returns the error for a table that does not fit its use.
    fn mismatch(&self, problem: String) -> Error {
        Error::Mismatch { file: self.file.clone(), problems: vec![problem] }
    }
}

/// Returns the position at which a row begins. The reader's own position is before the empty lines that it skips.
fn begin(bytes: &[u8], position: &Position) -> Position {
    let rest = bytes.get(position.byte() as usize..).unwrap_or_default();
    let empty = rest.iter().take_while(|&&byte| byte == b'\r' || byte == b'\n');
    let (skipped, lines) =
        empty.fold((0, 0), |(skipped, lines), &byte| (skipped + 1, lines + u64::from(byte == b'\n')));
    let mut begin = position.clone();
    begin.set_byte(position.byte() + skipped).set_line(position.line() + lines);
    begin
}

/// Turns an error of the reader into an error of the crate.
fn invalid(file: &Path, bytes: &[u8], error: csv::Error) -> Error {
    let begin = error.position().map(|position| begin(bytes, position));
    let (offset, line) = begin.map_or((0, 0), |position| (position.byte(), position.line()));
    let file = file.to_owned();
    let reason = match error.into_kind() {
        ErrorKind::Utf8 { err, .. } => format!("line {line}, field {}: expected UTF-8", err.field() + 1),
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("line {line}: expected {expected_len} fields, as in the first line, got {len}")
        }
        other => format!("line {line}: {other:?}"),
    };
    Error::Format { file, offset, reason }
}
