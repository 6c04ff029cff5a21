//! Metrics compared with scikit-learn (`golden/metrics.py`), and their properties.

mod golden_lines;

use std::collections::HashMap;

use golden_lines::matrix;
use manabi::activation::{Identity, Sigmoid};
use manabi::loss::{BinaryCrossEntropy, MeanSquaredError};
use manabi::metrics::{
    Average, ConfusionMatrix, accuracy, classes, mean_absolute_error, mean_squared_error, r_squared,
    root_mean_squared_error, top_k_accuracy,
};
use manabi::random::{Random, RandomState};
use manabi::{Affine, CrossEntropy, Samples, Sequential, Softmax};
use ndarray::{Array2, ArrayView2, array};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Returns the lines of the golden file by name.
fn golden() -> HashMap<&'static str, Vec<f64>> {
    golden_lines::lines(include_str!("golden/metrics.txt"))
}

fn close(got: &[f64], want: &[f64], what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (got, want) in got.iter().zip(want) {
        assert!((got - want).abs() <= 1e-12 * want.abs(), "{what}: expected {want}, got {got}");
    }
}

fn classification(name: &str, number: usize) {
    let golden = golden();
    let line = |part: &str| &golden[format!("{name}.{part}").as_str()][..];
    let labels: Vec<u8> = line("labels").iter().map(|&label| label as u8).collect();
    let y = matrix(line("scores"), number);
    for (case, weights) in [("", None), ("weighted.", Some(line("weights")))] {
        let line = |part: &str| line(&format!("{case}{part}"));
        close(&[accuracy(y.view(), &labels, weights).unwrap()], line("accuracy"), "accuracy");
        let top = (1..number).map(|k| top_k_accuracy(y.view(), &labels, k, weights).unwrap());
        close(&top.collect::<Vec<f64>>(), line("top"), "top k");
        let matrix = ConfusionMatrix::new(&labels, &classes(y.view()).unwrap(), number, weights).unwrap();
        close(matrix.counts().as_slice().unwrap(), line("counts"), "counts");
        close(&[matrix.precision(), matrix.recall(), matrix.f1()].concat(), line("None"), "classes");
        let averages =
            [(Average::Macro, "macro"), (Average::Micro, "micro"), (Average::Weighted, "weighted")];
        for (average, name) in averages {
            let got = [
                matrix.average_precision(average),
                matrix.average_recall(average),
                matrix.average_f1(average),
            ];
            close(&got, line(name), name);
        }
    }
}

#[test]
fn figures_of_classes_are_scikit_learns() {
    classification("common", 5);
    classification("rare", 6);
}

type Figure = fn(ArrayView2<'_, f64>, ArrayView2<'_, f64>, Option<&[f64]>) -> manabi::Result<f64>;

const FIGURES: [(&str, Figure); 4] = [
    ("mean_absolute_error", mean_absolute_error),
    ("mean_squared_error", mean_squared_error),
    ("root_mean_squared_error", root_mean_squared_error),
    ("r_squared", r_squared),
];

#[test]
fn figures_of_numbers_are_scikit_learns() {
    let golden = golden();
    for (case, outputs) in [("several", 3), ("single", 1), ("constant", 3)] {
        let line = |part: &str| &golden[format!("{case}.{part}").as_str()][..];
        let (y, t) = (matrix(line("y"), outputs), matrix(line("t"), outputs));
        for (name, figure) in FIGURES {
            close(&[figure(y.view(), t.view(), None).unwrap()], line(name), name);
            let weighted = figure(y.view(), t.view(), Some(line("weights"))).unwrap();
            close(&[weighted], line(&format!("weighted.{name}")), name);
        }
    }
}

#[test]
fn constant_targets_have_a_defined_r_squared() {
    // The computed mean of ten values 0.1 is not 0.1.
    let t = Array2::from_elem((10, 1), 0.1);
    assert_eq!(r_squared(t.view(), t.view(), None).unwrap(), 1.0);
    assert_eq!(r_squared(t.mapv(|t| t + 1.0).view(), t.view(), None).unwrap(), 0.0);
}

