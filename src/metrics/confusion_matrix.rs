use std::fmt::{self, Display};

use ndarray::{Array2, ArrayView2};

use super::weight_each;
use crate::buffer::zero_matrix;
use crate::data::check_labels;
use crate::error::{Error, Result};

/// A confusion matrix: the number of samples for each pair of a true and a predicted class, and the metrics computed from it.
///
/// Formula: for class i, let TP be the number of its samples that were predicted as i, FP the number of samples of other classes
/// that were predicted as i, and FN the number of its samples that were predicted as another class. With weights, these numbers,
/// and the number n of all samples, are sums of weights.
///
/// | metric | of a class | over all classes |
/// |---|---|---|
/// | precision | TP/(TP + FP) | [`Average`] |
/// | recall | TP/(TP + FN) | [`Average`] |
/// | F1 | 2·TP/(2·TP + FP + FN) | [`Average`] |
/// | accuracy | | (sum of TP)/n |
///
/// A quotient 0/0 is 0, such as the precision of a class that was never predicted or the recall of a class that does not occur.
/// Such classes count in a macro average, as in scikit-learn with `zero_division=0` and all classes as `labels`.
///
/// Shapes: counts (classes, classes), with a row for each true class and a column for each predicted class; labels, predicted
/// classes and weights (samples).
///
/// Numerics: computed in `f64`. Without weights, all counts are exact.
///
/// Format: `{}` prints whole counts without decimals, and others with 4; `{:.2}` prints all counts with 2 decimals.
///
/// # Source
///
/// Van Rijsbergen, *Information retrieval*, 1979, for F1.
///
/// # Examples
///
/// ```
/// use manabi::metrics::{Average, ConfusionMatrix};
///
/// let matrix = ConfusionMatrix::new(&[0, 0, 0, 1], &[0, 0, 1, 1], 2, None)?;
/// assert_eq!(matrix.accuracy(), 0.75);
/// assert_eq!(matrix.recall(), [2.0 / 3.0, 1.0]);
/// assert_eq!(matrix.average_precision(Average::Weighted), 0.75 * 1.0 + 0.25 * 0.5);
/// assert_eq!(matrix.to_string(), "true \\ predicted 0 1\n               0 2 1\n               1 0 1");
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[doc(alias("precision", "recall", "F1"))]
pub struct ConfusionMatrix {
    counts: Array2<f64>,
}

/// The ways to average a metric over all classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Average {
    /// The mean over the classes. Every class has the same weight.
    Macro,
    /// The metric of the total TP, FP and FN of all classes. Every sample has the same weight. Because each sample has exactly
    /// one class, the precision, recall and F1 all equal the accuracy.
    Micro,
    /// The mean over the classes, weighted by the number of samples of each class, or by their total weight.
    Weighted,
}

/// The TP of a class, the number of samples predicted as it (TP + FP), and the number of its samples (TP + FN).
type Class = (f64, f64, f64);

impl ConfusionMatrix {
    /// Counts samples by their true and their predicted class.
    ///
    /// # Errors
    ///
    /// Returns:
    ///
    /// - [`Error::Shape`] if there are no labels or the number of predicted classes or weights is not the number of labels,
    /// - [`Error::Label`] if a label is not below `classes`,
    /// - [`Error::Setting`] if a predicted class is not below `classes`, if all weights are 0, or if their sum is not finite,
    /// - [`Error::Row`] if a weight is negative or not finite,
    /// - [`Error::OutOfMemory`] if the matrix does not fit in memory.
    pub fn new<T, P>(labels: &[T], predicted: &[P], classes: usize, weights: Option<&[f64]>) -> Result<Self>
    where
        T: Copy + Display + TryInto<usize>,
        P: Copy + Display + TryInto<usize>,
    {
        if labels.is_empty() {
            return Err(Error::shape("labels", "[1 or more]", &[0]));
        }
        if predicted.len() != labels.len() {
            return Err(Error::shape("predicted", format!("[{}]", labels.len()), &[predicted.len()]));
        }
        let labels = check_labels(labels, classes)?;
        let predicted = check_labels(predicted, classes).map_err(|error| match error {
            Error::Label { row, label, classes } => {
                Error::setting(format!("predicted class in row {row}"), format!("below {classes}"), label)
            }
            other => other,
        })?;
        let mut counts = zero_matrix("the confusion matrix", (classes, classes))?;
        let weights = weight_each(weights, labels.len())?;
        labels.into_iter().zip(predicted).zip(&*weights).for_each(|(place, weight)| counts[place] += weight);
        Ok(Self { counts })
    }

