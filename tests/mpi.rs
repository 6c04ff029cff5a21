//! Training over MPI: the same bits for any number of processes, and processes that are killed. Requires Open MPI.
//!
//! The tests start this program again with `mpirun`. Each process then runs the test `worker`, which the environment variable
//! `MANABI_MPI_JOB` tells what to do.
//!
//! ```text
//! cargo test --features mpi --test mpi -- --ignored --test-threads 1 --skip worker
//! ```
#![cfg(unix)]

mod sharded;

use std::collections::BTreeSet;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use manabi::data::Dataset;
use manabi::optim::Adam;
use manabi::random::RandomState;
use manabi::train::{Checkpoints, Mpi, Processes};
use manabi::{
    Activation, Affine, CrossEntropy, Error, Mnist, Result, Samples, Scalar, Sequential, Sgd, Softmax, Swish,
    Trainer,
};
use ndarray::ArrayViewMut2;
use sharded::{CLASSES, INPUTS, data, model};

/// The time in which all processes end after one of them was killed.
const BOUND: Duration = Duration::from_secs(10);
const EPOCHS: usize = 12;

/// Returns a command that runs the test `worker` on this many processes.
fn mpirun(processes: usize, job: &str) -> Command {
    let mut command = Command::new("mpirun");
    command
        .args(["-n", &processes.to_string()])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "worker", "--ignored", "--nocapture", "--test-threads", "1"])
        // Machines for tests often run everything as root, with fewer cores than processes.
        .envs([("OMPI_ALLOW_RUN_AS_ROOT", "1"), ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")])
        .envs([("OMPI_MCA_rmaps_base_oversubscribe", "1"), ("OMPI_MCA_mpi_yield_when_idle", "1")])
        .envs([("PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe"), ("MANABI_MPI_JOB", job)]);
    command
}

fn finish(mut command: Command) -> Output {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap()
}

/// Returns the lines that begin with `word`, without it.
fn lines(output: &Output, word: &str) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stdout);
    let found = text.lines().filter_map(|line| Some(line.split_once(word)?.1.trim().to_owned()));
    found.collect()
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat()
}

#[test]
#[ignore = "starts processes with mpirun"]
fn the_same_bits_on_any_number_of_processes() {
    let mut all = BTreeSet::new();
    for processes in [1, 2, 3, 4, 6] {
        let output = finish(mpirun(processes, "bits"));
        assert!(output.status.success(), "{processes} processes: {}", text(&output));
        let mut digests = lines(&output, "digest ");
        digests.sort();
        assert_eq!(digests.len(), 40, "{}", text(&output));
        println!("{processes} processes: {} digests", digests.len());
        all.insert(digests);
    }
    assert_eq!(all.len(), 1, "{all:#?}");
    // Without MPI, too.
    let own: BTreeSet<String> = digests(None).into_iter().collect();
    assert_eq!(own, all.first().unwrap().iter().cloned().collect());
}

