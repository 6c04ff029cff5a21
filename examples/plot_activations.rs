//! Plots every activation function and its derivative for the documentation.
//!
//! `cargo run --release --example plot_activations [folder]`. The default folder is `src/activation/plot`.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io, mem};

use manabi::ActFn;
use manabi::activation::{ActivationVisitor, TrainableActFn, built_in_activations};
use manabi::settings::Settings;

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 220.0;
const STEPS: i32 = 160;

/// Blue and vermilion, which colour-blind readers can distinguish on light and dark pages.
const COLORS: [&str; 2] = ["#3390d6", "#d55e00"];

/// The plotted range.
struct Plot {
    u: (f64, f64),
    y: (f64, f64),
}

impl Plot {
    /// Returns the page coordinates of a point.
    fn place(&self, u: f64, y: f64) -> (f64, f64) {
        let along = |value, (low, high): (f64, f64)| (value - low) / (high - low);
        (along(u, self.u) * WIDTH, (1.0 - along(y, self.y)) * HEIGHT)
    }

    /// Returns the part of the curve of `f` that is inside the plot.
    fn curve(&self, f: impl Fn(f64) -> f64, color: &str, dashes: &str) -> String {
        let mut path = String::new();
        let mut inside = false;
        for i in 0..=STEPS {
            let u = self.u.0 + (self.u.1 - self.u.0) * f64::from(i) / f64::from(STEPS);
            let y = f(u);
            let (x, y_place) = self.place(u, y);
            let visible = (self.y.0..=self.y.1).contains(&y);
            if visible {
                let command = if inside { 'L' } else { 'M' };
                write!(path, "{command}{x:.1} {y_place:.1}").expect("writing to a string succeeds");
            }
            inside = visible;
        }
        format!("<path d=\"{path}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"{dashes}/>\n")
    }

    /// Returns the axes, with ticks at the integers.
    fn axes(&self) -> String {
        let ((left, zero), (right, _)) = (self.place(self.u.0, 0.0), self.place(self.u.1, 0.0));
        let ((center, bottom), (_, top)) = (self.place(0.0, self.y.0), self.place(0.0, self.y.1));
        let mut axes = format!(
            "<path d=\"M{left} {zero:.1}H{right}M{center:.1} {bottom}V{top}\" stroke=\"currentColor\" opacity=\"0.5\"/>\n"
        );
        for u in self.u.0.ceil() as i32 + 1..self.u.1.ceil() as i32 {
            if u % 2 == 0 && u != 0 {
                let (x, y) = self.place(u.into(), 0.0);
                axes += &label(x, y + 14.0, "middle", "currentColor", &u.to_string());
            }
        }
        for y in self.y.0.ceil() as i32..self.y.1.ceil() as i32 {
            if y != 0 {
                let (x, y_place) = self.place(0.0, y.into());
                axes += &label(x - 5.0, y_place + 4.0, "end", "currentColor", &y.to_string());
            }
        }
        axes
    }
}

fn label(x: f64, y: f64, anchor: &str, color: &str, text: &str) -> String {
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{color}\">{text}</text>\n")
}

/// Returns a plot of f and f′ for rustdoc, which requires SVG without blank lines. The axes have the page's text colour.
fn picture(name: &str, f: impl Fn(f64) -> f64, df: impl Fn(f64) -> f64) -> String {
    let plot = Plot { u: (-6.0, 6.0), y: (-2.4, 3.4) };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"11\" role=\"img\" aria-label=\"{name} and its derivative\">\n"
    );
    svg += &plot.axes();
    svg += &plot.curve(f, COLORS[0], "");
    svg += &plot.curve(df, COLORS[1], " stroke-dasharray=\"6 3\"");
    svg += &label(8.0, 16.0, "start", COLORS[0], "f(u)");
    svg += &label(8.0, 32.0, "start", COLORS[1], "f′(u), dashed");
    svg += &label(WIDTH - 6.0, plot.place(0.0, 0.0).1 - 6.0, "end", "currentColor", "u");
    svg + "</svg>\n"
}

/// Writes a plot of every function to a folder.
struct Pictures(PathBuf, io::Result<()>);

impl Pictures {
    fn write(&mut self, kind: &str, svg: String) {
        let written = fs::write(self.0.join(format!("{kind}.svg")), svg);
        self.1 = mem::replace(&mut self.1, Ok(())).and(written);
    }
}

impl ActivationVisitor for Pictures {
    fn function<F: ActFn + Default + PartialEq>(&mut self, _: fn(&Settings) -> manabi::Result<F>) {
        let function = F::default();
        self.write(F::KIND, picture(F::KIND, |u| function.f(u), |u| function.df(u, function.f(u))));
    }

    fn trainable<F: TrainableActFn + Default>(&mut self, _: fn(f64) -> F) {
        // Trainable functions share the plot of their fixed form.
        if F::KIND.starts_with("trainable_") {
            return;
        }
        let p = F::default().start();
        self.write(F::KIND, picture(F::KIND, |u| F::z(u, p), |u| F::dz_du(u, p, F::z(u, p))));
    }
}

fn main() -> io::Result<()> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/activation/plot");
    let mut pictures = Pictures(env::args_os().nth(1).map_or(default, PathBuf::from), Ok(()));
    fs::create_dir_all(&pictures.0)?;
    built_in_activations(&mut pictures);
    pictures.1
}
