//! Every loss compared with PyTorch (`golden/losses.py`) and with differences, and at the edges.

mod golden_lines;

use std::collections::HashMap;

use golden_lines::matrix;
use manabi::activation::{Identity, Sigmoid, Tanh};
use manabi::loss::{
    BinaryCrossEntropy, ElementwiseLoss, Huber, Loss, LossFn, MeanAbsoluteError, MeanSquaredError,
    WeightedCrossEntropy,
};
use manabi::output::Output;
use manabi::persistence::Registry;
use manabi::random::{Random, RandomState};
use manabi::settings::Settings;
use manabi::{
    Activation, Affine, CrossEntropy, Real, Samples, Scalar, Sequential, Sgd, Softmax, Trainer, gradcheck,
};
use ndarray::{Array2, ArrayView2, Zip, array};

/// Returns the lines of the golden file by name.
fn golden() -> HashMap<&'static str, Vec<f64>> {
    golden_lines::lines(include_str!("golden/losses.txt"))
}

/// Checks that the values are equal to within 1e-12 of the largest value.
fn close(got: &[f64], want: &[f64], what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    let greatest = want.iter().fold(0.0_f64, |greatest, w| greatest.max(w.abs()));
    assert!(greatest > 0.0, "{what}: nothing to compare");
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        assert!((got - want).abs() <= 1e-12 * greatest, "{what}[{i}]: expected {want:e}, got {got:e}");
    }
}

/// Returns the mean loss on logits, as a model computes it, and its gradient.
fn value_and_gradient<A: Scalar>(
    output: &dyn Output<A>,
    loss: &dyn Loss<A>,
    u: ArrayView2<'_, A>,
    t: ArrayView2<'_, A>,
) -> (f64, Array2<A>) {
    let mut y = Array2::zeros(u.dim());
    output.forward(u, y.view_mut());
    // Elements that are not written stay NaN.
    let mut du = Array2::from_elem(u.dim(), A::nan());
    loss.gradient(output, u, y.view(), t, du.view_mut());
    (loss.sum_from_logits(u, y.view(), t) / loss.weight(t), du)
}

fn network(output: impl Output<f64> + 'static, loss: impl Loss<f64> + 'static) -> Sequential<f64> {
    Sequential::builder(4)
        .add_layer("affine1", Affine::new(5))
        .add_layer("tanh1", Activation::new(Tanh))
        .add_layer("affine2", Affine::new(3))
        .set_output(output)
        .set_error(loss)
        .seed(3)
        .build()
        .unwrap()
}

/// Checks value and gradient on fixed logits, and twenty steps of SGD.
fn case(
    name: &str,
    output: impl Output<f64> + Clone + 'static,
    loss: impl Loss<f64> + Clone + 'static,
    targets: &str,
) {
    let golden = golden();
    let line = |part: &str| &golden[format!("{name}.{part}").as_str()];
    let (u, t) = (matrix(&golden["logits"], 3), matrix(&golden[targets], 3));
    let (value, gradient) = value_and_gradient(&output, &loss, u.view(), t.view());
    close(&[value], line("value"), name);
    close(gradient.as_slice().unwrap(), line("gradient"), name);

    let data = Samples::new(matrix(&golden["x"], 4), t).unwrap();
    let mut model = network(output, loss);
    model.set_parameter_values(&golden["params"]).unwrap();
    let optimizer = Sgd::new(golden["learning_rate"][0]);
    let mut trainer =
        Trainer::new().batch_size(8).epochs(20).optimizer(optimizer).order(|_, n| (0..n).collect());
    let history = trainer.fit(&mut model, &data).unwrap();
    for (epoch, &want) in history.epochs[1..].iter().zip(line("losses")) {
        close(&[epoch.train.loss], &[want], &format!("{name}, step {}", epoch.number));
    }
    close(model.parameter_values(), line("params"), name);
}

fn weighted() -> WeightedCrossEntropy {
    CrossEntropy.class_weights([0.3, 1.0, 2.5])
}

