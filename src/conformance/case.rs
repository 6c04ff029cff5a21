use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ndarray::{Array2, ArrayView2, Axis, Slice};

use crate::layer::{Backward, Forward, Layer, LayerWorkspace, Training};
use crate::random::Noise;
use crate::scalar::Scalar;
use crate::shape::Shape;

/// The result of a check. The error is the reason for its failure.
pub(super) type Verdict<T = ()> = Result<T, String>;

/// A layer with the operands of its passes, in one precision.
#[derive(Clone)]
pub(super) struct Case<'a, A: Scalar> {
    pub layer: &'a dyn Layer<A>,
    pub input: Shape,
    pub params: Vec<A>,
    pub buffers: Vec<A>,
    pub x: Array2<A>,
    pub dy: Array2<A>,
    pub noise: Noise,
}

/// The settings for running passes.
#[derive(Clone, Copy)]
pub(super) struct Way {
    pub threads: usize,
    /// The initial value of all memory that passes write.
    pub poison: f64,
    /// Whether other samples pass through the layer between the forward and the backward pass.
    pub interrupted: bool,
    pub with_grad: bool,
    pub with_dx: bool,
    /// Whether the gradient with respect to the parameters has its own pass, after the pass for dx.
    pub after_dx: bool,
}

pub(super) const PLAIN: Way =
    Way { threads: 1, poison: f64::NAN, interrupted: false, with_grad: true, with_dx: true, after_dx: false };

/// The results of all passes.
pub(super) struct Written<A> {
    /// The output in prediction.
    pub prediction: Array2<A>,
    pub trained: Trained<A>,
}

/// The results of the passes in training.
pub(super) struct Trained<A> {
    pub y: Array2<A>,
    /// The new values of the buffers.
    pub buffers: Array2<A>,
    pub dx: Array2<A>,
    pub grad: Array2<A>,
    /// The arrays that passes keep for later passes.
    pub kept: Vec<Array2<A>>,
}

impl<A: Scalar> Case<'_, A> {
    /// Returns the case with these rows of the samples, in this order.
    pub fn with_rows(&self, rows: &[usize]) -> Self {
        let select = |array: &Array2<A>| array.select(Axis(0), rows).as_standard_layout().into_owned();
        Self { x: select(&self.x), dy: select(&self.dy), ..self.clone() }
    }

    /// Runs all passes for all rows.
    pub fn run(&self, way: Way) -> Verdict<Written<A>> {
        let rows = 0..self.x.nrows();
        Ok(Written { prediction: self.predict(rows.clone(), way)?, trained: self.train(rows, way)? })
    }

    /// Returns the output for some rows in prediction.
    pub fn predict(&self, rows: Range<usize>, way: Way) -> Verdict<Array2<A>> {
        let mut y = Array2::from_elem((rows.len(), self.dy.ncols()), A::of(way.poison));
        self.forward(&mut self.workspace(rows.len(), way)?, rows, &mut y, None)?;
        Ok(y)
    }

    /// Runs the passes of training for some rows as a part of the batch.
    pub fn train(&self, rows: Range<usize>, way: Way) -> Verdict<Trained<A>> {
        let noise = self.noise.rows_from(rows.start);
        let mut ws = self.workspace(rows.len(), way)?;
        let poisoned = |rows, columns| Array2::from_elem((rows, columns), A::of(way.poison));
        let mut y = poisoned(rows.len(), self.dy.ncols());
        let mut buffers = self.buffers.clone();
        let training = Training::new(noise, &mut buffers);
        self.forward(&mut ws, rows.clone(), &mut y, Some(training))?;
        if way.interrupted {
            let others: Vec<usize> = rows.clone().rev().collect();
            self.with_rows(&others).train(0..others.len(), PLAIN)?;
        }
        let (mut dx, mut grad) = (poisoned(rows.len(), self.x.ncols()), poisoned(1, self.params.len()));
        let arrays = [part(&self.x, &rows), y.view(), part(&self.dy, &rows)];
        let mut backward = |with_dx: bool, with_grad: bool| {
            let mut pass = Backward::new(&mut ws, &self.params, &self.buffers, arrays);
            if with_dx {
                pass = pass.and_then(|pass| pass.dx(dx.view_mut()));
            }
            if with_grad {
                pass = pass.and_then(|pass| pass.grad(grad.as_slice_mut().expect("standard layout")));
            }
            let pass = pass.map_err(|error| error.to_string())?.noise(noise);
            let pass = pass.after_dx(!with_dx && way.after_dx);
            caught(|| self.layer.backward(pass))
        };
        match way.after_dx {
            true => {
                backward(true, false)?;
                backward(false, true)?;
            }
            false => backward(way.with_dx, way.with_grad)?,
        }
        let buffers = Array2::from_shape_vec((1, buffers.len()), buffers).expect("one row");
        let kept = ws.kept(rows.len()).map(|array| array.to_owned()).collect();
        Ok(Trained { y, buffers, dx, grad, kept })
    }

    /// Creates a workspace for this number of rows, filled with the poison value.
    fn workspace(&self, rows: usize, way: Way) -> Verdict<LayerWorkspace<A>> {
        let ws = LayerWorkspace::new(self.layer, self.input, rows).and_then(|ws| ws.threads(way.threads));
        let filled = ws.and_then(|mut ws| ws.fill(A::of(way.poison)).map(|()| ws));
        filled.map_err(|error| error.to_string())
    }

    fn forward(
        &self,
        ws: &mut LayerWorkspace<A>,
        rows: Range<usize>,
        y: &mut Array2<A>,
        training: Option<Training<'_, A>>,
    ) -> Verdict {
        let pass = Forward::new(ws, &self.params, &self.buffers, part(&self.x, &rows), y.view_mut());
        let pass = pass.and_then(|pass| match training {
            Some(training) => pass.training(training),
            None => Ok(pass),
        });
        let pass = pass.map_err(|error| error.to_string())?;
        caught(|| self.layer.forward(pass))
    }
}