#[test]
#[ignore = "kills processes that mpirun started, for more than a minute"]
fn killed_processes_take_the_job_down_and_lose_nothing() {
    let kills: usize = std::env::var("MANABI_KILLS").map_or(50, |kills| kills.parse().unwrap());
    let straight = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let output = finish(mpirun(1, &format!("run {}", straight.path().display())));
    let whole = begun.elapsed();
    let [expected] = &lines(&output, "digest ")[..] else { panic!("{}", text(&output)) };
    let mut random = RandomState::new(7);
    let (mut killed, mut runs, mut slowest) = (0, 0, Duration::ZERO);
    while killed < kills {
        let folder = tempfile::tempdir().unwrap();
        let mut last = None;
        loop {
            let processes = 1 + (random.random_sample() * 4.0) as usize;
            let job = format!("run {}", folder.path().display());
            let mut command = mpirun(processes, &job);
            let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
            let patience = whole.mul_f64(0.2 + 0.9 * random.random_sample());
            let begun = Instant::now();
            let mut is_done = false;
            while begun.elapsed() < patience && !is_done {
                is_done = child.try_wait().unwrap().is_some();
                sleep(Duration::from_millis(1));
            }
            let victim = (random.random_sample() * processes as f64) as usize;
            let id = fs::read_to_string(folder.path().join(format!("id-{victim}"))).unwrap_or_default();
            if !is_done && killed < kills && !id.is_empty() {
                let sent = Command::new("kill").args(["-9", &id]).stderr(Stdio::null()).status().unwrap();
                let begun = Instant::now();
                while child.try_wait().unwrap().is_none() {
                    assert!(begun.elapsed() < BOUND, "{processes} processes hang after a kill");
                    sleep(Duration::from_millis(1));
                }
                slowest = slowest.max(begun.elapsed());
                killed += usize::from(sent.success());
            }
            let output = child.wait_with_output().unwrap();
            remove_ids(folder.path());
            let checkpoint = Checkpoints::new(folder.path().join("run")).last().ok().flatten();
            assert!(checkpoint >= last, "expected a checkpoint of at least {last:?}, got {checkpoint:?}");
            last = checkpoint;
            if output.status.success() {
                assert_eq!(lines(&output, "digest "), std::slice::from_ref(expected));
                runs += 1;
                break;
            }
        }
    }
    println!("{killed} kills in {runs} runs; all processes ended within {slowest:?}");
}

fn remove_ids(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap().map(Result::<_, std::io::Error>::unwrap) {
        if entry.file_name().to_string_lossy().starts_with("id-") {
            fs::remove_file(entry.path()).unwrap();
        }
    }
}

#[test]
#[ignore = "starts processes with mpirun"]
fn an_error_or_a_panic_of_one_process_ends_all() {
    for job in ["error", "panic", "early"] {
        let begun = Instant::now();
        let output = finish(mpirun(3, job));
        let text = text(&output);
        assert!(!output.status.success() && begun.elapsed() < 3 * BOUND, "{job}: {text}");
        let expected = match job {
            "error" => "process 1: epoch 1, batch 2: sample: expected a readable file, got none",
            "panic" => "this process fails",
            _ => "process 2: file: expected text, got none",
        };
        assert!(text.contains(expected), "{job}: {text}");
    }
}

