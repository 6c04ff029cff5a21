//! Every layer of the crate passes every conformance check, and each check detects a faulty layer.

use std::ops::Range;
use std::sync::Mutex;

use manabi::init::Initializer;
use manabi::layer::{Backward, BatchNorm, Forward, TensorSpec, built_in_layers};
use manabi::random::{Random, RandomState};
use manabi::{Affine, Layer, Scalar, Shape, conformance};
use ndarray::{Array2, ArrayView2};

fn samples(rows: usize, width: usize) -> Array2<f64> {
    RandomState::new(1).normal((rows, width), 0.2, 1.5)
}

/// Asserts that a layer passes every check for samples of this shape.
#[track_caller]
fn passes(single: &dyn Layer<f32>, double: &dyn Layer<f64>, input: Shape, rows: usize) {
    let x = samples(rows, input.size());
    let report = conformance::both(single, double, input, x.view(), 3).unwrap();
    let row_wise = [false, true].map(|training| usize::from(double.row_wise(training)));
    let checks = 14 + 2 * (row_wise[0] + row_wise[1]);
    assert!(report.passed() && report.checks == checks, "{double:?} for {input}: {report}");
}

#[test]
fn every_layer() {
    // Odd sizes, whole lanes and blocks, and sizes of more than one block.
    for (rows, width) in [(5, 3), (4, 16), (3, 67)] {
        let layers = built_in_layers::<f32>(width).into_iter().zip(built_in_layers::<f64>(width));
        for (singles, doubles) in layers {
            for (single, double) in singles.examples.iter().zip(&doubles.examples) {
                passes(&**single, &**double, doubles.input, rows);
            }
        }
    }
}