    /// Returns the counts, which are sums of weights, with a row for each true class and a column for each predicted class.
    pub fn counts(&self) -> ArrayView2<'_, f64> {
        self.counts.view()
    }

    /// Returns the number of classes.
    pub fn classes(&self) -> usize {
        self.counts.nrows()
    }

    /// Returns the number of samples, or their total weight.
    pub fn samples(&self) -> f64 {
        self.counts.sum()
    }

    /// Returns the number of samples of each class, or their total weight.
    pub fn support(&self) -> Vec<f64> {
        self.each().map(|(_, _, of_it)| of_it).collect()
    }

    /// Returns the share of samples whose predicted class is their true class.
    pub fn accuracy(&self) -> f64 {
        self.counts.diag().sum() / self.samples()
    }

    /// Returns the precision of each class: the share of the samples predicted as the class that belong to it.
    pub fn precision(&self) -> Vec<f64> {
        self.each().map(precision).collect()
    }

    /// Returns the recall of each class: the share of the samples of the class that were predicted as it.
    pub fn recall(&self) -> Vec<f64> {
        self.each().map(recall).collect()
    }

    /// Returns the F1 of each class: the harmonic mean of its precision and recall.
    pub fn f1(&self) -> Vec<f64> {
        self.each().map(f1).collect()
    }

    /// Returns the precision over all classes.
    pub fn average_precision(&self, average: Average) -> f64 {
        self.average(average, precision)
    }

    /// Returns the recall over all classes.
    pub fn average_recall(&self, average: Average) -> f64 {
        self.average(average, recall)
    }

    /// Returns the F1 over all classes.
    pub fn average_f1(&self, average: Average) -> f64 {
        self.average(average, f1)
    }

    fn each(&self) -> impl Iterator<Item = Class> {
        let class = |i| (self.counts[[i, i]], self.counts.column(i).sum(), self.counts.row(i).sum());
        (0..self.classes()).map(class)
    }

    fn average(&self, average: Average, figure: fn(Class) -> f64) -> f64 {
        let weigh = |class: Class| class.2 * figure(class);
        match average {
            Average::Macro => self.each().map(figure).sum::<f64>() / self.classes() as f64,
            Average::Micro => self.accuracy(),
            Average::Weighted => self.each().map(weigh).sum::<f64>() / self.samples(),
        }
    }
}

fn precision((tp, taken, _): Class) -> f64 {
    quotient(tp, taken)
}

fn recall((tp, _, of_it): Class) -> f64 {
    quotient(tp, of_it)
}

fn f1((tp, taken, of_it): Class) -> f64 {
    quotient(2.0 * tp, taken + of_it)
}

/// Returns a/b, or 0 for 0/0.
fn quotient(a: f64, b: f64) -> f64 {
    if b == 0.0 { 0.0 } else { a / b }
}

impl Display for ConfusionMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let corner = "true \\ predicted";
        let margin = corner.len();
        let default = |count: f64| if count.fract() == 0.0 { 0 } else { 4 };
        let counts = self.counts.map(|&count| format!("{count:.*}", f.precision().unwrap_or(default(count))));
        let widths = counts.iter().map(String::len);
        let width = widths.chain([(self.classes() - 1).to_string().len()]).max().unwrap_or(0);
        write!(f, "{corner}")?;
        (0..self.classes()).try_for_each(|class| write!(f, " {class:width$}"))?;
        for (class, row) in counts.rows().into_iter().enumerate() {
            write!(f, "\n{class:margin$}")?;
            row.iter().try_for_each(|count| write!(f, " {count:>width$}"))?;
        }
        Ok(())
    }
}
