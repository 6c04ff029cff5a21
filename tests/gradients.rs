//! Every derivative compared with central differences.

use manabi::activation::{
    ActivationVisitor, Celu, Elu, Gelu, GeluTanh, HardSigmoid, HardSwish, HardTanh, Identity, LeakyRelu,
    PRelu, Relu6, Sigmoid, Softplus, Tanh, TrainableActFn, built_in_activations,
};
use manabi::gradcheck;
use manabi::layer::{Backward, BuiltInLayer, Forward, LayerWorkspace, TrainableActivation, built_in_layers};
use manabi::loss::{BinaryCrossEntropy, Loss, MeanSquaredError};
use manabi::output::Output;
use manabi::random::{Random, RandomState};
use manabi::settings::{Setting, Settings};
use manabi::{
    ActFn, Activation, Affine, CrossEntropy, Layer, Mish, Real, Relu, Result, Samples, Scalar, Sequential,
    Sgd, Softmax, Swish, Trainer,
};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Checks every activation, with its default and with other settings.
struct EachDerivative;

impl ActivationVisitor for EachDerivative {
    fn function<F: ActFn + Default + PartialEq>(&mut self, make: fn(&Settings) -> Result<F>) {
        gradcheck::activation(&F::default()).assert();
        for factor in [0.05, 0.3, 2.0, 20.0] {
            gradcheck::activation(&make(&scaled(&F::default(), factor)).unwrap()).assert();
        }
    }
    fn trainable<F: TrainableActFn + Default>(&mut self, _: fn(f64) -> F) {}
}

/// Returns the settings of a function, with its numeric values multiplied by this factor.
fn scaled(function: &impl ActFn, factor: f64) -> Settings {
    let settings = function.settings().expect("a built-in function returns its settings");
    let scale = |(name, value): (&str, &Setting)| match value {
        Setting::Number(number) => (name.to_owned(), Setting::Number(factor * number)),
        other => (name.to_owned(), other.clone()),
    };
    settings.iter().map(scale).collect()
}

#[test]
fn every_activation_over_the_whole_range() {
    built_in_activations(&mut EachDerivative);
    gradcheck::activation(&Elu::new(-0.5)).assert();
    for beta in [0.5, 1.0, 2.0, 10.0, 1e3, 1e4, -1.0, 0.0] {
        gradcheck::activation(&Swish::new(beta)).assert();
    }
}

const INF: f64 = f64::INFINITY;

/// The limits of every function and its derivative at −∞ and ∞.
const LIMITS: [(&str, [f64; 4]); 20] = [
    ("identity", [-INF, INF, 1.0, 1.0]),
    ("relu", [0.0, INF, 0.0, 1.0]),
    ("relu6", [0.0, 6.0, 0.0, 0.0]),
    ("leaky_relu", [-INF, INF, 0.01, 1.0]),
    ("elu", [-1.0, INF, 0.0, 1.0]),
    ("selu", [-1.0507009873554805 * 1.6732632423543772, INF, 0.0, 1.0507009873554805]),
    ("softplus", [0.0, INF, 0.0, 1.0]),
    ("softsign", [-1.0, 1.0, 0.0, 0.0]),
    ("sigmoid", [0.0, 1.0, 0.0, 0.0]),
    ("log_sigmoid", [-INF, 0.0, 1.0, 0.0]),
    ("tanh", [-1.0, 1.0, 0.0, 0.0]),
    ("hard_tanh", [-1.0, 1.0, 0.0, 0.0]),
    ("hard_sigmoid", [0.0, 1.0, 0.0, 0.0]),
    ("hard_swish", [0.0, INF, 0.0, 1.0]),
    ("gelu", [0.0, INF, 0.0, 1.0]),
    ("gelu_tanh", [0.0, INF, 0.0, 1.0]),
    ("swish", [0.0, INF, 0.0, 1.0]),
    ("mish", [0.0, INF, 0.0, 1.0]),
    ("tanh_exp", [0.0, INF, 0.0, 1.0]),
    ("celu", [-1.0, INF, 0.0, 1.0]),
];

