//! The error function and related functions compared with values from mpmath (`golden/erf.py`), and at the edges.

use manabi::{Real, Scalar};

type Function = fn(f64) -> f64;

/// Returns the functions in this precision, with argument and results converted from and to `f64`.
fn functions<A: Scalar>() -> [Function; 5] {
    [
        |x| A::of(x).erf().widen(),
        |x| A::of(x).erfc().widen(),
        |x| A::of(x).normal_cdf().widen(),
        |x| A::of(x).gelu().widen(),
        |x| A::of(x).gelu_derivative().widen(),
    ]
}

/// Returns the distance in units in the last place of a type with `bits` digits and the lowest normal exponent `least`.
fn ulp(got: f64, want: f64, bits: i32, least: i32) -> f64 {
    let exponent = (want.abs().to_bits() >> 52) as i32 - 1023;
    let unit = exponent.max(least) + 1 - bits;
    (got - want).abs() * 2f64.powi(-unit / 2) * 2f64.powi(-unit + unit / 2)
}

/// Returns the largest error of each function over the golden table. Near the zero of the derivative only the absolute error is
/// small, so the unit there is the unit in the last place of 1/8.
fn worst(functions: [Function; 5], bits: i32, least: i32) -> [f64; 5] {
    let mut worst = [0.0; 5];
    for line in include_str!("golden/erf.txt").lines() {
        let row: Vec<f64> = line.split(' ').map(|v| v.parse().unwrap()).collect();
        for (k, f) in functions.into_iter().enumerate() {
            let (got, want) = (f(row[0]), row[k + 1]);
            let error = if k == 4 && (row[0] + 0.7518).abs() < 0.3 {
                ulp(1.0 / 8.0 + (got - want), 1.0 / 8.0, bits, least)
            } else {
                ulp(got, want, bits, least)
            };
            assert!(error < 5.0, "function {k} at {}: expected {want:e}, got {got:e}", row[0]);
            worst[k] = error.max(worst[k]);
        }
    }
    worst
}

#[test]
fn agrees_with_golden_values() {
    let single = worst(functions::<f32>(), 24, -126);
    assert!(single.iter().all(|e| *e < 1.0), "{single:?}");
    let double = worst(functions::<f64>(), 53, -1022);
    let bounds = [1.5, 2.5, 2.5, 2.5, 2.5];
    assert!(double.iter().zip(bounds).all(|(e, bound)| *e < bound), "{double:?}");
}

#[test]
fn edges() {
    fn check<A: Scalar>() {
        let at = |x: f64| functions::<A>().map(|f| f(x) as f32);
        let inf = f64::INFINITY;
        assert_eq!(at(inf), [1.0, 0.0, 1.0, f32::INFINITY, 1.0]);
        assert_eq!(at(-inf), [-1.0, 2.0, 0.0, 0.0, 0.0]);
        assert_eq!(at(0.0), [0.0, 1.0, 0.5, 0.0, 0.5]);
        assert_eq!(at(-0.0), [0.0, 1.0, 0.5, 0.0, 0.5]);
        assert!(at(f64::NAN).iter().all(|y| y.is_nan()));
        assert!([A::of(-0.0).erf(), A::of(-0.0).gelu()].iter().all(|y| y.widen().is_sign_negative()));
        assert!([A::of(0.0).erf(), A::of(0.0).gelu()].iter().all(|y| y.widen().is_sign_positive()));
        assert_eq!(at(f64::from(f32::MAX)), [1.0, 0.0, 1.0, f32::MAX, 1.0]);
        assert_eq!(at(f64::from(f32::MIN)), [-1.0, 2.0, 0.0, 0.0, 0.0]);
    }
    check::<f32>();
    check::<f64>();
    assert_eq!(f64::MAX.gelu(), f64::MAX);
    assert_eq!(Real::erf(f64::MIN), -1.0);
    // Far to the left the values are tiny but have full precision.
    assert_eq!((-12.0_f32).gelu(), -2.131_778_5e-32);
    assert!((-14.0_f32).normal_cdf() > 0.0);
}
