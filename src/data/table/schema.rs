use ndarray::ArrayView2;

use super::Table;
use super::encoder::{Column, Encoder, Encoding, Target};
use crate::data::Normalizer;
use crate::error::{Error, Result};
use crate::settings::check_finite;

/// The columns of a table that a model uses, with their types.
///
/// [`fit`](Schema::fit) turns it into an [`Encoder`]. Columns that are not in the schema are ignored.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | [`number`](Schema::number) | adds a column of numbers to the inputs | none | any name that occurs once in the schema |
/// | [`category`](Schema::category) | adds a column of categories to the inputs | none | any name that occurs once in the schema |
/// | [`target_number`](Schema::target_number) | adds a number to the targets, for regression | none | several, without a class |
/// | [`target_category`](Schema::target_category) | sets the class to predict, one-hot | none | one, without numbers |
/// | [`missing_texts`](Schema::missing_texts) | the texts of missing values | the empty text | any |
///
/// The inputs have the order of the schema, except that category indices ([`Category::index`]) come last.
///
/// # Source
///
/// scikit-learn's `ColumnTransformer`.
///
/// # Examples
///
/// ```
/// use manabi::data::table::{Category, Missing, Number, Schema, Table};
///
/// let rows = [["3", "red", "10"], ["", "blue", "20"], ["5", "red", "30"]];
/// let table = Table::from_rows("flats", &["rooms", "door", "price"], rows)?;
/// let encoder = Schema::new()
///     .category("door", Category::index())
///     .number("rooms", Number::min_max().missing(Missing::Mean).flag(true))
///     .target_number("price")
///     .fit(&table)?;
/// assert_eq!(encoder.input_names(), ["rooms", "rooms missing", "door"]);
/// let samples = encoder.samples::<f64>(&table)?;
/// assert_eq!(samples.x(), ndarray::array![[0.0, 0.0, 1.0], [0.5, 1.0, 0.0], [1.0, 0.0, 1.0]]);
/// assert_eq!(samples.t(), ndarray::array![[10.0], [20.0], [30.0]]);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("ColumnTransformer", "preprocessing"))]
pub struct Schema {
    columns: Vec<(String, Kind)>,
    numbers: Vec<String>,
    classes: Vec<String>,
    missing: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Number(Number),
    Category(Category),
}

/// A column of numbers.
///
/// Formula: x′ = (x − shift) / scale, after missing values are replaced.
///
/// Numerics: [`Normalizer`] computes shift and scale from the training rows with their replaced values. The quotient is computed
/// in `f64` and rounded once.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | constructor | the scale | none | [`z_score`](Number::z_score), [`min_max`](Number::min_max) or [`raw`](Number::raw) |
/// | [`missing`](Number::missing) | sets the replacement of a missing value | [`Missing::Error`] | any, with a finite value |
/// | [`flag`](Number::flag) | whether to add an input that is 1 for a missing value and 0 otherwise | `false` | `true` unless missing values are errors |
///
/// # Source
///
/// scikit-learn's `SimpleImputer` (with `add_indicator`), followed by `StandardScaler` or `MinMaxScaler`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("StandardScaler", "MinMaxScaler", "SimpleImputer"))]
pub struct Number {
    scale: Scale,
    missing: Missing,
    flag: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Scale {
    Raw,
    ZScore,
    MinMax,
}

/// The replacement of a missing number.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Missing {
    /// An error that names the line and the column.
    Error,
    /// The mean of the training rows.
    Mean,
    /// The median of the training rows: the mean of the two middle values if their number is even.
    Median,
    /// This value.
    Value(f64),
}

/// A column of categories. The categories are the texts that occur in the training rows, in the order of their code points.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | constructor | the form of the inputs | none | [`one_hot`](Category::one_hot) or [`index`](Category::index) |
/// | [`unknown`](Category::unknown) | whether other texts and missing values are accepted | `false` | true or false |
///
/// # Source
///
/// scikit-learn's `OneHotEncoder` (with `handle_unknown="ignore"` if other texts are accepted) and `OrdinalEncoder`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("OneHotEncoder", "OrdinalEncoder"))]
pub struct Category {
    index: bool,
    unknown: bool,
}

