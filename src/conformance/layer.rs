use std::ops::Range;

use ndarray::{Array2, ArrayView2, Axis};

use super::Report;
use super::case::{Case, PLAIN, Verdict, Way, Written, caught, compare, part, same_bits};
use crate::error::{Error, Result};
use crate::gradcheck;
use crate::layer::{Declared, Layer, TensorSpec};
use crate::random::{Noise, Random, RandomState};
use crate::scalar::Scalar;
use crate::shape::Shape;

/// The minimum number of values of the batch that threads divide: enough that each thread gets a part.
const DIVIDED: usize = 40_000;
/// The maximum difference between `f32` and `f64`, relative to the largest absolute value of an array.
const SINGLE: f64 = 1e-4;

/// Tests a layer on the samples `x`.
///
/// | requirement | check |
/// |---|---|
/// | the declarations do not change | the layer returns the same shape, parameters, buffers and scratch twice |
/// | every value of y, dx and the gradient is overwritten, and no scratch is read before it is written | memory filled with another value leads to the same bits |
/// | the layer keeps no state between passes | other samples between the forward and the backward pass do not change a bit |
/// | dx and the gradient can be computed separately | each alone, and one after the other, has the same bits as both together |
/// | `row_wise` is correct | parts of a batch, with their noise, have the same bits as the whole batch, including the kept arrays |
/// | the columns of `check_input` are the output | the output in prediction has the bits of these columns |
/// | the number of threads does not change the results | engines with 1, 2, 3 and 5 threads compute the same bits for a large batch |
/// | the gradients are correct | [`gradcheck::layer`] passes, in training |
/// | `f32` and `f64` agree | the difference is at most 10⁻⁴ of the largest absolute value of an array |
///
/// If the layer panics, for example because it reads beyond its parameters, the current check fails. The parameters are the
/// layer's initial values plus small random changes, and the buffers have the values after one batch, as in training.
///
/// # Errors
/// Returns [`Error::Shape`] if `x` is empty or has fewer rows than the layer needs in training, and [`Error::NotFinite`] if a
/// value of `x` is not finite. Returns the error of the layer if it does not support inputs of this shape, if a setting is out of
/// range, or if its declarations are invalid.
///
/// # Examples
/// ```
/// use manabi::layer::BatchNorm;
/// use manabi::random::{Random, RandomState};
/// use manabi::conformance;
///
/// let x = RandomState::new(1).normal((6, 4), 0.0, 1.0);
/// let report = conformance::layer(&BatchNorm::new(), x.view(), 0)?;
/// assert!(report.passed(), "{report}");
/// # Ok::<(), manabi::Error>(())
/// ```
pub fn layer<L>(layer: &L, x: ArrayView2<'_, f64>, seed: u32) -> Result<Report>
where
    L: Layer<f32> + Layer<f64>,
{
    both(layer, layer, x.ncols().into(), x, seed)
}

/// Tests a layer, like [`layer`], on samples of the shape `input`, with one instance for each precision. Each row of `x` is a
/// sample. Use this function for images, and for blocks, whose types have one precision.
///
/// # Errors
/// Returns the errors of [`layer`], and [`Error::Shape`] if the width of `x` is not the size of `input`.
///
/// # Examples
/// ```
/// use manabi::layer::{Chain, Residual};
/// use manabi::random::{Random, RandomState};
/// use manabi::{Affine, Scalar, conformance};
///
/// fn block<A: Scalar>() -> Residual<A> {
///     Residual::new(Chain::new().add_layer("affine1", Affine::new(4)))
/// }
/// let x = RandomState::new(1).normal((6, 4), 0.0, 1.0);
/// conformance::both(&block::<f32>(), &block::<f64>(), 4.into(), x.view(), 0)?.assert();
/// # Ok::<(), manabi::Error>(())
/// ```
pub fn both(
    single: &dyn Layer<f32>,
    double: &dyn Layer<f64>,
    input: Shape,
    x: ArrayView2<'_, f64>,
    seed: u32,
) -> Result<Report> {
    // Rounds to values that both precisions represent exactly.
    let x = x.mapv(|x| f64::from(x as f32));
    let mut report = Report::new(double.kind());
    let gradients = match caught(|| gradcheck::layer_with_shape(double, input, x.view(), seed)) {
        Ok(gradients) => {
            gradients.map(|report| if report.passed() { Ok(()) } else { Err(report.to_string()) })?
        }
        Err(reason) => Err(reason),
    };
    report.check("the gradients are correct", gradients);
    let placed = caught(|| Ok::<_, Error>((single.placed(input)?, double.placed(input)?)));
    let Some((placed_single, placed_double)) = described(placed, &mut report)? else { return Ok(report) };
    let single = placed_single.as_deref().unwrap_or(single);
    let double = placed_double.as_deref().unwrap_or(double);
    let cases = caught(|| Ok::<_, Error>((case(double, input, &x, seed)?, case(single, input, &x, seed)?)));
    let Some((double, single)) = described(cases, &mut report)? else { return Ok(report) };
    let written = (examine(&single, &mut report), examine(&double, &mut report));
    if let (Some(single), Some(double)) = written {
        report.check("f32 and f64 agree", agree(&single, &double));
    }
    Ok(report)
}

/// Returns the declarations, or `None` after reporting that the layer panicked.
fn described<T>(asked: Verdict<Result<T>>, report: &mut Report) -> Result<Option<T>> {
    match asked {
        Ok(description) => description.map(Some),
        Err(reason) => {
            report.check("the declarations can be read", Err(reason));
            Ok(None)
        }
    }
}

/// Creates the operands of a layer as in training, with the same values in both precisions.
fn case<'a, A: Scalar>(
    layer: &'a dyn Layer<A>,
    input: Shape,
    x: &Array2<f64>,
    seed: u32,
) -> Result<Case<'a, A>> {
    let plan = Declared::of(layer, input)?;
    let random = &mut RandomState::new(seed);
    let both = |value: f64| A::of(f64::from(value as f32));
    let mut draw = |of: &[TensorSpec], reach: f64| -> Result<Vec<A>> {
        let mut values = Vec::<f64>::new();
        for spec in of {
            spec.draw(random, &mut values)?;
        }
        let moves = random.uniform((1, values.len()), -reach, reach);
        Ok(values.into_iter().zip(moves).map(|(value, by)| both(value + by)).collect())
    };
    let (params, buffers) = (draw(&plan.parameters, 0.4)?, draw(&plan.buffers, 0.0)?);
    let dy = random.uniform((x.nrows(), plan.output.size()), -1.0, 1.0).mapv(both);
    let noise = Noise::new(seed, 1);
    let mut case = Case { layer, input, params, buffers, x: x.mapv(both), dy, noise };
    if let Ok(trained) = case.train(0..x.nrows(), PLAIN) {
        case.buffers = trained.buffers.into_iter().map(|value| both(value.widen())).collect();
    }
    Ok(case)
}