/// Every function approaches its limits.
struct EachLimit;

impl ActivationVisitor for EachLimit {
    fn function<F: ActFn + Default + PartialEq>(&mut self, _: fn(&Settings) -> Result<F>) {
        let limits = LIMITS.iter().find(|(kind, _)| *kind == F::KIND);
        let limits = limits.unwrap_or_else(|| panic!("LIMITS: expected a line for {}, got none", F::KIND));
        both(F::default(), limits.1);
    }
    fn trainable<F: TrainableActFn + Default>(&mut self, _: fn(f64) -> F) {}
}

fn keeps_limits<F: ActFn, A: Scalar>(function: &F, left: f64, right: f64, left_slope: f64, right_slope: f64) {
    for (u, limit, slope) in [(A::neg_infinity(), left, left_slope), (A::infinity(), right, right_slope)] {
        let z = function.f(u);
        assert!(z == A::of(limit), "{}({u}) = {z}", F::KIND);
        let dz = function.df(u, z);
        assert!(dz == A::of(slope), "{}'({u}) = {dz}", F::KIND);
    }
    // Half of the largest value, because SELU has a slope above 1.
    let (large, small) = (A::max_value() / A::of(2.0), A::min_positive_value());
    for u in [large, -large, small, -small, A::zero()] {
        let z = function.f(u);
        assert!(z.is_finite() && function.df(u, z).is_finite(), "{}({u:e}) = {z:e}", F::KIND);
    }
    assert!(function.f(A::nan()).is_nan(), "{}(NaN)", F::KIND);
}

fn both<F: ActFn>(function: F, [left, right, left_slope, right_slope]: [f64; 4]) {
    keeps_limits::<F, f32>(&function, left, right, left_slope, right_slope);
    keeps_limits::<F, f64>(&function, left, right, left_slope, right_slope);
}

#[test]
fn limits_of_every_function() {
    built_in_activations(&mut EachLimit);
    let inf = INF;
    both(LeakyRelu::new(0.0), [0.0, inf, 0.0, 1.0]);
    both(Elu::new(0.0), [0.0, inf, 0.0, 1.0]);
    both(Celu::new(2.0), [-2.0, inf, 0.0, 1.0]);
    both(Softplus::new(3.0), [0.0, inf, 0.0, 1.0]);
    both(Swish::new(0.0), [-inf, inf, 0.5, 0.5]);
}

/// Checks the slopes at kinks that the functions document.
#[test]
fn slopes_at_kinks() {
    fn check<F: ActFn>(function: F, expected: &[(f64, f64)]) {
        for &(u, slope) in expected {
            assert_eq!(function.df(u, function.f(u)), slope, "{}'({u})", F::KIND);
            assert_eq!(function.df(u as f32, function.f(u as f32)), slope as f32, "{}'({u})", F::KIND);
        }
    }
    check(Relu, &[(0.0, 0.0), (-0.0, 0.0)]);
    check(Relu6, &[(0.0, 0.0), (6.0, 0.0)]);
    check(LeakyRelu::new(0.25), &[(0.0, 0.25), (-0.0, 0.25)]);
    check(HardTanh, &[(-1.0, 0.0), (1.0, 0.0)]);
    check(HardSigmoid, &[(-3.0, 0.0), (3.0, 0.0)]);
    check(HardSwish, &[(-3.0, 0.0), (3.0, 1.0)]);
}

