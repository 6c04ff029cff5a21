//! Every function at its own tuned learning rate, over several seeds.
//!
//! A study trains one network with plain SGD and initial weights suited to the function. The learning rate of each
//! function is the best of a grid on a validation set, held out from the training set, for seeds that the study does not use
//! otherwise. Every seed is then trained on the whole training set at this rate, and evaluated on the test set once. All
//! functions share the seeds, so that differences are computed per seed.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::Result;
use crate::arguments::Args;
use crate::article;
use crate::function::Function;
use crate::jobs::Jobs;
use crate::network::Network;
use crate::pictures::{self, Curve, Interval, Picture};
use crate::report::{self, Section};
use crate::run::{Plan, Row, Run};
use crate::statistics::{deviation, half_interval, holm, mean, signed_rank_test, t_test};
use crate::sums::Sums;
use crate::table::{Cell, Table};
use crate::time::{self, Time};

/// Seeds for tuning, below the seeds of the study.
const TUNING_SEEDS: [u32; 2] = [1, 2];
/// The exponents of the lowest and the highest rate that the search for a learning rate tries.
const ENDS: [i32; 2] = [-5, 6];
/// The significance level.
const LEVEL: f64 = 0.05;

/// A function is drawn if its mean is at most this number of percentage points below the best.
const NEAR: f64 = 2.0;

/// A study of one network.
#[derive(Clone, Copy, PartialEq)]
pub struct Study {
    /// The name of the table, with which the names of its files start.
    name: &'static str,
    title: &'static str,
    pub network: Network,
    /// The number of epochs without the flag.
    pub epochs: usize,
    /// The exponents k of the learning rates 0.1·2ᵏ that every function tries. If the best is at an end, the search continues up
    /// to `ENDS`.
    grid: &'static [i32],
    /// The name of the file with the times.
    pub times: &'static str,
}

/// Checks whether a run learned: it did not diverge, and its accuracy is more than twice that of guessing among ten classes.
fn has_learned(accuracy: f64) -> bool {
    accuracy > 20.0
}

/// A function with its validation accuracies in percent, by rate and seed.
struct Tuned {
    function: Function,
    /// The exponents of the first rates.
    grid: &'static [i32],
    tried: Vec<(i32, Vec<f64>)>,
}

/// A function at its rate, with the results.
struct Outcome {
    function: Function,
    learning_rate: f64,
    /// Test accuracies in percent by seed; NaN if the run diverged.
    accuracies: Vec<f64>,
    time: Time,
}

/// An outcome compared with ReLU's.
struct Judged<'a> {
    outcome: &'a Outcome,
    /// Differences per seed, for seeds at which both learned.
    differences: Vec<f64>,
    /// The p-values of the t test and the signed-rank test.
    p: [f64; 2],
    /// The p-values corrected for the number of functions.
    corrected: [f64; 2],
}

impl Study {
    /// The article's network and all functions.
    pub const ARTICLE: Self = Self {
        name: "study",
        title: "Tuned activation functions over several seeds",
        network: Network::Dense([100, 50]),
        epochs: 20,
        grid: &[-1, 0, 1, 2, 3],
        times: "time.csv",
    };

    /// A deeper network with shared weights, and the functions that later networks prefer to ReLU.
    pub const LENET: Self = Self {
        name: "lenet",
        title: "Tuned activation functions in LeNet-5 over several seeds",
        network: Network::LeNet,
        epochs: 12,
        grid: &[-1, 0, 1],
        times: "lenet_time.csv",
    };

    /// Returns the functions without the flag.
    pub fn functions(self) -> Vec<Function> {
        match self.network {
            Network::Dense(_) => Function::all(),
            Network::LeNet => Function::smooth(),
        }
    }