/// Runs all checks in one precision. Returns the results of plain passes, or `None` if these fail.
fn examine<A: Scalar>(case: &Case<'_, A>, report: &mut Report) -> Option<Written<A>> {
    let precision = std::any::type_name::<A>();
    let mut check = |promise: &str, verdict| report.check(format_args!("{promise}, {precision}"), verdict);
    check("the declarations do not change", describe(case));
    let plain = match case.run(PLAIN) {
        Ok(plain) => plain,
        Err(reason) => {
            check("the passes run", Err(reason));
            return None;
        }
    };
    let again = |way| plain.same_bits(&case.run(way)?);
    check(
        "every value is overwritten, and no scratch is read before it is written",
        again(Way { poison: 0.5, ..PLAIN }),
    );
    check("the layer keeps no state between passes", again(Way { interrupted: true, ..PLAIN }));
    check("dx and the gradient can be computed separately", alone(case, &plain));
    if case.layer.row_wise(false) {
        check("row_wise is correct in prediction", predicted_in_parts(case, &plain));
    }
    if case.layer.row_wise(true) {
        check("row_wise is correct in training", trained_in_parts(case, &plain));
    }
    check("the columns of check_input are the output", columns(case, &plain));
    check("the number of threads does not change the results", threads(case));
    Some(plain)
}

