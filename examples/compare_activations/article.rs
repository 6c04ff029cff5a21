//! The article's tables, with the published figures next to the measured ones.

use std::process::ExitCode;

use crate::Result;
use crate::arguments::{Args, SEED};
use crate::digits::Digits;
use crate::function::Function;
use crate::jobs::Jobs;
use crate::network::Network;
use crate::pictures;
use crate::report::{self, Section};
use crate::run::{BATCH, Plan, Row, Run};
use crate::statistics;
use crate::sums::Sums;
use crate::table::{Cell, Table};

/// One of the article's tables.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Comparison {
    Basic,
    Beta,
    LearningRate,
    Width,
}

const NARROW: Network = Network::Dense([100, 50]);
const WIDE: Network = Network::Dense([200, 100]);

/// The test accuracies in percent whose first epoch is reported.
const THRESHOLDS: [f64; 3] = [95.0, 97.0, 98.0];

/// The network in the reports of the article's comparison.
pub const NETWORK: &str = "784-100-50-10 unless stated otherwise";

/// The article's number of epochs.
const EPOCHS: usize = 50;

/// The published rows: activation, β, learning rate, hidden widths; final training accuracy, final test accuracy and best
/// test accuracy in percent; first epochs at or above 95, 97 and 98 %.
#[rustfmt::skip]
const PUBLISHED: [[&str; 10]; 15] = [
    ["relu",  "",    "0.1", "100-50",  "100.00", "97.85", "97.88", "2", "5",  ""],
    ["swish", "1.0", "0.1", "100-50",  "100.00", "98.01", "98.05", "3", "7",  "33"],
    ["mish",  "",    "0.1", "100-50",  "100.00", "97.89", "97.99", "3", "7",  ""],
    ["swish", "0.5", "0.1", "100-50",  "99.92",  "97.79", "97.98", "4", "11", ""],
    ["swish", "1.0", "0.1", "100-50",  "100.00", "98.01", "98.05", "3", "7",  "33"],
    ["swish", "2.0", "0.1", "100-50",  "100.00", "97.96", "98.00", "2", "6",  "30"],
    ["relu",  "",    "0.5", "100-50",  "100.00", "98.07", "98.12", "1", "3",  "22"],
    ["swish", "1.0", "0.5", "100-50",  "100.00", "98.07", "98.13", "1", "4",  "17"],
    ["mish",  "",    "0.5", "100-50",  "100.00", "98.24", "98.26", "1", "2",  "11"],
    ["relu",  "",    "0.1", "200-100", "100.00", "98.01", "98.08", "2", "5",  "26"],
    ["swish", "1.0", "0.1", "200-100", "99.99",  "98.10", "98.15", "3", "6",  "17"],
    ["mish",  "",    "0.1", "200-100", "100.00", "98.15", "98.21", "2", "6",  "16"],
    ["relu",  "",    "0.5", "200-100", "100.00", "98.29", "98.31", "1", "2",  "10"],
    ["swish", "1.0", "0.5", "200-100", "100.00", "98.30", "98.37", "1", "3",  "7"],
    ["mish",  "",    "0.5", "200-100", "100.00", "98.26", "98.35", "1", "2",  "4"],
];

/// The published row that depends on the last bits of sums, with its tolerance in percentage points.
const LAST_BITS: ([&str; 4], f64) = (["relu", "", "0.5", "100-50"], 0.1);

impl Comparison {
    pub const ALL: [Self; 4] = [Self::Basic, Self::Beta, Self::LearningRate, Self::Width];

