//! Pictures of histories and curves.

use manabi::activation::{Identity, Tanh};
use manabi::data::Split;
use manabi::loss::MeanSquaredError;
use manabi::metrics::{ThresholdCurve, r_squared, reliability, reliability_svg};
use manabi::random::{Random, RandomState};
use manabi::{Activation, Affine, Samples, Sequential, Trainer};
use ndarray::Array2;

/// Returns the points of every line, with coordinates as shares of the plot from its lower left corner. The axes of the picture
/// are the first lines.
fn lines(svg: &str) -> Vec<Vec<(f64, f64)>> {
    let points = svg.split("<polyline ").skip(1).map(|line| {
        let list = line.split("points=\"").nth(1).unwrap().split('"').next().unwrap();
        let numbers = |pair: &str| {
            let (x, y) = pair.split_once(',').unwrap();
            (x.parse().unwrap(), y.parse().unwrap())
        };
        list.split_whitespace().map(numbers).collect()
    });
    points.collect()
}

/// Writes a picture to the folder in `MANABI_PLOTS`, to look at it.
fn show(name: &str, svg: &str) {
    if let Some(folder) = std::env::var_os("MANABI_PLOTS") {
        std::fs::write(std::path::Path::new(&folder).join(name), svg).unwrap();
    }
}

fn regression() -> (Sequential<f64>, Samples<f64>) {
    let x = RandomState::new(2).uniform((200, 1), -2.0, 2.0);
    let t = Array2::from_shape_fn((200, 1), |(row, _)| (2.0 * x[[row, 0]]).sin());
    let model = Sequential::builder(1)
        .add_layer("a", Affine::new(12))
        .add_layer("t", Activation::new(Tanh))
        .add_layer("b", Affine::new(1))
        .set_output(Identity)
        .set_error(MeanSquaredError)
        .build();
    (model.unwrap(), Samples::new(x, t).unwrap())
}

#[test]
fn a_history_has_a_line_for_every_set() {
    let (mut model, data) = regression();
    let (train, validation) = Split::fraction(0.3).split(&data).unwrap();
    let trainer = Trainer::new().batch_size(20).epochs(30).validation(&validation);
    let history = trainer.metric("R²", r_squared).fit(&mut model, &train).unwrap();
    let svg = history.metric_to_svg("R²").unwrap();
    assert!(svg.contains("R²") && !svg.contains("training"));
    assert_eq!(lines(&svg).into_iter().filter(|line| line.len() == 31).count(), 1);
    assert_eq!(
        history.metric_to_svg("R2").unwrap_err().to_string(),
        "history: expected a finite value of 'R2', got none"
    );
    let svg = history.to_svg().unwrap();
    show("history.svg", &svg);
    assert!(svg.starts_with("<svg width=\"480\" height=\"320\" "));
    assert!(["training", "validation", "epoch", "loss"].iter().all(|text| svg.contains(text)));
    let curves: Vec<_> = lines(&svg).into_iter().filter(|line| line.len() == 31).collect();
    assert_eq!(curves.len(), 2);
    // The loss falls, and larger values are higher up, with smaller coordinates.
    let (first, last) = (curves[0][0], curves[0][30]);
    let ratio = history.epochs[30].train.loss / history.epochs[0].train.loss;
    assert!(first.0 < last.0 && first.1 < last.1);
    let bottom = last.1 + (last.1 - first.1) * ratio / (1.0 - ratio);
    let middle = history.epochs[1].train.loss / history.epochs[0].train.loss;
    let expected = bottom - (bottom - first.1) * middle;
    assert!((curves[0][1].1 - expected).abs() < 3.0, "{} {expected}", curves[0][1].1);
}

#[test]
fn curves_of_a_classifier_are_drawn() {
    let scores = RandomState::new(1).uniform((400, 1), 0.0, 1.0);
    let noise = RandomState::new(2).uniform((400, 1), 0.0, 1.0);
    let labels: Vec<u8> = scores.iter().zip(&noise).map(|(score, noise)| u8::from(noise < score)).collect();
    let curve = ThresholdCurve::new(scores.column(0), &labels, None).unwrap();
    let (roc, precision) = (curve.roc_svg().unwrap(), curve.precision_recall_svg().unwrap());
    show("roc.svg", &roc);
    show("precision_recall.svg", &precision);
    let corner = |svg: &str| lines(svg).into_iter().find(|line| line.len() == curve.points().len()).unwrap();
    let roc_line = corner(&roc);
    // From the lower left corner to the upper right one.
    let diagonal = lines(&roc).into_iter().find(|line| line.len() == 2 && line[0] == roc_line[0]).unwrap();
    assert_eq!(roc_line.last(), diagonal.last());
    assert!(corner(&precision).len() > 100);
    let bins = reliability(scores.column(0), &labels, 8, None).unwrap();
    let svg = reliability_svg(&bins).unwrap();
    show("reliability.svg", &svg);
    assert!(lines(&svg).iter().any(|line| line.len() == 8));
}

#[test]
fn a_search_of_a_rate_is_drawn() {
    let (model, data) = regression();
    let search = Trainer::new().batch_size(20).search_rate(&model, &data, 1e-4..=1e3, 100).unwrap();
    let svg = search.to_svg().unwrap();
    show("search.svg", &svg);
    assert!(svg.contains("1e-3") && lines(&svg).iter().any(|line| line.len() == search.rates.len()));
}
