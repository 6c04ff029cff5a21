//! SVG pictures.

use std::ops::Range;

use manabi::activation::Softplus;
use manabi::{ActFn, Mish, Relu, Swish};
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;

use crate::Result;
use crate::run::Row;

pub struct Picture {
    pub name: String,
    pub title: String,
    pub svg: String,
}

/// A curve and its name.
pub struct Curve {
    pub label: String,
    pub points: Vec<(f64, f64)>,
}

/// The position of the legend.
#[derive(Clone, Copy)]
pub enum Legend {
    UpperLeft,
    UpperRight,
    LowerRight,
}

/// A picture's width and height in points of the page.
const SIZE: (u32, u32) = (460, 345);
/// The number of drawing units per point, because plotters rounds coordinates to integers.
const FINE: u32 = 8;

/// Okabe and Ito's colours without the yellow, which is too pale for lines, and their dashes in points. The dashes distinguish
/// lines that overlap or are printed without colour.
const LOOKS: [(RGBColor, &[u32]); 7] = [
    (RGBColor(0, 114, 178), &[]),
    (RGBColor(213, 94, 0), &[9, 4]),
    (RGBColor(0, 158, 115), &[9, 3, 2, 3]),
    (RGBColor(204, 121, 167), &[2, 2]),
    (RGBColor(0, 0, 0), &[5, 3]),
    (RGBColor(230, 159, 0), &[14, 4]),
    (RGBColor(86, 180, 233), &[4, 2]),
];

fn scaled(points: u32) -> u32 {
    points * FINE
}

fn font(points: u32) -> (&'static str, u32) {
    ("sans-serif", scaled(points))
}

fn line(i: usize) -> ShapeStyle {
    LOOKS[i % LOOKS.len()].0.stroke_width(scaled(2))
}

/// Converts an error of plotters, whose type borrows from the drawing.
fn message(error: impl std::fmt::Display) -> String {
    format!("cannot draw a picture: {error}")
}

/// Sets the page's size and adds each colour's dashes, which plotters does not support.
fn finish(svg: String, height: u32) -> String {
    let size = |width, height| format!("width=\"{width}\" height=\"{height}\" ");
    let svg = svg.replacen(&size(scaled(SIZE.0), scaled(height)), &size(SIZE.0, height), 1);
    LOOKS.iter().filter(|(_, dashes)| !dashes.is_empty()).fold(svg, |svg, (RGBColor(r, g, b), dashes)| {
        let dashes: Vec<String> = dashes.iter().map(|&dash| scaled(dash).to_string()).collect();
        let stroke = format!("stroke=\"#{r:02X}{g:02X}{b:02X}\" stroke-width=\"{}\"", scaled(2));
        svg.replace(&stroke, &format!("{stroke} stroke-dasharray=\"{}\"", dashes.join(" ")))
    })
}

/// Curves over two axes.
pub struct Plot<'a, X, Y> {
    pub name: &'a str,
    pub title: &'a str,
    pub axes: [&'a str; 2],
    pub x: X,
    pub y: Y,
    pub legend: Legend,
    /// Whether the axes through 0 are drawn.
    pub origin: bool,
}

