//! SVG pictures of curves (feature `plot`).

use std::ops::Range;

use plotters::prelude::*;

use crate::error::{Error, Result};
use crate::metrics::{ReliabilityBin, ThresholdCurve};
use crate::train::{Epoch, History, RateSearch};

/// A curve with its name.
type Curve = (&'static str, Vec<(f64, f64)>);

/// The width and height of a picture in units of the drawing. Plotters rounds to whole units, so that they are smaller than pixels.
const SIZE: (u32, u32) = (FINE * 480, FINE * 320);
const FINE: u32 = 8;

/// Okabe and Ito's colours, which people with any colour vision can tell apart.
const COLOURS: [RGBColor; 4] =
    [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115), RGBColor(204, 121, 167)];

/// What a picture shows besides its curves.
struct Axes {
    x: &'static str,
    y: &'static str,
    x_range: Range<f64>,
    y_range: Range<f64>,
    /// Whether x is an exponent of ten.
    is_log: bool,
}

impl Axes {
    /// Returns axes for probabilities.
    fn unit(x: &'static str, y: &'static str) -> Self {
        Self { x, y, x_range: 0.0..1.0, y_range: 0.0..1.0, is_log: false }
    }

    /// Draws the curves.
    fn draw(self, curves: &[Curve]) -> Result<String> {
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
fn range_of(values: impl Iterator<Item = f64>) -> Range<f64> {
    let finite = values.filter(|value| value.is_finite());
    let (low, high) = finite.fold((f64::INFINITY, 0.0_f64), |(low, high), y| (low.min(y), high.max(y)));
    let low = low.min(0.0);
    let margin = if high > low { 0.04 * (high - low) } else { 1.0 };
    (if low < 0.0 { low - margin } else { 0.0 })..high + margin
}

impl History {
    /// Returns an SVG picture of the losses on the training, validation and test sets over the epochs (feature `plot`).
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`] if the history is empty.
    ///
    /// # Examples
    ///
    /// ```
    /// use manabi::prelude::*;
    /// use ndarray::array;
    ///
    /// let data = Samples::new(array![[0.0], [1.0]], array![[1.0], [3.0]])?;
    /// let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(1));
    /// let mut model = builder.set_output(Identity).set_error(MeanSquaredError).build()?;
    /// let history = Trainer::new().batch_size(2).epochs(20).fit(&mut model, &data)?;
    /// assert!(history.to_svg()?.starts_with("<svg"));
    /// # Ok::<(), manabi::Error>(())
    /// ```
    pub fn to_svg(&self) -> Result<String> {
        let (Some(first), Some(last)) = (self.epochs.first(), self.epochs.last()) else {
            return Err(Error::setting("history", "at least 1 epoch", 0));
        };
        let curve = |loss: fn(&Epoch) -> Option<f64>| -> Vec<(f64, f64)> {
            let point = |epoch: &Epoch| Some((epoch.number as f64, loss(epoch)?));
            self.epochs.iter().filter_map(point).filter(|point| point.1.is_finite()).collect()
        };
        let mut curves: Vec<Curve> = vec![("training", curve(|epoch| Some(epoch.train.loss)))];
        for (name, loss) in [
            ("validation", (|epoch| epoch.validation.map(|set| set.loss)) as fn(&Epoch) -> Option<f64>),
            ("test", |epoch| epoch.test.map(|set| set.loss)),
        ] {
            let points = curve(loss);
            if !points.is_empty() {
                curves.push((name, points));
            }
        }
        let y_range = range_of(curves.iter().flat_map(|curve| curve.1.iter().map(|point| point.1)));
        let end = (last.number as f64).max(first.number as f64 + 1.0);
        let x_range = first.number as f64..end;
        Axes { x: "epoch", y: "loss", x_range, y_range, is_log: false }.draw(&curves)
    }
}

impl RateSearch {
    /// Returns an SVG picture of the smoothed loss over the learning rates, which have a logarithmic axis (feature `plot`).
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`] if the search has no steps.
    pub fn to_svg(&self) -> Result<String> {
        let (Some(first), Some(last)) = (self.rates.first(), self.rates.last()) else {
            return Err(Error::setting("search of a rate", "at least 1 step", 0));
        };
        let points = self.rates.iter().map(|rate| rate.log10()).zip(self.smoothed()).collect::<Vec<_>>();
        let y_range = range_of(points.iter().map(|point| point.1));
        let x_range = first.log10()..last.log10().max(first.log10() + 1.0);
        Axes { x: "learning rate", y: "loss", x_range, y_range, is_log: true }.draw(&[("loss", points)])
    }
}

impl ThresholdCurve {
    /// Returns an SVG picture of the ROC curve (feature `plot`).
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`] if the curve cannot be drawn.
    ///
    /// # Examples
    ///
    /// ```
    /// use manabi::metrics::ThresholdCurve;
    /// use ndarray::array;
    ///
    /// let curve = ThresholdCurve::new(array![0.1, 0.4, 0.35, 0.8].view(), &[0, 0, 1, 1])?;
    /// assert!(curve.roc_svg()?.contains("false positive rate"));
    /// # Ok::<(), manabi::Error>(())
    /// ```
    pub fn roc_svg(&self) -> Result<String> {
        let points =
            self.points().iter().map(|point| (point.false_positive_rate(), point.recall())).collect();
        let chance = ("chance", vec![(0.0, 0.0), (1.0, 1.0)]);
        Axes::unit("false positive rate", "true positive rate").draw(&[("model", points), chance])
    }

    /// Returns an SVG picture of the precision-recall curve (feature `plot`).
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`] if the curve cannot be drawn.
    pub fn precision_recall_svg(&self) -> Result<String> {
        let points = self.points().iter().map(|point| (point.recall(), point.precision())).collect();
        Axes::unit("recall", "precision").draw(&[("model", points)])
    }
}

/// Returns an SVG picture of a reliability diagram: the share of positive samples over the mean predicted probability (feature
/// `plot`).
///
/// # Errors
///
/// Returns [`Error::Setting`] if the diagram cannot be drawn.
pub fn reliability_svg(bins: &[ReliabilityBin]) -> Result<String> {
    let points = bins.iter().map(|bin| (bin.mean_predicted, bin.fraction_positive)).collect();
    let calibrated = ("calibrated", vec![(0.0, 0.0), (1.0, 1.0)]);
    Axes::unit("predicted probability", "share of positive samples").draw(&[("model", points), calibrated])
}