    pub fn compare(self, args: &Args, jobs: &Jobs<'_>) -> Result<ExitCode> {
        let tuned = self.tune(args, jobs)?;
        let outcomes = self.measure(args, jobs, &tuned)?;
        let judged = judge(&outcomes);
        let (summary, conclusion) = (summary(&judged), conclusion(&judged, args.seeds.len()));
        summary.print(self.title)?;
        writeln!(io::stdout(), "\n{conclusion}")?;

        let name = self.name;
        let (rates, seeds) = (rates_table(&tuned), seeds_table(args, &outcomes));
        for (file, text) in [
            (format!("{name}.csv"), summary.csv()),
            (format!("{name}_seeds.csv"), seeds.csv()),
            (format!("{name}_rates.csv"), rates.csv()),
            (format!("{name}.md"), format!("{}\n{conclusion}\n", summary.markdown())),
        ] {
            jobs.store.write(&file, &text)?;
        }
        let pictures = self.draw(&tuned, &judged)?;
        for picture in &pictures {
            jobs.store.write(&format!("{}.svg", picture.name), &picture.svg)?;
        }
        let sections = [
            Section::table("Test accuracy", &conclusion, summary),
            Section::pictures("Pictures", "", pictures),
            Section::table("Validation accuracy by learning rate", RATES_NOTE, rates),
        ];
        let settings = article::settings(args, jobs.digits, &self.network.title());
        let file = format!("{name}.html");
        jobs.store.write(&file, &report::page(self.title, &settings, &sections))?;
        eprintln!("report: {}", jobs.store.folder().join(file).display());
        Ok(ExitCode::SUCCESS)
    }

    pub fn run(self, args: &Args, function: Function, learning_rate: f64, seed: u32, plan: Plan) -> Run {
        let (epochs, dtype) = (args.epochs, args.dtype);
        let network = self.network;
        Run { function, learning_rate, network, epochs, seed, dtype, plan, sums: Sums::AsTheyCome }
    }

    /// Tries the grid for every function, and continues beyond an end of the grid if the best rate is there.
    fn tune(self, args: &Args, jobs: &Jobs<'_>) -> Result<Vec<Tuned>> {
        let mut tuned: Vec<Tuned> = args
            .activations
            .iter()
            .map(|&function| Tuned { function, grid: self.grid, tried: Vec::new() })
            .collect();
        loop {
            let wanted: Vec<(usize, i32)> = tuned
                .iter()
                .enumerate()
                .flat_map(|(i, one)| one.wanted().into_iter().map(move |k| (i, k)))
                .collect();
            if wanted.is_empty() {
                return Ok(tuned);
            }
            let runs: Vec<Run> = wanted
                .iter()
                .flat_map(|&(i, k)| TUNING_SEEDS.map(|seed| (tuned[i].function, k, seed)))
                .map(|(function, k, seed)| self.run(args, function, rate(k), seed, Plan::Validation))
                .collect();
            let accuracies: Vec<f64> =
                jobs.complete("tuning", &runs)?.iter().map(|rows| accuracy(rows)).collect();
            for ((i, k), accuracies) in wanted.into_iter().zip(accuracies.chunks(TUNING_SEEDS.len())) {
                tuned[i].tried.push((k, accuracies.to_vec()));
            }
            tuned.iter_mut().for_each(|one| one.tried.sort_by_key(|&(k, _)| k));
        }
    }

    /// Trains every function at its rate with all seeds.
    fn measure(self, args: &Args, jobs: &Jobs<'_>, tuned: &[Tuned]) -> Result<Vec<Outcome>> {
        let rates: Vec<(Function, f64)> = tuned.iter().map(|one| (one.function, rate(one.best()))).collect();
        // Seed by seed, so that an interrupted study has all functions of the seeds that it has finished.
        let pairs = args.seeds.iter().flat_map(|&seed| rates.iter().map(move |&pair| (pair, seed)));
        let runs: Vec<Run> =
            pairs.map(|((function, rate), seed)| self.run(args, function, rate, seed, Plan::Once)).collect();
        let results = jobs.complete(self.name, &runs)?;
        let times = time::measure(&self, args, jobs, &rates)?;
        let outcome = |(i, (&(function, learning_rate), time)): (usize, (&(Function, f64), Time))| {
            let own = results.iter().skip(i).step_by(rates.len());
            Outcome { function, learning_rate, accuracies: own.map(|rows| accuracy(rows)).collect(), time }
        };
        Ok(rates.iter().zip(times).enumerate().map(outcome).collect())
    }

