//! Derivatives by dual numbers: of every elementary function, of every activation by its plain formula, at kinks, and second
//! derivatives.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use manabi::activation::{
    Celu, Elu, Gelu, GeluTanh, HardSigmoid, HardSwish, HardTanh, Identity, LeakyRelu, LogSigmoid, PRelu,
    Relu6, Selu, Sigmoid, Softplus, Softsign, Tanh, TanhExp, TrainableActFn,
};
use manabi::scalar::Dual;
use manabi::{ActFn, Mish, Real, Relu, Scalar, Swish, gradcheck};

/// An activation given by a formula, with its derivative computed by dual numbers.
macro_rules! plain {
    ($($name:ident($u:ident) = $formula:expr;)+) => {
        $(
            #[derive(Clone, Debug)]
            struct $name;
            impl ActFn for $name {
                const KIND: &'static str = stringify!($name);
                fn f<R: Real>(&self, $u: R) -> R {
                    $formula
                }
            }
        )+
    };
}

fn r<R: Real>(x: f64) -> R {
    R::of(x)
}

plain! {
    PlainIdentity(u) = u;
    PlainRelu(u) = u.max(R::zero());
    PlainRelu6(u) = u.clamp(R::zero(), r(6.0));
    PlainLeakyRelu(u) = if u > R::zero() { u } else { r::<R>(0.01) * u };
    PlainElu(u) = if u > R::zero() { u } else { u.exp() - R::one() };
    PlainSelu(u) = r::<R>(1.0507009873554805)
        * if u > R::zero() { u } else { r::<R>(1.6732632423543772) * (u.exp() - R::one()) };
    PlainCelu(u) = if u > R::zero() { u } else { u.exp() - R::one() };
    PlainSoftplus(u) = (R::one() + u.exp()).ln();
    PlainSoftsign(u) = u / (R::one() + u.abs());
    PlainSigmoid(u) = (R::one() + (-u).exp()).recip();
    PlainLogSigmoid(u) = -(R::one() + (-u).exp()).ln();
    PlainTanh(u) = (u.exp() - (-u).exp()) / (u.exp() + (-u).exp());
    PlainHardTanh(u) = u.clamp(-R::one(), R::one());
    PlainHardSigmoid(u) = (u + r(3.0)).clamp(R::zero(), r(6.0)) / r(6.0);
    PlainHardSwish(u) = u * (u + r(3.0)).clamp(R::zero(), r(6.0)) / r(6.0);
    PlainGelu(u) = u / r(2.0) * (R::one() + (u * r(FRAC_1_SQRT_2)).erf());
    PlainGeluTanh(u) = u / r(2.0) * (R::one() + (r::<R>((2.0 / PI).sqrt()) * (u + r::<R>(0.044715) * u.powi(3))).tanh());
    PlainSwish(u) = u / (R::one() + (-u).exp());
    PlainMish(u) = u * (R::one() + u.exp()).ln().tanh();
    PlainTanhExp(u) = u * u.exp().tanh();
    // The same function, written with functions of `Real` that do not cancel.
    StableElu(u) = if u > R::zero() { u } else { u.exp_m1() };
    StableSoftplus(u) = u.softplus();
    StableSigmoid(u) = u.sigmoid();
    StableLogSigmoid(u) = -(-u).softplus();
    StableTanh(u) = u.tanh();
    StableGelu(u) = u * u.normal_cdf();
    StableSwish(u) = u * u.sigmoid();
    StableMish(u) = u * u.softplus().tanh();
}

/// Returns the points at which the plain formula is compared.
fn points(low: f64, high: f64) -> impl Iterator<Item = f64> {
    // An odd number of steps, so that no point is at a kink.
    (0..=100_003).map(move |i| low + (high - low) * f64::from(i) / 100_003.0)
}

