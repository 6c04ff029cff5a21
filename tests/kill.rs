//! A training process killed at random moments: its checkpoints can always be read, and it ends with the same bits.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use manabi::Sequential;
use manabi::random::RandomState;
use manabi::train::Checkpoints;

const EPOCHS: usize = 25;

/// Returns the path of the example, in the folder next to the tests in which cargo places examples.
fn example() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().join("examples").join("save_load_resume")
}

fn start(folder: &Path) -> Child {
    let mut command = Command::new(example());
    command.arg(folder).arg(EPOCHS.to_string()).stdout(Stdio::null()).spawn().unwrap()
}

/// Returns the last and the best model of the run, and checks that the folder contains nothing else.
fn results(folder: &Path) -> [Vec<u8>; 2] {
    ["model.safetensors", "best.safetensors"].map(|name| fs::read(folder.join(name)).unwrap())
}

/// Checks that every file under its final name is complete.
fn check(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.extension().is_some_and(|extension| extension == "safetensors") {
            Sequential::<f32>::load(&path).unwrap();
        }
    }
}

/// Starts and kills processes until the given number were killed. Returns the number of finished runs and the largest number of
/// kills in one run.
fn kill(kills: usize, seed: u32) -> (usize, usize) {
    let straight = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    assert!(start(straight.path()).wait().unwrap().success());
    let (expected, whole) = (results(straight.path()), begun.elapsed());

    let (mut random, mut killed, mut runs, mut most) = (RandomState::new(seed), 0, 0, 0);
    while killed < kills {
        let folder = tempfile::tempdir().unwrap();
        let (mut here, mut last) = (0, None);
        loop {
            let mut child = start(folder.path());
            // A delay of up to about the duration of a run. Sometimes the process is not killed.
            let patience = if killed == kills { 1e3 } else { 0.8 * random.random_sample() };
            let (begun, patience) = (Instant::now(), whole.mul_f64(patience));
            let done = loop {
                match child.try_wait().unwrap() {
                    Some(status) => break Some(status),
                    None if begun.elapsed() > patience => break None,
                    None => sleep(Duration::from_micros(200)),
                }
            };
            if let Some(status) = done {
                assert!(status.success());
                break;
            }
            child.kill().unwrap(); // SIGKILL
            // The process may just have finished.
            killed += usize::from(!child.wait().unwrap().success());
            here += 1;
            check(folder.path());
            let checkpoint = Checkpoints::new(folder.path()).last().ok().flatten();
            assert!(checkpoint >= last, "expected a checkpoint of at least {last:?}, got {checkpoint:?}");
            last = checkpoint;
        }
        assert!(results(folder.path()) == expected, "different bits after {here} kills");
        let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let unfinished = names.filter(|name| name.to_string_lossy().ends_with(".unfinished"));
        // The last process removed partial checkpoints. Only the file of an interrupted save of the final model may remain.
        assert_eq!(unfinished.filter(|name| !name.to_string_lossy().starts_with("model")).count(), 0);
        (runs, most) = (runs + 1, most.max(here));
    }
    (runs, most)
}

#[test]
fn a_killed_run_goes_on() {
    let (runs, most) = kill(10, 1);
    println!("{runs} runs, up to {most} kills in one");
}

/// `cargo build --example save_load_resume && cargo test --test kill -- --ignored --nocapture`.
#[test]
#[ignore = "minutes"]
fn a_run_that_is_killed_200_times_goes_on() {
    let (runs, most) = kill(200, 2);
    println!("{runs} runs, up to {most} kills in one");
}
