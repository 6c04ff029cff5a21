use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ndarray::{Array2, ArrayView2, Axis, Slice};

use crate::layer::{Backward, Forward, Layer, Training};
use crate::linalg::Engine;
use crate::random::Noise;
use crate::scalar::Scalar;

/// What is wrong, if anything.
pub(super) type Verdict<T = ()> = Result<T, String>;

/// A layer with all that its passes read, in one precision.
#[derive(Clone)]
pub(super) struct Case<'a, A: Scalar> {
    pub layer: &'a dyn Layer<A>,
    pub params: Vec<A>,
    pub buffers: Vec<A>,
    pub x: Array2<A>,
    pub dy: Array2<A>,
    pub noise: Noise,
}

/// How passes are made.
#[derive(Clone, Copy)]
pub(super) struct Way {
    pub threads: usize,
    /// What stands in the places to write.
    pub poison: f64,
    /// Whether other samples pass forward before the gradients pass backward.
    pub interrupted: bool,
    pub with_grad: bool,
    pub with_dx: bool,
}

pub(super) const PLAIN: Way =
    Way { threads: 1, poison: f64::NAN, interrupted: false, with_grad: true, with_dx: true };

/// What passes write.
pub(super) struct Written<A> {
    /// The output in prediction.
    pub prediction: Array2<A>,
    pub trained: Trained<A>,
}

/// What passes in training write.
pub(super) struct Trained<A> {
    pub y: Array2<A>,
    /// What the buffers become.
    pub buffers: Array2<A>,
    pub dx: Array2<A>,
    pub grad: Array2<A>,
}

impl<A: Scalar> Case<'_, A> {
    /// The same with these rows of the samples, one after another.
    pub fn with_rows(&self, rows: &[usize]) -> Self {
        let select = |array: &Array2<A>| array.select(Axis(0), rows).as_standard_layout().into_owned();
        Self { x: select(&self.x), dy: select(&self.dy), ..self.clone() }
    }

    /// All passes for all rows.
    pub fn run(&self, way: Way) -> Verdict<Written<A>> {
        let rows = 0..self.x.nrows();
        Ok(Written { prediction: self.predict(rows.clone(), way)?, trained: self.train(rows, way)? })
    }

    /// The output for some rows in prediction.
    pub fn predict(&self, rows: Range<usize>, way: Way) -> Verdict<Array2<A>> {
        let mut y = Array2::from_elem((rows.len(), self.dy.ncols()), A::of(way.poison));
        let engine = &mut Engine::new(way.threads);
        caught(|| self.forward(rows, &mut y, None, engine))?;
        Ok(y)
    }

    /// The passes of training for some rows as a part of the batch.
    pub fn train(&self, rows: Range<usize>, way: Way) -> Verdict<Trained<A>> {
        let noise = self.noise.rows_from(rows.start);
        let mut engine = Engine::new(way.threads);
        let poisoned = |rows, columns| Array2::from_elem((rows, columns), A::of(way.poison));
        let mut y = poisoned(rows.len(), self.dy.ncols());
        let mut buffers = self.buffers.clone();
        let training = Training::new(noise, &mut buffers);
        caught(|| self.forward(rows.clone(), &mut y, Some(training), &mut engine))?;
        if way.interrupted {
            let others: Vec<usize> = rows.clone().rev().collect();
            self.with_rows(&others).train(0..others.len(), PLAIN)?;
        }
        let (mut dx, mut grad) = (poisoned(rows.len(), self.x.ncols()), poisoned(1, self.params.len()));
        let pass = Backward {
            params: &self.params,
            x: part(&self.x, &rows),
            y: y.view(),
            dy: part(&self.dy, &rows),
            dx: way.with_dx.then(|| dx.view_mut()),
            grad: if way.with_grad { grad.as_slice_mut() } else { None },
            noise,
            engine: &mut engine,
        };
        caught(|| self.layer.backward(pass))?;
        let buffers = Array2::from_shape_vec((1, buffers.len()), buffers).expect("one row");
        Ok(Trained { y, buffers, dx, grad })
    }

    fn forward(
        &self,
        rows: Range<usize>,
        y: &mut Array2<A>,
        training: Option<Training<'_, A>>,
        engine: &mut Engine<A>,
    ) {
        self.layer.forward(Forward {
            params: &self.params,
            buffers: &self.buffers,
            x: part(&self.x, &rows),
            y: y.view_mut(),
            training,
            engine,
        });
    }
}

impl<A: Scalar> Written<A> {
    /// All that was written, each with its name.
    pub fn all(&self) -> [(&'static str, ArrayView2<'_, A>); 5] {
        let Trained { y, buffers, dx, grad } = &self.trained;
        let names = ["y in prediction", "y in training", "buffers", "dx", "grad"];
        let mut arrays = [&self.prediction, y, buffers, dx, grad].into_iter();
        names.map(|name| (name, arrays.next().expect("as many as names").view()))
    }

    /// Whether all of it has the same bits.
    pub fn same_bits(&self, other: &Self) -> Verdict {
        let mut pairs = self.all().into_iter().zip(other.all());
        pairs.try_for_each(|((name, ours), (_, others))| same_bits(name, ours, others))
    }
}

/// Some rows of an array.
pub(super) fn part<'a, A>(of: &'a Array2<A>, rows: &Range<usize>) -> ArrayView2<'a, A> {
    of.slice_axis(Axis(0), Slice::from(rows.clone()))
}

/// Whether two arrays have the same bits.
pub(super) fn same_bits<A: Scalar>(
    name: &str,
    ours: ArrayView2<'_, A>,
    others: ArrayView2<'_, A>,
) -> Verdict {
    compare(name, ours, others, |a, b| a.widen().to_bits() == b.widen().to_bits())
}

/// Whether the numbers of two arrays agree; if not, which are the first that do not.
pub(super) fn compare<A: Scalar, B: Scalar>(
    name: &str,
    ours: ArrayView2<'_, A>,
    others: ArrayView2<'_, B>,
    agree: impl Fn(A, B) -> bool,
) -> Verdict {
    if ours.dim() != others.dim() {
        return Err(format!("{name} has the shapes {:?} and {:?}", ours.dim(), others.dim()));
    }
    let mut pairs = ours.indexed_iter().zip(others);
    let apart = pairs.find(|((_, a), b)| !agree(**a, **b));
    apart.map_or(Ok(()), |((place, a), b)| Err(format!("{name} at {place:?} is {a:e} and {b:e}")))
}

/// Runs a layer's code; that it panicked is an error.
pub(super) fn caught<T>(run: impl FnOnce() -> T) -> Verdict<T> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| "the layer panicked".into())
}
