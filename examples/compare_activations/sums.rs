//! The effect of the summation order: the same run with the terms of its sums in other orders.
//!
//! Reordering the hidden units, the pixels with their weights, or the samples of a batch leaves the network mathematically
//! unchanged. Only the order of the terms changes in sums over units, pixels and samples. All differences therefore come from
//! the rounding of sums.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use manabi::data::{Dataset, Images};
use manabi::random::RandomState;
use manabi::train::{BatchProgress, Epoch, Observer, Termination};
use manabi::{Scalar, Sequential};
use ndarray::{ArrayViewMut2, Axis};

use crate::Result;
use crate::arguments::Args;
use crate::article;
use crate::digits::Digits;
use crate::jobs::Jobs;
use crate::network::Network;
use crate::report::{self, Section};
use crate::run::{BATCH, Plan, Row, Run, Watch};
use crate::table::{Cell, Table};

/// The differences of a parameter whose first epoch is reported.
const DIFFERENCES: [f64; 3] = [1e-9, 1e-6, 1e-3];

/// The order in which the terms of sums are added.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sums {
    AsTheyCome,
    /// The pixels in another order.
    Pixels,
    /// The units of both hidden layers in another order.
    Units,
    /// The samples of every batch in another order.
    Samples,
    /// All three.
    All,
}

impl Sums {
    pub const EVERY: [Self; 5] = [Self::AsTheyCome, Self::Pixels, Self::Units, Self::Samples, Self::All];

    pub fn name(self) -> &'static str {
        match self {
            Self::AsTheyCome => "as-they-come",
            Self::Pixels => "pixels",
            Self::Units => "units",
            Self::Samples => "samples",
            Self::All => "all",
        }
    }

    /// Trains in this order, and compares the parameters with those of the original order.
    pub fn train<A: Scalar>(self, run: &Run, digits: &Digits, watch: Watch<'_>) -> Result<Option<Vec<Row>>> {
        let Network::Dense(hidden) = run.network else {
            return Err(
                "expected affine layers: sums in other orders are not defined for convolutions".into()
            );
        };
        let Some(reference) = trajectory::<A>(run, digits, watch)? else { return Ok(None) };
        let orders = Orders::new(self, hidden, &digits.train);
        let [train, test] = [&digits.train, &digits.test].map(|images| orders.of(images));
        let mut random = RandomState::new(run.seed);
        let mut model = run.model::<A>(&digits.train).build_with_random(&mut random)?;
        let places = orders.places();
        let params: Vec<A> = places.iter().map(|&place| model.parameter_values()[place]).collect();
        model.set_parameter_values(&params)?;
        let mut rows = Differences { rows: Vec::new(), places, reference: &reference, watch };
        let samples = orders.samples.clone();
        let order = move |_, count| shuffle(random.permutation(count), &samples);
        let mut trainer = run.trainer().test(&test).order(order).observe(&mut rows);
        let history = trainer.fit(&mut model, &train)?;
        drop(trainer);
        Ok((history.termination == Termination::Completed).then_some(rows.rows))
    }
}

/// Batches whose samples are reordered by `samples`.
fn shuffle(order: Vec<usize>, samples: &[usize]) -> Vec<usize> {
    let batches = order.chunks(BATCH);
    batches.flat_map(|batch| samples.iter().filter_map(|&i| batch.get(i).copied())).collect()
}

/// The permutations of the terms of sums.
struct Orders {
    pixels: Vec<usize>,
    units: [Vec<usize>; 2],
    samples: Vec<usize>,
    classes: usize,
}

impl Orders {
    fn new(sums: Sums, hidden: [usize; 2], train: &Images) -> Self {
        let mut random = RandomState::new(1);
        let mut order = |n, other| if other { random.permutation(n) } else { (0..n).collect() };
        let is = |one| sums == one || sums == Sums::All;
        Self {
            pixels: order(train.pixels().ncols(), is(Sums::Pixels)),
            units: hidden.map(|width| order(width, is(Sums::Units))),
            samples: order(BATCH, is(Sums::Samples)),
            classes: train.classes(),
        }
    }

    fn of<'a>(&'a self, images: &'a Images) -> Reordered<'a> {
        Reordered { images, pixels: &self.pixels }
    }

    /// Returns the index in the original network of every parameter of the reordered network. The inputs of a layer have the
    /// order of the previous layer's outputs.
    fn places(&self) -> Vec<usize> {
        let classes: Vec<usize> = (0..self.classes).collect();
        let boundaries = [&self.pixels, &self.units[0], &self.units[1], &classes];
        let (mut places, mut start) = (Vec::new(), 0);
        for layer in boundaries.windows(2) {
            let (inputs, outputs) = (layer[0], layer[1]);
            for input in inputs {
                places.extend(outputs.iter().map(|output| start + input * outputs.len() + output));
            }
            start += inputs.len() * outputs.len();
            places.extend(outputs.iter().map(|output| start + output));
            start += outputs.len();
        }
        places
    }
}

