//! The elementary functions compared with libm, which is accurate to about one unit in the last place of `f64`: in `f32` over
//! inputs of every magnitude, in `f64` at random points, and at the ends. `tests/mpfr` measures `f64` exactly.
//!
//! `MANABI_STRIDE=1 cargo test --release --test elementary` tests all 2³² inputs instead of some.

use std::thread;

use libm::{
    acos, acosh, asin, asinh, atan, atanh, cbrt, cos, cosh, exp2, floor, log2, log10, sin, sinh, sqrt, tan,
};
use manabi::{Real, simd};

/// A name, the function in `f32` for a whole array, the function in `f64`, and libm's function.
type Function = (&'static str, fn(&[f32], &mut [f32]), fn(f64) -> f64, fn(f64) -> f64);

macro_rules! functions {
    ($($own:ident $other:ident)+) => {
        [$((
            stringify!($own),
            |x, y| {
                simd::dispatch(
                    #[inline(always)]
                    || {
                        for (y, &x) in y.iter_mut().zip(x) {
                            *y = Real::$own(x);
                        }
                    },
                );
            },
            |x| Real::$own(x),
            $other,
        )),+]
    };
}

const FUNCTIONS: [Function; 17] = functions! {
    sin sin  cos cos  tan tan  asin asin  acos acos  atan atan
    sinh sinh  cosh cosh  asinh asinh  acosh true_acosh  atanh atanh
    exp2 exp2  log2 log2  log10 log10  cbrt cbrt  floor floor  sqrt sqrt
};

/// Returns NaN below 1, for which libm returns an unspecified value.
fn true_acosh(x: f64) -> f64 {
    if x < 1.0 { f64::NAN } else { acosh(x) }
}

/// Returns the error of an `f32`, in units in the last place of the true value.
fn ulps(y: f32, truth: f64) -> f64 {
    if y.is_nan() && truth.is_nan() || f64::from(y) == truth {
        return 0.0;
    }
    let exponent = (truth.abs().to_bits() >> 52) as i32 - 1023;
    let unit = 2_f64.powi(exponent.max(-126) - 23);
    if (truth as f32).is_infinite() {
        return if y == truth as f32 { 0.0 } else { f64::INFINITY };
    }
    (f64::from(y) - truth).abs() / unit
}

#[test]
fn single_precision_is_rounded_once() {
    let stride = std::env::var("MANABI_STRIDE").map_or(50_021, |stride| stride.parse().expect("a number"));
    let threads = thread::available_parallelism().map_or(1, |threads| threads.get());
    for (name, single, _, truth) in FUNCTIONS {
        // NaN counts as the largest error.
        let worse = |worst: (f64, f32), error: (f64, f32)| match error.0 > worst.0 || error.0.is_nan() {
            true => error,
            false => worst,
        };
        let part = |first: usize| {
            let mut inputs =
                (0..=u32::MAX).skip(first * stride).step_by(threads * stride).map(f32::from_bits).peekable();
            let (mut worst, mut y) = ((0.0, 0.0), vec![0.0; 4096]);
            while inputs.peek().is_some() {
                let x: Vec<f32> = inputs.by_ref().take(y.len()).collect();
                let y = &mut y[..x.len()];
                single(&x, y);
                for (&x, &y) in x.iter().zip(&*y) {
                    worst = worse(worst, (ulps(y, truth(x.into())), x));
                }
            }
            worst
        };
        let (worst, at) = thread::scope(|scope| {
            let parts: Vec<_> = (0..threads).map(|first| scope.spawn(move || part(first))).collect();
            parts.into_iter().map(|part| part.join().expect("no thread panics")).fold((0.0, 0.0), worse)
        });
        println!("| {name} | {worst:.4} | {at:e} |");
        assert!(worst <= 0.5001, "{name}({at}) is off by {worst}");
    }
}

#[test]
fn double_precision_is_near_libm() {
    let mut bits = 1_u64;
    let mut next = || {
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bits ^ (bits >> 33)
    };
    for (name, _, own, truth) in FUNCTIONS {
        for i in 0..200_000 {
            let bits = next();
            let x =
                if i % 2 == 0 { f64::from_bits(bits) } else { (bits >> 11) as f64 / 2_f64.powi(51) - 2.0 };
            let (y, expected) = (own(x), truth(x));
            // Each may be off by one unit.
            let close = (y - expected).abs() <= 2.5 * f64::EPSILON * expected.abs() + 1e-323;
            assert!(
                y == expected || y.is_nan() && expected.is_nan() || close,
                "{name}({x:e}): expected {expected:e}, got {y:e}"
            );
        }
    }
}

#[test]
fn ends_and_signs() {
    let inf = f64::INFINITY;
    for (name, single, own, truth) in FUNCTIONS {
        for x in [0.0, -0.0, inf, -inf, f64::NAN, 1.0, -1.0, 5e-324, f64::MAX, f64::MIN, 1e22, 1e300, -1e5] {
            let (y, expected) = (own(x), truth(x));
            let same = y.to_bits() == expected.to_bits() || y.is_nan() && expected.is_nan();
            let close = (y - expected).abs() <= 2.5 * f64::EPSILON * expected.abs();
            assert!(same || close && expected != 0.0, "{name}({x:e}): expected {expected:e}, got {y:e}");
            let mut y = [0.0];
            single(&[x as f32], &mut y);
            assert_eq!(y[0].is_nan(), own(f64::from(x as f32)).is_nan(), "{name}({x})");
        }
    }
}

#[test]
fn functions_of_two_numbers() {
    let values = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.3,
        -2.5,
        3.0,
        -7.0,
        1e-310,
        1e300,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ];
    let close = |y: f64, expected: f64| {
        let same = y.to_bits() == expected.to_bits() || y.is_nan() && expected.is_nan();
        same || expected != 0.0 && (y - expected).abs() <= 2.5 * f64::EPSILON * expected.abs()
    };
    for x in values {
        for y in values {
            assert!(
                close(Real::atan2(y, x), libm::atan2(y, x)),
                "atan2({y:e}, {x:e}) = {:e}",
                Real::atan2(y, x)
            );
            assert!(close(Real::powf(x, y), libm::pow(x, y)), "pow({x:e}, {y:e}) = {:e}", Real::powf(x, y));
            assert!(
                close(Real::hypot(x, y), libm::hypot(x, y)),
                "hypot({x:e}, {y:e}) = {:e}",
                Real::hypot(x, y)
            );
        }
        for n in [-7, -2, -1, 0, 1, 2, 3, 5, 100, i32::MAX, i32::MIN] {
            assert!(
                close(Real::powi(x, n), libm::pow(x, n.into())),
                "powi({x:e}, {n}) = {:e}",
                Real::powi(x, n)
            );
        }
    }
}

