//! The code shared by the Rust programs: reads the task and the data, shuffles the samples, measures and reports times.
//!
//! `program EPOCHS FOLDER [predict]`, where the folder contains the bytes of `images` and `labels` without headers.

use std::hint::black_box;
use std::time::Instant;

/// The number of pixels in an image.
pub const PIXELS: usize = 784;
/// The number of classes.
pub const CLASSES: usize = 10;
/// The number of samples in a batch.
pub const BATCH: usize = 100;
/// The learning rate.
pub const RATE: f32 = 0.1;

/// The measurement to carry out, with its data.
pub struct Task {
    pub epochs: usize,
    pub predict: bool,
    pub pixels: Vec<u8>,
    pub labels: Vec<u8>,
    state: u64,
}

impl Task {
    /// Reads the task from the command line.
    pub fn read() -> Self {
        let arguments: Vec<String> = std::env::args().collect();
        let [_, epochs, folder, rest @ ..] = &arguments[..] else { panic!("EPOCHS FOLDER [predict]") };
        let bytes = |name| std::fs::read(format!("{folder}/{name}")).expect("FOLDER contains the file");
        let epochs = epochs.parse().expect("expected EPOCHS to be an integer");
        let predict = rest.iter().any(|word| word == "predict");
        Self {
            epochs,
            predict,
            pixels: bytes("images"),
            labels: bytes("labels"),
            state: 0x9e37_79b9_7f4a_7c15,
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
        let mut x = Vec::with_capacity(rows.len() * PIXELS);
        for row in rows {
            let image = &self.pixels[row * PIXELS..(row + 1) * PIXELS];
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
        let mut t = vec![0.0; rows.len() * CLASSES];
        rows.iter().enumerate().for_each(|(i, &row)| t[i * CLASSES + self.labels[row] as usize] = 1.0);
        t
    }

    /// Returns the image to predict.
    pub fn image(&self) -> Vec<f32> {
        self.images(&[0])
    }

    /// Trains for the task's epochs with a step that returns its loss, and reports each epoch.
    pub fn train(&mut self, mut step: impl FnMut(&Task, &[usize]) -> f64) {
        for _ in 0..self.epochs {
            let start = Instant::now();
            let order = self.order();
            let loss: f64 = order.chunks_exact(BATCH).map(|rows| step(self, rows)).sum();
            report_epoch(start.elapsed().as_secs_f64(), loss / (order.len() / BATCH) as f64);
        }
    }

    /// Reports the time of a prediction if requested: the best of 20 means of 1000.
    pub fn predict<R>(&self, mut predict: impl FnMut() -> R) {
        if !self.predict {
            return;
        }
        let mean = |_| {
            let start = Instant::now();
            (0..1000).for_each(|_| _ = black_box(predict()));
            start.elapsed().as_secs_f64() / 1000.0
        };
        println!("predict {}", (0..20).map(mean).fold(f64::INFINITY, f64::min));
    }
}

/// Reports the seconds and the mean loss of an epoch.
pub fn report_epoch(seconds: f64, loss: f64) {
    println!("epoch {seconds} {loss}");
}
