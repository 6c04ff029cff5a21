//! Curves over the epochs.

use crate::page::escape;

/// A curve, with a value for every epoch from 0.
pub struct Line {
    pub name: &'static str,
    /// The class of the style sheet that sets the colour.
    pub class: &'static str,
    pub values: Vec<f64>,
}

/// A picture of curves over a logarithmic axis.
pub struct Chart {
    pub id: &'static str,
    pub title: &'static str,
    pub lines: [Line; 2],
}

/// The size of a picture, and the box of its curves: left, top, right and bottom.
const SIZE: [f64; 2] = [460.0, 300.0];
const BOX: [f64; 4] = [56.0, 14.0, 446.0, 252.0];

/// The axes of a chart.
struct Axes {
    epochs: usize,
    /// The logarithms of the smallest and the largest value.
    low: f64,
    high: f64,
}

impl Axes {
    /// Returns axes with room for all values above 0.
    fn new(lines: &[Line]) -> Self {
        let values = || lines.iter().flat_map(|line| &line.values).copied().filter(|&value| is_drawn(value));
        let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
        let (low, high) = if low <= high { (low / 1.5, high * 1.5) } else { (0.1, 1.0) };
        let epochs = lines.iter().map(|line| line.values.len()).max().unwrap_or(1) - 1;
        Self { epochs, low: low.log10(), high: high.log10() }
    }

    fn x(&self, epoch: usize) -> f64 {
        BOX[0] + (BOX[2] - BOX[0]) * epoch as f64 / self.epochs.max(1) as f64
    }

    fn y(&self, value: f64) -> f64 {
        BOX[3] - (BOX[3] - BOX[1]) * (value.log10() - self.low) / (self.high - self.low)
    }

    /// Returns the epochs with a label: at most 9.
    fn epochs(&self) -> impl Iterator<Item = usize> {
        (0..=self.epochs).step_by(self.epochs.div_ceil(8).max(1))
    }

    /// Returns the values with a label, and their labels: some multiples of powers of 10.
    fn values(&self) -> Vec<(f64, String)> {
        let multiples: &[f64] = match self.high - self.low {
            decades if decades > 2.5 => &[1.0],
            decades if decades > 1.0 => &[1.0, 2.0, 5.0],
            _ => &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0],
        };
        let exponents = self.low.floor() as i32..=self.high.floor() as i32;
        let all = exponents.flat_map(|exponent| {
            let digits = (-exponent).max(0) as usize;
            multiples.iter().map(move |multiple| {
                let value = multiple * 10_f64.powi(exponent);
                (value, format!("{value:.digits$}"))
            })
        });
        all.filter(|(value, _)| (self.low..=self.high).contains(&value.log10())).collect()
    }

    fn html(&self) -> String {
        let [left, top, right, bottom] = BOX;
        let mut svg = String::new();
        for (value, label) in self.values() {
            let y = self.y(value);
            svg += &format!("<path class=\"grid\" d=\"M{left} {y:.1}H{right}\"/>");
            svg += &format!(
                "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>\n",
                left - 8.0,
                y + 4.0
            );
        }
        for epoch in self.epochs() {
            let x = self.x(epoch);
            svg += &format!("<path class=\"grid\" d=\"M{x:.1} {top}V{bottom}\"/>");
            svg += &format!(
                "<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{epoch}</text>\n",
                bottom + 18.0
            );
        }
        let middle = f64::midpoint(left, right);
        svg + &format!("<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">epoch</text>\n", bottom + 38.0)
    }
}

/// Returns whether a logarithmic axis has a place for the value.
fn is_drawn(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

impl Chart {
    pub fn html(&self) -> String {
        let (title, axes) = (escape(self.title), Axes::new(&self.lines));
        let curves: String = self.lines.iter().map(|line| line.html(&axes)).collect();
        let legend: String = self.lines.iter().enumerate().map(|(i, line)| line.legend(i)).collect();
        format!(
            "<figure>\n<svg id=\"{}\" role=\"img\" aria-label=\"{title} over the epochs\" viewBox=\"0 0 {} {}\">\n\
             {}{curves}{legend}</svg>\n<figcaption>{title}</figcaption>\n</figure>\n",
            self.id,
            SIZE[0],
            SIZE[1],
            axes.html(),
        )
    }
}

impl Line {
    fn html(&self, axes: &Axes) -> String {
        let drawn = self.values.iter().enumerate().filter(|&(_, &value)| is_drawn(value));
        let points: Vec<[f64; 2]> = drawn.map(|(epoch, &value)| [axes.x(epoch), axes.y(value)]).collect();
        let line: Vec<String> = points.iter().map(|[x, y]| format!("{x:.1},{y:.1}")).collect();
        let dots: String =
            points.iter().map(|[x, y]| format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>")).collect();
        format!("<g class=\"{}\"><polyline points=\"{}\"/>{dots}</g>\n", self.class, line.join(" "))
    }

    /// Returns a row of the legend, at the top right, which curves that fall leave free.
    fn legend(&self, row: usize) -> String {
        let (x, y) = (BOX[2] - 96.0, BOX[1] + 16.0 + 20.0 * row as f64);
        let (class, name) = (self.class, self.name);
        format!(
            "<g class=\"{class}\"><polyline points=\"{x},{y} {},{y}\"/></g><text x=\"{}\" y=\"{}\">{name}</text>\n",
            x + 28.0,
            x + 36.0,
            y + 4.0
        )
    }
}