impl<X, Y> Plot<'_, X, Y>
where
    X: AsRangedCoord<Value = f64>,
    Y: AsRangedCoord<Value = f64>,
    X::CoordDescType: ValueFormatter<f64>,
    Y::CoordDescType: ValueFormatter<f64>,
{
    pub fn draw(self, curves: &[Curve], print: [&dyn Fn(&f64) -> String; 2]) -> Result<Picture> {
        let mut svg = String::new();
        {
            let root =
                SVGBackend::with_string(&mut svg, (scaled(SIZE.0), scaled(SIZE.1))).into_drawing_area();
            root.fill(&WHITE).map_err(message)?;
            let mut chart = ChartBuilder::on(&root)
                .margin(scaled(12))
                .x_label_area_size(scaled(48))
                .y_label_area_size(scaled(64))
                .build_cartesian_2d(self.x, self.y)
                .map_err(message)?;
            chart
                .configure_mesh()
                .light_line_style(TRANSPARENT)
                .bold_line_style(BLACK.mix(0.12).stroke_width(scaled(1)))
                .axis_style(BLACK.mix(0.6).stroke_width(scaled(1)))
                .set_all_tick_mark_size(scaled(4))
                .label_style(font(18))
                .axis_desc_style(font(18))
                .x_desc(self.axes[0])
                .y_desc(self.axes[1])
                .x_labels(7)
                .y_labels(7)
                .x_label_formatter(print[0])
                .y_label_formatter(print[1])
                .draw()
                .map_err(message)?;
            if self.origin {
                let axis = BLACK.mix(0.4).stroke_width(scaled(1));
                let (x, y) = (chart.x_range(), chart.y_range());
                let axes = [vec![(x.start, 0.0), (x.end, 0.0)], vec![(0.0, y.start), (0.0, y.end)]];
                chart.draw_series(axes.map(|ends| PathElement::new(ends, axis))).map_err(message)?;
            }
            for (i, curve) in curves.iter().enumerate() {
                let style = line(i);
                chart
                    .draw_series(LineSeries::new(curve.points.iter().copied(), style))
                    .map_err(message)?
                    .label(&curve.label)
                    .legend(move |(x, y)| PathElement::new([(x, y), (x + scaled(34) as i32, y)], style));
            }
            chart
                .configure_series_labels()
                .position(match self.legend {
                    Legend::UpperLeft => SeriesLabelPosition::UpperLeft,
                    Legend::UpperRight => SeriesLabelPosition::UpperRight,
                    Legend::LowerRight => SeriesLabelPosition::LowerRight,
                })
                .legend_area_size(scaled(38))
                .margin(scaled(8))
                .label_font(font(18))
                .background_style(WHITE.mix(0.85))
                .border_style(BLACK.mix(0.2).stroke_width(scaled(1)))
                .draw()
                .map_err(message)?;
            root.present().map_err(message)?;
        }
        Ok(Picture { name: self.name.into(), title: self.title.into(), svg: finish(svg, SIZE.1) })
    }
}

/// Formats an epoch: only integers have a label.
fn whole(value: &f64) -> String {
    if value.fract() == 0.0 { value.to_string() } else { String::new() }
}

/// Formats a value with as few digits as possible.
fn plain(value: &f64) -> String {
    // The ticks of an axis are sums, such as 0.30000000000000004 or −1e-17, which must not become −0.
    ((value * 1e6).round() / 1e6 + 0.0).to_string()
}

/// Draws curves over u from −5 to 5.
fn over_u(
    name: &str,
    title: &str,
    y: (&str, Range<f64>),
    curves: &[(&str, &dyn Fn(f64) -> f64)],
) -> Result<Picture> {
    let points =
        |f: &dyn Fn(f64) -> f64| (-125..=125).map(|i| f64::from(i) / 25.0).map(|u| (u, f(u))).collect();
    let curves: Vec<Curve> =
        curves.iter().map(|&(label, f)| Curve { label: label.into(), points: points(f) }).collect();
    let axes = ["u", y.0];
    Plot { name, title, axes, x: -5.0..5.0, y: y.1, legend: Legend::UpperLeft, origin: true }
        .draw(&curves, [&plain, &plain])
}

fn f<F: ActFn>(function: F) -> impl Fn(f64) -> f64 {
    move |u| function.f(u)
}

fn df<F: ActFn>(function: F) -> impl Fn(f64) -> f64 {
    move |u| function.df(u, function.f(u))
}

