//! The history of a run in a file in the folder of its checkpoints, with a line of JSON for each row. A checkpoint stores the
//! number of rows that belong to it, so that each row is written once and not again with every checkpoint.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::file;
use crate::error::{Error, Result};

/// A row of the history.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Row {
    pub train: Measured,
    pub validation: Option<Measured>,
    pub test: Option<Measured>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<Own>,
    pub nanoseconds: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Measured {
    pub loss: f64,
    pub accuracy: Option<f64>,
}

/// The values of a metric of the user.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Own {
    pub name: String,
    pub validation: Option<f64>,
    pub test: Option<f64>,
}

/// The rows that belong to a checkpoint.
#[derive(Deserialize, Serialize)]
pub(crate) struct Rows {
    pub count: usize,
    /// The last row, which reveals the history file of a different run.
    pub last: Row,
}

/// Writes a file that contains exactly these rows, as a whole or not at all. Does nothing if the file already has this content.
pub(crate) fn write(path: &Path, rows: &[Row]) -> Result<()> {
    let lines = rows.iter().map(line).collect::<io::Result<Vec<_>>>();
    let lines = lines.map_err(|error| Error::Io { path: path.into(), error })?.concat();
    match file::read(path) {
        Ok(same) if same == lines => Ok(()),
        _ => file::write(path, &lines),
    }
}

/// Appends a row to a file and flushes the file to the disk. If the write is interrupted, the file may end with a row or a part
/// of a row that no checkpoint counts.
pub(crate) fn append(path: &Path, row: &Row) -> Result<()> {
    let append = || {
        let mut file = File::options().append(true).open(path)?;
        file.write_all(&line(row)?)?;
        file.sync_data()
    };
    append().map_err(|error| Error::Io { path: path.into(), error })
}

/// Reads the rows of a checkpoint. Later rows in the file are ignored.
pub(crate) fn read(path: &Path, rows: &Rows) -> Result<Vec<Row>> {
    let bytes = file::read(path)?;
    let mismatch = |problem| Error::Mismatch { file: path.into(), problems: vec![problem] };
    let mut all = Vec::new();
    for (number, line) in bytes.split_inclusive(|&byte| byte == b'\n').take(rows.count).enumerate() {
        let row = serde_json::from_slice(line);
        all.push(row.map_err(|error| mismatch(format!("row {number} of the history: {error}")))?);
    }
    if all.len() != rows.count {
        return Err(mismatch(format!("rows of the history: expected {}, got {}", rows.count, all.len())));
    }
    if all.last() != Some(&rows.last) {
        let reason =
            "row of the history: expected the last row of the checkpoint, got a row of a different run";
        return Err(mismatch(format!("last {reason}")));
    }
    Ok(all)
}

fn line(row: &Row) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(row)?;
    line.push(b'\n');
    Ok(line)
}
