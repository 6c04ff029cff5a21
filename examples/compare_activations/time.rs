//! The time per epoch of each function.
//!
//! Concurrent runs slow each other down by varying amounts. Times are therefore measured separately, after all runs: one function
//! at a time on one thread, in several rounds over all functions. The result is the median of each function's times, and the
//! median of its ratios to ReLU in the same round, which other work on the machine disturbs least.

use manabi::Scalar;
use manabi::random::RandomState;

use crate::Result;
use crate::arguments::Args;
use crate::function::Function;
use crate::jobs::Jobs;
use crate::run::{Dtype, Plan, Run};
use crate::study::Study;

const ROUNDS: usize = 5;
const HEAD: &str = "activation,beta,dtype,data,version,round,seconds\n";

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Time {
    /// The duration of an epoch.
    pub seconds: f64,
    /// The duration relative to ReLU's.
    pub of_relu: f64,
}

/// Returns the times of the functions. Loads them if the store has times for the same functions; else measures and stores them.
pub fn measure(
    study: &Study,
    args: &Args,
    jobs: &Jobs<'_>,
    functions: &[(Function, f64)],
) -> Result<Vec<Time>> {
    let stored = jobs.store.read(study.times).and_then(|text| parse(&text, args, jobs, functions));
    let seconds = match stored {
        Some(seconds) => seconds,
        None => {
            let mut seconds = Vec::new();
            for round in 1..=ROUNDS {
                eprintln!("time: round {round} of {ROUNDS}");
                seconds
                    .push(functions.iter().map(|&one| epoch(study, args, jobs, one)).collect::<Result<_>>()?);
            }
            jobs.store.write(study.times, &print(args, jobs, functions, &seconds))?;
            seconds
        }
    };
    let relu = functions.iter().position(|(function, _)| *function == Function::Relu).unwrap_or(0);
    let time = |i: usize| Time {
        seconds: median(seconds.iter().map(|round| round[i]).collect()),
        of_relu: median(seconds.iter().map(|round| round[i] / round[relu]).collect()),
    };
    Ok((0..functions.len()).map(time).collect())
}

/// Returns the median.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    (values[(n - 1) / 2] + values[n / 2]) / 2.0
}

/// Returns the duration of one epoch in seconds.
fn epoch(
    study: &Study,
    args: &Args,
    jobs: &Jobs<'_>,
    (function, learning_rate): (Function, f64),
) -> Result<f64> {
    let run = study.run(args, function, learning_rate, args.seeds[0], Plan::Once);
    let run = Run { epochs: 1, ..run };
    match args.dtype {
        Dtype::F32 => epoch_in::<f32>(&run, jobs),
        Dtype::F64 => epoch_in::<f64>(&run, jobs),
    }
}

fn epoch_in<A: Scalar>(run: &Run, jobs: &Jobs<'_>) -> Result<f64> {
    let train = &jobs.digits.train;
    let mut random = RandomState::new(run.seed);
    let mut model = run.model::<A>(train).build_with_random(&mut random)?;
    let history = run.trainer().random(random).fit(&mut model, train)?;
    // Excludes the time before training.
    Ok((history.epochs[1].elapsed - history.epochs[0].elapsed).as_secs_f64())
}

/// Returns the fields before the seconds in every line, round by round.
fn lines(args: &Args, jobs: &Jobs<'_>, functions: &[(Function, f64)]) -> Vec<String> {
    let line = |round: usize, function: Function| {
        let beta = function.beta().map_or(String::new(), |beta| format!("{beta:?}"));
        format!("{},{beta},{},{},{round},", function.name(), args.dtype.name(), jobs.store.stamp())
    };
    (1..=ROUNDS).flat_map(|round| functions.iter().map(move |&(function, _)| line(round, function))).collect()
}

fn print(args: &Args, jobs: &Jobs<'_>, functions: &[(Function, f64)], seconds: &[Vec<f64>]) -> String {
    let lines = lines(args, jobs, functions);
    let rows = lines.iter().zip(seconds.iter().flatten()).map(|(line, seconds)| format!("{line}{seconds}\n"));
    HEAD.to_owned() + &rows.collect::<String>()
}

fn parse(text: &str, args: &Args, jobs: &Jobs<'_>, functions: &[(Function, f64)]) -> Option<Vec<Vec<f64>>> {
    let expected = lines(args, jobs, functions);
    let rows: Vec<&str> = text.strip_prefix(HEAD)?.lines().collect();
    if rows.len() != expected.len() {
        return None;
    }
    let seconds = rows.iter().zip(&expected).map(|(row, line)| row.strip_prefix(line.as_str())?.parse().ok());
    let seconds: Vec<f64> = seconds.collect::<Option<_>>()?;
    Some(seconds.chunks(functions.len()).map(<[f64]>::to_vec).collect())
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_middle_one() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 9.0]), 3.0);
    }
}