#[test]
fn cross_entropy_is_pytorchs() {
    case("cross_entropy", Softmax, CrossEntropy.label_smoothing(0.0), "one_hot");
    case("cross_entropy/smoothing", Softmax, CrossEntropy.label_smoothing(0.1), "one_hot");
    case("cross_entropy/smoothing_1", Softmax, CrossEntropy.label_smoothing(1.0), "one_hot");
    case("cross_entropy/weights", Softmax, weighted(), "one_hot");
    case("cross_entropy/smoothing_weights", Softmax, weighted().label_smoothing(0.3), "one_hot");
    let zero = CrossEntropy.class_weights([0.0, 1.0, 2.0]).label_smoothing(0.2);
    case("cross_entropy/zero_weight", Softmax, zero, "one_hot");
    case("cross_entropy/soft", Softmax, CrossEntropy.label_smoothing(0.0), "soft");
    case("cross_entropy/soft_smoothing", Softmax, CrossEntropy.label_smoothing(0.1), "soft");
    case("cross_entropy/soft_weights", Softmax, weighted().mean_over_samples(true), "soft");
    let smoothed = weighted().label_smoothing(0.3).mean_over_samples(true);
    case("cross_entropy/soft_smoothing_weights", Softmax, smoothed, "soft");
}

#[test]
fn binary_cross_entropy_is_pytorchs() {
    let weighted = BinaryCrossEntropy.pos_weight([3.0, 0.5, 1.0]);
    case("binary_cross_entropy", Sigmoid, BinaryCrossEntropy, "yes");
    case("binary_cross_entropy/shares", Sigmoid, BinaryCrossEntropy, "shares");
    case("binary_cross_entropy/pos_weight", Sigmoid, weighted.clone(), "yes");
    case("binary_cross_entropy/shares_pos_weight", Sigmoid, weighted, "shares");
}

#[test]
fn losses_of_numbers_are_pytorchs() {
    case("mean_squared_error", Identity, MeanSquaredError, "numbers");
    case("mean_absolute_error", Identity, MeanAbsoluteError, "numbers");
    case("huber", Identity, Huber::default(), "numbers");
    case("huber/delta", Identity, Huber::new(0.3), "numbers");
    case("mean_absolute_error/sigmoid", Sigmoid, MeanAbsoluteError, "yes");
    case("huber/softmax", Softmax, Huber::new(0.25), "soft");
}

#[test]
fn gradients_are_the_losses_differences() {
    let golden = golden();
    let check = |model: Sequential<f64>, targets: &str| {
        let data = Samples::new(matrix(&golden["x"], 4), matrix(&golden[targets], 3)).unwrap();
        gradcheck::model(&model, &data).unwrap().assert();
    };
    for targets in ["one_hot", "soft"] {
        check(network(Softmax, CrossEntropy.label_smoothing(0.2)), targets);
        check(network(Softmax, weighted()), targets);
        check(network(Softmax, weighted().label_smoothing(0.3)), targets);
        check(network(Softmax, weighted().label_smoothing(0.3).mean_over_samples(true)), targets);
        check(network(Softmax, CrossEntropy.class_weights([0.0, 0.0, 7.0])), targets);
        check(network(Softmax, Huber::new(0.2)), targets);
        check(network(Softmax, MeanAbsoluteError), targets);
    }
    for targets in ["yes", "shares"] {
        check(network(Sigmoid, BinaryCrossEntropy), targets);
        check(network(Sigmoid, BinaryCrossEntropy.pos_weight([3.0, 0.0, 0.1])), targets);
        check(network(Sigmoid, MeanAbsoluteError), targets);
    }
    check(network(Identity, MeanAbsoluteError), "numbers");
    check(network(Identity, Huber::default()), "numbers");
    check(network(Identity, Huber::new(3.0)), "numbers");
}

