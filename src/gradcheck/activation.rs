use super::Report;
use super::difference::Slope;
use crate::activation::ActFn;

/// Checks the derivative f′(u, z) of an activation function, densely on [−50, 50] and sparsely from ±10⁻³⁰⁰ to ±10⁴. From there
/// to ±10¹⁰⁰, the derivative must only be finite.
///
/// # Examples
/// ```
/// let report = manabi::gradcheck::activation(&manabi::Relu);
/// assert!(report.passed() && report.kinks > 0);
/// ```
pub fn activation<F: ActFn>(function: &F) -> Report {
    let dense = (-5000..=5000).map(|i| f64::from(i) / 100.0);
    let sparse = (-300..=4).map(|exponent| 10_f64.powi(exponent));
    let tails = (1..=80).map(|i| f64::from(i) * 10.0);
    let mut report = activation_at(function, dense.chain(sparse.chain(tails).flat_map(|u| [u, -u])));
    for u in (5..=100).map(|exponent| 10_f64.powi(exponent)).flat_map(|u| [u, -u]) {
        report.require_finite("u", u, function.df(u, function.f(u)));
    }
    report
}

/// Checks the derivative f′(u, z) of an activation function at these points. Points at which f is infinite are skipped.
pub fn activation_at<F: ActFn>(function: &F, points: impl IntoIterator<Item = f64>) -> Report {
    let mut report = Report::new();
    for u in points.into_iter().filter(|&u| !function.f(u).is_infinite()) {
        let slope = Slope::of(|u| function.f(u), u, 0.0);
        report.compare(|| "u".into(), u, function.df(u, function.f(u)), &slope);
    }
    report
}