#[test]
fn single_precision_follows_double_precision() {
    // `spread`: how the rounding error of the exponential's argument grows with u.
    fn check_with<F: ActFn>(function: F, spread: f64) {
        let dense = (-40_000..=40_000).map(|i| i as f32 / 400.0);
        // Values of every magnitude and both signs.
        let sparse = (0..=u32::MAX).step_by(50_021).map(f32::from_bits).filter(|u| u.is_finite());
        for u in dense.chain(sparse) {
            let (z, exact) = (function.f(u), function.f(f64::from(u)));
            let (dz, exact_dz) = (function.df(u, z), function.df(f64::from(u), exact));
            let error = (f64::from(z) - exact).abs();
            let tolerance = 4e-7 * (1.0 + spread * f64::from(u).abs().min(100.0));
            let is_close =
                error <= tolerance * exact.abs() + 2e-45 || z.is_infinite() && exact.abs() > 3.4e38;
            assert!(is_close, "{}({u:e}): expected {exact:e}, got {z:e}", F::KIND);
            let error = (f64::from(dz) - exact_dz).abs();
            assert!(
                error <= tolerance * exact_dz.abs().max(0.2),
                "{}'({u:e}): expected {exact_dz:e}, got {dz:e}",
                F::KIND
            );
        }
    }
    /// How the rounding error of the exponential's argument grows with u.
    const SPREAD: [(&str, f64); 2] = [("gelu_tanh", 5.0), ("tanh_exp", 0.5)];
    struct Each;
    impl ActivationVisitor for Each {
        fn function<F: ActFn + Default + PartialEq>(&mut self, _: fn(&Settings) -> Result<F>) {
            let spread = SPREAD.iter().find(|(kind, _)| *kind == F::KIND).map_or(0.0, |(_, spread)| *spread);
            check_with(F::default(), spread);
        }
        fn trainable<F: TrainableActFn + Default>(&mut self, _: fn(f64) -> F) {}
    }
    built_in_activations(&mut Each);
    check_with(Celu::new(0.5), 0.0);
    check_with(Softplus::new(3.0), 0.5);
    check_with(Swish::new(0.5), 0.0);
    check_with(Swish::new(2.0), 0.0);
}

#[test]
fn every_layer() {
    let x = RandomState::new(1).normal((7, 5), 0.0, 2.0);
    let others: [Box<dyn Layer<f64>>; 3] = [
        Box::new(Affine::new(1)),
        Box::new(TrainableActivation::new(Swish::new(-0.5)).per_unit(true)),
        Box::new(TrainableActivation::new(Swish::new(20.0)).per_unit(true)),
    ];
    let check = |layer: &dyn Layer<f64>, input| {
        let report = gradcheck::layer_with_shape(layer, input, x.view(), 3).unwrap();
        assert!(report.passed() && report.points >= x.len(), "{layer:?}: {report}");
    };
    for BuiltInLayer { input, examples, .. } in built_in_layers(5) {
        examples.iter().for_each(|layer| check(layer, input));
    }
    others.iter().for_each(|layer| check(layer, 5.into()));
}