/// Checks logits of ±1e3 and similar magnitudes in this precision: every loss has the expected value, and no gradient is NaN.
fn extremes<A: Scalar>() {
    let of = |values: Array2<f64>| values.mapv(A::of);
    let value = |output: &dyn Output<A>, loss: &dyn Loss<A>, u: &Array2<f64>, t: &Array2<f64>| {
        let (value, gradient) = value_and_gradient(output, loss, of(u.clone()).view(), of(t.clone()).view());
        assert!(gradient.iter().all(|d| d.is_finite()), "{loss:?} at {u}");
        value
    };
    let (u, right, wrong) = (array![[1e3, -1e3]], array![[1.0, 0.0]], array![[0.0, 1.0]]);
    let exact = CrossEntropy.label_smoothing(0.0);
    assert_eq!(value(&Softmax, &exact, &u, &right), 0.0);
    assert_eq!(value(&Softmax, &exact, &u, &wrong), 2000.0);
    assert_eq!(value(&Softmax, &CrossEntropy.label_smoothing(1.0), &u, &right), 1000.0);
    assert_eq!(value(&Softmax, &CrossEntropy.class_weights([0.5, 4.0]), &u, &wrong), 2000.0);
    // The floor of the article's loss.
    assert_eq!(value(&Softmax, &CrossEntropy, &u, &wrong), -(1e-7_f64).ln());
    // Next to a nearly certain class, the small remaining loss keeps its precision.
    let small = value(&Softmax, &exact, &array![[50.0, 0.0]], &right);
    assert!((small / (-50.0_f64).exp() - 1.0).abs() < 1e-14, "{small:e}");

    assert_eq!(value(&Sigmoid, &BinaryCrossEntropy, &u, &right), 0.0);
    assert_eq!(value(&Sigmoid, &BinaryCrossEntropy, &u, &wrong), 1000.0);
    assert_eq!(value(&Sigmoid, &BinaryCrossEntropy.pos_weight([1.0, 4.0]), &u, &wrong), 2500.0);
    assert_eq!(value(&Sigmoid, &BinaryCrossEntropy.pos_weight([9.0, 0.0]), &u, &wrong), 500.0);
    let small = value(&Sigmoid, &BinaryCrossEntropy, &array![[50.0, -50.0]], &right);
    assert!((small / (-50.0_f64).exp() - 1.0).abs() < 1e-14, "{small:e}");

    assert_eq!(value(&Identity, &MeanAbsoluteError, &u, &wrong), 1000.5);
    assert_eq!(value(&Identity, &Huber::new(0.5), &u, &array![[0.0, 0.0]]), 0.5 * (1e3 - 0.25));
}

#[test]
fn extreme_logits() {
    extremes::<f32>();
    extremes::<f64>();
}

