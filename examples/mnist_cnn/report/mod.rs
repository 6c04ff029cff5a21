//! A page that shows what a network has learned.

mod chart;
mod filters;
mod mistakes;

use chart::{Chart, Line};
use manabi::data::Images;
use manabi::metrics::Metrics;
use manabi::train::{Epoch, History};
use manabi::{Scalar, Sequential};

use crate::mnist::Result;
use crate::page::{escape, page};
use crate::{Args, Flags};

/// The contents of the page.
pub struct Report<'a, A> {
    pub args: &'a Args,
    pub history: &'a History,
    pub model: &'a Sequential<A>,
    pub test: &'a Images,
}

impl<A: Scalar> Report<'_, A> {
    pub fn html(&self) -> Result<String> {
        let contents = [self.training(), self.filters()?, self.mistakes()?].concat();
        let title = format!("{} on digits", self.args.network.name());
        Ok(page(&title, &self.settings(), include_str!("report.css"), &contents))
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        let Args { flags, augment, .. } = self.args;
        let Flags { activation, learning_rate, batch, seed, single, .. } = flags;
        let last = self.history.epochs.last().and_then(|epoch| epoch.test);
        vec![
            ("test accuracy", last.map_or("–".into(), |last| percent(1.0 - error(last)))),
            ("parameters", self.model.parameter_count().to_string()),
            ("time of the training", format!("{:.1} s", self.history.elapsed.as_secs_f64())),
            ("activation", activation.clone()),
            ("optimizer", format!("Adam, learning rate {learning_rate}")),
            ("batch size", batch.map_or("–".into(), |batch| batch.to_string())),
            ("augmentation", (if *augment { "shifts, rotation and scaling" } else { "none" }).into()),
            ("number type", (if *single { "f32" } else { "f64" }).into()),
            ("seed", seed.to_string()),
        ]
    }

    fn training(&self) -> String {
        let charts = [
            Chart { id: "error", title: "wrong answers (%)", lines: self.lines(|m| 100.0 * error(m)) },
            Chart { id: "loss", title: "loss", lines: self.lines(|m| m.loss) },
        ];
        let charts: String = charts.iter().map(Chart::html).collect();
        let note = "Epoch 0 is the network before the training. The figures of the training set are means over an epoch, \
                    during which the network changes. The vertical axes are logarithmic.";
        section("Training", note, &format!("<div class=\"pictures\">\n{charts}</div>\n{}", self.table()))
    }

    /// Returns a figure of all epochs, for the training and the test set.
    fn lines(&self, figure: impl Fn(Metrics) -> f64) -> [Line; 2] {
        let epochs = &self.history.epochs;
        let train = epochs.iter().map(|epoch| figure(epoch.train)).collect();
        let test = epochs.iter().map(|epoch| epoch.test.map_or(f64::NAN, &figure)).collect();
        [
            Line { name: "training", class: "train", values: train },
            Line { name: "test", class: "test", values: test },
        ]
    }

    fn table(&self) -> String {
        let head: String = ["epoch", "training accuracy", "training loss", "test accuracy", "test loss"]
            .map(|name| format!("<th scope=\"col\">{name}</th>"))
            .concat();
        let rows: String = self.history.epochs.iter().map(row).collect();
        format!(
            "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"epochs\">\n<table>\n\
             <thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n</div>\n"
        )
    }

    fn filters(&self) -> Result<String> {
        let weights = self.model.parameter("conv1.weight")?;
        let note = "The weights of the first convolution. A filter answers strongly where the image has ink under the blue weights \
                    and none under the red ones. The number is the largest absolute weight, which has the full colour.";
        Ok(section("What the first convolution looks for", note, &filters::html(&weights)))
    }

    fn mistakes(&self) -> Result<String> {
        let mistakes = mistakes::find(self.model, self.test)?;
        let shown = mistakes.len().min(mistakes::SHOWN);
        let note = match mistakes.len() {
            0 => format!("There are none among {} test images.", self.test.len()),
            all => format!(
                "{shown} of {all} wrong answers for {} test images: those of which the network is most certain, with the \
                 probability that it gives to its answer.",
                self.test.len()
            ),
        };
        let tiles: String = mistakes[..shown].iter().map(|mistake| mistake.html(self.test)).collect();
        Ok(section("Wrong answers", &note, &format!("<ul class=\"tiles\">\n{tiles}</ul>\n")))
    }
}

fn section(title: &str, note: &str, contents: &str) -> String {
    format!("<section>\n<h2>{}</h2>\n<p>{}</p>\n{contents}</section>\n", escape(title), escape(note))
}

fn row(epoch: &Epoch) -> String {
    let metrics = [Some(epoch.train), epoch.test].into_iter().flatten();
    let cells = metrics.flat_map(|m| [percent(1.0 - error(m)), format!("{:.4}", m.loss)]);
    let cells: String = cells.map(|cell| format!("<td>{cell}</td>")).collect();
    format!("<tr><th scope=\"row\">{}</th>{cells}</tr>\n", epoch.number)
}

/// Returns the share of wrong answers.
fn error(metrics: Metrics) -> f64 {
    1.0 - metrics.accuracy.unwrap_or(f64::NAN)
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}