/// Returns images with their pixels in another order.
#[derive(Debug)]
struct Reordered<'a> {
    images: &'a Images,
    pixels: &'a [usize],
}

impl<A: Scalar> Dataset<A> for Reordered<'_> {
    fn len(&self) -> usize {
        self.images.len()
    }

    fn input_dim(&self) -> usize {
        self.pixels.len()
    }

    fn target_dim(&self) -> usize {
        self.images.classes()
    }

    fn gather(
        &self,
        rows: &[usize],
        mut x: ArrayViewMut2<'_, A>,
        t: ArrayViewMut2<'_, A>,
    ) -> manabi::Result<()> {
        self.images.gather(rows, x.view_mut(), t)?;
        let mut row_as_it_comes = vec![A::zero(); self.pixels.len()];
        for mut row in x.axis_iter_mut(Axis(0)) {
            row.iter().zip(&mut row_as_it_comes).for_each(|(&value, copy)| *copy = value);
            row.iter_mut().zip(self.pixels).for_each(|(value, &pixel)| *value = row_as_it_comes[pixel]);
        }
        Ok(())
    }
}

/// All parameters after every epoch.
type Trajectory = Vec<Vec<f64>>;

/// Returns the parameters of a run with sums in the original order, computed once for all other orders.
fn trajectory<A: Scalar>(run: &Run, digits: &Digits, watch: Watch<'_>) -> Result<Option<Arc<Trajectory>>> {
    type Cells = HashMap<String, Arc<OnceLock<Arc<Trajectory>>>>;
    static TRAJECTORIES: LazyLock<Mutex<Cells>> = LazyLock::new(Mutex::default);
    let plain = Run { sums: Sums::AsTheyCome, ..run.clone() };
    let cell = TRAJECTORIES.lock().expect("no worker panics").entry(plain.label()).or_default().clone();
    if let Some(trajectory) = cell.get() {
        return Ok(Some(trajectory.clone()));
    }
    let mut random = RandomState::new(plain.seed);
    let mut model = plain.model::<A>(&digits.train).build_with_random(&mut random)?;
    let mut snapshots = Snapshots { trajectory: Vec::new(), watch };
    let mut trainer = plain.trainer().random(random).observe(&mut snapshots);
    let history = trainer.fit(&mut model, &digits.train)?;
    drop(trainer);
    if history.termination == Termination::Stopped {
        return Ok(None);
    }
    Ok(Some(cell.get_or_init(|| Arc::new(snapshots.trajectory)).clone()))
}

/// Records the parameters after every epoch.
struct Snapshots<'a> {
    trajectory: Trajectory,
    watch: Watch<'a>,
}

impl<A: Scalar> Observer<A> for Snapshots<'_> {
    fn on_batch(&mut self, mut progress: BatchProgress) -> ControlFlow<()> {
        // The progress counts only the run in the other order; this call only checks whether to stop.
        progress.batch = 0;
        (self.watch)(progress)
    }

    fn on_epoch(&mut self, _: &Epoch, model: &Sequential<A>) -> ControlFlow<()> {
        self.trajectory.push(model.parameter_values().iter().map(|&value| value.into()).collect());
        ControlFlow::Continue(())
    }
}

/// Compares the parameters after every epoch.
struct Differences<'a> {
    rows: Vec<Row>,
    places: Vec<usize>,
    reference: &'a Trajectory,
    watch: Watch<'a>,
}

impl<A: Scalar> Observer<A> for Differences<'_> {
    fn on_batch(&mut self, progress: BatchProgress) -> ControlFlow<()> {
        (self.watch)(progress)
    }

    fn on_epoch(&mut self, epoch: &Epoch, model: &Sequential<A>) -> ControlFlow<()> {
        let reference = &self.reference[epoch.number];
        let difference = |(&value, &place): (&A, &usize)| (value.into() - reference[place]).abs();
        let greatest = model.parameter_values().iter().zip(&self.places).map(difference).fold(0.0, f64::max);
        self.rows.push(Row { difference: Some(greatest), ..Row::of(epoch) });
        ControlFlow::Continue(())
    }
}

