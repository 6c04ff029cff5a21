//! Several outputs with their own output functions and losses.

use std::ops::Range;
use std::sync::Arc;

use ndarray::{ArrayView2, ArrayViewMut2, Axis};

use crate::error::{Error, Result};
use crate::loss::Loss;
use crate::metrics::Tally;
use crate::output::{Output, OutputFunction};
use crate::scalar::Scalar;
use crate::settings::{LayerSettings, Settings};

/// The kind of heads in files.
pub(crate) const HEADS: &str = "heads";

/// Several heads: groups of neighbouring outputs, each with its own output function, loss and weight. It is both the output and
/// the loss of a model.
///
/// Each head takes the next `width` columns of the logits, of the predictions and of the targets.
///
/// Formula: L = Σₕ λₕ · Σᵢ lₕ(yᵢ, tᵢ) / n, where lₕ(yᵢ, tᵢ) is the loss of head h for sample i, and λₕ is its weight. All heads
/// divide by the number of samples n, also a cross entropy with class weights, as with
/// [`mean_over_samples`](crate::loss::WeightedCrossEntropy::mean_over_samples).
///
/// Derivative: λₕ times the gradient of each head's loss, fused with its output function if the loss has such a formula.
///
/// Shapes: u, y and t (batch, sum of the widths).
///
/// Numerics: the same as for the outputs and losses of the heads.
///
/// A model with heads has no accuracy of its own. [`Sequential::evaluate_heads`](crate::Sequential::evaluate_heads) returns the
/// loss and the accuracy of each head.
///
/// | parameter of [`add_head`](Heads::add_head) | purpose | default | range |
/// |---|---|---|---|
/// | `name` | the name of the head | none | unique, not empty |
/// | `width` | the number of columns | none | at least 1 |
/// | `output` | the output function | none | any [`Output`] |
/// | `loss` | the loss | none | any [`Loss`] that accepts the output |
/// | `weight` λ | the weight of the loss | none | at least 0, finite |
///
/// # Errors
///
/// Building a model returns [`Error::Setting`] if there is no head, if a parameter is out of range, or if the widths do not add
/// up to the number of outputs; for errors of the output, inside [`Error::Layer`]. It also returns [`Error::Setting`] if the
/// output and the loss are not the same heads. Using a batch returns the error of the head's loss, which names the head and the
/// row.
///
/// # Examples
///
/// A class (three columns) and a number (one column):
///
/// ```
/// use manabi::loss::Heads;
/// use manabi::prelude::*;
/// use ndarray::array;
///
/// let t = array![[1.0, 0.0, 0.0, -2.0], [0.0, 0.0, 1.0, 3.0]]; // one-hot class, number
/// let data = Samples::new(array![[-1.0], [1.0]], t)?;
/// let heads = Heads::new()
///     .add_head("class", 3, Softmax, CrossEntropy, 1.0)
///     .add_head("number", 1, Identity, MeanSquaredError, 0.1);
/// let builder = Sequential::<f64>::builder(1).add_layer("affine1", Affine::new(4));
/// let mut model = builder.set_output(heads.clone()).set_error(heads).build()?;
/// Trainer::new().epochs(200).optimizer(Adam::new(0.1)).fit(&mut model, &data)?;
/// let heads = model.evaluate_heads(&data)?;
/// assert_eq!((heads[0].0.as_str(), heads[0].1.accuracy), ("class", Some(1.0)));
/// assert!(heads[1].0 == "number" && heads[1].1.loss < 0.1);
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "the setters return the changed value instead of changing it in place"]
#[doc(alias("multi-task", "multi-output", "loss_weights"))]
pub struct Heads<A> {
    heads: Vec<Head<A>>,
}

#[derive(Clone, Debug)]
struct Head<A> {
    name: String,
    columns: Range<usize>,
    output: Arc<dyn Output<A>>,
    loss: Arc<dyn Loss<A>>,
    weight: f64,
}

impl<A: Scalar> Heads<A> {
    /// Creates an empty list of heads.
    pub fn new() -> Self {
        Self { heads: Vec::new() }
    }

    /// Adds a head on the next `width` columns.
    pub fn add_head(
        self,
        name: impl Into<String>,
        width: usize,
        output: impl Output<A>,
        loss: impl Loss<A>,
        weight: f64,
    ) -> Self {
        self.and(name.into(), width, Arc::new(output), Arc::new(loss), weight)
    }

    fn and(
        mut self,
        name: String,
        width: usize,
        output: Arc<dyn Output<A>>,
        loss: Arc<dyn Loss<A>>,
        weight: f64,
    ) -> Self {
        let start = self.width();
        self.heads.push(Head { name, columns: start..start.saturating_add(width), output, loss, weight });
        self
    }

    /// Returns the names of the heads with their columns, in order.
    pub fn columns(&self) -> impl Iterator<Item = (&str, Range<usize>)> {
        self.heads.iter().map(|head| (head.name.as_str(), head.columns.clone()))
    }

    fn width(&self) -> usize {
        self.heads.last().map_or(0, |head| head.columns.end)
    }

