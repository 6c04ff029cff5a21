use std::fmt;
use std::ops::ControlFlow;

use indicatif::{ProgressDrawTarget, ProgressStyle};

use super::observer::{BatchProgress, Observer};
use crate::scalar::Scalar;

/// An observer that draws a progress bar on stderr (feature `progress`): the epoch, the loss of the epoch so far, and the time
/// that the rest of the epoch takes.
///
/// If stderr is not a terminal, nothing is drawn. The bar disappears when the run ends.
///
/// # Examples
///
/// ```
/// use manabi::Trainer;
/// use manabi::train::ProgressBar;
///
/// let trainer = Trainer::<f32>::new().observe(ProgressBar::new());
/// ```
#[doc(alias("tqdm", "indicatif", "verbose"))]
pub struct ProgressBar(indicatif::ProgressBar);

impl ProgressBar {
    /// Creates a bar. It appears with the first batch.
    pub fn new() -> Self {
        let bar = indicatif::ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        // The template is valid. If it were not, the bar would have the style of the library.
        match ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} batches, {eta} left") {
            Ok(style) => Self(bar.with_style(style)),
            Err(_) => Self(bar),
        }
    }

    /// Prints a line on stderr above the bar. Without a terminal, the line is not printed.
    pub fn println(&self, line: impl AsRef<str>) {
        self.0.println(line);
    }
}

impl Default for ProgressBar {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ProgressBar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProgressBar").finish_non_exhaustive()
    }
}

impl Drop for ProgressBar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

impl<A: Scalar> Observer<A> for ProgressBar {
    fn on_batch(&mut self, progress: BatchProgress) -> ControlFlow<()> {
        let BatchProgress { epoch, epochs, batch, batches, train, .. } = progress;
        if batch == 1 {
            self.0.reset();
            self.0.set_length(batches as u64);
        }
        self.0.set_position(batch as u64);
        self.0.set_message(format!("epoch {epoch} of {epochs}, loss {:.4}", train.loss));
        if (epoch, batch) == (epochs, batches) {
            self.0.finish_and_clear();
        }
        ControlFlow::Continue(())
    }
}