impl Number {
    /// Scales to mean 0 and standard deviation 1.
    pub fn z_score() -> Self {
        Self { scale: Scale::ZScore, missing: Missing::Error, flag: false }
    }

    /// Scales to the range from 0 to 1.
    pub fn min_max() -> Self {
        Self { scale: Scale::MinMax, ..Self::z_score() }
    }

    /// Keeps the numbers as they are.
    pub fn raw() -> Self {
        Self { scale: Scale::Raw, ..Self::z_score() }
    }

    /// Sets the replacement of a missing value.
    pub fn missing(self, missing: Missing) -> Self {
        Self { missing, ..self }
    }

    /// Sets whether there is another input that is 1 for a missing value and 0 otherwise.
    pub fn flag(self, flag: bool) -> Self {
        Self { flag, ..self }
    }

    fn fit(&self, table: &Table, name: &str, missing: &[String]) -> Result<Encoding> {
        let is_missing = |text: &str| missing.iter().any(|missing| missing == text);
        let mut values = Vec::new();
        for (row, text) in table.column(name)? {
            values.push(if is_missing(text) { None } else { Some(number(table, row, name, text)?) });
        }
        let setting = format!("flag of column '{name}'");
        if self.flag && self.missing == Missing::Error {
            return Err(Error::setting(
                setting,
                "a replacement of missing values (call Number::missing)",
                "none",
            ));
        }
        let known: Vec<f64> = values.iter().copied().flatten().collect();
        let in_column = |error: Error| table.mismatch(format!("column '{name}': {error}"));
        let fill = match self.missing {
            Missing::Error => None,
            Missing::Value(value) => Some(value),
            _ if known.is_empty() => {
                let problem =
                    format!("column '{name}': expected at least one number, got only missing values");
                return Err(table.mismatch(problem));
            }
            Missing::Mean => Some(statistics(Scale::ZScore, &known).map_err(in_column)?.0),
            Missing::Median => Some(median(known)),
        };
        if let Some(fill) = fill {
            check_finite(&format!("replacement of missing values of column '{name}'"), fill)?;
        }
        let value = |(row, value): (usize, &Option<f64>)| {
            value
                .or(fill)
                .ok_or_else(|| table.wrong(row, name, "a number", table.field(row, name).unwrap_or("")))
        };
        let values = values.iter().enumerate().map(value).collect::<Result<Vec<f64>>>()?;
        let (shift, scale) = statistics(self.scale, &values).map_err(in_column)?;
        Ok(Encoding::Number { fill, flag: self.flag, shift, scale })
    }
}

impl Category {
    /// Encodes a category as one input per category: 1 for the own one, 0 for the others. If other texts are accepted, they are 0
    /// everywhere.
    pub fn one_hot() -> Self {
        Self { index: false, unknown: false }
    }

    /// Encodes a category as its index, counted from 0, for an [`Embedding`](crate::layer::Embedding) layer. If other texts are
    /// accepted, they have the last index. It is trained only if values are missing in training.
    pub fn index() -> Self {
        Self { index: true, ..Self::one_hot() }
    }

    /// Sets whether missing values, and texts that do not occur in the training rows, are accepted. Otherwise, they are errors.
    pub fn unknown(self, unknown: bool) -> Self {
        Self { unknown, ..self }
    }

    fn fit(&self, table: &Table, name: &str, missing: &[String]) -> Result<Encoding> {
        let names = categories(table, name, missing, self.unknown)?;
        Ok(Encoding::Category { index: self.index, unknown: self.unknown, names })
    }
}

impl Schema {
    /// Creates a schema without columns.
    pub fn new() -> Self {
        let missing = vec![String::new()];
        Self { columns: Vec::new(), numbers: Vec::new(), classes: Vec::new(), missing }
    }

    /// Adds a column of numbers to the inputs.
    pub fn number(mut self, name: impl Into<String>, number: Number) -> Self {
        self.columns.push((name.into(), Kind::Number(number)));
        self
    }

    /// Adds a column of categories to the inputs.
    pub fn category(mut self, name: impl Into<String>, category: Category) -> Self {
        self.columns.push((name.into(), Kind::Category(category)));
        self
    }