#[test]
fn r_squared_does_not_depend_on_the_unit() {
    let (y, t) = (array![[1.0], [0.0], [0.5]], array![[0.0], [1.0], [0.5]]);
    let expected = r_squared(y.view(), t.view(), None).unwrap();
    for exponent in [-1060, -600, 600, 1000] {
        // In two steps, because powi(-1060) computes 1/2¹⁰⁶⁰, which is 0.
        let unit = |x: f64| x * 2_f64.powi(exponent / 2) * 2_f64.powi(exponent - exponent / 2);
        assert_eq!(
            r_squared(y.mapv(unit).view(), t.mapv(unit).view(), None).unwrap(),
            expected,
            "2^{exponent}"
        );
    }
}

#[test]
fn of_equals_the_first_is_the_greatest() {
    let y = array![[1.0_f32, 1.0, 1.0]];
    assert_eq!(classes(y.view()).unwrap(), [0]);
    for label in 0..3_u64 {
        for k in 1..=3 {
            let want = if label < k as u64 { 1.0 } else { 0.0 };
            assert_eq!(top_k_accuracy(y.view(), &[label], k, None).unwrap(), want);
        }
    }
}

#[test]
fn wrong_input_is_an_error() {
    fn says<T: std::fmt::Debug>(result: manabi::Result<T>, message: &str) {
        assert_eq!(result.unwrap_err().to_string(), message);
    }
    let y = array![[0.1, 0.9], [0.8, 0.2]];
    let (none, nan) = (Array2::<f64>::zeros((0, 2)), array![[f64::NAN, 0.0], [0.0, 0.0]]);
    let empty = "y: expected shape (1 or more, 1 or more), got [0, 2]";
    let not_finite = "y: expected a finite value at row 0, column 0, got NaN";
    says(accuracy(none.view(), &[0_u8; 0], None), empty);
    says(classes(none.view()), empty);
    says(accuracy(nan.view(), &[0, 1], None), not_finite);
    says(classes(nan.view()), not_finite);
    says(accuracy(y.view(), &[0], None), "labels: expected shape [2], got [1]");
    says(accuracy(y.view(), &[0, 2], None), "labels: expected a class below 2 at row 1, got 2");
    says(accuracy(y.view(), &[0, -1], None), "labels: expected a class below 2 at row 1, got -1");
    says(top_k_accuracy(y.view(), &[0, 1], 0, None), "k: expected 1 to 2, the number of classes, got 0");
    says(top_k_accuracy(y.view(), &[0, 1], 3, None), "k: expected 1 to 2, the number of classes, got 3");
    let count =
        |labels: &[i32], predicted: &[i32], classes| ConfusionMatrix::new(labels, predicted, classes, None);
    says(count(&[], &[], 2), "labels: expected shape [1 or more], got [0]");
    says(count(&[0, 1], &[0], 2), "predicted: expected shape [2], got [1]");
    says(count(&[0, 2], &[0, 0], 2), "labels: expected a class below 2 at row 1, got 2");
    says(count(&[0, 0], &[5, 0], 2), "predicted class in row 0: expected below 2, got 5");
    let huge = "out of memory: cannot allocate 8.0 EB for the confusion matrix";
    says(count(&[0], &[0], 1_000_000_000), huge);
    let huge = "out of memory: cannot allocate 3.4e20 EB for the confusion matrix";
    says(count(&[0], &[0], usize::MAX), huge);
    for (name, figure) in FIGURES {
        let one =
            if name == "r_squared" { "y: expected shape (2 or more, 1 or more), got [0, 2]" } else { empty };
        says(figure(none.view(), none.view(), None), one);
        says(figure(y.view(), array![[0.0], [0.0]].view(), None), "t: expected shape (2, 2), got [2, 1]");
        says(figure(nan.view(), y.view(), None), not_finite);
        says(figure(y.view(), nan.view(), None), "t: expected a finite value at row 0, column 0, got NaN");
    }
    says(
        r_squared(array![[1.0]].view(), array![[1.0]].view(), None),
        "y: expected shape (2 or more, 1 or more), got [1, 1]",
    );
}

/// Returns the indices of samples, each as often as its weight says.
fn repeated(weights: &[f64]) -> Vec<usize> {
    weights.iter().enumerate().flat_map(|(row, &weight)| vec![row; weight as usize]).collect()
}

