use ndarray::{ArrayView2, ArrayViewMut2, Axis};

use crate::buffer::{lengthen, matrix, matrix_mut, zeros};
use crate::data::{Dataset, Place, check_weight};
use crate::error::{Error, Result, check_finite};
use crate::parallel::{Divide, divide, enter, least, shares};
use crate::scalar::Scalar;
use crate::shape::Shape;

/// Room for the samples and targets of a batch.
#[derive(Clone, Debug)]
pub(crate) struct Batch<A> {
    /// The maximum number of rows.
    pub(super) capacity: usize,
    /// The number of rows of the current batch.
    rows: usize,
    /// Whether the current batch was loaded from a data set and has targets.
    loaded: bool,
    /// The shape of a sample, and the width of a target.
    input: Shape,
    outputs: usize,
    pub(super) x: Vec<A>,
    t: Vec<A>,
    /// The weights of the samples, and whether at least one of them is not 1.
    weights: Vec<f64>,
    weighted: bool,
    /// The rows of the batch in the data set, for errors.
    origins: Vec<usize>,
}

impl<A: Scalar> Batch<A> {
    pub(super) fn new(input: Shape, outputs: usize, capacity: usize) -> Result<Self> {
        let x = zeros("the inputs of a batch", capacity.saturating_mul(input.size()))?;
        let (t, weights, origins) = (Vec::new(), Vec::new(), Vec::new());
        let (rows, loaded, weighted) = (0, false, false);
        Ok(Self { capacity, rows, loaded, input, outputs, x, t, weights, weighted, origins })
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn is_loaded(&self) -> bool {
        self.loaded
    }

    /// Returns the samples.
    pub(super) fn x(&self) -> ArrayView2<'_, A> {
        matrix(&self.x, self.rows, self.input.size())
    }

