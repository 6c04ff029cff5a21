//! The errors of the elementary functions and the activations, in units of the last place (ulp).
//!
//! The examples `ulp_f32` and `ulp_f64` measure the same errors over all inputs or many more inputs.

use std::path::Path;

use judge::Function::{self, *};
use judge::subject::computed;
use judge::{dd::dd, fast};
use manabi::{Real, Scalar, simd};

mod judge;

struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Draws alternately from all bit patterns and from [−50, 50], each uniformly.
    fn point(&mut self) -> f64 {
        let bits = self.next();
        if bits & 1 == 0 {
            f64::from_bits(self.next())
        } else {
            (bits >> 11) as f64 * (100.0 / (1u64 << 53) as f64) - 50.0
        }
    }
}

/// Asserts that the error in ulp is within the limit, or that the absolute error is small near a zero of a derivative.
fn check(function: Function, u: f64, y: f64, digits: i32) {
    let truth = function.truth(u);
    if function.is_near_zero(u) {
        let error = (dd(y) - truth.0.times_power(truth.1)).hi.abs();
        assert!(error < 2f64.powi(-1 - digits), "{function:?}({u:e}) is off by {error:e}");
    } else {
        let ulps = judge::ulps(y, truth, digits);
        assert!(ulps <= function.limit(), "{function:?}({u:e}) = {y:e} is off by {ulps} ulp");
    }
}

#[test]
fn double_precision_on_random_points() {
    let mut random = SplitMix(1);
    for function in Function::all() {
        for _ in 0..20_000 {
            let u = random.point();
            if u.is_finite() && function.is_defined_at(u) {
                check(function, u, computed(function, u), 53);
            }
        }
    }
}

#[test]
fn single_precision_on_random_points() {
    let mut random = SplitMix(2);
    for function in Function::all() {
        for _ in 0..20_000 {
            let u = if random.next() & 1 == 0 {
                f32::from_bits(random.next() as u32)
            } else {
                random.point() as f32
            };
            if u.is_finite() && function.is_defined_at(u.into()) {
                check(function, u.into(), computed(function, u).into(), 24);
            }
        }
    }
}

#[test]
fn single_precision_on_every_thousandth_input() {
    for bits in (0..=u32::MAX).step_by(1009) {
        let u = f32::from_bits(bits);
        let truths = fast::FUNCTIONS.into_iter().zip(fast::truths(u.into()));
        let error_truths = fast::ERROR_FUNCTIONS.into_iter().zip(fast::error_truths(u.into()));
        for (function, truth) in truths.chain(error_truths) {
            let y = computed(function, u);
            if truth.is_nan() {
                assert!(y.is_nan(), "{function:?}({u}) = {y}");
            } else if function.is_near_zero(u.into()) {
                assert!((f64::from(y) - truth).abs() < 2f64.powi(-25), "{function:?}({u:e}) = {y:e}");
            } else {
                let ulps = fast::ulps(y, truth);
                assert!(ulps <= function.limit(), "{function:?}({u:e}) = {y:e} is off by {ulps} ulp");
            }
        }
    }
}

/// The quick judge is accurate to 45 bits. Near a sign change of a derivative this bounds the absolute error.
#[test]
fn the_judges_agree() {
    let mut random = SplitMix(3);
    for _ in 0..20_000 {
        let u = f64::from(random.point() as f32);
        for (function, fast) in fast::FUNCTIONS.into_iter().zip(fast::truths(u)) {
            if fast.is_finite() && u.is_finite() {
                let (m, k) = function.truth(u);
                let error = (dd(fast) - m.times_power(k)).hi.abs();
                let near = function.zero().is_some_and(|zero| (u - zero).abs() < 1.0);
                let size = if near { 1.0 } else { fast.abs() };
                assert!(error <= size * 2f64.powi(-45) + 1e-300, "{function:?}({u:e}): {error:e}");
            }
        }
    }
}

