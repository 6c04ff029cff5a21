//! Draws curves as SVG (feature `plot`).

use std::ops::Range;

use plotters::prelude::*;

use crate::error::{Error, Result};

/// A curve with its name.
pub type Curve = (&'static str, Vec<(f64, f64)>);

/// The width and height of a picture in units of the drawing. Plotters rounds to whole units, so that they are smaller than
/// pixels.
const SIZE: (u32, u32) = (FINE * 480, FINE * 320);
const FINE: u32 = 8;

/// Okabe and Ito's colours, which people with any colour vision can tell apart.
const COLOURS: [RGBColor; 4] =
    [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115), RGBColor(204, 121, 167)];

/// What a picture shows besides its curves.
pub struct Axes<'a> {
    pub x: &'a str,
    pub y: &'a str,
    pub x_range: Range<f64>,
    pub y_range: Range<f64>,
    /// Whether x is an exponent of ten.
    pub is_log: bool,
}

impl<'a> Axes<'a> {
    /// Returns axes for probabilities.
    pub fn unit(x: &'a str, y: &'a str) -> Self {
        Self { x, y, x_range: 0.0..1.0, y_range: 0.0..1.0, is_log: false }
    }

    /// Draws the curves.
    pub fn draw(self, curves: &[Curve]) -> Result<String> {
        let mut svg = String::new();
        self.draw_on(curves, &mut svg)
            .map_err(|error| Error::setting("picture", "curves that can be drawn", error))?;
        let size = format!("width=\"{}\" height=\"{}\" ", SIZE.0, SIZE.1);
        let page = format!("width=\"{}\" height=\"{}\" ", SIZE.0 / FINE, SIZE.1 / FINE);
        Ok(svg.replacen(&size, &page, 1))
    }

    fn draw_on(self, curves: &[Curve], svg: &mut String) -> Result<(), String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let font = ("sans-serif", 13 * FINE);
        let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        root.fill(&WHITE).map_err(|error| text(&error))?;
        let mut chart = ChartBuilder::on(&root)
            .margin(12 * FINE)
            .x_label_area_size(40 * FINE)
            .y_label_area_size(56 * FINE)
            .build_cartesian_2d(self.x_range, self.y_range)
            .map_err(|error| text(&error))?;
        let is_log = self.is_log;
        // Ticks are sums of rounded steps, such as 0.6000000000000001.
        let label = move |x: &f64| {
            let tick = (x * 1e9).round() / 1e9;
            if is_log { format!("1e{tick}") } else { format!("{tick}") }
        };
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.12).stroke_width(FINE))
            .axis_style(BLACK.mix(0.6).stroke_width(FINE))
            .set_all_tick_mark_size(4 * FINE)
            .label_style(font)
            .axis_desc_style(font)
            .x_desc(self.x)
            .y_desc(self.y)
            .x_labels(7)
            .y_labels(7)
            .x_label_formatter(&label)
            .draw()
            .map_err(|error| text(&error))?;
        for ((name, points), colour) in curves.iter().zip(COLOURS) {
            let style = colour.stroke_width(2 * FINE);
            let series = LineSeries::new(points.iter().copied(), style);
            let drawn = chart.draw_series(series).map_err(|error| text(&error))?;
            let legend = move |(x, y)| PathElement::new([(x, y), (x + 24 * FINE as i32, y)], style);
            drawn.label(*name).legend(legend);
        }
        if curves.len() > 1 {
            chart
                .configure_series_labels()
                .label_font(font)
                .legend_area_size(30 * FINE)
                .margin(6 * FINE)
                .background_style(WHITE.mix(0.8))
                .border_style(BLACK.mix(0.3))
                .draw()
                .map_err(|error| text(&error))?;
        }
        root.present().map_err(|error| text(&error))
    }
}

/// Returns the range of finite values with a margin, and with 0 if all values are positive.
pub fn range_of(values: impl Iterator<Item = f64>) -> Range<f64> {
    let finite = values.filter(|value| value.is_finite());
    let (low, high) = finite.fold((f64::INFINITY, 0.0_f64), |(low, high), y| (low.min(y), high.max(y)));
    let low = low.min(0.0);
    let margin = if high > low { 0.04 * (high - low) } else { 1.0 };
    (if low < 0.0 { low - margin } else { 0.0 })..high + margin
}
