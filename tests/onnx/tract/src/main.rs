//! Compares the outputs of exported models with those of tract, for every built-in part.
//!
//! `cargo run --release`

#[path = "../../models.rs"]
mod models;

use std::collections::BTreeMap;

use manabi::Scalar;
use manabi::ndarray::Array2;
use manabi::onnx::Export;
use tract_onnx::prelude::{Datum, Framework, InferenceModelExt, IntoRunnable, Tensor, TractResult, tvec};

/// Parts of the messages of tract about operators of `f64` that it does not have, and about GRU, which it runs only if the
/// products of the inputs and the weights are contiguous in memory. They are not after the transposition that ONNX requires.
const MISSING: [&str; 5] = [
    "does not support F64",
    "tensor is F32, accessed as F64",
    "after rewiring expansion", // the output of GRU is F32
    "LstmEpilogue only supports f32",
    "GruSeq: xw not contiguous",
];

/// Runs the content of an ONNX file, and returns its output.
fn run<A: Scalar + Datum>(file: &[u8], x: Tensor) -> TractResult<Vec<A>> {
    let model = tract_onnx::onnx().model_for_read(&mut &*file)?.into_optimized()?.into_runnable()?;
    let y = model.run(tvec!(x.into()))?;
    Ok(y[0].to_plain_array_view::<A>()?.iter().copied().collect())
}

/// The results of all models of one precision.
#[derive(Default)]
struct Report {
    count: usize,
    greatest: (f64, String),
    /// The models that tract cannot run because of a missing operator, with its name.
    missing: BTreeMap<String, Vec<String>>,
}

/// Checks all models with any number of samples and with a fixed number.
fn check<A: Scalar + Datum>(tolerance: f64) -> Report {
    let mut report = Report::default();
    for (name, model) in models::models::<A>() {
        let x = Array2::from_shape_fn((5, model.input_dim()), |(i, j)| {
            A::of(((i * 31 + j * 17) % 41) as f64 * 0.17 - 3.3)
        });
        let shape: Vec<usize> = [5].into_iter().chain(model.input_shape().dims().iter().copied()).collect();
        let y = model.predict(x.view()).unwrap();
        for export in [Export::new(), Export::new().batch(5)] {
            let input = Tensor::from_shape(&shape, x.as_slice().unwrap()).unwrap();
            let got = match run::<A>(&export.to_bytes(&model).unwrap(), input) {
                Ok(got) => got,
                Err(error) => {
                    let reason = format!("{error:#}");
                    assert!(MISSING.iter().any(|known| reason.contains(known)), "{name}: {reason}");
                    let operator = reason.split(['"', ' ', '.']).find_map(|word| word.split_once('/'));
                    let operator = operator.map_or(reason.clone(), |(_, operator)| operator.into());
                    report.missing.entry(operator).or_default().push(name.clone());
                    continue;
                }
            };
            let error = difference(&got, &y);
            assert!(error <= tolerance, "{name}: {error:e}");
            report.count += 1;
            if error > report.greatest.0 {
                report.greatest = (error, name.clone());
            }
        }
    }
    report
}

/// Returns the greatest difference, relative to the greatest value.
fn difference<A: Scalar>(got: &[A], y: &Array2<A>) -> f64 {
    assert_eq!(got.len(), y.len());
    let most = y.iter().fold(1e-300, |most: f64, &value| most.max(value.into().abs()));
    let differences = y.iter().zip(got).map(|(&a, &b)| (a.into() - b.into()).abs());
    differences.fold(0.0, |most, own| if own <= most { most } else { own }) / most
}

fn main() {
    let single = check::<f32>(2e-6);
    assert!(single.missing.keys().all(|operator| operator == "GRU"), "{:?}", single.missing);
    print("f32", single);
    // tract computes means in f32.
    print("f64", check::<f64>(1e-6));
}

fn print(dtype: &str, report: Report) {
    let (error, name) = report.greatest;
    let count = report.count;
    println!("{dtype}: {count} files; outputs differ by at most {error:.1e} of the greatest ({name})");
    for (operator, models) in report.missing {
        println!("{dtype}: no {operator}: {} files", models.len());
    }
}