#[test]
fn a_weight_counts_as_repeated_samples() {
    let weights = [2.0, 0.0, 1.0, 3.0, 1.0];
    let rows = repeated(&weights);
    let mut random = RandomState::new(3);
    let (y, t) = (random.normal((5, 2), 0.0, 1.0), random.normal((5, 2), 1.0, 2.0));
    let select = |values: &Array2<f64>| values.select(ndarray::Axis(0), &rows);
    for (name, figure) in FIGURES {
        let expected = figure(select(&y).view(), select(&t).view(), None).unwrap();
        // The unit of the weights does not matter, even if it is near the ends of the range.
        for unit in [1.0, 0.1, 1e300, 1e-300] {
            let weights = weights.map(|weight| unit * weight);
            close(&[figure(y.view(), t.view(), Some(&weights)).unwrap()], &[expected], name);
        }
    }
    let labels = [0, 1, 0, 1, 1];
    let predicted = [0, 0, 1, 1, 0];
    let of = |values: [usize; 5]| rows.iter().map(|&row| values[row]).collect::<Vec<_>>();
    let expected = ConfusionMatrix::new(&of(labels), &of(predicted), 2, None).unwrap();
    assert_eq!(ConfusionMatrix::new(&labels, &predicted, 2, Some(&weights)).unwrap(), expected);
    let halves = ConfusionMatrix::new(&labels, &predicted, 2, Some(&[0.5; 5])).unwrap();
    assert_eq!(
        halves.to_string(),
        "true \\ predicted      0      1\n               0 0.5000 0.5000\n               1      1 0.5000"
    );
    assert_eq!(
        format!("{halves:.1}"),
        "true \\ predicted   0   1\n               0 0.5 0.5\n               1 1.0 0.5"
    );
}

#[test]
fn a_models_confusion_matrix_is_weighted_as_its_accuracy() {
    let x = RandomState::new(1).normal((1203, 4), 0.0, 1.0);
    let labels: Vec<usize> = (0..1203).map(|i| i * i % 3).collect();
    let weights: Vec<f64> = (0..1203).map(|i| (i % 5) as f64 / 4.0).collect();
    let data = Samples::labeled(x, &labels, 3).unwrap().with_weights(weights.clone()).unwrap();
    let builder = Sequential::<f64>::builder(4).add_layer("affine1", Affine::new(3));
    let model = builder.set_output(Softmax).set_error(CrossEntropy).build().unwrap();
    let matrix = model.confusion_matrix(&data).unwrap();
    close(&[matrix.accuracy()], &[model.evaluate(&data).unwrap().accuracy.unwrap()], "accuracy");
    assert_eq!(matrix.samples(), weights.iter().sum::<f64>());
    let error = model.confusion_matrix(&data.with_weights(vec![f64::MAX; 1203]).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "weights: expected a finite sum, got inf");
}

#[test]
fn wrong_weights_are_errors() {
    let y = array![[0.1, 0.9], [0.8, 0.2]];
    for (weights, message) in [
        (&[1.0][..], "weights: expected shape [2], got [1]"),
        (&[1.0, -1.0], "weights: expected a finite number of at least 0 at row 1, got -1"),
        (&[f64::NAN, 1.0], "weights: expected a finite number of at least 0 at row 0, got NaN"),
        (&[0.0, 0.0], "weights: expected at least one above 0, got 0 at rows 0 to 1"),
        (&[f64::MAX, f64::MAX], "weights: expected a finite sum, got inf"),
    ] {
        let weights = Some(weights);
        let mut errors = vec![
            accuracy(y.view(), &[0, 1], weights).unwrap_err(),
            ConfusionMatrix::new(&[0, 1], &[0, 1], 2, weights).unwrap_err(),
        ];
        errors.extend(FIGURES.map(|(_, figure)| figure(y.view(), y.view(), weights).unwrap_err()));
        assert!(errors.iter().all(|error| error.to_string() == message), "{errors:?}");
    }
}

