//! The text of an encoder: CSV with a row for each column.

use csv::{ReaderBuilder, StringRecord, WriterBuilder};

use super::encoder::{Column, Encoder, Encoding, Target};
use crate::error::{Error, Result};

/// The first row: the format and its version.
const FIRST: [&str; 2] = ["manabi table", "1"];

impl Encoder {
    /// Returns a text from which [`from_text`](Encoder::from_text) restores the same encoder. It is CSV with a row for each
    /// column.
    ///
    /// Numerics: numbers have the fewest digits that are read back to the same bits.
    #[inline(never)]
    pub fn to_text(&self) -> String {
        let texts = |start: &[&str], rest: &[String]| -> Vec<String> {
            start.iter().map(|&text| text.to_owned()).chain(rest.iter().cloned()).collect()
        };
        let mut rows = vec![texts(&FIRST, &[]), texts(&["missing"], &self.missing)];
        rows.extend(self.columns.iter().map(|Column { name, encoding, .. }| match encoding {
            Encoding::Number { fill, flag, shift, scale } => {
                let fill = fill.map_or("none".into(), |fill| format!("{fill:?}"));
                let values = [fill, flag.to_string(), format!("{shift:?}"), format!("{scale:?}")];
                texts(&["number", name], &values)
            }
            Encoding::Category { index, unknown, names } => {
                let form = if *index { "index" } else { "one_hot" };
                texts(&[form, name, if *unknown { "true" } else { "false" }], names)
            }
        }));
        match &self.target {
            Target::None => {}
            Target::Numbers(names) => rows.push(texts(&["target numbers"], names)),
            Target::Class(column, names) => rows.push(texts(&["target category", column], names)),
        }
        csv(&rows)
    }

    /// Restores an encoder from the text of [`to_text`](Encoder::to_text).
    ///
    /// # Errors
    ///
    /// Returns [`Error::Row`] for the first row that `to_text` does not write, and [`Error::Setting`] if there is no column.
    #[inline(never)]
    pub fn from_text(text: &str) -> Result<Self> {
        let reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        let (mut columns, mut target, mut missing) = (Vec::<Column>::new(), Target::None, Vec::new());
        for (row, record) in reader.into_records().enumerate() {
            let wrong = |expected: &str, got: String| Error::row("text of an encoder", row, expected, got);
            let record = record.map_err(|error| wrong("fields", error.to_string()))?;
            let fields: Vec<&str> = record.iter().collect();
            let texts = |fields: &[&str]| fields.iter().map(|&field| field.to_owned()).collect::<Vec<_>>();
            let is_input = |name: &str| columns.iter().any(|column| column.name == name);
            let are_new = |names: &[&str]| {
                names.iter().enumerate().all(|(i, name)| !is_input(name) && !names[..i].contains(name))
            };
            let got = || format!("{:?}", StringRecord::from(fields.clone()));
            match &fields[..] {
                first if row == 0 => match first == FIRST {
                    true => {}
                    false => return Err(wrong("'manabi table' and the version 1", got())),
                },
                ["missing", rest @ ..] if row == 1 => missing = texts(rest),
                _ if row == 1 => return Err(wrong("'missing' and the texts of missing values", got())),
                _ if target != Target::None => return Err(wrong("no row after the targets", got())),
                ["target numbers", names @ ..] if !names.is_empty() && are_new(names) => {
                    target = Target::Numbers(texts(names));
                }
                ["target category", column, names @ ..] if are_new(&[*column]) && are_sorted(names) => {
                    target = Target::Class((*column).into(), texts(names));
                }
                [form, name, rest @ ..] if are_new(&[*name]) => {
                    let encoding = encoding(form, rest);
                    let encoding = encoding.ok_or_else(|| wrong("a column with its values", got()))?;
                    columns.push(Column::new((*name).into(), encoding));
                }
                _ => return Err(wrong("a new column, its values, or targets", got())),
            }
        }
        Self::new(columns, target, missing)
    }
}

/// Returns rows as CSV.
fn csv(rows: &[Vec<String>]) -> String {
    let mut writer = WriterBuilder::new().flexible(true).from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).expect("a vector accepts all bytes");
    }
    let bytes = writer.into_inner().expect("a vector accepts all bytes");
    String::from_utf8(bytes).expect("all fields are text")
}

/// Returns the encoding with these values, or `None` if a value is invalid.
fn encoding(form: &str, values: &[&str]) -> Option<Encoding> {
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
    Some(match (form, values) {
        ("number", &[fill, flag, shift, scale]) => {
            let fill = if fill == "none" { None } else { Some(number(fill)?) };
            let flag = flag.parse::<bool>().ok().filter(|&flag| !flag || fill.is_some())?;
            let (shift, scale) = (number(shift)?, number(scale).filter(|&scale| scale > 0.0)?);
            Encoding::Number { fill, flag, shift, scale }
        }
        ("one_hot" | "index", [unknown, names @ ..]) if are_sorted(names) => Encoding::Category {
            index: form == "index",
            unknown: unknown.parse().ok()?,
            names: names.iter().map(|&name| name.to_owned()).collect(),
        },
        _ => return None,
    })
}

/// Returns whether there is at least one name, and each is greater than the name before it.
fn are_sorted(names: &[&str]) -> bool {
    !names.is_empty() && names.is_sorted_by(|a, b| a < b)
}