    pub fn name(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Beta => "beta",
            Self::LearningRate => "learning-rate",
            Self::Width => "width",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Basic => "Basic: learning rate 0.1, 100-50",
            Self::Beta => "β of Swish: learning rate 0.1, 100-50",
            Self::LearningRate => "Learning rate 0.5, 100-50",
            Self::Width => "Width 200-100, learning rates 0.1 and 0.5",
        }
    }

    /// Returns the runs of the table's rows, with the article's seed.
    fn runs(self, args: &Args) -> Vec<Run> {
        let (functions, settings) = match self {
            Self::Basic => (args.activations.clone(), vec![(0.1, NARROW)]),
            Self::Beta => ([0.5, 1.0, 2.0].map(Function::Swish).to_vec(), vec![(0.1, NARROW)]),
            Self::LearningRate => (args.activations.clone(), vec![(0.5, NARROW)]),
            Self::Width => (args.activations.clone(), vec![(0.1, WIDE), (0.5, WIDE)]),
        };
        let pairs = settings.into_iter().flat_map(|setting| functions.iter().map(move |&f| (f, setting)));
        pairs
            .map(|(function, (learning_rate, network))| Run {
                function,
                learning_rate,
                network,
                epochs: args.epochs,
                seed: SEED,
                dtype: args.dtype,
                plan: Plan::EveryEpoch,
                sums: Sums::AsTheyCome,
            })
            .collect()
    }
}

/// Returns a run in the article's columns: final training accuracy, final test accuracy and best test accuracy, in percent
/// to two digits, and the first epochs at or above the thresholds.
pub fn figures(rows: &[Row]) -> [String; 6] {
    let [train, test, best] = accuracies(rows).map(|accuracy| format!("{accuracy:.2}"));
    let [first, second, third] = THRESHOLDS.map(|threshold| {
        let first = rows.iter().find(|row| test_accuracy(row) >= threshold / 100.0);
        first.map_or(String::new(), |row| row.epoch.to_string())
    });
    [train, test, best, first, second, third]
}

/// Returns the accuracies of the article's columns in percent.
fn accuracies(rows: &[Row]) -> [f64; 3] {
    let last = rows.last();
    let train = last.map_or(f64::NAN, |row| row.train[0]);
    let best = rows.iter().map(test_accuracy).fold(f64::NAN, f64::max);
    [train, last.map_or(f64::NAN, test_accuracy), best].map(|accuracy| 100.0 * accuracy)
}

fn test_accuracy(row: &Row) -> f64 {
    row.test.map_or(f64::NAN, |[accuracy, _]| accuracy)
}

/// Returns the published figures of a run.
fn published(run: &Run) -> Option<[&'static str; 6]> {
    let row = PUBLISHED.iter().find(|row| row[..4] == key(run))?;
    (run.seed == SEED).then(|| std::array::from_fn(|i| row[4 + i]))
}

/// Returns the key that identifies a published row.
fn key(run: &Run) -> [String; 4] {
    let settings = run.settings();
    std::array::from_fn(|i| settings[i].1.clone())
}