    /// Returns the targets. Without a loaded batch, the result has no rows.
    pub(super) fn t(&self) -> ArrayView2<'_, A> {
        matrix(&self.t, if self.loaded { self.rows } else { 0 }, self.outputs)
    }

    /// Returns the weights of the samples, or `None` if all of them are 1.
    pub(super) fn weights(&self) -> Option<&[f64]> {
        (self.loaded && self.weighted).then(|| &self.weights[..self.rows])
    }

    /// Returns the rows of the loaded batch in the data set.
    pub(super) fn origins(&self) -> &[usize] {
        &self.origins[..if self.loaded { self.rows } else { 0 }]
    }

    /// Forgets the batch, so that the room can serve another purpose.
    pub(super) fn clear(&mut self) {
        (self.rows, self.loaded) = (0, false);
    }

    /// Copies samples, and targets and weights if there are any, from arrays.
    pub(super) fn set(
        &mut self,
        x: ArrayView2<'_, A>,
        t: Option<ArrayView2<'_, A>>,
        weights: Option<&[f64]>,
    ) -> Result<()> {
        self.clear();
        let rows = x.nrows();
        let shape = |width: usize| format!("(1 to {}, {width})", self.capacity);
        if rows == 0 || rows > self.capacity || x.ncols() != self.input.size() {
            return Err(Error::shape("x", shape(self.input.size()), x.shape()));
        }
        check_finite("x", x)?;
        if let Some(t) = t {
            if t.dim() != (rows, self.outputs) {
                return Err(Error::shape("t", format!("({rows}, {})", self.outputs), t.shape()));
            }
            check_finite("t", t)?;
            lengthen("the targets of a batch", &mut self.t, self.capacity * self.outputs)?;
            matrix_mut(&mut self.t, rows, self.outputs).assign(&t);
        }
        if let Some(weights) = weights.filter(|weights| weights.len() != rows) {
            return Err(Error::shape("weights", format!("[{rows}]"), &[weights.len()]));
        }
        self.set_weights((0..rows).map(|row| (row, weights.map_or(1.0, |weights| weights[row]))))?;
        lengthen("the rows of a batch", &mut self.origins, self.capacity)?;
        self.origins.iter_mut().enumerate().for_each(|(row, origin)| *origin = row);
        matrix_mut(&mut self.x, rows, self.input.size()).assign(&x);
        (self.rows, self.loaded) = (rows, t.is_some());
        Ok(())
    }

    /// Loads the samples at `rows` of a data set, on up to `threads` threads.
    pub(crate) fn load(
        &mut self,
        place: Place,
        data: &dyn Dataset<A>,
        rows: &[usize],
        threads: usize,
    ) -> Result<()> {
        check_data("data set", data, self.input, self.outputs)?;
        if rows.is_empty() || rows.len() > self.capacity {
            return Err(Error::setting("number of rows", format!("1 to {}", self.capacity), rows.len()));
        }
        if let Some(row) = rows.iter().find(|&&row| row >= data.len()) {
            return Err(Error::setting("row", format!("an index below {}", data.len()), row));
        }
        lengthen("the targets of a batch", &mut self.t, self.capacity * self.outputs)?;
        lengthen("the rows of a batch", &mut self.origins, self.capacity)?;
        self.loaded = false;
        let x = matrix_mut(&mut self.x, rows.len(), self.input.size());
        let t = matrix_mut(&mut self.t, rows.len(), self.outputs);
        let threads = shares(threads, x.len(), least::GATHERED);
        let gather = |Gather { place, rows, x, t }: Gather<'_, A>| data.gather_at(place, rows, x, t);
        enter(threads, || divide(Gather { place, rows, x, t }, threads, &gather))?;
        self.origins.iter_mut().zip(rows).for_each(|(origin, &row)| *origin = data.origin(row));
        self.set_weights(rows.iter().map(|&row| (data.origin(row), data.weight(row))))?;
        (self.rows, self.loaded) = (rows.len(), true);
        Ok(())
    }

    /// Copies the weights of the samples, each with its row for errors.
    fn set_weights(&mut self, weights: impl Iterator<Item = (usize, f64)>) -> Result<()> {
        lengthen("the weights of a batch", &mut self.weights, self.capacity)?;
        self.weighted = false;
        for (to, (row, weight)) in self.weights.iter_mut().zip(weights) {
            *to = check_weight(row, weight)?;
            self.weighted |= weight != 1.0;
        }
        Ok(())
    }
}

/// Checks that the samples and targets of a data set have these shapes.
pub(super) fn check_data<A: Scalar>(
    name: &str,
    data: &dyn Dataset<A>,
    input: Shape,
    outputs: usize,
) -> Result<()> {
    let (sample, target) = (data.input_shape(), data.target_dim());
    if sample.size() != data.input_dim() {
        let expected = format!("the size of their shape {sample}");
        return Err(Error::setting(
            format!("width of the samples of the {name}"),
            expected,
            data.input_dim(),
        ));
    }
    if !input.takes(sample) {
        let cure = if input.size() == sample.size() { " (set it with Samples::with_shape)" } else { "" };
        let expected = format!("shape {input}, the input shape of the model{cure}");
        return Err(Error::setting(format!("samples of the {name}"), expected, sample));
    }
    match target == outputs {
        true => Ok(()),
        false => Err(Error::setting(format!("targets of the {name}"), format!("width {outputs}"), target)),
    }
}

/// Rows of a data set, and the arrays into which they are gathered.
struct Gather<'a, A> {
    place: Place,
    rows: &'a [usize],
    x: ArrayViewMut2<'a, A>,
    t: ArrayViewMut2<'a, A>,
}

impl<A: Scalar> Divide for Gather<'_, A> {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        let (rows, other_rows) = self.rows.split_at(at);
        let (x, other_x) = self.x.split_at(Axis(0), at);
        let (t, other_t) = self.t.split_at(Axis(0), at);
        let (place, other_place) = (self.place, self.place.rows_from(at));
        (Self { place, rows, x, t }, Self { place: other_place, rows: other_rows, x: other_x, t: other_t })
    }
}
