use std::fmt::{self, Display};

use ndarray::{Array2, ArrayView2};

use crate::buffer::zero_matrix;
use crate::data::check_labels;
use crate::error::{Error, Result};

/// How often samples of each class were taken for each class, and the figures that follow from it.
///
/// Formula: with TP the samples of class i that were taken for it, FP those of other classes that were, FN those of class i
/// that were not:
///
/// | figure | of a class | over all classes |
/// |---|---|---|
/// | precision | TP/(TP + FP) | [`Average`] |
/// | recall | TP/(TP + FN) | [`Average`] |
/// | F1 | 2·TP/(2·TP + FP + FN) | [`Average`] |
/// | accuracy | | (sum of TP)/n |
///
/// A quotient 0/0 is 0: the precision of a class that nothing was taken for, the recall of one that does not occur. Such
/// classes count in a macro average. So it is in scikit-learn with `zero_division=0` and all classes as `labels`.
///
/// Shapes: counts (classes, classes), a row for each true class, a column for each predicted one.
///
/// Errors: no sample, unequal numbers of labels, a label that is no class.
///
/// Source: van Rijsbergen, *Information retrieval*, 1979, for F1.
///
/// ```
/// use manabi::metrics::{Average, ConfusionMatrix};
///
/// let matrix = ConfusionMatrix::new(&[0, 0, 0, 1], &[0, 0, 1, 1], 2)?;
/// assert_eq!(matrix.accuracy(), 0.75);
/// assert_eq!(matrix.recall(), [2.0 / 3.0, 1.0]);
/// assert_eq!(matrix.average_precision(Average::Weighted), 0.75 * 1.0 + 0.25 * 0.5);
/// assert_eq!(matrix.to_string(), "true \\ predicted 0 1\n               0 2 1\n               1 0 1");
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias("precision", "recall", "F1"))]
pub struct ConfusionMatrix {
    counts: Array2<usize>,
}

/// How the figures of the classes make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Average {
    /// Their mean: every class counts alike.
    Macro,
    /// The figure of all classes' TP, FP and FN together: every sample counts alike. Where a sample has one class, as here,
    /// precision, recall and F1 are then all the accuracy.
    Micro,
    /// Their mean, each weighted with the number of samples of the class.
    Weighted,
}

/// A class's TP, the samples that were taken for it (TP + FP), and the samples of it (TP + FN).
type Class = (usize, usize, usize);

impl ConfusionMatrix {
    /// Counts samples by their true and their predicted class.
    pub fn new<T, P>(labels: &[T], predicted: &[P], classes: usize) -> Result<Self>
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
        labels.into_iter().zip(predicted).for_each(|place| counts[place] += 1);
        Ok(Self { counts })
    }

    /// The counts: a row for each true class, a column for each predicted one.
    pub fn counts(&self) -> ArrayView2<'_, usize> {
        self.counts.view()
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.counts.nrows()
    }

    /// The number of samples.
    pub fn samples(&self) -> usize {
        self.counts.sum()
    }

    /// The number of samples of each class.
    pub fn support(&self) -> Vec<usize> {
        self.each().map(|(_, _, of_it)| of_it).collect()
    }

    /// The share of samples that were taken for what they are.
    pub fn accuracy(&self) -> f64 {
        self.counts.diag().sum() as f64 / self.samples() as f64
    }

    /// For each class, the share of what was taken for it that is of it.
    pub fn precision(&self) -> Vec<f64> {
        self.each().map(precision).collect()
    }

    /// For each class, the share of what is of it that was taken for it.
    pub fn recall(&self) -> Vec<f64> {
        self.each().map(recall).collect()
    }

    /// For each class, the harmonic mean of precision and recall.
    pub fn f1(&self) -> Vec<f64> {
        self.each().map(f1).collect()
    }

    /// The precision over all classes.
    pub fn average_precision(&self, average: Average) -> f64 {
        self.average(average, precision)
    }

    /// The recall over all classes.
    pub fn average_recall(&self, average: Average) -> f64 {
        self.average(average, recall)
    }

    /// The F1 over all classes.
    pub fn average_f1(&self, average: Average) -> f64 {
        self.average(average, f1)
    }

    fn each(&self) -> impl Iterator<Item = Class> {
        let class = |i| (self.counts[[i, i]], self.counts.column(i).sum(), self.counts.row(i).sum());
        (0..self.classes()).map(class)
    }

    fn average(&self, average: Average, figure: fn(Class) -> f64) -> f64 {
        let weigh = |class: Class| class.2 as f64 * figure(class);
        match average {
            Average::Macro => self.each().map(figure).sum::<f64>() / self.classes() as f64,
            Average::Micro => self.accuracy(),
            Average::Weighted => self.each().map(weigh).sum::<f64>() / self.samples() as f64,
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
    quotient(2 * tp, taken + of_it)
}

/// a/b, of which 0/0 is 0.
fn quotient(a: usize, b: usize) -> f64 {
    if b == 0 { 0.0 } else { a as f64 / b as f64 }
}

impl Display for ConfusionMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let corner = "true \\ predicted";
        let margin = corner.len();
        let greatest = self.counts.iter().copied().max().unwrap_or(0).max(self.classes() - 1);
        let width = greatest.to_string().len();
        write!(f, "{corner}")?;
        (0..self.classes()).try_for_each(|class| write!(f, " {class:width$}"))?;
        for (class, row) in self.counts.rows().into_iter().enumerate() {
            write!(f, "\n{class:margin$}")?;
            row.iter().try_for_each(|count| write!(f, " {count:width$}"))?;
        }
        Ok(())
    }
}