/// Returns the settings of a comparison with this network, for a report.
pub fn settings(args: &Args, digits: &Digits, network: &str) -> Vec<(&'static str, String)> {
    vec![
        ("Data", digits.describe()),
        ("Network", format!("{network}, softmax, cross entropy")),
        ("Initial weights", "He normal (SELU: LeCun normal), biases 0".into()),
        ("Optimizer", format!("SGD, batches of {BATCH}")),
        ("Epochs", args.epochs.to_string()),
        ("Seeds", args.seeds.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")),
        ("Precision", args.dtype.name().into()),
        ("manabi", env!("CARGO_PKG_VERSION").into()),
    ]
}

/// Runs and prints the tables, and writes tables, pictures and report.
pub fn compare(args: &Args, tables: &[Comparison], jobs: &Jobs<'_>) -> Result<ExitCode> {
    let comparable = args.epochs == EPOCHS && jobs.digits.are_mnist();
    if args.strict && !comparable {
        return Err(format!("--strict: the published figures apply only to MNIST and {EPOCHS} epochs").into());
    }
    let runs: Vec<Run> = tables.iter().flat_map(|table| table.runs(args)).collect();
    let all: Vec<Run> = args.seeds.iter().flat_map(|&seed| with_seed(&runs, seed)).collect();
    let results = jobs.complete("runs", &all)?;
    let results = Results { args, comparable, runs: all, results };
    let mut sections = Vec::new();
    let (mut off, mut csv) = (0, String::new());
    for table in tables {
        let runs = table.runs(args);
        let printed = results.table(&runs);
        off += results.off(&runs);
        printed.print(&format!("{}: {}", table.name(), table.title()))?;
        csv += &format!("{}\n{}\n", table.name(), printed.csv());
        sections.push(Section::table(table.title(), results.note(), printed));
        if args.seeds.len() > 1 {
            let spread = results.spread(&runs);
            let title =
                format!("{}: mean ± standard deviation over {} seeds", table.name(), args.seeds.len());
            spread.print(&title)?;
            csv += &format!("{} over seeds\n{}\n", table.name(), spread.csv());
            sections.push(Section::table(&title, "", spread));
        }
    }
    jobs.store.write("tables.csv", &csv)?;
    let mut pictures = pictures::functions()?;
    pictures.extend(results.pictures(tables)?);
    for picture in &pictures {
        jobs.store.write(&format!("{}.svg", picture.name), &picture.svg)?;
    }
    sections.push(Section::pictures("Pictures", "", pictures));
    let page = report::page("ReLU, Swish and Mish", &settings(args, jobs.digits, NETWORK), &sections);
    jobs.store.write("report.html", &page)?;
    eprintln!("report: {}", jobs.store.folder().join("report.html").display());
    Ok(if args.strict && off > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn with_seed(runs: &[Run], seed: u32) -> Vec<Run> {
    runs.iter().map(|run| Run { seed, ..run.clone() }).collect()
}

struct Results<'a> {
    args: &'a Args,
    /// Whether the published figures apply to these runs.
    comparable: bool,
    runs: Vec<Run>,
    results: Vec<Vec<Row>>,
}

impl Results<'_> {
    fn of(&self, run: &Run) -> &[Row] {
        let place = self.runs.iter().position(|other| other == run);
        place.map_or(&[], |place| &self.results[place])
    }

    fn note(&self) -> &'static str {
        if self.comparable {
            "Small type: the published figure; ≠ marks a difference. ReLU at learning rate 0.5 and 100-50 depends on the last \
             bits of sums."
        } else {
            "Without the published figures, which apply only to MNIST and 50 epochs."
        }
    }

    /// Returns an empty table with the article's columns.
    fn table(&self, runs: &[Run]) -> Table {
        let mut table = Table::new(&[
            "activation",
            "learning rate",
            "train %",
            "test %",
            "best test %",
            "first epoch ≥ 95 %",
            "≥ 97 %",
            "≥ 98 %",
        ]);
        for run in runs {
            let head = [run.function.label(), run.learning_rate.to_string()].map(Cell::new);
            table.push(head.into_iter().chain(self.cells(run)).collect());
        }
        table
    }

    /// Returns the figures of a run, next to the published ones.
    fn cells(&self, run: &Run) -> [Cell; 6] {
        let published = published(run).filter(|_| self.comparable);
        let mut cells = figures(self.of(run)).map(Cell::new);
        for (i, cell) in cells.iter_mut().enumerate() {
            cell.published = published.map(|published| published[i].into());
        }
        cells
    }

    /// Returns the number of figures that differ from the published ones. In the row that depends on the last bits, only
    /// accuracies outside the tolerance count.
    fn off(&self, runs: &[Run]) -> usize {
        let (depends, tolerance) = LAST_BITS;
        let far = |cell: &Cell| {
            let number = |text: &str| text.parse().unwrap_or(f64::NAN);
            let difference = number(&cell.text) - number(cell.published.as_deref().unwrap_or_default());
            // Both have two digits: half a unit of the third digit exceeds the rounding error of the subtraction.
            difference.is_nan() || difference.abs() > tolerance + 0.005
        };
        let off = |run: &Run| {
            let cells = self.cells(run);
            if key(run) == depends {
                return cells[..3].iter().filter(|cell| cell.differs() && far(cell)).count();
            }
            cells.iter().filter(|cell| cell.differs()).count()
        };
        runs.iter().map(off).sum()
    }

    /// Returns the accuracies over all seeds.
    fn spread(&self, runs: &[Run]) -> Table {
        let mut table = Table::new(&["activation", "learning rate", "train %", "test %", "best test %"]);
        for run in runs {
            let seeds: Vec<[f64; 3]> =
                with_seeds(run, &self.args.seeds).iter().map(|run| accuracies(self.of(run))).collect();
            let spread = |i: usize| {
                let values: Vec<f64> = seeds.iter().map(|accuracies| accuracies[i]).collect();
                format!("{:.2} ± {:.2}", statistics::mean(&values), statistics::deviation(&values))
            };
            let head = [run.function.label(), run.learning_rate.to_string()];
            table.push(head.into_iter().chain([0, 1, 2].map(spread)).map(Cell::new).collect());
        }
        table
    }

    /// Returns the curves over epochs of the requested tables.
    fn pictures(&self, tables: &[Comparison]) -> Result<Vec<pictures::Picture>> {
        let curves = |table: Comparison, network: Network, rate: f64| -> Vec<(String, &[Row])> {
            let runs = table.runs(self.args).into_iter();
            let runs = runs.filter(|run| run.network == network && run.learning_rate == rate);
            runs.map(|run| (run.function.label(), self.of(&run))).collect()
        };
        let mut pictures = Vec::new();
        for table in tables {
            match table {
                Comparison::LearningRate => {
                    let title = "Test accuracy, learning rate 0.5, 100-50";
                    pictures.push(pictures::accuracy(
                        "accuracy_100_50",
                        title,
                        &curves(*table, NARROW, 0.5),
                    )?);
                }
                Comparison::Width => {
                    let title = "Test accuracy, learning rate 0.5, 200-100";
                    pictures.push(pictures::accuracy("accuracy_200_100", title, &curves(*table, WIDE, 0.5))?);
                }
                Comparison::Basic => {
                    let title = "learning rate 0.1, 100-50";
                    pictures.extend(pictures::losses(title, &curves(*table, NARROW, 0.1))?);
                }
                Comparison::Beta => {}
            }
        }
        Ok(pictures)
    }
}