/// Returns the largest error of a formula's derivative on an interval, relative to the hand-written derivative, or near a zero
/// of it, relative to its magnitude nearby.
fn worst<P: ActFn, F: ActFn>(plain: &P, function: &F, (low, high): (f64, f64)) -> (f64, f64) {
    let errors = points(low, high).map(|u| {
        let exact = function.df(u, function.f(u));
        ((plain.df(u, plain.f(u)) - exact).abs() / exact.abs().max(0.05), u)
    });
    errors.fold((0.0, 0.0), |worst, error| if error.0 > worst.0 || error.0.is_nan() { error } else { worst })
}

#[track_caller]
fn agrees<P: ActFn, F: ActFn>(plain: P, function: F, range: (f64, f64)) {
    let (error, at) = worst(&plain, &function, range);
    println!("| {} | {:e} to {:e} | {error:.1e} |", P::KIND, range.0, range.1);
    assert!(error < 1e-14, "{}'({at}) is off by {error:e}", P::KIND);
}

/// The formula does not cancel on these ranges.
#[test]
fn the_plain_formula_gives_the_derivative_where_it_is_stable() {
    let all = (-1e6, 1e6);
    agrees(PlainIdentity, Identity, all);
    agrees(PlainRelu, Relu, all);
    agrees(PlainRelu6, Relu6, (-20.0, 20.0));
    agrees(PlainLeakyRelu, LeakyRelu::default(), all);
    agrees(PlainElu, Elu::default(), (-700.0, 700.0));
    agrees(PlainSelu, Selu, (-700.0, 700.0));
    agrees(PlainCelu, Celu::new(1.0), (-700.0, 700.0));
    agrees(PlainSoftplus, Softplus::default(), (-30.0, 700.0));
    agrees(PlainSoftsign, Softsign, all);
    agrees(PlainSigmoid, Sigmoid, (-300.0, 30.0));
    agrees(PlainLogSigmoid, LogSigmoid, (-700.0, 30.0));
    agrees(PlainTanh, Tanh, (-1.0, 1.0));
    agrees(PlainHardTanh, HardTanh, (-20.0, 20.0));
    agrees(PlainHardSigmoid, HardSigmoid, (-20.0, 20.0));
    agrees(PlainHardSwish, HardSwish, (-20.0, 20.0));
    agrees(PlainGelu, Gelu, (-2.0, 30.0));
    agrees(PlainGeluTanh, GeluTanh, (-2.0, 30.0));
    agrees(PlainSwish, Swish::default(), (-30.0, 700.0));
    agrees(PlainMish, Mish, (-20.0, 300.0));
    agrees(PlainTanhExp, TanhExp, (-700.0, 600.0));
}

/// Formulas that use the dedicated functions are correct over the whole range.
#[test]
fn functions_that_do_not_cancel_give_the_derivative_everywhere() {
    let all = (-1e6, 1e6);
    for range in [all, (-50.0, 50.0)] {
        agrees(StableElu, Elu::default(), range);
        agrees(StableSoftplus, Softplus::default(), range);
        agrees(StableSigmoid, Sigmoid, range);
        agrees(StableLogSigmoid, LogSigmoid, range);
        agrees(StableTanh, Tanh, range);
        agrees(StableGelu, Gelu, range);
        agrees(StableSwish, Swish::default(), range);
        agrees(StableMish, Mish, range);
    }
}

/// The derivatives of learned activations with respect to u and to the parameter.
#[test]
fn learned_functions_have_both_derivatives() {
    fn check<F: TrainableActFn>(plain: impl Fn(Dual<f64>, Dual<f64>) -> Dual<f64>) {
        for p in [0.25, 1.0, -1.5] {
            for u in points(-30.0, 30.0) {
                let z = F::z(u, p);
                let by_u = plain(Dual::variable(u), Dual::constant(p)).derivative();
                let by_p = plain(Dual::constant(u), Dual::variable(p)).derivative();
                for (dual, exact) in [(by_u, F::dz_du(u, p, z)), (by_p, F::dz_dp(u, p, z))] {
                    let error = (dual - exact).abs() / exact.abs().max(0.05);
                    assert!(error < 1e-14, "{} at u {u}, p {p}: expected {exact}, got {dual}", F::KIND);
                }
            }
        }
    }
    check::<Swish>(|u, p| u * (p * u).sigmoid());
    check::<PRelu>(|u, p| if u > Dual::of(0.0) { u } else { p * u });
}