#[test]
fn impossible_probabilities_are_floored() {
    fn check<A: Scalar>() {
        let y = array![[0.0, 1.0]].mapv(A::of);
        let t = array![[1.0, 0.0]].mapv(A::of);
        let floor = -(1e-7_f64).ln();
        let sum = |loss: &dyn Loss<A>| loss.sum(y.view(), t.view());
        assert_eq!(sum(&CrossEntropy), floor);
        assert_eq!(sum(&CrossEntropy.label_smoothing(0.0)), floor);
        assert_eq!(sum(&CrossEntropy.label_smoothing(1.0)), 0.5 * floor);
        assert_eq!(sum(&BinaryCrossEntropy), floor);
        assert_eq!(sum(&BinaryCrossEntropy.pos_weight([2.0, 1.0])), 1.5 * floor);
        for loss in [&MeanSquaredError as &dyn Loss<A>, &MeanAbsoluteError] {
            assert_eq!(sum(loss), 1.0);
        }
        assert_eq!(sum(&Huber::default()), 0.5);
        // A class excluded by a logit of −∞.
        let u = array![[f64::NEG_INFINITY, 0.0]].mapv(A::of);
        let weighted = CrossEntropy.class_weights([1.0, 1.0]);
        assert_eq!(weighted.sum_from_logits(u.view(), y.view(), array![[0.0, 1.0]].mapv(A::of).view()), 0.0);
        // NaN is not hidden.
        let nan = array![[A::nan(), A::one()]];
        let losses: [&dyn Loss<A>; 7] = [
            &CrossEntropy,
            &weighted,
            &BinaryCrossEntropy,
            &BinaryCrossEntropy.pos_weight([1.0, 1.0]),
            &MeanSquaredError,
            &MeanAbsoluteError,
            &Huber::default(),
        ];
        for loss in losses {
            assert!(loss.sum(nan.view(), t.view()).is_nan(), "{loss:?}");
            assert!(loss.sum_from_logits(nan.view(), nan.view(), t.view()).is_nan(), "{loss:?}");
            assert!(value_and_gradient(&Identity, loss, nan.view(), t.view()).1[[0, 0]].is_nan(), "{loss:?}");
        }
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn single_precision_is_double_precision_rounded() {
    let golden = golden();
    // Both from the same logits and targets in single precision.
    let (u, t) = (matrix(&golden["logits"], 3).mapv(|u| u as f32), matrix(&golden["one_hot"], 3));
    let check = |(single, ds): (f64, Array2<f32>), (double, dd): (f64, Array2<f64>)| {
        assert!((single / double - 1.0).abs() < 1e-6, "expected {double}, got {single}");
        Zip::from(&ds).and(&dd).for_each(|&s, &d| assert!((f64::from(s) - d).abs() < 1e-6, "{s} != {d}"));
    };
    let (t32, u64) = (t.mapv(|t| t as f32), u.mapv(f64::from));
    macro_rules! check {
        ($output:expr, $loss:expr) => {
            check(
                value_and_gradient::<f32>(&$output, &$loss, u.view(), t32.view()),
                value_and_gradient::<f64>(&$output, &$loss, u64.view(), t.view()),
            )
        };
    }
    check!(Softmax, weighted().label_smoothing(0.3));
    check!(Sigmoid, BinaryCrossEntropy);
    check!(Sigmoid, BinaryCrossEntropy.pos_weight([3.0, 0.5, 1.0]));
    check!(Identity, MeanAbsoluteError);
    check!(Identity, Huber::new(0.7));
}

#[test]
fn settings_one_by_one_change_nothing() {
    let golden = golden();
    let (u, t) = (matrix(&golden["logits"], 3), matrix(&golden["soft"], 3));
    let of = |loss: &dyn Loss<f64>| value_and_gradient(&Softmax, loss, u.view(), t.view());
    let plain = of(&CrossEntropy.label_smoothing(0.0));
    assert_eq!(of(&CrossEntropy.class_weights([1.0; 3]).mean_over_samples(true)), plain);
    close(&[of(&CrossEntropy.class_weights([7.0; 3])).0], &[plain.0], "equal weights");
    // Some target probabilities are below the floor of the article's loss. Its gradient ignores the floor.
    let article = of(&CrossEntropy);
    assert!(article.0 < plain.0);
    close(article.1.as_slice().unwrap(), plain.1.as_slice().unwrap(), "gradient");
    let yes = matrix(&golden["yes"], 3);
    let of = |loss: &dyn Loss<f64>| value_and_gradient(&Sigmoid, loss, u.view(), yes.view());
    let (weighted, plain) = (of(&BinaryCrossEntropy.pos_weight([1.0; 3])), of(&BinaryCrossEntropy));
    assert_eq!(weighted.0, plain.0);
    close(weighted.1.as_slice().unwrap(), plain.1.as_slice().unwrap(), "gradient");
}

#[test]
fn the_absolute_error_has_no_slope_where_it_is_0() {
    let (u, t) = (array![[1.0, 2.0, 3.0, -0.0]], array![[1.0, 3.0, 2.0, 0.0]]);
    let (value, gradient) = value_and_gradient(&Identity, &MeanAbsoluteError, u.view(), t.view());
    assert_eq!(value, 0.5);
    assert_eq!(gradient, array![[0.0, -0.25, 0.25, 0.0]]);
}

#[test]
fn settings_out_of_range_are_refused_when_a_model_is_built() {
    fn refusal(output: impl Output<f32> + 'static, loss: impl Loss<f32> + 'static) -> String {
        let builder = Sequential::<f32>::builder(2).add_layer("affine1", Affine::new(3));
        builder.set_output(output).set_error(loss).build().unwrap_err().to_string()
    }
    for smoothing in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        let expected = format!("label_smoothing: expected a value from 0 to 1, got {smoothing}");
        assert_eq!(refusal(Softmax, CrossEntropy.label_smoothing(smoothing)), expected);
    }
    for weight in [-1.0, f64::NAN, f64::INFINITY] {
        let expected = format!("class_weights: expected finite weights of at least 0, got {weight}");
        assert_eq!(refusal(Softmax, CrossEntropy.class_weights([1.0, weight, 0.0])), expected);
        let expected = format!("pos_weight: expected finite weights of at least 0, got {weight}");
        assert_eq!(refusal(Sigmoid, BinaryCrossEntropy.pos_weight([1.0, weight, 0.0])), expected);
    }
    assert_eq!(
        refusal(Softmax, CrossEntropy.class_weights([0.0; 3])),
        "class_weights: expected at least one weight above 0, got none"
    );
    for number in [0, 2, 4] {
        let weights = vec![1.0; number];
        let expected = format!("expected 3 weights, one for each output, got {number}");
        assert!(refusal(Softmax, CrossEntropy.class_weights(&weights[..])).ends_with(&expected));
        assert!(refusal(Sigmoid, BinaryCrossEntropy.pos_weight(weights)).ends_with(&expected));
    }
    for delta in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let expected = format!("delta: expected a finite number above 0, got {delta}");
        assert_eq!(refusal(Identity, Huber::new(delta)), expected);
    }
    assert_eq!(
        refusal(Identity, CrossEntropy.label_smoothing(0.1)),
        "output: expected softmax for loss weighted_cross_entropy_error, got identity"
    );
    assert_eq!(
        refusal(Softmax, BinaryCrossEntropy.pos_weight([1.0; 3])),
        "output: expected sigmoid for loss weighted_binary_cross_entropy_error, got softmax"
    );
}