fn with_seeds(run: &Run, seeds: &[u32]) -> Vec<Run> {
    seeds.iter().map(|&seed| Run { seed, ..run.clone() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_published_figures_are_those_of_the_reference() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference/article_summary.csv");
        let Ok(text) = std::fs::read_to_string(&path) else {
            return println!("skipped: {} does not exist", path.display());
        };
        let rows = text.lines().skip(1).map(|line| line.split(',').skip(1).collect::<Vec<_>>());
        assert!(rows.eq(PUBLISHED.iter().map(|row| row.to_vec())));
    }

    fn rows(accuracies: &[f64]) -> Vec<Row> {
        let row = |(epoch, &accuracy): (usize, &f64)| Row {
            epoch,
            elapsed: 0.0,
            train: [accuracy, 1.0],
            test: Some([accuracy, 1.0]),
            difference: None,
        };
        accuracies.iter().enumerate().map(row).collect()
    }

    #[test]
    fn a_threshold_counts_from_its_very_value_on() {
        // Accuracies as counts of correct predictions yield them.
        let accuracies = [943.0, 9499.0 / 10.0, 950.0, 970.0, 980.0, 975.0].map(|right| right / 1000.0);
        let expected = ["97.50", "97.50", "98.00", "2", "3", "4"];
        assert_eq!(figures(&rows(&accuracies)), expected);
        assert_eq!(figures(&rows(&accuracies[..2])), ["94.99", "94.99", "94.99", "", "", ""]);
        for (right, threshold) in [(9500.0, 0.95), (9700.0, 0.97), (9800.0, 0.98)] {
            assert_eq!(right / 10_000.0, threshold);
        }
    }
}