#[test]
fn a_models_confusion_matrix() {
    let affine = |outputs| Sequential::<f64>::builder(4).add_layer("affine1", Affine::new(outputs)).seed(2);
    // More than one batch of an evaluation.
    let x = RandomState::new(1).normal((1203, 4), 0.0, 1.0);
    let labels: Vec<usize> = (0..1203).map(|i| i * i % 3).collect();
    let data = Samples::labeled(x.clone(), &labels, 3).unwrap();
    let model = affine(3).set_output(Softmax).set_error(CrossEntropy.label_smoothing(0.1)).build().unwrap();
    let y = model.predict(x.view()).unwrap();
    let matrix = model.confusion_matrix(&data).unwrap();
    assert_eq!(matrix, ConfusionMatrix::new(&labels, &classes(y.view()).unwrap(), 3, None).unwrap());
    assert_eq!(Some(matrix.accuracy()), model.evaluate(&data).unwrap().accuracy);
    assert_eq!(matrix.accuracy(), accuracy(y.view(), &labels, None).unwrap());

    let t = Array2::from_shape_fn((1203, 1), |(i, _)| (i * i % 3) as f64 / 2.0);
    let data = Samples::new(x.clone(), t).unwrap();
    let model = affine(1).set_output(Sigmoid).set_error(BinaryCrossEntropy).build().unwrap();
    let matrix = model.confusion_matrix(&data).unwrap();
    assert_eq!((matrix.classes(), matrix.samples()), (2, 1203.0));
    assert_eq!(matrix.support()[0], labels.iter().filter(|&&label| label == 0).count() as f64);
    assert_eq!(Some(matrix.accuracy()), model.evaluate(&data).unwrap().accuracy);

    // ½ counts as the positive class, as in the accuracy.
    let mut undecided = model.clone();
    undecided.parameter_values_mut().fill(0.0);
    assert_eq!(undecided.confusion_matrix(&data).unwrap().counts().column(0).sum(), 0.0);

    let model = affine(1).set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    let error = model.confusion_matrix(&data).unwrap_err().to_string();
    assert_eq!(
        error,
        "output: expected softmax, or sigmoid of width 1, for a confusion matrix, got identity of width 1"
    );
    let mut model = affine(3).set_output(Softmax).set_error(CrossEntropy).build().unwrap();
    assert!(model.confusion_matrix(&data).is_err());

    let data = Samples::labeled(x.mapv(|x| 1e300 * x), &labels, 3).unwrap();
    model.parameter_values_mut().fill(1e10);
    let error = model.confusion_matrix(&data).unwrap_err().to_string();
    assert_eq!(
        error,
        "rows starting at 0: predictions for samples of the data set: expected a finite value at row 0, column 0, got NaN"
    );
}

#[test]
fn figures_of_values_whose_squares_or_sums_leave_the_range() {
    let column = |values: &[f64]| Array2::from_shape_vec((values.len(), 1), values.to_vec()).unwrap();
    let figures = |y: &[f64], t: &[f64]| {
        let (y, t) = (column(y), column(t));
        FIGURES.map(|(name, figure)| (name, figure(y.view(), t.view(), None).unwrap()))
    };
    let figure =
        |name: &str, y: &[f64], t: &[f64]| figures(y, t).into_iter().find(|of| of.0 == name).unwrap().1;
    let (y, t) = ([0.5, 2.0, 3.5, 3.0, -1.25], [1.0, 2.0, 3.0, 5.0, -1.0]);
    // Scaling by a power of two does not change the digits of a metric that has a value.
    for exponent in [-1060, -600, -300, 300, 600, 1020] {
        // `powi` does not return subnormal powers of two.
        let unit = 2.0_f64.powi(exponent / 2) * 2.0_f64.powi(exponent - exponent / 2);
        let scaled = |values: [f64; 5]| values.map(|value| unit * value);
        for ((name, got), (_, of_1)) in figures(&scaled(y), &scaled(t)).into_iter().zip(figures(&y, &t)) {
            let expected = match name {
                "r_squared" => of_1,
                "mean_squared_error" => of_1 * unit * unit,
                _ => of_1 * unit,
            };
            assert_eq!(got, expected, "{name} in units of 2^{exponent}");
        }
    }
    // Sums that overflow although the mean of their terms does not.
    let (zeros, ends) = ([0.0; 1000], [f64::MAX; 1000]);
    assert!((figure("mean_absolute_error", &ends, &zeros) / f64::MAX - 1.0).abs() < 1e-13);
    assert!((figure("root_mean_squared_error", &ends, &zeros) / f64::MAX - 1.0).abs() < 1e-13);
    assert!((figure("mean_squared_error", &[1e154; 1000], &zeros) / 1e308 - 1.0).abs() < 1e-13);
    assert_eq!(figure("mean_squared_error", &ends, &zeros), f64::INFINITY);
    let far = |apart: f64| (0..1000).map(|i| if i == 0 { apart } else { 0.0 }).collect::<Vec<f64>>();
    assert!((figure("mean_squared_error", &far(1e155), &zeros) / 1e307 - 1.0).abs() < 1e-15);
    // Even a single difference may overflow.
    assert!(
        (figure("mean_absolute_error", &far(f64::MAX), &far(-f64::MAX)) / (f64::MAX / 500.0) - 1.0).abs()
            < 1e-15
    );
    assert_eq!(figure("r_squared", &[-1.5e308, 1.5e308], &[-1.5e308, 1.5e308]), 1.0);
    assert_eq!(figure("r_squared", &[1.5e308, 1.5e308], &[-1.5e308, 1.5e308]), -1.0);
    let t = [-1.5e308, 1.5e308, 1.5e308, 1.5e308];
    assert!((figure("r_squared", &[1.5e308; 4], &t) + 1.0 / 3.0).abs() < 1e-15);
    // Errors far larger than the spread of the targets, also if one square overflows and the other underflows.
    assert!((figure("r_squared", &[1e200, 0.0], &[0.0, 1e60]) / -2e280 - 1.0).abs() < 1e-14);
    assert_eq!(figure("r_squared", &[1e300, 0.0], &[0.0, 1e-300]), f64::NEG_INFINITY);
    assert_eq!(figure("r_squared", &[1e-300, 1e300], &[0.0, 1e300]), 1.0);
    // The mean over the outputs.
    let (y, t) = (array![[1.3e154, 1.3e154]], array![[0.0, 0.0]]);
    assert_eq!(mean_squared_error(y.view(), t.view(), None).unwrap(), 1.3e154 * 1.3e154);
}

