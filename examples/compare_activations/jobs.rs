//! Concurrent runs, one thread each, with progress bars.

use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use indicatif::{HumanDuration, MultiProgress, ProgressBar, ProgressStyle};
use manabi::train::BatchProgress;

use crate::Result;
use crate::digits::Digits;
use crate::run::{Row, Run};
use crate::store::Store;

pub struct Jobs<'a> {
    pub digits: &'a Digits,
    pub store: &'a Store,
    pub threads: usize,
}

impl Jobs<'_> {
    /// Returns the rows of all runs, in order. Loads stored runs, and trains and stores the others.
    pub fn complete(&self, what: &str, runs: &[Run]) -> Result<Vec<Vec<Row>>> {
        let mut missing: Vec<&Run> = Vec::new();
        for run in runs {
            if !missing.contains(&run) && self.store.load(run).is_none() {
                missing.push(run);
            }
        }
        let unique = runs.iter().enumerate().filter(|(i, run)| !runs[..*i].contains(run)).count();
        let stored = unique - missing.len();
        if stored > 0 {
            let folder = self.store.folder().display();
            eprintln!("{what}: {stored} of {unique} runs are already in {folder}");
        }
        // Start the longest runs first, so that all threads finish at about the same time.
        missing.sort_by_key(|run| std::cmp::Reverse(run.cost()));
        self.train(what, &missing)?;
        let load = |run| self.store.load(run).ok_or("a stored run has disappeared");
        Ok(runs.iter().map(load).collect::<Result<_, _>>()?)
    }

    /// Trains and stores all runs. The first error stops all.
    fn train(&self, what: &str, runs: &[&Run]) -> Result<()> {
        if runs.is_empty() {
            return Ok(());
        }
        let bars = Bars::new(what, runs)?;
        let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let failure = Mutex::new(None);
        let work = || {
            while let Some(run) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                if let Err(error) = self.train_one(run, &bars, &stop) {
                    stop.store(true, Ordering::Relaxed);
                    failure.lock().expect("no worker panics").get_or_insert(error);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..self.threads.min(runs.len()) {
                scope.spawn(work);
            }
        });
        bars.whole.finish_and_clear();
        failure.into_inner().expect("no worker panics").map_or(Ok(()), Err)
    }

    fn train_one(&self, run: &Run, bars: &Bars, stop: &AtomicBool) -> Result<()> {
        let bar = bars.begin(run)?;
        let watch = |progress: BatchProgress| {
            bars.advance(run, &bar, progress);
            if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        if let Some(rows) = run.train(self.digits, &watch)? {
            self.store.save(run, &rows)?;
            bars.finish(run, &bar, &rows);
        }
        Ok(())
    }
}

/// A progress bar for all runs and one for each active run. Without a terminal, prints lines instead.
struct Bars {
    all: MultiProgress,
    whole: ProgressBar,
    runs: usize,
    finished: AtomicUsize,
    what: String,
}

impl Bars {
    fn new(what: &str, runs: &[&Run]) -> Result<Self> {
        let all = MultiProgress::new();
        let whole = all.add(ProgressBar::new(runs.iter().map(|run| run.cost()).sum()));
        let template = "{prefix} {wide_bar} {msg} runs, {elapsed} elapsed, {eta} left";
        whole.set_style(ProgressStyle::with_template(template)?);
        whole.set_prefix(what.to_owned());
        whole.set_message(format!("0/{}", runs.len()));
        Ok(Self { all, whole, runs: runs.len(), finished: AtomicUsize::new(0), what: what.into() })
    }

    fn begin(&self, run: &Run) -> Result<ProgressBar> {
        let bar = self.all.insert_before(&self.whole, ProgressBar::new(run.epochs as u64));
        bar.set_style(ProgressStyle::with_template("{prefix:32} {wide_bar} epoch {msg}/{len}, {eta} left")?);
        bar.set_prefix(run.label());
        bar.set_message("0");
        Ok(bar)
    }

    fn advance(&self, run: &Run, bar: &ProgressBar, progress: BatchProgress) {
        if progress.batch == progress.batches {
            bar.set_message(progress.epoch.to_string());
            bar.set_position(progress.epoch as u64);
            self.whole.inc(run.cost() / run.epochs as u64);
        }
    }

    fn finish(&self, run: &Run, bar: &ProgressBar, rows: &[Row]) {
        bar.finish_and_clear();
        self.all.remove(bar);
        let finished = self.finished.fetch_add(1, Ordering::Relaxed) + 1;
        self.whole.set_message(format!("{finished}/{}", self.runs));
        if !std::io::stderr().is_terminal() {
            let accuracy =
                rows.last().and_then(|row| row.test).map_or(f64::NAN, |[accuracy, _]| 100.0 * accuracy);
            let (what, label, left) = (&self.what, run.label(), HumanDuration(self.whole.eta()));
            eprintln!("{what}: {finished}/{} {label}: {accuracy:.2} %, {left:#} left", self.runs);
        }
    }
}