fn describe<A: Scalar>(case: &Case<'_, A>) -> Verdict {
    let declared = || Declared::of(case.layer, case.input).map_err(|error| error.to_string());
    let (first, second) = (declared()?, declared()?);
    if first == second { Ok(()) } else { Err(format!("{first:?} differs from {second:?}")) }
}

fn alone<A: Scalar>(case: &Case<'_, A>, plain: &Written<A>) -> Verdict {
    let rows = 0..case.x.nrows();
    let dx = case.train(rows.clone(), Way { with_grad: false, ..PLAIN })?.dx;
    same_bits("dx", plain.trained.dx.view(), dx.view())?;
    let grad = case.train(rows, Way { with_dx: false, ..PLAIN })?.grad;
    same_bits("grad", plain.trained.grad.view(), grad.view())?;
    let apart = case.train(0..case.x.nrows(), Way { after_dx: true, ..PLAIN })?;
    same_bits("dx before grad", plain.trained.dx.view(), apart.dx.view())?;
    same_bits("grad after dx", plain.trained.grad.view(), apart.grad.view())
}

/// Returns the first row, and the rest in two parts if there are enough rows.
fn parts(rows: usize) -> impl Iterator<Item = Range<usize>> {
    let middle = 1 + rows / 2;
    [0..1, 1..middle.min(rows), middle.min(rows)..rows].into_iter().filter(|part| !part.is_empty())
}

fn predicted_in_parts<A: Scalar>(case: &Case<'_, A>, plain: &Written<A>) -> Verdict {
    parts(case.x.nrows()).try_for_each(|rows| {
        let alone = case.predict(rows.clone(), PLAIN)?;
        same_bits(&format!("y of rows {rows:?}"), part(&plain.prediction, &rows), alone.view())
    })
}

fn trained_in_parts<A: Scalar>(case: &Case<'_, A>, plain: &Written<A>) -> Verdict {
    parts(case.x.nrows()).try_for_each(|rows| {
        let alone = case.train(rows.clone(), Way { with_grad: false, ..PLAIN })?;
        let whole = part(&plain.trained.y, &rows);
        same_bits(&format!("y of rows {rows:?}"), whole, alone.y.view())?;
        let whole = part(&plain.trained.dx, &rows);
        same_bits(&format!("dx of rows {rows:?}"), whole, alone.dx.view())?;
        let mut kept = plain.trained.kept.iter().zip(&alone.kept).enumerate();
        kept.try_for_each(|(i, (whole, alone))| {
            same_bits(&format!("kept array {i} of rows {rows:?}"), part(whole, &rows), alone.view())
        })
    })
}

fn columns<A: Scalar>(case: &Case<'_, A>, plain: &Written<A>) -> Verdict {
    let checked = caught(|| case.layer.check_input(case.input, case.x.view(), 0..case.x.ncols()))?;
    // An error means that the layer accepts only other values.
    let Ok(Some(columns)) = checked else { return Ok(()) };
    if columns.start > columns.end || columns.end > case.x.ncols() {
        return Err(format!("{columns:?} of {} columns", case.x.ncols()));
    }
    let output = case.x.slice_axis(Axis(1), columns.into());
    same_bits("y in prediction", plain.prediction.view(), output)
}

fn threads<A: Scalar>(case: &Case<'_, A>) -> Verdict {
    let rows = case.x.nrows().max(DIVIDED.div_ceil(case.x.ncols().min(case.dy.ncols())));
    let rows: Vec<usize> = (0..case.x.nrows()).cycle().take(rows).collect();
    let large = case.with_rows(&rows);
    let one = large.run(PLAIN)?;
    [2, 3, 5].into_iter().try_for_each(|threads| {
        let verdict = one.same_bits(&large.run(Way { threads, ..PLAIN })?);
        verdict.map_err(|reason| format!("{threads} threads: {reason}"))
    })
}

fn agree(single: &Written<f32>, double: &Written<f64>) -> Verdict {
    single.all().into_iter().zip(double.all()).try_for_each(|((name, single), (_, double))| {
        let size = double.iter().fold(0.0_f64, |size, value| size.max(value.abs()));
        compare(name, single, double, |a, b| (f64::from(a) - b).abs() <= SINGLE * size)
    })
}
