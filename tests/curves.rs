//! Threshold curves and calibration compared with scikit-learn and SciPy (`golden/curves.py`), and their properties.

mod golden_lines;

use std::collections::HashMap;

use golden_lines::matrix;
use manabi::metrics::{Temperature, ThresholdCurve, ThresholdPoint, brier_score, log_loss, reliability};
use ndarray::{Array1, array};
use proptest::prelude::*;

/// Returns the lines of the golden file by name.
fn golden() -> HashMap<&'static str, Vec<f64>> {
    golden_lines::lines(include_str!("golden/curves.txt"))
}

fn close(got: &[f64], want: &[f64], what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (got, want) in got.iter().zip(want) {
        assert!((got - want).abs() <= 1e-12 * want.abs(), "{what}: expected {want}, got {got}");
    }
}

fn labels(values: &[f64]) -> Vec<u8> {
    values.iter().map(|&label| label as u8).collect()
}

#[test]
fn curves_are_those_of_scikit_learn() {
    let golden = golden();
    let (scores, labels) = (Array1::from(golden["scores"].clone()), labels(&golden["labels"]));
    let plain = ThresholdCurve::new(scores.view(), &labels, None).unwrap();
    let weighted = ThresholdCurve::new(scores.view(), &labels, Some(&golden["weights"])).unwrap();
    for (kind, curve) in [("plain", plain), ("weighted", weighted)] {
        let line = |part: &str| &golden[format!("scores.{kind}.{part}").as_str()][..];
        let points = |value: fn(&ThresholdPoint) -> f64| curve.points().iter().map(value).collect::<Vec<_>>();
        close(&points(ThresholdPoint::false_positive_rate), line("fpr"), "false positive rate");
        close(&points(ThresholdPoint::recall), line("tpr"), "true positive rate");
        assert_eq!(points(|point| point.threshold)[1..], *line("thresholds"));
        close(&points(ThresholdPoint::precision), line("precision"), "precision");
        close(&points(ThresholdPoint::recall), line("recall"), "recall");
        close(&[curve.roc_auc()], line("auc"), "area");
        close(&[curve.average_precision()], line("average_precision"), "average precision");
    }
}

#[test]
fn calibration_is_that_of_scikit_learn() {
    let golden = golden();
    let (scores, binary) = (Array1::from(golden["scores"].clone()), labels(&golden["labels"]));
    close(&[brier_score(scores.view(), &binary, None).unwrap()], &golden["brier"], "Brier score");
    let bins = reliability(scores.view(), &binary, 7, None).unwrap();
    let rows: Vec<f64> = bins.iter().flat_map(|bin| [bin.mean_predicted, bin.fraction_positive]).collect();
    close(&rows, &golden["reliability"], "reliability");
    assert_eq!(bins.iter().map(|bin| bin.weight).sum::<f64>(), scores.len() as f64);
    let weights = Some(&golden["weights"][..]);
    close(&[brier_score(scores.view(), &binary, weights).unwrap()], &golden["brier.weighted"], "Brier score");

    let (logits, classes) = (golden["logits"].clone(), labels(&golden["classes"]));
    let logits = matrix(&logits, 4);
    for (end, weights) in [("", None), (".weighted", weights.map(|weights| &weights[..50]))] {
        let line = |name: &str| &golden[format!("{name}{end}").as_str()][..];
        let temperature = Temperature::fit(logits.view(), &classes, weights).unwrap();
        assert!((temperature.value() / line("temperature")[0] - 1.0).abs() < 1e-9, "{temperature:?}");
        let mut y = logits.clone();
        for mut row in y.rows_mut() {
            let total = row.mapv(f64::exp).sum();
            row.mapv_inplace(|u| u.exp() / total);
        }
        close(&[log_loss(y.view(), &classes, weights).unwrap()], line("log_loss"), "log loss");
        let mut y = logits.clone();
        temperature.apply(y.view_mut()).unwrap();
        close(&[log_loss(y.view(), &classes, weights).unwrap()], line("calibrated"), "calibrated log loss");
        assert!(y.rows().into_iter().all(|row| (row.sum() - 1.0).abs() < 1e-12));
    }
}

#[test]
fn the_unit_of_weights_does_not_matter() {
    let y = array![[1e-300, 1.0], [0.5, 0.5], [0.25, 0.75]];
    let loss = |unit: f64| log_loss(y.view(), &[0, 0, 1], Some(&[4.0, 3.0, 1.0].map(|weight| unit * weight)));
    for unit in [1e-300, 2e307] {
        close(&[loss(unit).unwrap()], &[loss(1.0).unwrap()], "log loss");
    }
}