    fn draw(self, tuned: &[Tuned], judged: &[Judged<'_>]) -> Result<Vec<Picture>> {
        let interval = |label: String, values: &[f64]| Interval {
            label,
            mean: mean(values),
            half: half_interval(values),
            values: values.to_vec(),
        };
        let (shown, far): (Vec<&Judged<'_>>, Vec<_>) = judged
            .iter()
            .filter(|one| one.differences.len() >= 2)
            .partition(|one| one.outcome.mean() > judged[0].outcome.mean() - NEAR);
        let far: Vec<String> = far.iter().map(|one| one.outcome.function.label()).collect();
        let beyond =
            if far.is_empty() { String::new() } else { format!("; off the scale: {}", far.join(", ")) };
        let accuracies: Vec<Interval> =
            shown.iter().map(|one| interval(one.outcome.function.label(), &one.outcome.learned())).collect();
        let differences: Vec<Interval> = shown
            .iter()
            .filter(|one| one.outcome.function != Function::Relu)
            .map(|one| interval(one.outcome.function.label(), &one.differences))
            .collect();
        // Only as many curves as can be distinguished: the article's functions first, then the next best.
        let known = [
            Function::Relu,
            Function::Swish(1.0),
            Function::Mish,
            Function::Gelu,
            Function::Selu,
            Function::Tanh,
            Function::Sigmoid,
        ];
        let curve = |one: &Tuned| Curve {
            label: one.function.label(),
            points: one
                .tried
                .iter()
                .map(|(k, accuracies)| (rate(*k), mean(accuracies)))
                .filter(|point| point.1.is_finite())
                .collect(),
        };
        let curves: Vec<Curve> = known
            .iter()
            .filter_map(|function| tuned.iter().find(|one| one.function == *function))
            .map(curve)
            .collect();
        Ok(vec![
            pictures::intervals(
                &format!("{}_accuracy", self.name),
                &format!("Test accuracy: mean with its 95 % interval, and every seed{beyond}"),
                "test accuracy (%)",
                &accuracies,
                false,
            )?,
            pictures::intervals(
                &format!("{}_difference", self.name),
                &format!(
                    "Test accuracy minus ReLU's, seed by seed: mean with its 95 % interval, not corrected{beyond}"
                ),
                "difference (points of a percent)",
                &differences,
                true,
            )?,
            pictures::rates(&format!("{}_rates", self.name), "Validation accuracy by learning rate", curves)?,
        ])
    }
}

const RATES_NOTE: &str =
    "In percent, the mean over the tuning seeds, after the last epoch; – marks a rate that was not tried.";

fn rate(k: i32) -> f64 {
    0.1 * 2_f64.powi(k)
}

/// Returns the accuracy of a run that is evaluated once, in percent.
fn accuracy(rows: &[Row]) -> f64 {
    rows.last().and_then(|row| row.test).map_or(f64::NAN, |[accuracy, _]| 100.0 * accuracy)
}

impl Tuned {
    /// Returns the rates that remain to be tried.
    fn wanted(&self) -> Vec<i32> {
        let (Some(&(first, _)), Some(&(last, _))) = (self.tried.first(), self.tried.last()) else {
            return self.grid.to_vec();
        };
        match self.best() {
            best if best == first && first > ENDS[0] => vec![first - 1],
            best if best == last && last < ENDS[1] => vec![last + 1],
            _ => Vec::new(),
        }
    }

    /// Returns the rate with the highest mean, the lowest in a tie. A rate at which a run diverged is the worst.
    fn best(&self) -> i32 {
        let worth =
            |accuracies: &[f64]| Some(mean(accuracies)).filter(|mean| mean.is_finite()).unwrap_or(-1.0);
        let mut best = (self.grid[0], f64::NEG_INFINITY);
        for (k, accuracies) in &self.tried {
            if worth(accuracies) > best.1 {
                best = (*k, worth(accuracies));
            }
        }
        best.0
    }
}

/// Compares all outcomes with ReLU, the best first.
fn judge(outcomes: &[Outcome]) -> Vec<Judged<'_>> {
    let Some(relu) = outcomes.iter().find(|outcome| outcome.function == Function::Relu) else {
        return Vec::new();
    };
    let mut judged: Vec<Judged<'_>> = outcomes
        .iter()
        .map(|outcome| {
            let pairs = outcome.accuracies.iter().zip(&relu.accuracies);
            let learned = pairs.filter(|(own, relu)| has_learned(**own) && has_learned(**relu));
            let differences: Vec<f64> = learned.map(|(own, relu)| own - relu).collect();
            let enough = differences.len() >= 2 && outcome.function != Function::Relu;
            let p = if enough { [t_test, signed_rank_test].map(|test| test(&differences)) } else { [1.0; 2] };
            Judged { outcome, differences, p, corrected: p }
        })
        .collect();
    let others = || (0..outcomes.len()).filter(|&i| outcomes[i].function != Function::Relu);
    for test in [0, 1] {
        let values: Vec<f64> = others().map(|i| judged[i].p[test]).collect();
        others().zip(holm(&values)).for_each(|(i, corrected)| judged[i].corrected[test] = corrected);
    }
    judged.sort_by(|a, b| b.outcome.mean().total_cmp(&a.outcome.mean()));
    judged
}

impl Outcome {
    fn learned(&self) -> Vec<f64> {
        self.accuracies.iter().copied().filter(|&accuracy| has_learned(accuracy)).collect()
    }