/// Draws the article's graphs of the functions and their derivatives.
pub fn functions() -> Result<Vec<Picture>> {
    let y = ("f(u)", -1.0..5.0);
    let swish = |beta| f(Swish::new(beta));
    let d_swish = |beta| df(Swish::new(beta));
    Ok(vec![
        over_u("swish_relu", "Swish beside ReLU", y.clone(), &[("swish", &swish(1.0)), ("relu", &f(Relu))])?,
        over_u(
            "swish_beta",
            "Swish for several β",
            y.clone(),
            &[
                ("β = 1", &swish(1.0)),
                ("β = 0.5", &swish(0.5)),
                ("β = 2", &swish(2.0)),
                ("β = 10", &swish(10.0)),
            ],
        )?,
        over_u(
            "mish_relu_softplus",
            "Mish beside ReLU and softplus",
            y,
            &[("mish", &f(Mish)), ("relu", &f(Relu)), ("softplus", &f(Softplus::default()))],
        )?,
        over_u(
            "derivatives",
            "All derivatives",
            ("f′(u)", -0.2..1.4),
            &[
                ("swish, β = 1", &d_swish(1.0)),
                ("relu", &df(Relu)),
                ("mish", &df(Mish)),
                ("softplus", &df(Softplus::default())),
                ("swish, β = 0.5", &d_swish(0.5)),
                ("swish, β = 2", &d_swish(2.0)),
            ],
        )?,
    ])
}

/// Returns the position of an item in a slice, if present.
type Column<'a> = &'a dyn Fn(&Row) -> Option<f64>;

fn over_epochs(curves: &[(String, &[Row])], column: Column<'_>) -> Vec<Curve> {
    let points =
        |rows: &[Row]| rows.iter().filter_map(|row| Some((row.epoch as f64, column(row)?))).collect();
    curves.iter().map(|(label, rows)| Curve { label: label.clone(), points: points(rows) }).collect()
}

fn epochs(curves: &[Curve]) -> Range<f64> {
    let last = curves.iter().flat_map(|curve| curve.points.last()).map(|point| point.0).fold(1.0, f64::max);
    0.0..last
}

/// Returns the minimum and maximum of all curves; 0 and 1 if there are no values.
fn bounds(curves: &[Curve]) -> (f64, f64) {
    let values = || curves.iter().flat_map(|curve| &curve.points).map(|point| point.1);
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    if low <= high { (low, high) } else { (0.0, 1.0) }
}

/// Draws the test accuracy after every epoch, in percent.
pub fn accuracy(name: &str, title: &str, curves: &[(String, &[Row])]) -> Result<Picture> {
    // Omit the row before training: an accuracy of 10 % would compress the axis.
    let curves = over_epochs(curves, &|row| row.test.filter(|_| row.epoch > 0).map(|test| 100.0 * test[0]));
    let (low, high) = bounds(&curves);
    let y = (2.0 * low - 0.1).floor() / 2.0..(2.0 * high + 0.1).ceil() / 2.0;
    let axes = ["epoch", "test accuracy (%)"];
    Plot { name, title, axes, x: epochs(&curves), y, legend: Legend::LowerRight, origin: false }
        .draw(&curves, [&whole, &plain])
}

/// Draws the training and test losses after every epoch, one picture each.
pub fn losses(title: &str, curves: &[(String, &[Row])]) -> Result<[Picture; 2]> {
    let train: Column<'_> = &|row| Some(row.train[1]);
    let test: Column<'_> = &|row| row.test.map(|test| test[1]);
    let draw = |name, set: &str, column: Column<'_>| {
        let curves = over_epochs(curves, column);
        let (low, high) = bounds(&curves);
        // A loss of 0 cannot be drawn on a logarithmic axis.
        let y = (low.max(1e-9) / 1.2..high.max(1e-8) * 1.2).log_scale();
        let title = format!("Loss on the {set} set, {title}");
        let axes = ["epoch", "cross entropy (nats, log scale)"];
        Plot { name, title: &title, axes, x: epochs(&curves), y, legend: Legend::UpperRight, origin: false }
            .draw(&curves, [&whole, &plain])
    };
    Ok([draw("train_loss", "training", train)?, draw("test_loss", "test", test)?])
}

/// A mean with its interval and the averaged values.
pub struct Interval {
    pub label: String,
    pub mean: f64,
    pub half: f64,
    pub values: Vec<f64>,
}

