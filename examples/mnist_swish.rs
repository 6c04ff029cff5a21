//! Trains the article's network, 784-100-50-10 with swish, on MNIST.
//!
//! ```text
//! cargo run --release --example mnist_swish -- --data DIR --epochs 50
//! ```
//!
//! Prints to stdout the layers, one row per epoch (`epoch train_accuracy train_loss test_accuracy test_loss`) and the elapsed
//! time. Everything else goes to stderr.

mod data;
mod mnist;

use std::process::ExitCode;

use lexopt::ValueExt;
use manabi::data::Images;
use manabi::model::SequentialBuilder;
use manabi::random::RandomState;
use manabi::{Affine, CrossEntropy, Scalar, Sequential, Sgd, Softmax, Trainer};
use mnist::{Flags, Result};

const USAGE: &str = "\
usage: mnist_swish [--data DIR] [--activation swish|mish|relu|gelu|sigmoid|tanh] [--beta 1.0] [--lr 0.1]
                   [--hidden 100,50] [--batch 100] [--epochs 50] [--seed 10] [--dtype f64|f32] [--threads N]
                   [--csv FILE]

data: --data, else $MNIST_DIR, else the cache folder, else a download, else synthetic digits";

fn main() -> ExitCode {
    mnist::exit_code("mnist_swish", run)
}

struct Args {
    flags: Flags,
    hidden: Vec<usize>,
}

/// Returns the flags, or `None` after printing the help text.
fn parse() -> Result<Option<Args>> {
    let (mut flags, mut hidden) = (Flags::default(), vec![100, 50]);
    let runs = flags.parse(USAGE, |name, parser| {
        let known = name == "hidden";
        if known {
            hidden = parser.value()?.parse_with(widths)?;
        }
        Ok(known)
    })?;
    Ok(runs.then_some(Args { flags, hidden }))
}

fn widths(list: &str) -> Result<Vec<usize>, std::num::ParseIntError> {
    list.split(',').map(str::parse).collect()
}

fn run() -> Result<()> {
    match parse()? {
        Some(args) if args.flags.single => train::<f32>(&args),
        Some(args) => train::<f64>(&args),
        None => Ok(()),
    }
}

fn train<A: Scalar>(args: &Args) -> Result<()> {
    let flags = &args.flags;
    flags.activation::<A>()?; // rejects an unknown name before the data are downloaded
    let (train, test) = data::load(flags.data.as_deref())?;
    let mut random = RandomState::new(flags.seed);
    let mut model = model::<A>(args, &train)?.build_with_random(&mut random)?;
    let trainer = Trainer::new().optimizer(Sgd::new(flags.learning_rate)).random(random).test(&test);
    flags.fit(trainer, &mut model, &train)?;
    Ok(())
}

/// Builds the article's network: affine layers with activations between them, softmax and cross entropy.
fn model<A: Scalar>(args: &Args, train: &Images) -> Result<SequentialBuilder<A>> {
    let mut builder = Sequential::builder(train.pixels().ncols());
    for (i, &width) in args.hidden.iter().enumerate() {
        let n = i + 1;
        builder = builder
            .add_layer(format!("affine{n}"), Affine::new(width))
            .add_layer(format!("{}{n}", args.flags.activation), args.flags.activation()?);
    }
    let last = format!("affine{}", args.hidden.len() + 1);
    Ok(builder.add_layer(last, Affine::new(10)).set_output(Softmax).set_error(CrossEntropy))
}
