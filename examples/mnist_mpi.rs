//! Trains the article's network, or a wider one, on MNIST with several processes.
//!
//! ```text
//! cargo build --release --example mnist_mpi --features mpi
//! mpirun -n 4 target/release/examples/mnist_mpi --data DIR --shards 12
//! ```
//!
//! Process 0 prints the layers, one row per epoch (`epoch train_accuracy train_loss test_accuracy test_loss`), the elapsed time
//! and a checksum of the weights. The rows and the checksum are the same for any number of processes.

mod data;
mod mnist;

use std::hash::{DefaultHasher, Hasher};
use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::ValueExt;
use manabi::data::Images;
use manabi::random::RandomState;
use manabi::train::{Checkpoints, Mpi, Processes};
use manabi::{Affine, CrossEntropy, Error, Scalar, Sequential, Sgd, Softmax, Trainer};
use mnist::{Flags, Result};

const USAGE: &str = "\
usage: mpirun -n N mnist_mpi [--data DIR] [--shards 12] [--hidden 100,50] [--checkpoints DIR] [--prefetch 0]
                   [--activation swish|mish|relu|gelu|sigmoid|tanh] [--beta 1.0] [--lr 0.1] [--batch 120] [--epochs 5]
                   [--seed 10] [--dtype f64|f32] [--threads 1] [--csv FILE]

--shards       the parts of a batch that are divided among the processes: at least N
--checkpoints  saves the run after every epoch, and continues it if the folder contains a run; visible to all processes
--prefetch     the number of shards that a thread of each process gathers ahead of time

data: --data, else $MNIST_DIR, else the cache folder, else a download, else synthetic digits";

fn main() -> ExitCode {
    mnist::exit_code("mnist_mpi", run)
}

struct Args {
    flags: Flags,
    hidden: Vec<usize>,
    shards: usize,
    prefetch: usize,
    checkpoints: Option<PathBuf>,
}

/// Returns the flags, or `None` after printing the help text.
fn parse() -> Result<Option<Args>> {
    let flags = Flags { batch: Some(120), epochs: 5, threads: Some(1), ..Flags::default() };
    let mut args = Args { flags, hidden: vec![100, 50], shards: 12, prefetch: 0, checkpoints: None };
    let Args { flags, hidden, shards, prefetch, checkpoints } = &mut args;
    let runs = flags.parse(USAGE, |name, parser| {
        match name {
            "hidden" => {
                *hidden = parser.value()?.parse_with(|list| list.split(',').map(str::parse).collect())?;
            }
            "shards" => *shards = parser.value()?.parse()?,
            "prefetch" => *prefetch = parser.value()?.parse()?,
            "checkpoints" => *checkpoints = Some(parser.value()?.into()),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(runs.then_some(args))
}

fn run() -> Result<()> {
    // Every process reads the same flags, so that they fail together.
    let Some(args) = parse()? else { return Ok(()) };
    let mpi = Mpi::start()?;
    if args.flags.single { train::<f32>(&args, &mpi) } else { train::<f64>(&args, &mpi) }
}

fn train<A: Scalar>(args: &Args, mpi: &Mpi) -> Result<()> {
    let flags = &args.flags;
    let (train, test) = load(args, mpi)?;
    let mut random = RandomState::new(flags.seed);
    let mut builder = Sequential::<A>::builder(train.pixels().ncols());
    for (i, &width) in args.hidden.iter().enumerate() {
        builder = builder
            .add_layer(format!("affine{}", i + 1), Affine::new(width))
            .add_layer(format!("{}{}", flags.activation, i + 1), flags.activation::<A>()?);
    }
    let last = format!("affine{}", args.hidden.len() + 1);
    let builder = builder.add_layer(last, Affine::new(10)).set_output(Softmax).set_error(CrossEntropy);
    let mut model = builder.build_with_random(&mut random)?;

    let mut trainer = Trainer::new().optimizer(Sgd::new(flags.learning_rate)).random(random).test(&test);
    trainer = trainer.processes(mpi).shards(args.shards).prefetch(args.prefetch);
    if let Some(folder) = &args.checkpoints {
        trainer = trainer.checkpoints(Checkpoints::new(folder).resume(true));
    }
    if mpi.rank() > 0 {
        flags.apply(trainer).fit(&mut model, &train)?;
        return Ok(());
    }
    flags.fit(trainer, &mut model, &train)?;
    let mut hasher = DefaultHasher::new();
    model.parameter_values().iter().for_each(|&value| hasher.write_u64(value.into().to_bits()));
    println!("weights {:016x} on {} processes", hasher.finish(), mpi.size());
    Ok(())
}

/// Loads the digits on process 0, which may download them, and then on the others.
fn load(args: &Args, mpi: &Mpi) -> Result<(Images, Images)> {
    let mut digits = None;
    for is_first in [true, false] {
        let result = match (mpi.rank() == 0) == is_first {
            true => data::load(args.flags.data.as_deref()).map(|loaded| digits = Some(loaded)),
            false => Ok(()),
        };
        mpi.agree(result.map_err(|error| Error::setting("digits", "readable files", error)))?;
    }
    Ok(digits.expect("every process loads the digits once"))
}
