//! The rows of a run on stdout, and a progress bar on stderr.

use std::fs::File;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use manabi::train::{BatchProgress, Epoch, Observer};
use manabi::{Scalar, Sequential};

use super::Result;

/// Prints each epoch, updates the progress bar, and stops on Ctrl-C or if a row cannot be written.
pub struct Console {
    bar: ProgressBar,
    /// The file to which the rows go in addition to stdout. It is created with the first row, so that a run that fails earlier
    /// does not overwrite it.
    path: Option<PathBuf>,
    csv: Option<File>,
    interrupted: Arc<AtomicBool>,
    result: Result<()>,
}

impl Console {
    pub fn new(path: Option<PathBuf>) -> Result<Self> {
        let interrupted = Arc::new(AtomicBool::new(false));
        let flag = interrupted.clone();
        ctrlc::set_handler(move || {
            if flag.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
        })?;
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(ProgressStyle::with_template(
            "epoch {msg} {wide_bar} {pos}/{len} batches, {eta} left",
        )?);
        Ok(Self { bar, path, csv: None, interrupted, result: Ok(()) })
    }

    /// Removes the bar, and returns the error of a row that could not be written.
    pub fn finish(self) -> Result<()> {
        self.bar.finish_and_clear();
        self.result
    }

    /// Prints a line to stdout without disturbing the bar.
    fn line(&self, line: &str) -> io::Result<()> {
        self.bar.suspend(|| writeln!(io::stdout(), "{line}"))
    }

    /// Prints the lines before the rows.
    fn head(&mut self, table: &str) -> Result<()> {
        if let Some(path) = &self.path {
            let mut csv = File::create(path).map_err(|error| format!("{}: {error}", path.display()))?;
            writeln!(csv, "epoch,train_accuracy,train_loss,test_accuracy,test_loss")?;
            self.csv = Some(csv);
        }
        Ok(self.line(table)?)
    }

    fn row(&mut self, epoch: &Epoch) -> Result<()> {
        let metrics = [Some(epoch.train), epoch.test].into_iter().flatten();
        let columns =
            metrics.flat_map(|m| [m.accuracy.unwrap_or(f64::NAN), m.loss]).map(|value| value.to_string());
        let row: Vec<String> = std::iter::once(epoch.number.to_string()).chain(columns).collect();
        if let Some(csv) = &mut self.csv {
            writeln!(csv, "{}", row.join(","))?;
        }
        Ok(self.line(&row.join(" "))?)
    }
}

impl<A: Scalar> Observer<A> for Console {
    fn on_batch(&mut self, progress: BatchProgress) -> ControlFlow<()> {
        self.bar.set_length(progress.batches as u64);
        self.bar.set_position(progress.batch as u64);
        self.bar.set_message(progress.epoch.to_string());
        if self.interrupted.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn on_epoch(&mut self, epoch: &Epoch, model: &Sequential<A>) -> ControlFlow<()> {
        let head = if epoch.number == 0 { self.head(&model.to_string()) } else { Ok(()) };
        self.result = head.and_then(|()| self.row(epoch));
        if self.result.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
