//! One training run: its settings and its results.

use std::ops::ControlFlow;

use manabi::data::Images;
use manabi::model::SequentialBuilder;
use manabi::random::RandomState;
use manabi::train::{BatchProgress, Epoch, Observer, Termination};
use manabi::{Error, Scalar, Sequential, Sgd, Trainer};

use crate::Result;
use crate::digits::Digits;
use crate::function::Function;
use crate::network::Network;
use crate::sums::Sums;

pub const BATCH: usize = 100;

/// The settings of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub function: Function,
    pub learning_rate: f64,
    pub network: Network,
    pub epochs: usize,
    pub seed: u32,
    pub dtype: Dtype,
    pub plan: Plan,
    pub sums: Sums,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Dtype {
    F32,
    F64,
}

/// The training set and the times of evaluation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Plan {
    /// Train on the training set; evaluate on the test set before training and after every epoch, as the article does.
    EveryEpoch,
    /// Train on the training set without its last sixth; evaluate on the last sixth after the last epoch.
    Validation,
    /// Train on the training set; evaluate on the test set once, after the last epoch.
    Once,
}

/// The results of one epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    pub epoch: usize,
    pub elapsed: f64,
    pub train: [f64; 2],
    /// Accuracy and loss on the evaluation set; `None` if not evaluated, NaN if the run diverged.
    pub test: Option<[f64; 2]>,
    /// The greatest difference of a parameter from the run with sums in the original order.
    pub difference: Option<f64>,
}

/// Receives the progress of a run, and may stop it.
pub type Watch<'a> = &'a (dyn Fn(BatchProgress) -> ControlFlow<()> + Sync);

impl Dtype {
    pub fn parse(name: &str) -> Result<Self> {
        match name {
            "f32" => Ok(Self::F32),
            "f64" => Ok(Self::F64),
            _ => Err(format!("--dtype: expected f32 or f64, got {name}").into()),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }
}

impl Plan {
    fn name(self) -> &'static str {
        match self {
            Self::EveryEpoch => "test",
            Self::Validation => "validation",
            Self::Once => "test-once",
        }
    }
}

impl Run {
    /// Returns all settings by name. Runs with equal settings are the same run.
    pub fn settings(&self) -> [(&'static str, String); 9] {
        [
            ("activation", self.function.name().into()),
            ("beta", self.function.beta().map_or(String::new(), |beta| format!("{beta:?}"))),
            ("learning_rate", self.learning_rate.to_string()),
            ("network", self.network.name()),
            ("epochs", self.epochs.to_string()),
            ("seed", self.seed.to_string()),
            ("dtype", self.dtype.name().into()),
            ("measured", self.plan.name().into()),
            ("sums", self.sums.name().into()),
        ]
    }

    pub fn label(&self) -> String {
        let network = self.network.name();
        let sums = if self.sums == Sums::AsTheyCome { "" } else { self.sums.name() };
        format!("{} {} {network} seed {} {sums}", self.function.label(), self.learning_rate, self.seed)
    }

    /// Returns the approximate cost, in multiplications per sample and epoch.
    pub fn cost(&self) -> u64 {
        let size = match self.dtype {
            Dtype::F32 => 1,
            Dtype::F64 => 2,
        };
        (self.network.cost() * self.epochs * size) as u64
    }

    /// Trains the network. Returns `None` if `watch` stopped it.
    pub fn train(&self, digits: &Digits, watch: Watch<'_>) -> Result<Option<Vec<Row>>> {
        match self.dtype {
            Dtype::F32 => self.train_in::<f32>(digits, watch),
            Dtype::F64 => self.train_in::<f64>(digits, watch),
        }
    }

    fn train_in<A: Scalar>(&self, digits: &Digits, watch: Watch<'_>) -> Result<Option<Vec<Row>>> {
        if self.sums != Sums::AsTheyCome {
            return self.sums.train::<A>(self, digits, watch);
        }
        let (train, test) = match self.plan {
            Plan::EveryEpoch | Plan::Once => (&digits.train, &digits.test),
            Plan::Validation => (&digits.fit, &digits.validation),
        };
        let mut random = RandomState::new(self.seed);
        let mut model = self.model::<A>(train).build_with_random(&mut random)?;
        let mut rows = Rows { rows: Vec::new(), watch };
        let trainer = self.trainer().random(random).observe(&mut rows);
        let mut trainer = if self.plan == Plan::EveryEpoch { trainer.test(test) } else { trainer };
        let trained = trainer.fit(&mut model, train);
        drop(trainer);
        match trained {
            Ok(history) if history.termination == Termination::Stopped => Ok(None),
            Ok(_) => {
                let mut rows = rows.rows;
                if let (Some(last), false) = (rows.last_mut(), self.plan == Plan::EveryEpoch) {
                    last.test = Some(measure(&model, test)?);
                }
                Ok(Some(rows))
            }
            // The search for a learning rate includes rates that are too high: record the divergence.
            Err(Error::Diverged { .. } | Error::Training { .. }) if self.plan != Plan::EveryEpoch => {
                Ok(Some(self.diverged(rows.rows)))
            }
            Err(error) => Err(format!("{}: {error}", self.label()).into()),
        }
    }

    /// Builds the network with this function.
    pub fn model<A: Scalar>(&self, train: &Images) -> SequentialBuilder<A> {
        self.network.builder(self.function, train)
    }

    pub fn trainer<'a, A: Scalar>(&self) -> Trainer<'a, A> {
        Trainer::new()
            .batch_size(BATCH)
            .epochs(self.epochs)
            .optimizer(Sgd::new(self.learning_rate))
            .threads(1)
    }

    /// Returns the rows of a run that diverged: NaN from that epoch.
    fn diverged(&self, mut rows: Vec<Row>) -> Vec<Row> {
        let elapsed = rows.last().map_or(0.0, |row| row.elapsed);
        let nan = [f64::NAN; 2];
        let rest = rows.len()..=self.epochs;
        rows.extend(rest.map(|epoch| Row { epoch, elapsed, train: nan, test: Some(nan), difference: None }));
        rows
    }
}

impl Row {
    pub fn of(epoch: &Epoch) -> Self {
        let pair = |metrics: manabi::metrics::Metrics| [metrics.accuracy.unwrap_or(f64::NAN), metrics.loss];
        Self {
            epoch: epoch.number,
            elapsed: epoch.elapsed.as_secs_f64(),
            train: pair(epoch.train),
            test: epoch.test.map(pair),
            difference: None,
        }
    }
}

fn measure<A: Scalar>(model: &Sequential<A>, test: &Images) -> Result<[f64; 2]> {
    match model.evaluate(test) {
        Ok(metrics) => Ok([metrics.accuracy.unwrap_or(f64::NAN), metrics.loss]),
        Err(Error::Diverged { .. }) => Ok([f64::NAN; 2]),
        Err(error) => Err(error.into()),
    }
}

/// Collects the rows of a run.
struct Rows<'a> {
    rows: Vec<Row>,
    watch: Watch<'a>,
}

impl<A: Scalar> Observer<A> for Rows<'_> {
    fn on_batch(&mut self, progress: BatchProgress) -> ControlFlow<()> {
        (self.watch)(progress)
    }

    fn on_epoch(&mut self, epoch: &Epoch, _model: &Sequential<A>) -> ControlFlow<()> {
        self.rows.push(Row::of(epoch));
        ControlFlow::Continue(())
    }
}
