//! ONNX files: every part of a model keeps its bits, and invalid files return errors.

mod onnx {
    pub mod foreign;
    pub mod hostile;
    pub mod models;
    pub mod round_trip;
    pub mod runtime;
    pub mod wire;
}