#[test]
fn gamma_functions() {
    // Sixteen digits of ln Γ and ψ, by mpmath: `mp.dps = 30; loggamma(x), digamma(x)`.
    let expected = [
        (1e-5, 11.512_919_692_895_824, -100_000.577_199_215_67),
        (0.5, 0.572_364_942_924_700_1, -1.963_510_026_021_423_5),
        (1.0, 0.0, -0.577_215_664_901_532_9),
        (1.5, -0.120_782_237_635_245_22, 0.036_489_973_978_576_52),
        (2.0, 0.0, 0.422_784_335_098_467_13),
        (3.7, 1.428_072_326_665_388, 1.167_153_539_361_511_4),
        (10.0, 12.801_827_480_081_469, 2.251_752_589_066_721),
        (1e10, 220_258_509_288.810_58, 23.025_850_929_890_457),
        (-0.5, 1.265_512_123_484_645_4, 0.036_489_973_978_576_52),
        (-2.5, -0.056_243_716_497_674_05, 1.103_156_640_645_243),
    ];
    for (x, ln_gamma, digamma) in expected {
        for (y, expected) in [(Real::ln_gamma(x), ln_gamma), (Real::digamma(x), digamma)] {
            assert!(
                (y - expected).abs() <= 4.0 * f64::EPSILON * f64::max(expected.abs(), 0.05),
                "{x}: expected {expected}, got {y}"
            );
        }
    }
    for x in [0.0, -0.0, -1.0, -30.0] {
        assert_eq!(Real::ln_gamma(x), f64::INFINITY, "{x}");
    }
    assert_eq!((Real::digamma(0.0), Real::digamma(-0.0)), (f64::NEG_INFINITY, f64::INFINITY));
    assert!(Real::digamma(-3.0).is_nan() && Real::ln_gamma(f64::NAN).is_nan());
    assert_eq!((Real::ln_gamma(f64::INFINITY), Real::digamma(f64::INFINITY)), (f64::INFINITY, f64::INFINITY));
    assert_eq!((Real::ln_gamma(1.0_f32), Real::ln_gamma(2.0_f32)), (0.0, 0.0));
}

/// A loop compiled for the best instruction set returns the same bits as a call compiled for the baseline.
#[test]
fn a_loop_has_the_bits_of_one_call() {
    let x: Vec<f32> = (0..4099).map(|i| (i * i) as f32 * 0.37 - 900.0).collect();
    for (name, single, own, _) in FUNCTIONS {
        let mut y = vec![0.0; x.len()];
        single(&x, &mut y);
        for (&x, y) in x.iter().zip(y) {
            let expected = own(x.into()) as f32;
            assert!(y.to_bits() == expected.to_bits() || y.is_nan() && expected.is_nan(), "{name}({x})");
        }
    }
}