/// Samples with labels and scores of each class, including ties.
fn scored() -> impl Strategy<Value = (Vec<usize>, Array2<f64>)> {
    (1_usize..7, 1_usize..40).prop_flat_map(|(classes, rows)| {
        let scores = prop::collection::vec((-3_i32..4).prop_map(f64::from), rows * classes);
        let scores = scores.prop_map(move |values| Array2::from_shape_vec((rows, classes), values).unwrap());
        (prop::collection::vec(0..classes, rows), scores)
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        rng_seed: RngSeed::Fixed(10),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn laws_of_classes((labels, y) in scored()) {
        let number = y.ncols();
        let predicted = classes(y.view()).unwrap();
        let matrix = ConfusionMatrix::new(&labels, &predicted, number, None).unwrap();
        let share = accuracy(y.view(), &labels, None).unwrap();
        prop_assert_eq!(matrix.samples(), labels.len() as f64);
        prop_assert_eq!(matrix.support().iter().sum::<f64>(), labels.len() as f64);
        prop_assert_eq!(matrix.accuracy(), share);
        prop_assert_eq!(top_k_accuracy(y.view(), &labels, 1, None).unwrap(), share);
        prop_assert_eq!(top_k_accuracy(y.view(), &labels, number, None).unwrap(), 1.0);
        for k in 1..number {
            let (less, more) = (top_k_accuracy(y.view(), &labels, k, None), top_k_accuracy(y.view(), &labels, k + 1, None));
            prop_assert!(less.unwrap() <= more.unwrap());
        }
        for figure in [ConfusionMatrix::average_precision, ConfusionMatrix::average_recall, ConfusionMatrix::average_f1] {
            prop_assert_eq!(figure(&matrix, Average::Micro), share);
            for average in [Average::Macro, Average::Weighted] {
                prop_assert!((0.0..=1.0 + 1e-12).contains(&figure(&matrix, average)));
            }
        }
        prop_assert!((matrix.average_recall(Average::Weighted) - share).abs() < 1e-12);
        for ((precision, recall), f1) in matrix.precision().into_iter().zip(matrix.recall()).zip(matrix.f1()) {
            let harmonic = if precision + recall == 0.0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) };
            prop_assert!((f1 - harmonic).abs() < 1e-12);
        }
        // Swapping truth and prediction transposes the matrix and swaps precision and recall.
        let swapped = ConfusionMatrix::new(&predicted, &labels, number, None).unwrap();
        let transposed = swapped.counts().reversed_axes();
        prop_assert_eq!(transposed, matrix.counts());
        prop_assert_eq!(swapped.precision(), matrix.recall());
        // One-hot targets are exact predictions.
        let exact = ConfusionMatrix::new(&labels, &labels, number, None).unwrap();
        prop_assert_eq!(exact.accuracy(), 1.0);
        prop_assert_eq!(exact.average_f1(Average::Weighted), 1.0);
    }

    #[test]
    fn the_order_of_samples_and_the_names_of_classes_do_not_matter((labels, y) in scored(), seed in any::<u32>()) {
        let (number, predicted) = (y.ncols(), classes(y.view()).unwrap());
        let matrix = ConfusionMatrix::new(&labels, &predicted, number, None).unwrap();
        let order = RandomState::new(seed).permutation(labels.len());
        let shuffle = |values: &[usize]| order.iter().map(|&i| values[i]).collect::<Vec<_>>();
        let shuffled = ConfusionMatrix::new(&shuffle(&labels), &shuffle(&predicted), number, None).unwrap();
        prop_assert_eq!(&shuffled, &matrix);
        let names = RandomState::new(seed).permutation(number);
        let rename = |values: &[usize]| values.iter().map(|&i| names[i]).collect::<Vec<_>>();
        let renamed = ConfusionMatrix::new(&rename(&labels), &rename(&predicted), number, None).unwrap();
        let f1: Vec<f64> = names.iter().map(|&name| renamed.f1()[name]).collect();
        prop_assert_eq!(f1, matrix.f1());
        prop_assert!((renamed.average_f1(Average::Macro) - matrix.average_f1(Average::Macro)).abs() < 1e-12);
    }

    #[test]
    fn laws_of_numbers(rows in 2_usize..30, outputs in 1_usize..4, seed in any::<u32>()) {
        let mut random = RandomState::new(seed);
        let (y, t) = (random.normal((rows, outputs), 0.0, 2.0), random.normal((rows, outputs), 1.0, 2.0));
        for (name, figure) in FIGURES {
            let of = |y: &Array2<f64>, t: &Array2<f64>| figure(y.view(), t.view(), None).unwrap();
            prop_assert_eq!(of(&t, &t), if name == "r_squared" { 1.0 } else { 0.0 });
            // The order of samples does not matter.
            let order = random.permutation(rows);
            let shuffle = |values: &Array2<f64>| values.select(ndarray::Axis(0), &order);
            prop_assert!((of(&shuffle(&y), &shuffle(&t)) - of(&y, &t)).abs() <= 1e-10 * of(&y, &t).abs().max(1.0));
        }
        let (absolute, root) =
            (mean_absolute_error(y.view(), t.view(), None).unwrap(), root_mean_squared_error(y.view(), t.view(), None).unwrap());
        prop_assert!(absolute <= root * (1.0 + 1e-12));
        prop_assert!(root.powi(2) <= mean_squared_error(y.view(), t.view(), None).unwrap() * (1.0 + 1e-12));
        prop_assert!(r_squared(y.view(), t.view(), None).unwrap() <= 1.0);
        // Predicting the mean of the targets has an R² of 0.
        let middle = t.mean_axis(ndarray::Axis(0)).unwrap();
        let constant = middle.broadcast(t.dim()).unwrap();
        prop_assert!(r_squared(constant, t.view(), None).unwrap().abs() < 1e-12);
    }
}

