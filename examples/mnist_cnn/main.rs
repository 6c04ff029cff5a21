//! Trains a convolutional network on MNIST: LeNet-5, or the network of Keras's MNIST example.
//!
//! ```text
//! cargo run --release --example mnist_cnn -- --data DIR --report report.html
//! ```
//!
//! Prints to stdout the layers, one row per epoch (`epoch train_accuracy train_loss test_accuracy test_loss`) and the elapsed
//! time. Everything else goes to stderr. The report is a page with the training curves, the filters of the first convolution and
//! digits that the network reads wrongly.

#[path = "../data/mod.rs"]
mod data;
#[path = "../lenet/mod.rs"]
mod lenet;
#[path = "../mnist/mod.rs"]
mod mnist;
mod network;
#[path = "../page/mod.rs"]
mod page;
mod report;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use lexopt::ValueExt;
use manabi::data::{Dataset, ImageTransform};
use manabi::optim::{Adam, CosineDecay};
use manabi::random::RandomState;
use manabi::{Scalar, Trainer};
use mnist::{Flags, Result};
use network::Network;
use report::Report;

const USAGE: &str = "\
usage: mnist_cnn [--data DIR] [--network lenet|keras] [--activation relu|swish|mish|gelu|sigmoid|tanh] [--beta 1.0]
                 [--lr 0.001] [--batch N] [--epochs 3] [--seed 10] [--dtype f32|f64] [--threads N] [--augment]
                 [--csv FILE] [--report FILE]

--network  lenet  LeNet-5: two convolutions and three affine layers; batches of 100
           keras  the network of Keras's MNIST example, about twenty times as slow; batches of 128
--lr       the learning rate of Adam at the beginning; it falls to 0 along a cosine
--augment  shifts, rotates and scales the training images a little, at random
--report   writes a page with the training curves, the filters of the first convolution and wrong answers

data: --data, else $MNIST_DIR, else the cache folder, else a download, else synthetic digits";

fn main() -> ExitCode {
    mnist::exit_code("mnist_cnn", run)
}

struct Args {
    flags: Flags,
    network: Network,
    augment: bool,
    report: Option<PathBuf>,
}

/// Returns the flags, or `None` after printing the help text.
fn parse() -> Result<Option<Args>> {
    let (activation, learning_rate, epochs) = ("relu".into(), 0.001, 3);
    let mut args = Args {
        flags: Flags { activation, learning_rate, epochs, single: true, ..Flags::default() },
        network: Network::LeNet,
        augment: false,
        report: None,
    };
    let Args { flags, network, augment, report } = &mut args;
    let runs = flags.parse(USAGE, |name, parser| {
        match name {
            "network" => *network = parser.value()?.parse_with(Network::parse)?,
            "augment" => *augment = true,
            "report" => *report = Some(parser.value()?.into()),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    flags.batch.get_or_insert(network.batch());
    Ok(runs.then_some(args))
}

fn run() -> Result<()> {
    match parse()? {
        Some(args) if args.flags.single => train::<f32>(&args),
        Some(args) => train::<f64>(&args),
        None => Ok(()),
    }
}

fn train<A: Scalar>(args: &Args) -> Result<()> {
    let Args { flags, network, augment, report } = args;
    let activation = flags.activation::<A>()?;
    if let Some(path) = report {
        check_writable(path)?;
    }
    let (train, test) = data::load(flags.data.as_deref())?;
    let images: &dyn Dataset<A> = &train;
    let mut random = RandomState::new(flags.seed);
    let mut model = network
        .builder(images.input_shape(), &flags.activation, &activation)
        .build_with_random(&mut random)?;

    // The background is 0 before and after the normalisation, which is the default value of new pixels at the edge.
    let changed = ImageTransform::new().shift(2).rotation(10.0).scale(0.9..=1.1).augment(images)?;
    let steps = flags.epochs * images.len().div_ceil(flags.batch.unwrap_or(network.batch()).max(1));
    let trainer = Trainer::new()
        .optimizer(Adam::new(flags.learning_rate))
        .schedule(CosineDecay::new(steps.max(1) as u64));
    let trainer = trainer.random(random).test(&test);
    let history = flags.fit(trainer, &mut model, if *augment { &changed } else { images })?;
    if let Some(path) = report {
        let page = Report { args, history: &history, model: &model, test: &test }.html()?;
        std::fs::write(path, page).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// Returns an error if the report could not be written after the training. Does not change a file that exists.
fn check_writable(path: &Path) -> Result<()> {
    let opened = File::options().append(true).create(true).open(path);
    opened.map(drop).map_err(|error| format!("{}: {error}", path.display()).into())
}
