//! The article's complete comparison of ReLU, Swish and Mish, and a study that answers its open question.
//!
//! ```text
//! cargo run --release --example compare_activations -- --data DIR                # the article's four tables
//! cargo run --release --example compare_activations -- --data DIR --table sums   # the same runs with sums in other orders
//! cargo run --release --example compare_activations -- --data DIR --table study  # every function, tuned, over ten seeds
//! cargo run --release --example compare_activations -- --data DIR --table lenet  # four functions in LeNet-5
//! ```
//!
//! Prints the tables to stdout. Writes tables, pictures and a page with all results, `report.html`, to the folder `--out`.
//! Every finished run is saved there too, so that an interrupted comparison resumes where it stopped.

mod arguments;
mod article;
#[path = "../data/mod.rs"]
mod data;
mod digits;
mod function;
mod jobs;
#[path = "../lenet/mod.rs"]
mod lenet;
mod network;
#[path = "../page/mod.rs"]
mod page;
mod pictures;
mod report;
mod run;
mod statistics;
mod store;
mod study;
mod sums;
mod table;
mod time;

use std::error::Error;
use std::io;
use std::process::ExitCode;

use arguments::{Args, Task};
use digits::Digits;
use jobs::Jobs;
use store::Store;

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

fn main() -> ExitCode {
    match Args::parse().and_then(|args| args.map_or(Ok(ExitCode::SUCCESS), |args| run(&args))) {
        Ok(code) => code,
        Err(error) if is_broken_pipe(error.as_ref()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compare_activations: {error}");
            ExitCode::from(2)
        }
    }
}

/// Returns whether the reader of stdout has closed the pipe.
fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn run(args: &Args) -> Result<ExitCode> {
    let digits = Digits::load(args.data.as_deref())?;
    let store = Store::open(&args.out, &digits)?;
    let jobs = Jobs { digits: &digits, store: &store, threads: args.jobs };
    match &args.task {
        Task::Tables(tables) => article::compare(args, tables, &jobs),
        Task::Sums => sums::compare(args, &jobs),
        Task::Study(study) => study.compare(args, &jobs),
    }
}