#[test]
fn targets_that_make_no_sense_are_refused() {
    let x = Array2::ones((2, 4));
    let nearly = Samples::new(x.clone(), array![[0.0, 1.0, 0.0], [0.5, 0.26, 0.25]]).unwrap();
    assert!(network(Softmax, weighted()).evaluate(&nearly).is_err());
    let no_distribution = Samples::new(x.clone(), array![[0.0, 1.0, 0.0], [0.5, 0.6, 0.5]]).unwrap();
    let error = network(Softmax, weighted()).evaluate(&no_distribution).unwrap_err().to_string();
    assert!(
        error.contains("rows starting at 0: targets of the data set: expected a distribution (values of at least 0 with sum 1) at row 1, got"),
        "{error}"
    );
    let no_shares = Samples::new(x, array![[0.0, 1.0, 1.5], [0.5, 0.6, 0.5]]).unwrap();
    let model = network(Sigmoid, BinaryCrossEntropy.pos_weight([1.0; 3]));
    let error = model.evaluate(&no_shares).unwrap_err().to_string();
    assert!(
        error.contains(
            "rows starting at 0: targets of the data set: expected values from 0 to 1 at row 0, got"
        ),
        "{error}"
    );
}

#[test]
fn a_weighted_mean_is_one_over_all_batches() {
    // More rows than one evaluation batch, with most samples of the heavy class in the last rows.
    let x = RandomState::new(1).normal((1100, 4), 0.0, 1.0);
    let labels: Vec<usize> = (0..1100).map(|i| if i < 1000 { i % 2 } else { 2 }).collect();
    let data = Samples::labeled(x, &labels, 3).unwrap();
    for smoothing in [0.0, 0.3] {
        let loss = CrossEntropy.class_weights([0.0, 1.0, 50.0]).label_smoothing(smoothing);
        let model = network(Softmax, loss.clone());
        let y = model.predict(data.x()).unwrap();
        let want = loss.sum(y.view(), data.t()) / (500.0 + 50.0 * 100.0);
        close(&[model.evaluate(&data).unwrap().loss], &[want], "mean");
    }
}

#[test]
fn a_batch_that_weighs_nothing_teaches_nothing() {
    let x = RandomState::new(1).normal((6, 4), 0.0, 1.0);
    let data = Samples::labeled(x, &[0, 0, 1, 0, 2, 0], 3).unwrap();
    let loss = CrossEntropy.class_weights([0.0, 1.0, 2.0]).label_smoothing(0.1);
    let mut model = network(Softmax, loss);
    let mut ws = model.workspace(2).unwrap();
    ws.load(&data, &[0, 1]).unwrap();
    assert_eq!(model.gradient(&mut ws).unwrap().loss, 0.0);
    assert!(ws.gradient().iter().all(|&g| g == 0.0));
    let trainer = Trainer::new().batch_size(1).epochs(50);
    let history = trainer.order(|_, n| (0..n).collect()).fit(&mut model, &data).unwrap();
    assert!(history.epochs[50].train.loss < history.epochs[1].train.loss);
}

