use ndarray::{Array2, ArrayViewMut1};

use super::Table;
use super::schema::number;
use crate::buffer::zero_matrix;
use crate::data::Samples;
use crate::error::{Error, Result};
use crate::scalar::Scalar;

/// A schema fitted on training rows. It turns tables and single rows into numbers.
///
/// [`Schema::fit`](super::Schema::fit) creates an encoder, and [`from_text`](Encoder::from_text) restores one. The module
/// [`table`](super) has an example.
#[derive(Clone, Debug, PartialEq)]
#[doc(alias("ColumnTransformer", "preprocessing", "transform"))]
pub struct Encoder {
    pub(super) columns: Vec<Column>,
    pub(super) target: Target,
    /// The texts of missing values.
    pub(super) missing: Vec<String>,
    /// The number of inputs.
    width: usize,
}

/// An input column of a table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    pub name: String,
    pub encoding: Encoding,
    /// The place of its first input.
    start: usize,
}

/// The fitted settings of an input column.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Encoding {
    Number {
        /// The value that replaces a missing one.
        fill: Option<f64>,
        flag: bool,
        shift: f64,
        scale: f64,
    },
    Category {
        index: bool,
        unknown: bool,
        /// The categories, sorted.
        names: Vec<String>,
    },
}

/// The targets, with the classes of the training rows.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Target {
    None,
    Numbers(Vec<String>),
    /// The column and the classes, sorted.
    Class(String, Vec<String>),
}

impl Column {
    pub fn new(name: String, encoding: Encoding) -> Self {
        Self { name, encoding, start: 0 }
    }

    /// Returns the names of its inputs.
    fn inputs(&self) -> Vec<String> {
        let name = &self.name;
        match &self.encoding {
            Encoding::Number { flag: true, .. } => vec![name.clone(), format!("{name} missing")],
            Encoding::Category { index: false, names, .. } => {
                names.iter().map(|category| format!("{name}={category}")).collect()
            }
            _ => vec![name.clone()],
        }
    }

    fn is_index(&self) -> bool {
        matches!(self.encoding, Encoding::Category { index: true, .. })
    }

    /// Writes the inputs of a field to a row of zeros.
    fn write<A: Scalar>(
        &self,
        table: &Table,
        (row, text): (usize, &str),
        is_missing: bool,
        x: &mut ArrayViewMut1<'_, A>,
    ) -> Result<()> {
        let wrong = |expected: String| table.wrong(row, &self.name, expected, text);
        match &self.encoding {
            &Encoding::Number { fill, flag, shift, scale } => {
                let value = match (is_missing, fill) {
                    (false, _) => number(table, row, &self.name, text)?,
                    (true, Some(fill)) => fill,
                    (true, None) => return Err(wrong("a number".into())),
                };
                let scaled = A::of((value - shift) / scale);
                if !scaled.is_finite() {
                    return Err(wrong("a number that is finite after scaling".into()));
                }
                x[self.start] = scaled;
                if flag && is_missing {
                    x[self.start + 1] = A::one();
                }
            }
            Encoding::Category { index, unknown, names } => {
                let found = names.binary_search_by(|name| name.as_str().cmp(text)).ok();
                match found.filter(|_| !is_missing) {
                    Some(category) if *index => x[self.start] = A::of(category as f64),
                    Some(category) => x[self.start + category] = A::one(),
                    None if !unknown => return Err(wrong(one_of(names))),
                    None if *index => x[self.start] = A::of(names.len() as f64),
                    None => {}
                }
            }
        }
        Ok(())
    }
}

impl Encoder {
    /// Creates an encoder of columns whose settings are valid. Category indices get the last places.
    pub(super) fn new(mut columns: Vec<Column>, target: Target, missing: Vec<String>) -> Result<Self> {
        if columns.is_empty() {
            return Err(Error::setting("inputs", "at least 1 column", 0));
        }
        let mut width = 0;
        for last in [false, true] {
            for column in columns.iter_mut().filter(|column| column.is_index() == last) {
                column.start = width;
                width += column.inputs().len();
            }
        }
        Ok(Self { columns, target, missing, width })
    }

    fn is_missing(&self, text: &str) -> bool {
        self.missing.iter().any(|missing| missing == text)
    }

    /// Returns the number of inputs.
    pub fn input_dim(&self) -> usize {
        self.width
    }

