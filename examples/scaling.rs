//! Measures how the time per epoch grows with the number of samples, the width and the depth.
//!
//! `cargo run --release --example scaling [docs/scaling.svg]`
//!
//! The networks are 784-w-…-w-10 with swish in `f32`, with batches of 100, on one thread. Each time is the best of three epochs.
//! The line in each panel is the time of the matrix products alone at the rate of the 512³ product, measured in the same run.

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use manabi::data::{Dataset, Subset};
use manabi::linalg::Engine;
use manabi::ndarray::Array2;
use manabi::{Activation, Affine, CrossEntropy, Mnist, Normalizer, Sequential, Sgd, Softmax, Swish, Trainer};
use plotters::prelude::*;

const BATCH: usize = 100;

/// A network and a number of samples.
struct Case {
    /// The value of the varied quantity.
    at: f64,
    widths: Vec<usize>,
    samples: usize,
}

/// Returns the duration of the best of three epochs in seconds.
fn epoch(widths: &[usize], data: &dyn Dataset<f32>) -> manabi::Result<f64> {
    let mut builder = Sequential::<f32>::builder(784);
    for (i, &width) in widths.iter().enumerate() {
        builder = builder
            .add_layer(format!("affine{i}"), Affine::new(width))
            .add_layer(format!("swish{i}"), Activation::new(Swish::default()));
    }
    let builder = builder.add_layer("last", Affine::new(10));
    let mut model = builder.set_output(Softmax).set_error(CrossEntropy).build()?;
    let trainer = Trainer::new().epochs(3).batch_size(BATCH).optimizer(Sgd::new(1e-3));
    let history = trainer.threads(1).fit(&mut model, data)?;
    let seconds = history.epochs.windows(2).map(|rows| (rows[1].elapsed - rows[0].elapsed).as_secs_f64());
    Ok(seconds.fold(f64::INFINITY, f64::min))
}

/// Returns the duration of an epoch's products in seconds at this rate (operations per second).
fn floor(case: &Case, rate: f64) -> f64 {
    let all: Vec<usize> = [784].iter().chain(&case.widths).chain(&[10]).copied().collect();
    let products = all.windows(2).enumerate().map(|(i, w)| w[0] * w[1] * if i == 0 { 2 } else { 3 });
    2.0 * (products.sum::<usize>() * case.samples) as f64 / rate
}

/// Returns the best of twenty rates of the 512³ product, in operations per second.
fn rate() -> f64 {
    let a = Array2::from_elem((512, 512), 1.0_f32);
    let (mut c, mut engine) = (a.clone(), Engine::new(1));
    let seconds = (0..20).map(|_| {
        let start = Instant::now();
        engine.matmul(black_box(a.view()), a.view(), None, c.view_mut());
        start.elapsed().as_secs_f64()
    });
    2.0 * 512_f64.powi(3) / seconds.fold(f64::INFINITY, f64::min)
}

fn series() -> [(&'static str, Vec<Case>); 3] {
    let samples = [1000, 2000, 4000, 8000, 16_000, 32_000];
    let widths = [25, 50, 100, 200, 400, 800, 1600];
    let depths = [1, 2, 4, 8, 16, 32];
    [
        ("samples (784-100-50-10)", samples.map(|n| (n, vec![100, 50], n)).to_vec()),
        ("width w (784-w-w-10, 4,000 samples)", widths.map(|w| (w, vec![w, w], 4000)).to_vec()),
        ("hidden layers of 100 (4,000 samples)", depths.map(|d| (d, vec![100; d], 4000)).to_vec()),
    ]
    .map(|(name, cases)| {
        let case = |(at, widths, samples)| Case { at: at as f64, widths, samples };
        (name, cases.into_iter().map(case).collect())
    })
}

type Points = Vec<(f64, f64)>;

fn draw(path: &str, panels: &[(&str, Points, Points)]) -> Result<(), Box<dyn Error>> {
    let root = SVGBackend::new(path, (1080, 380)).into_drawing_area();
    root.fill(&WHITE)?;
    for (area, (name, measured, floor)) in root.split_evenly((1, 3)).iter().zip(panels) {
        let (left, right) = (measured[0].0, measured[measured.len() - 1].0);
        let (low, high) = (floor[0].1, measured[measured.len() - 1].1);
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(42)
            .y_label_area_size(58)
            .build_cartesian_2d((left / 1.2..right * 1.2).log_scale(), (low / 1.5..high * 1.5).log_scale())?;
        let mut mesh = chart.configure_mesh();
        mesh.x_labels(4).y_labels(4).x_label_formatter(&|x| x.to_string()).max_light_lines(0);
        mesh.x_desc(*name).y_desc("seconds per epoch").draw()?;
        let (blue, orange) = (RGBColor(0, 114, 178), RGBColor(213, 94, 0));
        chart
            .draw_series(LineSeries::new(floor.iter().copied(), orange.stroke_width(2)))?
            .label("products alone")
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], orange.stroke_width(2)));
        chart
            .draw_series(measured.iter().map(|&point| Circle::new(point, 4, blue.filled())))?
            .label("measured")
            .legend(move |(x, y)| Circle::new((x + 9, y), 4, blue.filled()));
        let mut labels = chart.configure_series_labels();
        labels.position(SeriesLabelPosition::UpperLeft).background_style(WHITE.mix(0.8)).draw()?;
    }
    Ok(root.present()?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let all = Mnist::synthetic(32_000, 1, 0)?.train;
    let all = all.clone().normalize(&Normalizer::min_max(all.pixels())?)?;
    let rate = rate();
    println!("512³: {:.1} GFLOP/s", rate / 1e9);
    let mut panels = Vec::new();
    for (name, cases) in series() {
        println!("{name}");
        let (mut measured, mut floors) = (Vec::new(), Vec::new());
        for case in cases {
            let data = Subset::new(&all, (0..case.samples).collect())?;
            let (seconds, floor) = (epoch(&case.widths, &data)?, floor(&case, rate));
            println!("{:8} {seconds:9.4} s   {:.2} of the product's rate", case.at, floor / seconds);
            measured.push((case.at, seconds));
            floors.push((case.at, floor));
        }
        panels.push((name, measured, floors));
    }
    let path = std::env::args().nth(1).unwrap_or_else(|| "target/scaling.svg".into());
    draw(&path, &panels)
}