    /// Returns the outputs and losses of the heads.
    #[cfg(feature = "persistence")]
    pub(crate) fn parts(&self) -> impl Iterator<Item = (&dyn Output<A>, &dyn Loss<A>)> {
        self.heads.iter().map(|head| (head.output.as_ref(), head.loss.as_ref()))
    }

    /// Returns whether two lists have the same names, columns, kinds, settings and weights.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let parts = |heads: &Self| {
            heads.columns().map(|(name, columns)| (name.to_owned(), columns)).collect::<Vec<_>>()
        };
        parts(self) == parts(other) && self.describe() == other.describe()
    }

    /// Returns the tally of each head on a batch, given its logits, predictions, targets and the weights of its samples.
    pub(crate) fn tallies(
        &self,
        batch: [ArrayView2<'_, A>; 3],
        weights: Option<&[f64]>,
    ) -> impl Iterator<Item = Tally> {
        self.heads.iter().map(move |head| {
            let own = batch.map(|array| columns(array, &head.columns).as_standard_layout().into_owned());
            let own = own.each_ref().map(|array| array.view());
            Tally::of(head.loss.as_ref(), head.output.function(), own, weights)
        })
    }

    fn check(&self, outputs: usize) -> Result<()> {
        if self.heads.is_empty() {
            return Err(Error::setting("heads", "at least 1", 0));
        }
        for (i, head) in self.heads.iter().enumerate() {
            if head.name.is_empty() || self.heads[..i].iter().any(|other| other.name == head.name) {
                return Err(Error::setting("name of a head", "a unique name", format!("'{}'", head.name)));
            }
            head.check().map_err(|error| head.named(error))?;
        }
        match self.width() == outputs {
            true => Ok(()),
            false => {
                let expected = format!("{outputs}, the number of outputs");
                Err(Error::setting("sum of the widths of the heads", expected, self.width()))
            }
        }
    }

    /// Returns the settings from which [`from_settings`](Heads::from_settings) recreates the heads.
    fn describe(&self) -> Settings {
        let describe = |kind: fn(&Head<A>) -> (&str, Option<Settings>)| -> Vec<LayerSettings> {
            let part = |head: &Head<A>| {
                let (kind, settings) = kind(head);
                LayerSettings { name: head.name.clone(), kind: kind.into(), settings }
            };
            self.heads.iter().map(part).collect()
        };
        let numbers = |number: fn(&Head<A>) -> f64| self.heads.iter().map(number).collect::<Vec<f64>>();
        Settings::new()
            .with("widths", numbers(|head| head.columns.len() as f64))
            .with("outputs", describe(|head| (head.output.kind(), head.output.settings())))
            .with("losses", describe(|head| (head.loss.kind(), head.loss.settings())))
            .with("weights", numbers(|head| head.weight))
    }

    /// Creates heads from their settings, with functions that create outputs and losses.
    #[cfg(feature = "persistence")]
    pub(crate) fn from_settings(
        settings: &Settings,
        make_output: impl Fn(&LayerSettings) -> Result<Arc<dyn Output<A>>>,
        make_loss: impl Fn(&LayerSettings) -> Result<Arc<dyn Loss<A>>>,
    ) -> Result<Self> {
        let (outputs, losses) = (settings.layers("outputs")?, settings.layers("losses")?);
        let (widths, weights) = (settings.numbers("widths")?, settings.numbers("weights")?);
        if [losses.len(), widths.len(), weights.len()] != [outputs.len(); 3] {
            return Err(Error::setting("heads", "lists of the same length", format!("{settings:?}")));
        }
        let mut heads = Self::new();
        for (i, output) in outputs.iter().enumerate() {
            let width = Settings::new().with("width", widths[i]).count("width")?;
            heads = heads.and(
                output.name.clone(),
                width,
                make_output(output)?,
                make_loss(&losses[i])?,
                weights[i],
            );
        }
        Ok(heads)
    }
}

impl<A: Scalar> Head<A> {
    fn check(&self) -> Result<()> {
        let (width, weight) = (self.columns.len(), self.weight);
        if width == 0 {
            return Err(Error::setting("width", "at least 1", width));
        }
        if !(weight >= 0.0 && weight.is_finite()) {
            return Err(Error::setting("weight", "a finite number of at least 0", weight));
        }
        if !self.loss.accepts(self.output.function()) {
            let expected = format!("one that loss {} accepts", self.loss.kind());
            return Err(Error::setting("output", expected, self.output.kind()));
        }
        self.output.check_outputs(width)?;
        self.loss.check_outputs(width)
    }

    /// Adds the name of the head to an error.
    fn named(&self, error: Error) -> Error {
        match error {
            Error::Setting { what, expected, got } => {
                Error::Setting { what: format!("{what} of head '{}'", self.name), expected, got }
            }
            Error::Row { what, row, expected, got } => {
                Error::Row { what, row, expected: format!("{expected} for head '{}'", self.name), got }
            }
            other => other,
        }
    }