/// The size of the file is `MANABI_STREAM_MB`, or 200 MB. Each process reads the rows of its own shards.
#[test]
#[ignore = "writes a file of 200 MB or more"]
fn a_data_set_larger_than_memory_is_streamed() {
    let megabytes: usize = std::env::var("MANABI_STREAM_MB").map_or(200, |size| size.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("digits");
    let digits = Mnist::synthetic(20_000, 1, 0).unwrap().train;
    let mut block = Vec::new();
    for (row, pixels) in digits.pixels().rows().into_iter().enumerate() {
        block.extend(pixels);
        block.push(u8::try_from(Dataset::<f32>::class(&digits, row).unwrap()).unwrap());
    }
    let mut file = std::io::BufWriter::new(fs::File::create(&path).unwrap());
    for _ in 0..(megabytes * 1_000_000).div_ceil(block.len()) {
        file.write_all(&block).unwrap();
    }
    file.into_inner().unwrap().sync_all().unwrap();
    let run = |processes| {
        let output = finish(mpirun(processes, &format!("stream {}", path.display())));
        assert!(output.status.success(), "{}", text(&output));
        let resident: Vec<usize> =
            lines(&output, "resident ").iter().map(|megabytes| megabytes.parse().unwrap()).collect();
        assert_eq!(resident.len(), processes);
        println!("{megabytes} MB on {processes} processes: resident {resident:?} MB");
        assert!(resident.iter().all(|&megabytes| megabytes <= 300));
        lines(&output, "digest ")
    };
    let digests = run(4);
    assert_eq!(digests.len(), 1);
    if megabytes <= 500 {
        assert_eq!(run(1), digests);
    }
}

#[test]
#[ignore = "one of the processes that mpirun started"]
fn worker() {
    let job = std::env::var("MANABI_MPI_JOB").expect("mpirun sets the job");
    let mpi = Mpi::start().unwrap();
    match job.split_once(' ') {
        Some(("run", folder)) => resumable(Path::new(folder), &mpi),
        Some(("stream", path)) => stream(Path::new(path), &mpi),
        _ => match job.as_str() {
            "bits" => digests(Some(&mpi))
                .iter()
                .filter(|_| mpi.rank() == 0)
                .for_each(|line| println!("\ndigest {line}")),
            "early" => {
                let own = if mpi.rank() == 2 { Err(Error::setting("file", "text", "none")) } else { Ok(()) };
                let agreed = mpi.agree(own).map_err(|error| error.to_string());
                drop(mpi);
                agreed.unwrap();
            }
            job => {
                let data = Fragile { samples: data(48), fails: mpi.rank() == 1, panics: job == "panic" };
                let mut trainer = Trainer::new().batch_size(12).shards(3).threads(1).processes(&mpi);
                trainer = trainer.order(|_, n| (0..n).collect());
                let result =
                    trainer.fit(&mut model::<f32>("plain"), &data).map_err(|error| error.to_string());
                drop(trainer);
                drop(mpi);
                result.unwrap();
            }
        },
    }
}

fn digest<A: Scalar>(model: &Sequential<A>) -> String {
    let mut hasher = DefaultHasher::new();
    let values = model.parameter_values().iter().chain(model.buffer_values());
    values.for_each(|&value| hasher.write_u64(value.into().to_bits()));
    format!("{:016x}", hasher.finish())
}

/// Trains every kind of model in both precisions, with two optimizers, on one and two threads.
fn digests(processes: Option<&Mpi>) -> Vec<String> {
    let mut all = Vec::new();
    for kind in ["plain", "dropout", "norm", "residual", "convolution"] {
        for (adam, threads) in [(false, 1), (false, 2), (true, 1), (true, 2)] {
            let name = format!("{kind} {} {threads}", if adam { "adam" } else { "sgd" });
            all.push(format!("{name} f32 {}", trained::<f32>(kind, adam, threads, processes)));
            all.push(format!("{name} f64 {}", trained::<f64>(kind, adam, threads, processes)));
        }
    }
    all
}

fn trained<A: Scalar>(kind: &str, adam: bool, threads: usize, processes: Option<&Mpi>) -> String {
    let (train, test) = (data(if kind == "norm" { 90 } else { 97 }), data(1203));
    let trainer = Trainer::new().batch_size(30).epochs(3).shards(12).threads(threads).validation(&test);
    let mut trainer = match adam {
        true => trainer.optimizer(Adam::new(0.01)),
        false => trainer.optimizer(Sgd::new(0.1)),
    };
    if let Some(processes) = processes {
        trainer = trainer.processes(processes);
    }
    let mut model = model::<A>(kind);
    trainer.fit(&mut model, &train).unwrap();
    digest(&model)
}

/// Trains with checkpoints, slowly enough to be killed.
fn resumable(folder: &Path, mpi: &Mpi) {
    let id = folder.join(format!("id-{}", mpi.rank()));
    fs::write(id, std::process::id().to_string()).unwrap();
    mpi.barrier().unwrap();
    let mut trainer = Trainer::new().batch_size(30).epochs(EPOCHS).shards(12).threads(1).processes(mpi);
    trainer =
        trainer.optimizer(Adam::new(0.01)).checkpoints(Checkpoints::new(folder.join("run")).resume(true));
    let mut model = model::<f32>("dropout");
    trainer.fit(&mut model, &Slow(data(90))).unwrap();
    if mpi.rank() == 0 {
        println!("\ndigest {}", digest(&model));
    }
}

/// Trains for one epoch on digits that are read from a file.
fn stream(path: &Path, mpi: &Mpi) {
    let file = fs::File::open(path).unwrap();
    let rows = file.metadata().unwrap().len() as usize / Digits::BYTES;
    let builder = Sequential::<f32>::builder(784).add_layer("a", Affine::new(50));
    let builder = builder.add_layer("s", Activation::new(Swish::default())).add_layer("b", Affine::new(10));
    let mut model = builder.set_output(Softmax).set_error(CrossEntropy).build().unwrap();
    let mut trainer = Trainer::new().batch_size(480).epochs(1).shards(12).threads(1).processes(mpi);
    trainer = trainer.measure_before(false).prefetch(2);
    let history = trainer.fit(&mut model, &Digits { file, rows }).unwrap();
    assert!(history.epochs[0].train.accuracy > Some(0.7), "{history:?}");
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kilobytes: usize = most.trim().trim_end_matches(" kB").parse().unwrap();
    println!("\nresident {}", kilobytes / 1000);
    mpi.barrier().unwrap();
    if mpi.rank() == 0 {
        println!("\ndigest {}", digest(&model));
    }
}

/// Digits in a file: for each one 784 pixels and its class.
#[derive(Debug)]
struct Digits {
    file: fs::File,
    rows: usize,
}

impl Digits {
    const BYTES: usize = 785;
}

impl Dataset<f32> for Digits {
    fn len(&self) -> usize {
        self.rows
    }
    fn input_dim(&self) -> usize {
        784
    }
    fn target_dim(&self) -> usize {
        10
    }
    fn gather(
        &self,
        rows: &[usize],
        mut x: ArrayViewMut2<'_, f32>,
        mut t: ArrayViewMut2<'_, f32>,
    ) -> Result<()> {
        let mut bytes = [0; Self::BYTES];
        t.fill(0.0);
        for (i, &row) in rows.iter().enumerate() {
            let read = self.file.read_exact_at(&mut bytes, (row * Self::BYTES) as u64);
            read.map_err(|error| Error::row("digits", row, "785 bytes", error))?;
            x.row_mut(i).iter_mut().zip(&bytes).for_each(|(x, &byte)| *x = f32::from(byte) / 255.0);
            t[[i, usize::from(bytes[784])]] = 1.0;
        }
        Ok(())
    }
}

/// A data set that takes some milliseconds for every batch.
#[derive(Debug)]
struct Slow(Samples<f32>);

impl Dataset<f32> for Slow {
    fn len(&self) -> usize {
        self.0.len()
    }
    fn input_dim(&self) -> usize {
        INPUTS
    }
    fn target_dim(&self) -> usize {
        CLASSES
    }
    fn input_shape(&self) -> manabi::Shape {
        Dataset::<f32>::input_shape(&self.0)
    }
    fn gather(&self, rows: &[usize], x: ArrayViewMut2<'_, f32>, t: ArrayViewMut2<'_, f32>) -> Result<()> {
        sleep(Duration::from_millis(2));
        self.0.gather(rows, x, t)
    }
}

/// A data set that fails in the second batch on one process.
#[derive(Debug)]
struct Fragile {
    samples: Samples<f32>,
    fails: bool,
    panics: bool,
}

impl Dataset<f32> for Fragile {
    fn len(&self) -> usize {
        self.samples.len()
    }
    fn input_dim(&self) -> usize {
        INPUTS
    }
    fn target_dim(&self) -> usize {
        CLASSES
    }
    fn input_shape(&self) -> manabi::Shape {
        Dataset::<f32>::input_shape(&self.samples)
    }
    fn gather(&self, rows: &[usize], x: ArrayViewMut2<'_, f32>, t: ArrayViewMut2<'_, f32>) -> Result<()> {
        // Rows of a shard; the evaluation before training gathers all rows.
        if self.fails && rows.contains(&17) && rows.len() < self.samples.len() {
            assert!(!self.panics, "this process fails");
            return Err(Error::setting("sample", "a readable file", "none"));
        }
        self.samples.gather(rows, x, t)
    }
}