#[test]
fn weights_count_as_repeated_scores() {
    let (scores, labels, weights) =
        (array![0.1, 0.3, 0.35, 0.9, 0.6], [0, 1, 1, 1, 0], [2.0, 0.0, 1.0, 3.0, 1.0]);
    let rows = [0, 0, 2, 3, 3, 3, 4];
    let (many, of_many) = (scores.select(ndarray::Axis(0), &rows), rows.map(|row| labels[row]));
    let bins = reliability(scores.view(), &labels, 3, Some(&weights)).unwrap();
    let expected = reliability(many.view(), &of_many, 3, None).unwrap();
    assert_eq!(bins.len(), expected.len());
    for (bin, expected) in bins.iter().zip(&expected) {
        assert_eq!((bin.weight, bin.fraction_positive), (expected.weight, expected.fraction_positive));
        close(&[bin.mean_predicted], &[expected.mean_predicted], "mean");
    }
    let curve = ThresholdCurve::new(scores.view(), &labels, Some(&weights)).unwrap();
    assert_eq!(curve, ThresholdCurve::new(many.view(), &of_many, None).unwrap());
}

proptest! {
    #[test]
    fn the_area_is_the_share_of_ordered_pairs(
        samples in proptest::collection::vec((0_i8..6, any::<bool>()), 2..40),
    ) {
        let scores: Array1<f32> = samples.iter().map(|sample| f32::from(sample.0)).collect();
        let labels: Vec<u8> = samples.iter().map(|sample| u8::from(sample.1)).collect();
        let positives = labels.iter().filter(|&&label| label == 1).count();
        prop_assume!(positives > 0 && positives < labels.len());
        let curve = ThresholdCurve::new(scores.view(), &labels, None).unwrap();
        let mut ordered = 0.0;
        for positive in samples.iter().filter(|sample| sample.1) {
            for negative in samples.iter().filter(|sample| !sample.1) {
                ordered += if positive.0 > negative.0 { 1.0 } else if positive.0 == negative.0 { 0.5 } else { 0.0 };
            }
        }
        let pairs = (positives * (labels.len() - positives)) as f64;
        prop_assert!((curve.roc_auc() - ordered / pairs).abs() < 1e-12);
        // The best points are at least as good as every other one.
        let best = curve.best_f1();
        prop_assert!(curve.points().iter().all(|point| point.f1() <= best.f1()));
        let cost = |point: &ThresholdPoint| 5.0 * point.false_positives + (point.positives - point.true_positives);
        let cheapest = curve.best_cost(5.0, 1.0);
        prop_assert!(curve.points().iter().all(|point| cost(point) >= cost(&cheapest)));
    }
}

#[test]
fn invalid_scores_are_errors() {
    let scores = array![0.5, 0.25];
    let message = |result: manabi::Result<ThresholdCurve>| result.unwrap_err().to_string();
    let only = "labels: expected positive and negative samples with a weight, got only positive ones";
    assert_eq!(message(ThresholdCurve::new(scores.view(), &[1, 1], None)), only);
    let shape = "labels: expected shape [2], one per score, and at least 1, got [1]";
    assert_eq!(message(ThresholdCurve::new(scores.view(), &[1], None)), shape);
    let label = "labels: expected a class below 2 at row 1, got 2";
    assert_eq!(message(ThresholdCurve::new(scores.view(), &[1, 2], None)), label);
    let weight = "weights: expected a finite number of at least 0 at row 0, got -1";
    assert_eq!(message(ThresholdCurve::new(scores.view(), &[1, 0], Some(&[-1.0, 1.0]))), weight);
    let finite = "scores: expected a finite value at row 1, column 0, got NaN";
    assert_eq!(message(ThresholdCurve::new(array![0.0, f64::NAN].view(), &[1, 0], None)), finite);
    let error = reliability(array![0.5, 1.5].view(), &[0, 1], 3, None).unwrap_err();
    assert_eq!(error.to_string(), "y: expected a probability at row 1, got 1.5");
    assert_eq!(
        reliability(scores.view(), &[0, 1], 0, None).unwrap_err().to_string(),
        "bins: expected at least 1, got 0"
    );
    let error = Temperature::fit(array![[0.0, 1.0]].view(), &[2], None).unwrap_err();
    assert_eq!(error.to_string(), "labels: expected a class below 2 at row 0, got 2");
}

#[test]
fn a_temperature_without_a_best_value_is_bounded() {
    // All predictions are right: the lower, the better.
    let sure = Temperature::fit(array![[1.0, 0.0], [0.0, 1.0]].view(), &[0, 1], None).unwrap();
    assert!((sure.value() * 1e6 - 1.0).abs() < 1e-6);
    // All predictions are wrong: the higher, the better.
    let wrong = Temperature::fit(array![[1.0, 0.0], [0.0, 1.0]].view(), &[1, 0], None).unwrap();
    assert!((wrong.value() / 1e6 - 1.0).abs() < 1e-6);
}