    /// Adds a column of numbers to the targets, without scaling. A missing value is an error.
    pub fn target_number(mut self, name: impl Into<String>) -> Self {
        self.numbers.push(name.into());
        self
    }

    /// Sets the column of the classes, which become one-hot targets. A missing or unknown class is an error.
    pub fn target_category(mut self, name: impl Into<String>) -> Self {
        self.classes.push(name.into());
        self
    }

    /// Sets the texts that stand for a missing value, such as `["", "NA"]`.
    pub fn missing_texts<S: Into<String>>(mut self, texts: impl IntoIterator<Item = S>) -> Self {
        self.missing = texts.into_iter().map(Into::into).collect();
        self
    }

    /// Returns the encoder that is fitted on these rows. Use only training rows, so that an evaluation on other rows is honest.
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::DuplicateName`] if a column occurs twice,
    /// - [`Error::Setting`] if there are no inputs, if there are both kinds of targets or several classes, or if the settings of
    ///   a column are out of range,
    /// - [`Error::Mismatch`] if a column does not exist or has no values, or if its spread overflows,
    /// - [`Error::Field`] for the first text that is not a finite number or is missing, if the schema does not accept it.
    #[inline(never)]
    pub fn fit(&self, table: &Table) -> Result<Encoder> {
        let names = self.columns.iter().map(|(name, _)| name).chain(&self.numbers).chain(&self.classes);
        let mut before: Vec<&String> = Vec::new();
        for name in names {
            if before.contains(&name) {
                return Err(Error::duplicate("column", name));
            }
            before.push(name);
        }
        if table.is_empty() {
            return Err(table.mismatch("expected at least one row, got none".into()));
        }
        let fit = |(name, kind): &(String, Kind)| {
            let encoding = match kind {
                Kind::Number(number) => number.fit(table, name, &self.missing)?,
                Kind::Category(category) => category.fit(table, name, &self.missing)?,
            };
            Ok(Column::new(name.clone(), encoding))
        };
        let columns = self.columns.iter().map(fit).collect::<Result<_>>()?;
        let target = match (&self.numbers[..], &self.classes[..]) {
            ([], []) => Target::None,
            (numbers, []) => Target::Numbers(numbers.to_vec()),
            ([], [class]) => Target::Class(class.clone(), categories(table, class, &self.missing, false)?),
            (numbers, classes) => {
                let got = format!("{} numbers and {} categories", numbers.len(), classes.len());
                return Err(Error::setting("targets", "numbers or one category", got));
            }
        };
        Encoder::new(columns, target, self.missing.clone())
    }
}

impl Default for Schema {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns the number that a field contains.
pub(super) fn number(table: &Table, row: usize, column: &str, text: &str) -> Result<f64> {
    match text.parse() {
        Ok(number) if f64::is_finite(number) => Ok(number),
        _ => Err(table.wrong(row, column, "a finite number", text)),
    }
}

/// Returns the categories that occur in a column, in order.
fn categories(table: &Table, name: &str, missing: &[String], with_missing: bool) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for (row, text) in table.column(name)? {
        match missing.iter().any(|missing| missing == text) {
            false => names.push(text.to_owned()),
            true if with_missing => {}
            true => return Err(table.wrong(row, name, "a category", text)),
        }
    }
    names.sort_unstable();
    names.dedup();
    match names.is_empty() {
        false => Ok(names),
        true => {
            let problem = format!("column '{name}': expected at least one category, got only missing values");
            Err(table.mismatch(problem))
        }
    }
}

/// Returns the shift and the scale of these values.
fn statistics(scale: Scale, values: &[f64]) -> Result<(f64, f64)> {
    let column = ArrayView2::from_shape((values.len(), 1), values).expect("one column");
    let normalizer = match scale {
        Scale::Raw => return Ok((0.0, 1.0)),
        Scale::ZScore => Normalizer::z_score(column)?,
        Scale::MinMax => Normalizer::min_max(column)?,
    };
    Ok(normalizer.statistics()[0])
}

/// Returns the median of at least one value.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        1 => values[middle],
        _ => 0.5 * values[middle - 1] + 0.5 * values[middle],
    }
}
