//! Pictures of the weights of a convolution.

use manabi::Scalar;
use manabi::ndarray::{ArrayView2, ArrayViewD, Axis, Ix4};

/// Returns a tile for every filter, with the weights of its first channel.
pub fn html<A: Scalar>(weights: &ArrayViewD<'_, A>) -> String {
    let weights =
        weights.view().into_dimensionality::<Ix4>().expect("a convolution has four-dimensional weights");
    let tiles: String = weights
        .axis_iter(Axis(0))
        .enumerate()
        .map(|(i, filter)| tile(i + 1, filter.index_axis(Axis(0), 0)))
        .collect();
    let scale = "<p class=\"scale\"><span>negative</span> <i></i> <span>positive</span></p>\n";
    format!("{scale}<ul class=\"tiles\">\n{tiles}</ul>\n")
}

/// Draws a filter. Its largest absolute weight has the full colour, and 0 has the colour of the page.
fn tile<A: Scalar>(number: usize, filter: ArrayView2<'_, A>) -> String {
    let filter = filter.mapv(Into::<f64>::into);
    let most = filter.iter().fold(0.0, |most: f64, weight| most.max(weight.abs()));
    let cells: String = filter.indexed_iter().map(|((y, x), &weight)| cell(x, y, weight, most)).collect();
    let (height, width) = filter.dim();
    format!(
        "<li><svg class=\"filter\" role=\"img\" aria-label=\"filter {number}, weights up to {most:.2}\" \
         viewBox=\"0 0 {width} {height}\">{cells}</svg><span>±{most:.2}</span></li>\n"
    )
}

fn cell(x: usize, y: usize, weight: f64, most: f64) -> String {
    let class = if weight < 0.0 { "negative" } else { "positive" };
    let opacity = if most > 0.0 { weight.abs() / most } else { 0.0 };
    format!(
        "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"1\" height=\"1\" fill-opacity=\"{opacity:.2}\"/>"
    )
}