impl<A: Scalar> Written<A> {
    /// Returns all results with their names.
    pub fn all(&self) -> [(&'static str, ArrayView2<'_, A>); 5] {
        let Trained { y, buffers, dx, grad, .. } = &self.trained;
        let names = ["y in prediction", "y in training", "buffers", "dx", "grad"];
        let mut arrays = [&self.prediction, y, buffers, dx, grad].into_iter();
        names.map(|name| (name, arrays.next().expect("one array per name").view()))
    }

    /// Checks that all results have the same bits.
    pub fn same_bits(&self, other: &Self) -> Verdict {
        let mut pairs = self.all().into_iter().zip(other.all());
        pairs.try_for_each(|((name, ours), (_, others))| same_bits(name, ours, others))
    }
}

/// Returns a view of some rows of an array.
pub(super) fn part<'a, A>(of: &'a Array2<A>, rows: &Range<usize>) -> ArrayView2<'a, A> {
    of.slice_axis(Axis(0), Slice::from(rows.clone()))
}

/// Checks that two arrays have the same bits.
pub(super) fn same_bits<A: Scalar>(
    name: &str,
    ours: ArrayView2<'_, A>,
    others: ArrayView2<'_, A>,
) -> Verdict {
    compare(name, ours, others, |a, b| a.widen().to_bits() == b.widen().to_bits())
}

/// Checks that the values of two arrays agree. The error contains the first pair that does not.
pub(super) fn compare<A: Scalar, B: Scalar>(
    name: &str,
    ours: ArrayView2<'_, A>,
    others: ArrayView2<'_, B>,
    agree: impl Fn(A, B) -> bool,
) -> Verdict {
    if ours.dim() != others.dim() {
        return Err(format!("{name}: shape {:?} differs from {:?}", ours.dim(), others.dim()));
    }
    let mut pairs = ours.indexed_iter().zip(others);
    let apart = pairs.find(|((_, a), b)| !agree(**a, **b));
    apart.map_or(Ok(()), |((place, a), b)| Err(format!("{name} at {place:?}: {a:e} differs from {b:e}")))
}

/// Runs the code of a layer and turns a panic into an error.
pub(super) fn caught<T>(run: impl FnOnce() -> T) -> Verdict<T> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| "the layer panicked".into())
}
