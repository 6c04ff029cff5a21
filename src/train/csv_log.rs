use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::history::{Epoch, csv_cell, csv_cells, csv_header};
use super::observer::Observer;
use crate::error::{Error, Result};
use crate::model::Sequential;
use crate::scalar::Scalar;

/// An observer that writes each row of the history to a CSV file as soon as the epoch ends, so that a run can be watched, and its
/// rows are kept if it is interrupted.
///
/// The columns are those of [`History::to_csv`](crate::train::History::to_csv), followed by the learning rate of the last step of the
/// epoch. The header is written with the first row. If a row cannot be written, the run stops, and [`finish`](CsvLog::finish)
/// returns the error.
///
/// # Examples
///
/// ```
/// use manabi::prelude::*;
/// use manabi::train::CsvLog;
/// use ndarray::array;
///
/// let data = Samples::new(array![[1.0], [2.0]], array![[1.0], [2.0]])?;
/// let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(1));
/// let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build()?;
/// let path = std::env::temp_dir().join(format!("manabi-log-{}.csv", std::process::id()));
/// let mut log = CsvLog::create(&path)?;
/// Trainer::new().batch_size(2).epochs(3).observe(&mut log).fit(&mut model, &data)?;
/// log.finish()?;
/// let rows = std::fs::read_to_string(&path).unwrap();
/// assert!(rows.starts_with("epoch,train_loss,") && rows.ends_with(",0.1\r\n"));
/// assert_eq!(rows.lines().count(), 1 + 4); // the header, row 0 and three epochs
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "finish returns the error of a row that could not be written"]
#[doc(alias("CSVLogger", "logger", "TensorBoard"))]
pub struct CsvLog {
    path: PathBuf,
    file: File,
    /// Whether the file is empty, so that the header comes before the first row.
    is_empty: bool,
    result: io::Result<()>,
}

impl CsvLog {
    /// Creates the file, or removes its content.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Io`] if the file cannot be written.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        Self::open(path.as_ref(), OpenOptions::new().write(true).create(true).truncate(true))
    }

    /// Opens the file to add rows after the existing ones, for a run that is resumed. If there is no file, or an empty one, this is
    /// [`create`](CsvLog::create).
    ///
    /// # Errors
    ///
    /// Returns [`Error::Io`] if the file cannot be written.
    pub fn append(path: impl AsRef<Path>) -> Result<Self> {
        Self::open(path.as_ref(), OpenOptions::new().append(true).create(true))
    }

    fn open(path: &Path, options: &OpenOptions) -> Result<Self> {
        let open = || {
            let file = options.open(path)?;
            let is_empty = file.metadata()?.len() == 0;
            Ok((file, is_empty))
        };
        let (file, is_empty) = open().map_err(|error| Error::Io { path: path.into(), error })?;
        Ok(Self { path: path.into(), file, is_empty, result: Ok(()) })
    }

    /// Ends the log.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Io`] if a row could not be written.
    pub fn finish(self) -> Result<()> {
        self.result.map_err(|error| Error::Io { path: self.path, error })
    }
}

impl<A: Scalar> Observer<A> for CsvLog {
    fn on_epoch(&mut self, epoch: &Epoch, _model: &Sequential<A>) -> ControlFlow<()> {
        if self.result.is_ok() {
            // The file has no buffer, and a row is one write.
            let header = format!("{},learning_rate\r\n", csv_header(&epoch.metrics));
            let row = format!("{},{}\r\n", csv_cells(epoch), csv_cell(epoch.learning_rate));
            let row = if self.is_empty { header + &row } else { row };
            self.is_empty = false;
            self.result = self.file.write_all(row.as_bytes());
        }
        if self.result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}
