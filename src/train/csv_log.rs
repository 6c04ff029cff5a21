use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
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
/// The columns are those of [`History::to_csv`](crate::train::History::to_csv), followed by the learning rate of the last step of
/// the epoch. The header is written with the first row. If a row cannot be written, the run stops, and [`finish`](CsvLog::finish)
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
    /// The first line of the file, which must be the header of the rows, or `None` if the file is empty.
    header: Option<String>,
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

    /// Opens the file to add rows after the existing ones, for a run that is resumed. If there is no file, or an empty one, this
    /// is [`create`](CsvLog::create).
    ///
    /// The run must have the columns of the file. With others, for example of another [`metric`](crate::Trainer::metric), it
    /// stops at its first row, the file stays unchanged, and [`finish`](CsvLog::finish) returns the error.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Io`] if the file cannot be read or written.
    pub fn append(path: impl AsRef<Path>) -> Result<Self> {
        Self::open(path.as_ref(), OpenOptions::new().read(true).append(true).create(true))
    }

    fn open(path: &Path, options: &OpenOptions) -> Result<Self> {
        let open = || {
            let file = options.open(path)?;
            let header = if file.metadata()?.len() == 0 { None } else { Some(first_line(&file)?) };
            Ok((file, header))
        };
        let (file, header) = open().map_err(|error| Error::Io { path: path.into(), error })?;
        Ok(Self { path: path.into(), file, header, result: Ok(()) })
    }

    /// Ends the log.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Io`] if a row could not be written, or does not have the columns of the file.
    pub fn finish(self) -> Result<()> {
        self.result.map_err(|error| Error::Io { path: self.path, error })
    }

    /// Writes a row, after the header if the file is empty.
    fn write(&mut self, header: String, row: &str) -> io::Result<()> {
        // The file has no buffer, and a row is one write.
        match &self.header {
            None => {
                self.file.write_all(format!("{header}\r\n{row}\r\n").as_bytes())?;
                self.header = Some(header);
                Ok(())
            }
            Some(first) if *first == header => self.file.write_all(format!("{row}\r\n").as_bytes()),
            Some(first) => {
                let problem = format!("first line: expected the columns of the run, {header}, got {first}");
                Err(io::Error::new(io::ErrorKind::InvalidData, problem))
            }
        }
    }
}

/// Returns the first line of a file, without its end.
fn first_line(file: &File) -> io::Result<String> {
    let mut line = Vec::new();
    BufReader::new(file).read_until(b'\n', &mut line)?;
    Ok(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())
}

impl<A: Scalar> Observer<A> for CsvLog {
    fn on_epoch(&mut self, epoch: &Epoch, _model: &Sequential<A>) -> ControlFlow<()> {
        if self.result.is_ok() {
            let header = format!("{},learning_rate", csv_header(&epoch.metrics));
            let row = format!("{},{}", csv_cells(epoch), csv_cell(epoch.learning_rate));
            self.result = self.write(header, &row);
        }
        if self.result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}