/// Each of the two labels counts as half a sample.
#[test]
fn accuracy_of_several_labels_is_their_share() {
    let data = Samples::new(array![[1.0], [1.0]], array![[1.0, 0.0], [1.0, 1.0]]).unwrap();
    let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(2));
    let mut model = builder.set_output(Sigmoid).set_error(BinaryCrossEntropy).build().unwrap();
    model.set_parameter_values(&[1.0, 1.0, 0.0, 0.0]).unwrap();
    assert_eq!(model.evaluate(&data).unwrap().accuracy, Some(0.75));
}

#[test]
fn a_confusion_matrix_prints_as_a_table() {
    let matrix = ConfusionMatrix::new(&[0, 0, 1, 1, 1], &[0, 1, 1, 1, 0], 2, None).unwrap();
    let table = "true \\ predicted 0 1\n               0 1 1\n               1 1 2";
    assert_eq!(matrix.to_string(), table);
    // Columns are as wide as the largest class number or count.
    let last_row = |classes: usize| {
        let matrix = ConfusionMatrix::new(&[0, 1], &[0, 1], classes, None).unwrap().to_string();
        matrix.lines().last().unwrap().len()
    };
    assert_eq!([last_row(10), last_row(11)], [16 + 10 * 2, 16 + 11 * 3]);
}
