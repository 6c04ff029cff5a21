//! The code shared by the Rust programs: reads the workload and the data, shuffles the samples, measures and reports times.
//!
//! `program KEY=VALUE…`. `run` lists the workloads, whose settings are the arguments. `data` is a folder with the bytes of
//! `images` and `labels` without headers. A program trains for `epochs` epochs, then predicts each number of `rows`.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Instant;

/// The height and the width of an image.
pub const SIDE: usize = 28;

/// The workload to measure, with its data.
pub struct Task {
    /// The number of inputs of the first affine layer, of units in each hidden layer, and of classes.
    pub widths: Vec<usize>,
    /// The filters, kernel, padding and pool of every convolution before the affine layers.
    pub convolutions: Vec<[usize; 4]>,
    /// The rates of dropout before the first and before the last affine layer.
    pub dropout: [f64; 2],
    /// `swish` or `relu`.
    pub activation: String,
    /// Whether batch normalisation follows every affine layer except for the last.
    pub normalised: bool,
    /// The number of samples in a batch.
    pub batch: usize,
    /// `sgd` or `adam`.
    pub optimizer: String,
    /// The learning rate.
    pub rate: f64,
    pub epochs: usize,
    pub pixels: Vec<u8>,
    pub labels: Vec<u8>,
    rows: Vec<usize>,
    state: u64,
}

impl Task {
    /// Reads the task from the command line.
    pub fn read() -> Self {
        let words: Vec<String> = std::env::args().skip(1).collect();
        let settings: HashMap<&str, &str> = words.iter().filter_map(|word| word.split_once('=')).collect();
        let text = |key| *settings.get(key).unwrap_or_else(|| panic!("expected {key}=…"));
        let integer = |text: &str| text.parse::<usize>().expect("expected an integer");
        let integers = |key| text(key).split(',').filter(|text| !text.is_empty()).map(integer).collect();
        let convolution = |word: &str| {
            let numbers: Vec<usize> = word.split(':').map(integer).collect();
            numbers.try_into().expect("expected four integers")
        };
        let (first, last) = text("dropout").split_once(',').expect("expected two rates");
        let bytes =
            |name| std::fs::read(format!("{}/{name}", text("data"))).expect("`data` contains the file");
        let convolutions: Vec<[usize; 4]> =
            text("convolutions").split(',').filter(|word| !word.is_empty()).map(convolution).collect();
        let (mut channels, mut side) = (1, SIDE);
        for &[filters, kernel, padding, pool] in &convolutions {
            (channels, side) = (filters, (side + 2 * padding - kernel + 1) / pool);
        }
        let (mut widths, batch): (Vec<usize>, _) = (integers("widths"), integer(text("batch")));
        widths[0] = channels * side * side;
        let samples = batch * integer(text("steps"));
        let (mut pixels, mut labels) = (bytes("images"), bytes("labels"));
        pixels.truncate(samples * SIDE * SIDE);
        labels.truncate(samples);
        Self {
            convolutions,
            dropout: [first, last].map(|rate| rate.parse().expect("expected a number")),
            activation: text("activation").into(),
            normalised: text("normalised") == "yes",
            optimizer: text("optimizer").into(),
            rate: text("rate").parse().expect("expected a number"),
            epochs: integer(text("epochs")),
            rows: integers("rows"),
            state: 0x9e37_79b9_7f4a_7c15,
            widths,
            batch,
            pixels,
            labels,
        }
    }

    /// Returns a pseudo-random integer from 0 to 2⁶⁴ − 1 (xorshift).
    fn draw(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }

    /// Returns the sample indices in random order.
    fn order(&mut self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.labels.len()).collect();
        for i in (1..order.len()).rev() {
            order.swap(i, (self.draw() % (i as u64 + 1)) as usize);
        }
        order
    }

    /// Returns the pixels of a batch as values from 0 to 1, row by row.
    pub fn images(&self, rows: &[usize]) -> Vec<f32> {
        let width = SIDE * SIDE;
        let mut x = Vec::with_capacity(rows.len() * width);
        for row in rows {
            let image = &self.pixels[row * width..(row + 1) * width];
            x.extend(image.iter().map(|&pixel| f32::from(pixel) * (1.0 / 255.0)));
        }
        x
    }

    /// Returns the classes of a batch.
    pub fn classes<T: From<u8>>(&self, rows: &[usize]) -> Vec<T> {
        rows.iter().map(|&row| self.labels[row].into()).collect()
    }

    /// Returns the classes of a batch as one-hot rows.
    pub fn one_hot(&self, rows: &[usize]) -> Vec<f32> {
        let width = self.widths[self.widths.len() - 1];
        let mut t = vec![0.0; rows.len() * width];
        rows.iter().enumerate().for_each(|(i, &row)| t[i * width + self.labels[row] as usize] = 1.0);
        t
    }

    /// Trains for the task's epochs with a step that returns its loss, and reports each epoch.
    pub fn train(&mut self, mut step: impl FnMut(&Task, &[usize]) -> f64) {
        for _ in 0..self.epochs {
            let start = Instant::now();
            let order = self.order();
            let loss: f64 = order.chunks_exact(self.batch).map(|rows| step(self, rows)).sum();
            report_epoch(start.elapsed().as_secs_f64(), loss / (order.len() / self.batch) as f64);
        }
    }

    /// Times and reports the closure that `prepare` returns for each number of rows and their pixels.
    pub fn predict<R, P: FnMut() -> R>(&self, mut prepare: impl FnMut(usize, Vec<f32>) -> P) {
        for &rows in &self.rows {
            let x = self.images(&(0..rows).collect::<Vec<_>>());
            println!("predict {rows} {}", best(prepare(rows, x)));
        }
    }
}

/// Returns the best mean of at least 10 ms: of three means, or of as many as half a second has time for.
fn best<R>(mut work: impl FnMut() -> R) -> f64 {
    black_box(work());
    let (begin, mut means, mut times) = (Instant::now(), Vec::new(), 1);
    while means.len() < 3 || begin.elapsed().as_secs_f64() < 0.5 {
        let start = Instant::now();
        (0..times).for_each(|_| _ = black_box(work()));
        let elapsed = start.elapsed().as_secs_f64();
        if elapsed < 0.01 {
            times *= 2;
        } else {
            means.push(elapsed / f64::from(times));
        }
    }
    means.into_iter().fold(f64::INFINITY, f64::min)
}

/// Reports the seconds and the mean loss of an epoch.
pub fn report_epoch(seconds: f64, loss: f64) {
    println!("epoch {seconds} {loss}");
}