/// Compares the first and second derivative by dual numbers with differences, in one line for each elementary function.
macro_rules! differentiate {
    ($($name:ident: $($at:expr),+;)+) => {
        $(
            {
                #[derive(Clone, Debug)]
                struct Value;
                impl ActFn for Value {
                    const KIND: &'static str = stringify!($name);
                    fn f<R: Real>(&self, u: R) -> R {
                        u.$name()
                    }
                }
                #[derive(Clone, Debug)]
                struct Slope;
                impl ActFn for Slope {
                    const KIND: &'static str = concat!(stringify!($name), "'");
                    fn f<R: Real>(&self, u: R) -> R {
                        Dual::variable(u).$name().derivative()
                    }
                }
                for report in [gradcheck::activation_at(&Value, [$($at),+]), gradcheck::activation_at(&Slope, [$($at),+])] {
                    assert!(report.passed() && report.kinks == 0, "{}: {report}", stringify!($name));
                }
            }
        )+
    };
}

#[test]
fn every_elementary_function_knows_its_derivative() {
    differentiate! {
        abs: -2.0, 0.5, 3.0;
        sqrt: 0.1, 1.0, 50.0;
        cbrt: -3.0, 0.2, 9.0;
        exp: -3.0, 0.0, 2.0;
        exp2: -3.0, 0.0, 2.0;
        exp_m1: -3.0, 0.0, 2.0;
        ln: 0.2, 1.0, 8.0;
        ln_1p: -0.5, 0.0, 8.0;
        log2: 0.2, 1.0, 8.0;
        log10: 0.2, 1.0, 8.0;
        sin: -4.0, 0.3, 1.5, 9.0;
        cos: -4.0, 0.3, 1.5, 9.0;
        tan: -1.0, 0.3, 2.0;
        asin: -0.8, 0.0, 0.6;
        acos: -0.8, 0.0, 0.6;
        atan: -3.0, 0.2, 1.0, 7.0;
        sinh: -2.0, 0.1, 3.0;
        cosh: -2.0, 0.1, 3.0;
        tanh: -2.0, 0.1, 3.0;
        asinh: -2.0, 0.1, 3.0;
        acosh: 1.2, 2.0, 9.0;
        atanh: -0.7, 0.1, 0.6;
        erf: -1.0, 0.1, 2.0;
        erfc: -1.0, 0.1, 2.0;
        normal_cdf: -1.0, 0.1, 2.0;
        ln_gamma: -1.4, 0.3, 1.0, 1.5, 2.0, 7.0, 40.0;
        digamma: -1.4, 0.3, 1.0, 1.5, 2.0, 7.0, 40.0;
        gelu: -2.0, 0.1, 3.0;
        gelu_derivative: -2.0, 0.1, 3.0;
        sigmoid: -2.0, 0.1, 3.0;
        softplus: -2.0, 0.1, 3.0;
        mish: -2.0, 0.1, 3.0;
        sigmoid_derivative: -2.0, 0.1, 3.0;
        tanh_derivative: -2.0, 0.1, 3.0;
        swish_derivative: -2.0, 0.1, 3.0;
        mish_derivative: -2.0, 0.1, 3.0;
    }
}

