//! Loads bytes as an ONNX file. The result is an error, or a model that can be saved and loaded again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use manabi::{Scalar, Sequential};

fuzz_target!(|bytes: &[u8]| {
    whole::<f32>(bytes);
    whole::<f64>(bytes);
});

fn whole<A: Scalar>(bytes: &[u8]) {
    let Ok(model) = Sequential::<A>::from_onnx_bytes(bytes) else { return };
    let saved = model.to_onnx_bytes().expect("a loaded model can be saved");
    let again = Sequential::<A>::from_onnx_bytes(&saved).expect("a saved model can be loaded");
    assert_eq!(again.parameter_values(), model.parameter_values());
    assert_eq!(again.to_string(), model.to_string());
}
