//! What several processes cost: the time of messages, and of training steps on 1 and more processes, with a delay of every
//! message if wanted. Process 0 prints the table.
//!
//! ```text
//! cargo bench --no-run --bench processes --features mpi
//! mpirun -n 2 target/release/deps/processes-HASH --bench
//! ```

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use manabi::train::{BatchProgress, Mpi, Observer, Processes};
use manabi::{
    Activation, Affine, CrossEntropy, Mnist, Normalizer, Relu, Result, Sequential, Sgd, Softmax, Trainer,
};

const BATCH: usize = 512;

/// Builds a network with these hidden layers.
fn network(hidden: &[usize]) -> Sequential<f32> {
    let mut builder = Sequential::builder(784);
    for (i, &width) in hidden.iter().enumerate() {
        builder = builder.add_layer(format!("affine{i}"), Affine::new(width));
        builder = builder.add_layer(format!("relu{i}"), Activation::new(Relu));
    }
    let builder = builder.add_layer("end", Affine::new(10)).set_output(Softmax).set_error(CrossEntropy);
    builder.build().expect("the network builds")
}

/// Processes whose messages take longer.
#[derive(Debug)]
struct Delayed<'a>(&'a Mpi, Duration);

impl Delayed<'_> {
    fn wait(&self) {
        let start = Instant::now();
        while start.elapsed() < self.1 {}
    }
}

impl Processes for Delayed<'_> {
    fn rank(&self) -> usize {
        self.0.rank()
    }
    fn size(&self) -> usize {
        self.0.size()
    }
    fn exchange(&self, send: &[&[u8]], receive: &mut [&mut [u8]]) -> Result<()> {
        self.wait();
        self.0.exchange(send, receive)
    }
    fn gather(&self, own: &[u8], all: &mut [u8]) -> Result<()> {
        self.wait();
        self.0.gather(own, all)
    }
}

/// Records the time of every step.
struct Steps(Option<Instant>, Vec<f64>);

impl Observer<f32> for &mut Steps {
    fn on_batch(&mut self, _: BatchProgress) -> ControlFlow<()> {
        let now = Instant::now();
        self.1.extend(self.0.replace(now).map(|last| (now - last).as_secs_f64()));
        ControlFlow::Continue(())
    }
}

/// Returns the median seconds of a step.
fn step(hidden: &[usize], shards: usize, processes: Option<&dyn Processes>) -> f64 {
    let digits = Mnist::synthetic(8192, 1, 0).expect("the counts are valid").train;
    let normalizer = Normalizer::min_max(digits.pixels()).expect("the images have pixels");
    let digits = digits.normalize(&normalizer).expect("the normalizer fits");
    let mut steps = Steps(None, Vec::new());
    let mut trainer = Trainer::new().batch_size(BATCH).epochs(2).shards(shards).threads(1);
    trainer = trainer.optimizer(Sgd::new(0.01)).measure_before(false).observe(&mut steps);
    if let Some(processes) = processes {
        trainer = trainer.processes(processes);
    }
    trainer.fit(&mut network(hidden), &digits).expect("the data fit");
    drop(trainer);
    steps.1.sort_by(f64::total_cmp);
    steps.1[steps.1.len() / 2]
}

/// Returns the mean seconds of an exchange in which every process sends this many bytes to every other.
fn exchange(mpi: &Mpi, bytes: usize, rounds: usize) -> f64 {
    let own = vec![1; bytes];
    let mut rooms: Vec<Vec<u8>> = (0..mpi.size()).map(|_| vec![0; bytes]).collect();
    let mut round = || {
        let mut receive: Vec<&mut [u8]> = rooms.iter_mut().map(|room| &mut room[..]).collect();
        mpi.exchange(&vec![&own[..]; mpi.size()], &mut receive).expect("all processes answer");
    };
    (0..rounds / 4 + 1).for_each(|_| round());
    let start = Instant::now();
    (0..rounds).for_each(|_| round());
    start.elapsed().as_secs_f64() / rounds as f64
}

/// Returns the mean seconds of a gather of 16 bytes.
fn gather(mpi: &Mpi, rounds: usize) -> f64 {
    let mut all = vec![0; 16 * mpi.size()];
    let start = Instant::now();
    (0..rounds).for_each(|_| mpi.gather(&[1; 16], &mut all).expect("all processes answer"));
    start.elapsed().as_secs_f64() / rounds as f64
}

fn main() {
    // `cargo test --benches` and `cargo bench --no-run` must stay fast.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let mpi = Mpi::start().expect("mpirun starts the processes");
    let is_first = mpi.rank() == 0;
    let print = |line: String| {
        if is_first {
            println!("{line}");
        }
    };
    let size = mpi.size();
    print(format!("{size} processes: gather of 16 bytes {:.1} µs", 1e6 * gather(&mpi, 2000)));
    for (bytes, rounds) in [(8, 2000), (1 << 16, 500), (1 << 20, 100), (12 << 20, 20)] {
        print(format!("exchange of {bytes} bytes with each: {:.1} µs", 1e6 * exchange(&mpi, bytes, rounds)));
    }
    for (name, hidden) in [("100, 50", &[100, 50][..]), ("2048, 2048", &[2048, 2048])] {
        for shards in [size, 2 * size, 4 * size] {
            // The other processes wait without using their cores.
            let alone = if is_first { step(hidden, shards, None) } else { 0.0 };
            mpi.barrier().expect("all processes answer");
            let together = step(hidden, shards, Some(&mpi));
            let delay = Duration::from_micros(500);
            let delayed = step(hidden, shards, Some(&Delayed(&mpi, delay)));
            let (ratio, delays) = (alone / together, (delayed - together) / delay.as_secs_f64());
            let (alone, together) = (1e3 * alone, 1e3 * together);
            print(format!(
                "{name}, {shards} shards: 1 process {alone:.2} ms a step, {size} processes {together:.2} ms ({ratio:.2}); \
                 a delay of every message counts {delays:.1} times"
            ));
        }
    }
}