#[test]
fn infinities_zeros_and_nan() {
    fn ends<A: Scalar>() {
        let (zero, one, inf) = (A::zero(), A::one(), A::infinity());
        let expected = [
            (Sigmoid, zero, one),
            (Tanh, -one, one),
            (Softplus, zero, inf),
            (Swish(1.0), zero, inf),
            (Mish, zero, inf),
            (SigmoidDerivative, zero, zero),
            (TanhDerivative, zero, zero),
            (SoftplusDerivative, zero, one),
            (SwishDerivative(1.0), zero, one),
            (MishDerivative, zero, one),
            (Exp, zero, inf),
            (ExpM1, -one, inf),
            (Erf, -one, one),
        ];
        for (function, left, right) in expected {
            assert_eq!(computed(function, -inf), left, "{function:?}(−∞)");
            assert_eq!(computed(function, inf), right, "{function:?}(∞)");
            assert_eq!(computed(function, -A::max_value()), left, "{function:?}(−max)");
            assert!(computed(function, A::nan()).is_nan(), "{function:?}(NaN)");
            let most =
                if right == inf && function != Exp && function != ExpM1 { A::max_value() } else { right };
            assert_eq!(computed(function, A::max_value()), most, "{function:?}(max)");
        }
        for function in [Tanh, Swish(0.5), Swish(1.0), Swish(2.0), Mish, ExpM1, Ln1p, Erf] {
            for sign in [one, -one] {
                let y = computed(function, sign * zero);
                assert!(
                    y == zero && y.widen().is_sign_negative() == (sign < zero),
                    "{function:?}({}) = {y}",
                    sign * zero
                );
            }
        }
        assert_eq!(Real::ln(inf), inf);
        assert_eq!(Real::ln(zero), -inf);
        assert_eq!(Real::ln_1p(-one), -inf);
        assert_eq!(Real::ln_1p(inf), inf);
        assert!(Real::ln(-one).is_nan() && Real::ln_1p(-one - one).is_nan() && Real::ln(A::nan()).is_nan());
    }
    ends::<f32>();
    ends::<f64>();
}

/// Compiles the loop once for the baseline and once for the best instruction set.
#[test]
fn the_same_bits_on_every_path() {
    fn compare<A: Scalar>(u: &[A], bits: fn(A) -> u64) {
        for function in Function::all() {
            let baseline: Vec<A> = u.iter().map(|&u| computed(function, u)).collect();
            let mut best = vec![A::zero(); u.len()];
            simd::dispatch(
                #[inline(always)]
                || best.iter_mut().zip(u).for_each(|(y, &u)| *y = computed(function, u)),
            );
            for ((u, &a), &b) in u.iter().zip(&baseline).zip(&best) {
                assert!(bits(a) == bits(b) || a.is_nan() && b.is_nan(), "{function:?}({u:e}): {a:e}, {b:e}");
            }
        }
    }
    let mut random = SplitMix(4);
    let wide: Vec<f64> = (0..100_000).map(|_| random.point()).collect();
    compare(&wide, f64::to_bits);
    let single: Vec<f32> = wide
        .iter()
        .map(|&u| if u.abs() < 1e30 { u as f32 } else { f32::from_bits(u.to_bits() as u32) })
        .collect();
    compare(&single, |y| y.to_bits().into());
}

/// The correctly rounded values, computed with 50 digits.
#[test]
fn the_reference_file() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference/activations.csv");
    let Ok(file) = std::fs::read_to_string(&path) else {
        println!("skipped: no {}", path.display());
        return;
    };
    for row in file.lines().skip(1) {
        let columns: Vec<&str> = row.split(',').collect();
        let [name, beta, precision, u, expected] = columns[..] else { panic!("{row}") };
        let function = Function::named(name, beta.parse().expect("a number"));
        let bits = |hex| u64::from_str_radix(hex, 16).expect("hexadecimal digits");
        let number = |hex| {
            if precision == "f32" {
                f32::from_bits(bits(hex) as u32).into()
            } else {
                f64::from_bits(bits(hex))
            }
        };
        let (u, expected): (f64, f64) = (number(u), number(expected));
        let digits = if precision == "f32" { 24 } else { 53 };
        let y = if digits == 24 { computed(function, u as f32).into() } else { computed(function, u) };
        if u.is_finite() {
            // Check the judge first.
            let ulps = judge::ulps(expected, function.truth(u), digits);
            assert!(ulps <= 0.500_000_1, "the judge is off by {ulps} ulp: {row}");
            check(function, u, y, digits);
        } else {
            assert!(y == expected || y.is_nan() && expected.is_nan(), "{y}: {row}");
        }
    }
}