    /// Returns the mean over the seeds that learned, or −1 if none did.
    fn mean(&self) -> f64 {
        Some(mean(&self.learned())).filter(|mean| mean.is_finite()).unwrap_or(-1.0)
    }
}

impl Judged<'_> {
    fn verdict(&self) -> &'static str {
        let higher = mean(&self.differences) > 0.0;
        match (self.outcome.function, self.corrected[0] <= LEVEL) {
            (Function::Relu, _) => "",
            (_, false) => "not significant",
            (_, true) if higher => "higher",
            (_, true) => "lower",
        }
    }
}

fn summary(judged: &[Judged<'_>]) -> Table {
    let mut table = Table::new(&[
        "activation",
        "learning rate",
        "seeds",
        "test %",
        "standard deviation",
        "95 % interval ±",
        "minus ReLU",
        "95 % interval of difference ±",
        "significance",
        "p (t)",
        "p (t; Holm)",
        "p (signed rank)",
        "p (signed rank; Holm)",
        "seconds per epoch",
        "time relative to ReLU",
    ]);
    for one in judged {
        let (outcome, values) = (one.outcome, one.outcome.learned());
        let relu = outcome.function == Function::Relu;
        let beside_relu = |text: String| if relu { String::new() } else { text };
        let p = |p: f64| beside_relu(if p < 1e-3 { format!("{p:.0e}") } else { format!("{p:.3}") });
        let fields = [
            outcome.function.label(),
            outcome.learning_rate.to_string(),
            values.len().to_string(),
            format!("{:.3}", outcome.mean()),
            format!("{:.3}", deviation(&values)),
            format!("{:.3}", half_interval(&values)),
            beside_relu(format!("{:+.3}", mean(&one.differences))),
            beside_relu(format!("{:.3}", half_interval(&one.differences))),
            one.verdict().into(),
            p(one.p[0]),
            p(one.corrected[0]),
            p(one.p[1]),
            p(one.corrected[1]),
            format!("{:.3}", outcome.time.seconds),
            format!("{:.2}", outcome.time.of_relu),
        ];
        table.push(fields.map(Cell::new).to_vec());
    }
    table
}

/// Returns the results of the tests in words.
fn conclusion(judged: &[Judged<'_>], seeds: usize) -> String {
    let names = |verdict: &str| {
        let names: Vec<String> = judged
            .iter()
            .filter(|one| one.verdict() == verdict)
            .map(|one| format!("{} ({:+.2})", one.outcome.function.label(), mean(&one.differences)))
            .collect();
        if names.is_empty() { "none".into() } else { names.join(", ") }
    };
    format!(
        "Compared with ReLU over {seeds} seeds: mean differences in percentage points, paired t tests with Holm's correction at \
         the {:.0} % level. Higher: {}. Lower: {}. Not significant: {}.",
        100.0 * LEVEL,
        names("higher"),
        names("lower"),
        names("not significant")
    )
}

/// Returns the mean validation accuracy of every function at every rate.
fn rates_table(tuned: &[Tuned]) -> Table {
    let mut all: Vec<i32> = tuned.iter().flat_map(|one| one.tried.iter().map(|(k, _)| *k)).collect();
    all.sort_unstable();
    all.dedup();
    let head: Vec<String> = ["activation", "best"]
        .map(String::from)
        .into_iter()
        .chain(all.iter().map(|&k| rate(k).to_string()))
        .collect();
    let mut table = Table::new(&head.iter().map(String::as_str).collect::<Vec<_>>());
    for one in tuned {
        let mut row = vec![one.function.label(), rate(one.best()).to_string()];
        row.extend(all.iter().map(|k| {
            let tried = one.tried.iter().find(|(other, _)| other == k);
            tried.map_or(String::new(), |(_, accuracies)| match mean(accuracies) {
                mean if mean.is_finite() => format!("{mean:.2}"),
                _ => "diverged".into(),
            })
        }));
        table.push(row.into_iter().map(Cell::new).collect());
    }
    table
}

/// Returns a table of every test accuracy.
fn seeds_table(args: &Args, outcomes: &[Outcome]) -> Table {
    let mut table = Table::new(&["activation", "learning rate", "seed", "test %"]);
    for outcome in outcomes {
        for (seed, accuracy) in args.seeds.iter().zip(&outcome.accuracies) {
            let fields = [
                outcome.function.label(),
                outcome.learning_rate.to_string(),
                seed.to_string(),
                format!("{accuracy:.2}"),
            ];
            table.push(fields.map(Cell::new).to_vec());
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuned(tried: &[(i32, f64)]) -> Tuned {
        let tried = tried.iter().map(|&(k, accuracy)| (k, vec![accuracy; 2])).collect();
        Tuned { function: Function::Relu, grid: Study::ARTICLE.grid, tried }
    }

    #[test]
    fn the_search_ends_with_worse_rates_on_both_sides() {
        assert_eq!(tuned(&[]).wanted(), [-1, 0, 1, 2, 3]);
        assert!(tuned(&[(-1, 90.0), (0, 95.0), (1, 94.0)]).wanted().is_empty());
        assert_eq!(tuned(&[(-1, 96.0), (0, 95.0), (1, 94.0)]).wanted(), [-2]);
        assert_eq!(tuned(&[(-1, 90.0), (0, 95.0), (1, 96.0)]).wanted(), [2]);
        assert!(tuned(&[(5, 95.0), (6, 96.0)]).wanted().is_empty(), "there are no rates beyond the end");
        // A rate that diverges is the worst, and the lower rate wins a tie.
        assert_eq!(tuned(&[(0, 95.0), (1, 95.0), (2, f64::NAN)]).best(), 0);
        assert_eq!(tuned(&[(0, f64::NAN), (1, f64::NAN)]).wanted(), [-1]);
    }

    #[test]
    fn functions_are_judged_seed_by_seed() {
        let outcome = |function, accuracies: &[f64]| Outcome {
            function,
            learning_rate: 0.1,
            accuracies: accuracies.to_vec(),
            time: Time { seconds: 1.0, of_relu: 1.0 },
        };
        let outcomes = [
            outcome(Function::Relu, &[97.0, 97.5, 98.0, 97.2]),
            // Always slightly higher than ReLU, although the seeds differ by more.
            outcome(Function::Mish, &[97.2, 97.71, 98.19, 97.4]),
            outcome(Function::Tanh, &[97.1, 97.3, 98.1, 97.1]),
            // Diverged with one seed, stuck at chance with another.
            outcome(Function::Sigmoid, &[f64::NAN, 97.0, 97.51, 96.7]),
            outcome(Function::Elu, &[10.09, 97.0, 97.52, 96.71]),
        ];
        let judged = judge(&outcomes);
        let verdicts: Vec<_> =
            judged.iter().map(|one| (one.outcome.function, one.differences.len(), one.verdict())).collect();
        let expected = [
            (Function::Mish, 4, "higher"),
            (Function::Relu, 4, ""),
            (Function::Tanh, 4, "not significant"),
            (Function::Elu, 3, "lower"),
            (Function::Sigmoid, 3, "lower"),
        ];
        assert_eq!(verdicts, expected);
        // Of four differences with one sign, 2 of 16 choices of signs are as extreme; the smallest of four p-values is
        // quadrupled.
        assert_eq!((judged[0].p[1], judged[0].corrected[1]), (0.125, 0.5));
    }
}
