//! Writes the initial inputs of the fuzzers to `corpus/model`, `corpus/onnx` and `corpus/idx`.

#[path = "../tests/onnx/models.rs"]
mod models;

use std::error::Error;
use std::fs::{create_dir_all, read, read_dir, write};

use manabi::activation::{Elu, Identity, PRelu, Sigmoid};
use manabi::data::idx;
use manabi::layer::TrainableActivation;
use manabi::loss::{BinaryCrossEntropy, MeanSquaredError};
use manabi::ndarray::{Array1, Array3, array};
use manabi::{Activation, Affine, CrossEntropy, Normalizer, Sequential, Softmax, Swish};

fn main() -> Result<(), Box<dyn Error>> {
    create_dir_all("corpus/model")?;
    create_dir_all("corpus/idx")?;
    create_dir_all("corpus/onnx")?;
    let small = Sequential::<f32>::builder(3)
        .add_layer("a", Affine::new(2))
        .add_layer("s", Activation::new(Swish::default()))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .build()?;
    write("corpus/model/small", small.to_bytes()?)?;
    let normalizer = Normalizer::min_max_per_feature(array![[0.0, 1.0, 2.0], [1.0, 2.0, 4.0]].view())?;
    let mut deep = Sequential::<f64>::builder(3)
        .add_layer("a", Affine::new(1))
        .add_layer("p", TrainableActivation::new(PRelu::default()).per_unit(true))
        .add_layer("e", Activation::new(Elu::new(0.5)))
        .add_layer("b", Affine::new(2))
        .set_output(Sigmoid)
        .set_error(BinaryCrossEntropy)
        .build()?;
    deep.set_input_normalizer(normalizer)?;
    deep.set_target_normalizer(Normalizer::min_max(array![[1.0, 2.0]].view())?)?;
    write("corpus/model/deep", deep.to_bytes()?)?;
    let no_numbers = Sequential::<f32>::builder(1)
        .add_layer("s", Activation::new(Swish::default()))
        .set_output(Identity)
        .set_error(MeanSquaredError)
        .build()?;
    write("corpus/model/no_numbers", no_numbers.to_bytes()?)?;

    for (name, model) in models::models::<f32>() {
        write_onnx(&name, model.to_onnx_bytes()?)?;
    }
    for (name, model) in models::models::<f64>() {
        write_onnx(&format!("{name}_f64"), model.to_onnx_bytes()?)?;
    }
    for file in read_dir("../tests/onnx/files")? {
        let path = file?.path();
        if path.extension().is_some_and(|ending| ending == "onnx") {
            write(format!("corpus/onnx/{}", path.file_name().unwrap_or_default().display()), read(&path)?)?;
        }
    }

    idx::write("corpus/idx/bytes", &array![[1_u8, 2], [3, 4]])?;
    idx::write("corpus/idx/bytes.gz", &Array3::from_elem((2, 3, 4), 7_u8))?;
    idx::write("corpus/idx/signed", &array![-1_i8])?;
    idx::write("corpus/idx/short", &array![-1_i16, 300])?;
    idx::write("corpus/idx/int.gz", &array![[-1_i32], [70000]])?;
    idx::write("corpus/idx/single", &array![[1.5_f32, f32::NAN]])?;
    idx::write("corpus/idx/double", &Array1::<f64>::zeros(0))?;
    Ok(())
}

/// Writes a file with and without the fingerprint. Without it, the graph defines the model.
fn write_onnx(name: &str, mut file: Vec<u8>) -> std::io::Result<()> {
    if file.len() > 16_384 {
        return Ok(());
    }
    write(format!("corpus/onnx/{name}"), &file)?;
    let entry = b"manabi.nodes";
    if let Some(at) = file.windows(entry.len()).rposition(|own| own == entry) {
        file[at] = b'M';
    }
    write(format!("corpus/onnx/{name}_graph"), file)
}
