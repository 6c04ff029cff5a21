//! Measures the largest error of the elementary functions over random arguments, compared with MPFR.
//!
//! `cargo run --release -- N [name …]` tests all functions, or only the named ones, with N arguments uniform over the bit
//! patterns and N arguments in the interval listed for the function. It fails if an error exceeds its limit.

use std::ops::Range;
use std::process::ExitCode;

use manabi::Real;
use rug::Float;
use rug::ops::Pow;

/// The precision of the true value: 53 bits of the result and 53 more to measure the error.
const BITS: u32 = 110;

/// The exponent of the smallest normal `f64`.
const LEAST: i32 = -1021;

struct Row {
    name: &'static str,
    function: fn(f64) -> f64,
    truth: fn(&Float) -> Float,
    /// The interval in which the function varies.
    dense: Range<f64>,
    /// The largest permitted error in ulp.
    limit: f64,
}

struct PairRow {
    name: &'static str,
    function: fn(f64, f64) -> f64,
    truth: fn(&Float, &Float) -> Float,
    dense: Range<f64>,
    limit: f64,
}

fn rows() -> Vec<Row> {
    fn row(
        name: &'static str,
        function: fn(f64) -> f64,
        truth: fn(&Float) -> Float,
        dense: Range<f64>,
        limit: f64,
    ) -> Row {
        Row { name, function, truth, dense, limit }
    }
    vec![
        row("sin", Real::sin, |x| Float::with_val(BITS, x.sin_ref()), -10.0..10.0, 1.0),
        row("cos", Real::cos, |x| Float::with_val(BITS, x.cos_ref()), -10.0..10.0, 1.0),
        row("tan", Real::tan, |x| Float::with_val(BITS, x.tan_ref()), -10.0..10.0, 1.0),
        row("asin", Real::asin, |x| Float::with_val(BITS, x.asin_ref()), -1.0..1.0, 1.0),
        row("acos", Real::acos, |x| Float::with_val(BITS, x.acos_ref()), -1.0..1.0, 1.0),
        row("atan", Real::atan, |x| Float::with_val(BITS, x.atan_ref()), -5.0..5.0, 1.0),
        row("sinh", Real::sinh, |x| Float::with_val(BITS, x.sinh_ref()), -3.0..3.0, 1.0),
        row("cosh", Real::cosh, |x| Float::with_val(BITS, x.cosh_ref()), -3.0..3.0, 1.0),
        row("asinh", Real::asinh, |x| Float::with_val(BITS, x.asinh_ref()), -3.0..3.0, 1.0),
        row("acosh", Real::acosh, |x| Float::with_val(BITS, x.acosh_ref()), 1.0..3.0, 1.0),
        row("atanh", Real::atanh, |x| Float::with_val(BITS, x.atanh_ref()), -1.0..1.0, 1.0),
        row("exp2", Real::exp2, |x| Float::with_val(BITS, x.exp2_ref()), -3.0..3.0, 1.0),
        row("log2", Real::log2, |x| Float::with_val(BITS, x.log2_ref()), 0.5..2.0, 1.0),
        row("log10", Real::log10, |x| Float::with_val(BITS, x.log10_ref()), 0.5..2.0, 1.0),
        row("cbrt", Real::cbrt, |x| Float::with_val(BITS, x.cbrt_ref()), -8.0..8.0, 1.0),
        row("powi 5", |x| Real::powi(x, 5), |x| Float::with_val(BITS, x.pow(5)), -8.0..8.0, 1.0),
        row("powi -7", |x| Real::powi(x, -7), |x| Float::with_val(BITS, x.pow(-7)), -8.0..8.0, 1.0),
        row("σ of both", |x| x.sigmoid_with_derivative().0, |x| sigmoid(x, false), -50.0..50.0, 3.0),
        row("σ′ of both", |x| x.sigmoid_with_derivative().1, |x| sigmoid(x, true), -50.0..50.0, 5.0),
        row(
            "ln_gamma",
            Real::ln_gamma,
            |x| {
                let mut y = Float::new(BITS);
                let mut sign = std::cmp::Ordering::Equal;
                rug::Assign::assign(&mut (&mut y, &mut sign), x.ln_abs_gamma_ref());
                y
            },
            0.0..8.0,
            1.5,
        ),
        row("digamma", Real::digamma, |x| Float::with_val(BITS, x.digamma_ref()), 0.0..8.0, 1.5),
    ]
}

/// Returns σ(x) = 1/(1 + e), with e = e⁻ˣ, or its derivative e/(1 + e)² = 1/(1/e + 2 + e).
fn sigmoid(x: &Float, derivative: bool) -> Float {
    let e = (-Float::with_val(BITS + 60, x)).exp();
    let inverse = Float::with_val(BITS + 60, x).exp();
    let sum: Float = if derivative { e + 2_u32 + inverse } else { e + 1_u32 };
    Float::with_val(BITS, sum.recip())
}