/// Draws means with their intervals, one below the other. `zero` adds a line at 0.
pub fn intervals(name: &str, title: &str, axis: &str, intervals: &[Interval], zero: bool) -> Result<Picture> {
    let count = intervals.len().max(1);
    let height = 80 + 24 * count as u32;
    let ends =
        || intervals.iter().flat_map(|i| i.values.iter().copied().chain([i.mean - i.half, i.mean + i.half]));
    let zeros = if zero { vec![0.0] } else { Vec::new() };
    let low = ends().chain(zeros.iter().copied()).fold(f64::INFINITY, f64::min);
    let high = ends().chain(zeros.iter().copied()).fold(f64::NEG_INFINITY, f64::max);
    let (low, high) = if low < high { (low, high) } else { (0.0, 1.0) };
    let space = 0.03 * (high - low);
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (scaled(SIZE.0), scaled(height))).into_drawing_area();
        root.fill(&WHITE).map_err(message)?;
        let mut chart = ChartBuilder::on(&root)
            .margin(scaled(12))
            .x_label_area_size(scaled(48))
            .y_label_area_size(scaled(138))
            .build_cartesian_2d(low - space..high + space, (0..count as i32 - 1).into_segmented())
            .map_err(message)?;
        let label = |place: &SegmentValue<i32>| match place {
            // The first is at the top.
            SegmentValue::CenterOf(i) => {
                let from_top = intervals.len().checked_sub(1 + *i as usize);
                from_top.map_or(String::new(), |i| intervals[i].label.clone())
            }
            _ => String::new(),
        };
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.12).stroke_width(scaled(1)))
            .axis_style(BLACK.mix(0.6).stroke_width(scaled(1)))
            .set_all_tick_mark_size(scaled(4))
            .label_style(font(18))
            .axis_desc_style(font(18))
            .x_desc(axis)
            .x_labels(7)
            .y_labels(count)
            .x_label_formatter(&plain)
            .y_label_formatter(&label)
            .draw()
            .map_err(message)?;
        if zero {
            let bottom_and_top = [SegmentValue::Exact(0), SegmentValue::Last];
            let ends: Vec<_> = bottom_and_top.into_iter().map(|y| (0.0, y)).collect();
            let style = BLACK.mix(0.5).stroke_width(scaled(1));
            chart.draw_series([PathElement::new(ends, style)]).map_err(message)?;
        }
        for (i, interval) in intervals.iter().rev().enumerate() {
            let y = SegmentValue::CenterOf(i as i32);
            let ends = [interval.mean - interval.half, interval.mean + interval.half].map(|x| (x, y.clone()));
            chart
                .draw_series([PathElement::new(ends, LOOKS[0].0.stroke_width(scaled(2)))])
                .map_err(message)?;
            let dots = interval
                .values
                .iter()
                .map(|&value| Circle::new((value, y.clone()), scaled(3), LOOKS[1].0.mix(0.7).filled()));
            chart.draw_series(dots).map_err(message)?;
            let mean = Circle::new((interval.mean, y), scaled(5), LOOKS[0].0.filled());
            chart.draw_series([mean]).map_err(message)?;
        }
        root.present().map_err(message)?;
    }
    Ok(Picture { name: name.into(), title: title.into(), svg: finish(svg, height) })
}

/// Draws the validation accuracy over learning rates. Omits values far below the best.
pub fn rates(name: &str, title: &str, mut curves: Vec<Curve>) -> Result<Picture> {
    let (_, best) = bounds(&curves);
    curves.iter_mut().for_each(|curve| curve.points.retain(|point| point.1 > best - 10.0));
    let rates = || curves.iter().flat_map(|curve| &curve.points).map(|point| point.0);
    let (low, high) = (rates().fold(f64::INFINITY, f64::min), rates().fold(f64::NEG_INFINITY, f64::max));
    let x = if low <= high { low / 1.2..high * 1.2 } else { 0.1..1.0 };
    let (low, high) = bounds(&curves);
    let y = (2.0 * low - 0.1).floor() / 2.0..(2.0 * high + 0.1).ceil() / 2.0;
    let axes = ["learning rate (log scale)", "validation accuracy (%)"];
    Plot { name, title, axes, x: x.log_scale(), y, legend: Legend::LowerRight, origin: false }
        .draw(&curves, [&plain, &plain])
}