/// Trains every function in every order and prints what differs.
pub fn compare(args: &Args, jobs: &Jobs<'_>) -> Result<ExitCode> {
    // Iterate over functions in the inner loop, so that concurrent runs need the trajectories of different functions.
    let runs: Vec<Run> = Sums::EVERY
        .into_iter()
        .flat_map(|sums| args.activations.iter().map(move |&function| (sums, function)))
        .map(|(sums, function)| Run {
            function,
            learning_rate: 0.5,
            network: Network::Dense([100, 50]),
            epochs: args.epochs,
            seed: args.seeds[0],
            dtype: args.dtype,
            plan: Plan::EveryEpoch,
            sums,
        })
        .collect();
    let results = jobs.complete("sums", &runs)?;
    let mut table = Table::new(&[
        "activation",
        "reordered sums",
        "test %",
        "best test %",
        "test loss",
        "greatest difference of a parameter",
        "first epoch ≥ 1e-9",
        "first epoch ≥ 1e-6",
        "first epoch ≥ 1e-3",
    ]);
    for function in &args.activations {
        for (run, rows) in runs.iter().zip(&results).filter(|(run, _)| run.function == *function) {
            table.push(line(run, rows));
        }
    }
    table.print("learning rate 0.5, 100-50: sums in other orders")?;
    jobs.store.write("sums.csv", &table.csv())?;
    jobs.store.write("sums.md", &table.markdown())?;
    let section = Section::table("Sums in other orders", NOTE, table);
    let page = report::page(
        "Effect of the summation order",
        &article::settings(args, jobs.digits, article::NETWORK),
        &[section],
    );
    jobs.store.write("sums.html", &page)?;
    Ok(ExitCode::SUCCESS)
}

const NOTE: &str = "Learning rate 0.5, 100-50. Pixels, hidden units and the samples of a batch are reordered, each with its \
                    weights: the same network and the same batches with different rounding.";

fn line(run: &Run, rows: &[Row]) -> Vec<Cell> {
    let [_, test, best, ..] = article::figures(rows);
    let last = rows.last();
    let loss = last.and_then(|row| row.test).map_or(f64::NAN, |[_, loss]| loss);
    let mut line = vec![run.function.label(), run.sums.name().into(), test, best, format!("{loss:.6}")];
    let difference = last.and_then(|row| row.difference);
    line.push(difference.map_or(String::new(), |difference| format!("{difference:.1e}")));
    line.extend(DIFFERENCES.map(|least| {
        let reached = |row: &&Row| row.difference.is_some_and(|difference| difference >= least);
        let first = rows.iter().find(reached).map(|row| row.epoch.to_string());
        let never = if difference.is_some() { "never" } else { "" };
        first.unwrap_or_else(|| never.into())
    }));
    line.into_iter().map(Cell::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::Function;
    use crate::run::Dtype;

    fn digits() -> Digits {
        Digits::of(manabi::Mnist::synthetic(300, 50, 1).unwrap()).unwrap()
    }

    fn run(sums: Sums) -> Run {
        Run {
            function: Function::Swish(1.0),
            learning_rate: 0.5,
            network: Network::Dense([7, 5]),
            epochs: 2,
            seed: 10,
            dtype: Dtype::F64,
            plan: Plan::EveryEpoch,
            sums,
        }
    }

    #[test]
    fn every_order_is_the_same_network() {
        let digits = digits();
        let watch = |_| ControlFlow::Continue(());
        let plain = run(Sums::AsTheyCome).train(&digits, &watch).unwrap().unwrap();
        for sums in &Sums::EVERY[1..] {
            let rows = run(*sums).train(&digits, &watch).unwrap().unwrap();
            assert_eq!(rows[0].difference, Some(0.0), "{sums:?}: expected the same initial weights");
            for (row, plain) in rows.iter().zip(&plain) {
                approx::assert_relative_eq!(row.train[1], plain.train[1], max_relative = 1e-12);
                approx::assert_relative_eq!(
                    row.test.unwrap()[1],
                    plain.test.unwrap()[1],
                    max_relative = 1e-12
                );
            }
            let last = rows[2].difference.unwrap();
            assert!(last > 0.0 && last < 1e-12, "{sums:?}: {last:e}");
        }
    }

    #[test]
    fn an_order_that_names_a_parameter_twice_would_be_seen() {
        let digits = digits();
        for sums in Sums::EVERY {
            let mut places = Orders::new(sums, [7, 5], &digits.train).places();
            assert_eq!(places.is_sorted(), matches!(sums, Sums::AsTheyCome | Sums::Samples));
            places.sort_unstable();
            assert!(places.into_iter().eq(0..784 * 7 + 7 + 7 * 5 + 5 + 5 * 10 + 10));
        }
    }
}
