//! The command line.

use std::path::PathBuf;

use crate::Result;
use crate::article::Comparison;
use crate::function::Function;
use crate::run::Dtype;
use crate::study::Study;

const USAGE: &str = "\
usage: compare_activations [--data DIR] [--table basic|beta|learning-rate|width|all|sums|study|lenet]
                           [--epochs N] [--seeds N] [--dtype f64|f32] [--activations relu,swish:0.5,…] [--out DIR]
                           [--jobs N] [--strict]

--table        basic, beta, learning-rate, width  the article's tables; default: all of them
               sums   learning rate 0.5 with the sums added in other orders
               study  every function at a learning rate tuned for it, over several seeds
               lenet  the same with LeNet-5 and fewer functions
--epochs       default 50; in the study 20, with LeNet-5 12
--seeds        the number of seeds, from the article's seed 10 upwards; default 1; in the studies 10
--dtype        default f64; in the studies f32
--activations  default relu,swish,mish; in the study all functions, with LeNet-5 relu,swish,mish,gelu;
               swish:2 is Swish with β = 2
--out          the folder for finished runs and results; default target/comparison
--jobs         the number of concurrent runs, one thread each; default: the number of cores
--strict       exit code 1 if a figure of the article's tables differs from the published one (by more
               than 0.1 % in the row that depends on the last bits)

data: --data, else $MNIST_DIR, else the cache folder, else a download, else synthetic digits";

/// The article's seed.
pub const SEED: u32 = 10;

pub struct Args {
    pub data: Option<PathBuf>,
    pub task: Task,
    pub epochs: usize,
    pub seeds: Vec<u32>,
    pub dtype: Dtype,
    pub activations: Vec<Function>,
    pub out: PathBuf,
    pub jobs: usize,
    pub strict: bool,
}

/// The task to carry out.
#[derive(Clone, PartialEq)]
pub enum Task {
    /// The article's tables.
    Tables(Vec<Comparison>),
    /// The same runs with their sums in other orders.
    Sums,
    /// The tuned functions over several seeds.
    Study(Study),
}

impl Args {
    /// Returns the flags, or `None` after printing the help text.
    pub fn parse() -> Result<Option<Self>> {
        use lexopt::{Arg::Long, ValueExt};
        let (mut data, mut out, mut strict) = (None, PathBuf::from("target/comparison"), false);
        let mut jobs = std::thread::available_parallelism().map_or(1, usize::from);
        let mut task = Task::Tables(Comparison::ALL.to_vec());
        let (mut epochs, mut seeds, mut dtype, mut activations) = (None, None, None, None);
        let mut parser = lexopt::Parser::from_env();
        while let Some(arg) = parser.next()? {
            match arg {
                Long("data") => data = Some(parser.value()?.into()),
                Long("table") => task = parser.value()?.parse_with(Task::parse)?,
                Long("epochs") => epochs = Some(parser.value()?.parse()?),
                Long("seeds") => seeds = Some(parser.value()?.parse_with(|text| at_least_1("seeds", text))?),
                Long("dtype") => dtype = Some(parser.value()?.parse_with(Dtype::parse)?),
                Long("activations") => activations = Some(parser.value()?.parse_with(functions)?),
                Long("out") => out = parser.value()?.into(),
                Long("jobs") => jobs = parser.value()?.parse_with(|text| at_least_1("jobs", text))?,
                Long("strict") => strict = true,
                Long("help") => {
                    println!("{USAGE}");
                    return Ok(None);
                }
                other => return Err(other.unexpected().into()),
            }
        }
        let study = match task {
            Task::Study(study) => Some(study),
            _ => None,
        };
        let count = seeds.unwrap_or(if study.is_some() { 10 } else { 1 }) as u32;
        let default = || study.map_or_else(Function::article, Study::functions);
        let args = Self {
            data,
            epochs: epochs.unwrap_or(study.map_or(50, |study| study.epochs)),
            seeds: (0..count).map(|i| SEED.wrapping_add(i)).collect(),
            dtype: dtype.unwrap_or(if study.is_some() { Dtype::F32 } else { Dtype::F64 }),
            activations: activations.unwrap_or_else(default),
            task,
            out,
            jobs,
            strict,
        };
        args.check().map(|()| Some(args))
    }

    fn check(&self) -> Result<()> {
        match &self.task {
            Task::Study(_) if self.seeds.len() < 2 => Err("--seeds: a study needs at least 2".into()),
            Task::Study(_) if !self.activations.contains(&Function::Relu) => {
                Err("--activations: a study needs relu, the baseline of the comparison".into())
            }
            Task::Study(_) | Task::Sums if self.epochs == 0 => Err("--epochs: expected at least 1".into()),
            Task::Study(_) | Task::Sums if self.strict => {
                Err("--strict: only valid for the article's tables".into())
            }
            Task::Sums if self.seeds.len() > 1 => Err("--seeds: --table sums accepts only one seed".into()),
            Task::Sums if self.activations.iter().any(Function::learns) => {
                Err("--activations: --table sums does not accept functions with learned parameters".into())
            }
            _ => Ok(()),
        }
    }
}

impl Task {
    fn parse(name: &str) -> Result<Self> {
        Ok(match name {
            "all" => Self::Tables(Comparison::ALL.to_vec()),
            "sums" => Self::Sums,
            "study" => Self::Study(Study::ARTICLE),
            "lenet" => Self::Study(Study::LENET),
            name => match Comparison::ALL.into_iter().find(|table| table.name() == name) {
                Some(table) => Self::Tables(vec![table]),
                None => {
                    return Err(format!(
                        "--table: expected basic, beta, learning-rate, width, all, sums, study or lenet, got {name}"
                    )
                    .into());
                }
            },
        })
    }
}

/// Parses a list of function names, without duplicates.
fn functions(list: &str) -> Result<Vec<Function>> {
    let mut functions = Vec::new();
    for function in list.split(',').map(Function::parse) {
        let function = function?;
        if !functions.contains(&function) {
            functions.push(function);
        }
    }
    Ok(functions)
}

fn at_least_1(what: &str, text: &str) -> Result<usize> {
    match text.parse() {
        Ok(n @ 1..=1_000_000) => Ok(n),
        _ => Err(format!("--{what}: expected an integer of at least 1, got {text}").into()),
    }
}