/// The functions of two arguments, differentiated with respect to each.
#[test]
fn functions_of_two_numbers_know_both_derivatives() {
    plain! {
        PowBase(u) = u.powf(r(1.7));
        PowPower(u) = r::<R>(1.7).powf(u);
        PowBoth(u) = u.powf(u);
        PowI(u) = u.powi(5) + u.powi(-2) + u.powi(0);
        HypotBoth(u) = u.hypot(r(0.7)) + r::<R>(2.0).hypot(u);
        AtanBoth(u) = u.atan2(r(0.7)) + r::<R>(2.0).atan2(u) + u.atan2(-u);
        Gate(u) = u.times_sigmoid(u * u) + r::<R>(3.0).times_sigmoid(u);
        Fused(u) = u.mul_add(u, u);
        Sign(u) = u.copysign(-u) * u.signum() + u.floor();
        Quotient(u) = (u + R::one()) / (u * u + R::one()) - u.recip();
    }
    let at = [0.3, 1.2, 2.6];
    gradcheck::activation_at(&PowBase, at).assert();
    gradcheck::activation_at(&PowPower, at).assert();
    gradcheck::activation_at(&PowBoth, at).assert();
    gradcheck::activation_at(&PowI, at).assert();
    gradcheck::activation_at(&HypotBoth, at).assert();
    gradcheck::activation_at(&AtanBoth, at).assert();
    gradcheck::activation_at(&Gate, at).assert();
    gradcheck::activation_at(&Fused, at).assert();
    gradcheck::activation_at(&Sign, at).assert();
    gradcheck::activation_at(&Quotient, at).assert();
}

#[test]
fn kinks_follow_the_branch_taken() {
    let slope = |u: f64| PlainRelu.df(u, PlainRelu.f(u));
    assert_eq!([-1.0, 1.0].map(slope), [0.0, 1.0]);
    // `max` returns u if both are equal.
    assert_eq!(slope(0.0), 1.0);
    assert_eq!(PlainLeakyRelu.df(0.0, 0.0), 0.01);
    let report = gradcheck::activation(&PlainRelu);
    assert!(report.passed() && report.kinks > 0, "{report}");
}

#[test]
fn constants_stay_constant_beside_infinite_slopes() {
    let zero = Dual::<f64>::of(0.0);
    assert_eq!(zero.sqrt().derivative(), 0.0);
    assert_eq!((Dual::variable(2.0) + zero.ln().exp()).derivative(), 1.0);
    assert_eq!(StableSwish.df(f64::INFINITY, f64::INFINITY), 1.0);
    assert_eq!(StableSwish.df(f64::NEG_INFINITY, 0.0), 0.0);
    assert!(StableSwish.df(f64::NAN, f64::NAN).is_nan());
    assert!(Dual::variable(1.0) < Dual::constant(2.0) && Dual::variable(1.0) == Dual::constant(1.0));
}

#[test]
fn the_sigmoid_and_its_derivative_at_once_are_what_they_are_apart() {
    fn check<A: Scalar>(x: A) {
        let (sigmoid, slope) = x.sigmoid_with_derivative();
        for (y, expected) in [(sigmoid, x.sigmoid()), (slope, x.sigmoid_derivative())] {
            let unit = (expected * A::epsilon()).max(A::min_positive_value() * A::epsilon());
            let close = y.is_nan() && expected.is_nan() || (y - expected).abs() <= A::of(6.0) * unit;
            assert!(close, "{x}: expected {expected}, got {y}");
        }
    }
    (0..=u32::MAX).step_by(10_007).for_each(|bits| check(f32::from_bits(bits)));
    points(-800.0, 800.0)
        .chain([f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 0.0, 5e-324])
        .for_each(check::<f64>);
}

/// In `f32`, the derivative is the derivative of the formula in `f32`.
#[test]
fn single_precision_has_derivatives_too() {
    for u in points(-20.0, 20.0) {
        let (single, double) = (StableMish.df(u as f32, 0.0), StableMish.df(f64::from(u as f32), 0.0));
        assert!((f64::from(single) - double).abs() < 1e-6, "{u}: expected {double}, got {single}");
    }
}

/// n − 1 does not fit in an `i32` here, and its parity decides the sign.
#[test]
fn the_least_power_has_its_slope() {
    for (x, expected) in [(-1.0, 2_f64.powi(31)), (1.0, -2_f64.powi(31))] {
        assert_eq!(Dual::variable(x).powi(i32::MIN).derivative(), expected);
    }
}