fn pair_rows() -> Vec<PairRow> {
    fn row(
        name: &'static str,
        function: fn(f64, f64) -> f64,
        truth: fn(&Float, &Float) -> Float,
        dense: Range<f64>,
    ) -> PairRow {
        PairRow { name, function, truth, dense, limit: 1.0 }
    }
    vec![
        row("atan2", Real::atan2, |y, x| Float::with_val(BITS, y.atan2_ref(x)), -2.0..2.0),
        row("hypot", Real::hypot, |x, y| Float::with_val(BITS, x.hypot_ref(y)), -2.0..2.0),
        row("powf", Real::powf, |x, y| Float::with_val(BITS, x.pow(y)), 0.0..9.0),
    ]
}

/// The xorshift64* generator.
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn pattern(&mut self) -> f64 {
        f64::from_bits(self.bits())
    }

    fn within(&mut self, range: &Range<f64>) -> f64 {
        let unit = (self.bits() >> 11) as f64 / (1_u64 << 53) as f64;
        range.start + unit * (range.end - range.start)
    }
}

/// The largest error so far, and its arguments.
#[derive(Default)]
struct Worst {
    ulp: f64,
    at: String,
}

impl Worst {
    fn take(&mut self, got: f64, truth: &Float, least: i32, at: impl FnOnce() -> String) {
        let ulp = error(got, truth, least);
        if ulp > self.ulp {
            (self.ulp, self.at) = (ulp, at());
        }
    }

    /// Prints a line of the table and returns whether the error is within the limit.
    fn report(&self, name: &str, limit: f64) -> bool {
        println!("| {name} | {:.4} | {} |", self.ulp, self.at);
        self.ulp <= limit
    }
}

/// Returns the error in units of the last place of the truth as an `f64`, with at least this exponent. Returns infinity on a
/// mismatch such as a NaN in only one of the two.
fn error(got: f64, truth: &Float, least: i32) -> f64 {
    let nearest = truth.to_f64();
    // This also compares the sign of a zero, and NaN.
    if got.to_bits() == nearest.to_bits() && (got == 0.0 || got.is_infinite())
        || got.is_nan() && truth.is_nan()
    {
        return 0.0;
    }
    if !got.is_finite()
        || truth.is_nan()
        || truth.is_infinite()
        || got == 0.0 && truth.is_sign_negative() != got.is_sign_negative()
    {
        return f64::INFINITY;
    }
    let exponent = truth.get_exp().unwrap_or(i32::MIN / 2).max(least);
    let difference = Float::with_val(BITS + 60, truth - got).abs();
    (difference >> (exponent - 53)).to_f64()
}

const EDGES: [f64; 16] = [
    0.0,
    5e-324,
    f64::MIN_POSITIVE,
    1e-300,
    1e-8,
    0.5,
    0.999_999_999_999_999_9,
    1.0,
    1.000_000_000_000_000_2,
    std::f64::consts::FRAC_PI_2,
    std::f64::consts::PI,
    1e22,
    5.319_372_648_326_541_4e255, // nearly a multiple of π/2
    f64::MAX,
    f64::INFINITY,
    f64::NAN,
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let count = arguments.next().map_or(1_000_000, |n| n.parse().expect("the number of arguments"));
    let names: Vec<String> = arguments.collect();
    let wanted = |name: &str| names.is_empty() || names.iter().any(|n| n == name);
    let edges = || EDGES.iter().flat_map(|&x| [x, -x]);
    let mut kept = true;
    println!("| function | worst ulp | at |");
    println!("|---|---|---|");
    for row in rows().iter().filter(|row| wanted(row.name)) {
        let (mut worst, mut random) = (Worst::default(), Random(0x9e37_79b9_7f4a_7c15));
        let mut x = Float::new(53);
        let mut take = |argument: f64| {
            rug::Assign::assign(&mut x, argument);
            // Between any two poles left of 0, the function has a zero. Near it, the error is relative to 1.
            let has_zeros = argument < 0.0 && row.name.ends_with("gamma");
            let least = if has_zeros { 1 } else { LEAST };
            worst.take((row.function)(argument), &(row.truth)(&x), least, || format!("{argument:e}"));
        };
        edges().for_each(&mut take);
        for _ in 0..count {
            take(random.pattern());
            take(random.within(&row.dense));
        }
        kept &= worst.report(row.name, row.limit);
    }
    for row in pair_rows().iter().filter(|row| wanted(row.name)) {
        let (mut worst, mut random) = (Worst::default(), Random(0x9e37_79b9_7f4a_7c15));
        let (mut a, mut b) = (Float::new(53), Float::new(53));
        let mut take = |u: f64, v: f64| {
            rug::Assign::assign(&mut a, u);
            rug::Assign::assign(&mut b, v);
            worst.take((row.function)(u, v), &(row.truth)(&a, &b), LEAST, || format!("{u:e}, {v:e}"));
        };
        edges().for_each(|u| edges().for_each(|v| take(u, v)));
        for _ in 0..count {
            take(random.pattern(), random.pattern());
            take(random.within(&row.dense), random.within(&row.dense));
            // Arguments of similar, arbitrary magnitude.
            let u = random.pattern();
            take(u, u * random.within(&row.dense));
        }
        kept &= worst.report(row.name, row.limit);
    }
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
