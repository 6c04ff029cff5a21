use super::Report;
use super::difference::Slope;
use crate::activation::ActFn;

/// Checks f′(u, z) of an activation function over the whole range: densely on [−50, 50], then ever more sparsely to
/// ±10¹⁰⁰, and from both sides of 0.
///
/// ```
/// let report = manabi::gradcheck::activation(&manabi::Relu);
/// assert!(report.passed() && report.kinks > 0);
/// ```
pub fn activation<F: ActFn>(function: &F) -> Report {
    let dense = (-5000..=5000).map(|i| f64::from(i) / 100.0);
    let sparse = (-300..=100).map(|exponent| 10_f64.powi(exponent));
    let tails = (1..=80).map(|i| f64::from(i) * 10.0);
    activation_at(function, dense.chain(sparse.chain(tails).flat_map(|u| [u, -u])))
}

/// Checks f′(u, z) of an activation function at these points.
pub fn activation_at<F: ActFn>(function: &F, points: impl IntoIterator<Item = f64>) -> Report {
    let mut report = Report::new();
    for u in points {
        let slope = Slope::of(|u| function.f(u), u);
        report.compare(|| "u".into(), u, function.df(u, function.f(u)), &slope);
    }
    report
}
