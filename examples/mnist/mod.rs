//! What the examples that train on MNIST have in common: exit codes, flags, activations by name, and the printed rows.

mod console;

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use console::Console;
use lexopt::{Arg::Long, Parser, ValueExt};
use manabi::activation::{Gelu, Sigmoid, Tanh};
use manabi::data::Dataset;
use manabi::train::{History, Termination};
use manabi::{Activation, Layer, Mish, Relu, Scalar, Sequential, Swish, Trainer};

pub type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// Runs an example and returns its exit code. Prints an error in one line after the name of the example.
pub fn exit_code(name: &str, run: impl FnOnce() -> Result<()>) -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(error.as_ref()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::from(if error.is::<Interrupted>() { 130 } else { 2 })
        }
    }
}

/// Returns whether the reader of stdout has closed the pipe.
fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// The error of a run that Ctrl-C ended.
#[derive(Debug)]
struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl Error for Interrupted {}

/// The flags that all examples accept.
pub struct Flags {
    pub data: Option<PathBuf>,
    pub activation: String,
    pub beta: f64,
    pub learning_rate: f64,
    /// The batch size, or `None` for the default of the example.
    pub batch: Option<usize>,
    pub epochs: usize,
    pub seed: u32,
    pub single: bool,
    pub threads: Option<usize>,
    pub csv: Option<PathBuf>,
}

/// The settings of the article.
impl Default for Flags {
    fn default() -> Self {
        Self {
            data: None,
            activation: "swish".into(),
            beta: 1.0,
            learning_rate: 0.1,
            batch: None,
            epochs: 50,
            seed: 10,
            single: false,
            threads: None,
            csv: None,
        }
    }
}

impl Flags {
    /// Reads the command line. Calls `own` with the names of other flags; it returns whether the example has such a flag.
    ///
    /// Returns false after printing the help text.
    pub fn parse(
        &mut self,
        usage: &str,
        mut own: impl FnMut(&str, &mut Parser) -> Result<bool>,
    ) -> Result<bool> {
        let mut parser = Parser::from_env();
        while let Some(arg) = parser.next()? {
            let Long(name) = arg else { return Err(arg.unexpected().into()) };
            let name = name.to_owned();
            match name.as_str() {
                "data" => self.data = Some(parser.value()?.into()),
                "activation" => self.activation = parser.value()?.string()?,
                "beta" => self.beta = parser.value()?.parse()?,
                "lr" => self.learning_rate = parser.value()?.parse()?,
                "batch" => self.batch = Some(parser.value()?.parse()?),
                "epochs" => self.epochs = parser.value()?.parse()?,
                "seed" => self.seed = parser.value()?.parse()?,
                "dtype" => self.single = parser.value()?.parse_with(is_single)?,
                "threads" => self.threads = Some(parser.value()?.parse()?),
                "csv" => self.csv = Some(parser.value()?.into()),
                "help" => {
                    println!("{usage}");
                    return Ok(false);
                }
                name if own(name, &mut parser)? => {}
                name => return Err(Long(name).unexpected().into()),
            }
        }
        Ok(true)
    }

    /// Returns the activation with the name in the flags.
    pub fn activation<A: Scalar>(&self) -> Result<Arc<dyn Layer<A>>> {
        Ok(match self.activation.as_str() {
            "swish" => Arc::new(Activation::new(Swish::new(self.beta))),
            "mish" => Arc::new(Activation::new(Mish)),
            "relu" => Arc::new(Activation::new(Relu)),
            "gelu" => Arc::new(Activation::new(Gelu)),
            "sigmoid" => Arc::new(Activation::new(Sigmoid)),
            "tanh" => Arc::new(Activation::new(Tanh)),
            other => {
                let expected = "expected swish, mish, relu, gelu, sigmoid or tanh";
                return Err(format!("--activation: {expected}, got {other}").into());
            }
        })
    }

    /// Returns the trainer with the settings of the flags.
    pub fn apply<'a, A: Scalar>(&self, trainer: Trainer<'a, A>) -> Trainer<'a, A> {
        let trainer = self.threads.into_iter().fold(trainer, Trainer::threads);
        self.batch.into_iter().fold(trainer, Trainer::batch_size).epochs(self.epochs)
    }

    /// Trains the model. Prints its table, a row per epoch and the elapsed time.
    pub fn fit<A: Scalar>(
        &self,
        trainer: Trainer<'_, A>,
        model: &mut Sequential<A>,
        train: &dyn Dataset<A>,
    ) -> Result<History> {
        let mut console = Console::new(self.csv.clone())?;
        let history = self.apply(trainer).observe(&mut console).fit(model, train);
        console.finish()?;
        let history = history?;
        if history.termination == Termination::Stopped {
            return Err(Interrupted.into());
        }
        writeln!(io::stdout(), "elapsed {:.3} s", history.elapsed.as_secs_f64())?;
        Ok(history)
    }
}

fn is_single(dtype: &str) -> Result<bool, &'static str> {
    match dtype {
        "f32" => Ok(true),
        "f64" => Ok(false),
        _ => Err("expected f32 or f64"),
    }
}
