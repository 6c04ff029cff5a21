//! The store of finished runs. Every run is saved as soon as it ends, so that a comparison can resume after being killed.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::Result;
use crate::digits::Digits;
use crate::run::{Row, Run};

const MEASURED: &str =
    "epoch,seconds,train_accuracy,train_loss,test_accuracy,test_loss,greatest_difference_of_a_parameter";

/// The folder of the results. Only one program at a time writes to it.
pub struct Store {
    folder: PathBuf,
    /// The fields that the settings of a run do not contain.
    common: [(&'static str, String); 2],
    /// Locked while the program runs. The system releases the lock however the program ends.
    _lock: File,
}

impl Store {
    pub fn open(folder: &Path, digits: &Digits) -> Result<Self> {
        let runs = folder.join("runs");
        fs::create_dir_all(&runs).map_err(|error| at(&runs, error))?;
        let path = folder.join("lock");
        let lock = File::create(&path).map_err(|error| at(&path, error))?;
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(format!(
                    "{}: locked by another comparison; choose another folder with --out",
                    folder.display()
                )
                .into());
            }
            Err(TryLockError::Error(error)) => return Err(at(&path, error).into()),
            Ok(()) => {}
        }
        let common = [("data", digits.checksum.clone()), ("version", env!("CARGO_PKG_VERSION").into())];
        Ok(Self { folder: folder.into(), common, _lock: lock })
    }

    /// Returns the rows of the run with exactly these settings, if it is stored and complete.
    pub fn load(&self, run: &Run) -> Option<Vec<Row>> {
        let text = fs::read_to_string(self.folder.join(name(run))).ok()?;
        let (head, lines) = text.strip_suffix('\n')?.split_once('\n')?;
        if head != self.head(run) {
            return None;
        }
        let settings = self.settings(run);
        let rows: Vec<Row> =
            lines.split('\n').map(|line| parse(line.strip_prefix(&settings)?)).collect::<Option<_>>()?;
        rows.iter().map(|row| row.epoch).eq(0..=run.epochs).then_some(rows)
    }

    /// Saves a finished run.
    pub fn save(&self, run: &Run, rows: &[Row]) -> Result<()> {
        let settings = self.settings(run);
        let lines = rows.iter().map(|row| format!("{settings}{}\n", print(row)));
        self.write(&name(run), &format!("{}\n{}", self.head(run), lines.collect::<String>()))
    }

    /// Writes a file atomically: under a temporary name, synchronised to the disk, then renamed.
    pub fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.join(name);
        let part = self.folder.join(format!("{name}.part"));
        let write = || -> io::Result<()> {
            let mut file = File::create(&part)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&part, &path)?;
            // Synchronise the name, too; not every system can open a folder.
            path.parent().map_or(Ok(()), |folder| File::open(folder).and_then(|f| f.sync_all()).or(Ok(())))
        };
        write().map_err(|error| at(&path, error).into())
    }

    /// Returns the contents of a file, if it exists.
    pub fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.folder.join(name)).ok()
    }

    /// Returns the fields that the settings of a run do not contain: the digits and the version.
    pub fn stamp(&self) -> String {
        self.common.each_ref().map(|(_, value)| value.as_str()).join(",")
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn head(&self, run: &Run) -> String {
        let names: String =
            run.settings().iter().chain(&self.common).map(|(name, _)| format!("{name},")).collect();
        names + MEASURED
    }

    /// Returns the fields before the results in every line.
    fn settings(&self, run: &Run) -> String {
        run.settings().iter().chain(&self.common).map(|(_, value)| format!("{value},")).collect()
    }
}

/// Returns the name of a run's file, formed from its settings.
fn name(run: &Run) -> String {
    let settings: Vec<String> =
        run.settings().into_iter().map(|(_, value)| value).filter(|value| !value.is_empty()).collect();
    format!("runs/{}.csv", settings.join("_"))
}

fn at(path: &Path, error: io::Error) -> String {
    format!("{}: {error}", path.display())
}

/// Formats values in the shortest form that parses to the same value. A missing value is an empty field.
fn print(row: &Row) -> String {
    let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    let [train_accuracy, train_loss] = row.train;
    let fields = [
        Some(row.elapsed),
        Some(train_accuracy),
        Some(train_loss),
        row.test.map(|test| test[0]),
        row.test.map(|test| test[1]),
        row.difference,
    ];
    format!("{},{}", row.epoch, fields.map(number).join(","))
}

fn parse(line: &str) -> Option<Row> {
    let fields: Vec<&str> = line.split(',').collect();
    let &[epoch, elapsed, train_accuracy, train_loss, test_accuracy, test_loss, difference] = &fields[..]
    else {
        return None;
    };
    let number = |field: &str| field.parse::<f64>().ok();
    let optional = |field: &str| if field.is_empty() { Some(None) } else { number(field).map(Some) };
    Some(Row {
        epoch: epoch.parse().ok()?,
        elapsed: number(elapsed)?,
        train: [number(train_accuracy)?, number(train_loss)?],
        test: match (optional(test_accuracy)?, optional(test_loss)?) {
            (Some(accuracy), Some(loss)) => Some([accuracy, loss]),
            (None, None) => None,
            _ => return None,
        },
        difference: optional(difference)?,
    })
}