/// y = s·x, with one s per unit and an optional mistake.
#[derive(Debug)]
struct Scale {
    mistake: Mistake,
    calls: Mutex<Vec<f64>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mistake {
    None,
    LeavesOutputUnwritten,
    AddsToGradient,
    WrongGradient,
    RemembersInput,
    Counts,
    LearnsOnlyBehindOthers,
    SaysByRowButIsNot,
    SaysByRowInPredictionButIsNot,
    DependsOnThreads,
    CoarseInSingle,
    ReachesBeyondParameters,
    NewNamesEachTime,
    CannotBeAsked,
    ClaimsColumns,
    ClaimsMissingColumns,
}
use Mistake::*;

impl Scale {
    /// The number of previous calls.
    fn count(&self) -> usize {
        let mut calls = self.calls.lock().unwrap();
        calls.push(0.0);
        calls.len()
    }
}

impl<A: Scalar> Layer<A> for Scale {
    fn kind(&self) -> &str {
        "scale"
    }
    fn output_shape(&self, input: manabi::Shape) -> manabi::Result<manabi::Shape> {
        Ok(input)
    }
    fn parameters(&self, input: Shape) -> Vec<TensorSpec> {
        let name = match self.mistake {
            NewNamesEachTime => format!("scale{}", self.count()),
            CannotBeAsked => panic!("asked"),
            _ => "scale".into(),
        };
        vec![TensorSpec::new(&name, &[input.size()], Initializer::Constant(1.0))]
    }
    fn check_input(
        &self,
        _input: Shape,
        _x: ArrayView2<'_, A>,
        columns: Range<usize>,
    ) -> manabi::Result<Option<Range<usize>>> {
        Ok(match self.mistake {
            ClaimsColumns => Some(columns),
            ClaimsMissingColumns => Some(columns.start + 1..columns.end + 1),
            _ => Option::None,
        })
    }
    fn row_wise(&self, training: bool) -> bool {
        match self.mistake {
            SaysByRowInPredictionButIsNot => !training,
            _ => true,
        }
    }
    fn forward(&self, mut pass: Forward<'_, A>) {
        let is_training = pass.training.is_some();
        let mean = pass.x.sum() / A::of(pass.x.len() as f64);
        let shift = match self.mistake {
            SaysByRowButIsNot => mean,
            SaysByRowInPredictionButIsNot if !is_training => mean,
            DependsOnThreads => A::of(pass.engine.thread_count() as f64),
            Counts => A::of(self.count() as f64),
            CoarseInSingle if size_of::<A>() == 4 => A::of(0.01),
            _ => A::zero(),
        };
        if self.mistake == RemembersInput {
            *self.calls.lock().unwrap() = pass.x.iter().map(|x| x.widen()).collect();
        }
        let beyond = usize::from(self.mistake == ReachesBeyondParameters);
        for ((row, column), y) in pass.y.indexed_iter_mut() {
            if self.mistake != LeavesOutputUnwritten || row > 0 {
                *y = pass.params[column + beyond] * pass.x[[row, column]] + shift;
            }
        }
    }
    fn backward(&self, pass: Backward<'_, A>) {
        if pass.dx.is_none() && self.mistake == LearnsOnlyBehindOthers {
            return;
        }
        let mut x = pass.x.to_owned();
        if self.mistake == RemembersInput {
            let seen = self.calls.lock().unwrap();
            x.iter_mut().zip(seen.iter()).for_each(|(x, &seen)| *x = A::of(seen));
        }
        if let Some(grad) = pass.grad {
            if self.mistake != AddsToGradient {
                grad.fill(A::zero());
            }
            for ((row, column), &dy) in pass.dy.indexed_iter() {
                grad[column] += dy * x[[row, column]];
            }
        }
        if let Some(mut dx) = pass.dx {
            for ((row, column), dx) in dx.indexed_iter_mut() {
                let scale = if self.mistake == WrongGradient { A::one() } else { pass.params[column] };
                *dx = scale * pass.dy[[row, column]];
            }
        }
    }
}

#[test]
fn every_broken_promise_is_named() {
    let report = |mistake| {
        let layer = Scale { mistake, calls: Mutex::default() };
        conformance::layer(&layer, samples(5, 3).view(), 3).unwrap()
    };
    report(None).assert();
    assert_eq!(report(None).to_string(), "scale passed: 0 of 18 checks failed");
    for (mistake, promise) in [
        (
            LeavesOutputUnwritten,
            "every value is overwritten, and no scratch is read before it is written, f64: y in prediction at (0, 0): NaN differs from 5e-1",
        ),
        (
            AddsToGradient,
            "every value is overwritten, and no scratch is read before it is written, f32: grad at (0, 0)",
        ),
        (WrongGradient, "the gradients are correct: failed"),
        (RemembersInput, "the layer keeps no state between passes, f64: grad at (0, 0)"),
        (Counts, "every value is overwritten, and no scratch is read before it is written, f32"),
        (LearnsOnlyBehindOthers, "dx and the gradient can be computed separately, f32: grad at (0, 0)"),
        (SaysByRowButIsNot, "row_wise is correct in training, f32: y of rows 0..1 at (0, 0)"),
        (SaysByRowInPredictionButIsNot, "row_wise is correct in prediction, f64: y of rows 0..1 at (0, 0)"),
        (
            DependsOnThreads,
            "the number of threads does not change the results, f32: 2 threads: y in prediction at (0, 0)",
        ),
        (CoarseInSingle, "f32 and f64 agree: y in prediction at (0, 0)"),
        (ReachesBeyondParameters, "the passes run, f64: the layer panicked"),
        (NewNamesEachTime, "the declarations do not change, f32"),
        (CannotBeAsked, "the declarations can be read: the layer panicked"),
        (ClaimsColumns, "the columns of check_input are the output, f64: y in prediction at (0, 0)"),
        (ClaimsMissingColumns, "the columns of check_input are the output, f32: 1..4 of 3 columns"),
    ] {
        let report = report(mistake);
        assert!(!report.passed(), "{mistake:?}");
        let found = report.failures.iter().any(|failure| failure.starts_with(promise));
        assert!(found, "{mistake:?}: {report}");
    }
}

#[test]
fn what_cannot_be_examined_is_an_error() {
    let nan = ndarray::array![[1.0], [f64::NAN]];
    assert!(conformance::layer(&Affine::new(1), nan.view(), 0).is_err());
    assert!(conformance::layer(&Affine::new(0), samples(2, 3).view(), 0).is_err());
    assert!(conformance::layer(&Affine::new(1), samples(0, 3).view(), 0).is_err());
    assert!(conformance::layer(&BatchNorm::new(), samples(1, 3).view(), 0).is_err());
}

/// y = x², with the input kept in scratch and an optional mistake.
#[derive(Debug)]
struct Square(ScratchMistake);

#[derive(Clone, Copy, Debug, PartialEq)]
enum ScratchMistake {
    None,
    ReadsUnwritten,
    KeepsOtherRows,
    ForgetsGradients,
    AsksForOthers,
}

impl<A: Scalar> Layer<A> for Square {
    fn kind(&self) -> &str {
        "square"
    }
    fn output_shape(&self, input: Shape) -> manabi::Result<Shape> {
        Ok(input)
    }
    fn scratch(&self, input: Shape) -> manabi::layer::Scratch {
        let n = input.size();
        manabi::layer::Scratch::NONE.kept([n]).gradients([n]).temporary(n)
    }
    fn row_wise(&self, _training: bool) -> bool {
        true
    }
    fn forward(&self, pass: Forward<'_, A>) {
        let Forward { x, mut y, kept, temporary, .. } = pass;
        if self.0 == ScratchMistake::AsksForOthers {
            let [_, _] = kept.arrays();
            return;
        }
        let [mut own] = kept.arrays();
        let rows = x.nrows();
        for row in 0..rows {
            let from = if self.0 == ScratchMistake::KeepsOtherRows { rows - 1 - row } else { row };
            if self.0 != ScratchMistake::ReadsUnwritten || row > 0 {
                own.row_mut(row).assign(&x.row(from));
            }
        }
        if let Some(first) = temporary.first_mut() {
            *first = A::one();
        }
        y.assign(&x.mapv(|x| x * x));
    }
    fn backward(&self, pass: Backward<'_, A>) {
        let Backward { dy, dx, kept, gradients, after_dx, .. } = pass;
        let ([x], [mut own]) = (kept.arrays(), gradients.arrays());
        if self.0 != ScratchMistake::ForgetsGradients && !after_dx {
            own.assign(&dy);
        }
        let from = if self.0 == ScratchMistake::ForgetsGradients { own.view() } else { dy };
        if let Some(mut dx) = dx {
            ndarray::Zip::from(&mut dx).and(from).and(x).for_each(|dx, &dy, &x| *dx = A::of(2.0) * x * dy);
        }
    }
}

#[test]
fn careless_users_of_scratch_are_named() {
    let report = |mistake| conformance::layer(&Square(mistake), samples(5, 3).view(), 3).unwrap();
    report(ScratchMistake::None).assert();
    for (mistake, promise) in [
        (ScratchMistake::ReadsUnwritten, "every value is overwritten, and no scratch is read before"),
        (ScratchMistake::KeepsOtherRows, "row_wise is correct in training, f64"),
        (ScratchMistake::ForgetsGradients, "every value is overwritten, and no scratch is read before"),
        (ScratchMistake::AsksForOthers, "the passes run, f64: the layer panicked"),
    ] {
        let report = report(mistake);
        let found = report.failures.iter().any(|failure| failure.starts_with(promise));
        assert!(found, "{mistake:?}: {report}");
    }
}