    /// Returns this head's part of one row.
    fn cell<'a>(&self, array: ArrayView2<'a, A>, row: usize) -> ArrayView2<'a, A> {
        columns(array.split_at(Axis(0), row).1.split_at(Axis(0), 1).0, &self.columns)
    }

    /// Returns this head's part of one row, for changes.
    fn cell_mut<'a>(&self, array: ArrayViewMut2<'a, A>, row: usize) -> ArrayViewMut2<'a, A> {
        let row = array.split_at(Axis(0), row).1.split_at(Axis(0), 1).0;
        row.split_at(Axis(1), self.columns.start).1.split_at(Axis(1), self.columns.len()).0
    }
}

/// Returns some columns of an array.
fn columns<'a, A>(array: ArrayView2<'a, A>, columns: &Range<usize>) -> ArrayView2<'a, A> {
    array.split_at(Axis(1), columns.start).1.split_at(Axis(1), columns.len()).0
}

impl<A: Scalar> Heads<A> {
    /// Calls `visit` with every row and head. A head's part of a single row is in standard layout, so nothing has to be copied.
    fn each(&self, rows: usize, mut visit: impl FnMut(usize, &Head<A>)) {
        for row in 0..rows {
            self.heads.iter().for_each(|head| visit(row, head));
        }
    }

    /// Returns the sum over rows and heads of λₕ·`loss`. A row to which the loss of a head gives no weight does not count.
    fn total(&self, t: ArrayView2<'_, A>, loss: impl Fn(usize, &Head<A>) -> f64) -> f64 {
        let mut sum = 0.0;
        self.each(t.nrows(), |row, head| {
            if head.loss.weight(head.cell(t, row)) != 0.0 {
                sum += head.weight * loss(row, head);
            }
        });
        sum
    }
}

impl<A: Scalar> Output<A> for Heads<A> {
    fn kind(&self) -> &str {
        HEADS
    }

    fn function(&self) -> OutputFunction {
        OutputFunction::Other
    }

    fn check_outputs(&self, outputs: usize) -> Result<()> {
        self.check(outputs)
    }

    fn settings(&self) -> Option<Settings> {
        Some(self.describe())
    }

    fn heads(&self) -> Option<&Heads<A>> {
        Some(self)
    }

    #[inline(never)]
    fn forward(&self, u: ArrayView2<'_, A>, mut y: ArrayViewMut2<'_, A>) {
        self.each(u.nrows(), |row, head| {
            head.output.forward(head.cell(u, row), head.cell_mut(y.view_mut(), row));
        });
    }

    #[inline(never)]
    fn backward(&self, u: ArrayView2<'_, A>, y: ArrayView2<'_, A>, mut d: ArrayViewMut2<'_, A>) {
        self.each(u.nrows(), |row, head| {
            head.output.backward(head.cell(u, row), head.cell(y, row), head.cell_mut(d.view_mut(), row));
        });
    }
}

impl<A: Scalar> Loss<A> for Heads<A> {
    fn kind(&self) -> &str {
        HEADS
    }

    /// The builder also checks that the output is the same heads.
    fn accepts(&self, function: OutputFunction) -> bool {
        function == OutputFunction::Other
    }

    fn check_outputs(&self, outputs: usize) -> Result<()> {
        self.check(outputs)
    }

    #[inline(never)]
    fn check_targets(&self, t: ArrayView2<'_, A>) -> Result<()> {
        for row in 0..t.nrows() {
            for head in &self.heads {
                let checked = head.loss.check_targets(head.cell(t, row));
                checked.map_err(|error| head.named(error.of_rows("targets", &[row])))?;
            }
        }
        Ok(())
    }

    fn settings(&self) -> Option<Settings> {
        Some(self.describe())
    }

    fn heads(&self) -> Option<&Heads<A>> {
        Some(self)
    }

    #[inline(never)]
    fn sum(&self, y: ArrayView2<'_, A>, t: ArrayView2<'_, A>) -> f64 {
        self.total(t, |row, head| head.loss.sum(head.cell(y, row), head.cell(t, row)))
    }

    #[inline(never)]
    fn sum_from_logits(&self, u: ArrayView2<'_, A>, y: ArrayView2<'_, A>, t: ArrayView2<'_, A>) -> f64 {
        self.total(t, |row, head| {
            head.loss.sum_from_logits(head.cell(u, row), head.cell(y, row), head.cell(t, row))
        })
    }

    #[inline(never)]
    fn gradient(
        &self,
        _: &dyn Output<A>,
        u: ArrayView2<'_, A>,
        y: ArrayView2<'_, A>,
        t: ArrayView2<'_, A>,
        mut du: ArrayViewMut2<'_, A>,
    ) {
        let rows = t.nrows();
        self.each(rows, |row, head| {
            let [u, y, t] = [u, y, t].map(|array| head.cell(array, row));
            let mut du = head.cell_mut(du.view_mut(), row);
            head.loss.gradient(head.output.as_ref(), u, y, t, du.view_mut());
            // The gradient of the row's mean becomes the row's share of the whole mean.
            let scale = A::of(head.weight * head.loss.weight(t) / rows as f64);
            du.iter_mut().for_each(|du| *du *= scale);
        });
    }
}

impl<A: Scalar> Default for Heads<A> {
    fn default() -> Self {
        Self::new()
    }
}