#[test]
fn a_logit_of_at_least_0_is_a_yes() {
    let mut model = Sequential::<f64>::builder(1)
        .add_layer("affine1", Affine::new(1))
        .set_output(Sigmoid)
        .set_error(BinaryCrossEntropy.pos_weight([2.0]))
        .build()
        .unwrap();
    model.set_parameter_values(&[1.0, 0.0]).unwrap();
    let data =
        Samples::new(array![[-1e3], [-1e-3], [0.0], [1e3]], array![[0.0], [1.0], [1.0], [1.0]]).unwrap();
    assert_eq!(model.evaluate(&data).unwrap().accuracy, Some(0.75));
}

#[test]
fn softmax_takes_logits_in_any_layout() {
    let u: Array2<f64> = array![[1.0, -2.0, 0.5], [3.0, 3.0, -700.0]];
    let (mut plain, mut turned) = (Array2::zeros(u.dim()), Array2::zeros(u.dim()));
    Softmax.forward(u.view(), plain.view_mut());
    let columns = u.t().as_standard_layout().into_owned();
    Softmax.forward(columns.t(), turned.view_mut());
    assert_eq!(plain, turned);
    assert!(plain.rows().into_iter().all(|row| (row.sum() - 1.0).abs() < 1e-15));
}

#[test]
fn a_prediction_that_is_no_number_shows_where_the_target_is_0() {
    for bad in [f64::NAN, f64::INFINITY] {
        let (y, t) = (array![[0.5, bad], [0.5, 0.5]], array![[1.0, 0.0], [0.0, 1.0]]);
        assert!(CrossEntropy.sum(y.view(), t.view()).is_nan());
    }
}

/// f(y, t) = c·(y − t)².
#[derive(Clone, Debug)]
struct Scaled(f64);

impl LossFn for Scaled {
    const KIND: &'static str = "scaled_square";
    fn f<R: Real>(&self, y: R, t: R) -> R {
        R::of(self.0) * (y - t) * (y - t)
    }
    fn settings(&self) -> Option<Settings> {
        Some(Settings::new().with("c", self.0))
    }
}

#[test]
fn a_function_of_one_prediction_is_a_loss() {
    let (u, t) = (array![[0.5, -1.0], [2.0, 0.0]], array![[1.0, 1.0], [1.0, 0.0]]);
    let loss = ElementwiseLoss::new(Scaled(3.0));
    let (value, gradient) = value_and_gradient::<f64>(&Identity, &loss, u.view(), t.view());
    // 3·(0.25 + 4 + 1 + 0)/4, and 6·(y − t)/4
    assert_eq!((value, gradient), (3.9375, array![[-0.75, -3.0], [1.5, 0.0]]));
    let build = || Sequential::<f32>::builder(1).add_layer("affine1", Affine::new(1)).set_output(Identity);
    let error = build().set_error(ElementwiseLoss::new(Scaled(1e300))).build().unwrap_err();
    assert_eq!(error.to_string(), "c: expected a number within the range of f32, got 1e300");
    let registry = Registry::<f32>::new().elementwise_loss(|settings| Ok(Scaled(settings.number("c")?)));
    let bytes = build().set_error(loss).build().unwrap().to_bytes().unwrap();
    let loaded = Sequential::from_bytes_with_registry(&bytes, &registry).unwrap();
    assert_eq!(loaded.to_bytes().unwrap(), bytes);
}

#[test]
fn an_impossible_class_costs_only_where_it_is_wanted() {
    let loss = CrossEntropy.class_weights([1.0, 2.0]);
    let sum = |t: Array2<f64>| {
        let u = array![[0.0, f64::NEG_INFINITY]];
        loss.sum_from_logits(u.view(), array![[1.0, 0.0]].view(), t.view())
    };
    assert_eq!(sum(array![[1.0, 0.0]]), 0.0);
    assert_eq!(sum(array![[0.0, 1.0]]), f64::INFINITY);
}

/// The loss of targets whose total weight is 0 is 0.
#[test]
fn a_mean_of_nothing_is_0() {
    let data = Samples::labeled(array![[0.0], [1.0]], &[0, 0], 2).unwrap();
    let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(2));
    let model =
        builder.set_output(Softmax).set_error(CrossEntropy.class_weights([0.0, 1.0])).build().unwrap();
    assert_eq!(model.evaluate(&data).unwrap().loss, 0.0);
}
