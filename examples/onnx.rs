//! Trains a model, saves it as an ONNX file, and compares the predictions of ONNX Runtime with its own if Python has
//! `onnxruntime`. With an argument, it also loads the ONNX file of another program and prints the model.
//!
//! ```text
//! cargo run --release --example onnx -- [FILE.onnx]
//! ```
//!
//! The variable `MANABI_PYTHON` names the Python to use, by default `python3`.

use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use manabi::data::Subset;
use manabi::ndarray::{Array2, ArrayView2};
use manabi::optim::Adam;
use manabi::{Activation, Affine, CrossEntropy, Mish, Mnist, Normalizer, Sequential, Softmax, Trainer};

/// Reads samples from a file, and writes the predictions to another one.
const SCRIPT: &str = "\
import sys, numpy, onnxruntime
model, samples, predictions = sys.argv[1:]
x = numpy.fromfile(samples, numpy.float32).reshape(-1, 784)
onnxruntime.InferenceSession(model).run(None, {'x': x})[0].tofile(predictions)
";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

pub fn main() -> Result<()> {
    let Mnist { train, test } = Mnist::synthetic(2000, 100, 1)?;
    let normalizer = Normalizer::min_max(train.pixels())?;
    let (train, test) = (train.normalize(&normalizer)?, test.normalize(&normalizer)?);
    let mut model = Sequential::<f32>::builder(784)
        .add_layer("affine1", Affine::new(50))
        .add_layer("mish1", Activation::new(Mish))
        .add_layer("affine2", Affine::new(10))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .build()?;
    Trainer::new().epochs(5).optimizer(Adam::new(0.002)).fit(&mut model, &train)?;
    let samples = Subset::new(&test, (0..test.len()).collect())?.to_samples()?;
    let own = model.predict(samples.x())?;

    let folder = std::env::temp_dir().join(format!("manabi-onnx-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let path = folder.join("model.onnx");
    model.save_onnx(&path)?;
    let loaded = Sequential::<f32>::load_onnx(&path)?;
    assert_eq!(loaded.predict(samples.x())?, own);
    println!("saved {} bytes; the loaded model predicts the same bits", fs::metadata(&path)?.len());

    match onnx_runtime(&folder, &path, samples.x())? {
        Some(theirs) => {
            let difference = (&theirs - &own).iter().fold(0.0_f32, |most, value| most.max(value.abs()));
            println!("the predictions of ONNX Runtime differ by at most {difference:.1e}");
            assert!(difference < 2e-6);
        }
        None => println!("skipped: Python has no onnxruntime (pip install onnxruntime)"),
    }
    fs::remove_dir_all(&folder)?;
    let is_model = |argument: &OsString| Path::new(argument).extension().is_some_and(|end| end == "onnx");
    if let Some(other) = std::env::args_os().skip(1).find(is_model) {
        println!("{}", Sequential::<f32>::load_onnx(other)?.summary());
    }
    Ok(())
}

/// Returns the predictions of ONNX Runtime, or `None` if it is not installed.
fn onnx_runtime(folder: &Path, model: &Path, x: ArrayView2<'_, f32>) -> Result<Option<Array2<f32>>> {
    let python = std::env::var_os("MANABI_PYTHON").unwrap_or_else(|| "python3".into());
    let python = || Command::new(&python);
    let check = python().args(["-c", "import onnxruntime"]).stderr(Stdio::null()).status();
    if !check.is_ok_and(|status| status.success()) {
        return Ok(None);
    }
    let (samples, predictions) = (folder.join("x"), folder.join("y"));
    fs::write(&samples, x.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())?;
    let status = python().args(["-c", SCRIPT]).args([model, &samples, &predictions]).status()?;
    if !status.success() {
        return Err("ONNX Runtime cannot run the model".into());
    }
    let bytes = fs::read(predictions)?;
    let values = bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    Ok(Some(Array2::from_shape_vec((x.nrows(), 10), values)?))
}