    /// Returns the names of the inputs: the name of the column, `column missing` for a flag, and `column=category` for a
    /// category.
    pub fn input_names(&self) -> Vec<String> {
        let mut columns: Vec<&Column> = self.columns.iter().collect();
        columns.sort_by_key(|column| column.start);
        columns.into_iter().flat_map(Column::inputs).collect()
    }

    /// Returns the number of targets: numbers or classes.
    pub fn target_dim(&self) -> usize {
        match &self.target {
            Target::None => 0,
            Target::Numbers(names) | Target::Class(_, names) => names.len(),
        }
    }

    /// Returns the names of the classes in the order of the targets, or no names if the target is not a category.
    pub fn classes(&self) -> &[String] {
        match &self.target {
            Target::Class(_, names) => names,
            _ => &[],
        }
    }

    /// Returns the columns that are encoded as category indices: the name, the place among the inputs, and the number of
    /// categories for an [`Embedding`](crate::layer::Embedding) layer.
    /// [`Concat::of_table`](crate::layer::Concat::of_table) creates these layers.
    pub fn indices(&self) -> impl Iterator<Item = (&str, usize, usize)> {
        self.columns.iter().filter_map(|column| match &column.encoding {
            Encoding::Category { index: true, unknown, names } => {
                Some((column.name.as_str(), column.start, names.len() + usize::from(*unknown)))
            }
            _ => None,
        })
    }

    /// Returns the inputs of a model for all rows. The table need not have the columns of the targets.
    ///
    /// Shapes: result (rows, [`input_dim`](Encoder::input_dim)).
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::Mismatch`] if a column does not exist,
    /// - [`Error::Field`] for the first text that is not a finite number, or for the first missing or unknown value, if the
    ///   encoder does not accept it,
    /// - [`Error::OutOfMemory`] if the inputs do not fit in memory.
    #[inline(never)]
    pub fn inputs<A: Scalar>(&self, table: &Table) -> Result<Array2<A>> {
        let mut x = zero_matrix("the inputs", (table.len(), self.width))?;
        for column in &self.columns {
            for ((row, text), mut x) in table.column(&column.name)?.zip(x.rows_mut()) {
                column.write(table, (row, text), self.is_missing(text), &mut x)?;
            }
        }
        Ok(x)
    }

    /// Returns the samples for a training or an evaluation: the inputs and the targets of all rows.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`inputs`](Encoder::inputs), also for the targets, [`Error::Setting`] if the encoder has no targets,
    /// and [`Error::Shape`] if the table has no rows.
    #[inline(never)]
    pub fn samples<A: Scalar>(&self, table: &Table) -> Result<Samples<A>> {
        let x = self.inputs(table)?;
        match &self.target {
            Target::None => Err(Error::setting("targets", "at least 1 column in the schema", "none")),
            Target::Numbers(names) => {
                let mut t = zero_matrix("the targets", (table.len(), names.len()))?;
                for (name, mut t) in names.iter().zip(t.columns_mut()) {
                    for ((row, text), t) in table.column(name)?.zip(&mut t) {
                        *t = A::of(number(table, row, name, text)?);
                        if self.is_missing(text) || !t.is_finite() {
                            let expected = format!("a number in the range of {}", std::any::type_name::<A>());
                            return Err(table.wrong(row, name, expected, text));
                        }
                    }
                }
                Samples::new(x, t)
            }
            Target::Class(column, names) => {
                let class = |(row, text): (usize, &str)| {
                    let found = names.binary_search_by(|name| name.as_str().cmp(text));
                    found.map_err(|_| table.wrong(row, column, one_of(names), text))
                };
                let labels = table.column(column)?.map(class).collect::<Result<Vec<usize>>>()?;
                Samples::labeled(x, &labels, names.len())
            }
        }
    }

    /// Returns the inputs for one row, given by the names of the columns and their texts in any order, for
    /// [`predict_row`](crate::Sequential::predict_row).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`inputs`](Encoder::inputs), and [`Error::Mismatch`] if a name occurs twice.
    pub fn row<A: Scalar>(&self, values: &[(&str, &str)]) -> Result<Vec<A>> {
        let (columns, fields): (Vec<&str>, Vec<&str>) = values.iter().copied().unzip();
        let table = Table::from_rows("row", &columns, [fields])?;
        Ok(self.inputs(&table)?.into_raw_vec_and_offset().0)
    }
}

/// Returns the allowed categories, or the first ones if there are many.
fn one_of(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(10).map(String::as_str).collect();
    let more = if names.len() > shown.len() { ", …" } else { "" };
    format!("one of '{}'{more}", shown.join("', '"))
}