#[test]
fn trainable_functions_are_what_the_fixed_ones_are() {
    fn check<A: Scalar>() {
        for beta in [0.5, 1.0, -2.0] {
            let (swish, p) = (Swish::new(beta), A::of(beta));
            for u in [-1e30, -90.0, -1.3, -0.0, 0.0, 0.7, 45.0, 1e30].map(A::of) {
                let z = swish.f(u);
                assert_eq!(Swish::z(u, p), z);
                assert_eq!(Swish::dz_du(u, p, z), swish.df(u, z));
                let (leaky, slope) = (LeakyRelu::new(beta), PRelu::dz_du(u, p, z));
                assert_eq!((PRelu::z(u, p), slope), (leaky.f(u), leaky.df(u, z)));
            }
        }
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn gradients_by_a_parameter_have_limits() {
    fn check<A: Scalar>() {
        let (inf, max) = (A::infinity(), A::max_value());
        for u in [inf, -inf, max, -max] {
            assert_eq!(Swish::dz_dp(u, A::one(), u), A::zero(), "{u}");
        }
        assert!(Swish::dz_dp(A::nan(), A::one(), A::nan()).is_nan());
        assert!(PRelu::dz_dp(A::nan(), A::one(), A::nan()).is_nan());
        assert!(PRelu::z(A::nan(), A::zero()).is_nan() && Swish::z(A::nan(), A::zero()).is_nan());
        assert_eq!((PRelu::z(-inf, A::zero()), Swish::z(inf, A::zero())), (A::zero(), inf));
        assert_eq!(Swish::dz_du(inf, A::zero(), inf), A::of(0.5));
        assert_eq!((PRelu::dz_dp(-inf, A::one(), -inf), PRelu::dz_dp(inf, A::one(), inf)), (-inf, A::zero()));
        // u²·σ(u)·σ(−u), to sixteen digits.
        let expected = [
            (-20.0, 8.244_614_455_767_397e-7),
            (-1.0, 0.196_611_933_241_481_85),
            (3.0, 0.406_589_937_578_209_2),
        ];
        for (u, slope) in expected {
            let error = Swish::dz_dp(A::of(u), A::one(), A::of(u)).widen() - slope;
            assert!(error.abs() <= 4.0 * A::epsilon().widen() * slope, "{u}: {error:e}");
        }
    }
    check::<f32>();
    check::<f64>();
}

/// Enough values for several parts and a remainder after the lanes.
#[test]
fn trainable_layers_have_the_same_bits_with_any_number_of_threads() {
    fn bits(layer: &dyn Layer<f32>, threads: usize) -> Vec<u32> {
        let x = RandomState::new(3).normal((131, 77), 0.0, 2.0).mapv(|x| x as f32);
        let dy = x.mapv(|x| (3.0 * x).sin());
        let params: Vec<f32> =
            (0..layer.parameters(77.into())[0].shape[0]).map(|i| 0.5 + 0.01 * i as f32).collect();
        let (mut y, mut dx) = (x.clone(), x.clone());
        let mut grad = vec![9.0; params.len()];
        let mut ws = LayerWorkspace::new(layer, 77, 131).unwrap().threads(threads).unwrap();
        layer.forward(Forward::new(&mut ws, &params, &[], x.view(), y.view_mut()).unwrap());
        let pass = Backward::new(&mut ws, &params, &[], [x.view(), y.view(), dy.view()]).unwrap();
        layer.backward(pass.dx(dx.view_mut()).unwrap().grad(&mut grad).unwrap());
        y.iter().chain(&dx).chain(&grad).map(|x| x.to_bits()).collect()
    }
    for layer in [
        TrainableActivation::new(Swish::default()),
        TrainableActivation::new(Swish::default()).per_unit(true),
    ] {
        let one = bits(&layer, 1);
        for threads in [2, 3, 8] {
            assert_eq!(one, bits(&layer, threads), "{threads} threads");
        }
    }
}

#[test]
fn a_trainable_function_learns_its_parameter() {
    let x = RandomState::new(4).normal((200, 1), 0.0, 3.0);
    let target = x.mapv(|u| Swish::new(1.7).f(u));
    let data = Samples::new(x, target).unwrap();
    let mut model = Sequential::<f64>::builder(1)
        .add_layer("swish1", TrainableActivation::new(Swish::default()))
        .set_output(Identity)
        .set_error(MeanSquaredError)
        .build()
        .unwrap();
    let mut trainer = Trainer::new().epochs(400).batch_size(50).optimizer(Sgd::new(2.0));
    trainer.fit(&mut model, &data).unwrap();
    let beta = model.parameter("swish1.beta").unwrap()[[0]];
    assert!((beta - 1.7).abs() < 1e-6, "{beta}");
    let builder =
        Sequential::<f64>::builder(1).add_layer("swish1", TrainableActivation::new(Swish::new(f64::NAN)));
    let error = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap_err();
    assert!(error.to_string().contains("beta"), "{error}");
}

#[test]
fn settings_are_checked_in_the_numbers_of_the_model() {
    fn error<A: Scalar>(function: impl ActFn) -> Option<String> {
        let builder = Sequential::<A>::builder(1).add_layer("layer1", Activation::new(function));
        builder.set_output(Identity).set_error(MeanSquaredError).build().err().map(|error| error.to_string())
    }
    fn only_in_f64(function: impl ActFn, parameter: &str, got: &str) {
        assert_eq!(error::<f64>(function.clone()), None);
        let expected =
            format!("layer 'layer1': {parameter}: expected a number within the range of f32, got {got}");
        assert_eq!(error::<f32>(function), Some(expected));
    }
    only_in_f64(Celu::new(1e39), "alpha", "1e39");
    only_in_f64(Softplus::new(1e39), "beta", "1e39");
    only_in_f64(Elu::new(1e39), "alpha", "1e39");
    only_in_f64(LeakyRelu::new(-1e39), "alpha", "-1e39");
    only_in_f64(Swish::new(1e39), "beta", "1e39");
    let learned = |start| {
        let layer = TrainableActivation::new(Swish::new(start));
        let builder = Sequential::<f32>::builder(1).add_layer("swish1", layer);
        builder.set_output(Identity).set_error(MeanSquaredError).build().is_ok()
    };
    assert!(learned(1e30) && !learned(1e39));
    // α = 0 returns the limit instead of 0/0.
    let celu = Celu::new(1e-50);
    assert_eq!([-1.0_f32, 0.0, 1.0].map(|u| celu.f(u).abs() < 1e-30), [true, true, false]);
    assert_eq!([-1.0_f32, 0.0, 1.0].map(|u| celu.df(u, celu.f(u))), [0.0, 1.0, 1.0]);
}

fn sigmoid(u: f64) -> f64 {
    1.0 / (1.0 + (-u).exp())
}

#[derive(Clone, Debug)]
struct Altered<F>(F, fn(f64, f64) -> f64);

impl<F: ActFn> ActFn for Altered<F> {
    const KIND: &'static str = "altered";
    fn f<A: Real>(&self, u: A) -> A {
        self.0.f(u)
    }
    fn df<A: Real>(&self, u: A, z: A) -> A {
        A::of(self.1(u.widen(), z.widen()))
    }
}

#[derive(Clone, Debug)]
struct Exponential;

impl ActFn for Exponential {
    const KIND: &'static str = "exponential";
    fn f<A: Real>(&self, u: A) -> A {
        u.exp()
    }
    fn df<A: Real>(&self, _u: A, z: A) -> A {
        z
    }
}

#[test]
fn a_wrong_derivative_is_caught() {
    let fails = |report: gradcheck::Report| assert!(!report.passed(), "{report}");
    fails(gradcheck::activation(&Altered(Mish, |u, z| -Mish.df(u, z))));
    // The factor β before z is missing.
    fails(gradcheck::activation(&Altered(Swish::new(2.0), |u, z| z + sigmoid(2.0 * u) * (1.0 - z))));
    fails(gradcheck::activation(&Altered(Tanh, |_, _| f64::NAN)));
    // Correct near 0, wrong only in the tail.
    fails(gradcheck::activation(&Altered(
        Sigmoid,
        |u, _| if u < -20.0 { 0.0 } else { sigmoid(u) * sigmoid(-u) },
    )));
    // The derivative of the other GELU variant.
    fails(gradcheck::activation(&Altered(Gelu, |u, _| GeluTanh.df(u, GeluTanh.f(u)))));
    // At a kink, only values between the two slopes are accepted.
    fails(gradcheck::activation(&Altered(Relu, |u, _| if u == 0.0 { 1.5 } else { f64::from(u > 0.0) })));
}

/// Differentiable only once: the second derivative jumps at 0.
#[derive(Clone, Debug)]
struct Bent;

impl ActFn for Bent {
    const KIND: &'static str = "bent";
    fn f<A: Real>(&self, u: A) -> A {
        u / (A::one() + u.abs())
    }
    fn df<A: Real>(&self, _u: A, z: A) -> A {
        let s = A::one() - z.abs();
        s * s
    }
}

/// The values cancel: they have 16 digits relative to 1, not to themselves.
#[derive(Clone, Debug)]
struct Cancelling;

impl ActFn for Cancelling {
    const KIND: &'static str = "cancelling";
    fn f<A: Real>(&self, u: A) -> A {
        u * u * u
    }
    fn df<A: Real>(&self, u: A, _z: A) -> A {
        A::of(3.0) * u * u
    }
}

#[test]
fn a_right_derivative_is_not_suspected() {
    gradcheck::activation(&Bent).assert();
    gradcheck::activation(&Cancelling).assert();
    // The larger steps reach points at which the function is infinite.
    gradcheck::activation_at(&Exponential, [-745.0, 0.0, 700.0, 709.5, 709.78]).assert();
    gradcheck::activation_at(&Altered(Relu, |u, _| f64::from(u > 0.0)), [-1e-12, 0.0, 1e-12, 3e-7]).assert();
}

#[test]
fn nothing_checked_is_nothing_passed() {
    assert!(!gradcheck::activation_at(&Relu, []).passed());
    let nan = ndarray::array![[f64::NAN]];
    assert!(gradcheck::layer(&Affine::new(1), nan.view(), 0).is_err());
    assert!(gradcheck::layer(&Affine::new(usize::MAX), ndarray::array![[1.0]].view(), 0).is_err());
}

/// y = s·x, with a mistake.
#[derive(Debug)]
struct Scale(Mistake);

#[derive(Debug, PartialEq)]
enum Mistake {
    None,
    AddsToOutput,
    AddsToGradient,
    ForgetsScale,
    LearnsOnlyBehindOthers,
    PassesBackOnlyWithGradient,
}

impl Layer<f64> for Scale {
    fn kind(&self) -> &str {
        "scale"
    }
    fn output_shape(&self, input: manabi::Shape) -> manabi::Result<manabi::Shape> {
        Ok(input)
    }
    fn parameters(&self, _: manabi::Shape) -> Vec<manabi::layer::TensorSpec> {
        vec![manabi::layer::TensorSpec::new("scale", &[1], manabi::init::Initializer::Constant(1.0))]
    }
    fn forward(&self, mut pass: manabi::layer::Forward<'_, f64>) {
        if self.0 != Mistake::AddsToOutput {
            pass.y.fill(0.0);
        }
        pass.y.scaled_add(pass.params[0], &pass.x);
    }
    fn backward(&self, pass: manabi::layer::Backward<'_, f64>) {
        if pass.dx.is_none() && self.0 == Mistake::LearnsOnlyBehindOthers {
            return;
        }
        if pass.grad.is_none() && self.0 == Mistake::PassesBackOnlyWithGradient {
            return;
        }
        if let Some(grad) = pass.grad {
            if self.0 != Mistake::AddsToGradient {
                grad[0] = 0.0;
            }
            grad[0] += (&pass.x * &pass.dy).sum();
        }
        if let Some(mut dx) = pass.dx {
            let scale = if self.0 == Mistake::ForgetsScale { 1.0 } else { pass.params[0] };
            dx.assign(&(&pass.dy * scale));
        }
    }
}

#[test]
fn careless_layers_are_caught() {
    let x = RandomState::new(1).normal((2, 3), 0.0, 1.0);
    let report = |mistake| gradcheck::layer(&Scale(mistake), x.view(), 3).unwrap();
    report(Mistake::None).assert();
    for mistake in [
        Mistake::AddsToOutput,
        Mistake::AddsToGradient,
        Mistake::ForgetsScale,
        Mistake::LearnsOnlyBehindOthers,
        Mistake::PassesBackOnlyWithGradient,
    ] {
        let name = format!("{mistake:?}");
        assert!(!report(mistake).passed(), "{name}");
    }
    let model = |mistake| {
        let builder = Sequential::builder(3).add_layer("scale", Scale(mistake)).set_output(Identity);
        builder.set_error(MeanSquaredError).build().unwrap()
    };
    let data = Samples::new(x.clone(), x.mapv(|x| x * x)).unwrap();
    gradcheck::model(&model(Mistake::None), &data).unwrap().assert();
    assert!(!gradcheck::model(&model(Mistake::AddsToGradient), &data).unwrap().passed());
}

#[derive(Debug)]
struct Forgetful(Affine);

impl Layer<f64> for Forgetful {
    fn kind(&self) -> &str {
        "forgetful"
    }
    fn output_shape(&self, input: manabi::Shape) -> manabi::Result<manabi::Shape> {
        Layer::<f64>::output_shape(&self.0, input)
    }
    fn parameters(&self, input: manabi::Shape) -> Vec<manabi::layer::TensorSpec> {
        Layer::<f64>::parameters(&self.0, input)
    }
    fn forward(&self, pass: manabi::layer::Forward<'_, f64>) {
        self.0.forward(pass);
    }
    fn backward(&self, mut pass: manabi::layer::Backward<'_, f64>) {
        pass.dx = None;
        self.0.backward(pass);
    }
}

#[test]
fn a_layer_that_forgets_a_gradient_is_caught() {
    let x = RandomState::new(1).normal((2, 3), 0.0, 1.0);
    let report = gradcheck::layer(&Forgetful(Affine::new(2)), x.view(), 3).unwrap();
    assert_eq!(report.failures, x.len(), "{report}");
    assert!(report.worst.unwrap().place.starts_with("x["));
}

fn activation(kind: usize) -> Box<dyn Layer<f64>> {
    match kind {
        0 => Box::new(Activation::new(Identity)),
        1 => Box::new(Activation::new(Relu)),
        2 => Box::new(Activation::new(Sigmoid)),
        3 => Box::new(Activation::new(Tanh)),
        4 => Box::new(Activation::new(Softplus::default())),
        5 => Box::new(Activation::new(Swish::new(1.7))),
        _ => Box::new(Activation::new(Mish)),
    }
}

fn model(
    inputs: usize,
    hidden: &[(usize, usize)],
    outputs: usize,
    output: impl Output<f64> + 'static,
    loss: impl Loss<f64> + 'static,
) -> Sequential<f64> {
    let mut builder = Sequential::builder(inputs);
    for (i, &(width, kind)) in hidden.iter().enumerate() {
        builder = builder
            .add_layer(format!("affine{i}"), Affine::new(width))
            .add_layer(format!("activation{i}"), activation(kind));
    }
    let builder = builder.add_layer("last", Affine::new(outputs));
    let mut model = builder.set_output(output).set_error(loss).seed(5).build().unwrap();
    // Biases of 0 after a dead unit would put every sample on a kink, at which derivatives are a convention.
    let moves = RandomState::new(6).uniform((1, model.parameter_count()), -0.3, 0.3);
    model.parameter_values_mut().iter_mut().zip(moves).for_each(|(param, by)| *param += by);
    model
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 100,
        rng_seed: RngSeed::Fixed(10),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whole_models_of_random_shape(
        inputs in 1_usize..6,
        hidden in prop::collection::vec((1_usize..6, 0_usize..7), 0..4),
        outputs in 2_usize..5,
        rows in 1_usize..6,
        seed in any::<u32>(),
    ) {
        let mut random = RandomState::new(seed);
        let x = random.normal((rows, inputs), 0.0, 1.0);
        let labels: Vec<usize> = (0..rows).map(|row| row * 7 % outputs).collect();
        let classes = Samples::labeled(x.clone(), &labels, outputs).unwrap();
        let numbers = Samples::new(x, random.normal((rows, outputs), 0.0, 1.0)).unwrap();
        let models = [
            (model(inputs, &hidden, outputs, Softmax, CrossEntropy), &classes),
            (model(inputs, &hidden, outputs, Sigmoid, BinaryCrossEntropy), &classes),
            (model(inputs, &hidden, outputs, Identity, MeanSquaredError), &numbers),
            (model(inputs, &hidden, outputs, Sigmoid, MeanSquaredError), &numbers),
            (model(inputs, &hidden, outputs, Softmax, MeanSquaredError), &classes),
        ];
        for (model, data) in models {
            // At the floor of a cross entropy the loss is constant, but by design its gradient is not 0. Near the floor, the
            // logarithm magnifies the rounding error of its argument.
            let y = model.predict(data.x()).unwrap();
            if model.to_string().contains("cross_entropy") && y.iter().any(|y| !(1e-3..1.0 - 1e-3).contains(y)) {
                continue;
            }
            let report = gradcheck::model(&model, data).unwrap();
            prop_assert!(report.passed(), "{model}\n{report}");
            prop_assert_eq!(report.points, model.parameter_count());
        }
    }
}
