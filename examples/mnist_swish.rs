//! Trains the article's network, 784-100-50-10 with swish, on MNIST.
//!
//! ```text
//! cargo run --release --example mnist_swish -- --data DIR --epochs 50
//! ```
//!
//! Prints to stdout the layers, one row per epoch (`epoch train_accuracy train_loss test_accuracy test_loss`) and the elapsed
//! time. Everything else goes to stderr.

mod data;

use std::error::Error;
use std::fs::File;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use manabi::activation::{Sigmoid, Tanh};
use manabi::data::Images;
use manabi::random::RandomState;
use manabi::train::{BatchProgress, Epoch, Observer, Termination};
use manabi::{
    Activation, Affine, CrossEntropy, Layer, Mish, Relu, Scalar, Sequential, Sgd, Softmax, Swish, Trainer,
};

const USAGE: &str = "\
usage: mnist_swish [--data DIR] [--activation swish|mish|relu|sigmoid|tanh] [--beta 1.0] [--lr 0.1]
                   [--hidden 100,50] [--batch 100] [--epochs 50] [--seed 10] [--dtype f64|f32] [--threads N]
                   [--csv FILE]

data: --data, else $MNIST_DIR, else the cache folder, else a download, else synthetic digits";

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

fn main() -> ExitCode {
    match parse().and_then(|args| args.map_or(Ok(ExitCode::SUCCESS), run)) {
        Ok(code) => code,
        Err(error) if is_broken_pipe(error.as_ref()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mnist_swish: {error}");
            ExitCode::from(2)
        }
    }
}

/// Returns whether the reader of stdout has closed the pipe.
fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

struct Args {
    data: Option<PathBuf>,
    activation: String,
    beta: f64,
    learning_rate: f64,
    hidden: Vec<usize>,
    batch: usize,
    epochs: usize,
    seed: u32,
    single: bool,
    threads: Option<usize>,
    csv: Option<PathBuf>,
}

/// Returns the flags, or `None` after printing the help text.
fn parse() -> Result<Option<Args>> {
    use lexopt::{Arg::Long, ValueExt};
    let mut args = Args {
        data: None,
        activation: "swish".into(),
        beta: 1.0,
        learning_rate: 0.1,
        hidden: vec![100, 50],
        batch: 100,
        epochs: 50,
        seed: 10,
        single: false,
        threads: None,
        csv: None,
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("data") => args.data = Some(parser.value()?.into()),
            Long("activation") => args.activation = parser.value()?.string()?,
            Long("beta") => args.beta = parser.value()?.parse()?,
            Long("lr") => args.learning_rate = parser.value()?.parse()?,
            Long("hidden") => args.hidden = parser.value()?.parse_with(widths)?,
            Long("batch") => args.batch = parser.value()?.parse()?,
            Long("epochs") => args.epochs = parser.value()?.parse()?,
            Long("seed") => args.seed = parser.value()?.parse()?,
            Long("dtype") => {
                args.single = parser.value()?.parse_with(|dtype| match dtype {
                    "f32" => Ok(true),
                    "f64" => Ok(false),
                    _ => Err("expected f32 or f64"),
                })?
            }
            Long("threads") => args.threads = Some(parser.value()?.parse()?),
            Long("csv") => args.csv = Some(parser.value()?.into()),
            Long("help") => {
                println!("{USAGE}");
                return Ok(None);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Some(args))
}

fn widths(list: &str) -> Result<Vec<usize>, std::num::ParseIntError> {
    list.split(',').map(str::parse).collect()
}

fn run(args: Args) -> Result<ExitCode> {
    if args.single { train::<f32>(&args) } else { train::<f64>(&args) }
}

fn train<A: Scalar>(args: &Args) -> Result<ExitCode> {
    activation::<A>(args)?; // rejects an unknown name before the data are downloaded
    let (train, test) = data::load(args.data.as_deref())?;
    let mut random = RandomState::new(args.seed);
    let mut model = model::<A>(args, &train)?.build_with_random(&mut random)?;
    let mut report = Report::new(args)?;
    let trainer = args.threads.map_or(Trainer::new(), |threads| Trainer::new().threads(threads));
    let history = trainer
        .batch_size(args.batch)
        .epochs(args.epochs)
        .optimizer(Sgd::new(args.learning_rate))
        .random(random)
        .test(&test)
        .observe(&mut report)
        .fit(&mut model, &train);
    report.bar.finish_and_clear();
    report.result?;
    let history = history?;
    if history.termination == Termination::Stopped {
        eprintln!("mnist_swish: interrupted");
        return Ok(ExitCode::from(130));
    }
    writeln!(io::stdout(), "elapsed {:.3} s", history.elapsed.as_secs_f64())?;
    Ok(ExitCode::SUCCESS)
}

/// Builds the article's network: affine layers with activations between them, softmax and cross entropy.
fn model<A: Scalar>(args: &Args, train: &Images) -> Result<manabi::model::SequentialBuilder<A>> {
    let mut builder = Sequential::builder(train.pixels().ncols());
    for (i, &width) in args.hidden.iter().enumerate() {
        let n = i + 1;
        builder = builder
            .add_layer(format!("affine{n}"), Affine::new(width))
            .add_layer(format!("{}{n}", args.activation), activation(args)?);
    }
    let last = format!("affine{}", args.hidden.len() + 1);
    Ok(builder.add_layer(last, Affine::new(10)).set_output(Softmax).set_error(CrossEntropy))
}

fn activation<A: Scalar>(args: &Args) -> Result<Box<dyn Layer<A>>> {
    Ok(match args.activation.as_str() {
        "swish" => Box::new(Activation::new(Swish::new(args.beta))),
        "mish" => Box::new(Activation::new(Mish)),
        "relu" => Box::new(Activation::new(Relu)),
        "sigmoid" => Box::new(Activation::new(Sigmoid)),
        "tanh" => Box::new(Activation::new(Tanh)),
        other => {
            return Err(
                format!("--activation: expected swish, mish, relu, sigmoid or tanh, got {other}").into()
            );
        }
    })
}

/// Prints each epoch, updates the progress bar, and stops on Ctrl-C or if a row cannot be written.
struct Report {
    bar: ProgressBar,
    /// The file to which the rows go in addition to stdout. It is created with the first row, so that a run that fails earlier
    /// does not overwrite it.
    path: Option<PathBuf>,
    csv: Option<File>,
    interrupted: Arc<AtomicBool>,
    result: Result<()>,
}

impl Report {
    fn new(args: &Args) -> Result<Self> {
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
        Ok(Self { bar, path: args.csv.clone(), csv: None, interrupted, result: Ok(()) })
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

impl<A: Scalar> Observer<A> for Report {
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
